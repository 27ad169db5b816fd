//! Erasing messages for good, and what was erased.

use noroshi_sync::id::RoomId;

use crate::deeds::NewErasure;
use crate::error::ServiceError;
use crate::node::Node;
use crate::render::{People, count};
use crate::rights::{Action, Object, may};
use crate::store::query::ToErase;
use crate::view::{Actor, ErasureCounts, ErasureView, Time};

impl Node {
    /// What an erasure would erase here.
    pub async fn plan_erasure(
        &self,
        actor: &Actor,
        room: RoomId,
        new: NewErasure,
    ) -> Result<ErasureCounts, ServiceError> {
        may(&self.inner.directory(), actor, Action::EraseContent, Object::Organisation)?;
        self.inner
            .read(move |database| {
                let (pk, found) = new.plan(database, &room)?;
                let offices = database.room_row_of(pk)?.map_or(0, |row| row.offices);
                Ok(counts(&found, offices))
            })
            .await
    }

    /// Erases messages, here at once and everywhere else as soon as the act arrives.
    ///
    /// # Errors
    /// `Denied("console_locked")` while the actor's key is locked.
    pub async fn erase(&self, actor: &Actor, room: RoomId, new: NewErasure) -> Result<ErasureCounts, ServiceError> {
        may(&self.inner.directory(), actor, Action::EraseContent, Object::Organisation)?;
        let (signer, author) = (self.signer(actor)?, actor.clone());
        self.inner
            .act(move |desk| {
                let (_, found) = desk.erase(&author, room, &new, &signer)?;
                let pk = desk.writing.room_key(&room)?;
                let offices = pk.map(|pk| desk.writing.room_row_of(pk)).transpose()?.flatten();
                Ok(counts(&found, offices.map_or(0, |row| row.offices)))
            })
            .await
    }

    /// The acts of erasure of a room, the newest first.
    pub async fn erasures(&self, actor: &Actor, room: RoomId) -> Result<Vec<ErasureView>, ServiceError> {
        let directory = self.inner.directory();
        may(&directory, actor, Action::EraseContent, Object::Organisation)?;
        self.inner
            .read(move |database| {
                let pk = database.room_key(&room)?.ok_or(ServiceError::NotFound)?;
                database.room_row_of(pk)?.ok_or(ServiceError::NotFound)?;
                let people = People::of(&directory);
                let view = |row: crate::store::query::ErasureRow| ErasureView {
                    id: row.id.as_uuid(),
                    by: people.person(row.by),
                    at: Time::from_ms(row.at_ms),
                    grounds: row.grounds.into(),
                    reason: row.reason,
                    messages: row.messages,
                };
                Ok(database.erasures_of(pk)?.into_iter().map(view).collect())
            })
            .await
    }
}

fn counts(found: &ToErase, offices: u32) -> ErasureCounts {
    ErasureCounts { messages: count(found.messages.len()), entries: count(found.entries), bytes: found.bytes, offices }
}
