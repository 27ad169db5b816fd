//! Editing the page of a room: name, topic, purpose, pins.

use noroshi_sync::entry::{Draft, Lane};
use noroshi_sync::id::{EntryId, RoomId};
use noroshi_sync::store::StoreError;

use super::Desk;
use crate::body::DocChange;
use crate::document::{PageEdit, PageError, RoomPage};
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
        let page = self.projection.page(self.writing, standing.room, room)?;
        let Some(draft) = page_draft(actor, room, standing.grant, (self.mint)(), &page, &edit)? else {
            return Ok(false);
        };
        self.append(vec![draft])?;
        Ok(true)
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

/// The entry that makes the edit; `None` when it would change nothing.
pub(super) fn page_draft(
    actor: &Actor,
    room: RoomId,
    grant: EntryId,
    id: EntryId,
    page: &RoomPage,
    edit: &PageEdit,
) -> Result<Option<Draft>, ServiceError> {
    let Some(pending) = page.edit(edit).map_err(refused)? else { return Ok(None) };
    let body = DocChange::new(DocChange::PAGE.into(), pending.bytes().to_vec()).encode();
    let kind = kinds::DOC_CHANGE;
    Ok(Some(Draft::attested(room, Lane::Normal, id, kind, actor.user, actor.device, grant, body)))
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
