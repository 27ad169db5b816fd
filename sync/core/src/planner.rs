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
    /// The peer takes too long: others may be asked for the same.
    lent: bool,
}

/// In flight: what it is of → ranges. Ranges of one log or attachment overlap only where they were lent.
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
    /// Claims those parts of `first ..= last` that nobody is fetching, or somebody too slowly, and returns them in order.
    pub fn claim(&mut self, peer: NodeId, log: K, first: u64, last: u64) -> Vec<(u64, u64)> {
        let claims = self.claims.entry(log).or_default();
        let mut free = Vec::new();
        let mut next = first;
        let holds = |claim: &&Claim| claim.first <= last && claim.last >= first && (!claim.lent || claim.peer == peer);
        for claim in claims.iter().filter(holds) {
            if claim.first > next {
                free.push((next, claim.first - 1));
            }
            next = next.max(claim.last.saturating_add(1));
        }
        if next <= last {
            free.push((next, last));
        }
        claims.extend(free.iter().map(|&(first, last)| Claim { first, last, peer, lent: false }));
        claims.sort_unstable_by_key(|claim| claim.first);
        free
    }

    /// Lets others fetch what this peer was asked for within `first ..= last`, without giving it back. Whether there was
    /// something to lend.
    pub fn lend(&mut self, peer: NodeId, log: K, first: u64, last: u64) -> bool {
        let mut is_new = false;
        for claim in self.claims.get_mut(&log).into_iter().flatten() {
            if claim.peer == peer && claim.first <= last && claim.last >= first {
                is_new |= !std::mem::replace(&mut claim.lent, true);
            }
        }
        is_new
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

    #[test]
    fn what_takes_too_long_is_asked_of_one_more_peer_at_a_time() {
        let mut planner = Planner::default();
        let log = sample_log();
        planner.claim(peer(1), log, 1, 10);
        assert!(
            planner.lend(peer(1), log, 1, 10)
                && !planner.lend(peer(1), log, 1, 10)
                && !planner.lend(peer(2), log, 1, 10)
        );
        assert_eq!(planner.claim(peer(1), log, 1, 10), vec![], "not of the slow one again");
        assert_eq!(planner.claim(peer(2), log, 1, 12), vec![(1, 12)]);
        assert_eq!(planner.claim(peer(3), log, 1, 12), vec![]);
        planner.release(peer(2), log, 1, 12);
        assert_eq!(planner.claim(peer(3), log, 5, 6), vec![(5, 6)]);
        planner.release_all(peer(3));
        planner.release(peer(1), log, 1, 10);
        assert!(planner.is_idle());
    }

    #[derive(Debug, Clone)]
    enum Step {
        Claim(u8, u64, u64),
        Release(u8, u64, u64),
        Lend(u8, u64, u64),
        Leave(u8),
    }

    fn step() -> impl Strategy<Value = Step> {
        let range = (1u64..12, 0u64..6).prop_map(|(first, more)| (first, first + more));
        prop_oneof![
            (1u8..4, range.clone()).prop_map(|(peer, (first, last))| Step::Claim(peer, first, last)),
            (1u8..4, range.clone()).prop_map(|(peer, (first, last))| Step::Release(peer, first, last)),
            (1u8..4, range).prop_map(|(peer, (first, last))| Step::Lend(peer, first, last)),
            (1u8..4).prop_map(Step::Leave),
        ]
    }

    proptest! {
        #[test]
        fn the_plan_is_a_map_from_place_to_peer_but_for_what_was_lent(steps in proptest::collection::vec(step(), 0..40)) {
            let mut planner = Planner::default();
            // Of each place: who fetches it, and whether that may be asked of others. A claim is lent as a whole.
            let mut model: BTreeMap<(u64, u8), (bool, u64)> = BTreeMap::new();
            let mut claims = 0;
            for step in steps {
                match step {
                    Step::Claim(number, first, last) => {
                        let got: BTreeSet<u64> =
                            planner.claim(peer(number), sample_log(), first, last).into_iter().flat_map(|(a, b)| a..=b).collect();
                        let is_free = |place: &u64| {
                            (1..4).all(|other| model.get(&(*place, other)).is_none_or(|(lent, _)| *lent && other != number))
                        };
                        let free: BTreeSet<u64> = (first..=last).filter(is_free).collect();
                        prop_assert_eq!(&got, &free);
                        let mut before = None;
                        for place in free {
                            claims += u64::from(before != Some(place - 1));
                            before = Some(place);
                            model.insert((place, number), (false, claims));
                        }
                    }
                    Step::Release(number, first, last) => {
                        planner.release(peer(number), sample_log(), first, last);
                        model.retain(|(place, owner), _| *owner != number || *place < first || *place > last);
                    }
                    Step::Lend(number, first, last) => {
                        // Parts of one claim that were separated by a release are claims of their own.
                        let mut previous: Option<(u64, u64)> = None;
                        let mut part = 0;
                        let mut parts: BTreeMap<u64, u64> = BTreeMap::new();
                        for ((place, _), (_, claim)) in model.iter().filter(|((_, owner), _)| *owner == number) {
                            part += u64::from(previous != Some((place - 1, *claim)));
                            previous = Some((*place, *claim));
                            parts.insert(*place, part);
                        }
                        let lent: BTreeSet<u64> = parts.range(first..=last).map(|(_, part)| *part).collect();
                        let expected = parts.iter().any(|(place, part)| lent.contains(part) && !model[&(*place, number)].0);
                        prop_assert_eq!(planner.lend(peer(number), sample_log(), first, last), expected);
                        for (place, part) in parts {
                            if let (true, Some((is_lent, _))) = (lent.contains(&part), model.get_mut(&(place, number))) {
                                *is_lent = true;
                            }
                        }
                    }
                    Step::Leave(number) => {
                        planner.release_all(peer(number));
                        model.retain(|(_, owner), _| *owner != number);
                    }
                }
            }
            prop_assert_eq!(planner.is_idle(), model.is_empty());
        }
    }
}
