//! Makes an event of the node into one for a certain reader, or withholds it.

use noroshi_node::error::ServiceError;
use noroshi_node::view::{Actor, MessageView, NodeEvent, Role};
use noroshi_sync::id::{NodeId, RoomId, UserId};

use super::wire::{EventBody, RoomChange};
use crate::state::State;

/// A person who reads events.
pub struct Reader {
    pub actor: Actor,
}

impl Reader {
    /// None when the reader may not see it, or has no use for it.
    ///
    /// Asked right before sending: whoever was removed from a room a moment ago gets nothing that still waits.
    pub async fn see(&self, state: &State, event: &NodeEvent) -> Result<Option<EventBody>, ServiceError> {
        if let NodeEvent::RoomRemoved { room, user } = event {
            // Not a member any more, which is the news.
            let removed = RoomChange::Removed { room: room.as_uuid(), removed: true };
            return Ok((*user == self.actor.user).then_some(EventBody::Room(removed)));
        }
        if let Some(room) = room_of(event)
            && !state.node.may_see(&self.actor, room).await?
        {
            return Ok(None);
        }
        match event {
            NodeEvent::Room { room } => self.room(state, *room).await,
            NodeEvent::Peer { node } => self.peer(state, *node).await,
            other => Ok(self.plain(other)),
        }
    }

    /// Events that need nothing but themselves.
    fn plain(&self, event: &NodeEvent) -> Option<EventBody> {
        let own = |message: &MessageView, late_for: &[UserId]| {
            let my_own = message.author.id == self.actor.user.as_uuid();
            Box::new(MessageView { my_own, late: late_for.contains(&self.actor.user), ..message.clone() })
        };
        Some(match event {
            NodeEvent::Message { room, message, late_for } => {
                EventBody::Message { room: room.as_uuid(), message: own(message, late_for) }
            }
            NodeEvent::Edited { room, message, late_for } => {
                EventBody::Edited { room: room.as_uuid(), message: own(message, late_for) }
            }
            NodeEvent::Redacted { room, message, late_for } => {
                EventBody::Redacted { room: room.as_uuid(), message: own(message, late_for) }
            }
            NodeEvent::Reaction { room, message, late_for } => {
                EventBody::Reaction { room: room.as_uuid(), message: own(message, late_for) }
            }
            NodeEvent::Read { room, user, message, at } => EventBody::Read {
                room: room.as_uuid(),
                user: user.as_uuid(),
                message: message.as_uuid(),
                at: at.clone(),
            },
            NodeEvent::Arrived { room, messages } => {
                EventBody::Arrived { room: room.as_uuid(), messages: messages.clone() }
            }
            NodeEvent::Document { room, document } => {
                EventBody::Document { room: room.as_uuid(), document: document.clone() }
            }
            NodeEvent::Alert { code, text, at } if !self.actor.has(Role::Guest) => {
                EventBody::Alert { code: code.clone(), text: text.clone(), at: at.clone() }
            }
            NodeEvent::Typing { room, user } if user.id != self.actor.user.as_uuid() => {
                EventBody::Typing { room: room.as_uuid(), user: user.clone() }
            }
            NodeEvent::Attachment { room, hash, state, held_bytes, size } => EventBody::Attachment {
                room: room.as_uuid(),
                hash: hash.clone(),
                state: *state,
                held_bytes: *held_bytes,
                size: *size,
            },
            NodeEvent::Alert { .. }
            | NodeEvent::Typing { .. }
            | NodeEvent::Room { .. }
            | NodeEvent::RoomRemoved { .. }
            | NodeEvent::Peer { .. } => return None,
        })
    }

    async fn room(&self, state: &State, room: RoomId) -> Result<Option<EventBody>, ServiceError> {
        match state.node.room(&self.actor, room).await {
            Ok(view) => Ok(Some(EventBody::Room(RoomChange::Changed { room: Box::new(view) }))),
            Err(ServiceError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn peer(&self, state: &State, node: NodeId) -> Result<Option<EventBody>, ServiceError> {
        let name = node.to_string();
        let peers = state.node.peers(Some(&self.actor)).await?;
        let peer = peers.into_iter().find(|peer| peer.node == name);
        Ok(peer.map(|peer| EventBody::Peer { peer: Box::new(peer) }))
    }
}

/// The room whose members alone may know of the event.
fn room_of(event: &NodeEvent) -> Option<RoomId> {
    match event {
        NodeEvent::Message { room, .. }
        | NodeEvent::Edited { room, .. }
        | NodeEvent::Redacted { room, .. }
        | NodeEvent::Reaction { room, .. }
        | NodeEvent::Read { room, .. }
        | NodeEvent::Arrived { room, .. }
        | NodeEvent::Room { room }
        | NodeEvent::RoomRemoved { room, .. }
        | NodeEvent::Document { room, .. }
        | NodeEvent::Attachment { room, .. }
        | NodeEvent::Typing { room, .. } => Some(*room),
        NodeEvent::Peer { .. } | NodeEvent::Alert { .. } => None,
    }
}
