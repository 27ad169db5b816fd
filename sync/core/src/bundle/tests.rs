//! Bundles between stores in memory: what arrives, what must not, and what a damaged file may do.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::entry::{Draft, Lane};
use crate::hlc::Hlc;
use crate::id::{DeviceId, EntryId, Epoch, RoomId, StorageId, UserId};
use crate::register::RegisterVersion;
use crate::store::conformance::{key, room};
use crate::store::memory::MemoryStore;
use crate::store::{Store, WallClock, WindowOutcome};

const ID: [u8; 16] = [9; 16];

fn node(number: u8) -> NodeId {
    key(number).node()
}

fn nodes(numbers: &[u8]) -> BTreeSet<NodeId> {
    numbers.iter().map(|number| node(*number)).collect()
}

/// A store of node `number`. Room 1 is ledger and of all; room 2 of 1, 2 and 3; room 3 of 1 and 2 alone.
fn store(number: u8) -> MemoryStore {
    let mut store = MemoryStore::new(key(number), Epoch(number.into()), StorageId::from_bytes([number; 16]));
    for (of, members) in [(1, &[1, 2, 3, 4][..]), (2, &[1, 2, 3]), (3, &[1, 2])] {
        store.set_audience(room(of), nodes(members));
    }
    store.set_ledger(room(1));
    store
}

fn write(store: &mut MemoryStore, to: RoomId, lane: Lane, numbers: std::ops::Range<u64>) {
    for number in numbers {
        let mut id = [0x70; 16];
        id[8..].copy_from_slice(&number.to_be_bytes());
        let (author, device) = (UserId::from_bytes([3; 16]), DeviceId::from_bytes([4; 16]));
        let body = format!("給水所を開きました {number}").into_bytes();
        let draft = Draft::attested(to, lane, EntryId::from_bytes(id), 1, author, device, EntryId::NIL, body);
        let clock = WallClock { now_ms: 1_790_000_000_000 + number * 1_000, offset_ms: None };
        store.append(vec![draft], clock).unwrap();
    }
}

fn export(store: &MemoryStore, by: u8, to: &[u8], since: Since) -> Vec<u8> {
    let mut exporter = Exporter::new(store, key(by).into(), ID, 1_790_000_000_000, nodes(to), since).unwrap();
    let mut bytes = Vec::new();
    while let Some(record) = exporter.next(store).unwrap() {
        bytes.extend(record);
    }
    assert_eq!(exporter.progress().0, exporter.progress().1);
    bytes
}

/// Entries that node 2 is not known to hold.
fn missing_entries(store: &MemoryStore) -> u64 {
    let mut exporter = Exporter::new(store, key(1).into(), ID, 0, nodes(&[2]), Since::Missing).unwrap();
    while exporter.next(store).unwrap().is_some() {}
    exporter.entries()
}

/// Reads a file to its end or to the first thing that is wrong with it.
fn import(store: &mut MemoryStore, file: &[u8]) -> (Vec<WindowOutcome>, Result<(), Refused>) {
    let mut importer = Importer::new(store.node());
    let (mut outcomes, mut rest) = (Vec::new(), file);
    while let Some((head, after)) = rest.split_first_chunk::<RECORD_HEAD_BYTES>() {
        let length = match Importer::length_of(head) {
            Ok(length) => length,
            Err(refused) => return (outcomes, Err(refused)),
        };
        let Some((content, after)) = after.split_at_checked(length) else { break };
        match importer.take(head, content) {
            Ok(Step::Apply(batch)) => outcomes.extend(store.apply(batch).unwrap().windows),
            Ok(_) => {}
            Err(refused) => return (outcomes, Err(refused)),
        }
        rest = after;
    }
    (outcomes, importer.finish())
}

fn same(one: &MemoryStore, other: &MemoryStore, rooms: &[u16]) -> bool {
    rooms.iter().all(|number| one.frontier(room(*number)) == other.frontier(room(*number)))
}

fn written(number: u8) -> MemoryStore {
    let mut store = store(number);
    let first = u64::from(number) * 1_000;
    write(&mut store, room(1), Lane::Policy, first..first + 3);
    write(&mut store, room(2), Lane::Policy, first + 10..first + 12);
    write(&mut store, room(2), Lane::Urgent, first + 20..first + 25);
    write(&mut store, room(2), Lane::Normal, first + 100..first + 300);
    write(&mut store, room(3), Lane::Normal, first + 500..first + 520);
    store
}

#[test]
fn what_one_holds_the_other_holds_and_again_changes_nothing() {
    let (one, mut other) = (written(1), written(2));
    let mut both = export(&one, 1, &[2], Since::Beginning);
    let (outcomes, end) = import(&mut other, &both);
    assert_eq!(end, Ok(()));
    assert!(outcomes.iter().all(|outcome| matches!(outcome, WindowOutcome::Stored { .. })));
    let mut back = one;
    import(&mut back, &export(&other, 2, &[1], Since::Beginning)).1.unwrap();
    assert!(same(&back, &other, &[1, 2, 3]));
    // The old file once more, after more was written.
    write(&mut other, room(2), Lane::Normal, 9_000..9_010);
    let before = other.greeting(&node(1)).unwrap();
    import(&mut other, &both).1.unwrap();
    assert_eq!(other.greeting(&node(1)).unwrap(), before);
    // And for a node that is not named in it.
    assert_eq!(import(&mut store(3), &both).1, Err(Refused::NotForThisNode));
    let first = RECORD_HEAD_BYTES + Importer::length_of(both.first_chunk().unwrap()).unwrap();
    both.extend_from_within(..first);
    assert!(import(&mut other, &both).1.is_err());
}

#[test]
fn it_holds_only_what_every_destination_may_hold() {
    let one = written(1);
    let file = export(&one, 1, &[2, 3], Since::Beginning);
    let mut two = store(2);
    import(&mut two, &file).1.unwrap();
    assert!(same(&one, &two, &[1, 2]));
    assert!(two.frontier(room(3)).is_empty(), "node 3 may not hold room 3");
    let mut four = store(4);
    import(&mut four, &export(&one, 1, &[3, 4], Since::Beginning)).1.unwrap();
    assert!(same(&one, &four, &[1]) && four.frontier(room(2)).is_empty());
}

#[test]
fn rights_come_first_and_then_alarms() {
    let one = written(1);
    let file = export(&one, 1, &[2], Since::Beginning);
    let mut two = store(2);
    let (outcomes, _) = import(&mut two, &file);
    let order: Vec<(bool, Lane)> = outcomes
        .iter()
        .map(|outcome| match outcome {
            WindowOutcome::Stored { log, .. } => (log.room == room(1), log.lane),
            WindowOutcome::Refused { .. } => panic!("{outcome:?}"),
        })
        .collect();
    let rank = |(is_ledger, lane): &(bool, Lane)| match (is_ledger, lane) {
        (true, _) => 0,
        (false, Lane::Policy) => 1,
        (false, Lane::Urgent) => 2,
        (false, Lane::Normal) => 3,
    };
    assert!(order.is_sorted_by_key(rank), "{order:?}");
}

#[test]
fn what_a_destination_says_it_holds_is_left_out() {
    let (mut one, mut two) = (written(1), store(2));
    import(&mut two, &export(&one, 1, &[2], Since::Missing)).1.unwrap();
    // Node 2 tells what it holds; node 1 hears of it.
    let version = RegisterVersion { start: Hlc::from_parts(1_790_000_000_000, 0), counter: 1 };
    for number in [1, 2, 3] {
        two.write_register(room(number), version, Vec::new()).unwrap();
    }
    import(&mut one, &export(&two, 2, &[1], Since::Missing)).1.unwrap();
    let (full, rest) = (export(&one, 1, &[2], Since::Beginning), export(&one, 1, &[2], Since::Missing));
    assert_eq!(missing_entries(&one), 0);
    assert!(rest.len() < full.len() / 4, "{} of {}", rest.len(), full.len());
    write(&mut one, room(2), Lane::Normal, 8_000..8_003);
    assert_eq!(missing_entries(&one), 3);
}

#[test]
fn entries_since_a_moment_travel_with_all_rights() {
    let mut one = written(1);
    write(&mut one, room(2), Lane::Normal, 5_000..5_005);
    let mut two = store(2);
    import(&mut two, &export(&one, 1, &[2], Since::Wall(1_790_000_000_000 + 4_000_000))).1.unwrap();
    let held: u64 = two.frontier(room(2)).iter().map(|(_, state)| state.count()).sum();
    // Two policies and the five new ones; a window may bring some of its neighbours along.
    assert!((7..=7 + 64).contains(&held), "{held}");
    assert!(same(&one, &two, &[1]));
    // The rest by another file.
    import(&mut two, &export(&one, 1, &[2], Since::Beginning)).1.unwrap();
    assert!(same(&one, &two, &[1, 2, 3]));
}

#[test]
fn another_hand_is_noticed_at_every_byte() {
    let file = export(&written(1), 1, &[2], Since::Beginning);
    for place in (0..file.len()).step_by(37) {
        let mut changed = file.clone();
        changed[place] ^= 1;
        let mut two = store(2);
        assert!(import(&mut two, &changed).1.is_err(), "byte {place}");
    }
    // Two records of one bundle in another order.
    let first = RECORD_HEAD_BYTES + Importer::length_of(file.first_chunk().unwrap()).unwrap();
    let second = RECORD_HEAD_BYTES + Importer::length_of(file[first..].first_chunk().unwrap()).unwrap();
    let swapped = [&file[..first], &file[first + second..], &file[first..first + second]].concat();
    assert!(matches!(import(&mut store(2), &swapped).1, Err(Refused::Forged(1))));
}

#[test]
fn a_bundle_for_nobody_or_everybody_is_not_begun() {
    let one = written(1);
    let begin = |destinations| Exporter::new(&one, key(1).into(), ID, 0, destinations, Since::Missing).is_err();
    assert!(begin(BTreeSet::new()));
    let many = (0..=DESTINATIONS_MAX as u32).map(|number| {
        let mut bytes = [1; 32];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        NodeId::from_bytes(bytes)
    });
    assert!(begin(many.collect()));
    assert!(matches!(Importer::length_of(&[0; RECORD_HEAD_BYTES]), Err(Refused::Malformed(_))));
    assert!(matches!(Importer::length_of(&[0xff; RECORD_HEAD_BYTES]), Err(Refused::Malformed(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_file_cut_anywhere_is_good_up_to_there_and_the_whole_one_completes_it(cut in any::<prop::sample::Index>()) {
        let one = written(1);
        let file = export(&one, 1, &[2], Since::Beginning);
        let mut two = store(2);
        let (outcomes, end) = import(&mut two, &file[..cut.index(file.len())]);
        prop_assert_eq!(end, Err(Refused::CutShort));
        let is_stored = |outcome: &WindowOutcome| matches!(outcome, WindowOutcome::Stored { .. });
        prop_assert!(outcomes.iter().all(is_stored));
        prop_assert_eq!(import(&mut two, &file).1, Ok(()));
        prop_assert!(same(&one, &two, &[1, 2, 3]));
    }

    #[test]
    fn bytes_from_outside_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(import(&mut store(2), &bytes).1.is_err());
    }
}
