//! The hybrid logical clock: an entry sorts after everything its writer had seen, whatever the wall clocks say.
//!
//! Source: Kulkarni et al., "Logical Physical Clocks", 2014. 48 bits of milliseconds since 1970, 16 bits of counter.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::TIME_MS_MAX;

/// One stamp; compares as the order of events.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Hlc(u64);

impl Hlc {
    pub const ZERO: Self = Self(0);

    pub const fn from_parts(ms: u64, counter: u16) -> Self {
        Self((ms << 16) | counter as u64)
    }
    pub const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }
    pub const fn raw(self) -> u64 {
        self.0
    }
    /// Milliseconds since 1970.
    pub const fn ms(self) -> u64 {
        self.0 >> 16
    }
    pub const fn counter(self) -> u16 {
        self.0 as u16
    }
    /// A stamp after the year 2100 is malformed; so is zero, which nobody can have written.
    pub const fn is_well_formed(self) -> bool {
        self.0 != 0 && self.ms() <= TIME_MS_MAX
    }

    /// The stamp of something that happens now on a node that has seen `self`: greater than `self`, not before `now_ms`.
    ///
    /// A full counter carries into the milliseconds, so the order holds even for 65,536 events in one millisecond.
    #[must_use]
    pub const fn tick(self, now_ms: u64) -> Self {
        let now_ms = if now_ms > TIME_MS_MAX { TIME_MS_MAX } else { now_ms };
        let now = Self::from_parts(now_ms, 0);
        if now.0 > self.0 { now } else { Self(self.0.saturating_add(1)) }
    }

    /// What a node has seen after receiving `other`.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        self.max(other)
    }
}

impl fmt::Debug for Hlc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hlc({}.{})", self.ms(), self.counter())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_tick_is_after_all_that_was_seen(seen in 0..=(TIME_MS_MAX << 16), now in any::<u64>()) {
            let seen = Hlc::from_raw(seen);
            prop_assert!(seen.tick(now) > seen);
        }
    }

    #[test]
    fn a_wrong_clock_never_moves_the_order_back() {
        let seen = Hlc::from_parts(2_000_000, 5);
        assert_eq!(seen.tick(0), Hlc::from_parts(2_000_000, 6));
        assert_eq!(seen.tick(3_000_000), Hlc::from_parts(3_000_000, 0));
    }

    #[test]
    fn a_full_counter_carries() {
        assert_eq!(Hlc::from_parts(10, u16::MAX).tick(10), Hlc::from_parts(11, 0));
    }

    #[test]
    fn the_year_2100_is_the_last() {
        assert!(Hlc::from_parts(TIME_MS_MAX, 0).is_well_formed());
        assert!(!Hlc::from_parts(TIME_MS_MAX + 1, 0).is_well_formed());
        assert!(!Hlc::ZERO.is_well_formed());
    }
}
