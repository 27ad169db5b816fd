//! The room page: which of its changes count, and what it says, rendered into the row of the room.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use noroshi_sync::entry::Entry;
use noroshi_sync::id::{Epoch, NodeId, RoomId};
use noroshi_sync::log::{Hash, LogId};
use noroshi_sync::store::StoreError;

use super::{Projection, Work, judging};
use crate::body::{Body, DocChange, DocCut, successor};
use crate::document::{PageView, RoomPage, Verdict, bytes_hash};
use crate::events::Happening;
use crate::limits::PAGES_LOADED_MAX;
use crate::peers::codes;
use crate::resolve::standing::written_ms;
use crate::store::error::damaged;
use crate::store::query::codes::{entry, join_ids};
use crate::store::{Database, EntryPk, LogPk, RoomPk, StoredEntry, Writing};

/// Pages that are loaded. Any can be dropped: the truth is in the entries.
#[derive(Default)]
pub(super) struct Pages {
    loaded: HashMap<RoomPk, Loaded>,
    uses: u64,
}

struct Loaded {
    page: RoomPage,
    /// The run of the node that edits the page; the next one loads its own.
    epoch: Epoch,
    /// Every change the page was given, by the hash of its bytes: a change that was rolled back shows.
    given: BTreeMap<EntryPk, Hash>,
    /// Given, but building on what is not here: to be given again.
    waiting: Vec<EntryPk>,
    used: u64,
}

/// One visible change, as the page takes it.
struct Change {
    hash: Hash,
    written_ms: u64,
    offered: (NodeId, Epoch, Vec<u8>),
}

type Changes = BTreeMap<EntryPk, Change>;

pub(super) fn insert(work: &Work<'_, '_>, stored: &StoredEntry<'_>, body: &Body) -> Result<(), StoreError> {
    let visible = judging::is_entitled(work, stored.room, stored.log, stored.entry, body)?;
    let Body::DocChange(change) = body else { return Ok(()) };
    work.execute(
        "INSERT INTO page_changes (entry_pk, room_pk, visible, document) VALUES (?, ?, ?, ?)",
        (stored.entry_pk, stored.room, visible, &change.document),
    )?;
    Ok(())
}

/// An act that closes a document of the page. It counts by the key that signed it.
pub(super) fn insert_cut(work: &Work<'_, '_>, stored: &StoredEntry<'_>, cut: &DocCut) -> Result<(), StoreError> {
    let counts = work.current.directory.was_signed_by_administrator(stored.log.room, stored.entry);
    work.execute(
        "INSERT INTO page_cuts (entry_pk, room_pk, document, successor, counted) VALUES (?, ?, ?, ?, ?)",
        (stored.entry_pk, stored.room, &cut.document, successor(stored.entry.id), counts),
    )?;
    Ok(())
}

/// Looks again at acts whose key was not known; the rooms in which one begins to count.
pub(super) fn judge_cuts(work: &Work<'_, '_>) -> Result<Vec<RoomPk>, StoreError> {
    let waiting: Vec<(EntryPk, RoomPk)> =
        work.rows("SELECT entry_pk, room_pk FROM page_cuts WHERE counted = 0", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let mut rooms = Vec::new();
    for (pk, room) in waiting {
        let found = work.entry_at(pk)?.ok_or_else(|| damaged("an entry is missing"))?;
        if work.current.directory.was_signed_by_administrator(found.log.room, &found.entry) {
            work.execute("UPDATE page_cuts SET counted = 1 WHERE entry_pk = ?", [pk])?;
            rooms.push(room);
        }
    }
    Ok(rooms)
}

/// The document of the page that is edited now, and the act that started it. Of several acts that close one document the
/// first by (stamp, id) counts.
fn current_document(database: &Database, room: RoomPk) -> Result<(String, Option<EntryPk>), StoreError> {
    let mut document = DocChange::PAGE.to_owned();
    let mut started = None;
    let mut seen = BTreeSet::from([document.clone()]);
    loop {
        let cuts: Vec<(EntryPk, String)> = database.rows(
            "SELECT entry_pk, successor FROM page_cuts WHERE room_pk = ? AND document = ? AND counted = 1",
            (room, &document),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let mut ordered = BTreeMap::new();
        for (pk, successor) in cuts {
            let found = database.entry_at(pk)?.ok_or_else(|| damaged("an entry is missing"))?;
            ordered.insert((found.entry.hlc, found.entry.id, found.log, found.entry.seq), (pk, successor));
        }
        let next = ordered.into_values().find(|(_, successor)| !seen.contains(successor));
        let Some((pk, successor)) = next else { return Ok((document, started)) };
        seen.insert(successor.clone());
        (document, started) = (successor, Some(pk));
    }
}

/// Looks again at one row after rights have changed; returns whether it changed.
pub(super) fn judge_again(
    work: &Work<'_, '_>,
    room: RoomPk,
    pk: EntryPk,
    was_visible: bool,
) -> Result<bool, StoreError> {
    let found = work.entry_at(pk)?.ok_or_else(|| damaged("an entry is missing"))?;
    let body = Body::decode(found.entry.kind, &found.entry.body).unwrap_or(Body::Unknown);
    let visible = judging::is_entitled(work, room, &found.log, &found.entry, &body)?;
    if visible != was_visible {
        work.execute("UPDATE page_changes SET visible = ? WHERE entry_pk = ?", (visible, pk))?;
    }
    Ok(visible != was_visible)
}

impl Projection {
    /// Renders the page of a room from the changes that count now.
    pub(super) fn settle_page(&self, work: &Work<'_, '_>, pk: RoomPk) -> Result<(), StoreError> {
        let room = work.room_name(pk)?.ok_or_else(|| damaged("a room is missing"))?;
        let changes = visible_changes(work, pk)?;
        let (view, changed_ms, kept_out) = {
            let mut pages = self.pages();
            let page = pages.page(work, pk, room, &changes);
            (page.view(), changed_ms(&changes, page), page.kept_out().len())
        };
        if kept_out > count_kept_out(work, pk)? {
            let text = format!("トークルームの情報への変更 {kept_out} 件を、安全のため取り込みませんでした。");
            work.tell(&Happening::Alert { code: codes::PAGE_QUARANTINED.into(), text, at_ms: work.wall_ms() })?;
        }
        set_kept_out(work, pk, kept_out)?;
        if store_view(work, pk, &view, changed_ms)? {
            work.tell(&Happening::Document { room, document: DocChange::PAGE.into() })?;
            work.tell(&Happening::Room { room })?;
        }
        Ok(())
    }

    /// The page of a room as this transaction sees it, to make an edit from, and the name of its present document.
    pub fn page(&self, writing: &Writing<'_>, pk: RoomPk, room: RoomId) -> Result<(String, RoomPage), StoreError> {
        let changes = visible_changes(writing, pk)?;
        let (document, _) = current_document(writing, pk)?;
        Ok((document, self.pages().page(writing, pk, room, &changes).clone()))
    }
}

impl Pages {
    /// The page made of exactly these changes: brought forward if it is loaded, otherwise built.
    fn page(&mut self, database: &Database, pk: RoomPk, room: RoomId, changes: &Changes) -> &RoomPage {
        self.uses += 1;
        let is_current = |loaded: &Loaded| loaded.epoch == database.epoch() && loaded.is_part_of(changes);
        let before = self.loaded.remove(&pk).filter(is_current);
        let mut loaded = match before.and_then(|loaded| loaded.advance(changes)) {
            Some(loaded) => loaded,
            None => Loaded::build(database, room, changes),
        };
        loaded.used = self.uses;
        if self.loaded.len() >= PAGES_LOADED_MAX {
            let oldest = self.loaded.iter().min_by_key(|(_, loaded)| loaded.used).map(|(pk, _)| *pk);
            oldest.map(|oldest| self.loaded.remove(&oldest));
        }
        &self.loaded.entry(pk).insert_entry(loaded).into_mut().page
    }
}

impl Loaded {
    fn build(database: &Database, room: RoomId, changes: &Changes) -> Self {
        let offered: Vec<_> = changes.values().map(|change| change.offered.clone()).collect();
        let (page, report) = RoomPage::from_changes(room, database.node(), database.epoch(), &offered);
        let verdicts = report.verdicts.into_iter().map(|(_, verdict)| verdict);
        let waiting = waiting(changes.keys().copied(), verdicts);
        Self { page, epoch: database.epoch(), given: hashes(changes), waiting, used: 0 }
    }

    fn is_part_of(&self, changes: &Changes) -> bool {
        self.given.iter().all(|(pk, hash)| changes.get(pk).is_some_and(|change| change.hash == *hash))
    }

    /// The page with what is new; `None` when it must be built anew for every office to see the same.
    fn advance(mut self, changes: &Changes) -> Option<Self> {
        let new: Vec<EntryPk> = changes.keys().copied().filter(|pk| !self.given.contains_key(pk)).collect();
        if new.is_empty() {
            return Some(self);
        }
        let offered: Vec<EntryPk> = self.waiting.iter().copied().chain(new).collect();
        let bytes: Vec<_> =
            offered.iter().filter_map(|pk| changes.get(pk)).map(|change| change.offered.clone()).collect();
        let report = self.page.apply(&bytes);
        if report.rebuild {
            return None;
        }
        self.waiting = waiting(offered, report.verdicts.into_iter().map(|(_, verdict)| verdict));
        self.given = hashes(changes);
        Some(self)
    }
}

/// A page that is full takes no more today, but might after it was built in another order: offered again as well.
fn waiting(offered: impl IntoIterator<Item = EntryPk>, verdicts: impl Iterator<Item = Verdict>) -> Vec<EntryPk> {
    let waits = |verdict: &Verdict| matches!(verdict, Verdict::Waiting { .. });
    offered.into_iter().zip(verdicts).filter(|(_, verdict)| waits(verdict)).map(|(pk, _)| pk).collect()
}

fn hashes(changes: &Changes) -> BTreeMap<EntryPk, Hash> {
    changes.iter().map(|(pk, change)| (*pk, change.hash)).collect()
}

/// When the page was last changed. What was kept out changed nothing.
fn changed_ms(changes: &Changes, page: &RoomPage) -> u64 {
    let counting = changes.values().filter(|change| !page.kept_out().contains(&change.hash));
    counting.map(|change| change.written_ms).max().unwrap_or(0)
}

fn visible_changes(database: &Database, room: RoomPk) -> Result<Changes, StoreError> {
    let (document, started) = current_document(database, room)?;
    let rows: Vec<(EntryPk, Entry)> = database.rows(
        "SELECT entry_pk, bytes FROM page_changes JOIN entries USING (entry_pk)
         WHERE room_pk = ?1 AND visible = 1 AND document = ?2
         UNION ALL SELECT entry_pk, bytes FROM entries WHERE entry_pk = ?3",
        (room, document, started),
        |row| Ok((row.get(0)?, entry(row, 1)?)),
    )?;
    let mut logs: HashMap<LogPk, LogId> = HashMap::new();
    let mut changes = Changes::new();
    for (pk, entry) in rows {
        let log = match logs.get(&pk.log()) {
            Some(log) => *log,
            None => *logs.entry(pk.log()).or_insert(database.log_name(pk.log())?),
        };
        let bytes = match Body::decode(entry.kind, &entry.body) {
            Ok(Body::DocChange(change)) => change.bytes,
            Ok(Body::DocCut(cut)) if !cut.start.is_empty() => cut.start,
            _ => continue,
        };
        let hash = bytes_hash(&bytes);
        let offered = (log.node, log.epoch, bytes);
        changes.insert(pk, Change { hash, written_ms: written_ms(&entry), offered });
    }
    Ok(changes)
}

fn count_kept_out(work: &Work<'_, '_>, pk: RoomPk) -> Result<usize, StoreError> {
    let count = work.row("SELECT kept_out FROM room_states WHERE room_pk = ?", [pk], |row| row.get::<_, u32>(0))?;
    Ok(count.map_or(usize::MAX, |count| count as usize))
}

fn set_kept_out(work: &Work<'_, '_>, pk: RoomPk, count: usize) -> Result<(), StoreError> {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    work.execute("UPDATE room_states SET kept_out = ?2 WHERE room_pk = ?1 AND kept_out <> ?2", (pk, count))?;
    Ok(())
}

/// Returns whether people see a difference.
fn store_view(work: &Work<'_, '_>, pk: RoomPk, view: &PageView, changed_ms: u64) -> Result<bool, StoreError> {
    let changed = work.execute(
        "UPDATE room_states SET name = ?2, topic = ?3, purpose = ?4, pins = ?5, page_ms = ?6
         WHERE room_pk = ?1 AND (name, topic, purpose, pins, page_ms) IS NOT (?2, ?3, ?4, ?5, ?6)",
        (pk, &view.name, &view.topic, &view.purpose, join_ids(&view.pins), changed_ms.cast_signed()),
    )?;
    Ok(changed > 0)
}
