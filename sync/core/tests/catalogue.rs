//! What two nodes say to find out in which rooms they differ: nothing when they are equal, and then as much as differs.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod world;

use noroshi_sync::checkpoint::NodeKey;
use noroshi_sync::entry::Lane;
use noroshi_sync::event::Notice;
use noroshi_sync::id::{Epoch, RoomId, StorageId};
use noroshi_sync::limits::{CHANGES_ROOMS_MAX, LIST_ROOMS_MAX};
use noroshi_sync::store::memory::MemoryStore;
use noroshi_sync::store::{Batch, Cursor, Store};
use world::World;

const BOTH: [usize; 2] = [0, 1];

fn room(number: u16) -> RoomId {
    let mut bytes = [0; 16];
    bytes[..2].copy_from_slice(&number.to_be_bytes());
    RoomId::from_bytes(bytes)
}

/// Two members that share so many rooms; the first has written in each.
fn rooms(count: u16) -> World {
    let mut world = World::new(2, 1);
    for number in 0..count {
        world.share(room(number), &BOTH);
        world.post(0, room(number), Lane::Normal, 1);
    }
    world
}

/// Makes member `of` believe that it has all that the other member had up to this change of this storage.
fn believe(world: &mut World, of: usize, storage: StorageId, change: u64) {
    let peer = world.node(1 - of);
    let cursor = Some(Cursor { storage, change });
    world.members[of].store.apply(Batch { peer, windows: vec![], registers: vec![], cursor }).unwrap();
}

fn latest(world: &World, member: usize) -> (StorageId, u64) {
    let greeting = world.members[member].store.greeting(&world.node(1 - member)).unwrap();
    (greeting.storage, greeting.latest_change)
}

fn is_equal(world: &World, count: u16) -> bool {
    (0..count).all(|number| world.is_equal(room(number), &BOTH))
}

fn sent(world: &World, name: &str) -> usize {
    world.frames.iter().filter(|frame| frame.2 == name).count()
}

fn bytes(world: &World) -> u64 {
    world.sent.values().sum()
}

fn diverged(world: &World) -> u32 {
    let passes = |notice: &Notice| if let Notice::Diverged { passes, .. } = notice { *passes } else { 0 };
    world.members.iter().flat_map(|member| &member.notices).map(passes).max().unwrap_or(0)
}

#[test]
fn after_a_cut_the_cost_follows_the_rooms_that_changed() {
    let mut world = rooms(2_500);
    world.connect(0, 1);
    world.run(30_000);
    assert!(is_equal(&world, 2_500));
    let mut costs = Vec::new();
    for changed in [1, 10, 100] {
        world.cut(0, 1);
        for number in 0..changed {
            world.post(0, room(number * 7), Lane::Normal, 1);
        }
        world.forget_traffic();
        world.connect(0, 1);
        world.run(20_000);
        assert!(is_equal(&world, 2_500));
        assert_eq!(sent(&world, "list"), 0);
        costs.push(bytes(&world));
    }
    // Half of it is pings and greetings.
    assert!(costs[0] < 1_500 && costs[1] < 6_000 && costs[2] < 50_000, "{costs:?}");
}

#[test]
fn a_catalogue_of_many_pages_is_compared_to_the_end() {
    let count = LIST_ROOMS_MAX as u16 + 600;
    let mut world = rooms(count);
    // Nothing is offered, because member 1 is believed to have all of it; both pages of the list differ in more rooms than
    // can be asked for at once.
    let (storage, change) = latest(&world, 0);
    believe(&mut world, 1, storage, change);
    world.connect(0, 1);
    world.run(120_000);
    assert!(sent(&world, "list") >= 4 && sent(&world, "rooms-wanted") >= count as usize / CHANGES_ROOMS_MAX);
    assert!(is_equal(&world, count));
    assert!(world.in_sync(0) && world.in_sync(1));
    assert!(diverged(&world) < 3, "what is being healed raises no alarm: {}", diverged(&world));
}

#[test]
fn a_cursor_that_is_a_lie_costs_the_liar_only_time() {
    type Lie = fn((StorageId, u64)) -> (StorageId, u64);
    let lies: [(&str, Lie); 4] = [
        ("beyond all changes", |(storage, change)| (storage, change + 1_000)),
        ("of another storage", |(_, change)| (StorageId::from_bytes([9; 16]), change)),
        ("the highest there is", |(storage, _)| (storage, u64::MAX)),
        ("as if all were here", |truth| truth),
    ];
    for (name, lie) in lies {
        let mut world = rooms(40);
        world.post(1, room(3), Lane::Normal, 5);
        let (storage, change) = lie(latest(&world, 0));
        believe(&mut world, 1, storage, change);
        world.connect(0, 1);
        world.run(20_000);
        assert!(is_equal(&world, 40), "{name}");
        assert!(world.in_sync(0) && world.in_sync(1), "{name}");
        assert!(world.members.iter().all(|member| member.closes.is_empty()), "{name}");
    }
}

#[test]
fn a_cursor_that_goes_back_is_offered_again_and_fetched_never() {
    let mut world = rooms(200);
    world.connect(0, 1);
    world.run(20_000);
    world.cut(0, 1);
    let (storage, _) = latest(&world, 0);
    believe(&mut world, 1, storage, 3);
    world.post(0, room(9), Lane::Normal, 1);
    world.forget_traffic();
    world.connect(0, 1);
    world.run(20_000);
    assert!(is_equal(&world, 200));
    let data: usize = world.frames.iter().filter(|frame| frame.2 == "data").map(|frame| frame.3).sum();
    assert!(data < 1_000, "{data} bytes of entries");
}

/// Member 1 as it was when the first rooms had been written, put back without a word.
fn put_back(world: &mut World, storage: u8, held: u16) {
    let key = NodeKey::from_seed(&[2; 32]).unwrap();
    let mut store = MemoryStore::new(key, Epoch(77), StorageId::from_bytes([storage; 16]));
    for number in 0..300 {
        store.set_audience(room(number), BOTH.iter().map(|index| world.node(*index)).collect());
    }
    world.members[1].store = store;
    for number in 0..held {
        world.post(1, room(number), Lane::Normal, 1);
    }
}

#[test]
fn a_database_that_was_put_back_gets_everything_again() {
    // With a new storage id as `restore` gives it, and without: the cursors then point into changes that never were.
    for (storage, written_since) in [(200, 0), (200, 50), (2, 0), (2, 299)] {
        let mut world = rooms(300);
        world.post(1, room(5), Lane::Normal, 3);
        world.connect(0, 1);
        world.run(20_000);
        assert!(is_equal(&world, 300));
        world.cut(0, 1);
        put_back(&mut world, storage, written_since);
        world.connect(0, 1);
        world.run(60_000);
        assert!(is_equal(&world, 300), "storage {storage}, {written_since} written since");
        assert!(world.in_sync(0) && world.in_sync(1), "storage {storage}, {written_since} written since");
        let written = 300 + 3 + usize::from(written_since);
        assert_eq!((0..300).map(|number| world.count(1, room(number))).sum::<usize>(), written);
    }
}

#[test]
fn the_monitor_finds_what_no_cursor_shows() {
    let mut world = rooms(20);
    world.connect(0, 1);
    world.run(20_000);
    // A room is gone from the disk of member 1 and nobody was told.
    let (storage, change) = latest(&world, 0);
    put_back(&mut world, 2, 0);
    believe(&mut world, 1, storage, change);
    world.forget_traffic();
    world.run(11 * 60 * 1_000);
    assert!(sent(&world, "list") >= 1);
    assert!(is_equal(&world, 20));
}
