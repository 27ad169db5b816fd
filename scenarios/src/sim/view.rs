//! What people see at one office, as lines of text: without anything that only concerns that office, such as when an
//! entry arrived or the numbers of rows.

use std::collections::BTreeMap;

use noroshi_node::store::query::{Place, ReadRow, ShownMessage};
use noroshi_node::store::{Database, EntryPk, LogPk, RoomPk};
use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::{EntryId, RoomId, UserId};
use noroshi_sync::log::LogId;
use noroshi_sync::store::StoreError;

/// Messages read at a time.
const PAGE: u32 = 200;

/// A room as it is shown at one office.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RoomSeen {
    pub lines: Vec<String>,
    /// Author, id and first words of each message, in order.
    pub messages: Vec<(UserId, EntryId, String)>,
}

/// Whose read marks are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marks {
    OfEverybody,
    /// Not those of the node's own people, which it keeps itself and does not compute from entries and registers.
    OfOthers,
}

/// What is shown of a room; nothing when its creation is not known.
pub(crate) fn room(database: &Database, room: &RoomId, marks: Marks) -> Result<RoomSeen, StoreError> {
    database.read(|database| match database.room_key(room)? {
        Some(pk) => Viewer { database, pk, marks, logs: BTreeMap::new() }.look(),
        None => Ok(RoomSeen::default()),
    })
}

struct Viewer<'a> {
    database: &'a Database,
    pk: RoomPk,
    marks: Marks,
    logs: BTreeMap<LogPk, LogId>,
}

impl Viewer<'_> {
    fn look(mut self) -> Result<RoomSeen, StoreError> {
        let mut seen = RoomSeen::default();
        let Some(room) = self.database.room_row_of(self.pk)? else { return Ok(seen) };
        seen.lines.push(format!("room {:?} {} {} {:?}", room.kind, room.created_ms, room.offices, room.page));
        seen.lines.extend(self.people()?);
        let mut after = Place { hlc: Hlc::ZERO, id: EntryId::NIL };
        loop {
            let page = self.database.messages_after(self.pk, after, false, PAGE)?;
            for message in &page {
                seen.lines.push(self.message(message)?);
                after = Place { hlc: message.entry.hlc, id: message.entry.id };
                seen.messages.push((message.entry.author, message.entry.id, message.message.text.clone()));
            }
            if page.len() < PAGE as usize {
                break;
            }
        }
        seen.lines.extend(self.reads()?);
        Ok(seen)
    }

    /// Members and offices, sorted.
    fn people(&self) -> Result<Vec<String>, StoreError> {
        let members = self.database.members_of(self.pk)?;
        let offices = self.database.offices_of(self.pk)?;
        let mut lines: Vec<String> = members.iter().map(|member| format!("member {member:?}")).collect();
        lines.extend(offices.iter().map(|office| format!("office {office}")));
        lines.sort_unstable();
        Ok(lines)
    }

    fn message(&self, shown: &ShownMessage) -> Result<String, StoreError> {
        let entry = &shown.entry;
        let marks = self.database.marks_of(self.pk, &entry.id, &entry.author)?;
        Ok(format!(
            "message {:?} {} {} {} {:?} {:?} redacted {} {:?} conflict {} edit {:?} reactions {:?}",
            entry.hlc,
            entry.id,
            entry.author,
            entry.wall_ms,
            entry.clock_offset_ms,
            shown.message,
            shown.redacted,
            marks.redaction(),
            shown.conflict,
            // Not under which number it is stored here.
            marks.edit().map(|edit| (edit.text, edit.at_ms, edit.signed)),
            marks.reactions(),
        ))
    }

    /// Marks of all people, with the names of the logs instead of their numbers.
    fn reads(&mut self) -> Result<Vec<String>, StoreError> {
        let mut rows = self.database.reads_in(self.pk)?;
        rows.retain(|row| self.marks == Marks::OfEverybody || row.node != self.database.node());
        let mut lines = Vec::with_capacity(rows.len());
        for row in &rows {
            lines.push(self.read(row)?);
        }
        lines.sort_unstable();
        Ok(lines)
    }

    fn read(&mut self, row: &ReadRow) -> Result<String, StoreError> {
        let mut seen = Vec::new();
        for line in row.seen.iter().flat_map(|seen| &seen.0) {
            let log = self.log(LogPk(line.log))?;
            seen.push((log, line.length, line.above.clone()));
        }
        seen.sort_unstable();
        Ok(format!(
            "read {} {:?} {:?} {} {:?}",
            row.user,
            row.node,
            row.place,
            row.at_ms,
            row.seen.is_some().then_some(seen)
        ))
    }

    fn log(&mut self, pk: LogPk) -> Result<LogId, StoreError> {
        if let Some(log) = self.logs.get(&pk) {
            return Ok(*log);
        }
        let log = self.database.log_of(EntryPk::new(pk, 1))?;
        self.logs.insert(pk, log);
        Ok(log)
    }
}
