//! One statement of the ledger, however many logs carry a copy of it.

use std::collections::BTreeMap;

use noroshi_sync::entry::{Entry, SignatureKind};
use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::{EntryId, Epoch, NodeId, RoomId, UserId};
use noroshi_sync::log::{Hash, LogId};

use super::body::LedgerBody;

/// Entries with equal ids and equal contents are one act. Two contents under one id are two acts; a copy with a broken
/// signature is an act of its own and cannot stand in the way of the genuine one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ActKey {
    pub id: EntryId,
    pub content: Hash,
}

impl ActKey {
    pub fn of(room: RoomId, entry: &Entry) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&entry.statement(room));
        hasher.update(entry.auth_ref.as_bytes());
        hasher.update(&[entry.version, entry.sig_alg]);
        hasher.update(entry.sig.as_deref().unwrap_or_default());
        Self { id: entry.id, content: Hash::from_bytes(*hasher.finalize().as_bytes()) }
    }
}

pub struct Act {
    pub room: RoomId,
    pub author: UserId,
    pub auth_ref: EntryId,
    pub sig_alg: u8,
    pub sig: Vec<u8>,
    /// What a signature is over.
    pub statement: [u8; 32],
    pub body: LedgerBody,
    /// The nodes in whose logs the act stands, each with the place of its lowest stamp there.
    pub writers: BTreeMap<NodeId, Place>,
}

/// Where a node wrote an act down. The lower stamp comes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place {
    pub stamp: Hlc,
    pub epoch: Epoch,
    pub seq: u64,
}

impl Place {
    pub fn of(log: &LogId, entry: &Entry) -> Self {
        Self { stamp: entry.hlc, epoch: log.epoch, seq: entry.seq }
    }
}

impl Act {
    pub fn new(log: &LogId, entry: &Entry, body: LedgerBody) -> Self {
        Self {
            room: log.room,
            author: entry.author,
            auth_ref: entry.auth_ref,
            sig_alg: entry.sig_alg,
            sig: entry.sig.clone().unwrap_or_default(),
            statement: entry.statement(log.room),
            body,
            writers: BTreeMap::from([(log.node, Place::of(log, entry))]),
        }
    }

    /// Notes that a node carries the act; returns whether that is news.
    pub fn written_at(&mut self, log: &LogId, entry: &Entry) -> bool {
        let place = Place::of(log, entry);
        let known = self.writers.get(&log.node);
        if known.is_some_and(|known| *known <= place) {
            return false;
        }
        self.writers.insert(log.node, place);
        true
    }

    /// The lowest stamp of any copy.
    pub fn stamp(&self) -> Hlc {
        self.writers.values().map(|place| place.stamp).min().unwrap_or_default()
    }

    pub fn is_signed_by_a_person(&self) -> bool {
        self.sig_alg == SignatureKind::Administrator.number()
    }

    pub fn is_attested(&self) -> bool {
        self.sig_alg == SignatureKind::AttestedByNode.number()
    }
}
