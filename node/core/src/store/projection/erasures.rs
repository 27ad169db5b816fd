//! What acts of erasure do: the content they name goes, and people find a tombstone where a message was.
//!
//! An act that counts counts for ever, so each is carried out once, in the transaction that stores it or the key that
//! signed it.

use noroshi_provisioning::body::body_of;
use noroshi_provisioning::membership::{Erasure, kind};
use noroshi_sync::entry::Entry;
use noroshi_sync::id::{EntryId, RoomId, UserId};
use noroshi_sync::log::{Hash, LogId};
use noroshi_sync::store::StoreError;

use super::{Projection, Unsettled, Work, messages};
use crate::events::Happening;
use crate::kinds;
use crate::resolve::standing::written_ms;
use crate::store::query::PolicyEntry;
use crate::store::query::codes::{entry_id, grounds_number, hlc_number, user_id};
use crate::store::{EntryPk, RoomPk};

impl Projection {
    /// Carries out the acts of a room's policy that were not carried out yet.
    pub(super) fn settle_erasures(
        &self,
        work: &Work<'_, '_>,
        room: RoomPk,
        entries: &[PolicyEntry],
    ) -> Result<(), StoreError> {
        for PolicyEntry { log, entry } in entries.iter().filter(|found| found.entry.kind == kind::ERASURE) {
            let Some(pk) = work.entry_key(log, entry.seq)? else { continue };
            let Ok(act) = body_of::<Erasure>(entry) else { continue };
            let counted = work.row("SELECT counted FROM erasures WHERE entry_pk = ?", [pk], |row| row.get(0))?;
            let counts = work.current.directory.was_signed_by_administrator(log.room, entry);
            if counted == Some(true) || counted == Some(false) && !counts {
                continue;
            }
            work.execute(
                "INSERT INTO erasures (entry_pk, room_pk, counted) VALUES (?1, ?2, ?3)
                 ON CONFLICT (entry_pk) DO UPDATE SET counted = ?3",
                (pk, room, counts),
            )?;
            if counts {
                self.carry_out(work, room, log.room, entry, &act)?;
            }
        }
        Ok(())
    }

    fn carry_out(
        &self,
        work: &Work<'_, '_>,
        room: RoomPk,
        name: RoomId,
        entry: &Entry,
        act: &Erasure,
    ) -> Result<(), StoreError> {
        for places in &act.places {
            let log = LogId::new(name, places.node, places.epoch, places.lane);
            for (seq, hash) in &places.entries {
                self.erase(work, room, &log, *seq, hash)?;
            }
        }
        for message in &act.messages {
            work.execute(
                "INSERT INTO tombstones (room_pk, id, author, hlc, act_hlc, act, actor, at_ms, grounds, reason)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                 ON CONFLICT (room_pk, id, author) DO UPDATE
                 SET hlc = ?4, act_hlc = ?5, act = ?6, actor = ?7, at_ms = ?8, grounds = ?9, reason = ?10
                 WHERE (act_hlc, act) > (?5, ?6)",
                (
                    room,
                    message.id.as_bytes(),
                    message.author.as_bytes(),
                    hlc_number(message.hlc),
                    hlc_number(entry.hlc),
                    entry.id.as_bytes(),
                    entry.author.as_bytes(),
                    written_ms(entry).cast_signed(),
                    grounds_number(act.grounds),
                    &act.reason,
                ),
            )?;
            work.execute(
                "DELETE FROM messages WHERE room_pk = ? AND id = ? AND author = ?",
                (room, message.id.as_bytes(), message.author.as_bytes()),
            )?;
            work.tell(&Happening::Redacted { room: name, id: message.id, author: message.author })?;
        }
        Ok(())
    }

    /// Takes what is held at a place out of the rows that people see, and erases it.
    fn erase(&self, work: &Work<'_, '_>, room: RoomPk, log: &LogId, seq: u64, hash: &Hash) -> Result<(), StoreError> {
        let Some(pk) = work.content_at(log, seq, hash)? else { return work.writing.erase(log, seq, hash) };
        let message = take_message(work, pk)?;
        let redacted = take_mark(work, pk)?;
        let changes = work.execute("DELETE FROM page_changes WHERE entry_pk = ?", [pk])?;
        if changes + work.execute("DELETE FROM page_cuts WHERE entry_pk = ?", [pk])? > 0 {
            self.unsettle(work, Unsettled::Page(room))?;
        }
        work.execute("DELETE FROM signatures WHERE entry_pk = ?", [pk])?;
        work.writing.erase(log, seq, hash)?;
        for (id, author) in message.into_iter().chain(redacted) {
            messages::arrange(work, room, &id, &author)?;
        }
        Ok(())
    }
}

/// Whether a message is one of those that people find erased.
pub(super) fn is_erased(work: &Work<'_, '_>, room: RoomPk, id: &EntryId, author: &UserId) -> Result<bool, StoreError> {
    let found = work.row(
        "SELECT 1 FROM tombstones WHERE room_pk = ? AND id = ? AND author = ?",
        (room, id.as_bytes(), author.as_bytes()),
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

/// Rooms in which an act waits for the key that signed it.
pub(super) fn rooms_with_waiting(work: &Work<'_, '_>) -> Result<Vec<RoomPk>, StoreError> {
    work.rows("SELECT DISTINCT room_pk FROM erasures WHERE counted = 0", [], |row| row.get(0))
}

fn take_message(work: &Work<'_, '_>, pk: EntryPk) -> Result<Option<(EntryId, UserId)>, StoreError> {
    let found = work.row("SELECT id, author FROM messages WHERE entry_pk = ?", [pk], |row| {
        Ok((entry_id(row, 0)?, user_id(row, 1)?))
    })?;
    work.execute("DELETE FROM messages WHERE entry_pk = ?", [pk])?;
    Ok(found)
}

/// The message that a redaction was about, when that is what goes.
fn take_mark(work: &Work<'_, '_>, pk: EntryPk) -> Result<Option<(EntryId, UserId)>, StoreError> {
    let found = work.row("SELECT kind, target, target_author FROM marks WHERE entry_pk = ?", [pk], |row| {
        Ok((row.get::<_, u16>(0)?, entry_id(row, 1)?, user_id(row, 2)?))
    })?;
    work.execute("DELETE FROM marks WHERE entry_pk = ?", [pk])?;
    Ok(found.filter(|(kind, ..)| *kind == kinds::REDACT).map(|(_, id, author)| (id, author)))
}
