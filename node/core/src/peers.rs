//! What this node knows of its peers right now, and which lines people have cut.

mod board;
mod clocks;
mod links;

pub use board::{PeerBoard, PeerRecord};
pub use links::{LinkState, LinkTarget, Links};
