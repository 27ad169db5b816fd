//! Changes that make Automerge fail, signed and sent by a peer: stored, kept out of every page, and told of once.

use noroshi_sync::entry::{Draft, Lane};
use noroshi_sync::id::{EntryId, RoomId};

use super::dump::dump;
use super::island::Island;
use crate::body::DocChange;
use crate::document::genesis::{GENESIS_ACTOR, PAGE_GENESIS};
use crate::document::scan::scan;
use crate::document::testing::{Parts, vectors};
use crate::document::{Actor as Writer, PageEdit};
use crate::events::Happening;
use crate::fixture::Fixture;
use crate::kinds;
use crate::view::Actor;

/// A node that checks nothing writes the changes into its log.
fn append(island: &mut Island, actor: &Actor, room: RoomId, changes: Vec<Vec<u8>>) {
    let standing = island.read(|database| database.standing(&room, &actor.user)).unwrap();
    let draft = |bytes| {
        let id = EntryId::from_uuid(uuid::Uuid::now_v7());
        let body = DocChange::new(DocChange::PAGE.into(), bytes).encode();
        let (user, device, grant) = (actor.user, actor.device, standing.grant);
        Draft::attested(room, Lane::Normal, id, kinds::DOC_CHANGE, user, device, grant, body)
    };
    let drafts = changes.into_iter().map(draft).collect();
    island.act(|desk| Ok(desk.append(drafts)?)).unwrap();
}

/// The vector, and where it is a change the same as the first change of this writer: on the page's beginning.
fn as_written(vector: Vec<u8>, writer: Writer) -> Vec<Vec<u8>> {
    let genesis = scan(PAGE_GENESIS.to_vec(), GENESIS_ACTOR).unwrap();
    let change = (vector[8] == 1).then(|| Parts::of(&vector));
    let fitted = change.map(|parts| {
        parts.with(|parts| {
            parts.actor = writer.as_bytes().to_vec();
            parts.dependencies = vec![*genesis.hash().as_bytes()];
            parts.first_operation = 3;
        })
    });
    [Some(vector), fitted.map(|parts| parts.chunk())].into_iter().flatten().collect()
}

fn alerts(island: &Island) -> Vec<String> {
    let events = island.read(|database| database.events_after(0, 100_000));
    let text = |event: &[u8]| match Happening::decode(event).unwrap() {
        Happening::Alert { code, text, .. } if code == "page_quarantined" => Some(text),
        _ => None,
    };
    events.iter().filter_map(|(_, event)| text(event)).collect()
}

fn topic(island: &Island, actor: &Actor, room: RoomId) -> String {
    island.read(|database| database.room_of_member(&room, &actor.user)).unwrap().0.page.topic
}

#[test]
fn the_vectors_from_a_peer_change_nothing_and_are_told_of_once() {
    let city = Fixture::city(2, 2).unwrap();
    let (mut a, mut b) = (Island::founded(&city, 0), Island::empty(&city, 1));
    b.pull(&a);
    let (chief, branch) = (city.actor(0, 0).unwrap(), city.actor(1, 0).unwrap());
    let rooms: Vec<RoomId> = vectors().iter().map(|(name, _)| a.room(&chief, name, &[&branch])).collect();
    let edit = |topic: &str| PageEdit { topic: Some(topic.into()), ..PageEdit::default() };
    rooms.iter().for_each(|room| a.edit_page(&chief, *room, &edit("前")));
    a.exchange(&mut b);
    let before = dump(&a.database)["room_states"].clone();
    let mut told = Vec::new();
    for ((name, vector), room) in vectors().into_iter().zip(&rooms) {
        let changes = as_written(vector, Writer::of(b.database.node(), b.database.epoch(), *room));
        told.push(format!("トークルームの情報への変更 {} 件を、安全のため取り込みませんでした。", changes.len()));
        append(&mut b, &branch, *room, changes);
        assert_eq!(a.pull(&b), 0, "{name}: what is signed is stored");
        assert_eq!(dump(&a.database)["room_states"], before, "{name}");
        assert_eq!(alerts(&a), told, "{name}");
    }
    for room in &rooms {
        b.edit_page(&branch, *room, &edit("前後"));
        a.exchange(&mut b);
        a.edit_page(&chief, *room, &edit("前後左右"));
        assert_eq!(topic(&a, &chief, *room), "前後左右");
    }
    a.exchange(&mut b);
    assert!(rooms.iter().all(|room| topic(&b, &branch, *room) == "前後左右"));
    let after = dump(&a.database);
    assert_eq!(after, dump(&b.database));
    a.reindex();
    assert_eq!(dump(&a.database), after);
    let mut a = a.restart(900);
    rooms.iter().for_each(|room| a.edit_page(&chief, *room, &edit("上下")));
    assert!(rooms.iter().all(|room| topic(&a, &chief, *room) == "上下"));
    assert_eq!(alerts(&a), told);
    assert_eq!(a.database.check().unwrap().damages, vec![]);
}
