//! Who may see which room: asked for every event of every browser, so the answers are remembered while rights stand.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use noroshi_sync::id::{RoomId, UserId};

use crate::error::ServiceError;
use crate::node::Node;
use crate::rights::{Action, Object, may};
use crate::view::Actor;

/// Answers remembered; beyond that all are forgotten.
const REMEMBERED_MAX: usize = 100_000;

#[derive(Debug, Default)]
pub(crate) struct Sight {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    rights: u64,
    answers: HashMap<(UserId, RoomId), bool>,
}

impl Sight {
    fn get(&self, user: UserId, room: RoomId, rights: u64) -> Option<bool> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.rights == rights { known.answers.get(&(user, room)).copied() } else { None }
    }

    /// `rights`: as they were before the answer was looked up.
    fn remember(&self, user: UserId, room: RoomId, rights: u64, answer: bool) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.rights > rights {
            return;
        }
        if known.rights < rights || known.answers.len() >= REMEMBERED_MAX {
            known.answers.clear();
            known.rights = rights;
        }
        known.answers.insert((user, room), answer);
    }
}

/// What a request speaks of, as far as its address says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    Organisation,
    Room(RoomId),
    Person(UserId),
}

impl Node {
    /// The first answer to a request: whether the actor may do such a thing at all. What it is done to answers again.
    pub async fn admit(&self, actor: &Actor, action: Action, target: Target) -> Result<(), ServiceError> {
        match target {
            Target::Organisation => may(&self.inner.directory(), actor, action, Object::Organisation),
            Target::Person(user) => may(&self.inner.directory(), actor, action, Object::Person(user)),
            Target::Room(room) => match self.may_see(actor, room).await? {
                true => Ok(()),
                false => Err(ServiceError::NotFound),
            },
        }
    }

    /// Whether the actor is a member of the room.
    pub async fn may_see(&self, actor: &Actor, room: RoomId) -> Result<bool, ServiceError> {
        let (user, rights) = (actor.user, self.inner.hub.rights());
        if let Some(answer) = self.inner.sight.get(user, room, rights) {
            return Ok(answer);
        }
        let answer = self.inner.read(move |database| Ok(database.standing(&room, &user)?.is_some())).await?;
        self.inner.sight.remember(user, room, rights, answer);
        Ok(answer)
    }
}
