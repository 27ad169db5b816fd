//! What a document is made of so far: which change builds on which, and who wrote how far.
//!
//! Decides whether a change fits onto what it names, from that past alone and never from what else happens to be here.
//! Automerge itself ignores a reference to an operation it does not know; a change that refers to one it does not build
//! on would mean one thing where that operation came first and another where it came later.

use std::collections::{BTreeMap, BTreeSet};

use super::actor::Actor;
use super::hash::ChangeHash;
use super::limits::{CEILING_FACTOR, DOCUMENT_ACTORS_MAX};
use super::scan::{Refusal, ScannedChange};

/// A clock is kept with every change that is this far from the last one that has one.
const CLOCK_DISTANCE: u8 = 16;

/// For each actor (by its place) how many of its changes are known.
type Clock = Vec<u64>;

#[derive(Clone, Default)]
pub struct History {
    changes: Vec<Placed>,
    places: BTreeMap<ChangeHash, usize>,
    actors: BTreeMap<Actor, usize>,
    /// The places of the changes of each actor, in order.
    written: Vec<Vec<usize>>,
    heads: BTreeSet<ChangeHash>,
}

#[derive(Clone)]
struct Placed {
    hash: ChangeHash,
    actor: Actor,
    actor_place: usize,
    sequence: u64,
    first_operation: u64,
    last_operation: u64,
    dependencies: Vec<usize>,
    clock_distance: u8,
    clock: Option<Clock>,
}

/// Why a change does not fit onto a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// It builds on changes that are not here.
    Missing(Vec<ChangeHash>),
    /// Its actor wrote another change with the same sequence number, which is here.
    Forked,
    /// The document has too many actors to take one more.
    Full,
    Refused(Refusal),
}

/// A history to go back to.
pub struct Mark {
    changes: usize,
    heads: BTreeSet<ChangeHash>,
}

impl History {
    pub fn contains(&self, hash: &ChangeHash) -> bool {
        self.places.contains_key(hash)
    }

    /// The changes nothing builds on.
    pub fn heads(&self) -> &BTreeSet<ChangeHash> {
        &self.heads
    }

    pub fn len(&self) -> usize {
        self.changes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    pub fn actors(&self) -> usize {
        self.actors.len()
    }

    pub fn knows_actor(&self, actor: Actor) -> bool {
        self.actors.contains_key(&actor)
    }

    /// Whether `change` fits. Says the same at every office that holds what it builds on, but for [`Obstacle::Forked`]
    /// and [`Obstacle::Full`], which say that an administrator is needed.
    pub fn check(&self, change: &ScannedChange) -> Result<(), Obstacle> {
        let missing: Vec<ChangeHash> =
            change.dependencies().iter().filter(|hash| !self.contains(hash)).copied().collect();
        if !missing.is_empty() {
            return Err(Obstacle::Missing(missing));
        }
        let dependencies = self.dependencies_of(change);
        self.check_sequence(change, &dependencies)?;
        let last = dependencies.iter().map(|placed| placed.last_operation).max();
        if Some(change.first_operation()) != last.map(|last| last.saturating_add(1)) {
            return Err(Obstacle::Refused(Refusal::Numbering));
        }
        self.check_references(change)?;
        let is_new_actor = change.actor().is_some_and(|actor| !self.knows_actor(actor));
        if is_new_actor && self.actors.len() >= DOCUMENT_ACTORS_MAX * CEILING_FACTOR {
            return Err(Obstacle::Full);
        }
        Ok(())
    }

    /// Takes up a change that was checked.
    pub fn insert(&mut self, change: &ScannedChange) {
        let Some(actor) = change.actor() else { return };
        let place = self.changes.len();
        let dependencies: Vec<usize> =
            change.dependencies().iter().filter_map(|hash| self.places.get(hash).copied()).collect();
        let actor_place = self.place_of_actor(actor);
        let nearest = dependencies.iter().filter_map(|place| self.changes.get(*place));
        let mut clock_distance = nearest.map(|placed| placed.clock_distance + 1).max().unwrap_or(0);
        let mut clock = None;
        if clock_distance >= CLOCK_DISTANCE {
            let mut full = self.clock_of(&dependencies);
            raise(&mut full, actor_place, change.sequence());
            clock = Some(full);
            clock_distance = 0;
        }
        for hash in change.dependencies() {
            self.heads.remove(hash);
        }
        self.heads.insert(change.hash());
        self.places.insert(change.hash(), place);
        if let Some(written) = self.written.get_mut(actor_place) {
            written.push(place);
        }
        self.changes.push(Placed {
            hash: change.hash(),
            actor,
            actor_place,
            sequence: change.sequence(),
            first_operation: change.first_operation(),
            last_operation: change.last_operation(),
            dependencies,
            clock_distance,
            clock,
        });
    }

    pub fn mark(&self) -> Mark {
        Mark { changes: self.changes.len(), heads: self.heads.clone() }
    }

    /// Forgets what was inserted since `mark`.
    pub fn roll_back(&mut self, mark: Mark) {
        while self.changes.len() > mark.changes {
            let Some(placed) = self.changes.pop() else { break };
            self.places.remove(&placed.hash);
            if let Some(written) = self.written.get_mut(placed.actor_place) {
                written.pop();
                if written.is_empty() {
                    // The last actor in is the last in the list: changes go in the reverse order of their coming.
                    self.written.pop();
                    self.actors.remove(&placed.actor);
                }
            }
        }
        self.heads = mark.heads;
    }

    fn dependencies_of(&self, change: &ScannedChange) -> Vec<&Placed> {
        let places = change.dependencies().iter().filter_map(|hash| self.places.get(hash));
        places.filter_map(|place| self.changes.get(*place)).collect()
    }

    fn check_sequence(&self, change: &ScannedChange, dependencies: &[&Placed]) -> Result<(), Obstacle> {
        if dependencies.is_empty() {
            return Err(Obstacle::Refused(Refusal::Rootless));
        }
        let before = change.sequence().saturating_sub(1);
        let follows =
            dependencies.iter().any(|placed| Some(placed.actor) == change.actor() && placed.sequence == before);
        if before > 0 && !follows {
            return Err(Obstacle::Refused(Refusal::Sequence));
        }
        let written =
            change.actor().and_then(|actor| self.actors.get(&actor)).and_then(|place| self.written.get(*place));
        if written.is_some_and(|written| written.len() as u64 >= change.sequence()) {
            return Err(Obstacle::Forked);
        }
        Ok(())
    }

    fn check_references(&self, change: &ScannedChange) -> Result<(), Obstacle> {
        let dependencies: Vec<usize> =
            change.dependencies().iter().filter_map(|hash| self.places.get(hash).copied()).collect();
        let clock = self.clock_of(&dependencies);
        for (actor, counters) in change.references() {
            let known = self.actors.get(&actor).map_or(&[][..], |place| {
                let count = clock.get(*place).copied().unwrap_or(0);
                let written = self.written.get(*place).map_or(&[][..], Vec::as_slice);
                written.get(..usize::try_from(count).unwrap_or(usize::MAX)).unwrap_or_default()
            });
            if !counters.iter().all(|counter| self.holds_operation(known, *counter)) {
                return Err(Obstacle::Refused(Refusal::Reference));
            }
        }
        Ok(())
    }

    /// Whether one of these changes of one actor, in order, has the operation.
    fn holds_operation(&self, written: &[usize], counter: u64) -> bool {
        let placed = |place: &usize| self.changes.get(*place);
        let after = written.partition_point(|place| placed(place).is_some_and(|it| it.first_operation <= counter));
        let candidate = after.checked_sub(1).and_then(|index| written.get(index)).and_then(placed);
        candidate.is_some_and(|it| counter <= it.last_operation)
    }

    /// How far each actor's changes are among `places` and what they build on.
    fn clock_of(&self, places: &[usize]) -> Clock {
        let mut clock = vec![0; self.written.len()];
        let mut open: Vec<usize> = places.to_vec();
        let mut seen: BTreeSet<usize> = places.iter().copied().collect();
        while let Some(placed) = open.pop().and_then(|place| self.changes.get(place)) {
            raise(&mut clock, placed.actor_place, placed.sequence);
            match &placed.clock {
                Some(kept) => kept.iter().enumerate().for_each(|(place, sequence)| raise(&mut clock, place, *sequence)),
                None => open.extend(placed.dependencies.iter().filter(|place| seen.insert(**place))),
            }
        }
        clock
    }

    fn place_of_actor(&mut self, actor: Actor) -> usize {
        let next = self.written.len();
        let place = *self.actors.entry(actor).or_insert(next);
        if place == next {
            self.written.push(Vec::new());
        }
        place
    }
}

fn raise(clock: &mut Clock, actor_place: usize, sequence: u64) {
    if clock.len() <= actor_place {
        clock.resize(actor_place + 1, 0);
    }
    if let Some(known) = clock.get_mut(actor_place) {
        *known = (*known).max(sequence);
    }
}
