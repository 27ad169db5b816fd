//! Visible or hidden: whether the writer of an entry had the right to write it, as far as is known now.

use noroshi_sync::entry::{Entry, SignatureKind};
use noroshi_sync::log::LogId;
use noroshi_sync::store::StoreError;

use super::{Projection, Unsettled, Work, marks, messages, pages};
use crate::body::Body;
use crate::store::query::codes::{room_kind, room_role, unsigned};
use crate::store::{EntryPk, RoomPk};
use crate::view::{RoomKind, RoomRole};

/// Which rows are looked at again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Scope {
    /// Rights were gained only.
    Hidden,
    /// Rights may have been lost.
    All,
}

/// Whether the entry counts: its node may vouch for its author, and the author held the right it relies on, now or ever.
pub(super) fn is_entitled(
    work: &Work<'_, '_>,
    room: RoomPk,
    log: &LogId,
    entry: &Entry,
    body: &Body,
) -> Result<bool, StoreError> {
    // A device says who wrote it, its node that the person had logged in. Whether the signature is right changes how the
    // entry is shown, never whether.
    let sort = SignatureKind::from_number(entry.sig_alg);
    let is_known = matches!(sort, Some(SignatureKind::AttestedByNode | SignatureKind::Device));
    if !is_known || !is_vouched(work, room, log, entry)? {
        return Ok(false);
    }
    let right = work.row(
        "SELECT role, kind FROM grants JOIN room_states USING (room_pk)
         WHERE room_pk = ? AND grant_id = ? AND user = ?",
        (room, entry.auth_ref.as_bytes(), entry.author.as_bytes()),
        |row| Ok((room_role(row, 0)?, room_kind(row, 1)?)),
    )?;
    Ok(right.is_some_and(|(role, kind)| may_say(role, kind, entry, body)))
}

/// Whether the node that wrote the entry may speak for its author; a revoked one only in what others held before.
fn is_vouched(work: &Work<'_, '_>, room: RoomPk, log: &LogId, entry: &Entry) -> Result<bool, StoreError> {
    let directory = &work.current.directory;
    if directory.may_attest(log.node, entry.author) {
        return Ok(true);
    }
    if !directory.may_have_attested(log.node, entry.author) {
        return Ok(false);
    }
    let witnessed = work.row(
        "SELECT length FROM witnesses WHERE room_pk = ? AND node = ? AND epoch = ? AND lane = ?",
        (room, log.node.as_bytes(), log.epoch.0.cast_signed(), log.lane.number()),
        |row| unsigned(row, 0),
    )?;
    Ok(witnessed.is_some_and(|length| entry.seq <= length))
}

fn may_say(role: RoomRole, kind: RoomKind, entry: &Entry, body: &Body) -> bool {
    match body {
        Body::Message(_) => kind != RoomKind::Announcement || role == RoomRole::Admin,
        Body::Redact(redact) => redact.target_author == entry.author || role == RoomRole::Admin,
        Body::Edit(_) | Body::Reaction(_) | Body::DocChange(_) => true,
        // An act by a key, not by a right in the room.
        Body::DocCut(_) | Body::Unknown => false,
    }
}

/// Rooms that have rows to look at again.
pub(super) fn rooms_to_judge(work: &Work<'_, '_>, scope: Scope) -> Result<Vec<RoomPk>, StoreError> {
    let sql = match scope {
        Scope::Hidden => {
            "SELECT room_pk FROM messages WHERE state = 0 UNION SELECT room_pk FROM marks WHERE visible = 0
             UNION SELECT room_pk FROM page_changes WHERE visible = 0"
        }
        Scope::All => {
            "SELECT room_pk FROM messages UNION SELECT room_pk FROM marks UNION SELECT room_pk FROM page_changes"
        }
    };
    work.rows(sql, [], |row| row.get(0))
}

impl Projection {
    /// Looks again at rows of a room after rights have changed.
    pub(super) fn judge_again(&self, work: &Work<'_, '_>, room: RoomPk, scope: Scope) -> Result<(), StoreError> {
        for (pk, was_visible) in rows(work, room, scope, Table::Messages)? {
            messages::judge_again(work, room, pk, was_visible)?;
        }
        for (pk, was_visible) in rows(work, room, scope, Table::Marks)? {
            marks::judge_again(work, room, pk, was_visible)?;
        }
        let mut page_changed = false;
        for (pk, was_visible) in rows(work, room, scope, Table::PageChanges)? {
            page_changed |= pages::judge_again(work, room, pk, was_visible)?;
        }
        if page_changed { self.unsettle(work, Unsettled::Page(room)) } else { Ok(()) }
    }
}

#[derive(Clone, Copy)]
enum Table {
    Messages,
    Marks,
    PageChanges,
}

fn rows(work: &Work<'_, '_>, room: RoomPk, scope: Scope, table: Table) -> Result<Vec<(EntryPk, bool)>, StoreError> {
    let sql = match (table, scope) {
        (Table::Messages, Scope::Hidden) => "SELECT entry_pk, 0 FROM messages WHERE room_pk = ? AND state = 0",
        (Table::Messages, Scope::All) => {
            "SELECT entry_pk, state > 0 FROM messages INDEXED BY messages_by_identity WHERE room_pk = ?"
        }
        (Table::Marks, Scope::Hidden) => "SELECT entry_pk, 0 FROM marks WHERE room_pk = ? AND visible = 0",
        (Table::Marks, Scope::All) => {
            "SELECT entry_pk, 0 FROM marks WHERE room_pk = ?1 AND visible = 0
             UNION ALL SELECT entry_pk, 1 FROM marks WHERE room_pk = ?1 AND visible = 1"
        }
        (Table::PageChanges, Scope::Hidden) => "SELECT entry_pk, 0 FROM page_changes WHERE room_pk = ? AND visible = 0",
        (Table::PageChanges, Scope::All) => "SELECT entry_pk, visible FROM page_changes WHERE room_pk = ?",
    };
    work.rows(sql, [room], |row| Ok((row.get(0)?, row.get(1)?)))
}
