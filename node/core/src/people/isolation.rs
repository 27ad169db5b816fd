//! Whether headquarters is out of sight, and since when it is back: leases are longer where nobody can be asked.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use super::sessions::mono_ms;
use crate::clock::Clock;

/// No isolation is remembered.
const NEVER: i64 = i64::MIN;

#[derive(Debug)]
pub(crate) struct Isolation {
    now: AtomicBool,
    /// When it was seen last, by the monotonic clock.
    last_ms: AtomicI64,
}

impl Default for Isolation {
    fn default() -> Self {
        Self { now: AtomicBool::new(false), last_ms: AtomicI64::new(NEVER) }
    }
}

impl Isolation {
    pub fn note(&self, isolated: bool, clock: &dyn Clock) {
        let before = self.now.swap(isolated, Ordering::Relaxed);
        if isolated || before {
            self.last_ms.store(mono_ms(clock), Ordering::Relaxed);
        }
    }

    pub fn is_now(&self) -> bool {
        self.now.load(Ordering::Relaxed)
    }

    /// Whether the office is isolated, or was within this many milliseconds.
    pub fn lately(&self, within_ms: u64, clock: &dyn Clock) -> bool {
        let last = self.last_ms.load(Ordering::Relaxed);
        self.is_now() || last != NEVER && mono_ms(clock) < last.saturating_add_unsigned(within_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct At(u64);

    impl Clock for At {
        fn wall_ms(&self) -> u64 {
            self.0
        }
        fn mono_ms(&self) -> u64 {
            self.0
        }
    }

    #[test]
    fn isolation_is_remembered_for_a_while() {
        let isolation = Isolation::default();
        isolation.note(false, &At(0));
        assert!(!isolation.lately(1_000, &At(0)));
        isolation.note(true, &At(10));
        assert!(isolation.is_now() && isolation.lately(0, &At(10)));
        isolation.note(false, &At(5_000));
        assert!(!isolation.is_now() && isolation.lately(1_000, &At(5_999)) && !isolation.lately(1_000, &At(6_000)));
        isolation.note(false, &At(7_000));
        assert!(!isolation.lately(1_000, &At(7_000)));
    }
}
