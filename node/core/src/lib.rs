//! One office's node: rooms, people and messages over a SQLite store. No HTTP, no sockets.

pub mod body;
pub mod clock;
pub mod error;
pub mod kinds;
pub mod limits;
pub mod peers;
pub mod resolve;
pub mod text;
pub mod view;
