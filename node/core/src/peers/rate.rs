//! How fast what is missing between two nodes becomes less, and so how long the rest will take.
//!
//! Measured by what counts for people, the entries that are missing, whatever way they take: directly or over others.

/// Closer measurements say nothing.
const BETWEEN_MS: u64 = 2_000;
/// The newest measurement counts half.
const NEWEST: f64 = 0.5;

#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Rate {
    /// Of the last measurement, by the monotonic clock.
    last: Option<(u64, u64, u64)>,
    per_s: Option<f64>,
}

impl Rate {
    /// Entries missing here and there, now.
    #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
    pub fn note(&mut self, here: u64, there: u64, now_ms: u64) {
        if here == 0 && there == 0 {
            *self = Self::default();
            return;
        }
        let Some((before_here, before_there, before_ms)) = self.last else {
            self.last = Some((here, there, now_ms));
            return;
        };
        let passed_ms = now_ms.saturating_sub(before_ms);
        if passed_ms < BETWEEN_MS {
            return;
        }
        // What becomes more on one side (new messages) must not hide what goes forward on the other.
        let moved = before_here.saturating_sub(here) + before_there.saturating_sub(there);
        let measured = moved as f64 * 1_000.0 / passed_ms as f64;
        self.per_s = Some(self.per_s.map_or(measured, |before| before * (1.0 - NEWEST) + measured * NEWEST));
        self.last = Some((here, there, now_ms));
    }

    /// Entries a second; `None` while nothing is missing or nothing is known. Never zero.
    pub fn per_s(&self) -> Option<f64> {
        self.per_s.filter(|rate| *rate >= 0.001)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_what_goes_forward_in_a_second() {
        let mut rate = Rate::default();
        rate.note(100, 0, 0);
        assert_eq!(rate.per_s(), None);
        rate.note(90, 0, 1_999);
        assert_eq!(rate.per_s(), None, "too soon to say");
        rate.note(80, 0, 2_000);
        assert_eq!(rate.per_s(), Some(10.0));
        rate.note(60, 0, 4_000);
        assert_eq!(rate.per_s(), Some(10.0));
    }

    #[test]
    fn new_messages_on_one_side_do_not_hide_what_goes_forward() {
        let mut rate = Rate::default();
        rate.note(100, 10, 0);
        rate.note(80, 500, 2_000);
        assert_eq!(rate.per_s(), Some(10.0));
    }

    #[test]
    fn a_line_at_rest_has_no_rate_and_nothing_missing_needs_none() {
        let mut rate = Rate::default();
        for at in 0..40 {
            rate.note(7, 0, at * 2_000);
        }
        assert_eq!(rate.per_s(), None);
        rate.note(1, 0, 100_000);
        assert!(rate.per_s().is_some());
        rate.note(0, 0, 100_001);
        assert_eq!(rate.per_s(), None);
    }
}
