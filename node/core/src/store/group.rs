//! One transaction that holds many items: each succeeds or fails by itself, all become durable with one fsync.

use std::collections::BTreeSet;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use noroshi_sync::id::RoomId;
use noroshi_sync::store::StoreError;

use super::database::Database;
use super::projector::Committed;
use super::writing::Writing;

/// An open transaction. Dropped without [`Group::commit`], nothing of it happened.
#[derive(Debug)]
pub struct Group<'a> {
    database: &'a mut Database,
    /// SQLite ended the transaction by itself; no further item can be part of it.
    broken: Option<StoreError>,
    open: bool,
}

impl Database {
    pub fn begin(&mut self) -> Result<Group<'_>, StoreError> {
        self.take_failure();
        self.execute("BEGIN IMMEDIATE", [])?;
        self.state.get_mut().begin();
        Ok(Group { database: self, broken: None, open: true })
    }

    /// A transaction of one item. It is on disk when this returns `Ok`.
    pub fn write<T, E: From<StoreError>>(&mut self, work: impl FnOnce(&Writing<'_>) -> Result<T, E>) -> Result<T, E> {
        let mut group = self.begin()?;
        let value = group.item(work)?;
        group.commit()?;
        Ok(value)
    }
}

impl Group<'_> {
    /// Runs one item. What it wrote stays in the transaction if it returns `Ok`; otherwise, and when it panics, the
    /// transaction is as if the item had never begun.
    pub fn item<T, E: From<StoreError>>(&mut self, work: impl FnOnce(&Writing<'_>) -> Result<T, E>) -> Result<T, E> {
        if let Some(error) = &self.broken {
            return Err(error.clone().into());
        }
        self.database.execute("SAVEPOINT item", [])?;
        self.database.state.get_mut().begin_item();
        let events = self.database.state.get_mut().pending.events.len();
        let writing = Writing::of(self.database);
        let outcome = catch_unwind(AssertUnwindSafe(|| work(&writing)));
        match outcome {
            Ok(Ok(value)) => {
                self.database.execute("RELEASE item", [])?;
                Ok(value)
            }
            Ok(Err(error)) => {
                self.undo(events);
                Err(error)
            }
            Err(_) => {
                tracing::error!("an item of a write panicked; it was rolled back");
                self.undo(events);
                Err(StoreError::Invalid("the operation failed inside the program".into()).into())
            }
        }
    }

    fn undo(&mut self, events: usize) {
        let undone = if self.database.in_transaction() {
            self.database.batch("ROLLBACK TO item; RELEASE item")
        } else {
            let failure = self.database.take_failure();
            Err(failure.unwrap_or_else(|| StoreError::Io("SQLite ended the transaction".into())))
        };
        self.database.state.get_mut().undo_item(events);
        self.broken = undone.err();
    }

    /// Signs the head of every log that grew, writes heads and sums, and commits. On disk when this returns `Ok`; on
    /// [`StoreError::Io`] the outcome is unknown.
    pub fn commit(mut self) -> Result<Committed, StoreError> {
        if let Some(error) = self.broken.take() {
            return Err(error);
        }
        Writing::of(self.database).sign_heads()?;
        self.database.flush()?;
        self.database.execute("COMMIT", [])?;
        self.open = false;
        let committed = self.database.committed()?;
        if !(committed.local.is_empty() && committed.applied.is_empty() && committed.events.is_empty()) {
            self.database.options().projector.committed(&committed);
        }
        Ok(committed)
    }
}

impl Drop for Group<'_> {
    fn drop(&mut self) {
        if !self.open {
            return;
        }
        self.database.state.get_mut().forget();
        if self.database.in_transaction()
            && let Err(error) = self.database.execute("ROLLBACK", [])
        {
            tracing::error!(%error, "a transaction could not be rolled back");
        }
    }
}

impl Database {
    fn committed(&mut self) -> Result<Committed, StoreError> {
        let latest_change = self.latest_change()?;
        let list = |rooms: &mut BTreeSet<RoomId>| mem::take(rooms).into_iter().collect();
        let pending = &mut self.state.get_mut().pending;
        Ok(Committed {
            latest_change,
            local: list(&mut pending.local),
            applied: list(&mut pending.applied),
            events: mem::take(&mut pending.events),
        })
    }
}
