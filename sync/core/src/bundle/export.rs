//! Writes a bundle out of a store, record by record: the ledger, then rights of rooms, alarms, and the rest.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::{BUNDLE_VERSION, DESTINATIONS_MAX, Header, Record, message};
use crate::checkpoint::NodeKey;
use crate::entry::{Entry, Lane};
use crate::frame::Payload;
use crate::frontier::{Frontier, LogState};
use crate::id::{NodeId, RoomId};
use crate::limits::WINDOW_BYTES_MAX;
use crate::log::LogId;
use crate::store::ledger_only::ledger_among;
use crate::store::{LogRange, RoomLines, Store, StoreError};
use crate::window::{Item, Window};

/// Rooms looked at in one step.
const ROOMS_A_STEP: usize = 32;
/// Uncompressed bytes of a page of entries; with its last window it still fits into a record or is cut.
const PAGE_BYTES: usize = 192 * 1024;

/// What of the ordinary lanes is left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Since {
    /// Nothing but what every destination is known to hold.
    Missing,
    /// Nothing at all.
    Beginning,
    /// Entries written before this moment, milliseconds since 1970, and what every destination is known to hold.
    Wall(u64),
}

/// The parts of a bundle, in their order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Part {
    Ledger,
    Policies,
    Urgent,
    Normal,
}

impl Part {
    const ALL: [Self; 4] = [Self::Ledger, Self::Policies, Self::Urgent, Self::Normal];

    fn takes(self, is_ledger: bool, lane: Lane) -> bool {
        match self {
            Self::Ledger => is_ledger,
            Self::Policies => !is_ledger && lane == Lane::Policy,
            Self::Urgent => !is_ledger && lane == Lane::Urgent,
            Self::Normal => !is_ledger && lane == Lane::Normal,
        }
    }
}

/// A bundle being written. Each call of [`Self::next`] reads a bounded part of the store.
#[derive(Debug)]
pub struct Exporter {
    key: Arc<NodeKey>,
    header: Header,
    since: Since,
    /// Rooms that every destination may hold, and whether they are ledger.
    rooms: Vec<(RoomId, bool)>,
    /// What is still to be looked at: a part and a place among the rooms.
    left: VecDeque<(Part, usize)>,
    /// Read from the store and not written yet.
    ready: VecDeque<Record>,
    ranges: Vec<LogRange>,
    place: u64,
    ended: bool,
    entries: u64,
}

impl Exporter {
    /// A bundle for these nodes; `id` must be random.
    pub fn new<S: Store + ?Sized>(
        store: &S,
        key: Arc<NodeKey>,
        id: [u8; 16],
        made_ms: u64,
        destinations: BTreeSet<NodeId>,
        since: Since,
    ) -> Result<Self, StoreError> {
        if destinations.is_empty() || destinations.len() > DESTINATIONS_MAX {
            return Err(StoreError::Invalid("a bundle is for one node at least".into()));
        }
        let rooms = common_rooms(store, &destinations)?;
        let steps = 0..rooms.len().div_ceil(ROOMS_A_STEP);
        let left = Part::ALL.into_iter().flat_map(|part| steps.clone().map(move |step| (part, step * ROOMS_A_STEP)));
        let destinations = destinations.into_iter().collect();
        let header = Header { version: BUNDLE_VERSION, id, from: key.node(), made_ms, destinations };
        let ready = VecDeque::from([Record::Header(header.clone())]);
        let (left, ranges) = (left.collect(), Vec::new());
        Ok(Self { key, header, since, rooms, left, ready, ranges, place: 0, ended: false, entries: 0 })
    }

    /// Rooms in the bundle, the ledger's included.
    pub fn rooms(&self) -> usize {
        self.rooms.len()
    }

    /// Entries written so far.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// Steps done and steps in all, for whoever waits.
    pub fn progress(&self) -> (usize, usize) {
        let all = Part::ALL.len() * self.rooms.len().div_ceil(ROOMS_A_STEP);
        (all - self.left.len(), all)
    }

    /// The bytes of the next record, or `None` after the last.
    pub fn next<S: Store + ?Sized>(&mut self, store: &S) -> Result<Option<Vec<u8>>, StoreError> {
        loop {
            if let Some(record) = self.ready.pop_front() {
                return Ok(Some(self.sign(&record)));
            }
            if !self.ranges.is_empty() {
                self.read_windows(store)?;
            } else if let Some((part, from)) = self.left.pop_front() {
                self.look_at(store, part, from)?;
            } else if self.ended {
                return Ok(None);
            } else {
                self.ended = true;
                self.ready.push_back(Record::End { records: self.place });
            }
        }
    }

    fn sign(&mut self, record: &Record) -> Vec<u8> {
        let content = record.encode();
        let signature = self.key.sign(&message(&self.header.id, self.place, &content));
        self.place += 1;
        // A payload is cut to the size of a frame, a header holds 128 KiB of destinations at most.
        let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
        [length.to_be_bytes().as_slice(), signature.as_bytes(), &content].concat()
    }

    /// Finds out what the destinations lack of the next rooms.
    fn look_at<S: Store + ?Sized>(&mut self, store: &S, part: Part, from: usize) -> Result<(), StoreError> {
        let rooms: Vec<(RoomId, bool)> = self.rooms.iter().skip(from).take(ROOMS_A_STEP).copied().collect();
        let wanted: Vec<RoomId> =
            rooms.iter().filter(|(_, is_ledger)| (part == Part::Ledger) == *is_ledger).map(|(room, _)| *room).collect();
        let Some(reader) = self.header.destinations.first().copied().filter(|_| !wanted.is_empty()) else {
            return Ok(());
        };
        for lines in store.offers(&reader, &wanted)? {
            let known = self.known(store, &reader, lines.room)?;
            let is_ledger = part == Part::Ledger;
            let logs = lines.logs.iter().filter(|(log, _)| part.takes(is_ledger, log.lane));
            for (log, state) in logs {
                let missing = missing_somewhere(&known, log, state);
                self.ranges.extend(missing.into_iter().map(|(first, last)| LogRange { log: *log, first, last }));
            }
            if matches!(part, Part::Ledger | Part::Normal) {
                self.registers(store, &reader, &lines)?;
            }
        }
        Ok(())
    }

    /// What each destination says it holds of a room, by the registers held here.
    fn known<S: Store + ?Sized>(&self, store: &S, reader: &NodeId, room: RoomId) -> Result<Vec<Frontier>, StoreError> {
        if self.since == Since::Beginning {
            return Ok(vec![Frontier::new()]);
        }
        let wanted: Vec<(RoomId, NodeId)> = self.header.destinations.iter().map(|node| (room, *node)).collect();
        let registers = store.registers(reader, &wanted)?;
        let told: BTreeMap<NodeId, Frontier> = registers
            .into_iter()
            .filter_map(|signed| signed.verify().ok())
            .map(|batch| (batch.register().node, batch.register().frontier()))
            .collect();
        Ok(self.header.destinations.iter().map(|node| told.get(node).cloned().unwrap_or_default()).collect())
    }

    fn registers<S: Store + ?Sized>(
        &mut self,
        store: &S,
        reader: &NodeId,
        lines: &RoomLines,
    ) -> Result<(), StoreError> {
        let wanted: Vec<(RoomId, NodeId)> = lines.registers.keys().map(|node| (lines.room, *node)).collect();
        for wanted in wanted.chunks(16) {
            let registers = store.registers(reader, wanted)?;
            self.put(Payload { registers, ..Payload::default() })?;
        }
        Ok(())
    }

    fn read_windows<S: Store + ?Sized>(&mut self, store: &S) -> Result<(), StoreError> {
        let Some(reader) = self.header.destinations.first() else { return Ok(()) };
        let page = store.windows(reader, &self.ranges, PAGE_BYTES)?;
        // What vanished meanwhile is not to be had; the rest is read next.
        self.ranges = page.rest;
        let windows: Vec<Window> = page.windows.into_iter().filter(|window| self.is_wanted(window)).collect();
        self.entries += windows.iter().map(|window| window.items.len() as u64).sum::<u64>();
        self.put(Payload { windows, ..Payload::default() })
    }

    fn is_wanted(&self, window: &Window) -> bool {
        let Since::Wall(since_ms) = self.since else { return true };
        let is_new = |item: &Item| match item {
            Item::Entry(bytes) => Entry::decode(bytes).is_ok_and(|entry| entry.wall_ms >= since_ms),
            Item::Erased(_) => false,
        };
        let is_ledger = self.rooms.iter().any(|(room, is_ledger)| *room == window.log.room && *is_ledger);
        window.log.lane == Lane::Policy || is_ledger || window.items.iter().any(is_new)
    }

    fn put(&mut self, payload: Payload) -> Result<(), StoreError> {
        if payload.windows.is_empty() && payload.registers.is_empty() {
            return Ok(());
        }
        debug_assert!(payload.windows.iter().all(|window| window.bytes() <= WINDOW_BYTES_MAX));
        let parts = payload.into_parts().map_err(|error| StoreError::Invalid(error.to_string()))?;
        self.ready.extend(parts.into_iter().map(Record::Data));
        Ok(())
    }
}

/// The parts of a log that at least one of the holders lacks, ascending.
fn missing_somewhere(known: &[Frontier], log: &LogId, state: &LogState) -> Vec<(u64, u64)> {
    let empty = LogState::empty(log);
    let mut all: Vec<(u64, u64)> =
        known.iter().flat_map(|held| held.get(log).unwrap_or(&empty).missing_from(state)).collect();
    all.sort_unstable();
    let mut merged: Vec<(u64, u64)> = Vec::with_capacity(all.len());
    for (first, last) in all {
        match merged.last_mut() {
            Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    merged
}

/// Rooms that every destination may hold, with whether they are ledger; the ledger's first.
fn common_rooms<S: Store + ?Sized>(
    store: &S,
    destinations: &BTreeSet<NodeId>,
) -> Result<Vec<(RoomId, bool)>, StoreError> {
    let mut common: Option<BTreeSet<RoomId>> = None;
    for destination in destinations {
        let mut shared = BTreeSet::new();
        let mut after = None;
        loop {
            let page = store.list(destination, after)?;
            let Some((last, _)) = page.last() else { break };
            after = Some(*last);
            shared.extend(page.into_iter().map(|(room, _)| room));
        }
        common = Some(match common {
            None => shared,
            Some(common) => common.intersection(&shared).copied().collect(),
        });
    }
    let rooms: Vec<RoomId> = common.unwrap_or_default().into_iter().collect();
    let mut ledgers = BTreeSet::new();
    if let Some(reader) = destinations.first() {
        for rooms in rooms.chunks(ROOMS_A_STEP) {
            ledgers.extend(ledger_among(store, reader, rooms)?);
        }
    }
    let mut rooms: Vec<(RoomId, bool)> = rooms.into_iter().map(|room| (room, ledgers.contains(&room))).collect();
    rooms.sort_by_key(|(_, is_ledger)| !is_ledger);
    Ok(rooms)
}
