//! Replication on real networks: QUIC, or TLS over TCP, with certificates on both sides, discovery, dialling.
//!
//! [`Net::start`] opens the sockets and runs one task, the driver, which owns all state: the sessions of
//! `noroshi-sync`, the connections, and the dialler. Everything else reports to it over bounded queues.
//!
//! ```text
//!   certificate, identity, verifier, tls     who is who; nothing below is reached without it
//!   endpoint, listener, accept, dial         sockets; attempts of others; attempts of ours
//!   tcp, carrier                             streams on TCP; QUIC or TCP as one thing
//!   congestion                               how much may be under way over QUIC
//!   greeting, stream, connection             first words, frames on streams, the tasks of a connection
//!   pairing, peers                           which of two connections carries the session
//!   candidate, announcers, dialler           whom to dial and when: no sockets, no clock
//!   locality                                 which addresses are near
//!   discovery                                announcements on the local network
//!   join                                     one question of a node that has no certificate yet
//!   runtime                                  quinn on tokio, its tasks counted
//!   store_port, driver, roster, net          the driver, its store, and what the program sees of it
//! ```
//!
//! What this crate must not know: what is in a frame, what a store is made of, who may join.

mod accept;
mod announcers;
mod candidate;
mod carrier;
mod certificate;
mod clock;
mod close;
mod congestion;
mod connection;
mod dial;
mod dialler;
mod discovery;
mod doubles;
mod driver;
mod endpoint;
mod greeting;
mod identity;
mod jitter;
mod join;
pub mod limits;
mod link;
mod listener;
mod locality;
pub mod metric;
mod net;
mod pairing;
mod peers;
mod report;
mod roster;
mod runtime;
mod store_port;
mod stream;
mod tcp;
mod tls;
mod validity;
mod verifier;

pub use candidate::Target;
pub use carrier::Transport;
pub use certificate::{InvalidCertificate, node_of, organisation_fingerprint, root_public_key};
pub use clock::{Clock, SystemClock};
pub use close::{CloseCode, Ended};
pub use discovery::SERVICE;
pub use endpoint::SettingsError;
pub use identity::{Identity, InvalidIdentity};
pub use join::{JoinAnswer, JoinError, JoinPort, join};
pub use link::{LinkPhase, LinkState, NetEvent, Via};
pub use net::{Config, DiscoveryConfig, Net, NetClosed, Patience, SetIdentityError, StartError};
pub use pairing::Side;
pub use roster::ConnectionView;
pub use store_port::{Answering, StorePort};
pub use tls::{ALPN_JOIN, ALPN_SYNC};
pub use validity::{KnownTime, Standing, Validity};

#[cfg(test)]
mod tests;
