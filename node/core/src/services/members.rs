//! Who is in a room.

use noroshi_sync::id::{RoomId, UserId};

use crate::error::ServiceError;
use crate::node::Node;
use crate::render::Renderer;
use crate::view::{Actor, MemberView, RoomRole};

impl Node {
    /// Administrators first, then by the reading of the name.
    pub async fn members(&self, actor: &Actor, room: RoomId) -> Result<Vec<MemberView>, ServiceError> {
        let (directory, reader) = (self.inner.directory(), actor.clone());
        self.inner
            .read(move |database| {
                let (row, _) = database.room_of_member(&room, &reader.user)?.ok_or(ServiceError::NotFound)?;
                Ok(Renderer::new(database, &directory).members(&row, &reader)?)
            })
            .await
    }

    /// Adds a person or changes a role; the first value says whether the person is new.
    pub async fn set_member(
        &self,
        actor: &Actor,
        room: RoomId,
        user: UserId,
        role: RoomRole,
    ) -> Result<(bool, MemberView), ServiceError> {
        let (directory, reader, doer) = (self.inner.directory(), actor.clone(), actor.clone());
        let (new, member) = self.inner.act(move |desk| desk.set_member(&doer, room, user, role)).await?;
        let view =
            move |database: &crate::store::Database| Ok(Renderer::new(database, &directory).member(&member, &reader));
        Ok((new, self.inner.read(view).await?))
    }

    /// Removes a member, or lets the actor leave.
    pub async fn remove_member(&self, actor: &Actor, room: RoomId, user: UserId) -> Result<(), ServiceError> {
        let doer = actor.clone();
        self.inner.act(move |desk| desk.remove_member(&doer, room, user)).await
    }
}
