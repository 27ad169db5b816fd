//! A random history of several offices, delivered to another one in random orders, in pieces and twice.

use std::sync::LazyLock;

use noroshi_provisioning::membership::Grounds;
use noroshi_sync::id::EntryId;
use noroshi_sync::store::{Batch, Store, WindowOutcome};
use noroshi_sync::window::VerifiedWindow;
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::dump::{Dump, dump};
use super::island::Island;
use crate::deeds::{NewErasure, NewMessage, NewText};
use crate::document::PageEdit;
use crate::fixture::{DeviceSigner, Fixture};
use crate::view::{Actor, RoomRole};

/// Something that happens at one of the offices; whether it is allowed is the office's to say.
#[derive(Clone, Copy, Debug)]
enum Step {
    Post {
        office: usize,
        person: usize,
        number: u8,
        signed: Signed,
    },
    Enrol {
        office: usize,
        person: usize,
    },
    Edit {
        office: usize,
        person: usize,
        number: u8,
        signed: Signed,
    },
    Redact {
        office: usize,
        person: usize,
        number: u8,
    },
    React {
        office: usize,
        person: usize,
        number: u8,
        on: bool,
    },
    Member {
        office: usize,
        by: usize,
        person: usize,
        admin: bool,
    },
    Remove {
        office: usize,
        by: usize,
        person: usize,
    },
    Page {
        office: usize,
        person: usize,
        field: u8,
    },
    Read {
        office: usize,
        person: usize,
        number: u8,
    },
    /// With the key of the city's administrator, wherever that is.
    Erase {
        office: usize,
        number: u8,
    },
    Exchange {
        one: usize,
        other: usize,
    },
}

/// By whom something is signed; what people wrote at a hostile office may be signed by anybody.
#[derive(Clone, Copy, Debug)]
enum Signed {
    No,
    ByAuthor,
    BySomebodyElse,
}

fn signed() -> impl Strategy<Value = Signed> {
    prop_oneof![2 => Just(Signed::No), 3 => Just(Signed::ByAuthor), 1 => Just(Signed::BySomebodyElse)]
}

/// Of each person, whether enrolled or not.
static DEVICES: LazyLock<Vec<DeviceSigner>> =
    LazyLock::new(|| (0..OFFICES * PEOPLE).map(|_| DeviceSigner::generate().unwrap()).collect());

fn signer(person: usize, signed: Signed) -> Option<&'static DeviceSigner> {
    match signed {
        Signed::No => None,
        Signed::ByAuthor => Some(&DEVICES[person]),
        Signed::BySomebodyElse => Some(&DEVICES[(person + 1) % DEVICES.len()]),
    }
}

const OFFICES: usize = 3;
const PEOPLE: usize = 3;

static CITY: LazyLock<Fixture> = LazyLock::new(|| Fixture::city(OFFICES, PEOPLE).unwrap());

fn step() -> impl Strategy<Value = Step> {
    let office = 0..OFFICES;
    let person = 0..OFFICES * PEOPLE;
    let number = 0u8..12;
    prop_oneof![
        6 => (office.clone(), person.clone(), number.clone(), signed()).prop_map(|(office, person, number, signed)| Step::Post { office, person, number, signed }),
        2 => (office.clone(), person.clone(), number.clone(), signed()).prop_map(|(office, person, number, signed)| Step::Edit { office, person, number, signed }),
        2 => (office.clone(), person.clone()).prop_map(|(office, person)| Step::Enrol { office, person }),
        1 => (office.clone(), person.clone(), number.clone()).prop_map(|(office, person, number)| Step::Redact { office, person, number }),
        2 => (office.clone(), person.clone(), number.clone(), any::<bool>()).prop_map(|(office, person, number, on)| Step::React { office, person, number, on }),
        4 => (office.clone(), person.clone(), person.clone(), any::<bool>()).prop_map(|(office, by, person, admin)| Step::Member { office, by, person, admin }),
        2 => (office.clone(), person.clone(), person.clone()).prop_map(|(office, by, person)| Step::Remove { office, by, person }),
        2 => (office.clone(), person.clone(), 0u8..4).prop_map(|(office, person, field)| Step::Page { office, person, field }),
        2 => (office.clone(), person.clone(), number).prop_map(|(office, person, number)| Step::Read { office, person, number }),
        1 => (office.clone(), 0u8..12).prop_map(|(office, number)| Step::Erase { office, number }),
        2 => (office.clone(), office).prop_map(|(one, other)| Step::Exchange { one, other }),
    ]
}

/// Message ids are shared by all, so that copies and conflicts happen.
fn message(number: u8) -> EntryId {
    EntryId::from_uuid(uuid::Uuid::from_u64_pair(0x0192_0000_0000_7000, (0x8000 << 48) | (u64::from(number) + 1)))
}

fn person(city: &Fixture, number: usize) -> Actor {
    city.actor(number / PEOPLE, number % PEOPLE).unwrap()
}

/// Plays a history; every deed in a log of its own, so that deeds can be delivered in any order.
fn play(city: &Fixture, steps: &[Step]) -> Vec<Island> {
    let mut islands = vec![Island::founded(city, 0)];
    for office in 1..OFFICES {
        let mut island = Island::empty(city, office);
        island.pull(&islands[0]);
        islands.push(island);
    }
    let chief = person(city, 0);
    let others: Vec<Actor> = (1..OFFICES * PEOPLE).step_by(2).map(|number| person(city, number)).collect();
    let room = islands[0].room(&chief, "本部", &others.iter().collect::<Vec<_>>());
    for island in 1..OFFICES {
        exchange(&mut islands, 0, island);
    }
    for (number, step) in steps.iter().enumerate() {
        let place = match *step {
            Step::Exchange { one, other } => {
                exchange(&mut islands, one, other);
                continue;
            }
            Step::Post { office, .. }
            | Step::Enrol { office, .. }
            | Step::Edit { office, .. }
            | Step::Redact { office, .. }
            | Step::React { office, .. }
            | Step::Member { office, .. }
            | Step::Remove { office, .. }
            | Step::Page { office, .. }
            | Step::Erase { office, .. }
            | Step::Read { office, .. } => office,
        };
        let mut island = islands.remove(place).restart(10_000 + number as u64);
        // A refusal is an answer like any other.
        let _ = match *step {
            Step::Post { person: who, number, signed, .. } => {
                // The same content may be written at two offices, with a signature at one of them.
                let text = format!("{number} from {}", place.min(1));
                let (actor, id) = (person(city, who), message(number));
                let new = NewMessage { text, ..NewMessage::default() };
                let new = signer(who, signed).map_or(new.clone(), |key| key.sign_message(actor.user, room, id, new));
                island.act(|desk| desk.post(&actor, room, id, &new)).map(|_| ())
            }
            Step::Edit { person: who, number: target, signed, .. } => {
                let (actor, id, text) = (person(city, who), message(100 + target), format!("edit {number}"));
                let new = signer(who, signed).map_or(NewText::from(text.as_str()), |key| {
                    key.sign_text(actor.user, room, message(target), id, &text)
                });
                island.act(|desk| desk.edit(&actor, room, message(target), &new)).map(|_| ())
            }
            Step::Enrol { person: who, .. } => {
                let (directory, id) = (island.projection.directory(), EntryId::from_uuid(uuid::Uuid::now_v7()));
                let draft = DEVICES[who].enrol(&directory, &person(city, who), id).unwrap();
                island.act(|desk| desk.append_ledger(vec![draft]))
            }
            Step::Redact { person: who, number, .. } => {
                island.act(|desk| desk.redact(&person(city, who), room, message(number)))
            }
            Step::React { person: who, number, on, .. } => {
                island.act(|desk| desk.react(&person(city, who), room, message(number), "ryokai", on))
            }
            Step::Member { by, person: who, admin, .. } => {
                let role = if admin { RoomRole::Admin } else { RoomRole::Member };
                let user = person(city, who).user;
                island.act(|desk| desk.set_member(&person(city, by), room, user, role)).map(|_| ())
            }
            Step::Remove { by, person: who, .. } => {
                island.act(|desk| desk.remove_member(&person(city, by), room, person(city, who).user))
            }
            Step::Page { person: who, field, .. } => {
                let text = Some(format!("{field} at {number}"));
                let edit = match field {
                    0 => PageEdit { name: text, ..PageEdit::default() },
                    1 => PageEdit { topic: text, ..PageEdit::default() },
                    _ => PageEdit { purpose: text, ..PageEdit::default() },
                };
                island.act(|desk| desk.edit_page(&person(city, who), room, &edit)).map(|_| ())
            }
            Step::Read { person: who, number, .. } => {
                island.act(|desk| desk.mark_read(&person(city, who), room, message(number))).map(|_| ())
            }
            Step::Erase { number, .. } => {
                let (messages, grounds) = (vec![message(number)], Grounds::Retention);
                let new = NewErasure { messages, grounds, reason: format!("{place}") };
                island.act(|desk| desk.erase(&chief, room, &new, &city.administrator)).map(|_| ())
            }
            Step::Exchange { .. } => Ok(()),
        };
        islands.insert(place, island);
    }
    islands
}

fn exchange(islands: &mut [Island], one: usize, other: usize) {
    if one != other {
        let (low, high) = (one.min(other), one.max(other));
        let (left, right) = islands.split_at_mut(high);
        left[low].exchange(&mut right[0]);
    }
}

/// Gives everything all islands hold to an empty one, in an order of its own.
fn deliver(city: &Fixture, islands: &[Island], office: usize, seed: u64) -> Island {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut observer = Island::empty(city, office).restart(50_000 + seed);
    let mut queue: Vec<(usize, VerifiedWindow)> = Vec::new();
    let mut registers = Vec::new();
    // Twice from the first, so that things come twice.
    for place in (0..islands.len()).chain([0]) {
        let (windows, marks) = observer.missing(&islands[place]);
        queue.extend(windows.into_iter().map(|window| (place, window)));
        registers.extend(marks.into_iter().map(|register| (place, register)));
    }
    for index in (1..queue.len()).rev() {
        queue.swap(index, (random.next_u64() as usize) % (index + 1));
    }
    // What is refused today (the policy that admits it is not here yet) comes again tomorrow.
    for _ in 0..queue.len() + 8 {
        let mut refused = Vec::new();
        let mut rest = queue.into_iter().peekable();
        while let Some((from, window)) = rest.next() {
            let mut windows = vec![window];
            if random.next_u32().is_multiple_of(2) && rest.peek().is_some_and(|(next, _)| *next == from) {
                windows.extend(rest.next().map(|(_, window)| window));
            }
            let peer = islands[from].database.node();
            let batch = Batch { peer, windows: windows.clone(), registers: vec![], cursor: None };
            let outcomes = observer.database.apply(batch).unwrap().windows;
            for (window, outcome) in windows.into_iter().zip(outcomes) {
                if matches!(outcome, WindowOutcome::Refused { .. }) {
                    refused.push((from, window));
                }
            }
        }
        queue = refused;
        if queue.is_empty() {
            break;
        }
    }
    for (from, register) in registers {
        let peer = islands[from].database.node();
        let batch = Batch { peer, windows: vec![], registers: vec![register], cursor: None };
        observer.database.apply(batch).unwrap();
    }
    observer
}

/// Reads of the observer's own office are kept elsewhere.
fn comparable(island: &Island) -> Dump {
    dump(&island.database)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_delivery_gives_the_same_rows(
        steps in proptest::collection::vec(step(), 1..40),
        seeds in (any::<u32>(), any::<u32>()),
    ) {
        let city = &*CITY;
        let mut islands = play(city, &steps);
        for _ in 0..2 {
            for (one, other) in [(0, 1), (0, 2), (1, 2)] {
                exchange(&mut islands, one, other);
            }
        }
        prop_assert_eq!(comparable(&islands[0]), comparable(&islands[1]));
        let first = deliver(city, &islands, 0, seeds.0.into());
        let second = deliver(city, &islands, 0, seeds.1.into());
        prop_assert_eq!(comparable(&first), comparable(&second));
        prop_assert_eq!(comparable(&first), comparable(&islands[0]));
        let mut rebuilt = first;
        rebuilt.reindex();
        prop_assert_eq!(comparable(&rebuilt), comparable(&second));
    }
}
