//! Reading on.

use noroshi_sync::id::{EntryId, RoomId};

use super::Desk;
use crate::error::ServiceError;
use crate::rights::Action;
use crate::store::projection::Shown;
use crate::store::query::Place;
use crate::view::Actor;

impl Desk<'_> {
    /// Everything up to this message that is here has been read. A mark never goes back; returns whether it moved or
    /// late messages were read with it.
    pub fn mark_read(&self, actor: &Actor, room: RoomId, message: EntryId) -> Result<bool, ServiceError> {
        self.mark_shown(actor, room, message, &Shown::Everything)
    }

    /// The same for what was really shown: what came in between stays unread.
    ///
    /// # Errors
    /// `unknown_cursor` when it cannot be known any more what came since: who reads fetches the page again.
    pub fn mark_shown(
        &self,
        actor: &Actor,
        room: RoomId,
        message: EntryId,
        shown: &Shown,
    ) -> Result<bool, ServiceError> {
        let standing = self.standing(actor, &room, Action::MarkRead)?;
        let message = self.writing.message(standing.room, &message)?.ok_or(ServiceError::NotFound)?;
        let place = Place { hlc: message.entry.hlc, id: message.entry.id };
        let marked = self.writing.mark_read(standing.room, &actor.user, place, shown, self.clock.now_ms)?;
        marked.ok_or(ServiceError::Invalid { field: "seen", code: "unknown_cursor" })
    }
}
