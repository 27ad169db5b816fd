//! A node that ran twice at once has written two histories under one name: both reach everybody, whoever knows of what.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod world;

use noroshi_sync::entry::Lane;
use noroshi_sync::event::Notice;
use noroshi_sync::id::NodeId;
use noroshi_sync::store::{Batch, LogRange, Store};
use noroshi_sync::window::VerifiedWindow;
use proptest::prelude::*;
use world::{World, room};

const ALL: [usize; 3] = [0, 1, 2];

/// How much a history has in common with the first one, and how much of its own.
#[derive(Debug, Clone, Copy)]
struct Copy {
    common: u64,
    own: u64,
}

/// Three offices that share a room; the first has written so much there, ten entries a commit.
fn offices(written: u64, seed: u64) -> World {
    let mut world = World::new(3, seed);
    world.share(room(1), &ALL);
    for _ in 0..written / 10 {
        world.post(0, room(1), Lane::Normal, 10);
    }
    world.post(0, room(1), Lane::Normal, written % 10);
    world
}

/// All that a copy of the first office wrote, that was made when it had written `common`.
fn history(copy: Copy, number: u64) -> Vec<VerifiedWindow> {
    let mut world = offices(copy.common, 1);
    // From here on it writes other messages than the original.
    world.share(room(2), &ALL);
    world.post(0, room(2), Lane::Normal, 1_000 * number);
    world.post(0, room(1), Lane::Normal, copy.own);
    let (peer, last) = (world.node(1), copy.common + copy.own);
    let store = &world.members[0].store;
    let log = *store.frontier(room(1)).keys().next().unwrap();
    let page = store.windows(&peer, &[LogRange { log, first: 1, last }], usize::MAX).unwrap();
    page.windows.into_iter().map(|window| window.verify().unwrap()).collect()
}

/// Gives a member what a copy wrote, as if they had met before.
fn meet(world: &mut World, member: usize, windows: &[VerifiedWindow]) {
    let peer: NodeId = world.node(0);
    let batch = Batch { peer, windows: windows.to_vec(), registers: Vec::new(), cursor: None };
    let applied = world.members[member].store.apply(batch).unwrap();
    let is_stored = |outcome| matches!(outcome, noroshi_sync::store::WindowOutcome::Stored { .. });
    assert!(applied.windows.into_iter().all(is_stored));
}

fn assert_all_hold(world: &World, entries: u64) {
    for member in ALL {
        assert_eq!(world.count(member, room(1)) as u64, entries, "at {member}");
    }
    assert!(world.is_equal(room(1), &ALL));
    let closes: Vec<_> = world.members.iter().flat_map(|member| &member.closes).collect();
    assert!(closes.is_empty(), "{closes:?}");
    assert!(ALL.iter().all(|member| world.in_sync(*member)));
}

/// The original wrote `own` more; the second office knows it, the third knows the copy, and then they meet.
fn both_reach_everybody(own: u64, copy: Copy) -> World {
    let mut world = offices(copy.common, 1);
    world.post(0, room(1), Lane::Normal, own);
    let epoch = world.members[0].store.epoch();
    world.connect(0, 1);
    world.run(20_000);
    meet(&mut world, 2, &history(copy, 1));
    world.connect(1, 2);
    world.run(120_000);
    assert_all_hold(&world, copy.common + own + copy.own);
    assert_ne!(world.members[0].store.epoch(), epoch, "the original goes on in an epoch of its own");
    for member in ALL {
        let forked = |notice: &&Notice| matches!(notice, Notice::Forked { .. });
        let told = world.members[member].notices.iter().filter(forked).count();
        assert_eq!(told, 1, "{member} is told once");
    }
    world
}

#[test]
fn two_histories_of_equal_length_reach_everybody() {
    both_reach_everybody(5, Copy { common: 20, own: 5 });
}

#[test]
fn a_longer_and_a_shorter_history_reach_everybody() {
    both_reach_everybody(9, Copy { common: 20, own: 2 });
    both_reach_everybody(2, Copy { common: 20, own: 9 });
    both_reach_everybody(3, Copy { common: 0, own: 4 });
}

#[test]
fn histories_that_parted_long_ago_reach_everybody() {
    let world = both_reach_everybody(1_500, Copy { common: 700, own: 2_500 });
    let bytes: u64 = world.sent.values().sum();
    // What is common is sent once more at the most, to find where they part.
    assert!(bytes < 2_500_000, "{bytes} bytes");
}

#[test]
fn being_equal_costs_nothing_although_a_log_forks() {
    let mut world = both_reach_everybody(5, Copy { common: 20, own: 5 });
    world.cut(0, 1);
    world.forget_traffic();
    world.connect(0, 1);
    world.run(900);
    assert_eq!(world.frames.iter().map(|frame| frame.2).collect::<Vec<_>>(), vec!["hello", "hello"]);
}

#[test]
fn what_is_written_after_a_fork_travels_as_ever() {
    let mut world = both_reach_everybody(5, Copy { common: 20, own: 5 });
    world.forget_traffic();
    for lane in [Lane::Normal, Lane::Urgent] {
        world.post(0, room(1), lane, 3);
    }
    world.run(3_000);
    assert_all_hold(&world, 36);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn any_three_histories_become_equal_everywhere(
        common in 0u64..150, own in 1u64..120,
        second in (0u64..150, 1u64..120), third in (0u64..150, 1u64..200),
        seed in any::<u64>(), cuts in 0usize..4,
    ) {
        let copy = |(at, own): (u64, u64)| Copy { common: at.min(common), own };
        let (second, third) = (copy(second), copy(third));
        let mut world = offices(common, 1);
        world.post(0, room(1), Lane::Normal, own);
        world.jitter_ms = seed % 40;
        meet(&mut world, 1, &history(second, 1));
        meet(&mut world, 2, &history(third, 2));
        world.connect(0, 1);
        world.connect(1, 2);
        for _ in 0..cuts {
            world.run(seed % 300);
            world.cut(1, 2);
            world.connect(1, 2);
        }
        world.run(200_000);
        let counts: Vec<_> = ALL.iter().map(|member| world.count(*member, room(1))).collect();
        prop_assert!(world.is_equal(room(1), &ALL), "{:?}", counts);
        // Copies that were made at different places have more in common with each other than with neither.
        prop_assert!(counts.iter().all(|count| *count as u64 >= common + own + second.own.min(third.own)), "{:?}", counts);
        prop_assert!(ALL.iter().all(|member| world.in_sync(*member)));
    }
}
