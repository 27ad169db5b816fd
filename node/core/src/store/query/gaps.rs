//! What other nodes lack of what is held here, and the reverse: «あと何件».

use std::collections::BTreeMap;

use noroshi_sync::frontier::{HeldRange, LogState};
use noroshi_sync::id::{NodeId, RoomId};
use noroshi_sync::log::Hash;
use noroshi_sync::store::StoreError;

use super::codes::{room_id, unsigned};
use crate::store::rows::decode_above;
use crate::store::{Database, LogPk, RoomPk};

/// Entries that one of two nodes lacks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Gap {
    /// The other one is known to hold them, this node lacks them.
    pub here: u64,
    /// This node holds them, the other one has not said that it does.
    pub there: u64,
}

impl std::ops::AddAssign for Gap {
    fn add_assign(&mut self, other: Self) {
        self.here += other.here;
        self.there += other.there;
    }
}

impl Database {
    /// All rooms of which something is held or known.
    pub fn rooms_known(&self) -> Result<Vec<RoomId>, StoreError> {
        self.rows("SELECT id FROM rooms WHERE change > 0", [], |row| room_id(row, 0))
    }

    /// The gaps of one room towards every other node of its audience.
    pub fn gaps(&self, room: &RoomId) -> Result<BTreeMap<NodeId, Gap>, StoreError> {
        let Some(pk) = self.room_pk(room)? else { return Ok(BTreeMap::new()) };
        let own = self.node();
        let mine = self.all_logs(pk)?;
        let mut gaps = BTreeMap::new();
        for peer in self.audience_of(pk)?.into_iter().filter(|peer| *peer != own) {
            let theirs = self.held_by(pk, &peer)?;
            let mut gap = Gap::default();
            for (log, before, held) in &mine {
                let nothing = state(*before);
                let said = theirs.get(log).unwrap_or(&nothing);
                gap.here += count(&held.missing_from(said));
                gap.there += count(&said.missing_from(held));
            }
            gaps.insert(peer, gap);
        }
        Ok(gaps)
    }

    /// With the last place before each: branches of a log that forks are logs of their own.
    fn all_logs(&self, room: RoomPk) -> Result<Vec<(LogPk, u64, LogState)>, StoreError> {
        let rows = self.read(|database| {
            database.rows(
                "SELECT log_pk, max(branch_first - 1, 0), length, above FROM logs WHERE room_pk = ? AND NOT aside",
                [room],
                |row| Ok((row.get(0)?, unsigned(row, 1)?, state(unsigned(row, 2)?), row.get::<_, Vec<u8>>(3)?)),
            )
        })?;
        rows.into_iter()
            .map(|(log, before, state, above)| Ok((log, before, LogState { above: decode_above(&above)?.0, ..state })))
            .collect()
    }

    /// What a node says it holds of a room. Its own logs it holds as far as anybody.
    fn held_by(&self, room: RoomPk, peer: &NodeId) -> Result<BTreeMap<LogPk, LogState>, StoreError> {
        let mut held: BTreeMap<LogPk, LogState> = BTreeMap::new();
        self.each(
            "SELECT log_pk, held.length FROM logs JOIN held USING (log_pk) JOIN nodes ON nodes.node_pk = held.node_pk
             WHERE room_pk = ? AND nodes.id = ?",
            (room, peer.as_bytes()),
            |row| {
                held.insert(row.get(0)?, state(unsigned(row, 1)?));
                Ok(true)
            },
        )?;
        self.each(
            "SELECT log_pk, first, last FROM logs JOIN held_above USING (log_pk)
             JOIN nodes ON nodes.node_pk = held_above.node_pk WHERE room_pk = ? AND nodes.id = ? ORDER BY log_pk, first",
            (room, peer.as_bytes()),
            |row| {
                let range = HeldRange { first: unsigned(row, 1)?, last: unsigned(row, 2)?, hash: NO_HASH };
                held.entry(row.get(0)?).or_insert(state(0)).above.push(range);
                Ok(true)
            },
        )?;
        let own: Vec<(LogPk, u64)> = self.rows(
            "SELECT log_pk, length FROM logs JOIN nodes USING (node_pk) WHERE room_pk = ? AND nodes.id = ?",
            (room, peer.as_bytes()),
            |row| Ok((row.get(0)?, unsigned(row, 1)?)),
        )?;
        for (log, length) in own {
            let said = held.entry(log).or_insert(state(length));
            said.length = said.length.max(length);
            said.above.retain(|range| range.first > said.length);
        }
        Ok(held)
    }
}

/// Only counts matter here.
const NO_HASH: Hash = Hash::from_bytes([0; 32]);

fn state(length: u64) -> LogState {
    LogState { length, hash: NO_HASH, above: Vec::new() }
}

fn count(ranges: &[(u64, u64)]) -> u64 {
    ranges.iter().map(|(first, last)| last.saturating_sub(*first).saturating_add(1)).fold(0, u64::saturating_add)
}
