//! Rooms: the list, one of them, making one, editing its page.

use noroshi_sync::id::{RoomId, UserId};

use crate::deeds::NewRoom;
use crate::document::PageEdit;
use crate::error::ServiceError;
use crate::node::{Inner, Node};
use crate::render::Renderer;
use crate::rights::{Action, Object, may};
use crate::view::{Actor, RoomView};

impl Node {
    /// The actor's rooms, the one with the latest activity first.
    pub async fn rooms(&self, actor: &Actor) -> Result<Vec<RoomView>, ServiceError> {
        let (directory, user) = (self.inner.directory(), actor.user);
        self.inner
            .read(move |database| {
                let mut renderer = Renderer::new(database, &directory);
                let mut rooms = Vec::new();
                for (row, member) in database.rooms_of(&user)? {
                    rooms.push(renderer.room(&row, &member)?);
                }
                rooms.sort_by_key(|room| std::cmp::Reverse((room.active_ms, room.view.id)));
                Ok(rooms.into_iter().map(|room| room.view).collect())
            })
            .await
    }

    pub async fn room(&self, actor: &Actor, room: RoomId) -> Result<RoomView, ServiceError> {
        self.inner.room_view(actor.user, room).await
    }

    /// Makes a room; the first value says whether it was not there before.
    pub async fn create_room(&self, actor: &Actor, new: NewRoom) -> Result<(bool, RoomView), ServiceError> {
        let (maker, user) = (actor.clone(), actor.user);
        let (created, room) = self.inner.act(move |desk| desk.create_room(&maker, &new)).await?;
        Ok((created, self.inner.room_view(user, room).await?))
    }

    /// Changes the name, topic, purpose or pins; texts merge with what others write at the same time.
    pub async fn edit_page(&self, actor: &Actor, room: RoomId, edit: PageEdit) -> Result<RoomView, ServiceError> {
        let editor = actor.clone();
        self.inner.act(move |desk| desk.edit_page(&editor, room, &edit)).await?;
        self.inner.room_view(actor.user, room).await
    }
}

impl Node {
    /// Closes the document of a room's page and starts its successor with what the page says at this node.
    ///
    /// # Errors
    /// `Denied("console_locked")` while the actor's key is locked.
    pub async fn renew_page(&self, actor: &Actor, room: RoomId) -> Result<(), ServiceError> {
        may(&self.inner.directory(), actor, Action::RenewDocument, Object::Organisation)?;
        let (signer, author) = (self.signer(actor)?, actor.clone());
        self.inner.act(move |desk| desk.renew_page(&author, room, &signer)).await
    }
}

impl Inner {
    async fn room_view(&self, user: UserId, room: RoomId) -> Result<RoomView, ServiceError> {
        let directory = self.directory();
        self.read(move |database| {
            let (row, member) = database.room_of_member(&room, &user)?.ok_or(ServiceError::NotFound)?;
            Ok(Renderer::new(database, &directory).room(&row, &member)?.view)
        })
        .await
    }
}
