//! What a replica holds of each log, and the one definition of its digest.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::limits::HELD_RANGES_MAX;
use crate::log::{Branch, Hash, LogId};
use crate::wire::Malformed;

/// A run of entries held above the contiguous part of a log: both ends included.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash, Serialize, Deserialize)]
pub struct HeldRange {
    pub first: u64,
    pub last: u64,
    /// h(last).
    pub hash: Hash,
}

/// Exactly what is held of one log: the first `length` entries, and ranges above them.
#[derive(Clone, PartialEq, Eq, Debug, Hash, Serialize, Deserialize)]
pub struct LogState {
    pub length: u64,
    /// h(length); the genesis hash when the length is 0.
    pub hash: Hash,
    /// Ascending, apart from each other and from the contiguous part by at least one missing entry.
    pub above: Vec<HeldRange>,
}

impl LogState {
    /// Of a log of which nothing is held; of a branch, what is before its first entry.
    pub fn empty(log: &LogId) -> Self {
        Self { length: log.before(), hash: log.genesis(), above: Vec::new() }
    }

    /// The highest entry held; 0 for none.
    pub fn last(&self) -> u64 {
        self.above.last().map_or(self.length, |range| range.last)
    }

    pub fn holds(&self, seq: u64) -> bool {
        seq >= 1 && (seq <= self.length || self.above.iter().any(|range| range.first <= seq && seq <= range.last))
    }

    /// Number of entries held; of a branch, with those before it.
    pub fn count(&self) -> u64 {
        self.length + self.above.iter().map(|range| range.last - range.first + 1).sum::<u64>()
    }

    /// The ranges (both ends included) that `self` lacks and `other` holds, ascending.
    pub fn missing_from(&self, other: &Self) -> Vec<(u64, u64)> {
        let held = |state: &Self| {
            let contiguous = (state.length > 0).then_some((1, state.length));
            contiguous.into_iter().chain(state.above.iter().map(|range| (range.first, range.last))).collect::<Vec<_>>()
        };
        let mine = held(self);
        let mut missing = Vec::new();
        for (first, last) in held(other) {
            let mut next = first;
            for &(my_first, my_last) in &mine {
                if my_last < next || my_first > last {
                    continue;
                }
                if my_first > next {
                    missing.push((next, my_first - 1));
                }
                next = my_last + 1;
            }
            if next <= last {
                missing.push((next, last));
            }
        }
        missing
    }

    /// The state after entries `first ..= last` (with h(last) = `end`) are held too, or `None` when that would make more
    /// than [`HELD_RANGES_MAX`] ranges. The caller has checked that hashes agree where runs touch or overlap.
    #[must_use]
    pub fn with(&self, first: u64, last: u64, end: Hash) -> Option<Self> {
        let mut added = HeldRange { first, last, hash: end };
        let mut contiguous = (self.length, self.hash);
        let mut above = Vec::with_capacity(self.above.len() + 1);
        for range in &self.above {
            if range.last.saturating_add(1) < added.first || added.last.saturating_add(1) < range.first {
                above.push(*range);
                continue;
            }
            added.first = added.first.min(range.first);
            if range.last > added.last {
                added = HeldRange { first: added.first, ..*range };
            }
        }
        if added.first <= contiguous.0 + 1 {
            if added.last > contiguous.0 {
                contiguous = (added.last, added.hash);
            }
        } else {
            let place = above.partition_point(|range| range.first < added.first);
            above.insert(place, added);
        }
        (above.len() <= HELD_RANGES_MAX).then_some(Self { length: contiguous.0, hash: contiguous.1, above })
    }

    /// Refuses what no honest replica can offer under this name: of a branch at least its first entry is held, and
    /// nothing above a gap.
    pub fn check_line(&self, branch: Option<&Branch>) -> Result<(), Malformed> {
        let sound = |branch: &Branch| branch.first >= 1 && self.length >= branch.first && self.above.is_empty();
        if !branch.is_none_or(sound) {
            return Err(Malformed::Invalid { what: "log state", reason: "not what can be held of a branch" });
        }
        self.check()
    }

    /// Refuses what no honest replica can hold: overlapping, touching or unordered ranges, or too many of them.
    pub fn check(&self) -> Result<(), Malformed> {
        let invalid = |reason| Err(Malformed::Invalid { what: "log state", reason });
        if self.above.len() > HELD_RANGES_MAX {
            return invalid("more ranges than the limit");
        }
        let mut end = self.length;
        for range in &self.above {
            if range.last < range.first || range.first <= end.saturating_add(1) || range.last == u64::MAX {
                return invalid("ranges overlap, touch or are out of order");
            }
            end = range.last;
        }
        Ok(())
    }

    /// This line's part of the room's digest.
    pub fn digest(&self, log: &LogId) -> Digest {
        let mut ranges = Vec::with_capacity(self.above.len() * 48);
        for range in &self.above {
            ranges.extend_from_slice(&range.first.to_be_bytes());
            ranges.extend_from_slice(&range.last.to_be_bytes());
            ranges.extend_from_slice(range.hash.as_bytes());
        }
        let line = [&log.to_bytes()[..], &self.length.to_be_bytes(), self.hash.as_bytes(), &ranges];
        match &log.branch {
            None => Digest::of("noroshi/digest/log/1", &line),
            Some(branch) => {
                let name = [&branch.first.to_be_bytes()[..], branch.hash.as_bytes()];
                Digest::of("noroshi/digest/branch/1", &[&name[..], &line].concat())
            }
        }
    }
}

/// Exactly what a replica holds of a room.
pub type Frontier = BTreeMap<LogId, LogState>;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn state(length: u64, above: &[(u64, u64)]) -> LogState {
        let hash = Hash::from_bytes([0; 32]);
        let above = above.iter().map(|&(first, last)| HeldRange { first, last, hash }).collect();
        LogState { length, hash, above }
    }

    #[test]
    fn what_is_missing_is_named_range_by_range() {
        let mine = state(3, &[(6, 7)]);
        assert_eq!(mine.missing_from(&state(10, &[])), vec![(4, 5), (8, 10)]);
        assert_eq!(mine.missing_from(&state(2, &[(5, 8)])), vec![(5, 5), (8, 8)]);
        assert_eq!(mine.missing_from(&state(3, &[])), vec![]);
        assert_eq!(state(0, &[]).missing_from(&state(1, &[])), vec![(1, 1)]);
    }

    #[test]
    fn impossible_states_are_refused() {
        assert!(state(3, &[(5, 6), (8, 8)]).check().is_ok());
        for bad in [state(3, &[(4, 5)]), state(3, &[(2, 5)]), state(0, &[(3, 2)]), state(0, &[(3, 4), (5, 6)])] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
        let gaps = |count: u64| state(0, &(1..=count).map(|n| (n * 3, n * 3)).collect::<Vec<_>>());
        assert!(gaps(8).check().is_ok());
        assert!(gaps(9).check().is_err());
    }

    fn arbitrary_state() -> impl Strategy<Value = LogState> {
        (0u64..6, proptest::collection::vec((2u64..4, 0u64..3), 0..4)).prop_map(|(length, parts)| {
            let mut end = length;
            let ranges: Vec<_> = parts
                .into_iter()
                .map(|(gap, more)| {
                    let first = end + gap;
                    end = first + more;
                    (first, end)
                })
                .collect();
            state(length, &ranges)
        })
    }

    proptest! {
        #[test]
        fn adding_a_run_holds_exactly_the_union(mine in arbitrary_state(), first in 1u64..20, more in 0u64..8) {
            let last = first + more;
            let after = mine.with(first, last, Hash::from_bytes([1; 32])).unwrap();
            prop_assert!(after.check().is_ok(), "{:?}", after);
            for seq in 1..40 {
                prop_assert_eq!(after.holds(seq), mine.holds(seq) || (first <= seq && seq <= last), "entry {}", seq);
            }
        }

        #[test]
        fn missing_is_exactly_the_set_difference(mine in arbitrary_state(), theirs in arbitrary_state()) {
            prop_assert!(mine.check().is_ok() && theirs.check().is_ok());
            let ranges = mine.missing_from(&theirs);
            for seq in 1..=theirs.last() + 1 {
                let named = ranges.iter().any(|&(first, last)| first <= seq && seq <= last);
                prop_assert_eq!(named, theirs.holds(seq) && !mine.holds(seq), "entry {}", seq);
            }
        }
    }
}
