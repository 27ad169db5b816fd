//! What two offices did while they did not hear of each other comes together the same way on both.

use super::dump::dump;
use super::island::Island;
use crate::document::PageEdit;
use crate::error::ServiceError;
use crate::fixture::Fixture;
use crate::view::{Actor, RoomRole};

struct World {
    city: Fixture,
    /// Headquarters and a branch, with a room that both know.
    a: Island,
    b: Island,
    chief: Actor,
    branch: Actor,
    room: noroshi_sync::id::RoomId,
}

fn world() -> World {
    let city = Fixture::city(3, 4).unwrap();
    let (mut a, mut b) = (Island::founded(&city, 0), Island::empty(&city, 1));
    b.pull(&a);
    assert_eq!(b.projection.directory().users().count(), 12, "the ledger travels by itself");
    let (chief, branch) = (city.actor(0, 0).unwrap(), city.actor(1, 0).unwrap());
    let room = a.room(&chief, "災害対策本部", &[&branch]);
    a.set_member(&chief, room, &branch, RoomRole::Admin);
    a.exchange(&mut b);
    World { city, a, b, chief, branch, room }
}

fn same(a: &Island, b: &Island) {
    assert_eq!(dump(&a.database), dump(&b.database));
}

#[test]
fn both_sides_of_a_cut_are_kept_once() {
    let World { mut a, mut b, chief, branch, room, .. } = world();
    let first = a.post(&chief, room, "本庁から一報");
    b.post(&branch, room, "北支所、停電");
    a.act(|desk| desk.react(&chief, room, first, "ryokai", true)).unwrap();
    a.exchange(&mut b);
    a.exchange(&mut b);
    same(&a, &b);
    assert_eq!(a.texts(&chief, room), b.texts(&branch, room));
    assert_eq!(a.texts(&chief, room).len(), 2);
}

#[test]
fn islands_that_edit_the_page_and_add_members_merge() {
    let World { city, mut a, mut b, chief, branch, room } = world();
    let (from_a, from_b) = (city.actor(0, 1).unwrap(), city.actor(1, 1).unwrap());
    let page = |name: &str, topic: Option<&str>, purpose: Option<&str>| PageEdit {
        name: Some(name.into()),
        topic: topic.map(str::to_owned),
        purpose: purpose.map(str::to_owned),
        pins: None,
    };
    a.edit_page(&chief, room, &page("本部", Some("台風19号"), None));
    b.edit_page(&branch, room, &page("対策室", None, Some("被害のとりまとめ")));
    a.set_member(&chief, room, &from_a, RoomRole::Member);
    b.set_member(&branch, room, &from_b, RoomRole::Member);
    a.exchange(&mut b);
    same(&a, &b);
    let row = a.read(|database| database.room_of_member(&room, &from_b.user)).unwrap().0;
    assert!(["本部", "対策室"].contains(&row.page.name.as_str()), "{}", row.page.name);
    assert_eq!((row.page.topic.as_str(), row.page.purpose.as_str()), ("台風19号", "被害のとりまとめ"));
    let members = b.read(|database| database.members_of(row.pk));
    assert_eq!(members.len(), 4);
    a.reindex();
    same(&a, &b);
}

#[test]
fn removal_wins_over_a_promotion_at_the_same_time() {
    let World { city, mut a, mut b, chief, branch, room } = world();
    let third = city.actor(1, 2).unwrap();
    a.set_member(&chief, room, &third, RoomRole::Member);
    a.exchange(&mut b);
    a.act(|desk| desk.remove_member(&chief, room, third.user)).unwrap();
    b.set_member(&branch, room, &third, RoomRole::Admin);
    a.exchange(&mut b);
    same(&a, &b);
    for island in [&a, &b] {
        assert!(island.read(|database| database.room_of_member(&room, &third.user)).is_none());
    }
    // Who has seen the removal can lift it.
    b.set_member(&branch, room, &third, RoomRole::Member);
    a.exchange(&mut b);
    assert!(a.read(|database| database.room_of_member(&room, &third.user)).is_some());
}

#[test]
fn what_was_written_before_the_removal_was_known_stays_visible() {
    let World { city, mut a, mut b, chief, room, .. } = world();
    let third = city.actor(1, 2).unwrap();
    a.set_member(&chief, room, &third, RoomRole::Member);
    a.exchange(&mut b);
    b.post(&third, room, "橋が落ちています");
    a.act(|desk| desk.remove_member(&chief, room, third.user)).unwrap();
    a.exchange(&mut b);
    assert_eq!(a.texts(&chief, room), vec!["橋が落ちています"]);
    let error = b.act(|desk| desk.react(&third, room, noroshi_sync::id::EntryId::NIL, "ryokai", true)).unwrap_err();
    assert_eq!(error, ServiceError::NotFound);
}

#[test]
fn one_message_written_down_by_two_offices_is_one() {
    let World { mut a, mut b, chief, room, .. } = world();
    let id = noroshi_sync::id::EntryId::from_uuid(uuid::Uuid::now_v7());
    assert!(a.post_as(&chief, room, id, "参集せよ").unwrap());
    assert!(!a.post_as(&chief, room, id, "参集せよ").unwrap());
    assert_eq!(a.post_as(&chief, room, id, "解散"), Err(ServiceError::Conflict));
    // Headquarters vouches for everybody, a branch for its own people: the outbox was replayed at a second console.
    let branch_person = &b.projection.directory();
    assert!(!branch_person.may_attest(b.database.node(), chief.user));
    a = a.restart(777);
    assert!(!a.post_as(&chief, room, id, "参集せよ").unwrap());
    a.exchange(&mut b);
    assert_eq!(b.texts(&chief, room), vec!["参集せよ"]);
}

#[test]
fn one_identity_with_two_contents_shows_both() {
    let World { city, mut a, mut b, chief, branch, room } = world();
    let person = city.actor(1, 1).unwrap();
    a.set_member(&chief, room, &person, RoomRole::Member);
    a.exchange(&mut b);
    // The same person, logged in at home and at headquarters, reuses an id with other words during a cut.
    let id = noroshi_sync::id::EntryId::from_uuid(uuid::Uuid::now_v7());
    a.post_as(&person, room, id, "一人目").unwrap();
    b.post_as(&person, room, id, "二人目").unwrap();
    a.exchange(&mut b);
    same(&a, &b);
    assert_eq!(a.texts(&chief, room).len(), 2);
    let row = b.read(|database| database.room_of_member(&room, &branch.user)).unwrap().0;
    assert!(b.read(|database| database.messages_of(row.pk, &id, &person.user)).iter().all(|message| message.conflict));
    // Taken back, both are gone.
    b.act(|desk| desk.redact(&branch, room, id)).unwrap();
    a.exchange(&mut b);
    assert_eq!(a.texts(&chief, room), vec!["[取り消し]", "[取り消し]"]);
}

#[test]
fn redaction_beats_an_edit_at_the_same_time() {
    let World { mut a, mut b, chief, branch, room, .. } = world();
    let id = b.post(&branch, room, "誤報です");
    a.exchange(&mut b);
    a.act(|desk| desk.redact(&chief, room, id)).unwrap();
    b.act(|desk| desk.edit(&branch, room, id, &"訂正: 誤報です".into())).unwrap();
    a.exchange(&mut b);
    assert_eq!((a.texts(&chief, room), b.texts(&branch, room)), (vec!["[取り消し]".into()], vec!["[取り消し]".into()]));
    let again = b.act(|desk| desk.edit(&branch, room, id, &"再訂正".into()));
    assert_eq!(again, Err(ServiceError::Invalid { field: "message", code: "redacted" }));
}

#[test]
fn a_node_outside_the_audience_shares_nothing() {
    let World { city, a, chief, room, .. } = world();
    let mut c = Island::empty(&city, 2);
    c.pull(&a);
    let offered = noroshi_sync::store::Store::changes(&a.database, &c.database.node(), 0).unwrap();
    assert!(offered.rooms.iter().all(|lines| lines.room != room));
    assert_eq!(c.texts(&chief, room), vec!["×"]);
}

#[test]
fn a_room_opens_to_the_office_of_a_new_member() {
    let World { city, mut a, chief, room, .. } = world();
    let mut c = Island::empty(&city, 2);
    a.post(&chief, room, "一報");
    a.exchange(&mut c);
    let south = city.actor(2, 0).unwrap();
    a.set_member(&chief, room, &south, RoomRole::Member);
    a.exchange(&mut c);
    assert_eq!(c.texts(&south, room), vec!["一報"]);
}

#[test]
fn two_islands_that_begin_a_conversation_of_two_meet_in_it() {
    let World { mut a, mut b, chief, branch, .. } = world();
    let direct = |members: &Actor| crate::deeds::NewRoom {
        id: None,
        name: String::new(),
        topic: String::new(),
        purpose: String::new(),
        kind: crate::view::RoomKind::Direct,
        members: vec![members.user],
        offices: vec![],
    };
    let (_, from_a) = a.act(|desk| desk.create_room(&chief, &direct(&branch))).unwrap();
    let (_, from_b) = b.act(|desk| desk.create_room(&branch, &direct(&chief))).unwrap();
    assert_eq!(from_a, from_b);
    a.post(&chief, from_a, "もしもし");
    b.post(&branch, from_b, "はい");
    a.exchange(&mut b);
    same(&a, &b);
    assert_eq!(a.texts(&chief, from_a).len(), 2);
    assert_eq!(a.act(|desk| desk.create_room(&chief, &direct(&branch))), Ok((false, from_a)));
}

#[test]
fn a_person_who_moves_keeps_what_was_said() {
    let World { city, mut a, mut b, chief, branch, room } = world();
    b.post(&branch, room, "北支所にて");
    a.exchange(&mut b);
    let directory = a.projection.directory();
    let user = directory.user(branch.user).unwrap();
    let body = noroshi_provisioning::ledger::UserSet {
        user: user.id,
        login: user.login.clone(),
        name: user.name.clone(),
        kana: user.kana.clone(),
        office: city.offices[2].id,
        section: user.section.clone(),
        post: user.post.clone(),
        replaces: vec![],
    };
    let device = noroshi_sync::id::DeviceId::NIL;
    let writer =
        noroshi_provisioning::ledger::LedgerWriter { directory: &directory, signer: &city.administrator, device };
    let id = noroshi_sync::id::EntryId::from_uuid(uuid::Uuid::now_v7());
    let draft = writer.user(id, body).unwrap();
    a.act(|desk| Ok(desk.append(vec![draft])?)).unwrap();
    a.exchange(&mut b);
    same(&a, &b);
    assert_eq!(a.texts(&chief, room), vec!["北支所にて"]);
    let offices = a.read(|database| {
        let room = database.room_key(&room)?.unwrap();
        database.offices_of(room)
    });
    assert!(offices.contains(&city.offices[2].id), "the room moves along");
}
