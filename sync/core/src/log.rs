//! The hash chain of what one node wrote in one room, in one epoch and lane.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::entry::Lane;
use crate::id::{Epoch, NodeId, RoomId};

/// A 32-byte BLAKE3 hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hash([u8; 32]);

impl Hash {
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
    /// The first 8 digits, for people.
    pub fn short(&self) -> String {
        self.to_string().chars().take(8).collect()
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hash({}…)", self.short())
    }
}

/// One of several continuations of the same beginning: its node ran twice at once and signed more than one history. It
/// is named by its first entry, so that every replica gives it the same name whatever arrived first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Branch {
    /// The place of its first entry, from 1.
    pub first: u64,
    /// h(first).
    pub hash: Hash,
}

/// The name of a log, or of one branch of a log that forks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct LogId {
    pub room: RoomId,
    pub node: NodeId,
    pub epoch: Epoch,
    pub lane: Lane,
    /// `None` for the trunk: the whole log, or what is before its first fork. No part of what is hashed and signed, since
    /// a writer knows of no fork.
    pub branch: Option<Branch>,
}

impl LogId {
    /// A log as its writer knows it.
    pub const fn new(room: RoomId, node: NodeId, epoch: Epoch, lane: Lane) -> Self {
        Self { room, node, epoch, lane, branch: None }
    }

    /// The log of which this is a branch; itself when it is none.
    #[must_use]
    pub const fn trunk(&self) -> Self {
        Self { branch: None, ..*self }
    }

    /// The branch of the same log that begins with this entry.
    #[must_use]
    pub const fn branch(&self, first: u64, hash: Hash) -> Self {
        Self { branch: Some(Branch { first, hash }), ..*self }
    }

    /// The last place before its own entries: 0 for the trunk.
    pub fn before(&self) -> u64 {
        self.branch.map_or(0, |branch| branch.first.saturating_sub(1))
    }

    /// 57 bytes: room, node, epoch (big endian), lane. The form that is hashed and signed, the same for all branches.
    pub fn to_bytes(&self) -> [u8; 57] {
        let mut bytes = [0u8; 57];
        let (room, rest) = bytes.split_at_mut(16);
        let (node, rest) = rest.split_at_mut(32);
        let (epoch, lane) = rest.split_at_mut(8);
        room.copy_from_slice(self.room.as_bytes());
        node.copy_from_slice(self.node.as_bytes());
        epoch.copy_from_slice(&self.epoch.0.to_be_bytes());
        lane.copy_from_slice(&[self.lane.number()]);
        bytes
    }

    /// h(0): what the first entry is chained to.
    pub fn genesis(&self) -> Hash {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"noroshi/log/1");
        hasher.update(&self.to_bytes());
        Hash(*hasher.finalize().as_bytes())
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.room, self.node.short(), self.epoch, self.lane)?;
        match self.branch {
            Some(branch) => write!(f, "/{}@{}", branch.first, branch.hash.short()),
            None => Ok(()),
        }
    }
}

/// e(n): the hash of one encoded entry. It stays when the body is erased, so the chain still verifies.
pub fn entry_hash(encoded: &[u8]) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"noroshi/entry/1");
    hasher.update(encoded);
    Hash(*hasher.finalize().as_bytes())
}

/// h(n) from h(n−1) and e(n).
pub fn chain(previous: Hash, entry: Hash) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"noroshi/chain/1");
    hasher.update(&previous.0);
    hasher.update(&entry.0);
    Hash(*hasher.finalize().as_bytes())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub fn sample_log() -> LogId {
        LogId {
            room: RoomId::from_bytes([1; 16]),
            node: NodeId::from_bytes([9; 32]),
            epoch: Epoch(0x0102_0304_0506_0708),
            lane: Lane::Normal,
            branch: None,
        }
    }

    #[test]
    fn lanes_and_epochs_are_logs_of_their_own() {
        let log = sample_log();
        assert_ne!(log.genesis(), LogId { lane: Lane::Urgent, ..log }.genesis());
        assert_ne!(log.genesis(), LogId { epoch: Epoch(1), ..log }.genesis());
        // A branch is chained and signed under the name its writer knew.
        assert_eq!(log.genesis(), log.branch(7, log.genesis()).genesis());
    }
}
