//! Replication without input or output: what an entry is, what a replica holds, and how two replicas become equal.
//!
//! Nothing here opens a socket or a file, reads a clock or draws a random number. Time and seeds are arguments;
//! effects are returned. The same code runs over QUIC and inside the simulator.
//!
//! Read in this order: [`entry`] (one immutable item), [`log`] (the hash chain of one node in one room),
//! [`checkpoint`] (the signature over a chain), [`frontier`] (what a replica holds, and its digest), [`store`]
//! (what replication asks of a disk), [`frame`] (the bytes on the wire), [`session`] (one peer), [`planner`] (no range
//! asked of two peers at once), [`replica`] (all sessions of one node together).
//!
//! What this crate must not know: tokio, quinn, SQL, chat. A body is bytes with a kind number.

pub mod admission;
pub mod blob;
pub mod bundle;
pub mod checkpoint;
pub mod digest;
pub mod entry;
pub mod event;
pub mod frame;
pub mod frontier;
pub mod hlc;
pub mod id;
pub mod limits;
pub mod log;
pub mod planner;
pub mod register;
pub mod replica;
mod session;
pub mod store;
pub mod window;
pub mod wire;
