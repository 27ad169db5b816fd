//! A page is closed and succeeded by a new one: the same for everybody, whatever was written meanwhile.

use noroshi_provisioning::key::KeyPair;
use noroshi_provisioning::{AdministratorKey, Role};
use noroshi_sync::entry::{Draft, Lane};
use noroshi_sync::id::{DeviceId, EntryId, RoomId};

use super::dump::dump;
use super::island::Island;
use crate::body::DocChange;
use crate::document::PageEdit;
use crate::document::limits::DOCUMENT_ACTORS_MAX;
use crate::error::ServiceError;
use crate::fixture::Fixture;
use crate::kinds;
use crate::view::Actor;

fn topic(text: &str) -> PageEdit {
    PageEdit { topic: Some(text.into()), ..PageEdit::default() }
}

fn page(island: &Island, actor: &Actor, room: RoomId) -> (String, String, usize) {
    let page = island.read(|database| database.room_of_member(&room, &actor.user)).unwrap().0.page;
    (page.name, page.topic, page.pins.len())
}

struct World {
    city: Fixture,
    offices: [Island; 3],
    people: [Actor; 3],
    room: RoomId,
}

fn world() -> World {
    let city = Fixture::city(3, 2).unwrap();
    let mut offices = [Island::founded(&city, 0), Island::empty(&city, 1), Island::empty(&city, 2)];
    let people = [0, 1, 2].map(|office| city.actor(office, 0).unwrap());
    let [a, b, c] = &mut offices;
    b.pull(a);
    c.pull(a);
    let room = a.room(&people[0], "対策本部", &[&people[1], &people[2]]);
    a.exchange(b);
    a.exchange(c);
    World { city, offices, people, room }
}

#[test]
fn the_successor_begins_with_what_the_page_said_and_goes_on_alone() {
    let World { city, offices: [mut a, mut b, mut c], people, room } = world();
    let pinned = a.post(&people[0], room, "避難所一覧");
    a.edit_page(&people[0], room, &PageEdit { pins: Some(vec![pinned]), ..topic("前") });
    a.exchange(&mut b);
    a.exchange(&mut c);
    a.act(|desk| desk.renew_page(&people[0], room, &city.administrator)).unwrap();
    assert_eq!(page(&a, &people[0], room), ("対策本部".into(), "前".into(), 1));
    // Somebody who has not heard goes on with the old one; that is no part of the page any more.
    c.edit_page(&people[2], room, &topic("聞いていない"));
    a.edit_page(&people[0], room, &topic("後"));
    a.exchange(&mut b);
    b.edit_page(&people[1], room, &topic("後(北)"));
    for _ in 0..2 {
        a.exchange(&mut b);
        c.exchange(&mut a);
        c.exchange(&mut b);
    }
    c.edit_page(&people[2], room, &PageEdit { pins: Some(vec![]), ..PageEdit::default() });
    a.exchange(&mut c);
    a.exchange(&mut b);
    let rows = dump(&a.database);
    for island in [&mut a, &mut b, &mut c] {
        assert_eq!(page(island, &people[0], room), ("対策本部".into(), "後(北)".into(), 0));
        assert_eq!(dump(&island.database), rows);
        island.reindex();
        assert_eq!(dump(&island.database), rows, "the rows built anew are the same");
    }
    // And once more, by the next run of a node.
    let mut a = a.restart(801);
    a.act(|desk| desk.renew_page(&people[0], room, &city.administrator)).unwrap();
    a.edit_page(&people[0], room, &topic("三つ目"));
    a.exchange(&mut b);
    assert_eq!(page(&b, &people[1], room), ("対策本部".into(), "三つ目".into(), 0));
}

#[test]
fn of_two_renewals_at_once_one_counts_everywhere() {
    let World { city, offices: [mut a, mut b, mut c], people, room } = world();
    a.edit_page(&people[0], room, &topic("本庁"));
    b.edit_page(&people[1], room, &topic("北"));
    for island in [&mut a, &mut b] {
        island.act(|desk| desk.renew_page(&people[0], room, &city.administrator)).unwrap();
    }
    a.edit_page(&people[0], room, &topic("本庁の続き"));
    b.edit_page(&people[1], room, &topic("北の続き"));
    for _ in 0..2 {
        a.exchange(&mut b);
        c.exchange(&mut a);
        c.exchange(&mut b);
    }
    let rows = dump(&a.database);
    for island in [&mut a, &mut b, &mut c] {
        assert_eq!(dump(&island.database), rows);
        island.reindex();
        assert_eq!(dump(&island.database), rows);
    }
}

#[test]
fn a_page_with_too_many_writers_is_succeeded_by_one_that_takes_edits() {
    let World { city, offices: [mut a, ..], people, room } = world();
    for run in 0..=DOCUMENT_ACTORS_MAX as u64 {
        a = a.restart(2_000 + run);
        let edited = a.act(|desk| desk.edit_page(&people[0], room, &topic(&run.to_string())));
        if edited.is_err() {
            break;
        }
    }
    let full = a.act(|desk| desk.edit_page(&people[0], room, &topic("一杯")));
    assert!(matches!(full, Err(ServiceError::TooLarge { .. })), "{full:?}");
    let before = page(&a, &people[0], room);
    a.act(|desk| desk.renew_page(&people[0], room, &city.administrator)).unwrap();
    assert_eq!(page(&a, &people[0], room), before);
    a.edit_page(&people[0], room, &topic("また書ける"));
    assert_eq!(page(&a, &people[0], room).1, "また書ける");
}

#[test]
fn a_renewal_counts_by_an_administrators_key_alone() {
    let World { city: _, offices: [mut a, mut b, _], people, room } = world();
    a.edit_page(&people[0], room, &topic("前"));
    a.exchange(&mut b);
    let key = AdministratorKey::new(
        people[1].user,
        EntryId::from_uuid(uuid::Uuid::now_v7()),
        KeyPair::from_seed(&[42; 32]).unwrap(),
    );
    assert!(!people[1].has(Role::SystemAdmin.into()));
    assert!(b.act(|desk| desk.renew_page(&people[1], room, &key)).is_err());
    // A hostile office writes one all the same, and edits of its making.
    let cut = crate::body::DocCut::new(DocChange::PAGE.into(), vec![], vec![]);
    let id = EntryId::from_uuid(uuid::Uuid::now_v7());
    let user = people[1].user;
    let draft =
        Draft::attested(room, Lane::Normal, id, kinds::DOC_CUT, user, DeviceId::NIL, EntryId::NIL, cut.encode());
    b.act(|desk| Ok(desk.append(vec![draft])?)).unwrap();
    a.exchange(&mut b);
    for island in [&a, &b] {
        assert_eq!(page(island, &people[0], room).1, "前");
    }
}
