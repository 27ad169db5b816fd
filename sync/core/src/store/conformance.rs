//! What every store must do, as tests that any implementation runs: `store_conformance!(MyFixture)` inside a test module.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod branches;

pub use branches::*;

use std::collections::BTreeSet;

use super::{Admission, Applied, Batch, Cursor, LogRange, Refusal, Store, WallClock, WindowOutcome};
use crate::checkpoint::NodeKey;
use crate::digest::Digest;
use crate::entry::{Draft, Entry, Lane};
use crate::frontier::LogState;
use crate::hlc::Hlc;
use crate::id::{DeviceId, EntryId, Epoch, NodeId, RoomId, StorageId, UserId};
use crate::limits::{
    CHANGES_ROOMS_MAX, CHECKPOINT_BYTES_MAX, CHECKPOINT_ENTRIES_MAX, ENTRY_BODY_BYTES_MAX, HELD_RANGES_MAX,
    LIST_ROOMS_MAX, WINDOW_BYTES_ENOUGH,
};
use crate::log::{Hash, LogId};
use crate::register::RegisterVersion;
use crate::window::{Item, VerifiedWindow, Window};

/// How the suite makes stores of one kind.
pub trait Fixture {
    type Store: Store;
    /// A new, empty store of the node with this key. All nodes of the suite may write.
    fn open(&self, key: NodeKey, epoch: Epoch) -> Self::Store;
    /// Closes the store and opens it again under another epoch.
    fn restart(&self, store: Self::Store, epoch: Epoch) -> Self::Store;
    /// Names the nodes that may hold a room.
    fn set_audience(&self, store: &mut Self::Store, room: RoomId, nodes: &BTreeSet<NodeId>);
    /// An act of erasure names what has this e(n) at a place, held or not.
    fn erase(&self, store: &mut Self::Store, log: LogId, seq: u64, hash: Hash);
    /// Writes the store's own register of a room from what it holds now.
    fn write_register(&self, store: &mut Self::Store, room: RoomId, version: RegisterVersion, reads: &[u8]);
}

/// Runs the whole suite as tests of the surrounding module.
#[macro_export]
macro_rules! store_conformance {
    ($fixture:expr) => {
        $crate::store_conformance!(@each $fixture;
            what_is_appended_is_offered_and_verifies, equal_content_gives_equal_digests, applying_twice_changes_nothing,
            a_suffix_waits_above_a_gap_until_it_is_closed, overlapping_windows_add_only_what_is_new,
            the_cost_of_changes_follows_the_cursor,
            pages_of_changes_lose_nothing, a_node_outside_the_audience_gets_nothing, nothing_is_taken_from_outside_the_audience,
            policies_of_unknown_rooms_are_taken, a_higher_register_replaces_a_lower_one, a_new_audience_is_offered_everything,
            a_restart_begins_new_logs_and_loses_nothing, too_many_gaps_are_refused, windows_come_in_pages_and_end_at_checkpoints,
            any_order_of_delivery_gives_the_same_frontier, unknown_kinds_are_relayed_byte_for_byte,
            an_entry_sorts_after_all_its_writer_has_seen, a_cursor_is_kept_only_with_its_batch, the_list_comes_in_pages,
            an_erased_place_without_grounds_is_refused, what_is_erased_is_held_and_does_not_come_back,
            an_act_before_what_it_erases_and_after_give_the_same, a_window_has_a_bounded_size,
            a_known_error_of_the_clock_is_left_out_of_stamps,
            both_histories_of_a_fork_are_kept, a_fork_at_the_first_entry_leaves_no_trunk,
            three_histories_and_forks_of_forks_are_kept, a_fork_between_two_signatures_is_served_whole,
            one_history_is_no_fork_whatever_its_beginning, the_newest_page_of_another_history_waits_until_it_joins,
            a_fork_is_told_once, branches_are_bounded_and_honest_parts_stay,
            what_another_writes_under_its_name_ends_its_epoch, standings_tell_one_history_from_another,
        );
    };
    (@each $fixture:expr; $($name:ident),+ $(,)?) => {
        $(#[test] fn $name() { $crate::store::conformance::$name(&$fixture); })+
    };
}

/// The key of the suite's node number `number`.
pub fn key(number: u8) -> NodeKey {
    NodeKey::from_seed(&[number; 32]).unwrap()
}

/// The suite's room number `number`.
pub fn room(number: u16) -> RoomId {
    let mut bytes = [0xaa; 16];
    bytes[0..2].copy_from_slice(&number.to_be_bytes());
    RoomId::from_bytes(bytes)
}

fn everyone() -> BTreeSet<NodeId> {
    (1..=4).map(|number| key(number).node()).collect()
}

fn draft(room: RoomId, lane: Lane, number: u64) -> Draft {
    let mut id = [0x70; 16];
    id[8..16].copy_from_slice(&number.to_be_bytes());
    let (author, device) = (UserId::from_bytes([3; 16]), DeviceId::from_bytes([4; 16]));
    let body = format!("避難所を開設しました {number}").into_bytes();
    Draft::attested(room, lane, EntryId::from_bytes(id), 1, author, device, EntryId::NIL, body)
}

/// As [`draft`], with a body of the largest size, which does not compress.
fn large_draft(room: RoomId, lane: Lane, number: u64) -> Draft {
    let mut draft = draft(room, lane, number);
    draft.body = vec![0; ENTRY_BODY_BYTES_MAX];
    blake3::Hasher::new().update(&number.to_be_bytes()).finalize_xof().fill(&mut draft.body);
    draft
}

fn clock(now_ms: u64) -> WallClock {
    WallClock { now_ms, offset_ms: None }
}

fn write<S: Store>(store: &mut S, room: RoomId, lane: Lane, count: u64) -> LogId {
    let drafts = (0..count).map(|number| draft(room, lane, number)).collect();
    store.append(drafts, clock(1_000)).unwrap().last().unwrap().log
}

fn shared<F: Fixture>(fixture: &F, number: u8) -> F::Store {
    let mut store = fixture.open(key(number), Epoch(u64::from(number)));
    fixture.set_audience(&mut store, room(1), &everyone());
    store
}

fn fetch<S: Store>(store: &S, peer: NodeId, log: LogId, first: u64, last: u64) -> Vec<VerifiedWindow> {
    let mut ranges = vec![LogRange { log, first, last }];
    let mut windows = Vec::new();
    while !ranges.is_empty() {
        let page = store.windows(&peer, &ranges, 64 * 1024).unwrap();
        assert!(!page.windows.is_empty() || page.rest.is_empty(), "a page makes progress");
        assert_eq!(page.unavailable, vec![]);
        windows.extend(page.windows.into_iter().map(|window| window.verify().unwrap()));
        ranges = page.rest;
    }
    windows
}

fn give<S: Store>(store: &mut S, from: u8, windows: Vec<VerifiedWindow>) -> Applied {
    store.apply(Batch { peer: key(from).node(), windows, registers: vec![], cursor: None }).unwrap()
}

fn state<S: Store>(store: &S, log: LogId) -> LogState {
    let lines = &store.holdings(&key(4).node(), &[log.room]).unwrap()[0].lines;
    lines.logs.get(&log).cloned().unwrap_or_else(|| LogState::empty(&log))
}

fn digest<S: Store>(store: &S) -> Digest {
    store.greeting(&key(4).node()).unwrap().shared
}

pub fn what_is_appended_is_offered_and_verifies<F: Fixture>(fixture: &F) {
    let mut store = shared(fixture, 1);
    let log = write(&mut store, room(1), Lane::Normal, 3);
    let page = store.changes(&key(2).node(), 0).unwrap();
    assert_eq!(page.rooms.len(), 1);
    assert_eq!(page.rooms[0].logs[&log].length, 3);
    let windows = fetch(&store, key(2).node(), log, 1, 3);
    assert_eq!(windows.last().unwrap().end(), page.rooms[0].logs[&log].hash);
    let urgent = write(&mut store, room(1), Lane::Urgent, 1);
    assert_eq!(state(&store, urgent).length, 1);
    assert_eq!(state(&store, log).length, 3);
}

pub fn equal_content_gives_equal_digests<F: Fixture>(fixture: &F) {
    let (mut a, mut b) = (shared(fixture, 1), shared(fixture, 2));
    assert_eq!(digest(&a), digest(&b));
    let log = write(&mut a, room(1), Lane::Normal, 200);
    assert_ne!(digest(&a), digest(&b));
    let windows = fetch(&a, key(2).node(), log, 1, 200);
    give(&mut b, 1, windows);
    assert_eq!(digest(&a), digest(&b));
    assert_eq!(a.list(&key(4).node(), None).unwrap(), b.list(&key(4).node(), None).unwrap());
}

pub fn applying_twice_changes_nothing<F: Fixture>(fixture: &F) {
    let (mut a, mut b) = (shared(fixture, 1), shared(fixture, 2));
    let log = write(&mut a, room(1), Lane::Normal, 10);
    let windows = fetch(&a, key(2).node(), log, 1, 10);
    let first = give(&mut b, 1, windows.clone());
    assert_eq!(first.rooms, vec![room(1)]);
    let second = give(&mut b, 1, windows);
    assert_eq!(second.rooms, vec![]);
    assert_eq!(second.latest_change, first.latest_change);
    assert!(matches!(second.windows[0], WindowOutcome::Stored { .. }));
    assert_eq!(digest(&a), digest(&b));
}

pub fn a_suffix_waits_above_a_gap_until_it_is_closed<F: Fixture>(fixture: &F) {
    let (mut a, mut b) = (shared(fixture, 1), shared(fixture, 2));
    let log = write(&mut a, room(1), Lane::Normal, 300);
    let newest = fetch(&a, key(2).node(), log, 250, 300);
    give(&mut b, 1, newest);
    let held = state(&b, log);
    assert_eq!((held.length, held.above.len(), held.above[0].first, held.above[0].last), (0, 1, 250, 300));
    assert_ne!(digest(&a), digest(&b));
    // A relay can pass on what it holds above the gap.
    assert_eq!(fetch(&b, key(3).node(), log, 250, 300).last().unwrap().last(), 300);
    give(&mut b, 1, fetch(&a, key(2).node(), log, 1, 249));
    assert_eq!(state(&b, log), state(&a, log));
    assert_eq!(digest(&a), digest(&b));
    assert_eq!(fetch(&b, key(3).node(), log, 1, 300).len(), fetch(&a, key(3).node(), log, 1, 300).len());
}

pub fn overlapping_windows_add_only_what_is_new<F: Fixture>(fixture: &F) {
    let (mut a, mut b) = (shared(fixture, 1), shared(fixture, 2));
    let log = write(&mut a, room(1), Lane::Normal, 100);
    give(&mut b, 1, fetch(&a, key(2).node(), log, 1, 64));
    give(&mut b, 1, fetch(&a, key(2).node(), log, 30, 100));
    assert_eq!(state(&b, log), state(&a, log));
    assert_eq!(digest(&a), digest(&b));
}

pub fn the_cost_of_changes_follows_the_cursor<F: Fixture>(fixture: &F) {
    let mut store = shared(fixture, 1);
    for number in 2..20 {
        fixture.set_audience(&mut store, room(number), &everyone());
        write(&mut store, room(number), Lane::Normal, 1);
    }
    let seen = store.changes(&key(2).node(), 0).unwrap().up_to;
    assert_eq!(seen, store.greeting(&key(2).node()).unwrap().latest_change);
    assert_eq!(store.changes(&key(2).node(), seen).unwrap().rooms, vec![]);
    let log = write(&mut store, room(7), Lane::Urgent, 1);
    let page = store.changes(&key(2).node(), seen).unwrap();
    assert_eq!(page.rooms.len(), 1);
    assert_eq!(page.rooms[0].logs.keys().copied().collect::<Vec<_>>(), vec![log]);
}

pub fn pages_of_changes_lose_nothing<F: Fixture>(fixture: &F) {
    let mut store = shared(fixture, 1);
    let count = CHANGES_ROOMS_MAX as u16 + 50;
    for number in 0..count {
        fixture.set_audience(&mut store, room(number), &everyone());
        write(&mut store, room(number), Lane::Normal, 1);
    }
    let (mut after, mut rooms, mut pages) = (0, BTreeSet::new(), 0);
    loop {
        let page = store.changes(&key(2).node(), after).unwrap();
        assert!(page.rooms.len() <= CHANGES_ROOMS_MAX);
        rooms.extend(page.rooms.iter().map(|lines| lines.room));
        assert!(!page.more || page.up_to > after, "a page makes progress");
        (after, pages) = (page.up_to, pages + 1);
        if !page.more {
            break;
        }
    }
    assert_eq!((rooms.len(), pages), (usize::from(count), 2));
}

pub fn a_node_outside_the_audience_gets_nothing<F: Fixture>(fixture: &F) {
    let mut store = fixture.open(key(1), Epoch(1));
    fixture.set_audience(&mut store, room(1), &[key(1).node(), key(2).node()].into());
    let log = write(&mut store, room(1), Lane::Normal, 3);
    fixture.write_register(&mut store, room(1), RegisterVersion { start: Hlc::from_parts(1, 0), counter: 1 }, b"reads");
    let outsider = key(3).node();
    assert_eq!(store.greeting(&outsider).unwrap().shared, Digest::EMPTY);
    assert_eq!(store.changes(&outsider, 0).unwrap().rooms, vec![]);
    assert_eq!(store.list(&outsider, None).unwrap(), vec![]);
    assert_eq!(store.offers(&outsider, &[room(1)]).unwrap(), vec![]);
    let range = LogRange { log, first: 1, last: 3 };
    let page = store.windows(&outsider, &[range], 1 << 20).unwrap();
    assert_eq!((page.windows, page.unavailable), (vec![], vec![range]));
    assert_eq!(store.registers(&outsider, &[(room(1), key(1).node())]).unwrap(), vec![]);
    assert_eq!(store.registers(&key(2).node(), &[(room(1), key(1).node())]).unwrap().len(), 1);
}

pub fn nothing_is_taken_from_outside_the_audience<F: Fixture>(fixture: &F) {
    let (mut a, mut b) = (shared(fixture, 1), fixture.open(key(2), Epoch(2)));
    let log = write(&mut a, room(1), Lane::Normal, 3);
    let windows = fetch(&a, key(2).node(), log, 1, 3);
    assert_eq!(b.holdings(&key(1).node(), &[room(1)]).unwrap()[0].admission, Admission::PolicyOnly);
    let applied = give(&mut b, 1, windows.clone());
    assert!(matches!(applied.windows[0], WindowOutcome::Refused { refusal: Refusal::NotAdmitted, .. }));
    // The sender is not in the audience.
    fixture.set_audience(&mut b, room(1), &[key(2).node(), key(3).node()].into());
    let applied = give(&mut b, 1, windows.clone());
    assert!(matches!(applied.windows[0], WindowOutcome::Refused { refusal: Refusal::NotAdmitted, .. }));
    fixture.set_audience(&mut b, room(1), &everyone());
    assert_eq!(b.holdings(&key(1).node(), &[room(1)]).unwrap()[0].admission, Admission::Everything);
    assert!(matches!(give(&mut b, 1, windows).windows[0], WindowOutcome::Stored { .. }));
}

pub fn policies_of_unknown_rooms_are_taken<F: Fixture>(fixture: &F) {
    let (mut a, mut b) = (shared(fixture, 1), fixture.open(key(2), Epoch(2)));
    let log = write(&mut a, room(1), Lane::Policy, 1);
    let applied = give(&mut b, 1, fetch(&a, key(2).node(), log, 1, 1));
    assert!(matches!(applied.windows[0], WindowOutcome::Stored { .. }), "{applied:?}");
}

pub fn a_higher_register_replaces_a_lower_one<F: Fixture>(fixture: &F) {
    let (mut a, mut b) = (shared(fixture, 1), shared(fixture, 2));
    let version = |counter| RegisterVersion { start: Hlc::from_parts(5, 0), counter };
    let log = write(&mut a, room(1), Lane::Normal, 1);
    give(&mut b, 1, fetch(&a, key(2).node(), log, 1, 1));
    let wanted = [(room(1), key(1).node())];
    let batch = |registers: Vec<crate::register::SignedRegister>| Batch {
        peer: key(1).node(),
        windows: vec![],
        registers: registers.into_iter().map(|signed| signed.verify().unwrap()).collect(),
        cursor: None,
    };
    fixture.write_register(&mut a, room(1), version(1), b"one");
    let old = a.registers(&key(2).node(), &wanted).unwrap();
    fixture.write_register(&mut a, room(1), version(2), b"two");
    let new = a.registers(&key(2).node(), &wanted).unwrap();
    assert_eq!(b.apply(batch(new.clone())).unwrap().rooms, vec![room(1)]);
    assert_eq!(digest(&a), digest(&b));
    let change = b.greeting(&key(1).node()).unwrap().latest_change;
    assert_eq!(b.apply(batch(old)).unwrap().rooms, vec![]);
    assert_eq!(b.greeting(&key(1).node()).unwrap().latest_change, change);
    assert_eq!(b.registers(&key(3).node(), &wanted).unwrap(), new);
    assert_eq!(digest(&a), digest(&b));
    let lines = &b.offers(&key(3).node(), &[room(1)]).unwrap()[0];
    assert_eq!(lines.registers[&key(1).node()], version(2));
}

pub fn a_new_audience_is_offered_everything<F: Fixture>(fixture: &F) {
    let mut store = fixture.open(key(1), Epoch(1));
    fixture.set_audience(&mut store, room(1), &[key(1).node(), key(2).node()].into());
    write(&mut store, room(1), Lane::Normal, 3);
    let change = store.greeting(&key(3).node()).unwrap().latest_change;
    let only_two = digest_for(&store, 2);
    fixture.set_audience(&mut store, room(1), &everyone());
    let page = store.changes(&key(3).node(), change).unwrap();
    assert_eq!(page.rooms.iter().map(|lines| lines.room).collect::<Vec<_>>(), vec![room(1)]);
    assert_eq!(page.rooms[0].logs.len(), 1);
    assert_eq!(digest_for(&store, 3), only_two);
    assert_eq!(digest_for(&store, 2), only_two);
    // A number of changes names one digest, so a smaller audience is a change too.
    let change = store.greeting(&key(2).node()).unwrap().latest_change;
    fixture.set_audience(&mut store, room(1), &[key(1).node()].into());
    assert_eq!(digest_for(&store, 2), Digest::EMPTY);
    assert!(store.greeting(&key(2).node()).unwrap().latest_change > change);
}

fn digest_for<S: Store>(store: &S, number: u8) -> Digest {
    store.greeting(&key(number).node()).unwrap().shared
}

pub fn a_restart_begins_new_logs_and_loses_nothing<F: Fixture>(fixture: &F) {
    let mut store = shared(fixture, 1);
    let old = write(&mut store, room(1), Lane::Normal, 5);
    let before = (state(&store, old), digest(&store), store.greeting(&key(2).node()).unwrap());
    let mut store = fixture.restart(store, Epoch(99));
    assert_eq!((state(&store, old), digest(&store), store.greeting(&key(2).node()).unwrap()), before);
    let new = write(&mut store, room(1), Lane::Normal, 1);
    assert_ne!(new, old);
    assert_eq!((state(&store, old).length, state(&store, new).length), (5, 1));
    let (first, last) = (fetch(&store, key(2).node(), old, 5, 5), fetch(&store, key(2).node(), new, 1, 1));
    let stamp = |windows: &[VerifiedWindow]| windows[0].items()[0].entry.as_ref().unwrap().hlc;
    assert!(stamp(&last) > stamp(&first), "the clock of a room survives a restart");
}

pub fn too_many_gaps_are_refused<F: Fixture>(fixture: &F) {
    let (mut a, mut b) = (shared(fixture, 1), shared(fixture, 2));
    for number in 0..40 {
        // One append a time, so that every entry may end a window at first.
        let before = a.append(vec![draft(room(1), Lane::Normal, number)], clock(1_000)).unwrap()[0].clone();
        if number % 3 == 2 {
            let windows = fetch(&a, key(2).node(), before.log, before.seq, before.seq);
            let applied = give(&mut b, 1, windows);
            let gaps = (number / 3 + 1) as usize;
            let refused = matches!(applied.windows[0], WindowOutcome::Refused { refusal: Refusal::TooManyGaps, .. });
            assert_eq!(refused, gaps > HELD_RANGES_MAX, "gap {gaps}");
        }
    }
}

pub fn windows_come_in_pages_and_end_at_checkpoints<F: Fixture>(fixture: &F) {
    let mut store = shared(fixture, 1);
    let log = write(&mut store, room(1), Lane::Normal, 1_000);
    let page = store.windows(&key(2).node(), &[LogRange { log, first: 1, last: 1_000 }], 1).unwrap();
    assert_eq!((page.windows.len(), page.rest.len()), (1, 1));
    assert!(page.windows[0].last() <= CHECKPOINT_ENTRIES_MAX);
    // An end inside a signed run is extended to the next signature.
    let windows = fetch(&store, key(2).node(), log, 10, 11);
    assert_eq!(windows[0].first(), 10);
    assert!(windows.last().unwrap().last() >= 11);
    let beyond = LogRange { log, first: 1_001, last: 1_002 };
    let page = store.windows(&key(2).node(), &[beyond], 1 << 20).unwrap();
    assert_eq!((page.windows, page.rest, page.unavailable), (vec![], vec![], vec![beyond]));
}

pub fn any_order_of_delivery_gives_the_same_frontier<F: Fixture>(fixture: &F) {
    let mut a = shared(fixture, 1);
    let mut logs = vec![write(&mut a, room(1), Lane::Normal, 150), write(&mut a, room(1), Lane::Urgent, 3)];
    logs.push(write(&mut a, room(1), Lane::Policy, 2));
    let mut windows = Vec::new();
    for log in logs {
        let mut next = 1;
        while next <= state(&a, log).length {
            let window = fetch(&a, key(2).node(), log, next, next).remove(0);
            next = window.last() + 1;
            windows.push(window);
        }
    }
    for seed in 1..20usize {
        let mut b = shared(fixture, 2);
        // A permutation that visits every window, some of them twice.
        let count = windows.len();
        for step in 0..count + seed % 3 {
            let window = windows[(step * (2 * seed + 1) + seed) % count].clone();
            give(&mut b, 1, vec![window]);
        }
        give(&mut b, 1, windows.clone());
        assert_eq!(digest(&b), digest(&a), "seed {seed}");
    }
}

pub fn unknown_kinds_are_relayed_byte_for_byte<F: Fixture>(fixture: &F) {
    let (mut a, mut b) = (shared(fixture, 1), shared(fixture, 2));
    let unknown = Draft { kind: 60_123, body: vec![0xff, 0, 1], ..draft(room(1), Lane::Normal, 1) };
    let log = a.append(vec![unknown], clock(1_000)).unwrap()[0].log;
    give(&mut b, 1, fetch(&a, key(2).node(), log, 1, 1));
    assert_eq!(fetch(&b, key(3).node(), log, 1, 1), fetch(&a, key(3).node(), log, 1, 1));
}

pub fn an_entry_sorts_after_all_its_writer_has_seen<F: Fixture>(fixture: &F) {
    let (mut a, mut b) = (shared(fixture, 1), shared(fixture, 2));
    let late = a.append(vec![draft(room(1), Lane::Normal, 1)], clock(9_000_000)).unwrap();
    give(&mut b, 1, fetch(&a, key(2).node(), late[0].log, 1, 1));
    let after = b.append(vec![draft(room(1), Lane::Urgent, 2)], clock(5)).unwrap();
    assert!(after[0].hlc > late[0].hlc);
    assert_eq!(after[0].wall_ms, 5);
}

pub fn a_known_error_of_the_clock_is_left_out_of_stamps<F: Fixture>(fixture: &F) {
    let mut a = shared(fixture, 1);
    let three_days_ms = 3 * 24 * 3_600_000;
    let ahead = WallClock { now_ms: 9_000_000 + three_days_ms as u64, offset_ms: Some(three_days_ms) };
    let wrong = a.append(vec![draft(room(1), Lane::Normal, 1)], ahead).unwrap();
    assert_eq!((wrong[0].hlc.ms(), wrong[0].wall_ms), (9_000_000, ahead.now_ms), "the entry says both");
    let behind = WallClock { now_ms: 0, offset_ms: Some(-9_000_001) };
    let after = a.append(vec![draft(room(1), Lane::Normal, 2)], behind).unwrap();
    assert_eq!(after[0].hlc.ms(), 9_000_001, "a clock of 1970 goes on where it ought to be");
    let hostile = WallClock { now_ms: u64::MAX, offset_ms: Some(i64::MIN) };
    assert_eq!(hostile.corrected_ms(), u64::MAX);
}

pub fn a_cursor_is_kept_only_with_its_batch<F: Fixture>(fixture: &F) {
    let (mut a, mut b) = (shared(fixture, 1), shared(fixture, 2));
    let peer = key(1).node();
    assert_eq!(b.greeting(&peer).unwrap().cursor.change, 0);
    let cursor = Cursor { storage: StorageId::from_bytes([5; 16]), change: 9 };
    let log = write(&mut a, room(1), Lane::Normal, 1);
    let windows = fetch(&a, key(2).node(), log, 1, 1);
    b.apply(Batch { peer, windows, registers: vec![], cursor: Some(cursor) }).unwrap();
    assert_eq!(b.greeting(&peer).unwrap().cursor, cursor);
    fixture.set_audience(&mut a, room(2), &everyone());
    let unknown = write(&mut a, room(2), Lane::Normal, 1);
    let windows = fetch(&a, key(2).node(), unknown, 1, 1);
    let further = Cursor { change: 10, ..cursor };
    b.apply(Batch { peer, windows, registers: vec![], cursor: Some(further) }).unwrap();
    assert_eq!(b.greeting(&peer).unwrap().cursor, cursor, "a refused window holds the cursor back");
}

pub fn the_list_comes_in_pages<F: Fixture>(fixture: &F) {
    let mut store = shared(fixture, 1);
    for number in 2..12 {
        fixture.set_audience(&mut store, room(number), &everyone());
        write(&mut store, room(number), Lane::Normal, 1);
    }
    let all = store.list(&key(2).node(), None).unwrap();
    assert!(all.len() >= 10 && all.len() <= LIST_ROOMS_MAX);
    assert!(all.windows(2).all(|pair| pair[0].0 < pair[1].0));
    let middle = all[4].0;
    assert_eq!(store.list(&key(2).node(), Some(middle)).unwrap(), all[5..].to_vec());
    let sum: Digest = all.iter().map(|(_, digest)| *digest).sum();
    assert_eq!(sum, digest_for(&store, 2), "what is shared is the sum of its rooms");
}

pub fn a_window_has_a_bounded_size<F: Fixture>(fixture: &F) {
    let mut store = shared(fixture, 1);
    let drafts: Vec<Draft> = (0..20).map(|number| large_draft(room(1), Lane::Normal, number)).collect();
    let (together, alone) = drafts.split_at(10);
    let log = store.append(together.to_vec(), clock(1_000)).unwrap()[0].log;
    for draft in alone {
        store.append(vec![draft.clone()], clock(1_000)).unwrap();
    }
    let mut other = shared(fixture, 2);
    for first in [1, 6] {
        let windows = fetch(&store, key(2).node(), log, first, 20);
        let bytes = |window: &VerifiedWindow| window.items().iter().map(|item| item.bytes.len()).sum::<usize>();
        assert!(windows.iter().all(|window| bytes(window) <= WINDOW_BYTES_ENOUGH + CHECKPOINT_BYTES_MAX));
        assert_eq!(windows.iter().map(|window| window.items().len()).sum::<usize>() as u64, 21 - first);
        give(&mut other, 1, windows);
    }
    assert_eq!(state(&other, log), state(&store, log));
    // What was relayed is cut in the same way.
    let again = fetch(&other, key(3).node(), log, 1, 20);
    assert!(again.len() >= 7, "{}", again.len());
}

pub fn an_erased_place_without_grounds_is_refused<F: Fixture>(fixture: &F) {
    let (mut a, mut b) = (shared(fixture, 1), shared(fixture, 2));
    let log = write(&mut a, room(1), Lane::Normal, 2);
    let page = a.windows(&key(2).node(), &[LogRange { log, first: 1, last: 2 }], 1 << 20).unwrap();
    let mut window: Window = page.windows[0].clone();
    let Item::Entry(bytes) = &window.items[0] else { panic!("an entry") };
    assert_eq!(Entry::decode(bytes).unwrap().seq, 1);
    window.items[0] = Item::Erased(crate::log::entry_hash(bytes));
    let applied = give(&mut b, 1, vec![window.verify().unwrap()]);
    assert!(
        matches!(applied.windows[0], WindowOutcome::Refused { refusal: Refusal::ErasedWithoutGrounds, .. }),
        "{applied:?}"
    );
    assert_eq!(state(&b, log).count(), 0);
}

/// e(1) to e(count) of a log, and the bytes.
fn contents<S: Store>(store: &S, log: LogId, count: u64) -> Vec<(Hash, Item)> {
    let windows = store.windows(&key(4).node(), &[LogRange { log, first: 1, last: count }], 1 << 20).unwrap().windows;
    // The last window may run on to the next signed place.
    let items = windows.into_iter().flat_map(|window| window.items).take(usize::try_from(count).unwrap());
    items.map(|item| (item.hash(), item)).collect()
}

pub fn what_is_erased_is_held_and_does_not_come_back<F: Fixture>(fixture: &F) {
    let (mut a, mut b, mut c) = (shared(fixture, 1), shared(fixture, 2), shared(fixture, 3));
    let log = write(&mut a, room(1), Lane::Normal, 5);
    let whole = fetch(&a, key(2).node(), log, 1, 5);
    give(&mut b, 1, whole.clone());
    let before = (state(&a, log), a.greeting(&key(2).node()).unwrap().shared);
    let entries = contents(&a, log, 5);
    for place in [1, 2, 4] {
        fixture.erase(&mut a, log, place as u64 + 1, entries[place].0);
    }
    // Another hash names nothing.
    fixture.erase(&mut a, log, 1, entries[4].0);
    assert_eq!((state(&a, log), a.greeting(&key(2).node()).unwrap().shared), before, "heads and digests stay");
    let left = contents(&a, log, 5);
    for (place, (hash, item)) in left.iter().enumerate() {
        assert_eq!(*hash, entries[place].0);
        assert_eq!(matches!(item, Item::Erased(_)), [1, 2, 4].contains(&place), "{place}");
    }
    // The log goes on, and a suffix is verified without what was erased before it.
    a.append(vec![draft(room(1), Lane::Normal, 99)], clock(2_000)).unwrap();
    let suffix = fetch(&a, key(3).node(), log, 4, 6);
    // Who has the content keeps it until the act comes; who does not takes the place with the act alone.
    assert!(matches!(give(&mut b, 1, suffix.clone()).windows[0], WindowOutcome::Refused { .. }));
    assert!(matches!(give(&mut c, 1, suffix.clone()).windows[0], WindowOutcome::Refused { .. }));
    for store in [&mut b, &mut c] {
        for place in [1, 2, 4] {
            fixture.erase(store, log, place as u64 + 1, entries[place].0);
        }
        assert!(matches!(give(store, 1, suffix.clone()).windows[0], WindowOutcome::Stored { .. }));
    }
    // A peer that was away brings the content again.
    assert!(matches!(give(&mut c, 1, whole.clone()).windows[0], WindowOutcome::Stored { .. }));
    give(&mut a, 2, whole);
    for store in [&a, &b, &c] {
        assert_eq!(contents(store, log, 5), left);
        assert_eq!(state(store, log), state(&a, log));
    }
    let a = fixture.restart(a, Epoch(77));
    assert_eq!(contents(&a, log, 5), left);
}

pub fn an_act_before_what_it_erases_and_after_give_the_same<F: Fixture>(fixture: &F) {
    let mut a = shared(fixture, 1);
    let log = write(&mut a, room(1), Lane::Urgent, 3);
    let (windows, entries) = (fetch(&a, key(2).node(), log, 1, 3), contents(&a, log, 3));
    let (mut before, mut after) = (shared(fixture, 2), shared(fixture, 3));
    fixture.erase(&mut before, log, 2, entries[1].0);
    assert_eq!(state(&before, log), LogState::empty(&log), "a place that is only named is not held");
    give(&mut before, 1, windows.clone());
    give(&mut after, 1, windows);
    fixture.erase(&mut after, log, 2, entries[1].0);
    assert_eq!(contents(&before, log, 3), contents(&after, log, 3));
    assert!(matches!(contents(&before, log, 3)[1].1, Item::Erased(_)));
    let sum = |store: &F::Store| store.greeting(&key(4).node()).unwrap().shared;
    assert_eq!(sum(&before), sum(&after));
}
