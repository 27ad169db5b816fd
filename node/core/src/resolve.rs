//! What a set of entries means, as pure functions: any order, duplicates and orphans give the same answer.

pub mod cell;
pub mod standing;
