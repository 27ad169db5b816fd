//! Messages in the order of the timeline: by stamp, then id. One index answers; fifty messages are fifty seeks.

use noroshi_sync::entry::Entry;
use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::{EntryId, UserId};
use noroshi_sync::store::StoreError;
use rusqlite::{Result, Row};

use super::codes::{entry, entry_id, hlc, hlc_number, unsigned, user_id};
use super::erasures::Tombstone;
use crate::body::{Body, Message};
use crate::store::{Database, EntryPk, RoomPk};

/// A message that people see.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShownMessage {
    pub pk: EntryPk,
    pub room: RoomPk,
    pub redacted: bool,
    pub conflict: bool,
    /// When it was stored here.
    pub received_ms: u64,
    /// The author's device signed it, with the key that is enrolled.
    pub signed: bool,
    pub entry: Entry,
    pub message: Message,
    /// Nothing is left of it: who erased it and why. It has no place in a log (`pk` is 0), and counts as redacted.
    pub erased: Option<Tombstone>,
}

/// A place in the timeline.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place {
    pub hlc: Hlc,
    pub id: EntryId,
}

/// Without statistics SQLite takes any index that gives the order asked for, even if it must read the whole room: the
/// index is named.
macro_rules! timeline {
    ($where:literal) => {
        concat!(
            "SELECT entry_pk, room_pk, redacted, conflict, received_ms, bytes
             FROM messages INDEXED BY messages_timeline JOIN entries USING (entry_pk)
             WHERE room_pk = ?1 AND state = 2 AND ",
            $where
        )
    };
}
macro_rules! identity {
    ($where:literal) => {
        concat!(
            "SELECT entry_pk, room_pk, redacted, conflict, received_ms, bytes
             FROM messages INDEXED BY messages_by_identity JOIN entries USING (entry_pk)
             WHERE room_pk = ? AND id = ? AND state = 2 ",
            $where
        )
    };
}

impl Database {
    /// The newest messages before a place, or of all; newest first.
    pub fn messages_before(
        &self,
        room: RoomPk,
        place: Option<Place>,
        limit: u32,
    ) -> Result<Vec<ShownMessage>, StoreError> {
        let Place { hlc, id } = place.unwrap_or(Place { hlc: Hlc::from_raw(i64::MAX as u64), id: EntryId::NIL });
        let sql = timeline!("(hlc, id) < (?2, ?3) ORDER BY hlc DESC, id DESC LIMIT ?4");
        let erased = self.tombstones_before(room, Place { hlc, id }, limit)?;
        let mut found = self.shown(sql, (room, hlc_number(hlc), id.as_bytes(), limit))?;
        merge(&mut found, erased, limit, |a, b| place_of(b).cmp(&place_of(a)));
        Ok(found)
    }

    /// The oldest messages after a place, or from it on; oldest first.
    pub fn messages_after(
        &self,
        room: RoomPk,
        place: Place,
        inclusive: bool,
        limit: u32,
    ) -> Result<Vec<ShownMessage>, StoreError> {
        let values = (room, hlc_number(place.hlc), *place.id.as_bytes(), limit);
        let erased = self.tombstones_after(room, place, inclusive, limit)?;
        let mut found = match inclusive {
            true => self.shown(timeline!("(hlc, id) >= (?2, ?3) ORDER BY hlc, id LIMIT ?4"), values)?,
            false => self.shown(timeline!("(hlc, id) > (?2, ?3) ORDER BY hlc, id LIMIT ?4"), values)?,
        };
        merge(&mut found, erased, limit, |a, b| place_of(a).cmp(&place_of(b)));
        Ok(found)
    }

    /// The message that people in the room mean by this id: the first one shown, should several people have used it.
    pub fn message(&self, room: RoomPk, id: &EntryId) -> Result<Option<ShownMessage>, StoreError> {
        let sql = identity!("ORDER BY hlc, author, entry_pk LIMIT 1");
        let found = self.shown(sql, (room, id.as_bytes()))?.pop();
        if found.is_some() { Ok(found) } else { self.tombstone(room, id, None) }
    }

    /// The shown messages of one identity: several where it was used with different content.
    pub fn messages_of(&self, room: RoomPk, id: &EntryId, author: &UserId) -> Result<Vec<ShownMessage>, StoreError> {
        let sql = identity!("AND author = ? ORDER BY hlc, entry_pk");
        let found = self.shown(sql, (room, id.as_bytes(), author.as_bytes()))?;
        if found.is_empty() { Ok(self.tombstone(room, id, Some(author))?.into_iter().collect()) } else { Ok(found) }
    }

    /// One entry, if it is a message that is shown.
    pub fn message_at(&self, entry: EntryPk) -> Result<Option<ShownMessage>, StoreError> {
        let sql = "SELECT entry_pk, room_pk, redacted, conflict, received_ms, bytes
             FROM messages JOIN entries USING (entry_pk) WHERE entry_pk = ? AND state = 2";
        Ok(self.shown(sql, [entry])?.pop())
    }

    /// Where a message stands, shown or not.
    pub fn place_of(&self, room: RoomPk, id: &EntryId) -> Result<Option<Place>, StoreError> {
        let found = self.row(
            "SELECT hlc, id FROM messages INDEXED BY messages_by_identity WHERE room_pk = ? AND id = ?
             ORDER BY state DESC, hlc LIMIT 1",
            (room, id.as_bytes()),
            |row| Ok(Place { hlc: hlc(row, 0)?, id: entry_id(row, 1)? }),
        )?;
        if found.is_some() {
            return Ok(found);
        }
        Ok(self.tombstone(room, id, None)?.as_ref().map(place_of))
    }

    /// Ids of the newest shown messages among the entries `first ..= last` of a log.
    pub fn messages_among(
        &self,
        first: EntryPk,
        last: EntryPk,
        limit: u32,
    ) -> Result<Vec<(EntryId, UserId)>, StoreError> {
        self.rows(
            "SELECT id, author FROM messages WHERE entry_pk BETWEEN ? AND ? AND state = 2
             ORDER BY entry_pk DESC LIMIT ?",
            (first, last, limit),
            |row| Ok((entry_id(row, 0)?, user_id(row, 1)?)),
        )
    }

    /// Ids of the newest shown messages between two places, the second included.
    pub fn messages_between(
        &self,
        room: RoomPk,
        after: Place,
        until: Place,
        limit: u32,
    ) -> Result<Vec<(EntryId, UserId)>, StoreError> {
        self.rows(
            "SELECT id, author FROM messages INDEXED BY messages_timeline
             WHERE room_pk = ? AND state = 2 AND (hlc, id) > (?, ?) AND (hlc, id) <= (?, ?)
             ORDER BY hlc DESC, id DESC LIMIT ?",
            (room, hlc_number(after.hlc), after.id.as_bytes(), hlc_number(until.hlc), until.id.as_bytes(), limit),
            |row| Ok((entry_id(row, 0)?, user_id(row, 1)?)),
        )
    }

    fn shown(&self, sql: &str, values: impl rusqlite::Params) -> Result<Vec<ShownMessage>, StoreError> {
        // A row whose body cannot be read is never shown, so every row gives a message.
        let mut shown: Vec<ShownMessage> = self.rows(sql, values, read)?.into_iter().flatten().collect();
        for message in &mut shown {
            message.signed = self.is_signed(message.pk, &message.entry)?;
        }
        Ok(shown)
    }
}

fn place_of(shown: &ShownMessage) -> Place {
    Place { hlc: shown.entry.hlc, id: shown.entry.id }
}

/// Puts erased ones into a page, which stays within its limit.
fn merge(
    page: &mut Vec<ShownMessage>,
    erased: Vec<ShownMessage>,
    limit: u32,
    order: impl Fn(&ShownMessage, &ShownMessage) -> std::cmp::Ordering,
) {
    if !erased.is_empty() {
        page.extend(erased);
        page.sort_by(order);
        page.truncate(limit as usize);
    }
}

fn read(row: &Row<'_>) -> Result<Option<ShownMessage>> {
    let entry = entry(row, 5)?;
    let Ok(Body::Message(message)) = Body::decode(entry.kind, &entry.body) else { return Ok(None) };
    Ok(Some(ShownMessage {
        pk: row.get(0)?,
        room: row.get(1)?,
        redacted: row.get(2)?,
        conflict: row.get(3)?,
        received_ms: unsigned(row, 4)?,
        signed: false,
        entry,
        message,
        erased: None,
    }))
}
