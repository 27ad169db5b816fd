//! Whether the store takes writes, as the last of them went.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::error::ServiceError;
use crate::view::StorageState;

#[derive(Debug, Default)]
pub(crate) struct Health(AtomicU8);

impl Health {
    /// Notes how a write ended. A refusal of its content says nothing about the disk.
    pub fn note(&self, error: Option<&ServiceError>) {
        let state = match error {
            Some(ServiceError::StorageFull) => 1,
            Some(ServiceError::Storage(_)) => 2,
            None => 0,
            Some(_) => return,
        };
        self.0.store(state, Ordering::Relaxed);
    }

    pub fn state(&self) -> StorageState {
        match self.0.load(Ordering::Relaxed) {
            0 => StorageState::Ok,
            1 => StorageState::Full,
            _ => StorageState::Failed,
        }
    }
}
