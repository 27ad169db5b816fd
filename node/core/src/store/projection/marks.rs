//! Edits, redactions and reactions: rows found by the message they are about, here or not.

use noroshi_sync::entry::Entry;
use noroshi_sync::id::{EntryId, RoomId, UserId};
use noroshi_sync::store::StoreError;

use super::{Work, judging, messages};
use crate::body::Body;
use crate::events::Happening;
use crate::store::error::damaged;
use crate::store::{EntryPk, RoomPk, StoredEntry};

pub(super) fn insert(work: &Work<'_, '_>, stored: &StoredEntry<'_>, body: &Body) -> Result<(), StoreError> {
    let Some((target, target_author)) = target(stored.entry, body) else { return Ok(()) };
    let visible = judging::is_entitled(work, stored.room, stored.log, stored.entry, body)?;
    work.execute(
        "INSERT INTO marks (entry_pk, room_pk, target, target_author, kind, visible) VALUES (?, ?, ?, ?, ?, ?)",
        (stored.entry_pk, stored.room, target.as_bytes(), target_author.as_bytes(), stored.entry.kind, visible),
    )?;
    if visible { applied(work, stored.room, &stored.log.room, stored.entry, body) } else { Ok(()) }
}

/// Looks again at one row after rights have changed.
pub(super) fn judge_again(work: &Work<'_, '_>, room: RoomPk, pk: EntryPk, was_visible: bool) -> Result<(), StoreError> {
    let found = work.entry_at(pk)?.ok_or_else(|| damaged("an entry is missing"))?;
    let body = Body::decode(found.entry.kind, &found.entry.body).unwrap_or(Body::Unknown);
    let visible = judging::is_entitled(work, room, &found.log, &found.entry, &body)?;
    if visible == was_visible {
        return Ok(());
    }
    work.execute("UPDATE marks SET visible = ? WHERE entry_pk = ?", (visible, pk))?;
    applied(work, room, &found.log.room, &found.entry, &body)
}

/// A mark has begun or ceased to count.
fn applied(work: &Work<'_, '_>, room: RoomPk, name: &RoomId, entry: &Entry, body: &Body) -> Result<(), StoreError> {
    let Some((id, author)) = target(entry, body) else { return Ok(()) };
    if matches!(body, Body::Redact(_)) {
        messages::arrange(work, room, &id, &author)?;
    }
    let is_shown = work.row(
        "SELECT 1 FROM messages INDEXED BY messages_by_identity
         WHERE room_pk = ? AND id = ? AND author = ? AND state = 2 LIMIT 1",
        (room, id.as_bytes(), author.as_bytes()),
        |_| Ok(()),
    )?;
    if is_shown.is_none() {
        return Ok(());
    }
    let room = *name;
    work.tell(&match body {
        Body::Edit(_) => Happening::Edited { room, id, author },
        Body::Redact(_) => Happening::Redacted { room, id, author },
        _ => Happening::Reaction { room, id, author },
    })
}

/// The message a mark is about.
fn target(entry: &Entry, body: &Body) -> Option<(EntryId, UserId)> {
    match body {
        Body::Edit(edit) => Some((edit.target, entry.author)),
        Body::Redact(redact) => Some((redact.target, redact.target_author)),
        Body::Reaction(reaction) => Some((reaction.target, reaction.target_author)),
        Body::Message(_) | Body::DocChange(_) | Body::DocCut(_) | Body::Unknown => None,
    }
}
