//! Messages: one row an entry, of which one for each (identity, content) is shown.

use std::collections::BTreeMap;

use noroshi_sync::entry::Entry;
use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::{EntryId, RoomId, UserId};
use noroshi_sync::log::LogId;
use noroshi_sync::store::StoreError;

use super::{Work, erasures, judging};
use crate::body::{BODY_VERSION, Body};
use crate::events::Happening;
use crate::store::error::damaged;
use crate::store::query::codes::hlc_number;
use crate::store::{EntryPk, RoomPk, StoredEntry};

const HIDDEN: i64 = 0;
const COPY: i64 = 1;
const SHOWN: i64 = 2;

pub(super) fn insert(work: &Work<'_, '_>, stored: &StoredEntry<'_>, body: &Body) -> Result<(), StoreError> {
    let entry = stored.entry;
    // A copy that no act names must not bring back what was erased.
    if erasures::is_erased(work, stored.room, &entry.id, &entry.author)? {
        return Ok(());
    }
    let visible = judging::is_entitled(work, stored.room, stored.log, entry, body)?;
    let alone = !is_known(work, stored.room, entry)?;
    let state = match (visible, alone) {
        (false, _) => HIDDEN,
        (true, true) => SHOWN,
        (true, false) => COPY,
    };
    let redacted = visible && is_redacted(work, stored.room, &entry.id, &entry.author)?;
    work.execute(
        "INSERT INTO messages (entry_pk, room_pk, hlc, id, author, state, redacted) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            stored.entry_pk,
            stored.room,
            hlc_number(entry.hlc),
            entry.id.as_bytes(),
            entry.author.as_bytes(),
            state,
            redacted,
        ),
    )?;
    note_attachments(work, stored, body)?;
    match state {
        HIDDEN => Ok(()),
        SHOWN => tell_of(work, &stored.log.room, entry),
        _ => {
            // A copy says nothing new, unless its content is other.
            if arrange(work, stored.room, &entry.id, &entry.author)? {
                tell_of(work, &stored.log.room, entry)?;
            }
            Ok(())
        }
    }
}

/// Which files the message shows; whether anybody sees it is asked when it matters.
fn note_attachments(work: &Work<'_, '_>, stored: &StoredEntry<'_>, body: &Body) -> Result<(), StoreError> {
    let Body::Message(message) = body else { return Ok(()) };
    for (place, attachment) in (0_i64..).zip(&message.attachments) {
        let blob = work.ensure_blob(&attachment.blob)?;
        work.execute(
            "INSERT INTO blob_refs (entry_pk, place, blob_pk, room_pk) VALUES (?, ?, ?, ?)",
            (stored.entry_pk, place, blob, stored.room),
        )?;
    }
    Ok(())
}

/// Looks again at one row after rights have changed.
pub(super) fn judge_again(work: &Work<'_, '_>, room: RoomPk, pk: EntryPk, was_visible: bool) -> Result<(), StoreError> {
    let found = work.entry_at(pk)?.ok_or_else(|| damaged("an entry is missing"))?;
    let body = Body::decode(found.entry.kind, &found.entry.body).unwrap_or(Body::Unknown);
    let visible = judging::is_entitled(work, room, &found.log, &found.entry, &body)?;
    if visible == was_visible {
        return Ok(());
    }
    work.execute("UPDATE messages SET state = ? WHERE entry_pk = ?", (if visible { COPY } else { HIDDEN }, pk))?;
    arrange(work, room, &found.entry.id, &found.entry.author)?;
    if visible { tell_of(work, &found.log.room, &found.entry) } else { Ok(()) }
}

/// Brings `state`, `conflict` and `redacted` of all rows of one identity up to date; returns whether something is shown
/// now that was not. Which of several copies is shown depends on the entries alone.
pub(super) fn arrange(work: &Work<'_, '_>, room: RoomPk, id: &EntryId, author: &UserId) -> Result<bool, StoreError> {
    let rows: Vec<(EntryPk, i64)> = work.rows(
        "SELECT entry_pk, state FROM messages INDEXED BY messages_by_identity
         WHERE room_pk = ? AND id = ? AND author = ? AND state > 0",
        (room, id.as_bytes(), author.as_bytes()),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let mut first_of: BTreeMap<Vec<u8>, (Order, EntryPk)> = BTreeMap::new();
    for (pk, _) in &rows {
        let found = work.entry_at(*pk)?.ok_or_else(|| damaged("an entry is missing"))?;
        let unsigned = !work.is_signed(*pk, &found.entry)?;
        let order = (unsigned, found.entry.hlc, found.log, found.entry.seq);
        let first = first_of.entry(found.entry.body).or_insert((order, *pk));
        *first = (*first).min((order, *pk));
    }
    let shown: Vec<EntryPk> = first_of.values().map(|(_, pk)| *pk).collect();
    let conflict = shown.len() > 1;
    let redacted = is_redacted(work, room, id, author)?;
    let mut news = false;
    for (pk, state) in rows {
        let next = if shown.contains(&pk) { SHOWN } else { COPY };
        news |= next == SHOWN && state != SHOWN;
        work.execute(
            "UPDATE messages SET state = ?, conflict = ?, redacted = ? WHERE entry_pk = ?",
            (next, conflict && next == SHOWN, redacted, pk),
        )?;
    }
    // What is hidden carries no marks, so that the rows do not depend on the order of arrival.
    work.execute(
        "UPDATE messages SET conflict = 0, redacted = 0
         WHERE room_pk = ? AND id = ? AND author = ? AND state = 0 AND (conflict OR redacted)",
        (room, id.as_bytes(), author.as_bytes()),
    )?;
    Ok(news)
}

/// Total order of the copies of one message: those that the author's device signed come first, or who repeats a message
/// without its signature would take the signature away.
type Order = (bool, Hlc, LogId, u64);

fn is_known(work: &Work<'_, '_>, room: RoomPk, entry: &Entry) -> Result<bool, StoreError> {
    let known = work.row(
        "SELECT 1 FROM messages INDEXED BY messages_by_identity
         WHERE room_pk = ? AND id = ? AND author = ? LIMIT 1",
        (room, entry.id.as_bytes(), entry.author.as_bytes()),
        |_| Ok(()),
    )?;
    Ok(known.is_some())
}

fn is_redacted(work: &Work<'_, '_>, room: RoomPk, id: &EntryId, author: &UserId) -> Result<bool, StoreError> {
    let redaction = work.row(
        "SELECT 1 FROM marks INDEXED BY marks_by_target
         WHERE room_pk = ? AND target = ? AND target_author = ? AND visible = 1 AND kind = 3 LIMIT 1",
        (room, id.as_bytes(), author.as_bytes()),
        |_| Ok(()),
    )?;
    Ok(redaction.is_some())
}

/// People hear of a message once it is shown, and again when another copy takes its place: the same to them.
fn tell_of(work: &Work<'_, '_>, room: &RoomId, entry: &Entry) -> Result<(), StoreError> {
    work.tell(&Happening::Message { room: *room, id: entry.id, author: entry.author })?;
    // Most messages show no files, which is seen without decoding them.
    if entry.body.first().is_none_or(|version| *version <= BODY_VERSION) {
        return Ok(());
    }
    let Ok(Body::Message(message)) = Body::decode(entry.kind, &entry.body) else { return Ok(()) };
    for attachment in &message.attachments {
        if work.blob(&attachment.blob)?.is_none_or(|row| !row.here) {
            work.tell(&Happening::Attachment { room: *room, blob: attachment.blob })?;
        }
    }
    Ok(())
}
