//! Slows down whoever tries passwords from one address.
//!
//! An attempt costs a token that a successful log-in gives back: two hundred people behind one terminal server can all
//! log in after a power cut, while somebody who guesses runs dry. Attempts on one account are limited by the node.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::limits::{LOGIN_FAILURES_PER_ADDRESS, LOGIN_WINDOW};
use crate::problem::Problem;
use crate::server::permits::neighbourhood;

/// Addresses remembered; beyond that those that are full again are forgotten first.
const ADDRESSES_MAX: usize = 10_000;

pub struct LoginLimit {
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

/// Tokens left, as they were at a moment.
#[derive(Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

/// A running attempt. Dropping it counts as a failure.
pub struct Attempt<'a> {
    limit: &'a LoginLimit,
    address: IpAddr,
}

impl LoginLimit {
    pub fn new() -> Self {
        Self { buckets: Mutex::default() }
    }

    /// # Errors
    /// 429 with the time to wait, when the address has no attempt left.
    pub fn begin(&self, address: IpAddr, now: Instant) -> Result<Attempt<'_>, Problem> {
        let address = neighbourhood(address);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= ADDRESSES_MAX && !buckets.contains_key(&address) {
            buckets.retain(|_, bucket| bucket.filled(now).tokens < full());
            if buckets.len() >= ADDRESSES_MAX {
                return Err(wait(LOGIN_WINDOW));
            }
        }
        let bucket = buckets.entry(address).or_insert(Bucket { tokens: full(), at: now });
        *bucket = bucket.filled(now);
        if bucket.tokens < 1.0 {
            return Err(wait(LOGIN_WINDOW.mul_f64((1.0 - bucket.tokens) / full())));
        }
        bucket.tokens -= 1.0;
        Ok(Attempt { limit: self, address })
    }
}

impl Attempt<'_> {
    /// The password was right: the attempt does not count.
    pub fn succeeded(self) {
        let mut buckets = self.limit.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get_mut(&self.address) {
            bucket.tokens = (bucket.tokens + 1.0).min(full());
        }
    }
}

impl Bucket {
    fn filled(self, now: Instant) -> Self {
        let share = now.saturating_duration_since(self.at).as_secs_f64() / LOGIN_WINDOW.as_secs_f64();
        Self { tokens: (self.tokens + share * full()).min(full()), at: now }
    }
}

fn full() -> f64 {
    f64::from(LOGIN_FAILURES_PER_ADDRESS)
}

fn wait(time: Duration) -> Problem {
    let seconds = time.as_secs_f64().ceil().max(1.0) as u32;
    Problem::retry("too_many", seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

    #[test]
    fn sixty_failures_pass_and_the_next_waits() {
        let limit = LoginLimit::new();
        let now = Instant::now();
        for attempt in 0..LOGIN_FAILURES_PER_ADDRESS {
            assert!(limit.begin(HERE, now).is_ok(), "attempt {attempt}");
        }
        let refused = limit.begin(HERE, now).err().unwrap();
        assert_eq!((refused.code, refused.retry_after_s), ("too_many", Some(10)));
        assert!(limit.begin("192.0.2.8".parse().unwrap(), now).is_ok(), "others are not disturbed");
        assert!(limit.begin(HERE, now + Duration::from_secs(10)).is_ok(), "one attempt comes back");
        assert!(limit.begin(HERE, now + Duration::from_secs(10)).is_err());
    }

    #[test]
    fn whoever_knows_the_password_is_never_slowed_down() {
        let limit = LoginLimit::new();
        let now = Instant::now();
        for _ in 0..1_000 {
            limit.begin(HERE, now).ok().unwrap().succeeded();
        }
    }

    #[test]
    fn memory_is_bounded_and_addresses_are_forgotten() {
        let limit = LoginLimit::new();
        let now = Instant::now();
        let address = |n: usize| IpAddr::from(u32::try_from(n).unwrap().to_be_bytes());
        for n in 0..ADDRESSES_MAX {
            assert!(limit.begin(address(n), now).is_ok());
        }
        assert!(limit.begin(address(ADDRESSES_MAX), now).is_err(), "full of addresses that just failed");
        let later = now + LOGIN_WINDOW;
        assert!(limit.begin(address(ADDRESSES_MAX), later).is_ok());
        assert_eq!(limit.buckets.lock().unwrap().len(), 1);
    }
}
