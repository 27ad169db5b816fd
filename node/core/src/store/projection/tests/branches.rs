//! A node that ran twice at once: what both copies wrote is shown at every office, the same in any order of arrival.

use noroshi_sync::frontier::Frontier;
use noroshi_sync::id::{EntryId, RoomId};
use noroshi_sync::store::{Batch, LogRange, Refusal, Store, WindowOutcome};
use noroshi_sync::window::VerifiedWindow;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::dump::dump;
use super::island::Island;
use crate::document::PageEdit;
use crate::fixture::Fixture;
use crate::store::query::Holders;
use crate::view::Actor;

/// An office and a copy of it that was made while it ran, as commits: each a few entries with their signature.
struct Doubled {
    city: Fixture,
    headquarters: Island,
    original: Island,
    room: RoomId,
    actor: Actor,
    commits: Vec<VerifiedWindow>,
    copied: Vec<VerifiedWindow>,
}

/// What one deed at an island adds to a room.
fn written(island: &mut Island, room: RoomId, deed: impl FnOnce(&mut Island)) -> Vec<VerifiedWindow> {
    let before: Frontier = island.database.frontier(&room).unwrap();
    deed(island);
    let peer = island.database.node();
    let mut windows = Vec::new();
    for (log, state) in island.database.frontier(&room).unwrap() {
        let first = before.get(&log).map_or(1, |held| held.length + 1);
        if first <= state.length {
            let range = LogRange { log, first, last: state.length };
            let page = island.database.windows(&peer, &[range], 1 << 20).unwrap();
            windows.extend(page.windows.into_iter().map(|window| window.verify().unwrap()));
        }
    }
    windows
}

fn message(number: u64) -> EntryId {
    EntryId::from_uuid(uuid::Uuid::from_u64_pair(0x0193_0000_0000_7000, (0x8000 << 48) | number))
}

fn doubled() -> Doubled {
    let city = Fixture::city(4, 2).unwrap();
    let (chief, actor) = (city.actor(0, 0).unwrap(), city.actor(1, 0).unwrap());
    let others: Vec<Actor> = (2..4).map(|office| city.actor(office, 0).unwrap()).collect();
    let mut headquarters = Island::founded(&city, 0);
    let room = headquarters.room(&chief, "本部", &[&actor, &others[0], &others[1]]);
    let copy = |twin: bool| {
        let mut island = Island::empty(&city, 1);
        for _ in 0..3 {
            island.pull(&headquarters);
        }
        let mut commits = Vec::new();
        let mut post = |island: &mut Island, number: u64, text: &str| {
            commits.extend(written(island, room, |island| {
                assert!(island.post_as(&actor, room, message(number), text).unwrap())
            }));
        };
        for number in 0..3 {
            post(&mut island, number, &format!("共通 {number}"));
        }
        let (name, own) = if twin { ("乙", 20) } else { ("甲", 10) };
        for number in 0..4 {
            post(&mut island, own + number, &format!("{name} {number}"));
        }
        // Both write under one name, in the page too.
        let edit = PageEdit { topic: Some(name.into()), ..PageEdit::default() };
        commits.extend(written(&mut island, room, |island| island.edit_page(&actor, room, &edit)));
        (island, commits)
    };
    let ((original, commits), (_, copied)) = (copy(false), copy(true));
    assert_eq!(commits[..3], copied[..3]);
    Doubled { city, headquarters, original, room, actor, commits, copied }
}

impl Doubled {
    fn observer(&self, office: usize) -> Island {
        let mut island = Island::empty(&self.city, office);
        for _ in 0..3 {
            island.pull(&self.headquarters);
        }
        island
    }

    /// Delivers in this order, and again what did not join yet.
    fn deliver(&self, island: &mut Island, windows: &[VerifiedWindow]) {
        let peer = self.headquarters.database.node();
        for _ in 0..=windows.len() {
            let mut waits = false;
            for window in windows {
                let batch = Batch { peer, windows: vec![window.clone()], registers: vec![], cursor: None };
                let applied = island.database.apply(batch).unwrap();
                match applied.windows[0] {
                    WindowOutcome::Stored { .. } => {}
                    WindowOutcome::Refused { refusal: Refusal::Unjoined, .. } => waits = true,
                    ref other => panic!("{other:?}"),
                }
            }
            if !waits {
                return;
            }
        }
        panic!("something never joins");
    }

    fn shuffled(&self, seed: u64) -> Vec<VerifiedWindow> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut windows = [self.commits.clone(), self.copied.clone()].concat();
        for index in (1..windows.len()).rev() {
            windows.swap(index, (random.next_u64() as usize) % (index + 1));
        }
        windows
    }
}

#[test]
fn both_histories_are_shown_whatever_came_first() {
    let doubled = doubled();
    let mut first = None;
    for seed in 0..12 {
        let mut observer = doubled.observer(2);
        doubled.deliver(&mut observer, &doubled.shuffled(seed));
        let texts = observer.texts(&doubled.actor, doubled.room);
        assert_eq!(texts.len(), 3 + 4 + 4, "{texts:?}");
        assert!(texts.iter().any(|text| text == "甲 3") && texts.iter().any(|text| text == "乙 3"));
        let rows = dump(&observer.database);
        let frontier = observer.database.frontier(&doubled.room).unwrap();
        assert_eq!(observer.database.check().unwrap().damages, vec![], "seed {seed}");
        observer.reindex();
        assert_eq!(dump(&observer.database), rows, "rebuilt, seed {seed}");
        let (known_rows, known_frontier) = first.get_or_insert_with(|| (rows.clone(), frontier.clone()));
        assert_eq!((&rows, &frontier), (&*known_rows, &*known_frontier), "seed {seed}");
    }
}

#[test]
fn the_original_learns_of_its_copy_and_goes_on() {
    let mut doubled = doubled();
    let mut observer = doubled.observer(2);
    doubled.deliver(&mut observer, &[doubled.commits.clone(), doubled.copied.clone()].concat());
    let epoch = doubled.original.database.epoch();
    doubled.original.pull(&observer);
    assert_ne!(doubled.original.database.epoch(), epoch);
    let (actor, room) = (doubled.actor.clone(), doubled.room);
    doubled.original.post(&actor, room, "続き");
    observer.pull(&doubled.original);
    let texts = doubled.original.texts(&actor, room);
    assert_eq!(texts.len(), 12, "{texts:?}");
    assert_eq!(observer.texts(&actor, room), texts);
    assert_eq!(dump(&observer.database)["messages"], dump(&doubled.original.database)["messages"]);
    for island in [&doubled.original, &observer] {
        assert_eq!(island.database.check().unwrap().damages, vec![]);
    }
}

#[test]
fn arrival_follows_the_history_that_an_office_holds() {
    let doubled = doubled();
    let mut observer = doubled.observer(2);
    // The third office has met the original alone, and does not know that the log forks.
    let mut third = doubled.observer(3);
    doubled.deliver(&mut third, &doubled.commits);
    third.write_registers();
    let holds = |observer: &Island, number: u64| {
        observer.read(|database| {
            let pk = database.room_pk(&doubled.room)?.unwrap();
            let shown = database.message(pk, &message(number))?.unwrap();
            Ok(Holders::default().of(database, shown.pk)?.contains(&third.database.node()))
        })
    };
    doubled.deliver(&mut observer, &doubled.commits);
    observer.pull(&third);
    assert!(holds(&observer, 0) && holds(&observer, 13));
    // … and when the fork becomes known later, nothing is lost of what was known, and nothing is claimed.
    doubled.deliver(&mut observer, &doubled.copied);
    let all = |observer: &Island| (holds(observer, 0), holds(observer, 13), holds(observer, 23));
    assert_eq!(all(&observer), (true, true, false));
    // The same when the register comes after the fork.
    let mut late = doubled.observer(2);
    doubled.deliver(&mut late, &[doubled.copied.clone(), doubled.commits.clone()].concat());
    assert!(!holds(&late, 13));
    late.pull(&third);
    assert_eq!(all(&late), (true, true, false));
}
