//! Erased for good: everywhere, whatever comes back later, and also from the file.

use std::sync::Arc;

use noroshi_provisioning::key::KeyPair;
use noroshi_provisioning::ledger::LedgerWriter;
use noroshi_provisioning::membership::Grounds;
use noroshi_provisioning::{AdministratorKey, Role};
use noroshi_sync::checkpoint::NodeKey;
use noroshi_sync::id::{DeviceId, EntryId, Epoch, RoomId, StorageId};
use noroshi_sync::store::{Store as _, WallClock};
use noroshi_sync::window::Item;

use super::dump::dump;
use super::island::Island;
use crate::deeds::{Desk, NewErasure, NewMessage};
use crate::error::ServiceError;
use crate::fixture::{FOUNDED_MS, Fixture};
use crate::store::projection::{NoListener, Projection};
use crate::store::{Database, DatabaseOptions};
use crate::view::Actor;

const CANARY: &str = "かなりあ-4f1c-電話番号-0120";

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

fn erasing(messages: &[EntryId]) -> NewErasure {
    NewErasure { messages: messages.to_vec(), grounds: Grounds::PersonalData, reason: "誤送信".into() }
}

/// Whether the content stands anywhere in the entries or in what people see.
fn holds(island: &Island, text: &str) -> bool {
    let like = format!("%{}%", text.bytes().map(|byte| format!("{byte:02X}")).collect::<String>());
    island.read(|database| {
        Ok(database.row("SELECT 1 FROM entries WHERE hex(bytes) LIKE ? LIMIT 1", [like], |_| Ok(()))?.is_some())
    })
}

#[test]
fn what_is_erased_goes_everywhere_and_does_not_come_back() {
    let World { city, offices: [mut a, mut b, mut c], people, room } = world();
    let id = b.post(&people[1], room, CANARY);
    let kept = b.post(&people[1], room, "残る");
    b.act(|desk| desk.edit(&people[1], room, id, &format!("{CANARY}(訂正)").into())).unwrap();
    a.exchange(&mut b);
    // The third office has it, too, and is then away.
    c.exchange(&mut b);
    let (counts, digest) = {
        let plan = a.read(|database| Ok(erasing(&[id]).plan(database, &room).unwrap().1));
        (plan, a.database.greeting(&b.database.node()).unwrap().shared)
    };
    assert_eq!((counts.messages.len(), counts.entries), (1, 2), "the message and its edit");
    assert!(holds(&a, CANARY), "planning erases nothing");
    assert_eq!(digest, a.database.greeting(&b.database.node()).unwrap().shared);
    a.act(|desk| desk.erase(&people[0], room, &erasing(&[id]), &city.administrator)).unwrap();
    a.exchange(&mut b);
    for island in [&a, &b] {
        assert_eq!(island.texts(&people[1], room), ["[誤送信]", "残る"]);
        assert!(!holds(island, CANARY));
    }
    // Who wrote it cannot say it again under the same id, from an outbox for instance.
    assert_eq!(b.post_as(&people[1], room, id, CANARY), Err(ServiceError::Conflict));
    // What the third office still holds is given to nobody who knows, and goes when it hears.
    assert_eq!(a.pull(&c), 0);
    assert!(!holds(&a, CANARY) && holds(&c, CANARY));
    c.exchange(&mut a);
    assert!(!holds(&c, CANARY));
    a.exchange(&mut b);
    c.exchange(&mut b);
    let rows = dump(&a.database);
    for island in [&mut a, &mut b, &mut c] {
        assert_eq!(dump(&island.database), rows);
        let report = island.read(Database::check);
        assert_eq!((report.damages, report.erased), (vec![], 2));
        island.reindex();
        assert_eq!(dump(&island.database), rows, "the rows built anew are the same");
    }
    assert_eq!(
        a.database.greeting(&b.database.node()).unwrap().shared,
        b.database.greeting(&a.database.node()).unwrap().shared
    );
    // A node that begins today is given the places without their content, and finds what the others find.
    let mut fresh = Island::empty(&city, 2).restart(700);
    for _ in 0..4 {
        fresh.pull(&a);
    }
    assert_eq!(fresh.texts(&people[2], room), ["[誤送信]", "残る"]);
    let page = fresh.read(|database| {
        let pk = database.room_key(&room)?.unwrap();
        Ok((database.messages_before(pk, None, 1)?, database.message(pk, &kept)?.is_some(), database.erasures_of(pk)?))
    });
    assert_eq!((page.0.len(), page.1, page.2.len()), (1, true, 1));
}

#[test]
fn content_is_not_taken_without_the_act_and_erased_places_only_with_it() {
    let World { city, offices: [mut a, mut b, mut c], people, room } = world();
    let id = a.post(&people[0], room, CANARY);
    a.act(|desk| desk.erase(&people[0], room, &erasing(&[id]), &city.administrator)).unwrap();
    let (windows, registers) = b.missing(&a);
    let (erased, rest): (Vec<_>, Vec<_>) =
        windows.into_iter().partition(|window| window.items().iter().any(|item| item.entry.is_none()));
    assert_eq!(erased.len(), 1);
    assert_eq!(b.apply(&a, erased.clone(), vec![]), 1, "no act is known yet");
    assert_eq!(b.apply(&a, rest, registers), 0);
    assert_eq!(b.apply(&a, erased, vec![]), 0);
    assert_eq!(b.texts(&people[1], room), ["[誤送信]"]);
    // The act and what it erases in one go, in the wrong order.
    let (mut windows, registers) = c.missing(&a);
    windows.reverse();
    assert_eq!(c.apply(&a, windows, registers), 0);
    assert_eq!(dump(&b.database), dump(&c.database));
}

#[test]
fn a_copy_that_nobody_knew_of_brings_nothing_back() {
    let World { city, offices: [mut a, mut b, mut c], people, room } = world();
    let id = a.post(&people[2], room, CANARY);
    a.exchange(&mut b);
    // The author's device also reached the own office, cut off from the rest, with an edit.
    c.post_as(&people[2], room, id, CANARY).unwrap();
    c.act(|desk| desk.edit(&people[2], room, id, &"離れて訂正".into())).unwrap();
    a.act(|desk| desk.erase(&people[0], room, &erasing(&[id]), &city.administrator)).unwrap();
    a.exchange(&mut b);
    for _ in 0..2 {
        c.exchange(&mut a);
        c.exchange(&mut b);
    }
    for island in [&a, &b, &c] {
        assert_eq!(island.texts(&people[2], room), ["[誤送信]"]);
        assert_eq!(dump(&island.database), dump(&a.database));
    }
}

#[test]
fn an_act_counts_only_by_an_administrators_key_and_waits_for_it() {
    let World { city, offices: [mut a, mut b, _], people, room } = world();
    let id = a.post(&people[0], room, CANARY);
    a.exchange(&mut b);
    // The second administrator is not known as one yet.
    let named = EntryId::from_uuid(uuid::Uuid::now_v7());
    let key = KeyPair::from_seed(&[42; 32]).unwrap();
    let second = AdministratorKey::new(people[1].user, named, KeyPair::from_seed(&[42; 32]).unwrap());
    let found = b.read(|database| Ok(erasing(&[id]).plan(database, &room).unwrap().1));
    let body = noroshi_provisioning::membership::Erasure {
        grounds: Grounds::Drill,
        reason: "先走り".into(),
        messages: found.messages,
        places: found.places,
    };
    use noroshi_provisioning::Signer as _;
    let draft = second.draft(room, EntryId::from_uuid(uuid::Uuid::now_v7()), DeviceId::NIL, &body).unwrap();
    b.act(|desk| Ok(desk.append(vec![draft])?)).unwrap();
    a.exchange(&mut b);
    assert!(holds(&a, CANARY) && holds(&b, CANARY));
    assert_eq!(a.texts(&people[0], room), [CANARY]);
    let directory = a.projection.directory();
    let writer = LedgerWriter { directory: &directory, signer: &city.administrator, device: DeviceId::NIL };
    let fresh = || EntryId::from_uuid(uuid::Uuid::now_v7());
    let drafts = vec![
        writer.grant(fresh(), people[1].user, Role::SystemAdmin).unwrap(),
        writer.administrator_key(named, people[1].user, key.public()).unwrap(),
    ];
    a.act(|desk| desk.append_ledger(drafts)).unwrap();
    assert_eq!(a.texts(&people[0], room), ["[先走り]"]);
    b.pull(&a);
    assert!(!holds(&a, CANARY) && !holds(&b, CANARY));
    // The key ends; what it erased stays erased, and rows built anew say the same.
    let directory = a.projection.directory();
    let writer = LedgerWriter { directory: &directory, signer: &city.administrator, device: DeviceId::NIL };
    let end = writer.end_key(fresh(), named, FOUNDED_MS).unwrap();
    a.act(|desk| desk.append_ledger(vec![end])).unwrap();
    let rows = dump(&a.database);
    a.reindex();
    assert_eq!((dump(&a.database), a.texts(&people[0], room)), (rows, vec!["[先走り]".to_owned()]));
    let late = erasing(&[a.post(&people[0], room, "鍵のあと")]);
    let refused = a.act(|desk| desk.erase(&people[1], room, &late, &second));
    assert_eq!(refused.unwrap_err(), ServiceError::Denied("key_ended"));
}

#[test]
fn pages_hold_erased_messages_in_their_places() {
    let World { city, offices: [mut a, ..], people, room } = world();
    let ids: Vec<EntryId> = (0..9).map(|number| a.post(&people[0], room, &format!("{number}"))).collect();
    let gone: Vec<EntryId> = ids.iter().copied().step_by(2).collect();
    a.act(|desk| desk.erase(&people[0], room, &erasing(&gone), &city.administrator)).unwrap();
    let pk = a.read(|database| database.room_key(&room)).unwrap();
    let (mut place, mut seen) = (None, Vec::new());
    loop {
        let page = a.read(|database| database.messages_before(pk, place, 2));
        let Some(last) = page.last() else { break };
        place = Some(crate::store::query::Place { hlc: last.entry.hlc, id: last.entry.id });
        seen.extend(page.iter().map(|message| (message.entry.id, message.erased.is_some())));
    }
    seen.reverse();
    let expected: Vec<_> = ids.iter().map(|id| (*id, gone.contains(id))).collect();
    assert_eq!(seen, expected);
    let first = a.read(|database| Ok(database.place_of(pk, &ids[0])?.unwrap()));
    let after = a.read(|database| database.messages_after(pk, first, false, 100));
    assert_eq!(after.iter().map(|message| message.entry.id).collect::<Vec<_>>(), ids[1..]);
    // Nothing more can be done with them.
    let refused = a.act(|desk| desk.edit(&people[0], room, ids[0], &"もう一度".into()));
    assert!(matches!(refused, Err(ServiceError::Invalid { code: "redacted", .. })));
    assert!(a.act(|desk| desk.mark_read(&people[1], room, ids[8])).unwrap());
}

#[test]
fn limits_and_rooms_of_an_erasure() {
    let World { city, offices: [mut a, ..], people, room } = world();
    let id = a.post(&people[0], room, "一");
    let error = |a: &mut Island, actor: &Actor, room, new: &NewErasure| {
        a.act(|desk| desk.erase(actor, room, new, &city.administrator)).unwrap_err()
    };
    assert!(matches!(error(&mut a, &people[1], room, &erasing(&[id])), ServiceError::Forbidden(_)));
    assert_eq!(error(&mut a, &people[0], RoomId::from_bytes([9; 16]), &erasing(&[id])), ServiceError::NotFound);
    let ledger = a.projection.directory().rooms().public;
    assert_eq!(error(&mut a, &people[0], ledger, &erasing(&[id])), ServiceError::NotFound);
    for (messages, reason) in
        [(vec![], "理由"), (vec![id; 201], "理由"), (vec![EntryId::from_bytes([7; 16])], "理由"), (vec![id], " ")]
    {
        let new = NewErasure { messages, reason: reason.into(), ..erasing(&[]) };
        assert!(matches!(error(&mut a, &people[0], room, &new), ServiceError::Invalid { .. }), "{new:?}");
    }
    assert_eq!(a.texts(&people[0], room), ["一"]);
}

#[test]
fn the_bytes_leave_the_file() {
    let city = Fixture::city(1, 2).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("noroshi.db");
    let identity = &city.offices[0].identity;
    let projection = Arc::new(Projection::new(identity.root_public_key(), Arc::new(NoListener)));
    let options = DatabaseOptions {
        key: Arc::new(NodeKey::from_seed(identity.key().seed()).unwrap()),
        epoch: Epoch(5),
        fresh_storage: StorageId::from_bytes([5; 16]),
        wall_ms: Arc::new(|| FOUNDED_MS + 1_000_000),
        projector: projection.clone(),
    };
    let mut database = Database::open(&path, options).unwrap();
    projection.begin(&mut database).unwrap();
    city.write_ledger(&mut database).unwrap();
    let chief = city.actor(0, 0).unwrap();
    let clock = WallClock { now_ms: FOUNDED_MS + 1_000_000, offset_ms: None };
    let mint = || EntryId::from_uuid(uuid::Uuid::now_v7());
    let act = |database: &mut Database, deed: &dyn Fn(&Desk<'_>) -> Result<(), ServiceError>| {
        let done = database.write(|writing| deed(&Desk { projection: &projection, writing, clock, mint: &mint }));
        database.tend_wal(false);
        done.unwrap();
    };
    let room = std::cell::Cell::new(RoomId::NIL);
    act(&mut database, &|desk| {
        let new = crate::deeds::NewRoom {
            id: None,
            name: "本部".into(),
            topic: String::new(),
            purpose: String::new(),
            kind: crate::view::RoomKind::Group,
            members: Vec::new(),
            offices: Vec::new(),
        };
        room.set(desk.create_room(&chief, &new)?.1);
        Ok(())
    });
    // Small ones and ones over many pages, between others, so that pages split and move.
    let ids: Vec<EntryId> = (0..200).map(|_| mint()).collect();
    for (number, id) in ids.iter().enumerate() {
        let text = if number % 5 == 0 { CANARY.repeat(1 + number % 90) } else { "普通の発言".repeat(number) };
        let text: String = text.chars().take(9_000).collect();
        act(&mut database, &|desk| {
            let new = NewMessage { text: text.clone(), ..NewMessage::default() };
            desk.post(&chief, room.get(), *id, &new).map(|_| ())
        });
    }
    let found = || {
        let has = |file: &str| {
            let bytes = std::fs::read(folder.path().join(file)).unwrap_or_default();
            bytes.windows(CANARY.len()).filter(|window| *window == CANARY.as_bytes()).count()
        };
        (has("noroshi.db"), has("noroshi.db-wal"))
    };
    let before = found();
    assert!(before.0 + before.1 > 40, "{before:?}");
    let gone: Vec<EntryId> = ids.iter().copied().step_by(5).collect();
    act(&mut database, &|desk| desk.erase(&chief, room.get(), &erasing(&gone), &city.administrator).map(|_| ()));
    assert_eq!(found(), (0, 0));
    let report = database.check().unwrap();
    assert_eq!((report.damages, report.erased), (vec![], 40));
    // Whoever asks gets hashes.
    let log = database.frontier(&room.get()).unwrap().into_keys().find(|log| log.lane.number() == 2).unwrap();
    let ranges = [noroshi_sync::store::LogRange { log, first: 1, last: 200 }];
    let page = database.windows(&database.node(), &ranges, 1 << 24).unwrap();
    let items = page.windows.into_iter().flat_map(|window| window.clone().verify().map(|_| window.items).unwrap());
    assert_eq!(items.filter(|item| matches!(item, Item::Erased(_))).count(), 40);
}
