//! The right to change the database: exists only inside a transaction, and dereferences to the database for reading.

use std::ops::Deref;

use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::StorageId;
use noroshi_sync::store::StoreError;

use super::database::Database;
use super::error::damaged;
use super::keys::NodePk;
use super::storage_id::{self, Claim};

/// A transaction in progress. Heads, digests and change numbers of what it touches wait in memory until
/// [`Database::read`] or COMMIT; statements of one's own over `logs`, `rooms` or `audiences` go inside
/// [`Database::read`], which writes them first.
pub struct Writing<'a> {
    database: &'a Database,
}

impl<'a> Writing<'a> {
    pub(in crate::store) fn of(database: &'a Database) -> Self {
        Self { database }
    }
}

impl Deref for Writing<'_> {
    type Target = Database;
    fn deref(&self) -> &Database {
        self.database
    }
}

impl Writing<'_> {
    /// What a process start writes: the storage id if the database is new or not the one its folder knows, the row of
    /// the node itself, and a start for register versions above all earlier ones.
    pub(in crate::store) fn begin_process(&self, claimed: Option<Option<Claim>>) -> Result<(NodePk, Hlc), StoreError> {
        let found = self.row("SELECT storage, latest_change, register_start FROM store", [], |row| {
            Ok((StorageId::from_bytes(row.get(0)?), row.get::<_, i64>(1)?.cast_unsigned(), row.get::<_, i64>(2)?))
        })?;
        let fresh = self.options().fresh_storage;
        let (storage, change, start) = match found {
            // The very first open, or a database in memory: nothing to compare with.
            None => (fresh, 0, Hlc::ZERO),
            Some((storage, change, start)) => {
                let known = match claimed {
                    None => true,
                    Some(claim) => claim.is_some_and(|claim| claim.storage == storage && claim.change <= change),
                };
                if !known {
                    tracing::warn!(%storage, %fresh, "the database is not the one this folder knows: it takes a new storage id");
                }
                (if known { storage } else { fresh }, change, Hlc::from_raw(start.cast_unsigned()))
            }
        };
        let start = start.tick(self.wall_ms());
        self.execute(
            "INSERT INTO store (one, storage, latest_change, register_start) VALUES (1, ?1, ?2, ?3)
             ON CONFLICT (one) DO UPDATE SET storage = ?1, register_start = ?3",
            (storage.as_bytes(), change.cast_signed(), start.raw().cast_signed()),
        )?;
        Ok((self.ensure_node(&self.node())?, start))
    }
}

impl Database {
    pub fn storage(&self) -> Result<StorageId, StoreError> {
        let storage = self.row("SELECT storage FROM store", [], |row| row.get(0))?;
        storage.map(StorageId::from_bytes).ok_or_else(|| damaged("the row about the store is missing"))
    }

    /// Writes the copy of the storage id beside the file.
    pub(in crate::store) fn note_storage(&self) -> Result<(), StoreError> {
        let Some(path) = self.path() else { return Ok(()) };
        storage_id::write(path, Claim { storage: self.storage()?, change: self.latest_change()? })
    }
}
