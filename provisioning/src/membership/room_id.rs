//! Ids of rooms that prove who may have created the room.

use noroshi_sync::id::{EntryId, RoomId, UserId};

use crate::ledger::derived_room_id;

/// The id of the room that `author` creates with the entry `create`.
pub fn room_id(create: EntryId, author: UserId) -> RoomId {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"noroshi/room/1");
    hasher.update(create.as_bytes());
    hasher.update(author.as_bytes());
    derived_room_id(&hasher)
}

/// The id of the direct room of two people, whoever of them begins.
pub fn direct_room_id(one: UserId, other: UserId) -> RoomId {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"noroshi/direct/1");
    hasher.update(one.min(other).as_bytes());
    hasher.update(one.max(other).as_bytes());
    derived_room_id(&hasher)
}

/// Whether the id is of a derived kind, so that a [`super::RoomCreate`] must fit it.
pub(super) fn is_derived(room: RoomId) -> bool {
    room.as_uuid().get_version_num() == 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_ids_are_golden() {
        let (a, b) = (UserId::from_bytes([1; 16]), UserId::from_bytes([2; 16]));
        let create = EntryId::from_bytes([3; 16]);
        insta::assert_snapshot!(format!("{}\n{}", room_id(create, a), direct_room_id(a, b)));
        assert_eq!(direct_room_id(a, b), direct_room_id(b, a));
        assert_ne!(room_id(create, a), room_id(create, b));
        assert!(is_derived(room_id(create, a)) && is_derived(direct_room_id(a, b)));
    }
}
