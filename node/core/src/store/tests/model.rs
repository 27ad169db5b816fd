//! The same deliveries, in any order, to this store and to the store in memory: outcomes and frontiers are equal.

use noroshi_sync::digest::Digest;
use noroshi_sync::entry::Lane;
use noroshi_sync::id::{Epoch, StorageId};
use noroshi_sync::log::LogId;
use noroshi_sync::store::conformance::{key, room};
use noroshi_sync::store::memory::MemoryStore;
use noroshi_sync::store::{Applied, Batch, Cursor, Store, StoreError};
use noroshi_sync::window::VerifiedWindow;
use proptest::prelude::*;

use crate::store::Database;
use crate::store::testing::{CLOCK, draft, everyone, in_memory, windows};

/// A node that wrote in three lanes, in appends of the given sizes, and a clone of it that went another way.
fn writers(sizes: &[u64], fork_at: usize) -> (Database, Database, Vec<LogId>) {
    let (mut original, mut clone) = (in_memory(1, room(1)), in_memory(1, room(1)));
    let mut logs = Vec::new();
    for (number, size) in sizes.iter().enumerate() {
        let lane = Lane::ALL[number % 3];
        let drafts = |salt: u64| {
            (0..*size).map(|n| draft(room(1), lane, 1_000 * number as u64 + n + salt, 20)).collect::<Vec<_>>()
        };
        logs.push(original.append(drafts(0), CLOCK).unwrap()[0].log);
        clone.append(drafts(if number < fork_at { 0 } else { 500_000 }), CLOCK).unwrap();
    }
    logs.sort_unstable();
    logs.dedup();
    (original, clone, logs)
}

fn model() -> MemoryStore {
    let mut model = MemoryStore::new(key(2), Epoch(2), StorageId::NIL);
    model.set_audience(room(1), everyone());
    model
}

fn batch(windows: Vec<VerifiedWindow>, cursor: Option<Cursor>) -> Batch {
    Batch { peer: key(1).node(), windows, registers: vec![], cursor }
}

fn digest(store: &impl Store) -> Digest {
    store.greeting(&key(3).node()).unwrap().shared
}

/// Numbers of changes are each store's own.
fn comparable(applied: Applied) -> Applied {
    Applied { latest_change: 0, ..applied }
}

/// Which log, from where (in thousandths), how many, from the clone or not, how many times.
type Delivery = (usize, u64, u64, bool, usize);

fn deliver(from: &Database, log: LogId, delivery: &Delivery) -> Vec<VerifiedWindow> {
    let length = from.log_state(&log).unwrap().length;
    if length == 0 {
        return vec![];
    }
    let first = 1 + delivery.1 * (length - 1) / 1_000;
    windows(from, log, first, (first + delivery.2).min(length))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_delivery_has_the_outcome_of_the_model(
        sizes in proptest::collection::vec(1u64..150, 3..9),
        fork_at in 2usize..9,
        deliveries in proptest::collection::vec(
            (0usize..3, 0u64..=1_000, 0u64..200, proptest::bool::weighted(0.2), 1usize..3),
            1..30,
        ),
    ) {
        let (original, clone, logs) = writers(&sizes, fork_at);
        let (mut store, mut model) = (in_memory(2, room(1)), model());
        for (number, delivery) in deliveries.iter().enumerate() {
            let log = logs[delivery.0 % logs.len()];
            let windows = deliver(if delivery.3 { &clone } else { &original }, log, delivery);
            for _ in 0..delivery.4 {
                let cursor = Some(Cursor { storage: StorageId::NIL, change: number as u64 });
                let ours = store.apply(batch(windows.clone(), cursor)).unwrap();
                let theirs = model.apply(batch(windows.clone(), cursor)).unwrap();
                prop_assert_eq!(comparable(ours), comparable(theirs));
            }
            prop_assert_eq!(store.frontier(&room(1)).unwrap(), model.frontier(room(1)));
            prop_assert_eq!(digest(&store), digest(&model));
            prop_assert_eq!(store.cursor(&key(1).node()).unwrap(), model.greeting(&key(1).node()).unwrap().cursor);
        }
        let report = store.check().unwrap();
        prop_assert_eq!(&report.damages, &vec![]);
        prop_assert_eq!(report.entries as usize, model.entries(room(1)).count());
        prop_assert_eq!(store.check_tails().unwrap(), vec![]);
    }

    #[test]
    fn any_order_and_any_split_ends_equal(
        sizes in proptest::collection::vec(1u64..150, 3..6),
        deliveries in proptest::collection::vec((0usize..3, 0u64..=1_000, 0u64..100, Just(false), 1usize..3), 0..30),
        backwards in any::<bool>(),
    ) {
        let (original, _, logs) = writers(&sizes, usize::MAX);
        let mut store = in_memory(2, room(1));
        for delivery in &deliveries {
            let windows = deliver(&original, logs[delivery.0 % logs.len()], delivery);
            store.apply(batch(windows, None)).unwrap();
        }
        // The contiguous end always grows, whatever waits above.
        for log in if backwards { logs.iter().rev().collect::<Vec<_>>() } else { logs.iter().collect() } {
            let all = windows(&original, *log, 1, original.log_state(log).unwrap().length);
            store.apply(batch(all, None)).unwrap();
        }
        prop_assert_eq!(store.frontier(&room(1)).unwrap(), original.frontier(&room(1)).unwrap());
        prop_assert_eq!(digest(&store), digest(&original));
        prop_assert_eq!(store.check().unwrap().damages, vec![]);
        // It can pass on what it has, from any place.
        for delivery in &deliveries {
            let log = logs[delivery.0 % logs.len()];
            prop_assert!(deliver(&store, log, delivery).iter().all(|window| *window.log() == log));
        }
    }
}

#[test]
fn one_post_a_commit_keeps_few_signatures() {
    let mut store = in_memory(1, room(1));
    let mut relay = in_memory(2, room(1));
    for number in 0..500 {
        let appended = store.append(vec![draft(room(1), Lane::Urgent, number, 100)], CLOCK).unwrap();
        // The relay has missed the first entries, and hears each new one at once.
        if number >= 10 {
            let live = windows(&store, appended[0].log, appended[0].seq, appended[0].seq);
            relay.apply(batch(live, None)).unwrap();
        }
    }
    assert_eq!(relay.frontier(&room(1)).unwrap().values().next().unwrap().above.len(), 1);
    for database in [&store, &relay] {
        let report = database.check().unwrap();
        assert_eq!(report.damages, vec![]);
        assert!(report.checkpoints <= 500 / 32 + 2, "{}", report.checkpoints);
    }
    // And any two neighbours are close enough for a window.
    let log = *store.frontier(&room(1)).unwrap().keys().next().unwrap();
    assert!(windows(&store, log, 1, 500).iter().all(|window| window.items().len() <= 127));
    assert!(windows(&relay, log, 11, 500).iter().all(|window| window.items().len() <= 127));
}

#[test]
fn large_entries_are_signed_often() {
    let mut store = in_memory(1, room(1));
    let drafts = (0..20).map(|number| draft(room(1), Lane::Normal, number, 60 * 1024)).collect();
    let log = store.append(drafts, CLOCK).unwrap()[0].log;
    for window in windows(&store, log, 1, 20) {
        assert!(window.checkpoints().windows(2).all(|pair| pair[1].seq - pair[0].seq <= 2));
    }
    assert_eq!(store.check().unwrap().checkpoints, 10);
}

#[test]
fn an_unknown_writer_is_refused_except_in_the_public_ledger() -> Result<(), StoreError> {
    use crate::store::{Audience, Ledger};
    use noroshi_sync::store::{Refusal, WindowOutcome};

    let mut stranger = Database::in_memory(crate::store::testing::options_of(9))?;
    stranger.write(|writing| writing.set_audience(&room(1), &Audience::Everyone))?;
    let log = stranger.append(vec![draft(room(1), Lane::Policy, 1, 10)], CLOCK)?[0].log;
    let mut store = in_memory(2, room(7));
    let peer = key(9).node();
    let give = |store: &mut Database| {
        store.apply(Batch { peer, ..batch(windows(&stranger, log, 1, 1), None) }).map(|applied| applied.windows)
    };
    assert!(matches!(give(&mut store)?[..], [WindowOutcome::Refused { refusal: Refusal::UnknownWriter, .. }]));
    store.write(|writing| {
        writing.set_audience(&room(1), &Audience::Everyone)?;
        writing.set_ledger(&room(1), Ledger::Public)
    })?;
    assert!(matches!(give(&mut store)?[..], [WindowOutcome::Stored { .. }]));
    // A node that no ledger names shares the public ledger, and nothing else.
    store.append(vec![draft(room(7), Lane::Normal, 2, 10)], CLOCK)?;
    let greeting = store.greeting(&peer)?;
    assert_eq!((greeting.shared, greeting.ledger), (digest_of(&store, 1), digest_of(&store, 1)));
    let known = store.greeting(&key(3).node())?;
    assert_eq!((known.shared, known.ledger), (digest_of(&store, 1) + digest_of(&store, 7), digest_of(&store, 1)));
    assert_eq!(store.check()?.damages, vec![]);
    Ok(())
}

fn digest_of(store: &Database, number: u16) -> Digest {
    let list = store.list(&key(3).node(), None).unwrap();
    list.into_iter().find(|(id, _)| *id == room(number)).unwrap().1
}
