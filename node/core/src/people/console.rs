//! Administrators' keys that are unlocked: in memory, for a while, for one person on one device.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use noroshi_provisioning::AdministratorKey;
use noroshi_sync::id::{DeviceId, UserId};

use crate::limits::CONSOLE_MS;

/// Keys unlocked at once; there are a handful of administrators.
const UNLOCKED_MAX: usize = 100;

#[derive(Default)]
pub(crate) struct Consoles {
    unlocked: Mutex<HashMap<(UserId, DeviceId), Unlocked>>,
}

struct Unlocked {
    key: Arc<AdministratorKey>,
    /// By the monotonic clock.
    until_ms: u64,
}

impl Consoles {
    /// Keeps a key. When too many are unlocked, the one that would be locked first is.
    pub fn unlock(&self, user: UserId, device: DeviceId, key: AdministratorKey, now_ms: u64) {
        let mut unlocked = self.current(now_ms);
        if unlocked.len() >= UNLOCKED_MAX
            && let Some(first) = unlocked.iter().min_by_key(|(_, one)| one.until_ms).map(|(who, _)| *who)
        {
            unlocked.remove(&first);
        }
        let until_ms = now_ms.saturating_add(CONSOLE_MS);
        unlocked.insert((user, device), Unlocked { key: Arc::new(key), until_ms });
    }

    /// The key, to sign with: it stays unlocked for another while.
    pub fn key(&self, user: UserId, device: DeviceId, now_ms: u64) -> Option<Arc<AdministratorKey>> {
        let mut unlocked = self.current(now_ms);
        let found = unlocked.get_mut(&(user, device))?;
        found.until_ms = now_ms.saturating_add(CONSOLE_MS);
        Some(found.key.clone())
    }

    /// How much longer the key is unlocked, milliseconds.
    pub fn left_ms(&self, user: UserId, device: DeviceId, now_ms: u64) -> Option<u64> {
        self.current(now_ms).get(&(user, device)).map(|one| one.until_ms.saturating_sub(now_ms))
    }

    pub fn lock(&self, user: UserId, device: Option<DeviceId>) {
        let mut unlocked = self.unlocked.lock().unwrap_or_else(PoisonError::into_inner);
        unlocked.retain(|(one, on), _| *one != user || device.is_some_and(|device| device != *on));
    }

    fn current(&self, now_ms: u64) -> MutexGuard<'_, HashMap<(UserId, DeviceId), Unlocked>> {
        let mut unlocked = self.unlocked.lock().unwrap_or_else(PoisonError::into_inner);
        unlocked.retain(|_, one| one.until_ms > now_ms);
        unlocked
    }
}

impl fmt::Debug for Consoles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Consoles")
    }
}

#[cfg(test)]
mod tests {
    use noroshi_provisioning::key::KeyPair;
    use noroshi_sync::id::EntryId;

    use super::*;

    fn key(n: u8) -> AdministratorKey {
        AdministratorKey::new(user(n), EntryId::NIL, KeyPair::from_seed(&[n; 32]).unwrap())
    }

    fn user(n: u8) -> UserId {
        UserId::from_bytes([n; 16])
    }

    fn device(n: u8) -> DeviceId {
        DeviceId::from_bytes([n; 16])
    }

    #[test]
    fn a_key_is_there_for_its_person_on_its_device_for_a_while() {
        let consoles = Consoles::default();
        consoles.unlock(user(1), device(1), key(1), 0);
        assert!(consoles.key(user(1), device(1), CONSOLE_MS - 1).is_some());
        assert!(consoles.key(user(1), device(2), 1).is_none() && consoles.key(user(2), device(1), 1).is_none());
        // Signing prolongs it.
        assert!(consoles.key(user(1), device(1), 2 * CONSOLE_MS - 2).is_some());
        assert_eq!(consoles.left_ms(user(1), device(1), 2 * CONSOLE_MS), Some(CONSOLE_MS - 2));
        assert!(consoles.key(user(1), device(1), 4 * CONSOLE_MS).is_none());
    }

    #[test]
    fn logging_out_locks_the_device_and_stopping_locks_all() {
        let consoles = Consoles::default();
        for n in 1..=3 {
            consoles.unlock(user(1), device(n), key(1), 0);
        }
        consoles.lock(user(1), Some(device(1)));
        assert!(consoles.key(user(1), device(1), 1).is_none() && consoles.key(user(1), device(2), 1).is_some());
        consoles.lock(user(1), None);
        assert!(consoles.key(user(1), device(2), 1).is_none() && consoles.key(user(1), device(3), 1).is_none());
    }
}
