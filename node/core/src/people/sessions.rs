//! Sessions that were looked up lately. Every one of them can be forgotten: the store has them all.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use noroshi_sync::id::{DeviceId, UserId};

use super::token::TokenHash;
use crate::clock::Clock;

/// Sessions remembered; beyond that all are forgotten at once.
const REMEMBERED_MAX: usize = 10_000;

/// A log-in that was valid when it was looked up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Session {
    pub user: UserId,
    pub device: DeviceId,
    /// The passcode is asked for before anything else.
    pub locked: bool,
    /// Its device was seen to have a passcode; false: not looked up yet.
    pub has_passcode: bool,
    /// When it was last written down that the session is in use; milliseconds since 1970.
    pub used_ms: u64,
    /// From when the lease runs; milliseconds since 1970 …
    pub leased_ms: u64,
    /// … and the same moment by the clock that never goes back, so that a clock set back prolongs nothing. Negative for
    /// what was before the start of this process.
    pub leased_mono_ms: i64,
    /// The last request by the monotonic clock.
    pub touched_mono_ms: i64,
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
    pub fn get(&self, token: &TokenHash, rights: u64) -> Option<Session> {
        self.lock(rights).sessions.get(token).copied()
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

    /// Notes that the session was used just now.
    pub fn touch(&self, token: &TokenHash, mono_ms: i64) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = known.sessions.get_mut(token) {
            session.touched_mono_ms = mono_ms;
        }
    }

    /// Notes that the device of the session has a passcode.
    pub fn note_passcode(&self, token: &TokenHash) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = known.sessions.get_mut(token) {
            session.has_passcode = true;
        }
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
    /// As the store has it.
    pub fn of(row: &crate::store::query::SessionRow, clock: &dyn Clock) -> Self {
        let (wall, mono) = (clock.wall_ms(), mono_ms(clock));
        let ago = |ms: u64| mono.saturating_sub_unsigned(wall.saturating_sub(ms));
        Self {
            user: row.user,
            device: row.device,
            locked: row.locked,
            has_passcode: false,
            used_ms: row.used_ms,
            leased_ms: row.leased_ms,
            leased_mono_ms: ago(row.leased_ms),
            touched_mono_ms: ago(row.used_ms),
        }
    }

    /// Whether a lease of this length, milliseconds, is over by whichever clock is first.
    pub fn is_over(&self, lease_ms: u64, clock: &dyn Clock) -> bool {
        clock.wall_ms() >= self.leased_ms.saturating_add(lease_ms)
            || mono_ms(clock) >= self.leased_mono_ms.saturating_add_unsigned(lease_ms)
    }

    /// Whether nobody touched it for so long, milliseconds.
    pub fn is_idle(&self, idle_ms: u64, clock: &dyn Clock) -> bool {
        mono_ms(clock) >= self.touched_mono_ms.saturating_add_unsigned(idle_ms)
    }
}

/// The monotonic clock as a number from which longer times than it has run can be taken.
pub(crate) fn mono_ms(clock: &dyn Clock) -> i64 {
    i64::try_from(clock.mono_ms()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::store::query::SessionRow;

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

    fn row(leased_ms: u64) -> SessionRow {
        let (user, device) = (UserId::NIL, DeviceId::NIL);
        SessionRow { user, device, created_ms: 0, used_ms: leased_ms, leased_ms, expires_ms: 0, locked: false }
    }

    #[test]
    fn a_lease_ends_by_whichever_clock_is_first() {
        let clock = TwoClocks::default();
        let session = Session::of(&row(0), &clock);
        assert!(!session.is_over(1_000, &clock));
        clock.wall.store(1_000, Ordering::SeqCst);
        assert!(session.is_over(1_000, &clock) && !session.is_over(1_001, &clock));
        clock.wall.store(0, Ordering::SeqCst);
        clock.mono.store(1_000, Ordering::SeqCst);
        assert!(session.is_over(1_000, &clock));
    }

    #[test]
    fn what_the_store_knows_of_before_the_start_counts() {
        let clock = TwoClocks::default();
        clock.wall.store(10_000, Ordering::SeqCst);
        let session = Session::of(&row(9_500), &clock);
        assert!(session.is_over(500, &clock) && !session.is_over(501, &clock));
        assert!(session.is_idle(500, &clock) && !session.is_idle(501, &clock));
    }

    #[test]
    fn new_rights_forget_all() {
        let clock = TwoClocks::default();
        let sessions = Sessions::default();
        let token = TokenHash([1; 32]);
        let session = Session::of(&row(0), &clock);
        assert_eq!(sessions.get(&token, 0), None);
        sessions.remember(token, session, 0);
        assert_eq!(sessions.get(&token, 0), Some(session));
        assert_eq!(sessions.get(&token, 1), None);
        // Looked up before the rights changed: not to be trusted.
        sessions.remember(token, session, 0);
        assert_eq!(sessions.get(&token, 1), None);
    }
}
