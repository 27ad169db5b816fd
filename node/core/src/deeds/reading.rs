//! Reading on.

use noroshi_sync::id::{EntryId, RoomId};

use super::Desk;
use crate::error::ServiceError;
use crate::rights::Action;
use crate::store::query::Place;
use crate::view::Actor;

impl Desk<'_> {
    /// Everything up to this message that is here has been read. A mark never goes back; returns whether it moved or
    /// late messages were read with it.
    pub fn mark_read(&self, actor: &Actor, room: RoomId, message: EntryId) -> Result<bool, ServiceError> {
        let standing = self.standing(actor, &room, Action::MarkRead)?;
        let message = self.writing.message(standing.room, &message)?.ok_or(ServiceError::NotFound)?;
        let place = Place { hlc: message.entry.hlc, id: message.entry.id };
        Ok(self.writing.mark_read(standing.room, &actor.user, place, self.clock.now_ms)?)
    }
}
