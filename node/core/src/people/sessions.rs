//! Sessions that were looked up lately. Every one of them can be forgotten: the store has them all.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use noroshi_sync::id::{DeviceId, UserId};

use super::token::TokenHash;
use crate::clock::Clock;
use crate::limits::SESSION_IDLE_MS_MAX;

/// Sessions remembered; beyond that all are forgotten at once.
const REMEMBERED_MAX: usize = 10_000;

/// A log-in that was valid when it was looked up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Session {
    pub user: UserId,
    pub device: DeviceId,
    /// Milliseconds since 1970.
    pub used_ms: u64,
    pub expires_ms: u64,
    /// The same moment by the clock that never goes back, so that a clock set back prolongs nothing.
    pub expires_mono_ms: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Sessions {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    sessions: HashMap<TokenHash, Session>,
    /// The directory under which they were looked up: a new one may have ended them.
    rights: u64,
}

impl Sessions {
    pub fn get(&self, token: &TokenHash, rights: u64, clock: &dyn Clock) -> Option<Session> {
        let mut known = self.lock(rights);
        let session = *known.sessions.get(token)?;
        if session.is_over(clock) {
            known.sessions.remove(token);
            return None;
        }
        Some(session)
    }

    /// `rights`: as they were before the session was looked up.
    pub fn remember(&self, token: TokenHash, session: Session, rights: u64) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.rights != rights {
            return;
        }
        if known.sessions.len() >= REMEMBERED_MAX {
            known.sessions.clear();
        }
        known.sessions.insert(token, session);
    }

    pub fn forget(&self, token: &TokenHash) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).sessions.remove(token);
    }

    fn lock(&self, rights: u64) -> MutexGuard<'_, Known> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.rights != rights {
            known.sessions.clear();
            known.rights = rights;
        }
        known
    }
}

impl Session {
    pub fn of(user: UserId, device: DeviceId, used_ms: u64, expires_ms: u64, clock: &dyn Clock) -> Self {
        let left = expires_ms.saturating_sub(clock.wall_ms()).min(SESSION_IDLE_MS_MAX);
        Self { user, device, used_ms, expires_ms, expires_mono_ms: clock.mono_ms().saturating_add(left) }
    }

    pub fn is_over(&self, clock: &dyn Clock) -> bool {
        clock.wall_ms() >= self.expires_ms || clock.mono_ms() >= self.expires_mono_ms
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[derive(Debug, Default)]
    struct TwoClocks {
        wall: AtomicU64,
        mono: AtomicU64,
    }

    impl Clock for TwoClocks {
        fn wall_ms(&self) -> u64 {
            self.wall.load(Ordering::SeqCst)
        }
        fn mono_ms(&self) -> u64 {
            self.mono.load(Ordering::SeqCst)
        }
    }

    #[test]
    fn a_session_ends_by_whichever_clock_is_first() {
        let clock = TwoClocks::default();
        let (user, device) = (UserId::NIL, DeviceId::NIL);
        let session = Session::of(user, device, 0, 1_000, &clock);
        assert!(!session.is_over(&clock));
        clock.wall.store(1_000, Ordering::SeqCst);
        assert!(session.is_over(&clock));
        clock.wall.store(0, Ordering::SeqCst);
        clock.mono.store(1_000, Ordering::SeqCst);
        assert!(session.is_over(&clock));
    }

    #[test]
    fn new_rights_forget_all() {
        let clock = TwoClocks::default();
        let sessions = Sessions::default();
        let token = TokenHash([1; 32]);
        let session = Session::of(UserId::NIL, DeviceId::NIL, 0, 1_000, &clock);
        assert_eq!(sessions.get(&token, 0, &clock), None);
        sessions.remember(token, session, 0);
        assert_eq!(sessions.get(&token, 0, &clock), Some(session));
        assert_eq!(sessions.get(&token, 1, &clock), None);
        // Looked up before the rights changed: not to be trusted.
        sessions.remember(token, session, 0);
        assert_eq!(sessions.get(&token, 1, &clock), None);
    }
}
