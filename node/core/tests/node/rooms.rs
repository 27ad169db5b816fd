//! Rooms: making them, their page, their members, and that others do not see them.

use std::sync::LazyLock;

use noroshi_node::fixture::Fixture;
use noroshi_node::view::RoomKind;
use noroshi_node::{Anchor, NewRoom, PageEdit, PageRequest, ServiceError};
use noroshi_sync::id::{RoomId, UserId};

use crate::city::{ADMIN, MEMBER, Office, message, new_id, new_room, person};

fn invalid(field: &'static str, code: &'static str) -> ServiceError {
    ServiceError::Invalid { field, code }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_has_a_page_and_members() {
    let office = Office::founded(0).await;
    let (chief, staff) = (person(0, 0), person(1, 1));
    let new = NewRoom {
        topic: " 台風 ".into(),
        purpose: "一行目\n二行目".into(),
        ..new_room("本部", RoomKind::Group, &[&staff])
    };
    let (created, room) = office.node.create_room(&chief, new).await.unwrap();
    assert!(created);
    assert_eq!((room.name.as_str(), room.topic.as_str(), room.purpose.as_str()), ("本部", "台風", "一行目\n二行目"));
    assert_eq!((room.member_count, room.my_role, room.offices.len()), (2, Some(ADMIN), 2));
    assert_eq!(office.node.rooms(&staff).await.unwrap()[0].my_role, Some(MEMBER));
    let members = office.node.members(&staff, RoomId::from_uuid(room.id)).await.unwrap();
    assert_eq!(members.iter().map(|member| member.role).collect::<Vec<_>>(), vec![ADMIN, MEMBER]);
}

#[tokio::test(flavor = "multi_thread")]
async fn making_the_same_room_again_changes_nothing() {
    let office = Office::founded(0).await;
    let (chief, staff, third) = (person(0, 0), person(0, 1), person(0, 2));
    let id = RoomId::from_uuid(uuid::Uuid::now_v7());
    let new = NewRoom { id: Some(id), ..new_room("本部", RoomKind::Group, &[&staff]) };
    assert!(office.node.create_room(&chief, new.clone()).await.unwrap().0);
    let (created, room) = office.node.create_room(&chief, new.clone()).await.unwrap();
    assert_eq!((created, room.id), (false, id.as_uuid()));
    for other in [&staff, &third] {
        assert_eq!(office.node.create_room(other, new.clone()).await, Err(ServiceError::Conflict));
    }
    // In another order, twice, with spaces around: still the same room.
    let again = NewRoom { members: vec![staff.user, chief.user, staff.user], name: " 本部 ".into(), ..new.clone() };
    assert!(!office.node.create_room(&chief, again).await.unwrap().0);
    let ledger = office.node.directory().rooms().public;
    let stolen = NewRoom { id: Some(ledger), ..new };
    assert_eq!(office.node.create_room(&chief, stolen).await, Err(ServiceError::Conflict));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_room_under_the_same_id_is_a_conflict() {
    let office = Office::founded(0).await;
    let (chief, staff, third) = (person(0, 0), person(0, 1), person(0, 2));
    let id = RoomId::from_uuid(uuid::Uuid::now_v7());
    let south = crate::city::CITY.offices[2].id;
    let new = NewRoom {
        id: Some(id),
        topic: "台風".into(),
        purpose: "情報の集約".into(),
        offices: vec![south],
        ..new_room("本部", RoomKind::Group, &[&staff])
    };
    let (_, made) = office.node.create_room(&chief, new.clone()).await.unwrap();
    let others = [
        NewRoom { name: "支部".into(), ..new.clone() },
        NewRoom { topic: "地震".into(), ..new.clone() },
        NewRoom { topic: String::new(), ..new.clone() },
        NewRoom { purpose: "雑談".into(), ..new.clone() },
        NewRoom { kind: RoomKind::Announcement, ..new.clone() },
        NewRoom { members: Vec::new(), ..new.clone() },
        NewRoom { members: vec![third.user], ..new.clone() },
        NewRoom { members: vec![staff.user, third.user], ..new.clone() },
        NewRoom { offices: Vec::new(), ..new.clone() },
    ];
    for other in &others {
        assert_eq!(office.node.create_room(&chief, other.clone()).await, Err(ServiceError::Conflict), "{other:?}");
    }
    assert_eq!(office.node.room(&chief, id).await.unwrap(), made);
    // What the room became since is not what it was created with.
    let rename = PageEdit { name: Some("支部".into()), topic: Some("地震".into()), ..PageEdit::default() };
    office.node.edit_page(&chief, id, rename).await.unwrap();
    office.node.set_member(&chief, id, third.user, MEMBER).await.unwrap();
    office.node.remove_member(&chief, id, staff.user).await.unwrap();
    let office = office.restart().await;
    let (created, room) = office.node.create_room(&chief, new.clone()).await.unwrap();
    assert_eq!((created, room.name.as_str(), room.member_count), (false, "支部", 2));
    for other in others {
        assert_eq!(office.node.create_room(&chief, other).await, Err(ServiceError::Conflict));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_is_named_by_an_id_that_nobody_derived() {
    let office = Office::founded(0).await;
    let chief = person(0, 0);
    let derived = uuid::Builder::from_custom_bytes([7; 16]).into_uuid();
    for id in [uuid::Uuid::nil(), uuid::Uuid::max(), derived] {
        let new = NewRoom { id: Some(RoomId::from_uuid(id)), ..new_room("本部", RoomKind::Group, &[]) };
        assert_eq!(office.node.create_room(&chief, new).await.unwrap_err(), invalid("id", "invalid_id"));
    }
    assert!(office.node.rooms(&chief).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_limit_of_a_room_is_kept() {
    let office = Office::founded(0).await;
    let chief = person(0, 0);
    let make = |new: NewRoom| async { office.node.create_room(&chief, new).await.map(|(_, room)| room) };
    let group = |name: &str| new_room(name, RoomKind::Group, &[]);
    assert!(make(group(&"あ".repeat(100))).await.is_ok());
    assert_eq!(make(group(&"あ".repeat(101))).await.unwrap_err(), invalid("name", "too_long"));
    assert_eq!(make(group(" 　")).await.unwrap_err(), invalid("name", "empty"));
    assert_eq!(make(group("本\n部")).await.unwrap_err(), invalid("name", "control_characters"));
    assert!(make(NewRoom { topic: "あ".repeat(300), ..group("a") }).await.is_ok());
    assert_eq!(
        make(NewRoom { topic: "あ".repeat(301), ..group("a") }).await.unwrap_err(),
        invalid("topic", "too_long")
    );
    assert!(make(NewRoom { purpose: "あ".repeat(2_000), ..group("a") }).await.is_ok());
    let long = NewRoom { purpose: "あ".repeat(2_001), ..group("a") };
    assert_eq!(make(long).await.unwrap_err(), invalid("purpose", "too_long"));
    let strangers =
        |count: u8| NewRoom { members: (0..count).map(|n| UserId::from_bytes([n; 16])).collect(), ..group("a") };
    assert_eq!(make(strangers(1)).await.unwrap_err(), invalid("members", "unknown_user"));
    let many: Vec<UserId> = (0..1_000u16).map(|n| UserId::from_uuid(uuid::Uuid::from_u64_pair(1, n.into()))).collect();
    // The maker is the thousandth.
    let full = NewRoom { members: many, ..group("a") };
    assert!(matches!(make(full.clone()).await, Err(ServiceError::TooLarge { limit: 1_000, .. })));
    let almost = NewRoom { members: full.members[1..].to_vec(), ..full };
    assert_eq!(make(almost).await.unwrap_err(), invalid("members", "unknown_user"));
    let nowhere = noroshi_provisioning::OfficeId::from_bytes([9; 16]);
    let lost = NewRoom { offices: vec![nowhere], ..group("a") };
    assert_eq!(make(lost).await.unwrap_err(), invalid("offices", "unknown_office"));
}

/// A large city: 201 offices with five people each.
static LARGE: LazyLock<Fixture> = LazyLock::new(|| Fixture::city(201, 5).unwrap());

#[tokio::test(flavor = "multi_thread")]
async fn a_room_has_a_thousand_members_and_no_more() {
    let office = Office::founded_in(&LARGE, 0).await;
    let node = &office.node;
    let chief = LARGE.actor(0, 0).unwrap();
    let others: Vec<UserId> =
        LARGE.offices.iter().flat_map(|office| &office.people).map(|one| one.id).skip(1).collect();
    let with = |members: &[UserId]| NewRoom { members: members.to_vec(), ..new_room("全庁", RoomKind::Group, &[]) };
    let too_large = ServiceError::TooLarge { what: "members of a room", limit: 1_000 };
    assert_eq!(node.create_room(&chief, with(&others[..1_000])).await.unwrap_err(), too_large);
    assert!(node.rooms(&chief).await.unwrap().is_empty());
    let (_, made) = node.create_room(&chief, with(&others[..999])).await.unwrap();
    assert_eq!(made.member_count, 1_000);
    let room = RoomId::from_uuid(made.id);
    assert_eq!(node.set_member(&chief, room, others[999], MEMBER).await.unwrap_err(), too_large);
    // A full room is managed as any other.
    assert!(!node.set_member(&chief, room, others[998], ADMIN).await.unwrap().0);
    node.remove_member(&chief, room, others[0]).await.unwrap();
    assert!(node.set_member(&chief, room, others[999], MEMBER).await.unwrap().0);
    assert_eq!(node.set_member(&chief, room, others[0], MEMBER).await.unwrap_err(), too_large);
    assert_eq!(node.room(&chief, room).await.unwrap().member_count, 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_names_two_hundred_offices_and_no_more() {
    let office = Office::founded_in(&LARGE, 0).await;
    let offices: Vec<_> = LARGE.offices.iter().map(|office| office.id).collect();
    let with = |offices: &[_]| NewRoom { offices: offices.to_vec(), ..new_room("全庁", RoomKind::Group, &[]) };
    let chief = LARGE.actor(0, 0).unwrap();
    let refused = office.node.create_room(&chief, with(&offices)).await;
    assert_eq!(refused.unwrap_err(), ServiceError::TooLarge { what: "offices of a room", limit: 200 });
    let (_, made) = office.node.create_room(&chief, with(&offices[1..])).await.unwrap();
    assert_eq!(made.offices.len(), 201, "headquarters holds every room");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_has_fifty_pins_and_no_more() {
    let office = Office::founded(0).await;
    let chief = person(0, 0);
    let room = office.room(&[&chief]).await;
    let mut ids = Vec::new();
    for number in 0..51 {
        ids.push(office.post(&chief, room, &format!("{number}")).await);
    }
    let pin =
        |pins: &[_]| office.node.edit_page(&chief, room, PageEdit { pins: Some(pins.to_vec()), ..PageEdit::default() });
    assert_eq!(pin(&ids).await.unwrap_err(), invalid("pins", "too_many"));
    assert!(office.node.room(&chief, room).await.unwrap().pins.is_empty());
    assert_eq!(pin(&ids[1..]).await.unwrap().pins.len(), 50);
    assert_eq!(pin(&ids[..50]).await.unwrap().pins.len(), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_office_without_members_holds_the_room_when_it_is_named() {
    let office = Office::founded(0).await;
    let south = crate::city::CITY.offices[2].id;
    let new = NewRoom { offices: vec![south], ..new_room("全庁", RoomKind::Group, &[]) };
    let (_, room) = office.node.create_room(&person(0, 0), new).await.unwrap();
    assert!(room.offices.iter().any(|office| office.id == south.as_uuid()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_edited_by_those_who_may() {
    let office = Office::founded(0).await;
    let (chief, staff) = (person(0, 0), person(0, 1));
    let room = office.room(&[&chief, &staff]).await;
    let name = |name: &str| PageEdit { name: Some(name.into()), ..PageEdit::default() };
    assert_eq!(office.node.edit_page(&chief, room, name(" 対策本部 ")).await.unwrap().name, "対策本部");
    assert!(matches!(office.node.edit_page(&staff, room, name("x")).await, Err(ServiceError::Forbidden(_))));
    let first = office.post(&staff, room, "一報").await;
    let pins = PageEdit { pins: Some(vec![first]), topic: Some("停電".into()), ..PageEdit::default() };
    let view = office.node.edit_page(&staff, room, pins.clone()).await.unwrap();
    assert_eq!((view.pins, view.topic.as_str()), (vec![first.as_uuid()], "停電"));
    assert_eq!(office.node.edit_page(&staff, room, pins).await.unwrap().topic, "停電");
    let pin = |pins| PageEdit { pins: Some(pins), ..PageEdit::default() };
    let unknown = office.node.edit_page(&staff, room, pin(vec![new_id()])).await;
    assert_eq!(unknown.unwrap_err(), invalid("pins", "unknown_message"));
    let many = office.node.edit_page(&staff, room, pin(vec![first; 51])).await;
    assert_eq!(many.unwrap_err(), invalid("pins", "too_many"));
    assert!(office.node.edit_page(&staff, room, pin(vec![])).await.unwrap().pins.is_empty());
    let long = PageEdit { topic: Some("あ".repeat(301)), ..PageEdit::default() };
    assert_eq!(office.node.edit_page(&staff, room, long).await.unwrap_err(), invalid("topic", "too_long"));
    // What was written is there after a restart, when the page is built from its entries.
    let office = office.restart().await;
    let view = office
        .node
        .edit_page(&staff, room, PageEdit { topic: Some("復電".into()), ..PageEdit::default() })
        .await
        .unwrap();
    assert_eq!((view.name.as_str(), view.topic.as_str()), ("対策本部", "復電"));
}

#[tokio::test(flavor = "multi_thread")]
async fn members_come_go_and_change() {
    let office = Office::founded(0).await;
    let (chief, staff, third) = (person(0, 0), person(0, 1), person(1, 0));
    let room = office.room(&[&chief, &staff]).await;
    let (new, member) = office.node.set_member(&chief, room, third.user, MEMBER).await.unwrap();
    assert!(new && member.role == MEMBER);
    assert!(!office.node.set_member(&chief, room, third.user, MEMBER).await.unwrap().0);
    let (new, member) = office.node.set_member(&chief, room, third.user, ADMIN).await.unwrap();
    assert!(!new && member.role == ADMIN);
    assert!(matches!(office.node.set_member(&staff, room, third.user, ADMIN).await, Err(ServiceError::Forbidden(_))));
    assert!(matches!(office.node.remove_member(&staff, room, third.user).await, Err(ServiceError::Forbidden(_))));
    let stranger = UserId::from_bytes([1; 16]);
    assert_eq!(
        office.node.set_member(&chief, room, stranger, MEMBER).await.unwrap_err(),
        invalid("user", "unknown_user")
    );
    assert_eq!(office.node.remove_member(&chief, room, person(2, 2).user).await.unwrap_err(), ServiceError::NotFound);
    office.node.remove_member(&third, room, chief.user).await.unwrap();
    assert_eq!(office.node.room(&chief, room).await.unwrap_err(), ServiceError::NotFound);
    // The last administrator cannot go while others stay.
    assert_eq!(office.node.remove_member(&third, room, third.user).await.unwrap_err(), invalid("user", "last_admin"));
    assert_eq!(
        office.node.set_member(&third, room, third.user, MEMBER).await.unwrap_err(),
        invalid("user", "last_admin")
    );
    office.node.remove_member(&staff, room, staff.user).await.unwrap();
    assert!(office.node.rooms(&staff).await.unwrap().is_empty());
    office.node.remove_member(&third, room, third.user).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_of_two_is_called_after_the_other() {
    let office = Office::founded(0).await;
    let (chief, staff, third) = (person(0, 0), person(1, 1), person(0, 2));
    let direct = |members: &[&noroshi_node::view::Actor]| new_room("", RoomKind::Direct, members);
    let (_, room) = office.node.create_room(&chief, direct(&[&staff])).await.unwrap();
    let names = &office.node.directory();
    assert_eq!(room.name, names.user(staff.user).unwrap().name);
    let (created, same) = office.node.create_room(&staff, direct(&[&chief])).await.unwrap();
    assert_eq!((created, same.id), (false, room.id));
    assert_eq!(same.name, names.user(chief.user).unwrap().name);
    for wrong in [direct(&[]), direct(&[&chief]), direct(&[&staff, &third])] {
        assert_eq!(office.node.create_room(&chief, wrong).await.unwrap_err(), invalid("members", "not_two"));
    }
    let id = RoomId::from_uuid(room.id);
    assert!(matches!(office.node.set_member(&chief, id, third.user, MEMBER).await, Err(ServiceError::Forbidden(_))));
    assert!(matches!(office.node.remove_member(&staff, id, staff.user).await, Err(ServiceError::Forbidden(_))));
    let rename = PageEdit { name: Some("x".into()), ..PageEdit::default() };
    assert_eq!(office.node.edit_page(&chief, id, rename).await.unwrap_err(), invalid("name", "not_allowed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_in_a_room_is_told_it_does_not_exist() {
    let office = Office::founded(0).await;
    let (chief, staff, outsider) = (person(0, 0), person(0, 1), person(0, 2));
    let inside = office.room(&[&chief, &staff]).await;
    let message_id = office.post(&chief, inside, "内輪の話").await;
    for room in [inside, RoomId::from_bytes([8; 16]), RoomId::NIL, office.node.directory().rooms().directory] {
        let (node, not_found) = (&office.node, ServiceError::NotFound);
        assert_eq!(node.room(&outsider, room).await.unwrap_err(), not_found);
        assert_eq!(node.members(&outsider, room).await.unwrap_err(), not_found);
        assert_eq!(node.set_member(&outsider, room, outsider.user, ADMIN).await.unwrap_err(), not_found);
        assert_eq!(node.remove_member(&outsider, room, chief.user).await.unwrap_err(), not_found);
        assert_eq!(node.edit_page(&outsider, room, PageEdit::default()).await.unwrap_err(), not_found);
        for anchor in [Anchor::Latest, Anchor::Around(message_id), Anchor::Before("x".into())] {
            let request = PageRequest { limit: 50, anchor };
            assert_eq!(node.messages(&outsider, room, request).await.unwrap_err(), not_found);
        }
        assert_eq!(node.post(&outsider, room, new_id(), message("x")).await.unwrap_err(), not_found);
        assert_eq!(node.edit(&outsider, room, message_id, "x").await.unwrap_err(), not_found);
        assert_eq!(node.redact(&outsider, room, message_id).await.unwrap_err(), not_found);
        assert_eq!(node.react(&outsider, room, message_id, "ryokai", true).await.unwrap_err(), not_found);
        assert_eq!(node.mark_read(&outsider, room, message_id).await.unwrap_err(), not_found);
        assert_eq!(node.receipts(&outsider, room, message_id).await.unwrap_err(), not_found);
        assert_eq!(node.typing(&outsider, room).await.unwrap_err(), not_found);
        assert!(!node.may_see(&outsider, room).await.unwrap());
    }
    assert!(office.node.rooms(&outsider).await.unwrap().is_empty());
    assert!(office.node.may_see(&staff, inside).await.unwrap());
    office.node.remove_member(&chief, inside, staff.user).await.unwrap();
    assert!(!office.node.may_see(&staff, inside).await.unwrap(), "remembered answers end with the right");
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_are_sorted_by_activity() {
    let office = Office::founded(0).await;
    let chief = person(0, 0);
    let mut rooms = Vec::new();
    for _ in 0..3 {
        office.clock.advance(1_000);
        rooms.push(office.room(&[&chief]).await.as_uuid());
    }
    office.clock.advance(1_000);
    office.post(&chief, RoomId::from_uuid(rooms[1]), "新着").await;
    let listed: Vec<_> = office.node.rooms(&chief).await.unwrap().into_iter().map(|room| room.id).collect();
    assert_eq!(listed, vec![rooms[1], rooms[2], rooms[0]]);
}
