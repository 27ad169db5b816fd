//! How often a log-in may be tried: a few times in ten minutes for each account, right or wrong.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use crate::limits::{LOGIN_ACCOUNTS_MAX, LOGIN_ATTEMPTS_MAX, LOGIN_WINDOW_MS, SUSPENSIONS_MAX, SUSPENSIONS_WINDOW_MS};

/// The latest attempts of each account, by monotonic time. In memory: a restart forgives.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    accounts: Mutex<HashMap<String, VecDeque<u64>>>,
}

impl Attempts {
    /// Counts an attempt, or says after how many seconds the next one may be made. A name nobody has counts like any
    /// other, so that this tells nothing about who exists.
    pub fn begin(&self, account: &str, now_ms: u64) -> Result<(), u32> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if accounts.len() >= LOGIN_ACCOUNTS_MAX && !accounts.contains_key(account) {
            forget(&mut accounts, now_ms);
        }
        let times = accounts.entry(account.to_owned()).or_default();
        begin(times, now_ms, LOGIN_ATTEMPTS_MAX, LOGIN_WINDOW_MS)
    }

    /// The same for what happens more often: [`SUSPENSIONS_MAX`] in [`SUSPENSIONS_WINDOW_MS`].
    pub fn begin_many(&self, what: &str, now_ms: u64) -> Result<(), u32> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let times = accounts.entry(what.to_owned()).or_default();
        begin(times, now_ms, SUSPENSIONS_MAX, SUSPENSIONS_WINDOW_MS)
    }

    /// A right password ends the counting: who knows it is not guessing.
    pub fn succeeded(&self, account: &str) {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner).remove(account);
    }
}

/// Makes room: accounts whose last attempt is over, or the one that waited longest.
fn forget(accounts: &mut HashMap<String, VecDeque<u64>>, now_ms: u64) {
    accounts.retain(|_, times| times.back().is_some_and(|time| now_ms.saturating_sub(*time) < LOGIN_WINDOW_MS));
    if accounts.len() >= LOGIN_ACCOUNTS_MAX {
        let oldest = accounts.iter().min_by_key(|(_, times)| times.back().copied()).map(|(account, _)| account.clone());
        oldest.map(|account| accounts.remove(&account));
    }
}

/// Notes one more, or says after how many seconds there is room for it.
fn begin(times: &mut VecDeque<u64>, now_ms: u64, most: usize, window_ms: u64) -> Result<(), u32> {
    while times.front().is_some_and(|time| now_ms.saturating_sub(*time) >= window_ms) {
        times.pop_front();
    }
    if times.len() >= most {
        let free_ms = times.front().map_or(0, |first| first.saturating_add(window_ms));
        let wait_s = free_ms.saturating_sub(now_ms).div_ceil(1_000).max(1);
        return Err(u32::try_from(wait_s).unwrap_or(u32::MAX));
    }
    times.push_back(now_ms);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_attempts_in_ten_minutes() {
        let attempts = Attempts::default();
        for attempt in 0..LOGIN_ATTEMPTS_MAX as u64 {
            assert_eq!(attempts.begin("sato", attempt * 1_000), Ok(()));
        }
        assert_eq!(attempts.begin("sato", 10_000), Err(590));
        assert_eq!(attempts.begin("suzuki", 10_000), Ok(()));
        assert_eq!(attempts.begin("sato", LOGIN_WINDOW_MS - 1), Err(1));
        assert_eq!(attempts.begin("sato", LOGIN_WINDOW_MS), Ok(()));
        assert_eq!(attempts.begin("sato", LOGIN_WINDOW_MS), Err(1));
    }

    #[test]
    fn a_right_password_ends_the_counting() {
        let attempts = Attempts::default();
        for _ in 0..30 {
            assert_eq!(attempts.begin("sato", 0), Ok(()));
            attempts.succeeded("sato");
        }
    }

    #[test]
    fn guessing_names_does_not_grow_without_bound() {
        let attempts = Attempts::default();
        for number in 0..LOGIN_ACCOUNTS_MAX + 10 {
            assert_eq!(attempts.begin(&format!("nobody{number}"), 0), Ok(()));
        }
        assert!(attempts.accounts.lock().unwrap().len() <= LOGIN_ACCOUNTS_MAX);
    }
}
