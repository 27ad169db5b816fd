//! Where the domain's time comes from, so that tests and simulated drills can set it.

use std::time::Instant;

use std::fmt;

/// Time as this machine sees it.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Milliseconds since 1970; may jump.
    fn wall_ms(&self) -> u64;
    /// Milliseconds from any start; never goes back.
    fn mono_ms(&self) -> u64;
}

/// The machine's own clocks.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn wall_ms(&self) -> u64 {
        // Negative before 1970: such a clock is unset, and 1970 is as wrong as any other time.
        u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0)
    }
    fn mono_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_knows_the_time() {
        let clock = SystemClock::new();
        assert!(clock.wall_ms() > 1_700_000_000_000);
        let first = clock.mono_ms();
        assert!(clock.mono_ms() >= first);
    }
}
