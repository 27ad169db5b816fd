//! One statement of the ledger, however many logs carry a copy of it.

use std::collections::BTreeMap;

use noroshi_sync::entry::{Entry, SignatureKind};
use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::{EntryId, NodeId, RoomId, UserId};
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
    /// The nodes in whose logs the act stands, each with its lowest stamp there.
    pub writers: BTreeMap<NodeId, Hlc>,
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
            writers: BTreeMap::from([(log.node, entry.hlc)]),
        }
    }

    /// Notes that a node carries the act; returns whether that is news.
    pub fn written_by(&mut self, node: NodeId, hlc: Hlc) -> bool {
        let known = self.writers.entry(node).or_insert(Hlc::from_raw(u64::MAX));
        let news = hlc < *known;
        *known = hlc.min(*known);
        news
    }

    /// The lowest stamp of any copy.
    pub fn stamp(&self) -> Hlc {
        self.writers.values().copied().min().unwrap_or_default()
    }

    pub fn is_signed_by_a_person(&self) -> bool {
        self.sig_alg == SignatureKind::Administrator.number()
    }

    pub fn is_attested(&self) -> bool {
        self.sig_alg == SignatureKind::AttestedByNode.number()
    }
}
