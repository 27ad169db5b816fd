//! Replication on real networks: QUIC with certificates on both sides, discovery, dialling.

mod announcers;
mod candidate;
mod certificate;
mod clock;
mod close;
mod dialler;
mod identity;
mod jitter;
pub mod limits;
mod link;
pub mod metric;
mod tls;
mod verifier;

#[cfg(test)]
mod tests;
