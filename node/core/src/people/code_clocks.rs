//! When device codes end by the monotonic clock: a wall clock that is set back lengthens nothing. In memory, so after a
//! restart the wall clock alone decides.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// An ended code is remembered this long, milliseconds: far longer than a wall clock is wrong unnoticed.
const REMEMBERED_MS: u64 = 30 * 24 * 3_600_000;

/// The end of each code by its hash, by monotonic time.
#[derive(Debug, Default)]
pub(crate) struct CodeClocks {
    ends_ms: Mutex<HashMap<[u8; 32], u64>>,
}

impl CodeClocks {
    pub fn begin(&self, code: [u8; 32], life_ms: u64, now_ms: u64) {
        let mut ends_ms = self.ends_ms.lock().unwrap_or_else(PoisonError::into_inner);
        ends_ms.retain(|_, end_ms| end_ms.saturating_add(REMEMBERED_MS) > now_ms);
        ends_ms.insert(code, now_ms.saturating_add(life_ms));
    }

    pub fn is_over(&self, code: &[u8; 32], now_ms: u64) -> bool {
        let ends_ms = self.ends_ms.lock().unwrap_or_else(PoisonError::into_inner);
        ends_ms.get(code).is_some_and(|end_ms| *end_ms <= now_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_ends_by_itself_and_is_not_forgotten_at_once() {
        let clocks = CodeClocks::default();
        clocks.begin([1; 32], 1_000, 500);
        assert!(!clocks.is_over(&[1; 32], 1_499) && clocks.is_over(&[1; 32], 1_500));
        clocks.begin([2; 32], 1_000, 1_500 + REMEMBERED_MS - 1);
        assert!(clocks.is_over(&[1; 32], 2_000 + REMEMBERED_MS));
        clocks.begin([2; 32], 1_000, 1_500 + REMEMBERED_MS);
        assert!(!clocks.is_over(&[1; 32], 2_000 + REMEMBERED_MS), "long ago");
        assert!(!clocks.is_over(&[3; 32], u64::MAX), "of another run of the program");
    }
}
