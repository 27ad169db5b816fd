//! Who writes into a document: one actor for each run of a node in each room, never used again.

use std::fmt;

use noroshi_sync::id::{Epoch, NodeId, RoomId};

/// An Automerge actor id.
///
/// A restored backup that went on under its old actor would wedge the document of everyone for good
/// (`DuplicateSeqNumber`); the epoch is fresh at every process start, and so is the actor. The room is part of it, so
/// that a change counts in the room it was written for and in no other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Actor([u8; Actor::BYTES]);

impl Actor {
    pub const BYTES: usize = 16;

    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// The first 16 bytes of BLAKE3("noroshi/actor/1" ‖ node ‖ epoch, big endian ‖ room).
    pub fn of(node: NodeId, epoch: Epoch, room: RoomId) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"noroshi/actor/1");
        hasher.update(node.as_bytes());
        hasher.update(&epoch.0.to_be_bytes());
        hasher.update(room.as_bytes());
        let mut bytes = [0; Self::BYTES];
        hasher.finalize_xof().fill(&mut bytes);
        Self(bytes)
    }
}

impl From<Actor> for automerge::ActorId {
    fn from(actor: Actor) -> Self {
        Self::from(actor.0)
    }
}

impl fmt::Debug for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "actor({})", data_encoding::HEXLOWER.encode(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_is_of_one_run_of_one_node_in_one_room() {
        let (node, epoch, room) = (NodeId::from_bytes([9; 32]), Epoch(7), RoomId::from_bytes([1; 16]));
        let actor = Actor::of(node, epoch, room);
        assert_eq!(format!("{actor:?}"), "actor(c64e4b4fe8b17a2554f98c4396b5de21)");
        assert_ne!(actor, Actor::of(NodeId::from_bytes([8; 32]), epoch, room));
        assert_ne!(actor, Actor::of(node, Epoch(8), room));
        assert_ne!(actor, Actor::of(node, epoch, RoomId::from_bytes([2; 16])));
    }
}
