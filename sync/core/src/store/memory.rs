//! A store in memory, for tests and as the plainest statement of what a store must do. Nothing survives the process.

use std::collections::{BTreeMap, BTreeSet};

mod histories;

use histories::Histories;

use super::{
    Admission, Appended, Applied, Batch, ChangePage, Cursor, Greeting, Holding, LogRange, Refusal, RoomLines, Standing,
    Store, StoreError, WallClock, WindowOutcome, WindowPage,
};
use crate::checkpoint::{self, NodeKey};
use crate::digest::Digest;
use crate::entry::{Draft, Entry, Lane};
use crate::frontier::{Frontier, LogState};
use crate::hlc::Hlc;
use crate::id::{Epoch, NodeId, RoomId, StorageId};
use crate::limits::{
    CHANGES_LINES_MAX, CHANGES_ROOMS_MAX, CHECKPOINT_BYTES_MAX, CHECKPOINT_ENTRIES_MAX, LIST_ROOMS_MAX,
};
use crate::log::{Hash, LogId};
use crate::register::{Register, RegisterVersion, SignedRegister, VerifiedRegister};
use crate::window::{VerifiedItem, VerifiedWindow};

#[derive(Debug, Clone)]
struct HeldRegister {
    batch: VerifiedRegister,
    change: u64,
}

/// See the module. `audiences` is set from outside, as a policy would.
#[derive(Debug)]
pub struct MemoryStore {
    key: NodeKey,
    epoch: Epoch,
    storage: StorageId,
    latest_change: u64,
    /// By trunk.
    logs: BTreeMap<LogId, Histories>,
    /// What is held of each log and branch, and when that changed.
    lines: BTreeMap<LogId, (LogState, u64)>,
    registers: BTreeMap<(RoomId, NodeId), HeldRegister>,
    audiences: BTreeMap<RoomId, BTreeSet<NodeId>>,
    ledgers: BTreeSet<RoomId>,
    cursors: BTreeMap<NodeId, Cursor>,
    clocks: BTreeMap<RoomId, Hlc>,
    /// Places that may be erased, with e(n) of what stands there.
    erasable: BTreeSet<(LogId, u64, Hash)>,
}

impl MemoryStore {
    pub fn new(key: NodeKey, epoch: Epoch, storage: StorageId) -> Self {
        Self {
            key,
            epoch,
            storage,
            latest_change: 0,
            logs: BTreeMap::new(),
            lines: BTreeMap::new(),
            registers: BTreeMap::new(),
            audiences: BTreeMap::new(),
            ledgers: BTreeSet::new(),
            cursors: BTreeMap::new(),
            clocks: BTreeMap::new(),
            erasable: BTreeSet::new(),
        }
    }

    pub fn node(&self) -> NodeId {
        self.key.node()
    }

    /// As a process start does: what was written stays, but is never continued.
    pub fn restart(&mut self, epoch: Epoch) {
        self.epoch = epoch;
    }

    /// Names the nodes that may hold a room. What is held of it counts as changed, so that new nodes are offered it.
    pub fn set_audience(&mut self, room: RoomId, nodes: BTreeSet<NodeId>) {
        if self.audiences.get(&room) == Some(&nodes) {
            return;
        }
        self.audiences.insert(room, nodes);
        self.latest_change += 1;
        let change = self.latest_change;
        self.lines.iter_mut().filter(|(log, _)| log.room == room).for_each(|(_, line)| line.1 = change);
        self.registers.iter_mut().filter(|(key, _)| key.0 == room).for_each(|(_, held)| held.change = change);
    }

    /// Marks a room as ledger.
    pub fn set_ledger(&mut self, room: RoomId) {
        self.ledgers.insert(room);
    }

    /// Writes this node's register of a room from what is held now.
    pub fn write_register(&mut self, room: RoomId, version: RegisterVersion, reads: Vec<u8>) -> Result<(), StoreError> {
        let register = Register::new(room, self.node(), version, &self.frontier(room), reads);
        let batch = register.sign(&self.key).verify().map_err(|error| StoreError::Invalid(error.to_string()))?;
        self.latest_change += 1;
        self.registers.insert((room, self.node()), HeldRegister { batch, change: self.latest_change });
        Ok(())
    }

    /// As an act of erasure does: erases what has this e(n) at a place, now or when it comes.
    pub fn erase(&mut self, log: LogId, seq: u64, hash: Hash) {
        self.erasable.insert((log.trunk(), seq, hash));
        self.logs.get_mut(&log.trunk()).into_iter().for_each(|held| held.erase(seq, hash));
    }

    /// Every entry held of a room: the log, its seq and the encoded bytes; nothing of those that are erased.
    pub fn entries(&self, room: RoomId) -> impl Iterator<Item = (LogId, u64, &[u8])> {
        let logs = self.logs.iter().filter(move |(log, _)| log.room == room);
        logs.flat_map(|(log, held)| held.entries().map(|(seq, bytes)| (*log, seq, bytes)))
    }

    pub fn frontier(&self, room: RoomId) -> Frontier {
        self.lines_of(room).map(|(log, line)| (*log, line.0.clone())).collect()
    }

    /// The epoch in which this node writes.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn lines_of(&self, room: RoomId) -> impl Iterator<Item = (&LogId, &(LogState, u64))> {
        let first = LogId::new(room, NodeId::from_bytes([0; 32]), Epoch(0), Lane::Policy);
        self.lines.range(first..).take_while(move |(log, _)| log.room == room)
    }

    fn registers_of(&self, room: RoomId) -> impl Iterator<Item = (&(RoomId, NodeId), &HeldRegister)> {
        self.registers.range((room, NodeId::from_bytes([0; 32]))..).take_while(move |(key, _)| key.0 == room)
    }

    fn shares(&self, room: &RoomId, peer: &NodeId) -> bool {
        self.audiences.get(room).is_some_and(|nodes| nodes.contains(peer))
    }

    fn digest(&self, room: RoomId) -> Digest {
        let logs: Digest = self.lines_of(room).map(|(log, line)| line.0.digest(log)).sum();
        let registers: Digest = self.registers_of(room).map(|(_, held)| held.batch.digest()).sum();
        logs + registers
    }

    fn room_lines(&self, room: RoomId, after: u64) -> RoomLines {
        RoomLines {
            room,
            logs: self
                .lines_of(room)
                .filter(|(_, line)| line.1 > after)
                .map(|(log, line)| (*log, line.0.clone()))
                .collect(),
            registers: self
                .registers_of(room)
                .filter(|(_, held)| held.change > after)
                .map(|((_, node), held)| (*node, held.batch.register().version))
                .collect(),
        }
    }

    fn rooms(&self) -> BTreeSet<RoomId> {
        self.lines.keys().map(|log| log.room).chain(self.registers.keys().map(|key| key.0)).collect()
    }

    fn last_change(&self, room: RoomId) -> u64 {
        let logs = self.lines_of(room).map(|(_, line)| line.1);
        let registers = self.registers_of(room).map(|(_, held)| held.change);
        logs.chain(registers).max().unwrap_or(0)
    }

    fn store_window(&mut self, peer: &NodeId, window: &VerifiedWindow) -> Result<Stored, Refusal> {
        let log = window.log().trunk();
        if log.lane != Lane::Policy && !(self.shares(&log.room, &self.node()) && self.shares(&log.room, peer)) {
            return Err(Refusal::NotAdmitted);
        }
        let named = |item: &VerifiedItem| self.erasable.contains(&(log, item.seq, item.entry_hash));
        if !window.items().iter().filter(|item| item.entry.is_none()).all(named) {
            return Err(Refusal::ErasedWithoutGrounds);
        }
        let erased: BTreeSet<u64> = window.items().iter().filter(|item| named(item)).map(|item| item.seq).collect();
        let held = self.logs.entry(log).or_insert_with(|| Histories::new(&log));
        let (_, own_head) = held.head();
        let forks = held.add(window, &erased)?;
        let changed = self.recompute(log);
        if changed {
            let seen = window.items().iter().filter_map(|item| item.entry.as_ref()).map(|entry| entry.hlc).max();
            let clock = self.clocks.entry(log.room).or_default();
            *clock = clock.merge(seen.unwrap_or_default());
            if log.node == self.node() && log.epoch == self.epoch {
                // Somebody else writes under this name.
                self.epoch = self.epoch.renewed(own_head.as_bytes(), window.end().as_bytes());
            }
        }
        let state = match self.logs.get(&log) {
            Some(held) if held.is_forked() => LogState { length: window.last(), hash: window.end(), above: Vec::new() },
            _ => self.lines.get(&log).map_or_else(|| LogState::empty(&log), |line| line.0.clone()),
        };
        Ok(Stored { state, changed, forks: forks.then_some(log) })
    }

    /// Brings the lines of a log up to date; whether any of them changed.
    fn recompute(&mut self, log: LogId) -> bool {
        let Some(held) = self.logs.get(&log) else { return false };
        let lines = held.lines(&log);
        let before: BTreeSet<LogId> =
            self.lines.range(log..).take_while(|(id, _)| id.trunk() == log).map(|(id, _)| *id).collect();
        let is_same = before.len() == lines.len()
            && lines.iter().all(|(id, state)| self.lines.get(id).is_some_and(|line| line.0 == *state));
        if is_same {
            return false;
        }
        self.latest_change += 1;
        before.iter().filter(|id| !lines.contains_key(id)).for_each(|id| drop(self.lines.remove(id)));
        for (id, state) in lines {
            if self.lines.get(&id).is_none_or(|line| line.0 != state) {
                self.lines.insert(id, (state, self.latest_change));
            }
        }
        true
    }

    fn store_register(&mut self, batch: &VerifiedRegister) -> bool {
        let key = (batch.register().room, batch.register().node);
        if self.registers.get(&key).is_some_and(|held| held.batch.register().version >= batch.register().version) {
            return false;
        }
        self.latest_change += 1;
        self.registers.insert(key, HeldRegister { batch: batch.clone(), change: self.latest_change });
        true
    }
}

/// What became of a window.
struct Stored {
    state: LogState,
    changed: bool,
    /// The log, if this made a further history of it known.
    forks: Option<LogId>,
}

impl Store for MemoryStore {
    fn greeting(&self, peer: &NodeId) -> Result<Greeting, StoreError> {
        let sum = |ledger_only: bool| {
            let counts = |room: &RoomId| self.shares(room, peer) && (!ledger_only || self.ledgers.contains(room));
            self.rooms().into_iter().filter(counts).map(|room| self.digest(room)).sum()
        };
        let never = Cursor { storage: StorageId::NIL, change: 0 };
        Ok(Greeting {
            storage: self.storage,
            latest_change: self.latest_change,
            cursor: self.cursors.get(peer).copied().unwrap_or(never),
            shared: sum(false),
            ledger: sum(true),
        })
    }

    fn changes(&self, peer: &NodeId, after: u64) -> Result<ChangePage, StoreError> {
        let mut changed: Vec<(u64, RoomId)> = self
            .rooms()
            .into_iter()
            .filter(|room| self.shares(room, peer))
            .map(|room| (self.last_change(room), room))
            .filter(|(change, _)| *change > after)
            .collect();
        changed.sort_unstable();
        let mut page = ChangePage { rooms: Vec::new(), up_to: self.latest_change, more: false };
        let mut lines = 0;
        for (change, room) in changed {
            if page.rooms.len() == CHANGES_ROOMS_MAX || lines >= CHANGES_LINES_MAX {
                page.more = true;
                break;
            }
            let room = self.room_lines(room, after);
            lines += room.logs.len() + room.registers.len();
            page.rooms.push(room);
            page.up_to = change;
        }
        if !page.more {
            page.up_to = self.latest_change;
        }
        page.rooms.sort_by_key(|room| !self.ledgers.contains(&room.room));
        Ok(page)
    }

    fn list(&self, peer: &NodeId, after: Option<RoomId>) -> Result<Vec<(RoomId, Digest)>, StoreError> {
        let rooms =
            self.rooms().into_iter().filter(|room| self.shares(room, peer) && after.is_none_or(|after| *room > after));
        Ok(rooms.take(LIST_ROOMS_MAX).map(|room| (room, self.digest(room))).collect())
    }

    fn offers(&self, peer: &NodeId, rooms: &[RoomId]) -> Result<Vec<RoomLines>, StoreError> {
        let known = self.rooms();
        let shared = rooms.iter().filter(|room| known.contains(room) && self.shares(room, peer));
        Ok(shared.map(|room| self.room_lines(*room, 0)).collect())
    }

    fn holdings(&self, peer: &NodeId, rooms: &[RoomId]) -> Result<Vec<Holding>, StoreError> {
        let holding = |room: &RoomId| {
            let both = self.shares(room, &self.node()) && self.shares(room, peer);
            let admission = if both { Admission::Everything } else { Admission::PolicyOnly };
            Holding { lines: self.room_lines(*room, 0), admission, ledger: self.ledgers.contains(room) }
        };
        Ok(rooms.iter().map(holding).collect())
    }

    fn standings(&self, offered: &[(LogId, LogState)]) -> Result<Vec<Standing>, StoreError> {
        let standing = |(log, theirs): &(LogId, LogState)| match self.logs.get(&log.trunk()) {
            Some(held) => held.standing(log, theirs),
            None => Standing { held: LogState::empty(log), agrees: true },
        };
        Ok(offered.iter().map(standing).collect())
    }

    fn windows(&self, peer: &NodeId, ranges: &[LogRange], bytes_max: usize) -> Result<WindowPage, StoreError> {
        let mut page = WindowPage::default();
        let mut bytes = 0;
        for range in ranges {
            let held = self.logs.get(&range.log.trunk()).filter(|_| self.shares(&range.log.room, peer));
            let Some(held) = held else {
                page.unavailable.push(*range);
                continue;
            };
            let mut next = range.first;
            while next <= range.last {
                if bytes >= bytes_max {
                    page.rest.push(LogRange { first: next, ..*range });
                    break;
                }
                let last = range.last.min(next + CHECKPOINT_ENTRIES_MAX - 1);
                let Some(window) = held.window(&range.log, next, last) else {
                    page.unavailable.push(LogRange { first: next, ..*range });
                    break;
                };
                bytes += window.bytes();
                next = window.last() + 1;
                page.windows.push(window);
            }
        }
        Ok(page)
    }

    fn registers(&self, peer: &NodeId, wanted: &[(RoomId, NodeId)]) -> Result<Vec<SignedRegister>, StoreError> {
        let shared = wanted.iter().filter(|(room, _)| self.shares(room, peer));
        Ok(shared.filter_map(|key| self.registers.get(key)).map(|held| held.batch.signed().clone()).collect())
    }

    fn apply(&mut self, batch: Batch) -> Result<Applied, StoreError> {
        let mut applied = Applied::default();
        let mut rooms = BTreeSet::new();
        let mut refused = false;
        for window in &batch.windows {
            let log = *window.log();
            applied.windows.push(match self.store_window(&batch.peer, window) {
                Ok(Stored { state, changed, forks }) => {
                    if changed {
                        rooms.insert(log.room);
                    }
                    applied.forks.extend(forks);
                    WindowOutcome::Stored { log, state }
                }
                Err(refusal) => {
                    refused = true;
                    WindowOutcome::Refused { log, first: window.first(), last: window.last(), refusal }
                }
            });
        }
        for register in &batch.registers {
            let room = register.register().room;
            if self.shares(&room, &self.node()) && self.shares(&room, &batch.peer) && self.store_register(register) {
                rooms.insert(room);
            }
        }
        if let Some(cursor) = batch.cursor.filter(|_| !refused) {
            self.cursors.insert(batch.peer, cursor);
        }
        applied.rooms = rooms.into_iter().collect();
        applied.latest_change = self.latest_change;
        Ok(applied)
    }

    fn append(&mut self, drafts: Vec<Draft>, clock: WallClock) -> Result<Vec<Appended>, StoreError> {
        let mut appended = Vec::with_capacity(drafts.len());
        let mut unsigned: BTreeMap<LogId, (u64, usize)> = BTreeMap::new();
        for draft in drafts {
            let log = LogId::new(draft.room, self.node(), self.epoch, draft.lane);
            let seen = self.clocks.get(&log.room).copied().unwrap_or_default();
            let held = self.logs.entry(log).or_insert_with(|| Histories::new(&log));
            let (length, head) = held.head();
            let entry = draft.into_entry(length + 1, seen.tick(clock.corrected_ms()), clock.now_ms, clock.offset_ms);
            entry.check().map_err(|malformed| StoreError::Invalid(malformed.to_string()))?;
            let bytes = entry.encode();
            let since = unsigned.entry(log).or_default();
            if since.1 + bytes.len() > CHECKPOINT_BYTES_MAX {
                held.sign(length, head, checkpoint::sign(&self.key, &log, length, &head));
                *since = (0, 0);
            }
            *since = (since.0 + 1, since.1 + bytes.len());
            let hash = held.append(entry.seq, bytes);
            if since.0 >= CHECKPOINT_ENTRIES_MAX {
                held.sign(entry.seq, hash, checkpoint::sign(&self.key, &log, entry.seq, &hash));
                unsigned.remove(&log);
            }
            self.clocks.insert(log.room, entry.hlc);
            appended.push(appended_of(log, &entry));
        }
        for log in appended.iter().map(|item| item.log).collect::<BTreeSet<_>>() {
            self.latest_change += 1;
            if let Some(held) = self.logs.get_mut(&log) {
                let (length, hash) = held.head();
                held.sign(length, hash, checkpoint::sign(&self.key, &log, length, &hash));
                self.lines.insert(log, (LogState { length, hash, above: Vec::new() }, self.latest_change));
            }
        }
        Ok(appended)
    }
}

fn appended_of(log: LogId, entry: &Entry) -> Appended {
    Appended { log, seq: entry.seq, id: entry.id, hlc: entry.hlc, wall_ms: entry.wall_ms }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance::Fixture;

    struct InMemory;

    impl Fixture for InMemory {
        type Store = MemoryStore;
        fn open(&self, key: NodeKey, epoch: Epoch) -> MemoryStore {
            let storage = StorageId::from_bytes(*key.node().as_bytes().first_chunk().unwrap());
            MemoryStore::new(key, epoch, storage)
        }
        fn restart(&self, mut store: MemoryStore, epoch: Epoch) -> MemoryStore {
            store.restart(epoch);
            store
        }
        fn set_audience(&self, store: &mut MemoryStore, room: RoomId, nodes: &BTreeSet<NodeId>) {
            store.set_audience(room, nodes.clone());
        }
        fn erase(&self, store: &mut MemoryStore, log: LogId, seq: u64, hash: Hash) {
            store.erase(log, seq, hash);
        }
        fn write_register(&self, store: &mut MemoryStore, room: RoomId, version: RegisterVersion, reads: &[u8]) {
            store.write_register(room, version, reads.to_vec()).unwrap();
        }
    }

    crate::store_conformance!(InMemory);
}
