//! All connections of this node, and which of them carry sessions.

use std::collections::BTreeMap;

use noroshi_sync::id::NodeId;

use crate::carrier::Transport;
use crate::close::{CloseCode, Ended};
use crate::connection::Connection;
use crate::pairing::{ConnectionNumber, Member, Pairing, Verdict};

/// See the module.
pub(crate) struct Peers {
    own: NodeId,
    pairings: BTreeMap<NodeId, Pairing>,
    connections: BTreeMap<ConnectionNumber, Connection>,
    last_number: u64,
}

/// What a change means for the session with a peer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    None,
    /// A session begins on this connection; one that ran is over.
    Begun {
        peer: NodeId,
        number: ConnectionNumber,
    },
    /// The last connection is gone.
    Lost {
        peer: NodeId,
        ended: Ended,
    },
}

impl Peers {
    pub fn new(own: NodeId) -> Self {
        Self { own, pairings: BTreeMap::new(), connections: BTreeMap::new(), last_number: 0 }
    }

    pub fn next_number(&mut self) -> ConnectionNumber {
        self.last_number += 1;
        ConnectionNumber(self.last_number)
    }

    pub fn add(&mut self, connection: Connection) -> Change {
        let (peer, number) = (connection.peer, connection.number);
        let transport = connection.carrier.transport();
        let member = Member { number, side: connection.side, transport, run: connection.run };
        self.connections.insert(number, connection);
        let verdict = self.pairings.entry(peer).or_insert_with(|| Pairing::new(&self.own, &peer)).add(member);
        self.carry_out(peer, verdict)
    }

    /// The connection has ended. One that was closed from here is already forgotten.
    pub fn remove(&mut self, number: ConnectionNumber, ended: Ended) -> Change {
        let Some(connection) = self.connections.remove(&number) else { return Change::None };
        let peer = connection.peer;
        let Some(pairing) = self.pairings.get_mut(&peer) else { return Change::None };
        let was_active = pairing.active() == Some(number);
        let verdict = pairing.remove(number);
        if pairing.active().is_none() {
            self.pairings.remove(&peer);
            return if was_active { Change::Lost { peer, ended } } else { Change::None };
        }
        self.carry_out(peer, verdict)
    }

    /// Closes everything between this node and the peer.
    pub fn close(&mut self, peer: &NodeId, code: CloseCode) -> Change {
        let Some(pairing) = self.pairings.remove(peer) else { return Change::None };
        for number in pairing.numbers() {
            if let Some(connection) = self.connections.remove(&number) {
                connection.close(code);
            }
        }
        Change::Lost { peer: *peer, ended: Ended::ByUs(code) }
    }

    pub fn get_mut(&mut self, number: ConnectionNumber) -> Option<&mut Connection> {
        self.connections.get_mut(&number)
    }

    /// The connection that carries the session with a peer.
    pub fn active(&self, peer: &NodeId) -> Option<&Connection> {
        self.connections.get(&self.pairings.get(peer)?.active()?)
    }

    /// The peer whose session runs on this connection.
    pub fn session_on(&self, number: ConnectionNumber) -> Option<NodeId> {
        let peer = self.connections.get(&number)?.peer;
        (self.pairings.get(&peer)?.active() == Some(number)).then_some(peer)
    }

    /// What carries the session with a peer.
    pub fn transport(&self, peer: &NodeId) -> Option<Transport> {
        self.active(peer).map(|connection| connection.carrier.transport())
    }

    pub fn is_connected(&self, peer: &NodeId) -> bool {
        self.pairings.contains_key(peer)
    }

    pub fn connected(&self) -> impl Iterator<Item = &NodeId> {
        self.pairings.keys()
    }

    pub fn count(&self) -> usize {
        self.pairings.len()
    }

    fn carry_out(&mut self, peer: NodeId, verdict: Verdict) -> Change {
        for (number, code) in verdict.close {
            if let Some(connection) = self.connections.remove(&number) {
                connection.close(code);
            }
        }
        verdict.activate.map_or(Change::None, |number| Change::Begun { peer, number })
    }
}
