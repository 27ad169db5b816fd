//! One office's node: rooms, people and messages over a SQLite store. No HTTP, no sockets.

pub mod error;
pub mod view;
