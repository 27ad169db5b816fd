//! With how many peers this node exchanges history at a time. Alarms and the newest pages need no place here.
//!
//! When five hundred offices come back within seconds, each gets its alarms and newest pages at once. History is exchanged
//! with some of them at a time, and the others are told when to ask again, not all at the same moment. Who has had a place
//! for long leaves it to those who wait.

use std::collections::BTreeMap;

use crate::id::NodeId;
use crate::limits::RETRY_AFTER_MS_MAX;

/// A place without a request is kept so long: between two requests of one peer lies a round trip and a write.
const LINGER_MS: u64 = 2_000;
/// A place is left after this time if others wait for one.
const TURN_MS: u64 = 20_000;
/// Others count as waiting for so long after they were sent away last.
const WAITING_MS: u64 = RETRY_AFTER_MS_MAX;
/// Who is sent away first comes again after this, and each further 32 who wait add as much.
const RETRY_MS: u64 = 2_000;

/// See the module.
#[derive(Debug)]
pub struct Admission {
    places_max: usize,
    places: BTreeMap<NodeId, Place>,
    /// Who was sent away, and when last.
    waiting: BTreeMap<NodeId, u64>,
    refused: u64,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    since_ms: u64,
    last_ms: u64,
    /// Requests that are open.
    open: u32,
}

/// Try again after so many milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full {
    pub retry_after_ms: u64,
}

impl Admission {
    pub fn new(places_max: usize) -> Self {
        Self { places_max, places: BTreeMap::new(), waiting: BTreeMap::new(), refused: 0 }
    }

    /// A request for history begins, if there is a place for this peer. Each must be followed by [`Self::done`] or
    /// [`Self::leave`].
    pub fn admit(&mut self, peer: NodeId, now_ms: u64) -> Result<(), Full> {
        self.waiting.retain(|_, at_ms| now_ms.saturating_sub(*at_ms) < WAITING_MS);
        let others_wait = self.waiting.keys().any(|waiting| *waiting != peer);
        if let Some(place) = self.places.get_mut(&peer) {
            let turn_is_over = others_wait && now_ms.saturating_sub(place.since_ms) >= TURN_MS;
            if !turn_is_over {
                place.last_ms = now_ms;
                place.open += 1;
                return Ok(());
            }
            if place.open == 0 {
                self.places.remove(&peer);
            }
            return Err(self.refuse(peer, now_ms));
        }
        self.places.retain(|_, place| place.open > 0 || now_ms.saturating_sub(place.last_ms) < LINGER_MS);
        // A lingering place is worth less than somebody who asks.
        if self.places.len() >= self.places_max {
            let idle = self.places.iter().filter(|(_, place)| place.open == 0).min_by_key(|(_, place)| place.last_ms);
            if let Some(peer) = idle.map(|(peer, _)| *peer) {
                self.places.remove(&peer);
            }
        }
        if self.places.len() >= self.places_max {
            return Err(self.refuse(peer, now_ms));
        }
        self.waiting.remove(&peer);
        self.places.insert(peer, Place { since_ms: now_ms, last_ms: now_ms, open: 1 });
        Ok(())
    }

    /// A request of this peer is over.
    pub fn done(&mut self, peer: &NodeId, now_ms: u64) {
        if let Some(place) = self.places.get_mut(peer) {
            place.open = place.open.saturating_sub(1);
            place.last_ms = now_ms;
        }
    }

    /// The peer is gone.
    pub fn leave(&mut self, peer: &NodeId) {
        self.places.remove(peer);
        self.waiting.remove(peer);
    }

    /// Peers that have a place.
    pub fn count(&self) -> usize {
        self.places.len()
    }

    /// Peers that were sent away and have not come again.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn refuse(&mut self, peer: NodeId, now_ms: u64) -> Full {
        self.waiting.insert(peer, now_ms);
        self.refused += 1;
        let base_ms = RETRY_MS * (1 + self.waiting.len() as u64 / self.places_max.max(1) as u64);
        // Half as much again at most, another for each: those who were sent away together do not come back together.
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"noroshi/retry/1").update(peer.as_bytes()).update(&self.refused.to_be_bytes());
        let jitter = u64::from(hasher.finalize().as_bytes().first().copied().unwrap_or(0));
        Full { retry_after_ms: (base_ms + base_ms * jitter / 512).min(RETRY_AFTER_MS_MAX) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn peer(number: u16) -> NodeId {
        let mut bytes = [0; 32];
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        NodeId::from_bytes(bytes)
    }

    #[test]
    fn so_many_find_a_place_and_the_next_is_sent_away() {
        let mut admission = Admission::new(32);
        for number in 0..32 {
            assert_eq!(admission.admit(peer(number), 0), Ok(()));
            assert_eq!(admission.admit(peer(number), 0), Ok(()), "a second request needs no second place");
        }
        assert!(admission.admit(peer(32), 0).is_err());
        admission.done(&peer(7), 10);
        assert!(admission.admit(peer(32), 20).is_err(), "one of two requests is open");
        admission.done(&peer(7), 30);
        assert_eq!(admission.admit(peer(32), 40), Ok(()));
        admission.leave(&peer(3));
        assert_eq!((admission.admit(peer(33), 50), admission.count()), (Ok(()), 32));
    }

    #[test]
    fn a_place_is_left_to_those_who_wait_and_kept_while_nobody_does() {
        let mut admission = Admission::new(1);
        assert_eq!(admission.admit(peer(1), 0), Ok(()));
        admission.done(&peer(1), TURN_MS);
        assert_eq!(admission.admit(peer(1), TURN_MS + 1), Ok(()), "nobody waits");
        assert!(admission.admit(peer(2), TURN_MS + 2).is_err());
        admission.done(&peer(1), TURN_MS + 3);
        assert!(admission.admit(peer(1), TURN_MS + 4).is_err());
        assert_eq!(admission.admit(peer(2), TURN_MS + 5), Ok(()));
    }

    #[test]
    fn those_who_are_sent_away_together_do_not_come_back_together() {
        let mut admission = Admission::new(32);
        (0..32).for_each(|number| _ = admission.admit(peer(number), 0));
        let retries: Vec<u64> =
            (32..500).map(|number| admission.admit(peer(number), 0).unwrap_err().retry_after_ms).collect();
        assert!(retries.iter().all(|retry| (RETRY_MS..=RETRY_AFTER_MS_MAX).contains(retry)));
        assert!(retries.iter().collect::<BTreeSet<_>>().len() > 200);
        assert!(retries.last() > retries.first());
    }

    #[derive(Debug, Clone)]
    enum Step {
        Admit(u16),
        Done(u16),
        Leave(u16),
        Wait(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..12u16).prop_map(Step::Admit),
            (0..12u16).prop_map(Step::Done),
            (0..12u16).prop_map(Step::Leave),
            (0..9_000u64).prop_map(Step::Wait),
        ]
    }

    proptest! {
        /// Never more than there are places, and everybody who keeps asking gets one.
        #[test]
        fn places_are_bounded_and_nobody_is_kept_out_for_ever(steps in proptest::collection::vec(step(), 0..200)) {
            let mut admission = Admission::new(3);
            let mut open: BTreeMap<u16, u32> = BTreeMap::new();
            let mut now_ms = 0;
            for step in steps {
                match step {
                    Step::Admit(number) if admission.admit(peer(number), now_ms).is_ok() => *open.entry(number).or_default() += 1,
                    Step::Done(number) if open.get(&number).is_some_and(|open| *open > 0) => {
                        *open.entry(number).or_default() -= 1;
                        admission.done(&peer(number), now_ms);
                    }
                    Step::Leave(number) => {
                        open.remove(&number);
                        admission.leave(&peer(number));
                    }
                    Step::Wait(ms) => now_ms += ms,
                    _ => {}
                }
                prop_assert!(admission.count() <= 3);
                prop_assert!(open.values().filter(|open| **open > 0).count() <= 3);
            }
            // All who have a place finish what they have and ask on: a stranger still gets in.
            let mut tries = 0;
            while let Err(full) = admission.admit(peer(99), now_ms) {
                now_ms += full.retry_after_ms;
                for (number, count) in &mut open {
                    (0..std::mem::take(count)).for_each(|_| admission.done(&peer(*number), now_ms));
                    *count += u32::from(admission.admit(peer(*number), now_ms).is_ok());
                }
                tries += 1;
                prop_assert!(tries < 40);
            }
        }
    }
}
