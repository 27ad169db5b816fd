//! The id of the entry that creates a room: where the client chose the room's id, it says what the room was created with.
//!
//! So a repetition is known from another creation under the same id for good, however often the page and the members
//! have changed since, and at every office that holds the room.

use noroshi_provisioning::OfficeId;
use noroshi_sync::id::{EntryId, RoomId, UserId};
use noroshi_sync::wire;
use serde::Serialize;

use crate::document::PageEdit;
use crate::view::RoomKind;

/// Everything that is asked for in a new room, each list in order and without repetitions. The order of the fields is
/// part of the digest.
#[derive(Serialize)]
pub(super) struct Creation<'a> {
    pub room: RoomId,
    pub author: UserId,
    pub kind: RoomKind,
    pub members: Vec<UserId>,
    pub offices: Vec<OfficeId>,
    pub name: Option<&'a str>,
    pub topic: Option<&'a str>,
    pub purpose: Option<&'a str>,
}

impl<'a> Creation<'a> {
    pub fn new(room: RoomId, author: UserId, kind: RoomKind, page: &'a PageEdit) -> Self {
        let (name, topic, purpose) = (page.name.as_deref(), page.topic.as_deref(), page.purpose.as_deref());
        Self { room, author, kind, members: Vec::new(), offices: Vec::new(), name, topic, purpose }
    }

    /// A UUID of version 7 with the time of the room's id; all of its other 74 bits are a digest.
    pub fn entry_id(&self) -> EntryId {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"noroshi/creation/1");
        hasher.update(&wire::encode(self));
        let mut random = [0; 10];
        hasher.finalize_xof().fill(&mut random);
        let [a, b, c, d, e, f, ..] = *self.room.as_bytes();
        let made_ms = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
        EntryId::from_uuid(uuid::Builder::from_unix_timestamp_millis(made_ms, &random).into_uuid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> PageEdit {
        PageEdit { name: Some("本部".into()), topic: Some("台風".into()), ..PageEdit::default() }
    }

    fn room() -> RoomId {
        RoomId::from_uuid("01990000-0000-7000-8000-000000000001".parse().unwrap())
    }

    #[test]
    fn the_id_is_golden() {
        let page = page();
        let creation = Creation {
            members: vec![UserId::from_bytes([2; 16])],
            offices: vec![OfficeId::from_bytes([3; 16])],
            ..Creation::new(room(), UserId::from_bytes([1; 16]), RoomKind::Group, &page)
        };
        assert_eq!(creation.entry_id().to_string(), "01990000-0000-721a-8014-765b37adaac4");
        assert_eq!(creation.entry_id().as_uuid().get_version_num(), 7);
    }

    #[test]
    fn each_part_counts() {
        let author = UserId::from_bytes([1; 16]);
        let original = page();
        let base = || Creation::new(room(), author, RoomKind::Group, &original);
        let renamed = PageEdit { name: Some("本部2".into()), ..page() };
        let untitled = PageEdit { topic: None, ..page() };
        // The same text in another field is another page.
        let moved = PageEdit { topic: None, purpose: page().topic, ..page() };
        let others = [
            Creation { room: RoomId::from_bytes([9; 16]), ..base() },
            Creation { author: UserId::from_bytes([2; 16]), ..base() },
            Creation { kind: RoomKind::Announcement, ..base() },
            Creation { members: vec![author], ..base() },
            Creation { offices: vec![OfficeId::from_bytes([1; 16])], ..base() },
            Creation::new(room(), author, RoomKind::Group, &renamed),
            Creation::new(room(), author, RoomKind::Group, &untitled),
            Creation::new(room(), author, RoomKind::Group, &moved),
        ];
        let ids: std::collections::BTreeSet<EntryId> = others.iter().map(Creation::entry_id).collect();
        assert_eq!(ids.len(), others.len());
        assert!(!ids.contains(&base().entry_id()));
        assert_eq!(base().entry_id(), base().entry_id());
    }
}
