//! The queue before the check of passwords. After an earthquake a thousand people log in at once: they wait here, a few
//! hundred bytes each, instead of taking 19 MiB each; and the cores are never all busy with passwords.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::ServiceError;
use crate::limits::PASSWORDS_WAITING_MAX;

/// Milliseconds that one check takes on one core, about.
const CHECK_MS: u64 = 15;

/// First come, first served.
pub(crate) struct PasswordQueue {
    /// Waiting or being checked.
    places: Arc<Semaphore>,
    checks: Arc<Semaphore>,
    at_once: usize,
}

/// A place in the queue; given back with this value.
pub(crate) struct Place {
    _place: OwnedSemaphorePermit,
    checks: Arc<Semaphore>,
}

/// A password may be checked while this value lives. It goes with the check, so that who gives up waiting for the answer
/// does not let another check begin.
pub(crate) struct Turn {
    _check: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
}

impl PasswordQueue {
    /// For a machine with so many cores: one stays free for everybody else where there is more than one.
    pub fn new(cores: usize) -> Self {
        let at_once = cores.saturating_sub(1).max(1);
        let (places, checks) = (Semaphore::new(PASSWORDS_WAITING_MAX), Semaphore::new(at_once));
        Self { places: Arc::new(places), checks: Arc::new(checks), at_once }
    }

    /// Takes a place at the end of the queue.
    ///
    /// # Errors
    /// `Overloaded` when [`PASSWORDS_WAITING_MAX`] wait already, with the time after which most of them are through.
    pub fn enter(&self) -> Result<Place, ServiceError> {
        let place = self.places.clone().try_acquire_owned();
        let place = place.map_err(|_| ServiceError::Overloaded { retry_after_s: self.retry_after_s() })?;
        Ok(Place { _place: place, checks: self.checks.clone() })
    }

    fn retry_after_s(&self) -> u32 {
        let work_ms = (PASSWORDS_WAITING_MAX as u64).saturating_mul(CHECK_MS) / self.at_once as u64;
        u32::try_from(work_ms.div_ceil(1_000)).unwrap_or(u32::MAX)
    }
}

impl Place {
    /// Waits for the turn.
    pub async fn turn(self) -> Result<Turn, ServiceError> {
        // The semaphore is never closed.
        let check = self.checks.acquire_owned().await.map_err(|_| ServiceError::Busy)?;
        Ok(Turn { _check: check, _place: self._place })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_queue_has_an_end_and_places_come_back() {
        let queue = PasswordQueue::new(2);
        let mut waiting: Vec<Place> = (0..PASSWORDS_WAITING_MAX).map(|_| queue.enter().ok().unwrap()).collect();
        let refused = queue.enter().err();
        assert_eq!(refused, Some(ServiceError::Overloaded { retry_after_s: 30 }));
        let turn = waiting.pop().unwrap().turn().await.unwrap();
        assert!(queue.enter().is_err(), "who is being checked still has the place");
        drop(turn);
        assert!(queue.enter().is_ok());
    }

    #[tokio::test]
    async fn one_core_stays_free() {
        for (cores, at_once) in [(1, 1), (2, 1), (8, 7)] {
            let queue = PasswordQueue::new(cores);
            let mut turns = Vec::new();
            for _ in 0..at_once {
                turns.push(queue.enter().ok().unwrap().turn().await.unwrap());
            }
            assert_eq!(queue.checks.available_permits(), 0);
            assert_eq!(turns.len(), at_once);
        }
    }
}
