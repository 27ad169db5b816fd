//! The connections of this moment, for whoever wants to look.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use noroshi_sync::id::NodeId;
use noroshi_sync::store::Scope;

use crate::carrier::{Carrier, Transport};
use crate::link::Via;
use crate::pairing::Side;
use crate::validity::Validity;

/// One connection that carries a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConnectionView {
    pub peer: NodeId,
    /// Milliseconds since 1970.
    pub since_ms: u64,
    /// How the peer's address came to be known.
    pub via: Via,
    /// Who dialled.
    pub dialled_by: Side,
    pub remote_address: SocketAddr,
    pub transport: Transport,
    /// What both sides exchange.
    pub scope: Scope,
    /// When the peer's certificate ends, milliseconds since 1970.
    pub certificate_until_ms: Option<u64>,
    /// Round trip, smoothed; over TCP zero until one was measured.
    pub rtt: Duration,
    /// Bytes of UDP payload, or of TLS records over TCP, sent and received on this connection.
    pub sent_bytes: u64,
    pub received_bytes: u64,
}

#[derive(Clone)]
pub(crate) struct Row {
    since_ms: u64,
    via: Via,
    side: Side,
    scope: Scope,
    carrier: Carrier,
}

/// Written by the driver, read by anybody.
#[derive(Clone, Default)]
pub(crate) struct Roster(Arc<RwLock<BTreeMap<NodeId, Row>>>);

impl Roster {
    pub fn insert(&self, peer: NodeId, row: Row) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(peer, row);
    }

    pub fn remove(&self, peer: &NodeId) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(peer);
    }

    pub fn view(&self) -> Vec<ConnectionView> {
        let rows = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        rows.into_iter().map(|(peer, row)| row.view(peer)).collect()
    }
}

impl Row {
    pub fn new(since_ms: u64, via: Via, side: Side, scope: Scope, carrier: Carrier) -> Self {
        Self { since_ms, via, side, scope, carrier }
    }

    fn view(&self, peer: NodeId) -> ConnectionView {
        let (sent_bytes, received_bytes) = self.carrier.bytes();
        ConnectionView {
            peer,
            since_ms: self.since_ms,
            via: self.via,
            dialled_by: self.side,
            remote_address: self.carrier.remote_address(),
            transport: self.carrier.transport(),
            scope: self.scope,
            certificate_until_ms: Validity::of_chain(&self.carrier.certificates())
                .ok()
                .map(|validity| validity.until_ms),
            rtt: self.carrier.round_trip(),
            sent_bytes,
            received_bytes,
        }
    }
}
