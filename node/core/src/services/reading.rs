//! Read marks, and who has read a message or holds it.

use noroshi_sync::id::{EntryId, RoomId};

use crate::error::ServiceError;
use crate::node::Node;
use crate::render::Renderer;
use crate::rights::{Action, standing_for};
use crate::store::projection::Shown;
use crate::view::{Actor, ReceiptsView};

impl Node {
    /// Everything up to this message has been read. Never goes back.
    pub async fn mark_read(&self, actor: &Actor, room: RoomId, message: EntryId) -> Result<(), ServiceError> {
        self.mark_shown(actor, room, message, Shown::Everything).await
    }

    /// The same for what the person was really shown. See [`Desk::mark_shown`](crate::deeds::Desk::mark_shown).
    pub async fn mark_shown(
        &self,
        actor: &Actor,
        room: RoomId,
        message: EntryId,
        shown: Shown,
    ) -> Result<(), ServiceError> {
        let reader = actor.clone();
        self.inner.act(move |desk| desk.mark_shown(&reader, room, message, &shown)).await?;
        Ok(())
    }

    pub async fn receipts(&self, actor: &Actor, room: RoomId, message: EntryId) -> Result<ReceiptsView, ServiceError> {
        let (directory, reader) = (self.inner.directory(), actor.clone());
        self.inner
            .read(move |database| {
                let standing = standing_for(database, &directory, &reader, &room, Action::SeeRoom)?;
                let shown = database.message(standing.room, &message)?.ok_or(ServiceError::NotFound)?;
                Renderer::new(database, &directory).receipts(&shown)?.ok_or(ServiceError::NotFound)
            })
            .await
    }
}
