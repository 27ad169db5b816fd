//! Replicas become equal over any order of cuts, crashes and deliveries, and being equal costs nothing.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod world;

use noroshi_sync::checkpoint::Signature;
use noroshi_sync::entry::{Entry, Lane};
use noroshi_sync::event::{CloseReason, Event, Notice};
use noroshi_sync::frame::{Frame, Payload, Want};
use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::StorageId;
use noroshi_sync::log::Hash;
use noroshi_sync::register::RegisterVersion;
use noroshi_sync::store::{Batch, Cursor, LogRange, RoomLines, Store};
use noroshi_sync::window::Item;
use proptest::prelude::*;
use world::{World, room};

const BOTH: [usize; 2] = [0, 1];

fn two(seed: u64) -> World {
    let mut world = World::new(2, seed);
    world.share(room(1), &BOTH);
    world
}

#[test]
fn both_sides_of_a_cut_become_equal() {
    let mut world = two(1);
    world.post(0, room(1), Lane::Normal, 500);
    world.post(1, room(1), Lane::Normal, 700);
    world.post(1, room(1), Lane::Policy, 2);
    world.connect(0, 1);
    world.run(3_000);
    assert!(world.is_equal(room(1), &BOTH));
    assert_eq!(world.count(0, room(1)), 1_202);
    assert!(world.in_sync(0) && world.in_sync(1), "{:?}", world.members[0].notices);
    assert_eq!(world.members[0].closes, vec![]);
}

#[test]
fn equal_nodes_need_one_round_trip_and_no_room() {
    let mut world = World::new(2, 2);
    for number in 0..200 {
        world.share(room(number), &BOTH);
        world.post(0, room(number), Lane::Normal, 1);
    }
    world.connect(0, 1);
    world.run(10_000);
    world.cut(0, 1);
    world.forget_traffic();
    world.connect(0, 1);
    world.run(900);
    for (from, to) in [(0, 1), (1, 0)] {
        let bytes = world.sent[&(from, to)];
        assert!(bytes <= 400, "{bytes} bytes from {from}");
    }
    assert_eq!(world.frames.iter().map(|frame| frame.2).collect::<Vec<_>>(), vec!["hello", "hello"]);
    assert_eq!(
        world.members[0].queries,
        vec!["greeting", "blobs-wanted"],
        "which attachments lack is a list of its own"
    );
    assert!(world.in_sync(0) && world.in_sync(1));
}

#[test]
fn a_post_crosses_while_connected_and_is_not_offered_back() {
    let mut world = two(3);
    world.connect(0, 1);
    world.run(2_000);
    world.forget_traffic();
    world.post(0, room(1), Lane::Normal, 1);
    world.run(100);
    assert_eq!(world.count(1, room(1)), 1);
    let offers: Vec<_> = world.frames.iter().filter(|frame| frame.2 == "changes").collect();
    assert_eq!(offers.len(), 1, "only the writer offers: {:?}", world.frames);
    assert!(world.frames.iter().any(|frame| frame.2 == "held"));
}

#[test]
fn an_urgent_entry_is_pushed_unasked() {
    let mut world = two(4);
    world.connect(0, 1);
    world.run(2_000);
    world.forget_traffic();
    world.post(0, room(1), Lane::Urgent, 1);
    // One way of the line and two visits to the store; offering and asking would need three ways.
    world.run(20);
    assert_eq!(world.count(1, room(1)), 1, "{:?}", world.frames);
}

#[test]
fn a_third_office_relays_between_two_that_never_meet() {
    let mut world = World::new(3, 5);
    world.share(room(1), &[0, 1, 2]);
    world.connect(0, 1);
    world.connect(1, 2);
    world.post(0, room(1), Lane::Normal, 300);
    world.post(2, room(1), Lane::Urgent, 1);
    world.run(5_000);
    assert!(world.is_equal(room(1), &[0, 1, 2]));
    assert_eq!(world.count(2, room(1)), 301);
}

#[test]
fn a_node_outside_the_audience_is_sent_nothing_and_relays_nothing() {
    let mut world = World::new(3, 6);
    world.share(room(1), &[0, 2]);
    world.share(room(2), &[0, 1, 2]);
    world.connect(0, 1);
    world.connect(1, 2);
    world.post(0, room(1), Lane::Normal, 3);
    world.post(0, room(2), Lane::Normal, 3);
    world.run(5_000);
    assert_eq!((world.count(1, room(1)), world.count(2, room(1))), (0, 0));
    assert_eq!((world.count(1, room(2)), world.count(2, room(2))), (3, 3));
}

#[test]
fn no_range_is_fetched_from_two_peers() {
    let mut world = World::new(3, 7);
    world.share(room(1), &[0, 1, 2]);
    world.connect(0, 1);
    world.post(0, room(1), Lane::Normal, 2_000);
    world.run(3_000);
    world.forget_traffic();
    world.connect(0, 2);
    world.connect(1, 2);
    world.run(3_000);
    assert!(world.is_equal(room(1), &[0, 1, 2]));
    let bytes =
        |from| world.frames.iter().filter(|f| f.0 == from && f.1 == 2 && f.2 == "data").map(|f| f.3).sum::<usize>();
    let all = world.frames.iter().filter(|f| f.1 == 2 && f.2 == "data").map(|f| f.3).sum::<usize>();
    assert_eq!(bytes(0) + bytes(1), all);
    let entries: u64 = world.members[2]
        .notices
        .iter()
        .filter_map(|notice| if let Notice::Applied { entries, .. } = notice { Some(*entries) } else { None })
        .sum();
    assert_eq!(entries, 2_000, "every entry was transferred once");
}

#[test]
fn a_long_log_arrives_newest_page_first() {
    let mut world = two(8);
    world.post(0, room(1), Lane::Normal, 5_000);
    world.connect(0, 1);
    let mut newest_first = false;
    for _ in 0..300 {
        world.run(5);
        let frontier = world.members[1].store.frontier(room(1));
        newest_first |= frontier.values().any(|state| state.length < 4_000 && state.last() == 5_000);
    }
    assert!(newest_first);
    world.run(5_000);
    assert!(world.is_equal(room(1), &BOTH));
}

#[test]
fn registers_travel_and_do_not_echo() {
    let mut world = two(9);
    world.connect(0, 1);
    world.post(0, room(1), Lane::Normal, 3);
    world.run(2_000);
    let version = RegisterVersion { start: Hlc::from_parts(1, 0), counter: 1 };
    world.members[1].store.write_register(room(1), version, vec![1]).unwrap();
    world.forget_traffic();
    world.happen(1, Event::Changed { latest_change: 0, rooms: vec![room(1)] });
    world.run(5_000);
    let peer = world.node(1);
    let held = &world.members[0].store.holdings(&peer, &[room(1)]).unwrap()[0];
    assert_eq!(held.lines.registers[&peer], version);
    assert!(world.in_sync(0) && world.in_sync(1));
    assert_eq!(world.frames.iter().filter(|frame| frame.2 == "changes").count(), 1, "{:?}", world.frames);
}

#[test]
fn a_cursor_from_another_storage_counts_for_nothing() {
    let mut world = two(10);
    world.post(0, room(1), Lane::Normal, 10);
    let peer = world.node(0);
    let cursor = Some(Cursor { storage: StorageId::from_bytes([9; 16]), change: 1_000 });
    world.members[1].store.apply(Batch { peer, windows: vec![], registers: vec![], cursor }).unwrap();
    world.connect(0, 1);
    world.run(3_000);
    assert!(world.is_equal(room(1), &BOTH));
}

#[test]
fn a_cursor_that_is_too_far_is_healed_by_the_list() {
    let mut world = two(11);
    world.post(0, room(1), Lane::Normal, 10);
    world.post(1, room(1), Lane::Normal, 10);
    // Node 1 believes that it has everything of node 0.
    let (peer, storage) = (world.node(0), StorageId::from_bytes([1; 16]));
    let change = world.members[0].store.greeting(&peer).unwrap().latest_change;
    let cursor = Some(Cursor { storage, change });
    world.members[1].store.apply(Batch { peer, windows: vec![], registers: vec![], cursor }).unwrap();
    world.connect(0, 1);
    world.run(10_000);
    assert!(world.frames.iter().any(|frame| frame.2 == "list"));
    assert!(world.is_equal(room(1), &BOTH));
    assert!(world.in_sync(0) && world.in_sync(1));
}

#[test]
fn the_cursor_saves_the_next_catch_up() {
    let mut world = World::new(2, 12);
    for number in 0..100 {
        world.share(room(number), &BOTH);
        world.post(0, room(number), Lane::Normal, 2);
    }
    world.connect(0, 1);
    world.run(10_000);
    world.cut(0, 1);
    world.post(0, room(5), Lane::Normal, 1);
    world.forget_traffic();
    world.connect(0, 1);
    world.run(900);
    assert!(world.is_equal(room(5), &BOTH));
    let offered: usize = world.frames.iter().filter(|frame| frame.2 == "changes").map(|frame| frame.3).sum();
    assert!(offered < 200, "one room is offered, not a hundred: {offered} bytes");
}

#[test]
fn garbage_and_broken_promises_close_the_connection_only() {
    let mut world = two(13);
    world.connect(0, 1);
    world.run(1_000);
    let peer = world.node(1);
    world.happen(0, Event::Frame { peer, bytes: vec![0xff; 300] });
    assert!(matches!(world.members[0].closes.last(), Some(CloseReason::Malformed(_))));
    world.connect(0, 1);
    world.run(1_000);
    let unasked = noroshi_sync::frame::Payload::default().compress().unwrap();
    let data = noroshi_sync::frame::Data { request: 77, last: true, payload: unasked };
    world.happen(0, Event::Frame { peer, bytes: noroshi_sync::frame::Frame::Data(data).encode() });
    assert!(matches!(world.members[0].closes.last(), Some(CloseReason::Protocol(_))));
    world.post(1, room(1), Lane::Normal, 1);
    world.connect(0, 1);
    world.run(3_000);
    assert!(world.is_equal(room(1), &BOTH));
}

/// Node 1 answers with data that was changed in this way: node 0 closes, stores nothing of it, and goes on with node 2.
fn refuses(name: &str, tamper: fn(&mut Payload)) {
    let registers = name.contains("register");
    let mut world = World::new(3, 21);
    world.share(room(1), &[0, 1, 2]);
    world.post(1, room(1), Lane::Normal, 3);
    world.connect(1, 2);
    world.run(2_000);
    let key = noroshi_sync::checkpoint::NodeKey::from_seed(&[2; 32]).unwrap();
    let version = RegisterVersion { start: Hlc::from_parts(5, 0), counter: 1 };
    assert_eq!(key.node(), world.node(1));
    world.members[1].store.write_register(room(1), version, b"read".to_vec()).unwrap();
    world.tamper = Some((1, tamper));
    let peer = world.node(2);
    world.connect(0, 1);
    world.run(2_000);
    let forged = CloseReason::Protocol("data its writer did not sign");
    assert_eq!(world.members[0].closes, vec![forged], "{name}");
    assert!(world.members[0].notices.iter().any(|notice| matches!(notice, Notice::Forged { .. })), "{name}");
    let stored = world.members[0].store.offers(&peer, &[room(1)]).unwrap();
    let damaged = |lines: &RoomLines| if registers { lines.registers.len() } else { lines.logs.len() };
    assert!(stored.iter().all(|lines| damaged(lines) == 0), "{name}: something was stored");
    world.connect(0, 2);
    world.run(3_000);
    assert!(world.is_equal(room(1), &[0, 1, 2]), "{name}");
}

fn first_entry(payload: &mut Payload) -> &mut Vec<u8> {
    match payload.windows.iter_mut().flat_map(|window| &mut window.items).next() {
        Some(Item::Entry(bytes)) => bytes,
        _ => unreachable!("only for data with entries"),
    }
}

#[test]
fn a_forged_batch_closes_and_stores_nothing() {
    refuses("a broken chain", |payload| {
        payload.windows.iter_mut().for_each(|window| window.base = Hash::from_bytes([9; 32]));
    });
    refuses("a forged checkpoint", |payload| {
        let marks = payload.windows.iter_mut().flat_map(|window| &mut window.checkpoints);
        marks.for_each(|mark| mark.signature = Signature::from_bytes([9; 64]));
    });
    refuses("an entry over 64 KiB", |payload| {
        if !payload.windows.is_empty() {
            let mut entry = Entry::decode(first_entry(payload)).unwrap();
            entry.body = vec![7; 64 * 1024 + 1];
            *first_entry(payload) = entry.encode();
        }
    });
    refuses("an entry out of place", |payload| {
        payload.windows.iter_mut().for_each(|window| window.items.rotate_left(1));
    });
    refuses("an entry of garbage", |payload| {
        if !payload.windows.is_empty() {
            *first_entry(payload) = vec![0xff; 40];
        }
    });
    refuses("a register of somebody else", |payload| {
        payload.registers.iter_mut().for_each(|register| register.signature = Signature::from_bytes([9; 64]));
    });
}

#[test]
fn large_entries_that_do_not_compress_cross_on_every_lane() {
    for lane in [Lane::Normal, Lane::Urgent, Lane::Policy] {
        let mut world = two(22);
        world.post_large(0, room(1), lane, 64);
        world.connect(0, 1);
        world.run(20_000);
        world.post_large(1, room(1), lane, 12);
        world.run(20_000);
        assert!(world.is_equal(room(1), &BOTH), "{lane:?}");
        assert_eq!(world.count(0, room(1)), 76);
        assert!(world.members.iter().all(|member| member.closes.is_empty()), "{lane:?}: {:?}", world.members[0].closes);
    }
}

#[test]
fn a_peer_that_cannot_send_is_not_asked_too_much() {
    let mut world = two(23);
    world.connect(0, 1);
    world.run(2_000);
    // Node 0 goes on writing and telling, but its transport takes no more data.
    world.stalled = Some(0);
    for _ in 0..300 {
        world.post(0, room(1), Lane::Normal, 1);
        world.run(20);
    }
    let wants = world.frames.iter().filter(|frame| frame.2 == "want").count();
    assert!(wants <= 64, "{wants} requests");
    assert!(world.members.iter().all(|member| member.closes.is_empty()), "{:?}", world.members[0].closes);
    // A new connection finds a transport that works.
    world.stalled = None;
    world.cut(0, 1);
    world.connect(0, 1);
    world.run(5_000);
    assert!(world.is_equal(room(1), &BOTH));
    assert_eq!(world.count(1, room(1)), 300);
}

#[test]
fn the_65th_waiting_request_is_a_breach() {
    let close_after = |requests: u64| {
        let mut world = two(24);
        world.post(0, room(1), Lane::Normal, 1);
        world.connect(0, 1);
        world.run(2_000);
        world.stalled = Some(0);
        let peer = world.node(1);
        let log = *world.members[0].store.frontier(room(1)).keys().next().unwrap();
        let ranges = vec![LogRange { log, first: 1, last: 1 }];
        let want =
            |request| Frame::Want(Want { request, class: 3, ranges: ranges.clone(), registers: vec![] }).encode();
        // Two answers fill the transport; before they arrive, the rest waits.
        for request in 1_000..1_002 {
            world.happen(0, Event::Frame { peer, bytes: want(request) });
            world.run(3);
        }
        for request in 2_000..2_000 + requests {
            world.happen(0, Event::Frame { peer, bytes: want(request) });
        }
        world.members[0].closes.clone()
    };
    assert_eq!(close_after(64), vec![]);
    assert_eq!(close_after(65), vec![CloseReason::Protocol("too many requests at once")]);
}

#[test]
fn a_peer_under_a_wrong_name_is_closed() {
    let mut world = World::new(3, 14);
    world.connect(0, 1);
    let (peer, stranger) = (world.node(1), world.node(2));
    let greeting = world.members[2].store.greeting(&peer).unwrap();
    let hello = noroshi_sync::frame::Hello {
        versions: (1, 1),
        node: stranger,
        storage: greeting.storage,
        latest_change: 0,
        cursor_i_hold_for_you: greeting.cursor,
        shared: greeting.shared,
        ledger: greeting.ledger,
        wall_ms: 1,
        features: 0,
    };
    world.happen(0, Event::Frame { peer, bytes: noroshi_sync::frame::Frame::Hello(hello).encode() });
    assert_eq!(world.members[0].closes.last(), Some(&CloseReason::WrongName));
}

#[test]
fn a_hanging_peer_is_noticed() {
    let mut world = two(15);
    world.connect(0, 1);
    world.run(2_000);
    // Node 1 no longer runs, but its connection lives.
    let peer = world.node(1);
    world.happen(1, Event::Disconnected { peer: world.node(0) });
    world.run(60_000);
    assert!(world.members[0].closes.iter().any(|reason| matches!(reason, CloseReason::Silent(_))), "{peer:?}");
}

#[derive(Debug, Clone)]
enum Step {
    Post(usize, u8, u64),
    Urgent(usize, u8),
    Register(usize, u8),
    Cut(usize, usize),
    Connect(usize, usize),
    Crash(usize),
    Run(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let node = 0usize..4;
    prop_oneof![
        4 => (node.clone(), 1u8..4, 1u64..120).prop_map(|(n, r, c)| Step::Post(n, r, c)),
        1 => (node.clone(), 1u8..4).prop_map(|(n, r)| Step::Urgent(n, r)),
        1 => (node.clone(), 1u8..4).prop_map(|(n, r)| Step::Register(n, r)),
        2 => (node.clone(), node.clone()).prop_map(|(a, b)| Step::Cut(a, b)),
        3 => (node.clone(), node.clone()).prop_map(|(a, b)| Step::Connect(a, b)),
        1 => node.prop_map(Step::Crash),
        4 => (1u64..400).prop_map(Step::Run),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn any_history_converges(seed in any::<u64>(), steps in proptest::collection::vec(step(), 1..40)) {
        let mut world = World::new(4, seed);
        world.jitter_ms = 40;
        let everyone = [0, 1, 2, 3];
        for number in 1..3 {
            world.share(room(number), &everyone);
        }
        world.share(room(3), &[0, 1]);
        let mut written = [0usize; 4];
        let mut version = 0;
        for step in steps {
            let may = |node: usize, number: u8| number != 3 || node < 2;
            match step {
                Step::Post(node, number, count) if may(node, number) => {
                    world.post(node, room(number), Lane::Normal, count);
                    written[usize::from(number)] += count as usize;
                }
                Step::Urgent(node, number) if may(node, number) => {
                    world.post(node, room(number), Lane::Urgent, 1);
                    written[usize::from(number)] += 1;
                }
                Step::Register(node, number) if may(node, number) => {
                    version += 1;
                    let version = RegisterVersion { start: Hlc::from_parts(1, 0), counter: version };
                    world.members[node].store.write_register(room(number), version, vec![]).unwrap();
                    world.happen(node, Event::Changed { latest_change: 0, rooms: vec![room(number)] });
                }
                Step::Cut(a, b) if a != b => world.cut(a, b),
                Step::Connect(a, b) if a != b => world.connect(a, b),
                Step::Crash(node) => world.crash(node),
                Step::Run(ms) => world.run(ms),
                _ => {}
            }
        }
        for (a, b) in [(0, 1), (1, 2), (2, 3)] {
            world.connect(a, b);
        }
        world.run(60_000);
        for number in 1..3u8 {
            prop_assert!(world.is_equal(room(number), &everyone), "room {}", number);
            prop_assert_eq!(world.count(0, room(number)), written[usize::from(number)]);
        }
        prop_assert!(world.is_equal(room(3), &[0, 1]));
        prop_assert_eq!(world.count(2, room(3)), 0);
        for member in &world.members {
            prop_assert!(member.closes.is_empty(), "{:?}", member.closes);
        }
        for (a, b) in [(0, 1), (1, 2), (2, 3)] {
            let (one, other) = (world.node(a), world.node(b));
            let (mine, theirs) = (world.members[a].store.greeting(&other).unwrap(), world.members[b].store.greeting(&one).unwrap());
            prop_assert_eq!(mine.shared, theirs.shared);
        }
    }
}
