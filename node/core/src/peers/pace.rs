//! When a node may tell the others of its lines again: soon after a change, seldom while a line flaps, and the larger the
//! report the seldomer, because it travels whole.

/// After a change so long for more changes.
const SETTLE_MS: u64 = 10_000;
/// Between two reports.
const BETWEEN_MS: u64 = 60_000;
/// And this much for each byte of the report: a report of 500 lines (about 8 KB) at most every nine minutes, 16 bytes a
/// second for each node that hears it.
const BETWEEN_MS_A_BYTE: u64 = 64;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pace {
    /// By the monotonic clock, with the bytes of the report.
    told: Option<(u64, usize)>,
}

impl Pace {
    /// How long to wait after a change that was seen now.
    pub fn delay_ms(&self, now_ms: u64) -> u64 {
        let earliest = self.told.map_or(0, |(at_ms, bytes)| {
            let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
            at_ms.saturating_add(BETWEEN_MS).saturating_add(bytes.saturating_mul(BETWEEN_MS_A_BYTE))
        });
        SETTLE_MS.max(earliest.saturating_sub(now_ms))
    }

    pub fn told(&mut self, now_ms: u64, bytes: usize) {
        self.told = Some((now_ms, bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soon_after_a_change_and_seldom_while_a_line_flaps() {
        let mut pace = Pace::default();
        assert_eq!(pace.delay_ms(5), SETTLE_MS);
        pace.told(100_000, 0);
        assert_eq!(pace.delay_ms(100_000), BETWEEN_MS);
        assert_eq!(pace.delay_ms(155_000), SETTLE_MS);
        assert_eq!(pace.delay_ms(1_000_000), SETTLE_MS);
        pace.told(1_000_000, 8_000);
        assert_eq!(pace.delay_ms(1_000_000), BETWEEN_MS + 512_000);
    }
}
