//! What the tests of this crate share, and the tests of whole nodes on loopback.
//!
//! Nothing here sleeps until something has probably happened: what is waited for is an event, with a time limit.

pub(crate) mod authority;
mod discovering;
mod expiry;
mod handshakes;
mod hostile;
mod intruder;
mod joining;
mod lines;
mod node;
mod over_tcp;
mod relay;
mod replicas;
