//! Shared documents: Automerge behind a gate, so that no bytes from another office can harm a node or a document.
//!
//! The truth is the log of `DocChange` entries; a document is a cache that can be rebuilt from it at any time.
//!
//! ```text
//! bytes of an entry ─▶ scan ─▶ history ─▶ gate ─▶ page
//!                      │        │          └ Automerge on a copy, saved, loaded again, heads compared; a panic is caught
//!                      │        └ dependencies, sequence, counters, references: all in the change's own past?
//!                      └ our own reading of the bytes: every length and count bounded before it is believed
//! ```
//!
//! The first two steps are pure functions of a change and of what came before it, so every office reaches the same
//! verdict. What fails in the third is kept out by its hash and counted.

pub mod actor;
pub mod gate;
pub mod genesis;
pub mod guard;
pub mod hash;
pub mod history;
pub mod limits;
pub mod page;
pub mod scan;
#[cfg(test)]
pub(crate) mod testing;
mod text_change;

pub use actor::Actor;
pub use gate::Verdict;
pub use hash::ChangeHash;
pub use limits::Excess;
pub use page::{ApplyReport, PageEdit, PageError, PageView, PendingEdit, RoomPage, bytes_hash};
