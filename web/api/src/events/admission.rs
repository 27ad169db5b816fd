//! Spreads the crowd: after a power cut every browser comes back in the same second.

use std::num::NonZeroU32;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use crate::limits::STREAMS_PER_SECOND;
use crate::problem::Problem;

/// Those who come too many at once are told to return within so many seconds, each at another one.
const SPREAD_S: u16 = 30;

pub struct Admission(DefaultDirectRateLimiter);

impl Admission {
    pub fn new() -> Self {
        let rate = NonZeroU32::new(STREAMS_PER_SECOND).unwrap_or(NonZeroU32::MIN);
        Self(RateLimiter::direct(Quota::per_second(rate)))
    }

    /// # Errors
    /// 503 with a time to wait. The client's `port` spreads the times: neighbours have different ones.
    pub fn admit(&self, port: u16) -> Result<(), Problem> {
        self.0.check().map_err(|_| Problem::retry("busy", u32::from(port % SPREAD_S) + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_is_told_to_come_back_at_different_times() {
        let admission = Admission::new();
        let refused: Vec<u32> =
            (0..STREAMS_PER_SECOND as u16 * 3).filter_map(|port| admission.admit(port).err()?.retry_after_s).collect();
        assert!(refused.len() >= STREAMS_PER_SECOND as usize, "{}", refused.len());
        assert!(refused.iter().all(|seconds| (1..=u32::from(SPREAD_S)).contains(seconds)));
        assert!(refused.iter().collect::<std::collections::BTreeSet<_>>().len() == usize::from(SPREAD_S));
    }
}
