//! What is going to happen, by virtual time; what is due at the same time comes in the order it was planned.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A queue of things to come.
#[derive(Debug)]
pub(crate) struct Agenda<T> {
    planned: BinaryHeap<Planned<T>>,
    order: u64,
}

#[derive(Debug)]
struct Planned<T> {
    at_ms: u64,
    order: u64,
    what: T,
}

impl<T> Agenda<T> {
    pub fn plan(&mut self, at_ms: u64, what: T) {
        self.order += 1;
        self.planned.push(Planned { at_ms, order: self.order, what });
    }

    /// When the next thing is due.
    pub fn next_ms(&self) -> Option<u64> {
        self.planned.peek().map(|planned| planned.at_ms)
    }

    pub fn pop(&mut self) -> Option<(u64, T)> {
        self.planned.pop().map(|planned| (planned.at_ms, planned.what))
    }
}

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self { planned: BinaryHeap::new(), order: 0 }
    }
}

impl<T> Planned<T> {
    fn key(&self) -> (u64, u64) {
        (self.at_ms, self.order)
    }
}

// The heap gives out its greatest element: here the earliest.
impl<T> Ord for Planned<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}
impl<T> PartialOrd for Planned<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> PartialEq for Planned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}
impl<T> Eq for Planned<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_comes_first_and_equals_keep_their_order() {
        let mut agenda = Agenda::default();
        for (at_ms, what) in [(5, "c"), (1, "a"), (5, "d"), (2, "b")] {
            agenda.plan(at_ms, what);
        }
        assert_eq!(agenda.next_ms(), Some(1));
        let order: Vec<_> = std::iter::from_fn(|| agenda.pop()).map(|(_, what)| what).collect();
        assert_eq!(order, ["a", "b", "c", "d"]);
    }
}
