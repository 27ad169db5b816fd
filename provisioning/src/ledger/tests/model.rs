//! A small world, looked at exhaustively: three offices, two people, every order of stopping, lifting and passing on.
//!
//! What is checked in every state that eight steps can reach: a node that holds a suspension nobody lifted refuses the
//! person; nothing but a lift by an administrator who had seen the suspension lets anybody in; the answer depends on what
//! is held and not on the order of arrival; an office stops strangers only at itself.

use std::collections::{HashMap, HashSet, VecDeque};

use noroshi_sync::id::EntryId;

use super::*;

const NODES: [u8; 3] = [1, 2, 3];
const PEOPLE: [u8; 2] = [2, 4]; // of offices 2 and 3
const DEPTH: usize = 8;

/// An entry by what it says: equal facts are one entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fact {
    /// Node `by` stops `person`; `by` 0: an administrator signed it at headquarters.
    Stop { by: u8, person: u8 },
    /// The administrator lifts the facts known at headquarters by then.
    Lift { person: u8, lifts: Held },
}

#[derive(Clone, Copy)]
enum Step {
    Stop { by: u8, person: u8 },
    Lift { person: u8 },
    Pass { from: usize, to: usize },
}

/// Facts that are held, one bit each: eight stops and thirty lifts are all there can be.
type Held = u64;
/// What each node holds.
type State = [Held; 3];

fn numbers(held: Held) -> impl DoubleEndedIterator<Item = usize> {
    (0..64).filter(move |number| held & (1 << number) != 0)
}

struct World {
    town: Town,
    facts: Vec<Fact>,
    entries: Vec<Written>,
    verdicts: HashMap<Held, Directory>,
    checked: HashSet<(Held, usize)>,
}

impl World {
    fn fact(&mut self, fact: Fact) -> Held {
        if let Some(number) = self.facts.iter().position(|known| *known == fact) {
            return 1 << number;
        }
        let id = self.town.scribe.id();
        let directory = self.town.directory();
        let node = NodeWriter { directory: &directory, author: UserId::NIL, device: DeviceId::NIL };
        let signer = &self.town.administrator;
        let admin = LedgerWriter { directory: &directory, signer, device: DeviceId::NIL };
        let (writer, draft) = match &fact {
            Fact::Stop { by: 0, person } => (1, admin.suspend_user(id, user(*person), "", NOW_MS).unwrap()),
            Fact::Stop { by, person } => (*by, node.suspend_user(id, user(*person), "", NOW_MS).unwrap()),
            Fact::Lift { person, lifts } => {
                let lifts: Vec<EntryId> = numbers(*lifts).map(|fact| self.entries[fact].1.id).collect();
                (1, signed(signer, self.town.rooms.directory, id, &UserLift { user: user(*person), lifts }))
            }
        };
        self.entries.push(self.town.scribe.write(Town::node(writer), draft));
        self.facts.push(fact);
        1 << (self.facts.len() - 1)
    }

    fn take(&mut self, state: &State, step: Step) -> Option<State> {
        let mut next = *state;
        match step {
            Step::Stop { by, person } => {
                next[usize::from(by.max(1)) - 1] |= self.fact(Fact::Stop { by, person });
            }
            Step::Lift { person } => {
                let about = |number: &usize| matches!(self.facts[*number], Fact::Stop { person: p, .. } if p == person);
                let lifts = numbers(state[0]).filter(about).fold(0, |held, number| held | 1 << number);
                if lifts == 0 {
                    return None;
                }
                next[0] |= self.fact(Fact::Lift { person, lifts });
            }
            Step::Pass { from, to } => {
                next[to] |= next[from];
            }
        }
        (next != *state).then_some(next)
    }

    fn directory(&mut self, held: Held) -> &Directory {
        let Self { town, entries, verdicts, .. } = self;
        verdicts.entry(held).or_insert_with(|| {
            let forward = resolve(town.entries.iter().chain(numbers(held).map(|number| &entries[number])));
            let backward = resolve(numbers(held).rev().map(|number| &entries[number]).chain(&town.entries));
            assert_eq!(forward, backward, "the order of arrival decided");
            forward
        })
    }

    /// The rule in plain words, written down a second time.
    fn must_be_stopped(&self, held: Held, at: u8, person: u8) -> bool {
        let home = if person == 2 { 2 } else { 3 };
        let lifted = numbers(held).fold(0, |lifted, number| match self.facts[number] {
            Fact::Lift { person: p, lifts } if p == person => lifted | lifts,
            _ => lifted,
        });
        numbers(held & !lifted).any(|number| match self.facts[number] {
            Fact::Stop { by, person: p } => p == person && (by == 0 || by == home || by == at),
            Fact::Lift { .. } => false,
        })
    }

    fn check(&mut self, state: &State) {
        for (place, node) in NODES.into_iter().enumerate() {
            let held = state[place];
            if !self.checked.insert((held, place)) {
                continue;
            }
            for person in PEOPLE {
                let expected = self.must_be_stopped(held, node, person);
                let stopped = self.directory(held).is_suspended(Town::node(node), user(person));
                assert_eq!(
                    stopped,
                    expected,
                    "at node {node}, person {person}, holding {:?}",
                    numbers(held).collect::<Vec<_>>()
                );
            }
        }
    }
}

fn steps() -> Vec<Step> {
    let mut steps = Vec::new();
    for person in PEOPLE {
        steps.extend([0, 1, 2, 3].map(|by| Step::Stop { by, person }));
        steps.push(Step::Lift { person });
    }
    let pairs = (0..3).flat_map(|from| (0..3).map(move |to| (from, to))).filter(|(from, to)| from != to);
    steps.extend(pairs.map(|(from, to)| Step::Pass { from, to }));
    steps
}

#[test]
fn every_order_of_eight_steps_gives_the_answer_of_the_rule() {
    let town = Town::new();
    let (facts, entries) = (Vec::new(), Vec::new());
    let mut world = World { town, facts, entries, verdicts: HashMap::new(), checked: HashSet::new() };
    let start: State = [0; 3];
    let mut seen = HashSet::from([start]);
    let mut queue = VecDeque::from([(start, 0)]);
    while let Some((state, depth)) = queue.pop_front() {
        world.check(&state);
        if depth == DEPTH {
            continue;
        }
        for step in steps() {
            if let Some(next) = world.take(&state, step)
                && seen.insert(next)
            {
                queue.push_back((next, depth + 1));
            }
        }
    }
    println!("{} states, {} sets of facts", seen.len(), world.verdicts.len());
    assert!(seen.len() > 10_000, "the world is smaller than thought: {}", seen.len());
}
