//! A store in memory, for tests and as the plainest statement of what a store must do. Nothing survives the process.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Admission, Appended, Applied, Batch, ChangePage, Cursor, Greeting, Holding, LogRange, Refusal, RoomLines, Store,
    StoreError, WallClock, WindowOutcome, WindowPage,
};
use crate::checkpoint::{self, NodeKey, Signature};
use crate::digest::Digest;
use crate::entry::{Draft, Entry, Lane};
use crate::frontier::{Frontier, LogState};
use crate::hlc::Hlc;
use crate::id::{Epoch, NodeId, RoomId, StorageId};
use crate::limits::{
    CHANGES_LINES_MAX, CHANGES_ROOMS_MAX, CHECKPOINT_BYTES_MAX, CHECKPOINT_ENTRIES_MAX, LIST_ROOMS_MAX,
    WINDOW_BYTES_ENOUGH,
};
use crate::log::{Hash, LogId, chain, entry_hash};
use crate::register::{Register, RegisterVersion, SignedRegister, VerifiedRegister};
use crate::window::{CheckpointMark, Item, VerifiedItem, VerifiedWindow, Window};

/// One log as held here.
#[derive(Debug, Clone)]
struct Held {
    state: LogState,
    change: u64,
    /// The encoded entry, or what is left of it, and h(seq), by seq.
    entries: BTreeMap<u64, (Item, Hash)>,
    checkpoints: BTreeMap<u64, Signature>,
    /// h(first − 1) of runs above a gap, whose entry before is not held.
    bases: BTreeMap<u64, Hash>,
}

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
    logs: BTreeMap<LogId, Held>,
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
        self.logs.iter_mut().filter(|(log, _)| log.room == room).for_each(|(_, held)| held.change = change);
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
        self.erasable.insert((log, seq, hash));
        let held = self.logs.get_mut(&log).and_then(|held| held.entries.get_mut(&seq));
        if let Some((item, _)) = held.filter(|(item, _)| item.hash() == hash) {
            *item = Item::Erased(hash);
        }
    }

    /// Every entry held of a room: the log, its seq and the encoded bytes; nothing of those that are erased.
    pub fn entries(&self, room: RoomId) -> impl Iterator<Item = (LogId, u64, &[u8])> {
        self.logs
            .iter()
            .filter(move |(log, _)| log.room == room)
            .flat_map(|(log, held)| held.entries.iter().map(|(seq, (item, _))| (*log, *seq, item.content())))
    }

    pub fn frontier(&self, room: RoomId) -> Frontier {
        self.logs.iter().filter(|(log, _)| log.room == room).map(|(log, held)| (*log, held.state.clone())).collect()
    }

    fn shares(&self, room: &RoomId, peer: &NodeId) -> bool {
        self.audiences.get(room).is_some_and(|nodes| nodes.contains(peer))
    }

    fn digest(&self, room: RoomId) -> Digest {
        let logs: Digest =
            self.logs.iter().filter(|(log, _)| log.room == room).map(|(log, held)| held.state.digest(log)).sum();
        let registers: Digest =
            self.registers.iter().filter(|(key, _)| key.0 == room).map(|(_, held)| held.batch.digest()).sum();
        logs + registers
    }

    fn lines(&self, room: RoomId, after: u64) -> RoomLines {
        RoomLines {
            room,
            logs: self
                .logs
                .iter()
                .filter(|(log, held)| log.room == room && held.change > after)
                .map(|(log, held)| (*log, held.state.clone()))
                .collect(),
            registers: self
                .registers
                .iter()
                .filter(|((of, _), held)| *of == room && held.change > after)
                .map(|((_, node), held)| (*node, held.batch.register().version))
                .collect(),
        }
    }

    fn rooms(&self) -> BTreeSet<RoomId> {
        self.logs.keys().map(|log| log.room).chain(self.registers.keys().map(|key| key.0)).collect()
    }

    fn last_change(&self, room: RoomId) -> u64 {
        let logs = self.logs.iter().filter(|(log, _)| log.room == room).map(|(_, held)| held.change);
        let registers = self.registers.iter().filter(|(key, _)| key.0 == room).map(|(_, held)| held.change);
        logs.chain(registers).max().unwrap_or(0)
    }

    fn store_window(&mut self, peer: &NodeId, window: &VerifiedWindow) -> Result<(LogState, bool), Refusal> {
        let log = *window.log();
        if log.node == self.node() && log.epoch == self.epoch {
            return Err(Refusal::OwnLog);
        }
        if log.lane != Lane::Policy && !(self.shares(&log.room, &self.node()) && self.shares(&log.room, peer)) {
            return Err(Refusal::NotAdmitted);
        }
        let named = |item: &VerifiedItem| self.erasable.contains(&(log, item.seq, item.entry_hash));
        if !window.items().iter().filter(|item| item.entry.is_none()).all(named) {
            return Err(Refusal::ErasedWithoutGrounds);
        }
        let stored: Vec<(u64, (Item, Hash))> = window
            .items()
            .iter()
            .map(|item| {
                let erased = item.entry.is_none() || named(item);
                let content = if erased { Item::Erased(item.entry_hash) } else { Item::Entry(item.bytes.clone()) };
                (item.seq, (content, item.chain_hash))
            })
            .collect();
        let held = self.logs.entry(log).or_insert_with(|| Held::empty(&log));
        let before = if window.first() == 1 {
            Some(log.genesis())
        } else {
            held.entries.get(&(window.first() - 1)).map(|e| e.1)
        };
        let agrees = before.is_none_or(|hash| hash == window.base())
            && window
                .items()
                .iter()
                .all(|item| held.entries.get(&item.seq).is_none_or(|(_, hash)| *hash == item.chain_hash))
            && held
                .entries
                .get(&(window.last() + 1))
                .is_none_or(|(item, hash)| chain(window.end(), item.hash()) == *hash);
        if !agrees {
            return Err(Refusal::Fork);
        }
        let state = held.state.with(window.first(), window.last(), window.end()).ok_or(Refusal::TooManyGaps)?;
        let changed = state != held.state;
        held.state = state.clone();
        held.bases.insert(window.first() - 1, window.base());
        for (seq, entry) in stored {
            held.entries.entry(seq).or_insert(entry);
        }
        for mark in window.checkpoints() {
            held.checkpoints.insert(mark.seq, mark.signature);
        }
        if changed {
            self.latest_change += 1;
            held.change = self.latest_change;
            let seen = window.items().iter().filter_map(|item| item.entry.as_ref()).map(|entry| entry.hlc).max();
            let clock = self.clocks.entry(log.room).or_default();
            *clock = clock.merge(seen.unwrap_or_default());
        }
        Ok((state, changed))
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

impl Held {
    fn empty(log: &LogId) -> Self {
        Self {
            state: LogState::empty(log),
            change: 0,
            entries: BTreeMap::new(),
            checkpoints: BTreeMap::new(),
            bases: BTreeMap::from([(0, log.genesis())]),
        }
    }

    /// h(seq), if it is known here.
    fn hash(&self, seq: u64) -> Option<Hash> {
        self.entries.get(&seq).map(|entry| entry.1).or_else(|| self.bases.get(&seq).copied())
    }

    /// The window from `first` to the first checkpoint at or after `last`, or at which it has bytes enough, if all of it
    /// is held.
    fn window(&self, log: &LogId, first: u64, last: u64) -> Option<Window> {
        let mut bytes = 0;
        let enough = self.entries.range(first..last).find(|(_, (item, _))| {
            bytes += item.bytes();
            bytes >= WINDOW_BYTES_ENOUGH
        });
        let last = enough.map_or(last, |(seq, _)| *seq);
        let end = *self.checkpoints.range(last..).next()?.0;
        let base = self.hash(first - 1)?;
        let items: Vec<Item> = self.entries.range(first..=end).map(|(_, (item, _))| item.clone()).collect();
        if items.len() as u64 != end + 1 - first {
            return None;
        }
        let mark = |(seq, signature): (&u64, &Signature)| CheckpointMark { seq: *seq, signature: *signature };
        let checkpoints = self.checkpoints.range(first..=end).map(mark).collect();
        Some(Window { log: *log, first, base, items, checkpoints })
    }
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
            let room = self.lines(room, after);
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
        Ok(shared.map(|room| self.lines(*room, 0)).collect())
    }

    fn holdings(&self, peer: &NodeId, rooms: &[RoomId]) -> Result<Vec<Holding>, StoreError> {
        let holding = |room: &RoomId| {
            let both = self.shares(room, &self.node()) && self.shares(room, peer);
            let admission = if both { Admission::Everything } else { Admission::PolicyOnly };
            Holding { lines: self.lines(*room, 0), admission, ledger: self.ledgers.contains(room) }
        };
        Ok(rooms.iter().map(holding).collect())
    }

    fn windows(&self, peer: &NodeId, ranges: &[LogRange], bytes_max: usize) -> Result<WindowPage, StoreError> {
        let mut page = WindowPage::default();
        let mut bytes = 0;
        for range in ranges {
            let held = self.logs.get(&range.log).filter(|_| self.shares(&range.log.room, peer));
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
                Ok((state, changed)) => {
                    if changed {
                        rooms.insert(log.room);
                    }
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
            let log = LogId { room: draft.room, node: self.node(), epoch: self.epoch, lane: draft.lane };
            let seen = self.clocks.get(&log.room).copied().unwrap_or_default();
            let held = self.logs.entry(log).or_insert_with(|| Held::empty(&log));
            let entry =
                draft.into_entry(held.state.length + 1, seen.tick(clock.corrected_ms()), clock.now_ms, clock.offset_ms);
            entry.check().map_err(|malformed| StoreError::Invalid(malformed.to_string()))?;
            let bytes = entry.encode();
            let hash = chain(held.state.hash, entry_hash(&bytes));
            let since = unsigned.entry(log).or_default();
            if since.1 + bytes.len() > CHECKPOINT_BYTES_MAX {
                let LogState { length, hash, .. } = held.state;
                held.checkpoints.insert(length, checkpoint::sign(&self.key, &log, length, &hash));
                *since = (0, 0);
            }
            *since = (since.0 + 1, since.1 + bytes.len());
            held.entries.insert(entry.seq, (Item::Entry(bytes), hash));
            held.state = LogState { length: entry.seq, hash, above: Vec::new() };
            if since.0 >= CHECKPOINT_ENTRIES_MAX {
                held.checkpoints.insert(entry.seq, checkpoint::sign(&self.key, &log, entry.seq, &hash));
                unsigned.remove(&log);
            }
            self.clocks.insert(log.room, entry.hlc);
            appended.push(appended_of(log, &entry));
        }
        for log in appended.iter().map(|item| item.log).collect::<BTreeSet<_>>() {
            self.latest_change += 1;
            if let Some(held) = self.logs.get_mut(&log) {
                held.change = self.latest_change;
                let LogState { length, hash, .. } = held.state;
                held.checkpoints.entry(length).or_insert_with(|| checkpoint::sign(&self.key, &log, length, &hash));
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
