//! Stores what a peer sent: each window is judged by itself, and what is held already changes nothing.

use std::collections::BTreeMap;

use noroshi_sync::entry::Lane;
use noroshi_sync::frontier::LogState;
use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::{NodeId, RoomId};
use noroshi_sync::log::{Hash, LogId};
use noroshi_sync::store::{Applied, Batch, Cursor, Refusal, StoreError, WindowOutcome};
use noroshi_sync::window::{VerifiedItem, VerifiedWindow};

use super::heads::Origin;
use super::keys::{EntryPk, LogPk, RoomPk, SEQ_MAX};
use super::marks::Mark;
use super::projector::StoredEntry;
use super::rows::{Ledger, LogRow};
use super::writing::Writing;

impl Writing<'_> {
    /// Stores the windows and registers of a batch, and the peer's cursor when no window is refused. The room policies
    /// in the batch are settled before what depends on them is judged.
    pub fn apply(&self, batch: &Batch) -> Result<Applied, StoreError> {
        let mut outcomes = BTreeMap::new();
        for place in self.rights_first(&batch.windows)? {
            if let Some(window) = batch.windows.get(place) {
                outcomes.insert(place, self.apply_window(&batch.peer, window)?);
            }
        }
        let mut rooms = outcomes.values().filter_map(|applied| applied.room).collect::<Vec<_>>();
        for register in &batch.registers {
            let (room, node) = (register.register().room, register.register().node);
            if self.is_shared(&room, &batch.peer)?
                && self.is_writer(&node)?
                && self.store_register(self.ensure_room(&room)?, register, Origin::Peer)?
            {
                rooms.push(room);
            }
        }
        self.options().projector.settle(self)?;
        rooms.sort_unstable();
        rooms.dedup();
        let forks = outcomes.values().filter_map(|applied| applied.forks).collect();
        let windows: Vec<WindowOutcome> = outcomes.into_values().map(|applied| applied.outcome).collect();
        let refused = windows.iter().any(|outcome| matches!(outcome, WindowOutcome::Refused { .. }));
        if let Some(cursor) = batch.cursor.filter(|_| !refused) {
            self.set_cursor(&batch.peer, cursor)?;
        }
        Ok(Applied { latest_change: self.latest_change()?, windows, rooms, forks })
    }

    /// The order to judge windows in: the ledgers, the policies, then the rest as it came.
    fn rights_first(&self, windows: &[VerifiedWindow]) -> Result<Vec<usize>, StoreError> {
        let mut order = Vec::with_capacity(windows.len());
        for (place, window) in windows.iter().enumerate() {
            let ledger = match self.room_pk(&window.log().room)? {
                Some(room) => self.room_row(room, |row| row.ledger)?,
                None => Ledger::No,
            };
            order.push((std::cmp::Reverse(ledger), window.log().lane != Lane::Policy, place));
        }
        order.sort_unstable();
        Ok(order.into_iter().map(|(_, _, place)| place).collect())
    }

    fn apply_window(&self, peer: &NodeId, window: &VerifiedWindow) -> Result<WindowApplied, StoreError> {
        let log = *window.log();
        let refused = |refusal| {
            let (first, last) = (window.first(), window.last());
            WindowApplied { outcome: WindowOutcome::Refused { log, first, last, refusal }, room: None, forks: None }
        };
        if let Some(refusal) = self.refusal(peer, window)? {
            return Ok(refused(refusal));
        }
        let trunk = log.trunk();
        let known = self.log_pk(&trunk)?;
        let row = match known {
            Some(pk) => self.log_row(pk, LogRow::clone)?,
            None => LogRow::empty(trunk, RoomPk(0)),
        };
        let (state, is_new, forks) = if !row.forked && self.agrees(known, &row, window)? {
            let Some(plan) = plan(&row, window) else { return Ok(refused(Refusal::TooManyGaps)) };
            let is_new = !plan.pieces.is_empty();
            if is_new {
                self.store_window(window, &plan)?;
            }
            (plan.state, is_new, false)
        } else {
            let placed = match self.place(window)? {
                Ok(placed) => placed,
                Err(refusal) => return Ok(refused(refusal)),
            };
            let state = LogState { length: window.last(), hash: window.end(), above: Vec::new() };
            (state, placed.is_new, placed.forks)
        };
        if is_new && log.node == self.node() && log.epoch == self.epoch() {
            // Somebody else writes under this name: it is left to both of them as it is.
            tracing::error!(epoch = %log.epoch, "a copy of this node writes elsewhere; this one goes on in a new epoch");
            self.renew_epoch(log.epoch.renewed(row.state.hash.as_bytes(), window.end().as_bytes()));
        }
        let room = is_new.then_some(log.room);
        Ok(WindowApplied { outcome: WindowOutcome::Stored { log, state }, room, forks: forks.then_some(trunk) })
    }

    /// Why nothing of the window may be stored, whatever is held of its log.
    fn refusal(&self, peer: &NodeId, window: &VerifiedWindow) -> Result<Option<Refusal>, StoreError> {
        let log = window.log();
        if log.lane != Lane::Policy && !self.is_shared(&log.room, peer)? {
            return Ok(Some(Refusal::NotAdmitted));
        }
        if !self.is_writer(&log.node)? && !self.is_public(&log.room)? {
            return Ok(Some(Refusal::UnknownWriter));
        }
        // No honest log is that long; what cannot be numbered here is like a range beyond the last gap.
        if window.last() > SEQ_MAX {
            return Ok(Some(Refusal::TooManyGaps));
        }
        let erased = window.items().iter().any(|item| item.entry.is_none());
        let has_grounds = !erased || self.all_with_grounds(self.log_pk(&log.trunk())?, window)?;
        Ok((!has_grounds).then_some(Refusal::ErasedWithoutGrounds))
    }

    /// Whether an act of erasure that is known here names every erased place of the window.
    fn all_with_grounds(&self, log: Option<LogPk>, window: &VerifiedWindow) -> Result<bool, StoreError> {
        let erasable = self.erasable_in(log, window)?;
        Ok(window.items().iter().filter(|item| item.entry.is_none()).all(|item| erasable.names(item)))
    }

    fn is_public(&self, room: &RoomId) -> Result<bool, StoreError> {
        match self.room_pk(room)? {
            Some(room) => self.room_row(room, |row| row.ledger == Ledger::Public),
            None => Ok(false),
        }
    }

    /// Whether the window lies on the same chain as everything held of its log that it touches. Comparing the highest
    /// common place is enough: equal hashes there mean equal entries below.
    fn agrees(&self, log: Option<LogPk>, row: &LogRow, window: &VerifiedWindow) -> Result<bool, StoreError> {
        if window.first() == 1 && window.base() != row.id.genesis() {
            return Ok(false);
        }
        for run in row.runs() {
            let ours_and_theirs = if run.last + 1 == window.first() {
                Some((run.end, Some(window.base())))
            } else if window.last() + 1 == run.first {
                Some((run.base, Some(window.end())))
            } else {
                let top = run.last.min(window.last());
                match log {
                    Some(log) if top >= run.first.max(window.first()) => {
                        Some((self.hash_at(log, &run, top)?, hash_in(window, top)))
                    }
                    _ => None,
                }
            };
            if ours_and_theirs.is_some_and(|(ours, theirs)| theirs != Some(ours)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn store_window(&self, window: &VerifiedWindow, plan: &Plan) -> Result<(), StoreError> {
        let received_ms = self.wall_ms();
        let id = &window.log().trunk();
        let log = self.ensure_log(id)?;
        let room = self.log_row(log, |row| row.room)?;
        let erasable = self.erasable_in(Some(log), window)?;
        let mut seen = Hlc::ZERO;
        for item in plan.new_items(window) {
            self.execute(
                "INSERT INTO entries (entry_pk, received_ms, bytes) VALUES (?, ?, ?)",
                (EntryPk::new(log, item.seq), received_ms.cast_signed(), erasable.column(item)),
            )?;
            seen = item.entry.as_ref().map_or(seen, |entry| seen.merge(entry.hlc));
        }
        self.store_marks(log, window, plan)?;
        self.edit_log(log, |row| {
            row.state = plan.state.clone();
            row.bases = plan.bases.clone();
        })?;
        self.edit_room(room, |row| row.hlc = row.hlc.merge(seen))?;
        self.touch(room, Origin::Peer)?;
        for item in plan.new_items(window) {
            let Some(entry) = item.entry.as_ref().filter(|_| !erasable.names(item)) else { continue };
            let entry_pk = EntryPk::new(log, item.seq);
            let stored = StoredEntry { room, log_pk: log, entry_pk, log: id, entry, received_ms };
            self.options().projector.entry(self, &stored)?;
        }
        if id.lane == Lane::Policy { self.options().projector.settle(self) } else { Ok(()) }
    }

    /// Keeps the signatures of what is new, before the head moves.
    fn store_marks(&self, log: LogPk, window: &VerifiedWindow, plan: &Plan) -> Result<(), StoreError> {
        let marks = plan.new_marks(window);
        let (length, runs) = self.log_row(log, |row| (row.state.length, row.runs()))?;
        if plan.state.length > length {
            self.place_marks(log, &marks)?;
            let last = marks.last().map_or(length, |(mark, _)| mark.seq);
            if last < plan.state.length {
                // The gap below a run is closed; the run brings signatures of its own.
                let length = plan.state.length;
                self.edit_log(log, |row| (row.mark, row.kept, row.kept_bytes) = (length, length, 0))?;
            }
            return Ok(());
        }
        for (mark, _) in &marks {
            self.write_mark(log, mark)?;
        }
        let grown = runs.iter().find(|run| run.last + 1 == window.first());
        if let (Some(run), Some((mark, _))) = (grown, marks.first()) {
            self.thin_run(log, run.first, run.last, mark.seq)?;
        }
        Ok(())
    }

    fn set_cursor(&self, peer: &NodeId, cursor: Cursor) -> Result<(), StoreError> {
        let peer = self.ensure_node(peer)?;
        self.execute(
            "INSERT INTO cursors (node_pk, storage, change) VALUES (?1, ?2, ?3)
             ON CONFLICT (node_pk) DO UPDATE SET storage = ?2, change = ?3",
            (peer, cursor.storage.as_bytes(), cursor.change.cast_signed()),
        )?;
        Ok(())
    }
}

/// What became of a window.
struct WindowApplied {
    outcome: WindowOutcome,
    /// Its room, if there is something new in it.
    room: Option<RoomId>,
    /// Its log, if a further history of it became known.
    forks: Option<LogId>,
}

/// What a window adds to its log.
#[derive(Debug)]
struct Plan {
    /// Runs of the window that are not held, both ends included, ascending.
    pieces: Vec<(u64, u64)>,
    state: LogState,
    /// h(first − 1) of each run above the contiguous part.
    bases: Vec<Hash>,
}

/// `None` when the log would have too many gaps.
fn plan(row: &LogRow, window: &VerifiedWindow) -> Option<Plan> {
    let mut pieces = Vec::new();
    let mut next = window.first();
    for run in row.runs() {
        if run.last < next || run.first > window.last() {
            continue;
        }
        if run.first > next {
            pieces.push((next, run.first - 1));
        }
        next = run.last + 1;
    }
    if next <= window.last() {
        pieces.push((next, window.last()));
    }
    let state = row.state.with(window.first(), window.last(), window.end())?;
    let base_of = |first: u64| {
        let before = row.state.above.iter().zip(&row.bases).find(|(range, _)| range.first == first);
        before.map_or(window.base(), |(_, base)| *base)
    };
    let bases = state.above.iter().map(|range| base_of(range.first)).collect();
    Some(Plan { pieces, state, bases })
}

impl Plan {
    fn is_new(&self, seq: u64) -> bool {
        self.pieces.iter().any(|(first, last)| *first <= seq && seq <= *last)
    }

    fn new_items<'a>(&'a self, window: &'a VerifiedWindow) -> impl Iterator<Item = &'a VerifiedItem> {
        window.items().iter().filter(|item| self.is_new(item.seq))
    }

    /// Signatures at new places, each with the bytes of the entries since the one before it.
    fn new_marks(&self, window: &VerifiedWindow) -> Vec<(Mark, u64)> {
        let mut checkpoints = window.checkpoints().iter().peekable();
        let mut bytes = 0;
        let mut marks = Vec::with_capacity(window.checkpoints().len());
        for item in window.items() {
            let new = self.is_new(item.seq);
            bytes += if new { item.bytes.len() as u64 } else { 0 };
            if let Some(mark) = checkpoints.next_if(|mark| mark.seq == item.seq)
                && new
            {
                let mark = Mark { seq: mark.seq, hash: item.chain_hash, signature: mark.signature };
                marks.push((mark, std::mem::take(&mut bytes)));
            }
        }
        marks
    }
}

/// h(seq) as the window says, for seq from first − 1 to last.
pub(in crate::store) fn hash_in(window: &VerifiedWindow, seq: u64) -> Option<Hash> {
    if seq + 1 == window.first() {
        return Some(window.base());
    }
    let place = usize::try_from(seq.checked_sub(window.first())?).ok()?;
    window.items().get(place).map(|item| item.chain_hash)
}
