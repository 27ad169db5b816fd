//! The audit log: events that are written here, and the rows of all that are held.

use noroshi_provisioning::Directory;
use noroshi_provisioning::audit::{AuditEvent, AuditKind};
use noroshi_sync::id::{DeviceId, EntryId, UserId};
use noroshi_sync::store::{StoreError, WallClock};

use super::{Projection, Work};
use crate::events::Happening;
use crate::store::audit::AuditRow;
use crate::store::{Damage, StoredEntry, Writing};

/// The setting that says in which run of the program it was told that own entries came back.
const RETURNED: &str = "audit/returned";

pub(super) fn insert(work: &Work<'_, '_>, stored: &StoredEntry<'_>) -> Result<(), StoreError> {
    let Some(row) = AuditRow::of(stored.room, stored.entry_pk, stored.entry) else { return Ok(()) };
    work.execute(
        "INSERT INTO audit (entry_pk, room_pk, at_ms, id, kind, actor, subject) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            row.entry,
            row.room,
            row.at_ms.cast_signed(),
            row.id.as_bytes(),
            row.kind,
            row.actor.as_bytes(),
            row.subject.as_ref().map(UserId::as_bytes),
        ),
    )?;
    Ok(())
}

impl Projection {
    /// Writes an event into the audit room of this node's office, in the running transaction. Before the node belongs to
    /// an office there is none, and nobody who could look.
    pub fn note_event(
        &self,
        writing: &Writing<'_>,
        clock: WallClock,
        id: EntryId,
        (actor, device): (UserId, DeviceId),
        event: &AuditEvent,
    ) -> Result<(), StoreError> {
        let Some(room) = self.current(writing)?.directory.audit_room_of(writing.node()) else { return Ok(()) };
        let draft = event.draft(room, id, actor, device).map_err(|error| StoreError::Invalid(error.to_string()))?;
        writing.append(vec![draft], clock).map(|_| ())
    }

    /// The same for what the node notices by itself.
    pub(super) fn note_by_itself(&self, writing: &Writing<'_>, event: &AuditEvent) -> Result<(), StoreError> {
        let clock = WallClock { now_ms: writing.wall_ms(), offset_ms: None };
        let id = EntryId::from_uuid(uuid::Uuid::now_v7());
        self.note_event(writing, clock, id, (UserId::NIL, DeviceId::NIL), event)
    }

    /// Says, once in a run of the program, that a peer sent what was written in this node's name and is not here: the store
    /// was put back or cut short, or a copy of the node runs elsewhere.
    pub(super) fn note_returned(&self, writing: &Writing<'_>) -> Result<(), StoreError> {
        let epoch = writing.epoch().0.to_be_bytes();
        if writing.setting(RETURNED)?.as_deref() == Some(&epoch) {
            return Ok(());
        }
        writing.set_setting(RETURNED, &epoch)?;
        tracing::error!("a peer has sent what this node had written and does not hold");
        let text = "このノードの名で書かれ、ここになかった記録が他の拠点から届きました。控えから戻した、記録が削られた、同じノードが二つ動いている、のいずれかです。";
        let at_ms = writing.wall_ms();
        writing.emit_event(
            Happening::Alert { code: crate::peers::codes::RECORDS_RETURNED.into(), text: text.into(), at_ms }.encode(),
        )?;
        self.note_by_itself(writing, &AuditEvent::new(AuditKind::RecordsReturned, None))
    }

    /// Says that the store is not what it was when it was written: for what is found at a start.
    pub fn note_damages(&self, writing: &Writing<'_>, damages: &[Damage]) -> Result<(), StoreError> {
        if damages.is_empty() {
            return Ok(());
        }
        let count = u32::try_from(damages.len()).unwrap_or(u32::MAX);
        let text = format!(
            "このノードの記録に {count} か所の欠けまたは食い違いが見つかりました。「noroshi check」で確かめてください。不足分は他の拠点から取り戻します。"
        );
        let at_ms = writing.wall_ms();
        writing
            .emit_event(Happening::Alert { code: crate::peers::codes::RECORDS_MISSING.into(), text, at_ms }.encode())?;
        self.note_by_itself(writing, &AuditEvent::new(AuditKind::RecordsMissing, None).times(count))
    }
}

/// Says who holds which room.
pub(super) fn open_rooms(work: &Work<'_, '_>, directory: &Directory) -> Result<(), StoreError> {
    for (room, office) in directory.audit_rooms() {
        work.set_audience(&room, &directory.audit_audience(office).into())?;
    }
    name_rooms(work, directory)
}

/// Names the rooms of the offices for who looks; also at every start, so that none is forgotten by taking its row away.
pub(super) fn name_rooms(writing: &Writing<'_>, directory: &Directory) -> Result<(), StoreError> {
    for (room, office) in directory.audit_rooms() {
        let pk = writing.ensure_room(&room)?;
        writing
            .execute("INSERT OR REPLACE INTO audit_rooms (room_pk, office) VALUES (?, ?)", (pk, office.as_bytes()))?;
    }
    Ok(())
}
