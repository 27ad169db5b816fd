//! Of logs that fork: every store keeps every history, under names that do not depend on what came first.

use std::collections::BTreeMap;

use super::{Fixture, clock, digest, draft, fetch, give, key, room, shared, state, write};
use crate::entry::Lane;
use crate::frontier::Frontier;
use crate::limits::LOG_BRANCHES_MAX;
use crate::store::{Refusal, Store, WindowOutcome};
use crate::window::VerifiedWindow;

/// What copies of node 1 wrote that were made while it ran: each the drafts of these numbers, one commit and one window
/// each part. Parts that begin alike are the same history so far.
fn copies<F: Fixture>(fixture: &F, histories: &[&[&[u64]]]) -> Vec<Vec<VerifiedWindow>> {
    let write = |parts: &&[&[u64]]| {
        let mut store = shared(fixture, 1);
        let mut windows = Vec::new();
        for part in *parts {
            let drafts = part.iter().map(|number| draft(room(1), Lane::Normal, *number)).collect();
            let appended = store.append(drafts, clock(1_000)).unwrap();
            let (first, last) = (appended[0].seq, appended[appended.len() - 1].seq);
            // Signed now; a later commit may drop the signature again.
            windows.extend(fetch(&store, key(2).node(), appended[0].log, first, last));
        }
        windows
    };
    histories.iter().map(write).collect()
}

/// Delivers windows again and again, as sessions do, until nothing is refused for want of what comes before.
fn deliver<S: Store>(store: &mut S, windows: &[VerifiedWindow]) -> usize {
    for round in 1..=windows.len() + 1 {
        let mut waiting = 0;
        for window in windows {
            let applied = give(store, 3, vec![window.clone()]);
            match &applied.windows[0] {
                WindowOutcome::Stored { .. } => {}
                WindowOutcome::Refused { refusal: Refusal::Unjoined, .. } => waiting += 1,
                other => panic!("{other:?}"),
            }
        }
        if waiting == 0 {
            return round;
        }
    }
    panic!("something never joins")
}

fn frontier<S: Store>(store: &S) -> Frontier {
    store.holdings(&key(4).node(), &[room(1)]).unwrap()[0].lines.logs.clone()
}

/// Branches by their first entry: (first, last) of each, and the trunk as (1, last).
fn shape<S: Store>(store: &S) -> Vec<(u64, u64)> {
    let mut shape: Vec<(u64, u64)> =
        frontier(store).iter().map(|(log, state)| (log.before() + 1, state.length)).collect();
    shape.sort_unstable();
    shape
}

/// Another store that is given what this one serves under the names it offers.
fn relay<F: Fixture>(fixture: &F, from: &F::Store) -> F::Store {
    let mut to = shared(fixture, 4);
    for (log, state) in frontier(from) {
        give(&mut to, 3, fetch(from, key(4).node(), log, log.before() + 1, state.length));
    }
    to
}

/// A permutation of the windows of all histories that visits each of them, by a seed.
fn shuffled(histories: &[Vec<VerifiedWindow>], seed: u64) -> Vec<VerifiedWindow> {
    let mut windows: Vec<VerifiedWindow> = histories.iter().flatten().cloned().collect();
    let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for place in (1..windows.len()).rev() {
        random ^= random >> 12;
        random ^= random << 25;
        random ^= random >> 27;
        windows.swap(place, (random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % (place + 1));
    }
    windows
}

fn any_order_gives<F: Fixture>(fixture: &F, histories: &[&[&[u64]]], expected: &[(u64, u64)]) {
    let histories = copies(fixture, histories);
    let mut first: Option<(Frontier, crate::digest::Digest)> = None;
    for seed in 0..24 {
        let mut store = shared(fixture, 2);
        deliver(&mut store, &shuffled(&histories, seed));
        assert_eq!(shape(&store), expected, "seed {seed}");
        let held = (frontier(&store), digest(&store));
        let relayed = relay(fixture, &store);
        assert_eq!((frontier(&relayed), digest(&relayed)), held, "relayed, seed {seed}");
        assert_eq!(*first.get_or_insert_with(|| held.clone()), held, "seed {seed}");
    }
}

pub fn both_histories_of_a_fork_are_kept<F: Fixture>(fixture: &F) {
    any_order_gives(fixture, &[&[&[1, 2], &[3, 4]], &[&[1, 2], &[5]]], &[(1, 2), (3, 3), (3, 4)]);
}

pub fn a_fork_at_the_first_entry_leaves_no_trunk<F: Fixture>(fixture: &F) {
    any_order_gives(fixture, &[&[&[1], &[2]], &[&[3]]], &[(1, 1), (1, 2)]);
}

pub fn three_histories_and_forks_of_forks_are_kept<F: Fixture>(fixture: &F) {
    let three: &[&[&[u64]]] = &[&[&[1], &[2], &[3]], &[&[1], &[4], &[5, 6]], &[&[1], &[7]]];
    any_order_gives(fixture, three, &[(1, 1), (2, 2), (2, 3), (2, 4)]);
    let nested: &[&[&[u64]]] = &[&[&[1], &[2], &[3], &[4]], &[&[1], &[2], &[5]], &[&[1], &[6]]];
    any_order_gives(fixture, nested, &[(1, 1), (2, 2), (2, 2), (3, 3), (3, 4)]);
}

pub fn a_fork_between_two_signatures_is_served_whole<F: Fixture>(fixture: &F) {
    // Nothing is signed where they part, so what is before it is served with what follows.
    any_order_gives(fixture, &[&[&[1, 2, 3, 4], &[5]], &[&[1, 2, 6, 7, 8]]], &[(1, 2), (3, 5), (3, 5)]);
}

pub fn one_history_is_no_fork_whatever_its_beginning<F: Fixture>(fixture: &F) {
    any_order_gives(fixture, &[&[&[1, 2], &[3], &[4]], &[&[1, 2], &[3]]], &[(1, 4)]);
}

pub fn the_newest_page_of_another_history_waits_until_it_joins<F: Fixture>(fixture: &F) {
    let histories: &[&[&[u64]]] = &[&[&[1], &[2], &[3], &[4], &[5], &[6]], &[&[1], &[12], &[13], &[14], &[15]]];
    let windows = copies(fixture, histories);
    let (one, other) = (&windows[0], &windows[1]);
    let mut store = shared(fixture, 2);
    // The newest page of one history comes first; then the whole of the other, which leaves no place for it.
    give(&mut store, 3, vec![other[3].clone(), other[4].clone()]);
    assert_eq!(frontier(&store).values().map(|state| state.above.len()).collect::<Vec<_>>(), vec![1]);
    assert!(deliver(&mut store, one) <= 2);
    assert_eq!(shape(&store), vec![(1, 6)], "nobody can say yet of what the page is a part");
    // Without what is between, the rest joins nothing …
    let applied = give(&mut store, 3, vec![other[2].clone()]);
    assert!(matches!(applied.windows[0], WindowOutcome::Refused { refusal: Refusal::Unjoined, .. }), "{applied:?}");
    // … and with it, all is there.
    give(&mut store, 3, vec![other[1].clone(), other[2].clone()]);
    assert_eq!(shape(&store), vec![(1, 1), (2, 5), (2, 6)]);
    let mut straight = shared(fixture, 3);
    give(&mut straight, 3, [one.clone(), other.clone()].concat());
    assert_eq!((frontier(&store), digest(&store)), (frontier(&straight), digest(&straight)));
}

pub fn a_fork_is_told_once<F: Fixture>(fixture: &F) {
    let histories = copies(fixture, &[&[&[1], &[2]], &[&[1], &[3]], &[&[1], &[4]]]);
    let mut store = shared(fixture, 2);
    let mut told = |windows: &[VerifiedWindow]| give(&mut store, 3, windows.to_vec()).forks.len();
    assert_eq!(told(&histories[0]), 0);
    assert_eq!(told(&histories[1]), 1);
    assert_eq!(told(&histories[1]), 0);
    assert_eq!(told(&histories[2]), 1);
}

pub fn branches_are_bounded_and_honest_parts_stay<F: Fixture>(fixture: &F) {
    let numbers: Vec<[u64; 1]> = (0..=LOG_BRANCHES_MAX as u64).map(|number| [100 + number]).collect();
    let parts: Vec<[&[u64]; 2]> = numbers.iter().map(|number| [&[1][..], &number[..]]).collect();
    let histories: Vec<&[&[u64]]> = parts.iter().map(|parts| &parts[..]).collect();
    let windows = copies(fixture, &histories);
    let mut store = shared(fixture, 2);
    for (number, history) in windows.iter().enumerate() {
        let applied = give(&mut store, 3, history.clone());
        let refused = matches!(applied.windows[1], WindowOutcome::Refused { refusal: Refusal::TooManyBranches, .. });
        assert_eq!(refused, number >= LOG_BRANCHES_MAX, "history {number}: {applied:?}");
    }
    assert_eq!(frontier(&store).len(), 1 + LOG_BRANCHES_MAX);
    let before = digest(&store);
    let mut honest = shared(fixture, 3);
    let log = write(&mut honest, room(1), Lane::Normal, 3);
    give(&mut store, 3, fetch(&honest, key(2).node(), log, 1, 3));
    assert_eq!(state(&store, log).length, 3);
    assert_ne!(digest(&store), before);
}

pub fn what_another_writes_under_its_name_ends_its_epoch<F: Fixture>(fixture: &F) {
    let mut original = shared(fixture, 1);
    let log = write(&mut original, room(1), Lane::Normal, 2);
    let own = fetch(&original, key(2).node(), log, 1, 2);
    // What it wrote itself comes back: nothing happens.
    give(&mut original, 2, own.clone());
    assert_eq!(write(&mut original, room(1), Lane::Normal, 1), log);
    let other = copies(fixture, &[&[&[0, 1], &[9]]]).remove(0);
    let applied = give(&mut original, 2, other);
    assert_eq!(applied.forks, vec![log], "{applied:?}");
    assert_eq!(shape(&original), vec![(1, 2), (3, 3), (3, 3)]);
    let next = write(&mut original, room(1), Lane::Normal, 1);
    assert_ne!(next.epoch, log.epoch, "it goes on in an epoch of its own");
    assert_eq!(write(&mut original, room(1), Lane::Urgent, 1).epoch, next.epoch, "in every log");
    assert_eq!(shape(&original).len(), 5);
}

pub fn standings_tell_one_history_from_another<F: Fixture>(fixture: &F) {
    let histories = copies(fixture, &[&[&[1], &[2], &[3]], &[&[1], &[12], &[13]]]);
    let (mut one, mut other) = (shared(fixture, 2), shared(fixture, 3));
    give(&mut one, 3, histories[0].clone());
    give(&mut other, 3, histories[1].clone());
    let offered = |store: &F::Store| frontier(store).into_iter().collect::<Vec<_>>();
    let stand = |store: &F::Store, offered: &[_]| store.standings(offered).unwrap();
    assert!(stand(&one, &offered(&one))[0].agrees);
    assert!(!stand(&one, &offered(&other))[0].agrees, "as long, and another");
    let mut beginning = offered(&one);
    (beginning[0].1.length, beginning[0].1.hash) = (2, histories[0][1].end());
    assert!(stand(&one, &beginning)[0].agrees, "a part of what is held");
    assert!(!stand(&other, &beginning)[0].agrees);
    give(&mut one, 3, histories[1].clone());
    for known in [&one, &other] {
        let standings = stand(&one, &offered(known));
        let lines: BTreeMap<_, _> = offered(known).into_iter().collect();
        for (standing, theirs) in standings.iter().zip(lines.values()) {
            assert!(standing.agrees && standing.held.missing_from(theirs).is_empty(), "{standing:?}");
        }
    }
}
