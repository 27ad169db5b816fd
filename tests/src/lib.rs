//! What the whole-system tests and the load generator share: the real binary as processes, a client of its HTTP
//! interface, a city set up by the real commands.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub mod city;
pub mod client;
pub mod faults;
pub mod lab;
pub mod process;
pub mod sentences;
pub mod staff;
pub mod thin;
pub mod wait;
