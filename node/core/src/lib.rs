//! One office's node: rooms, people and messages over a SQLite store. No HTTP, no sockets.

pub mod body;
pub mod clock;
pub mod deeds;
pub mod document;
pub mod error;
pub mod events;
pub mod fixture;
pub mod kinds;
pub mod limits;
pub mod peers;
mod people;
pub mod resolve;
pub mod store;
pub mod text;
pub mod view;
