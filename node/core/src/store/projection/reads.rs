//! Read marks: those of this node's people, kept here, and those that other nodes say in their registers.

use std::collections::{BTreeMap, BTreeSet};

use noroshi_sync::entry::Lane;
use noroshi_sync::frontier::{Frontier, LogState};
use noroshi_sync::id::{EntryId, RoomId, UserId};
use noroshi_sync::log::LogId;
use noroshi_sync::register::{HeldLog, Register};
use noroshi_sync::store::StoreError;

use super::{Work, register_due};
use crate::body::{ReadMark, ReadMarks, Seen};
use crate::events::Happening;
use crate::limits::{ARRIVED_EVENT_MESSAGES_MAX, LEARNED_KEPT_MS};
use crate::peers::LineReport;
use crate::store::query::codes::{hlc_number, room_id, unsigned};
use crate::store::query::{Place, ReadRow, SeenLog, SeenLogs};
use crate::store::{Database, EntryPk, LogPk, NodePk, RoomPk, Writing};

/// Takes in what a register says about its node's people and about arrival.
pub(super) fn take_register(work: &Work<'_, '_>, room: RoomPk, register: &Register) -> Result<(), StoreError> {
    // What cannot be read says nothing; the frontier beside it is good all the same.
    let marks = ReadMarks::decode(&register.reads).map(|marks| marks.marks).unwrap_or_default();
    if register.node == work.node() && register.version.start == work.register_start() {
        return Ok(());
    }
    if LineReport::is_one(&register.reads) && register.room == work.current.directory.rooms().directory {
        take_line_report(work, register)?;
    }
    let logs = logs_of(work, register)?;
    let marks: Vec<ReadRow> = marks.iter().map(|mark| row_of(register, &logs, mark)).collect();
    if register.node == work.node() {
        // An earlier batch of this node, which came back from a peer after a restore.
        return restore_own(work, room, &marks);
    }
    let mut touched = Touched::default();
    take_marks(work, room, register, &marks, &mut touched)?;
    learn(work, register, &mut touched)?;
    touched.tell(work, register.room)
}

/// In the directory room nobody reads; there a register says which lines its node has.
fn take_line_report(work: &Work<'_, '_>, register: &Register) -> Result<(), StoreError> {
    let readable = matches!(LineReport::decode(&register.reads), Ok(Some(_)));
    match work.node_pk(&register.node)? {
        Some(node) if readable && register.node != work.node() => work.put_line_report(node, &register.reads),
        _ => Ok(()),
    }
}

/// Messages whose counts have changed.
#[derive(Default)]
struct Touched(Vec<(EntryId, UserId)>);

impl Touched {
    fn tell(mut self, work: &Work<'_, '_>, room: RoomId) -> Result<(), StoreError> {
        // Ids of messages ascend with time: of many the newest are told.
        self.0.sort_unstable();
        self.0.dedup();
        let excess = self.0.len().saturating_sub(ARRIVED_EVENT_MESSAGES_MAX as usize);
        self.0.drain(..excess);
        if self.0.is_empty() { Ok(()) } else { work.tell(&Happening::Arrived { room, messages: self.0 }) }
    }
}

/// Replaces the rows of the register's node by what the register says.
fn take_marks(
    work: &Work<'_, '_>,
    room: RoomPk,
    register: &Register,
    marks: &[ReadRow],
    touched: &mut Touched,
) -> Result<(), StoreError> {
    let before: BTreeMap<UserId, ReadRow> =
        work.reads_in(room)?.into_iter().filter(|row| row.node == register.node).map(|row| (row.user, row)).collect();
    let Some(node) = work.node_pk(&register.node)? else { return Ok(()) };
    for user in before.keys().filter(|user| !marks.iter().any(|mark| mark.user == **user)) {
        let values = (room, user.as_bytes(), node);
        work.execute("DELETE FROM reads WHERE room_pk = ? AND user = ? AND node_pk = ?", values)?;
    }
    for mark in marks {
        let old = before.get(&mark.user);
        if old == Some(mark) {
            continue;
        }
        store_mark(work, room, node, mark)?;
        if old.map(|old| (old.place, old.at_ms)) == Some((mark.place, mark.at_ms)) {
            continue;
        }
        note_read(work, room, register.room, old, mark, touched)?;
    }
    Ok(())
}

/// Says that somebody read on, and which messages are read by one more.
fn note_read(
    work: &Work<'_, '_>,
    room: RoomPk,
    name: RoomId,
    old: Option<&ReadRow>,
    mark: &ReadRow,
    touched: &mut Touched,
) -> Result<(), StoreError> {
    let (user, message, at_ms) = (mark.user, mark.place.id, mark.at_ms);
    work.tell(&Happening::Read { room: name, user, message, at_ms })?;
    touched.0.extend(newly_read(work, room, old, mark)?);
    Ok(())
}

/// Messages that a mark covers and the one before it did not: above it, or late below it.
fn newly_read(
    database: &Database,
    room: RoomPk,
    old: Option<&ReadRow>,
    mark: &ReadRow,
) -> Result<Vec<(EntryId, UserId)>, StoreError> {
    let from = old.map_or(Place { hlc: noroshi_sync::hlc::Hlc::ZERO, id: EntryId::NIL }, |old| old.place);
    let mut messages = database.messages_between(room, from, mark.place, ARRIVED_EVENT_MESSAGES_MAX)?;
    let late = old.map_or(Ok(Vec::new()), |old| database.late(room, &mark.user, old))?;
    let covered = late.into_iter().filter(|late| mark.covers(late.entry, late.place));
    messages.extend(covered.map(|late| (late.place.id, late.author)).take(ARRIVED_EVENT_MESSAGES_MAX as usize));
    Ok(messages)
}

/// Notes how far the register's node has come with each log, and when this node learned it.
fn learn(work: &Work<'_, '_>, register: &Register, touched: &mut Touched) -> Result<(), StoreError> {
    let Some(node) = work.node_pk(&register.node)? else { return Ok(()) };
    let now_ms = work.wall_ms();
    for (name, state) in register.frontier() {
        // Of a log that forks it is known already, by its histories.
        let Some(log) = work.log_pk(&name)?.filter(|_| name.branch.is_none()) else { continue };
        if work.is_forked(&name)? {
            continue;
        }
        let before = work
            .row(
                "SELECT length FROM learned WHERE log_pk = ? AND node_pk = ? ORDER BY length DESC LIMIT 1",
                (log, node),
                |row| unsigned(row, 0),
            )?
            .unwrap_or(0);
        let length = state.length.min(crate::store::SEQ_MAX);
        if length == before {
            continue;
        }
        // After a restore a node may hold less than it did.
        work.execute(
            "DELETE FROM learned WHERE log_pk = ? AND node_pk = ? AND length > ?",
            (log, node, length.cast_signed()),
        )?;
        work.execute(
            "INSERT OR IGNORE INTO learned (log_pk, node_pk, length, at_ms) VALUES (?, ?, ?, ?)",
            (log, node, length.cast_signed(), now_ms.cast_signed()),
        )?;
        let (first, last) = (before.min(length) + 1, before.max(length));
        let among = (EntryPk::new(log, first), EntryPk::new(log, last));
        touched.0.extend(work.messages_among(among.0, among.1, ARRIVED_EVENT_MESSAGES_MAX)?);
    }
    Ok(())
}

/// Marks of our own people that are ahead of what this database knows: it is a restored one.
fn restore_own(work: &Work<'_, '_>, room: RoomPk, marks: &[ReadRow]) -> Result<(), StoreError> {
    let Some(node) = work.node_pk(&work.node())? else { return Ok(()) };
    for mark in marks {
        let known = work.reads_of(room, &mark.user)?.into_iter().find(|row| row.node == mark.node);
        if known.is_none_or(|known| known.place < mark.place) {
            store_mark(work, room, node, mark)?;
            register_due(work, room)?;
        }
    }
    Ok(())
}

/// The logs of `held` in which people talk, with their place there.
fn logs_of(database: &Database, register: &Register) -> Result<Vec<(usize, LogPk)>, StoreError> {
    let mut logs = Vec::with_capacity(register.held.len());
    for (index, held) in register.held.iter().enumerate().filter(|(_, held)| held.lane != Lane::Policy) {
        let Some(name) = name_of(register, held) else { continue };
        logs.extend(database.log_pk(&name)?.map(|log| (index, log)));
    }
    Ok(logs)
}

/// A mark as a row: what the register leaves out of `seen`, because all of `held` was held, is filled in.
fn row_of(register: &Register, logs: &[(usize, LogPk)], mark: &ReadMark) -> ReadRow {
    let line = |index: usize, log: LogPk, less: &[Seen]| {
        let less = less.iter().find(|seen| usize::from(seen.log) == index);
        less.map(|less| part_of(log, less)).or_else(|| register.held.get(index).map(|held| all_of(log, held)))
    };
    let seen = mark.seen.as_ref().map(|less| {
        let lines = logs.iter().filter_map(|(index, log)| line(*index, *log, less));
        SeenLogs::of(lines.collect())
    });
    let place = Place { hlc: mark.hlc, id: mark.message };
    ReadRow { user: mark.user, node: register.node, place, at_ms: mark.at_ms, seen }
}

fn name_of(register: &Register, held: &HeldLog) -> Option<LogId> {
    let node = *register.nodes.get(usize::from(held.node))?;
    Some(held.log(register.room, node))
}

fn all_of(log: LogPk, held: &HeldLog) -> SeenLog {
    let above = held.above.iter().map(|range| (range.first, range.last)).collect();
    SeenLog { log: log.0, length: held.length, above }
}

fn part_of(log: LogPk, seen: &Seen) -> SeenLog {
    SeenLog { log: log.0, length: seen.length, above: seen.above.clone() }
}

fn store_mark(writing: &Writing<'_>, room: RoomPk, node: NodePk, mark: &ReadRow) -> Result<(), StoreError> {
    writing.execute(
        "INSERT INTO reads (room_pk, user, node_pk, message, hlc, at_ms, seen) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (room_pk, user, node_pk) DO UPDATE SET message = ?4, hlc = ?5, at_ms = ?6, seen = ?7",
        (
            room,
            mark.user.as_bytes(),
            node,
            mark.place.id.as_bytes(),
            hlc_number(mark.place.hlc),
            mark.at_ms.cast_signed(),
            mark.seen.as_ref().map(SeenLogs::encode),
        ),
    )?;
    Ok(())
}

/// What somebody was shown of a room when their mark was set.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Shown {
    /// Everything that is held.
    #[default]
    Everything,
    /// What had been told up to a place of the event stream …
    UpTo {
        cursor: u64,
        /// … and of what had arrived late until then, which.
        late: LateShown,
    },
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LateShown {
    All,
    These(BTreeSet<EntryId>),
}

/// Events looked at to find what a person has not been shown; who is further behind fetches the page again.
pub const SHOWN_EVENTS_MAX: u32 = 4_000;

impl Writing<'_> {
    /// Sets the mark of one of this node's people. A mark never goes back; setting it again at the same place means that
    /// what arrived late and was shown has been read. Returns whether anything changed, and nothing at all when the
    /// cursor of what was shown is too old or none of this node's.
    pub fn mark_read(
        &self,
        room: RoomPk,
        user: &UserId,
        place: Place,
        shown: &Shown,
        at_ms: u64,
    ) -> Result<Option<bool>, StoreError> {
        let marks = self.reads_of(room, user)?;
        let before = marks.iter().find(|row| row.node == self.node()).cloned();
        let named = place;
        let place = match (&before, shown) {
            (Some(before), Shown::UpTo { .. }) => place.max(before.place),
            _ => place,
        };
        let Some(unseen) = self.unseen(room, user, &marks, (named, place), shown)? else { return Ok(None) };
        let seen_of = |(log, state): &(LogPk, LogState)| {
            let all = SeenLog::of(*log, state);
            unseen.get(log).map(|unseen| all.without(unseen)).unwrap_or(all)
        };
        let seen = Some(SeenLogs::of(self.talk_logs(room)?.iter().map(seen_of).collect()));
        if before.as_ref().is_some_and(|before| (place, &seen) == (before.place, &before.seen) || place < before.place)
        {
            return Ok(Some(false));
        }
        let name = self.room_name(room)?.unwrap_or(RoomId::NIL);
        let mark = ReadRow { user: *user, node: self.node(), place, at_ms, seen };
        store_mark(self, room, self.own_pk(), &mark)?;
        register_due(self, room)?;
        let read = Happening::Read { room: name, user: *user, message: place.id, at_ms };
        self.emit_event(read.encode())?;
        let messages = newly_read(self, room, before.as_ref(), &mark)?;
        if !messages.is_empty() {
            self.emit_event(Happening::Arrived { room: name, messages }.encode())?;
        }
        Ok(Some(true))
    }

    /// What is held up to a place that a person has neither been shown nor read before, by log. The message that the mark
    /// names was shown, whenever it was told of.
    fn unseen(
        &self,
        room: RoomPk,
        user: &UserId,
        marks: &[ReadRow],
        (named, place): (Place, Place),
        shown: &Shown,
    ) -> Result<Option<BTreeMap<LogPk, BTreeSet<u64>>>, StoreError> {
        let mut unseen: BTreeMap<LogPk, BTreeSet<u64>> = BTreeMap::new();
        let Shown::UpTo { cursor, late } = shown else { return Ok(Some(unseen)) };
        let Some(told) = self.told_after(room, user, *cursor)? else { return Ok(None) };
        let kept = self.late_of(room, user, marks)?.into_iter().filter(|found| match late {
            LateShown::All => false,
            LateShown::These(ids) => !ids.contains(&found.place.id),
        });
        let kept = kept.map(|late| late.entry).collect::<Vec<_>>();
        let news = told
            .into_iter()
            .filter(|(entry, at)| *at <= place && *at != named && !marks.iter().any(|mark| mark.covers(*entry, *at)));
        for entry in kept.into_iter().chain(news.map(|(entry, _)| entry)) {
            unseen.entry(entry.log()).or_default().insert(entry.seq());
        }
        Ok(Some(unseen))
    }

    /// Messages of others that were told of after a cursor; nothing when that cannot be known.
    fn told_after(
        &self,
        room: RoomPk,
        user: &UserId,
        cursor: u64,
    ) -> Result<Option<Vec<(EntryPk, Place)>>, StoreError> {
        let (oldest, latest) = self.event_bounds()?;
        if cursor > latest || cursor.saturating_add(1) < oldest || latest - cursor > u64::from(SHOWN_EVENTS_MAX) {
            return Ok(None);
        }
        let name = self.room_name(room)?;
        let mut told = Vec::new();
        for (_, event) in self.events_after(cursor, SHOWN_EVENTS_MAX)? {
            let Ok(Happening::Message { room: of, id, author }) = Happening::decode(&event) else { continue };
            if Some(of) != name || author == *user {
                continue;
            }
            for message in self.messages_of(room, &id, &author)? {
                told.push((message.pk, Place { hlc: message.entry.hlc, id }));
            }
        }
        Ok(Some(told))
    }

    /// Writes the registers that are due, at most `limit` of them; returns how many.
    pub fn write_due_registers(&self, limit: u32) -> Result<usize, StoreError> {
        let due: Vec<(RoomPk, RoomId)> = self.rows(
            "SELECT room_pk, id FROM register_due JOIN rooms USING (room_pk) ORDER BY room_pk LIMIT ?",
            [limit],
            |row| Ok((row.get(0)?, room_id(row, 1)?)),
        )?;
        for (pk, room) in &due {
            let marks = self.own_marks(*pk, room)?;
            let reads = match self.own_report_bytes(room)? {
                Some(report) => report,
                None if marks.is_empty() => Vec::new(),
                None => ReadMarks::new(marks).encode(),
            };
            self.write_register(room, reads)?;
            self.execute("DELETE FROM register_due WHERE room_pk = ?", [pk])?;
        }
        Ok(due.len())
    }

    /// The marks of this node's people as they go into its register.
    fn own_marks(&self, pk: RoomPk, room: &RoomId) -> Result<Vec<ReadMark>, StoreError> {
        let rows: Vec<ReadRow> = self.reads_in(pk)?.into_iter().filter(|row| row.node == self.node()).collect();
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let frontier = self.read(|database| database.frontier(room))?;
        rows.iter().map(|row| mark_of(self, &frontier, row)).collect()
    }
}

/// The reverse of [`row_of`].
fn mark_of(database: &Database, frontier: &Frontier, row: &ReadRow) -> Result<ReadMark, StoreError> {
    let seen = match &row.seen {
        None => None,
        Some(seen) => {
            let mut less = Vec::new();
            for (index, (name, state)) in (0u16..).zip(frontier) {
                if name.lane == Lane::Policy {
                    continue;
                }
                let Some(log) = database.log_pk(name)? else { continue };
                if let Some(line) = less_than(seen.log(log), log, state) {
                    less.push(Seen { log: index, length: line.length, above: line.above });
                }
            }
            Some(less)
        }
    };
    Ok(ReadMark { user: row.user, message: row.place.id, hlc: row.place.hlc, at_ms: row.at_ms, seen })
}

/// What was seen of a log, if it is other than all that is held now.
fn less_than(seen: Option<&SeenLog>, log: LogPk, state: &LogState) -> Option<SeenLog> {
    let nothing = SeenLog::nothing(log);
    let seen = seen.unwrap_or(&nothing);
    (*seen != SeenLog::of(log, state)).then(|| seen.clone())
}

impl Writing<'_> {
    /// Forgets when this node learned of arrivals long ago. That they arrived is known elsewhere.
    pub fn forget_learned(&self) -> Result<(), StoreError> {
        let horizon = self.wall_ms().saturating_sub(LEARNED_KEPT_MS);
        self.execute(
            "DELETE FROM learned WHERE at_ms < ? AND EXISTS (SELECT 1 FROM learned AS later
                WHERE later.log_pk = learned.log_pk AND later.node_pk = learned.node_pk AND later.length > learned.length)",
            [horizon.cast_signed()],
        )?;
        Ok(())
    }
}

impl Database {
    /// Whether registers wait to be written.
    pub fn has_due_registers(&self) -> Result<bool, StoreError> {
        Ok(self.row("SELECT 1 FROM register_due LIMIT 1", [], |_| Ok(()))?.is_some())
    }
}
