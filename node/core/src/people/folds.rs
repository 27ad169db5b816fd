//! Many of the same become one: what happens again within a minute is counted and told as a number, so that nobody fills
//! the audit log by trying passwords.
//!
//! The first of a minute is to be written at once. A crash loses at most the counts of one minute, never that there was
//! something.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use noroshi_provisioning::audit::{AuditEvent, AuditKind};
use noroshi_sync::id::{DeviceId, UserId};

use crate::limits::{AUDIT_FOLD_MS, AUDIT_FOLDS_MAX};

/// What counts as the same.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct FoldKey {
    pub kind: AuditKind,
    /// Nil where nobody is known: what was typed is not kept, it may be a password.
    pub user: UserId,
    pub device: DeviceId,
    pub address: Option<IpAddr>,
    /// A word for programs.
    pub reason: String,
}

impl FoldKey {
    /// What is left when too many different things happen: only what sort it is.
    fn coarse(&self) -> Self {
        let (user, device) = (UserId::NIL, DeviceId::NIL);
        Self { kind: self.kind, user, device, address: None, reason: String::new() }
    }

    /// The event, so many times.
    pub fn event(&self, count: u32) -> AuditEvent {
        let address = self.address.map(|address| address.to_string()).unwrap_or_default();
        AuditEvent::new(self.kind, None).with("reason", &self.reason).with("address", &address).times(count)
    }
}

#[derive(Debug)]
struct Fold {
    /// Monotonic milliseconds.
    since_ms: u64,
    written: u32,
    waiting: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Folds {
    open: Mutex<HashMap<FoldKey, Fold>>,
}

impl Folds {
    /// What is to be written now for one more of these: nothing, if `singly` were written within the minute.
    pub fn begin(&self, key: FoldKey, singly: u32, now_ms: u64) -> Option<FoldKey> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let full = open.len() >= AUDIT_FOLDS_MAX && !open.contains_key(&key);
        let key = if full { key.coarse() } else { key };
        let fold = open.entry(key.clone()).or_insert(Fold { since_ms: now_ms, written: 0, waiting: 0 });
        if fold.written < singly {
            fold.written += 1;
            return Some(key);
        }
        fold.waiting = fold.waiting.saturating_add(1);
        None
    }

    /// Takes out what is over and was counted more than written, or everything.
    pub fn take(&self, all: bool, now_ms: u64) -> Vec<(FoldKey, u32)> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut counts = Vec::new();
        open.retain(|key, fold| {
            if !all && now_ms.saturating_sub(fold.since_ms) < AUDIT_FOLD_MS {
                return true;
            }
            if fold.waiting > 0 {
                counts.push((key.clone(), fold.waiting));
            }
            false
        });
        counts
    }

    /// Counts that could not be written: they are told the next time.
    pub fn give_back(&self, counts: Vec<(FoldKey, u32)>, now_ms: u64) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, count) in counts {
            let fold = open.entry(key).or_insert(Fold { since_ms: now_ms, written: u32::MAX, waiting: 0 });
            fold.waiting = fold.waiting.saturating_add(count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(user: u8, address: u8) -> FoldKey {
        FoldKey {
            kind: AuditKind::LogInRefused,
            user: UserId::from_bytes([user; 16]),
            device: DeviceId::NIL,
            address: Some(IpAddr::from([10, 0, 0, address])),
            reason: "wrong_credentials".into(),
        }
    }

    #[test]
    fn the_first_is_written_and_the_rest_of_the_minute_is_a_number() {
        let folds = Folds::default();
        assert_eq!(folds.begin(key(1, 1), 1, 0), Some(key(1, 1)));
        for _ in 0..1_000 {
            assert_eq!(folds.begin(key(1, 1), 1, 1), None);
        }
        assert_eq!(folds.begin(key(2, 1), 1, 1), Some(key(2, 1)), "somebody else");
        assert_eq!(folds.take(false, AUDIT_FOLD_MS - 1), []);
        assert_eq!(folds.take(false, AUDIT_FOLD_MS + 1), [(key(1, 1), 1_000)]);
        assert_eq!(folds.begin(key(1, 1), 1, AUDIT_FOLD_MS + 2), Some(key(1, 1)), "a new minute");
    }

    #[test]
    fn a_few_may_be_written_singly() {
        let folds = Folds::default();
        let written = (0..100).filter(|_| folds.begin(key(1, 1), 10, 0).is_some()).count();
        assert_eq!(written, 10);
        assert_eq!(folds.take(true, 0), [(key(1, 1), 90)]);
    }

    #[test]
    fn a_million_different_ones_are_as_few() {
        let folds = Folds::default();
        let mut written = 0;
        for number in 0..1_000_000u32 {
            let key = FoldKey { address: Some(IpAddr::from(number.to_be_bytes())), ..key(1, 1) };
            written += usize::from(folds.begin(key, 1, 0).is_some());
        }
        assert_eq!(written, AUDIT_FOLDS_MAX + 1);
        let counts = folds.take(true, 0);
        let told: u32 = counts.iter().map(|(_, count)| count).sum();
        assert_eq!((counts.len(), told as usize), (1, 1_000_000 - written), "none is forgotten");
        assert_eq!(counts[0].0.user, UserId::NIL);
    }

    #[test]
    fn what_could_not_be_written_is_told_later() {
        let folds = Folds::default();
        folds.begin(key(1, 1), 1, 0);
        folds.begin(key(1, 1), 1, 0);
        let counts = folds.take(true, 0);
        folds.give_back(counts, 5);
        assert_eq!(folds.begin(key(1, 1), 1, 6), None);
        assert_eq!(folds.take(true, 6), [(key(1, 1), 2)]);
    }
}
