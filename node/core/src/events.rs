//! What happened at this node, on its way to the people who have it open.

mod happening;

pub use happening::Happening;
