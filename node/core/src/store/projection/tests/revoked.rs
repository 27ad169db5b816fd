//! A stolen node goes on writing. What others had before the revocation stays, the rest is hidden, the same everywhere.

use noroshi_provisioning::ledger::LedgerWriter;
use noroshi_sync::id::{DeviceId, EntryId};

use super::dump::dump;
use super::island::Island;
use crate::deeds::has_unwitnessed;
use crate::fixture::Fixture;
use crate::view::Actor;

/// Headquarters, the branch that is stolen and a third office, all with a room of the three.
struct World {
    city: Fixture,
    offices: [Island; 3],
    people: [Actor; 3],
    room: noroshi_sync::id::RoomId,
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

fn revoke(city: &Fixture, at: &mut Island, office: usize) {
    let directory = at.projection.directory();
    let writer = LedgerWriter { directory: &directory, signer: &city.administrator, device: DeviceId::NIL };
    let id = EntryId::from_uuid(uuid::Uuid::now_v7());
    let draft = writer.revoke(id, city.offices[office].identity.node(), "盗難").unwrap();
    at.act(|desk| desk.append_ledger(vec![draft])).unwrap();
    assert!(has_unwitnessed(&at.database, &at.projection.directory()).unwrap());
    at.act(|desk| desk.witness_revoked()).unwrap();
    assert!(!has_unwitnessed(&at.database, &at.projection.directory()).unwrap(), "said once, nothing is due");
}

#[test]
fn what_nobody_held_before_is_hidden_and_the_rest_stays() {
    let World { city, offices: [mut a, mut b, mut c], people, room } = world();
    b.post(&people[1], room, "盗難の前");
    a.exchange(&mut b);
    // The third office hears a word more of the branch before it learns of anything.
    b.post(&people[1], room, "第三の拠点だけが聞いた");
    c.exchange(&mut b);
    revoke(&city, &mut a, 1);
    b.post(&people[1], room, "盗難の後");
    assert_eq!(a.texts(&people[0], room), ["盗難の前"]);

    // The third office takes the late word too, from the thief, before the revocation reaches it.
    c.pull(&b);
    assert_eq!(c.texts(&people[2], room).len(), 3);
    c.pull(&a);
    c.act(|desk| desk.witness_revoked()).unwrap();
    a.exchange(&mut c);
    a.exchange(&mut c);
    // What the third office held when it learned of it is witnessed, for everybody.
    assert_eq!(a.texts(&people[0], room), c.texts(&people[2], room));
    assert_eq!(a.texts(&people[0], room).len(), 3);
    assert_eq!(dump(&a.database), dump(&c.database));

    // From now on the stolen node finds no ears: even carried by others, its words are hidden.
    b.post(&people[1], room, "誰も聞かない");
    let (windows, registers) = a.missing(&b);
    a.apply(&b, windows, registers);
    a.exchange(&mut c);
    assert_eq!(a.texts(&people[0], room).len(), 3);
    assert_eq!(c.texts(&people[2], room).len(), 3);
    let before = dump(&a.database);
    a.reindex();
    assert_eq!(dump(&a.database), before, "the rows built anew are the same");
}

#[test]
fn the_stolen_node_is_in_no_audience_and_offered_nothing() {
    let World { city, offices: [mut a, mut b, mut c], people, room } = world();
    revoke(&city, &mut a, 1);
    a.post(&people[0], room, "北支所のノードは失効しました");
    a.exchange(&mut c);
    let (windows, _) = b.missing(&a);
    assert!(windows.iter().all(|window| window.log().room != room), "nothing of the room is offered");
    b.pull(&a);
    assert!(!b.texts(&people[1], room).contains(&"北支所のノードは失効しました".to_owned()));
}
