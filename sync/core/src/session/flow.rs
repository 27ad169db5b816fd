//! How much history may be asked for at once, so that it suits the line: the receiver sets the pace.
//!
//! Nobody knows the rate of a line beforehand. A small amount is asked for; what is answered within a second was too little
//! and is doubled, what takes longer than four or does not come is halved. So a satellite line has one frame of history under
//! way, and a LAN megabytes.

use crate::event::Now;
use crate::frame::Class;
use crate::limits::{BACKFILL_OVERDUE_MS, FLOW_BYTES_MAX, FLOW_BYTES_MIN, FLOW_BYTES_START, RETRY_AFTER_MS_MAX};

/// Answered within this time: more may be under way.
const QUICK_MS: u64 = 1_000;
/// Not answered within this time: too much is under way.
const SLOW_MS: u64 = 4_000;
/// Bytes of an entry on the wire before one was seen.
const ENTRY_BYTES_START: u64 = 256;
/// Round trip before one was measured, milliseconds.
const ROUND_TRIP_MS_START: u64 = 500;

/// See the module.
#[derive(Debug)]
pub(super) struct Flow {
    budget_bytes: u64,
    entry_bytes: u64,
    round_trip_ms: Option<u64>,
    /// The peer has too many others, or this node has; until then no history is asked for.
    paused_until: Option<u64>,
}

impl Default for Flow {
    fn default() -> Self {
        Self { budget_bytes: FLOW_BYTES_START, entry_bytes: ENTRY_BYTES_START, round_trip_ms: None, paused_until: None }
    }
}

impl Flow {
    /// Entries of one class that may be under way.
    pub fn entries(&self) -> u64 {
        (self.budget_bytes / self.entry_bytes.max(1)).max(1)
    }

    /// Entries that one request asks for, so that several are under way and the next is asked for in time.
    pub fn request_entries(&self) -> u64 {
        (self.entries() / 4).max(1)
    }

    /// Data came: so many bytes for so many entries.
    pub fn arrived(&mut self, bytes: u64, entries: u64) {
        if let Some(each) = bytes.checked_div(entries) {
            self.entry_bytes = (3 * self.entry_bytes + each.max(1)).div_ceil(4);
        }
    }

    /// A request was answered in full. `was_limited`: more would have been asked for if it had been allowed.
    pub fn answered(&mut self, took_ms: u64, was_limited: bool) {
        if took_ms <= QUICK_MS && was_limited {
            self.budget_bytes = (self.budget_bytes * 2).min(FLOW_BYTES_MAX);
        } else if took_ms > SLOW_MS {
            self.halve();
        }
    }

    pub fn halve(&mut self) {
        self.budget_bytes = (self.budget_bytes / 2).max(FLOW_BYTES_MIN);
    }

    pub fn measured(&mut self, round_trip_ms: u64) {
        let before = self.round_trip_ms.unwrap_or(round_trip_ms);
        self.round_trip_ms = Some((3 * before + round_trip_ms) / 4);
    }

    /// So long a request of this class may go without any answer before somebody else may be asked, milliseconds.
    pub fn patience_ms(&self, class: Class) -> u64 {
        let round_trip_ms = self.round_trip_ms.unwrap_or(ROUND_TRIP_MS_START);
        if is_history(class) { BACKFILL_OVERDUE_MS + 4 * round_trip_ms } else { 2 * round_trip_ms + 1_000 }
    }

    /// No history for this time.
    pub fn pause(&mut self, now: Now, for_ms: u64) {
        let until_ms = now.mono_ms + for_ms.min(RETRY_AFTER_MS_MAX);
        self.paused_until = Some(self.paused_until.map_or(until_ms, |before| before.max(until_ms)));
    }

    pub fn is_paused(&self) -> bool {
        self.paused_until.is_some()
    }

    pub fn paused_until(&self) -> Option<u64> {
        self.paused_until
    }

    /// Whether a pause has just ended.
    pub fn resumes(&mut self, now: Now) -> bool {
        let is_over = self.paused_until.is_some_and(|until_ms| now.mono_ms >= until_ms);
        if is_over {
            self.paused_until = None;
        }
        is_over
    }
}

/// What can wait: it has a budget, and needs a place at both sides.
pub(super) fn is_history(class: Class) -> bool {
    class >= Class::Backfill
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_slow_line_gets_little_and_a_fast_one_all_there_is() {
        let mut slow = Flow::default();
        slow.arrived(10_000, 40);
        for _ in 0..20 {
            slow.answered(SLOW_MS + 1, true);
        }
        assert_eq!(slow.entries(), (FLOW_BYTES_MIN / slow.entry_bytes).max(1));
        let mut fast = Flow::default();
        for _ in 0..20 {
            fast.answered(QUICK_MS, true);
        }
        assert_eq!(fast.budget_bytes, FLOW_BYTES_MAX);
        // What was not needed does not grow, and what fits stays.
        let mut idle = Flow::default();
        idle.answered(1, false);
        idle.answered(SLOW_MS, true);
        assert_eq!(idle.budget_bytes, FLOW_BYTES_START);
    }

    #[test]
    fn patience_follows_the_round_trip_and_history_waits_longer() {
        let mut flow = Flow::default();
        assert_eq!(flow.patience_ms(Class::Urgent), 2_000);
        flow.measured(600);
        assert_eq!((flow.patience_ms(Class::Newest), flow.patience_ms(Class::Control)), (2_200, 2_200));
        assert_eq!(flow.patience_ms(Class::Backfill), BACKFILL_OVERDUE_MS + 2_400);
    }

    #[test]
    fn a_pause_ends_and_is_no_longer_than_it_may_be() {
        let mut flow = Flow::default();
        let at = |mono_ms| Now { mono_ms, wall_ms: 0 };
        flow.pause(at(1_000), u64::MAX);
        assert!(flow.is_paused() && !flow.resumes(at(1_000 + RETRY_AFTER_MS_MAX - 1)));
        assert!(flow.resumes(at(1_000 + RETRY_AFTER_MS_MAX)) && !flow.is_paused());
    }

    proptest! {
        #[test]
        fn budgets_stay_within_their_limits(steps in proptest::collection::vec((0u64..20_000, any::<bool>(), 0u64..1_000_000, 0u64..5_000), 0..100)) {
            let mut flow = Flow::default();
            for (took_ms, limited, bytes, entries) in steps {
                flow.arrived(bytes, entries);
                flow.answered(took_ms, limited);
                prop_assert!((FLOW_BYTES_MIN..=FLOW_BYTES_MAX).contains(&flow.budget_bytes));
                prop_assert!(flow.entries() >= 1 && flow.request_entries() >= 1);
                prop_assert!(flow.request_entries() <= flow.entries());
            }
        }
    }
}
