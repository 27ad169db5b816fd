//! What a document is made of so far: which change builds on which, who wrote how far, and what each operation is.
//!
//! Decides whether a change fits onto what it names, from that past alone and never from what else happens to be here.
//! Automerge does not ask whether what an operation refers to is there, or is of the right kind: some such changes
//! panic it, some are ignored or not depending on what came first, and two offices would show two documents.

mod operations;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use self::operations::{OperationId, Record};
use super::actor::Actor;
use super::hash::ChangeHash;
use super::limits::{CEILING_FACTOR, DOCUMENT_ACTORS_MAX, DOCUMENT_CHANGES_MAX, DOCUMENT_OPERATIONS_MAX, Excess};
use super::scan::{Refusal, ScannedChange};

/// A clock is kept with every change that is this far from the last one that has one.
const CLOCK_DISTANCE: u8 = 16;

/// For each actor (by its place) how many of its changes are known.
type Clock = Vec<u64>;

#[derive(Clone, Default)]
pub struct History {
    changes: Vec<Arc<Placed>>,
    places: BTreeMap<ChangeHash, usize>,
    actors: BTreeMap<Actor, usize>,
    /// The places of the changes of each actor, in order.
    written: Vec<Vec<usize>>,
    heads: BTreeSet<ChangeHash>,
    operations: usize,
}

struct Placed {
    hash: ChangeHash,
    actor: Actor,
    actor_place: usize,
    sequence: u64,
    first_operation: u64,
    last_operation: u64,
    dependencies: Vec<usize>,
    operations: Vec<Record>,
    clock_distance: u8,
    clock: Option<Clock>,
}

/// That a change fits onto a history, and what its operations are there.
pub struct Fit {
    operations: Vec<Record>,
}

/// Why a change does not fit onto a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// It builds on changes that are not here.
    Missing(Vec<ChangeHash>),
    /// Its actor wrote another change with the same sequence number, which is here.
    Forked,
    /// The document would have more of something than it may.
    Full(Excess),
    Refused(Refusal),
}

/// A history to go back to.
pub struct Mark {
    changes: usize,
    heads: BTreeSet<ChangeHash>,
}

impl History {
    /// A history of one change that builds on nothing: our own constant, which is not checked.
    pub fn begin(genesis: &ScannedChange) -> Self {
        let mut history = Self::default();
        let operations = history.records(genesis, &Vec::new()).unwrap_or_default();
        history.insert(genesis, Fit { operations });
        history
    }

    pub fn contains(&self, hash: &ChangeHash) -> bool {
        self.places.contains_key(hash)
    }

    /// The changes nothing builds on.
    pub fn heads(&self) -> &BTreeSet<ChangeHash> {
        &self.heads
    }

    /// Changes, the genesis among them.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// What there would be too much of with `change`, when the limits are taken `factor` times.
    pub fn excess_with(&self, change: &ScannedChange, factor: usize) -> Option<Excess> {
        let is_new_actor = !self.actors.contains_key(&change.actor());
        // Who is in goes on, however many there are.
        let actors = Excess::of("writers", self.actors.len() + 1, DOCUMENT_ACTORS_MAX * factor);
        actors
            .filter(|_| is_new_actor)
            .or_else(|| Excess::of("changes", self.changes.len() + 1, DOCUMENT_CHANGES_MAX * factor))
            .or_else(|| {
                let operations = self.operations + change.operations().len();
                Excess::of("operations", operations, DOCUMENT_OPERATIONS_MAX * factor)
            })
    }

    /// Whether `change` fits. Says the same at every office that holds what it builds on, but for [`Obstacle::Forked`]
    /// and [`Obstacle::Full`], which say that an administrator is needed.
    pub fn check(&self, change: &ScannedChange) -> Result<Fit, Obstacle> {
        let missing: Vec<ChangeHash> =
            change.dependencies().iter().filter(|hash| !self.contains(hash)).copied().collect();
        if !missing.is_empty() {
            return Err(Obstacle::Missing(missing));
        }
        let places = self.dependency_places(change);
        self.check_numbers(change, &places).map_err(Obstacle::Refused)?;
        let written = self.actors.get(&change.actor()).and_then(|place| self.written.get(*place));
        if written.is_some_and(|written| written.len() as u64 >= change.sequence()) {
            return Err(Obstacle::Forked);
        }
        let operations = self.records(change, &self.clock_of(&places)).map_err(Obstacle::Refused)?;
        if let Some(excess) = self.excess_with(change, CEILING_FACTOR) {
            return Err(Obstacle::Full(excess));
        }
        Ok(Fit { operations })
    }

    /// Takes up a change that was checked against this history as it is.
    pub fn insert(&mut self, change: &ScannedChange, fit: Fit) {
        let place = self.changes.len();
        let dependencies = self.dependency_places(change);
        let actor_place = self.place_of_actor(change.actor());
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
        self.operations += fit.operations.len();
        self.places.insert(change.hash(), place);
        if let Some(written) = self.written.get_mut(actor_place) {
            written.push(place);
        }
        self.changes.push(Arc::new(Placed {
            hash: change.hash(),
            actor: change.actor(),
            actor_place,
            sequence: change.sequence(),
            first_operation: change.first_operation(),
            last_operation: change.last_operation(),
            dependencies,
            operations: fit.operations,
            clock_distance,
            clock,
        }));
    }

    pub fn mark(&self) -> Mark {
        Mark { changes: self.changes.len(), heads: self.heads.clone() }
    }

    /// Forgets what was inserted since `mark`.
    pub fn roll_back(&mut self, mark: Mark) {
        while self.changes.len() > mark.changes {
            let Some(placed) = self.changes.pop() else { break };
            self.places.remove(&placed.hash);
            self.operations -= placed.operations.len();
            let Some(written) = self.written.get_mut(placed.actor_place) else { continue };
            written.pop();
            if written.is_empty() {
                // The last actor in is the last in the list: changes go in the reverse order of their coming.
                self.written.pop();
                self.actors.remove(&placed.actor);
            }
        }
        self.heads = mark.heads;
    }

    /// It follows its actor's change before, and numbers its operations after all it builds on.
    fn check_numbers(&self, change: &ScannedChange, places: &[usize]) -> Result<(), Refusal> {
        let dependencies = || places.iter().filter_map(|place| self.changes.get(*place));
        let last = dependencies().map(|placed| placed.last_operation).max().ok_or(Refusal::Rootless)?;
        let before = change.sequence().saturating_sub(1);
        let follows = dependencies().any(|placed| placed.actor == change.actor() && placed.sequence == before);
        if before > 0 && !follows {
            return Err(Refusal::Sequence);
        }
        if change.first_operation() != last.saturating_add(1) {
            return Err(Refusal::Numbering);
        }
        Ok(())
    }

    fn dependency_places(&self, change: &ScannedChange) -> Vec<usize> {
        change.dependencies().iter().filter_map(|hash| self.places.get(hash).copied()).collect()
    }

    /// An operation of one of the first `count` changes of an actor.
    fn operation(&self, id: OperationId, count: u64) -> Option<&Record> {
        let written = self.written.get(id.actor_place)?;
        let written = written.get(..usize::try_from(count).ok()?)?;
        let placed = |place: &usize| self.changes.get(*place);
        let after = written.partition_point(|place| placed(place).is_some_and(|it| it.first_operation <= id.counter));
        let candidate = placed(written.get(after.checked_sub(1)?)?)?;
        candidate.operations.get(usize::try_from(id.counter.checked_sub(candidate.first_operation)?).ok()?)
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

#[cfg(test)]
mod tests;
