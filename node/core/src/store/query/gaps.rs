//! What other nodes lack of what is held here, and the reverse: «あと何件».

use std::collections::BTreeMap;

use noroshi_sync::entry::Lane;
use noroshi_sync::frontier::{HeldRange, LogState};
use noroshi_sync::id::{NodeId, RoomId};
use noroshi_sync::log::Hash;
use noroshi_sync::store::StoreError;

use super::codes::{room_id, unsigned};
use crate::store::error::damaged;
use crate::store::rows::decode_above;
use crate::store::{Database, LogPk, RoomPk};

/// Entries that one of two nodes lacks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Gap {
    /// The other one is known to hold them, this node lacks them.
    pub here: u64,
    /// This node holds them, the other one has not said that it does.
    pub there: u64,
    /// The same by what goes first.
    pub(crate) classes: [Sides; Class::ALL.len()],
}

/// Entries missing on either side.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sides {
    pub here: u64,
    pub there: u64,
}

/// What waits, in the order in which it goes over a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    Urgent,
    /// Members, rights, devices.
    Policy,
    /// The last [`NEWEST`] of each log.
    Newest,
    /// Everything before.
    History,
}

impl Class {
    pub const ALL: [Self; 4] = [Self::Urgent, Self::Policy, Self::Newest, Self::History];

    const fn index(self) -> usize {
        match self {
            Self::Urgent => 0,
            Self::Policy => 1,
            Self::Newest => 2,
            Self::History => 3,
        }
    }
}

/// One page of a room.
const NEWEST: u64 = 50;

impl Gap {
    pub fn of(&self, class: Class) -> Sides {
        self.classes.get(class.index()).copied().unwrap_or_default()
    }

    fn add(&mut self, lane: Lane, missing: Sides) {
        self.here = self.here.saturating_add(missing.here);
        self.there = self.there.saturating_add(missing.there);
        let newest = Sides { here: missing.here.min(NEWEST), there: missing.there.min(NEWEST) };
        match lane {
            Lane::Urgent => self.add_class(Class::Urgent, missing),
            Lane::Policy => self.add_class(Class::Policy, missing),
            Lane::Normal => {
                self.add_class(Class::Newest, newest);
                let before = Sides { here: missing.here - newest.here, there: missing.there - newest.there };
                self.add_class(Class::History, before);
            }
        }
    }

    fn add_class(&mut self, class: Class, more: Sides) {
        if let Some(sides) = self.classes.get_mut(class.index()) {
            sides.here = sides.here.saturating_add(more.here);
            sides.there = sides.there.saturating_add(more.there);
        }
    }

    /// Of `other` in `self`, which may be one side of a sum.
    fn each(&mut self, other: &Self, change: fn(u64, u64) -> u64) {
        self.here = change(self.here, other.here);
        self.there = change(self.there, other.there);
        for (mine, its) in self.classes.iter_mut().zip(&other.classes) {
            mine.here = change(mine.here, its.here);
            mine.there = change(mine.there, its.there);
        }
    }
}

impl std::ops::AddAssign for Gap {
    fn add_assign(&mut self, other: Self) {
        self.each(&other, u64::saturating_add);
    }
}

impl std::ops::SubAssign for Gap {
    fn sub_assign(&mut self, other: Self) {
        self.each(&other, u64::saturating_sub);
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
            for (log, lane, before, held) in &mine {
                let nothing = state(*before);
                let said = theirs.get(log).unwrap_or(&nothing);
                let missing = Sides { here: count(&held.missing_from(said)), there: count(&said.missing_from(held)) };
                gap.add(*lane, missing);
            }
            gaps.insert(peer, gap);
        }
        Ok(gaps)
    }

    /// Bytes of one entry on average, by those that were stored last: for people who want to know how much is to come.
    pub fn entry_bytes(&self) -> Result<u64, StoreError> {
        let average = self.row(
            "SELECT cast(avg(length(bytes)) AS INTEGER) FROM (SELECT bytes FROM entries ORDER BY entry_pk DESC LIMIT 256)",
            [],
            |row| row.get::<_, Option<i64>>(0),
        )?;
        Ok(average.flatten().map_or(0, i64::cast_unsigned))
    }

    /// With the last place before each: branches of a log that forks are logs of their own.
    fn all_logs(&self, room: RoomPk) -> Result<Vec<(LogPk, Lane, u64, LogState)>, StoreError> {
        let rows = self.read(|database| {
            database.rows(
                "SELECT log_pk, max(branch_first - 1, 0), length, above, lane FROM logs WHERE room_pk = ? AND NOT aside",
                [room],
                |row| {
                    let (before, above) = (unsigned(row, 1)?, row.get::<_, Vec<u8>>(3)?);
                    Ok((row.get(0)?, before, state(unsigned(row, 2)?), above, row.get::<_, u8>(4)?))
                },
            )
        })?;
        rows.into_iter()
            .map(|(log, before, state, above, lane)| {
                let lane = lane_of(lane)?;
                Ok((log, lane, before, LogState { above: decode_above(&above)?.0, ..state }))
            })
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

fn lane_of(number: u8) -> Result<Lane, StoreError> {
    Lane::from_number(number).ok_or_else(|| damaged(format!("a log of lane {number}")))
}

fn state(length: u64) -> LogState {
    LogState { length, hash: NO_HASH, above: Vec::new() }
}

fn count(ranges: &[(u64, u64)]) -> u64 {
    ranges.iter().map(|(first, last)| last.saturating_sub(*first).saturating_add(1)).fold(0, u64::saturating_add)
}
