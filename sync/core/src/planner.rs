//! One plan a node: which ranges are being fetched, and from whom, so that no range is asked of two peers at once. Ranges
//! of logs, and of attachments.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::NodeId;
use crate::log::LogId;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Claim {
    first: u64,
    last: u64,
    peer: NodeId,
}

/// In flight: log → ranges. Ranges of one log never overlap.
#[derive(Debug)]
pub struct Planner<K = LogId> {
    claims: BTreeMap<K, Vec<Claim>>,
}

impl<K> Default for Planner<K> {
    fn default() -> Self {
        Self { claims: BTreeMap::new() }
    }
}

impl<K: Copy + Ord> Planner<K> {
    /// Claims those parts of `first ..= last` that nobody is fetching, and returns them in order.
    pub fn claim(&mut self, peer: NodeId, log: K, first: u64, last: u64) -> Vec<(u64, u64)> {
        let claims = self.claims.entry(log).or_default();
        let mut free = Vec::new();
        let mut next = first;
        for claim in claims.iter().filter(|claim| claim.first <= last && claim.last >= first) {
            if claim.first > next {
                free.push((next, claim.first - 1));
            }
            next = next.max(claim.last.saturating_add(1));
        }
        if next <= last {
            free.push((next, last));
        }
        claims.extend(free.iter().map(|&(first, last)| Claim { first, last, peer }));
        claims.sort_unstable_by_key(|claim| claim.first);
        free
    }

    /// Gives back what this peer was asked for within `first ..= last`.
    pub fn release(&mut self, peer: NodeId, log: K, first: u64, last: u64) {
        let Some(claims) = self.claims.get_mut(&log) else { return };
        let mut kept = Vec::with_capacity(claims.len());
        for claim in claims.drain(..) {
            if claim.peer != peer || claim.last < first || claim.first > last {
                kept.push(claim);
                continue;
            }
            if claim.first < first {
                kept.push(Claim { last: first - 1, ..claim });
            }
            if claim.last > last {
                kept.push(Claim { first: last + 1, ..claim });
            }
        }
        *claims = kept;
        if claims.is_empty() {
            self.claims.remove(&log);
        }
    }

    /// Gives back everything this peer was asked for; the logs concerned.
    pub fn release_all(&mut self, peer: NodeId) -> BTreeSet<K> {
        let mut logs = BTreeSet::new();
        self.claims.retain(|log, claims| {
            let before = claims.len();
            claims.retain(|claim| claim.peer != peer);
            if claims.len() < before {
                logs.insert(*log);
            }
            !claims.is_empty()
        });
        logs
    }

    /// Gives back everything of a log, whoever was asked for it.
    pub fn forget(&mut self, log: &K) {
        self.claims.remove(log);
    }

    pub fn is_idle(&self) -> bool {
        self.claims.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::log::tests::sample_log;

    fn peer(number: u8) -> NodeId {
        NodeId::from_bytes([number; 32])
    }

    #[test]
    fn a_range_is_asked_of_one_peer_only() {
        let mut planner = Planner::default();
        let log = sample_log();
        assert_eq!(planner.claim(peer(1), log, 5, 10), vec![(5, 10)]);
        assert_eq!(planner.claim(peer(2), log, 1, 20), vec![(1, 4), (11, 20)]);
        assert_eq!(planner.claim(peer(3), log, 1, 20), vec![]);
        planner.release(peer(1), log, 6, 7);
        assert_eq!(planner.claim(peer(3), log, 1, 20), vec![(6, 7)]);
        assert_eq!(planner.release_all(peer(2)), BTreeSet::from([log]));
        assert_eq!(planner.claim(peer(3), log, 1, 20), vec![(1, 4), (11, 20)]);
        planner.release_all(peer(1));
        planner.forget(&log);
        assert!(planner.is_idle());
    }

    #[derive(Debug, Clone)]
    enum Step {
        Claim(u8, u64, u64),
        Release(u8, u64, u64),
        Leave(u8),
    }

    fn step() -> impl Strategy<Value = Step> {
        let range = (1u64..12, 0u64..6).prop_map(|(first, more)| (first, first + more));
        prop_oneof![
            (1u8..4, range.clone()).prop_map(|(peer, (first, last))| Step::Claim(peer, first, last)),
            (1u8..4, range).prop_map(|(peer, (first, last))| Step::Release(peer, first, last)),
            (1u8..4).prop_map(Step::Leave),
        ]
    }

    proptest! {
        #[test]
        fn the_plan_is_a_map_from_place_to_peer(steps in proptest::collection::vec(step(), 0..40)) {
            let mut planner = Planner::default();
            let mut model: BTreeMap<u64, u8> = BTreeMap::new();
            for step in steps {
                match step {
                    Step::Claim(number, first, last) => {
                        let got: BTreeSet<u64> =
                            planner.claim(peer(number), sample_log(), first, last).into_iter().flat_map(|(a, b)| a..=b).collect();
                        let free: BTreeSet<u64> = (first..=last).filter(|place| !model.contains_key(place)).collect();
                        prop_assert_eq!(&got, &free);
                        model.extend(free.into_iter().map(|place| (place, number)));
                    }
                    Step::Release(number, first, last) => {
                        planner.release(peer(number), sample_log(), first, last);
                        model.retain(|place, owner| *owner != number || *place < first || *place > last);
                    }
                    Step::Leave(number) => {
                        planner.release_all(peer(number));
                        model.retain(|_, owner| *owner != number);
                    }
                }
            }
            prop_assert_eq!(planner.is_idle(), model.is_empty());
        }
    }
}
