//! Editing the page of a room: name, topic, purpose, pins.

use noroshi_provisioning::audit::{AuditEvent, AuditKind};
use noroshi_provisioning::{AdministratorKey, Signer as _};
use noroshi_sync::entry::{Draft, Lane, SignatureKind, statement};
use noroshi_sync::id::{EntryId, RoomId};
use noroshi_sync::store::StoreError;

use super::Desk;
use crate::body::{DocChange, DocCut, GOOD_HEADS_MAX};
use crate::document::{PageEdit, PageError, PageView, RoomPage};
use crate::error::ServiceError;
use crate::kinds;
use crate::limits::{PINS_MAX, ROOM_NAME_CHARS_MAX, ROOM_PURPOSE_CHARS_MAX, ROOM_TOPIC_CHARS_MAX};
use crate::rights::{Action, Object};
use crate::store::query::Standing;
use crate::text::{one_line, optional, required};
use crate::view::{Actor, RoomKind};

impl Desk<'_> {
    /// Any member edits topic, purpose and pins; administrators of the room its name too. Returns whether it changed.
    pub fn edit_page(&self, actor: &Actor, room: RoomId, edit: &PageEdit) -> Result<bool, ServiceError> {
        let standing = self.standing(actor, &room, Action::EditPage)?;
        if edit.name.is_some() && standing.kind == RoomKind::Direct {
            return Err(ServiceError::Invalid { field: "name", code: "not_allowed" });
        }
        if edit.name.is_some() {
            self.check(actor, Action::RenameRoom, Object::Room(Some(&standing)))?;
        }
        let edit = checked(edit)?;
        self.check_pins(&standing, edit.pins.as_deref().unwrap_or_default())?;
        let (document, page) = self.projection.page(self.writing, standing.room, room)?;
        let Some(bytes) = changed(&page, &edit)? else { return Ok(false) };
        let by = (actor, standing.grant);
        self.append(vec![page_draft(by, room, (self.mint)(), document, bytes)])?;
        Ok(true)
    }

    /// Closes the document of the room page and starts its successor with what the page says here: where the page takes
    /// no more edits, or a change keeps it from being edited. What others write into the old document from now on is no
    /// part of the page.
    pub fn renew_page(&self, actor: &Actor, room: RoomId, signer: &AdministratorKey) -> Result<(), ServiceError> {
        self.check(actor, Action::RenewDocument, Object::Organisation)?;
        let current = self.projection.current(self.writing)?;
        if signer.user() != actor.user {
            return Err(ServiceError::Denied("console_locked"));
        }
        if current.directory.administrator_key(signer.entry()).is_none() {
            return Err(ServiceError::Denied("key_ended"));
        }
        let pk = self.writing.room_key(&room)?.ok_or(ServiceError::NotFound)?;
        self.writing.room_row_of(pk)?.ok_or(ServiceError::NotFound)?;
        let (document, page) = self.projection.page(self.writing, pk, room)?;
        let PageView { name, topic, purpose, pins } = page.view();
        let whole = PageEdit { name: Some(name), topic: Some(topic), purpose: Some(purpose), pins: Some(pins) };
        let start = changed(&RoomPage::new(room, self.writing.node(), self.writing.epoch()), &whole)?;
        // The newest are enough to say where it was cut, should it have been torn into very many.
        let heads = page.heads().into_iter().map(|head| *head.as_bytes()).take(GOOD_HEADS_MAX).collect();
        let body = DocCut::new(document, heads, start.unwrap_or_default()).encode();
        let (id, kind) = ((self.mint)(), kinds::DOC_CUT);
        let signature = signer.sign(&statement(room, id, kind, actor.user, &body));
        self.append(vec![Draft {
            sig_alg: SignatureKind::Administrator.number(),
            sig: Some(signature.as_bytes().to_vec()),
            ..Draft::attested(room, Lane::Normal, id, kind, actor.user, actor.device, signer.entry(), body)
        }])?;
        let event = AuditEvent::new(AuditKind::PageRenewed, None).with("room", &room.to_string());
        Ok(self.note((actor.user, actor.device), &event)?)
    }

    fn check_pins(&self, standing: &Standing, pins: &[EntryId]) -> Result<(), ServiceError> {
        if pins.len() > PINS_MAX {
            return Err(ServiceError::Invalid { field: "pins", code: "too_many" });
        }
        for pin in pins {
            if self.writing.message(standing.room, pin)?.is_none() {
                return Err(ServiceError::Invalid { field: "pins", code: "unknown_message" });
            }
        }
        Ok(())
    }
}

/// The change that makes the edit; `None` when it would change nothing.
pub(super) fn changed(page: &RoomPage, edit: &PageEdit) -> Result<Option<Vec<u8>>, ServiceError> {
    Ok(page.edit(edit).map_err(refused)?.map(|pending| pending.bytes().to_vec()))
}

/// The entry that carries a change, by somebody with this right.
pub(super) fn page_draft(by: (&Actor, EntryId), room: RoomId, id: EntryId, document: String, bytes: Vec<u8>) -> Draft {
    let (actor, grant) = by;
    let body = DocChange::new(document, bytes).encode();
    Draft::attested(room, Lane::Normal, id, kinds::DOC_CHANGE, actor.user, actor.device, grant, body)
}

/// The edit with its texts trimmed and measured.
pub(super) fn checked(edit: &PageEdit) -> Result<PageEdit, ServiceError> {
    let name = edit.name.as_deref().map(room_name).transpose()?;
    let topic = edit.topic.as_deref().map(|topic| one_line("topic", topic, ROOM_TOPIC_CHARS_MAX)).transpose()?;
    let purpose =
        edit.purpose.as_deref().map(|purpose| optional("purpose", purpose, ROOM_PURPOSE_CHARS_MAX)).transpose()?;
    Ok(PageEdit {
        name: name.map(str::to_owned),
        topic: topic.map(str::to_owned),
        purpose: purpose.map(str::to_owned),
        pins: edit.pins.clone(),
    })
}

fn room_name(name: &str) -> Result<&str, ServiceError> {
    one_line("name", required("name", name, ROOM_NAME_CHARS_MAX)?, ROOM_NAME_CHARS_MAX)
}

fn refused(error: PageError) -> ServiceError {
    match error {
        PageError::TooLong { field, .. } => ServiceError::Invalid { field, code: "too_long" },
        PageError::Full(excess) => ServiceError::TooLarge { what: "page of the room", limit: excess.limit },
        PageError::TooMuch(_) => {
            ServiceError::TooLarge { what: "edit of the page", limit: crate::document::limits::CHANGE_BYTES_MAX }
        }
        error @ (PageError::Unreadable(_) | PageError::Superseded(_)) => {
            ServiceError::from(StoreError::Damaged(error.to_string()))
        }
    }
}
