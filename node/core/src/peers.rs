//! What this node knows of its peers right now, and which lines people have cut.

mod board;
mod clocks;
mod links;

pub(crate) use board::Alarm;
pub use board::{PeerBoard, PeerRecord, Wake};
pub use clocks::{CLOCK_SUSPECT_MS, own_offset_ms};
pub use links::{LinkState, LinkTarget, Links};
