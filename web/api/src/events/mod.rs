//! What happens at the node, pushed to browsers: by WebSocket, or as server-sent events where something breaks those.
//!
//! A [`feed::Feed`] turns the node's events into those of one reader, from a cursor on, without loss and without an
//! endless queue. [`socket`] and [`stream`] are its two carriers; [`wire`] is what travels.

pub mod admission;
pub mod feed;
pub mod log_outs;
pub mod reader;
pub mod socket;
pub mod stream;
pub mod wire;
