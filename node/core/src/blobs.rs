//! Files that go with messages: what is taken, how pictures are made harmless, and where the bytes lie.

mod kind;
mod name;
mod part;
mod picture;
mod proof;
mod shelf;
mod space;

pub use kind::{Kind, KindError};
pub use name::{clean_name, is_clean_name, with_extension};
pub use picture::{Remade, Unreadable, remake};
pub use shelf::{Incoming, Shelf, Stored, Taking};
pub use space::{Quota, Room};
