//! Who gets history when, and from whom: places, being sent away, peers that do not answer.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod world;

use noroshi_sync::entry::Lane;
use noroshi_sync::event::CloseReason;
use noroshi_sync::limits::HISTORY_PEERS_MAX;
use world::{World, room};

/// Runs until the condition holds; when it began to.
fn until(world: &mut World, limit_ms: u64, condition: impl Fn(&World) -> bool) -> u64 {
    let begun = world.now_ms;
    while !condition(world) {
        assert!(world.now_ms - begun < limit_ms, "not within {limit_ms} ms");
        world.run(5);
    }
    world.now_ms - begun
}

#[test]
fn offices_that_come_back_together_get_newest_pages_at_once_and_history_in_turn() {
    const OFFICES: usize = 60;
    let mut world = World::new(u8::try_from(OFFICES + 1).unwrap(), 3);
    let rooms: Vec<_> = (1..=OFFICES).map(|office| room(u8::try_from(office).unwrap())).collect();
    for (number, room) in rooms.iter().enumerate() {
        world.share(*room, &[0, number + 1]);
        world.post(0, *room, Lane::Normal, 1_500);
        world.post(0, *room, Lane::Urgent, 3);
    }
    for office in 1..=OFFICES {
        world.connect(0, office);
    }
    let newest =
        until(&mut world, 2_000, |world| (1..=OFFICES).all(|office| world.count(office, rooms[office - 1]) >= 64));
    let mut most = 0;
    let begun = world.now_ms;
    while !(1..=OFFICES).all(|office| world.count(office, rooms[office - 1]) == 1_503) {
        world.run(5);
        let [served, fetched] = world.members[0].replica.history();
        assert!(served.peers <= HISTORY_PEERS_MAX && fetched.peers <= HISTORY_PEERS_MAX);
        most = most.max(served.peers);
        assert!(world.now_ms - begun < 120_000, "history does not arrive everywhere");
    }
    let busy = world.frames.iter().filter(|(from, _, name, _)| (*from, *name) == (0, "busy")).count();
    println!("newest pages after {newest} ms, history after {} ms, sent away {busy} times", world.now_ms - begun);
    assert!(most > HISTORY_PEERS_MAX / 2 && busy > 0);
    assert!(world.members.iter().all(|member| member.closes.is_empty()));
}

#[test]
fn what_a_peer_does_not_send_is_asked_of_another_in_time() {
    for (lane, count, limit_ms) in [(Lane::Normal, 20, 4_000), (Lane::Urgent, 40, 4_000), (Lane::Normal, 5_000, 30_000)]
    {
        let mut world = World::new(3, 3);
        world.share(room(1), &[0, 1, 2]);
        world.connect(0, 1);
        world.post(0, room(1), lane, count);
        until(&mut world, 20_000, |world| world.is_equal(room(1), &[0, 1]));
        // The third asks the first, which says nothing; the second has it too.
        world.mute = Some(0);
        world.connect(0, 2);
        world.run(100);
        world.connect(1, 2);
        let took = until(&mut world, limit_ms, |world| world.count(2, room(1)) as u64 == count);
        println!("{lane:?} {count}: {took} ms");
        assert!(world.members.iter().all(|member| member.closes.is_empty()));
    }
}

#[test]
fn a_peer_that_is_busy_with_what_nobody_asked_for_is_closed() {
    use noroshi_sync::event::Event;
    use noroshi_sync::frame::Frame;
    let mut world = World::new(2, 3);
    world.share(room(1), &[0, 1]);
    world.connect(0, 1);
    world.run(2_000);
    let peer = world.node(1);
    let bytes = Frame::Busy { request: 7, retry_after_ms: 1 }.encode();
    world.happen(0, Event::Frame { peer, bytes });
    assert!(matches!(world.members[0].closes.as_slice(), [CloseReason::Protocol(_)]));
}
