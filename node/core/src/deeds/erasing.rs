//! Erasing messages for good, on every node: signed with an administrator's key.

use noroshi_provisioning::audit::{AuditEvent, AuditKind};
use noroshi_provisioning::body::Body as _;
use noroshi_provisioning::limits::{ERASED_ENTRIES_MAX, ERASED_MESSAGES_MAX};
use noroshi_provisioning::membership::{Erasure, Grounds};
use noroshi_provisioning::{AdministratorKey, Signer as _};
use noroshi_sync::id::{EntryId, RoomId};
use noroshi_sync::store::StoreError;

use super::{Desk, invalid};
use crate::error::ServiceError;
use crate::rights::{Action, Object};
use crate::store::query::ToErase;
use crate::store::{Database, RoomPk};
use crate::view::Actor;

/// What somebody wants erased, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewErasure {
    pub messages: Vec<EntryId>,
    pub grounds: Grounds,
    /// For people, one line.
    pub reason: String,
}

impl NewErasure {
    /// What would go. Nothing is looked up that the store does not hold: who wants more erased does it where it is.
    ///
    /// # Errors
    /// `NotFound` for a room that is not here; `Invalid` for messages that are not in it, for too many, and without a reason.
    pub fn plan(&self, database: &Database, room: &RoomId) -> Result<(RoomPk, ToErase), ServiceError> {
        let pk = database.room_key(room)?.ok_or(ServiceError::NotFound)?;
        // Ledgers and audit logs are no rooms of people.
        database.room_row_of(pk)?.ok_or(ServiceError::NotFound)?;
        if self.messages.is_empty() {
            return Err(ServiceError::Invalid { field: "messages", code: "empty" });
        }
        if self.messages.len() > ERASED_MESSAGES_MAX {
            return Err(ServiceError::Invalid { field: "messages", code: "too_many_items" });
        }
        let found = database.to_erase(pk, &self.messages)?;
        if !self.messages.iter().all(|id| found.messages.iter().any(|message| message.id == *id)) {
            return Err(ServiceError::Invalid { field: "messages", code: "unknown_message" });
        }
        if found.entries > ERASED_ENTRIES_MAX || found.messages.len() > ERASED_MESSAGES_MAX {
            return Err(ServiceError::Invalid { field: "messages", code: "too_many_items" });
        }
        Ok((pk, found))
    }

    fn act(&self, found: &ToErase) -> Erasure {
        let (grounds, reason) = (self.grounds, self.reason.trim().to_owned());
        Erasure { grounds, reason, messages: found.messages.clone(), places: found.places.clone() }
    }
}

impl Desk<'_> {
    /// Signs and writes the act, which is carried out at once; what it erased here.
    pub fn erase(
        &self,
        actor: &Actor,
        room: RoomId,
        new: &NewErasure,
        signer: &AdministratorKey,
    ) -> Result<(EntryId, ToErase), ServiceError> {
        self.check(actor, Action::EraseContent, Object::Organisation)?;
        let current = self.projection.current(self.writing)?;
        if signer.user() != actor.user {
            return Err(ServiceError::Denied("console_locked"));
        }
        if current.directory.administrator_key(signer.entry()).is_none() {
            return Err(ServiceError::Denied("key_ended"));
        }
        let (_, found) = new.plan(self.writing, &room)?;
        let act = new.act(&found);
        act.check().map_err(invalid)?;
        let id = (self.mint)();
        let draft = signer.draft(room, id, actor.device, &act).map_err(invalid)?;
        self.append(vec![draft])?;
        let left =
            self.writing.to_erase(self.writing.room_key(&room)?.ok_or(ServiceError::NotFound)?, &new.messages)?;
        if !left.messages.is_empty() {
            return Err(StoreError::Damaged("what was erased is still shown".into()).into());
        }
        let event = AuditEvent::new(AuditKind::ContentErased, None)
            .with("room", &room.to_string())
            .with("grounds", new.grounds.word())
            .with("messages", &found.messages.len().to_string())
            .with("reason", &act.reason);
        self.note((actor.user, actor.device), &event)?;
        Ok((id, found))
    }
}
