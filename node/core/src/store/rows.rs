//! Rooms, logs and audiences as the writer changes them, and their form in the tables.

use noroshi_sync::digest::Digest;
use noroshi_sync::frontier::{HeldRange, LogState};
use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::RoomId;
use noroshi_sync::log::{Hash, LogId};
use noroshi_sync::store::StoreError;

use super::error::damaged;
use super::keys::{AudiencePk, RoomPk};

/// Whether a room is about the organisation itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Ledger {
    #[default]
    No,
    /// The directory, or the secrets of an office.
    Yes,
    /// The public ledger: where writers that are not enrolled yet present themselves.
    Public,
}

impl Ledger {
    pub(in crate::store) const fn number(self) -> i64 {
        self as i64
    }
    pub(in crate::store) fn from_number(number: i64) -> Result<Self, StoreError> {
        match number {
            0 => Ok(Self::No),
            1 => Ok(Self::Yes),
            2 => Ok(Self::Public),
            other => Err(damaged(format!("a room is ledger {other}"))),
        }
    }
}

/// A run of entries that are held: both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct Run {
    pub first: u64,
    pub last: u64,
    /// h(first − 1).
    pub base: Hash,
    /// h(last).
    pub end: Hash,
}

/// The head of a log.
#[derive(Debug, Clone)]
pub(in crate::store) struct LogRow {
    pub id: LogId,
    pub room: RoomPk,
    pub state: LogState,
    /// What its first entry is chained to.
    pub base: Hash,
    /// Of a log that forks, and joins nothing that is held: kept, and no line of the frontier.
    pub aside: bool,
    /// The log has other rows: branches, or runs aside.
    pub forked: bool,
    /// h(first − 1) of each run in `state.above`.
    pub bases: Vec<Hash>,
    /// What the log contributes to the digest of its room on disk.
    pub line: Digest,
    /// The newest checkpoint at or below `state.length`.
    pub mark: u64,
    /// The newest checkpoint that is never dropped again; at most `mark`.
    pub kept: u64,
    /// Bytes of the entries in (`kept`, `mark`].
    pub kept_bytes: u64,
    /// Bytes of the entries in (`mark`, `length`]; nothing after a COMMIT, since every head is signed.
    pub unsigned_bytes: u64,
}

impl LogRow {
    pub fn empty(id: LogId, room: RoomPk) -> Self {
        Self {
            id,
            room,
            state: LogState::empty(&id),
            base: id.genesis(),
            aside: false,
            forked: false,
            bases: Vec::new(),
            line: Digest::EMPTY,
            mark: 0,
            kept: 0,
            kept_bytes: 0,
            unsigned_bytes: 0,
        }
    }

    /// The part of the room's digest; a log that is only known of has none.
    pub fn current_line(&self) -> Digest {
        if self.aside || self.count() == 0 { Digest::EMPTY } else { self.state.digest(&self.id) }
    }

    /// Entries in this row: of a branch, without what is before it.
    pub fn count(&self) -> u64 {
        self.state.count().saturating_sub(self.id.before())
    }

    /// The contiguous part, which may be empty.
    pub fn stem(&self) -> Run {
        Run { first: self.id.before() + 1, last: self.state.length, base: self.base, end: self.state.hash }
    }

    /// Everything held, ascending.
    pub fn runs(&self) -> Vec<Run> {
        let contiguous = (self.state.length > self.id.before()).then(|| self.stem());
        let above = self.state.above.iter().zip(&self.bases).map(|(range, base)| Run {
            first: range.first,
            last: range.last,
            base: *base,
            end: range.hash,
        });
        contiguous.into_iter().chain(above).collect()
    }

    pub fn encode_above(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.state.above.len() * ABOVE_BYTES);
        for (range, base) in self.state.above.iter().zip(&self.bases) {
            bytes.extend_from_slice(&range.first.to_be_bytes());
            bytes.extend_from_slice(&range.last.to_be_bytes());
            bytes.extend_from_slice(base.as_bytes());
            bytes.extend_from_slice(range.hash.as_bytes());
        }
        bytes
    }
}

/// first, last, h(first − 1), h(last).
const ABOVE_BYTES: usize = 8 + 8 + 32 + 32;

/// The column `above`: runs and the hashes they are chained to.
pub(in crate::store) fn decode_above(bytes: &[u8]) -> Result<(Vec<HeldRange>, Vec<Hash>), StoreError> {
    let (records, rest) = bytes.as_chunks::<ABOVE_BYTES>();
    if !rest.is_empty() {
        return Err(damaged("the runs of a log are cut off"));
    }
    Ok(records.iter().map(decode_run).unzip())
}

fn decode_run(record: &[u8; ABOVE_BYTES]) -> (HeldRange, Hash) {
    let number = |at: usize| {
        let mut bytes = [0; 8];
        bytes.iter_mut().zip(record.iter().skip(at)).for_each(|(to, from)| *to = *from);
        u64::from_be_bytes(bytes)
    };
    let hash = |at: usize| {
        let mut bytes = [0; 32];
        bytes.iter_mut().zip(record.iter().skip(at)).for_each(|(to, from)| *to = *from);
        Hash::from_bytes(bytes)
    };
    (HeldRange { first: number(0), last: number(8), hash: hash(48) }, hash(16))
}

/// A room as the writer sees it.
#[derive(Debug, Clone)]
pub(in crate::store) struct RoomRow {
    pub id: RoomId,
    pub ledger: Ledger,
    pub audience: Option<AudiencePk>,
    pub digest: Digest,
    /// The digest that the sum of the audience includes.
    pub counted: Digest,
    pub hlc: Hlc,
    pub change: u64,
    /// The transaction in which the room was given `change`.
    pub touched_in: u64,
}

/// The sums of one audience.
#[derive(Debug, Clone)]
pub(in crate::store) struct AudienceRow {
    pub rooms: Digest,
    pub ledgers: Digest,
}

impl AudienceRow {
    pub fn sum(&mut self, ledger: Ledger) -> &mut Digest {
        if ledger == Ledger::No { &mut self.rooms } else { &mut self.ledgers }
    }
}

#[cfg(test)]
mod tests {
    use noroshi_sync::entry::Lane;
    use noroshi_sync::id::{Epoch, NodeId};

    use super::*;

    #[test]
    fn runs_survive_the_column() {
        let hash = |number| Hash::from_bytes([number; 32]);
        let id = LogId::new(RoomId::from_bytes([1; 16]), NodeId::from_bytes([2; 32]), Epoch(3), Lane::Normal);
        let mut row = LogRow::empty(id, RoomPk(1));
        row.state.above = vec![
            HeldRange { first: 3, last: 9, hash: hash(4) },
            HeldRange { first: 11, last: u64::MAX - 1, hash: hash(5) },
        ];
        row.bases = vec![hash(6), hash(7)];
        let (above, bases) = decode_above(&row.encode_above()).unwrap();
        assert_eq!((above, bases), (row.state.above, row.bases));
        assert!(decode_above(&[0; 79]).is_err());
    }
}
