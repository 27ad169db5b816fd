//! What an interruption costs: entries that are sent to somebody who has them already.

use noroshi_sync::frontier::LogState;
use noroshi_sync::limits::CHECKPOINT_ENTRIES_MAX;

/// Windows that may be repeated for one interruption: the classes of a connection each carry one at a time.
pub(crate) const WINDOWS_REPEATED_MAX: u64 = 1;

/// Entries that arrived, and those that did so in vain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Arrivals {
    pub entries: u64,
    pub repeated: u64,
}

impl Arrivals {
    /// Entries `first ..= last` of a log arrive at a node that holds `held` of it.
    pub fn arrive(&mut self, held: &LogState, first: u64, last: u64) {
        let there = LogState { length: 0, above: vec![range(first, last, held)], ..held.clone() };
        let missing: u64 = held.missing_from(&there).iter().map(|(first, last)| last - first + 1).sum();
        self.entries += last + 1 - first;
        self.repeated += last + 1 - first - missing;
    }

    /// There were so many interruptions.
    pub fn check(&self, interruptions: u64) -> Result<(), String> {
        let most = interruptions * WINDOWS_REPEATED_MAX * CHECKPOINT_ENTRIES_MAX;
        if self.repeated <= most {
            return Ok(());
        }
        Err(format!(
            "{} of {} entries came to somebody who had them, after {interruptions} interruptions",
            self.repeated, self.entries
        ))
    }
}

fn range(first: u64, last: u64, state: &LogState) -> noroshi_sync::frontier::HeldRange {
    noroshi_sync::frontier::HeldRange { first, last, hash: state.hash }
}

#[cfg(test)]
mod tests {
    use noroshi_sync::log::Hash;

    use super::*;

    #[test]
    fn only_what_was_there_is_repeated() {
        let mut arrivals = Arrivals::default();
        let held = LogState { length: 10, hash: Hash::from_bytes([1; 32]), above: vec![] };
        let held = LogState { above: vec![range(20, 29, &held)], ..held };
        arrivals.arrive(&held, 11, 19);
        assert_eq!(arrivals, Arrivals { entries: 9, repeated: 0 });
        arrivals.arrive(&held, 9, 21);
        assert_eq!(arrivals, Arrivals { entries: 22, repeated: 4 });
    }

    #[test]
    fn one_window_an_interruption_and_no_more() {
        let repeated = |repeated| Arrivals { entries: 1_000, repeated };
        assert!(repeated(64).check(1).is_ok());
        assert!(repeated(65).check(1).is_err());
        assert!(repeated(1).check(0).is_err());
        assert!(repeated(0).check(0).is_ok());
    }
}
