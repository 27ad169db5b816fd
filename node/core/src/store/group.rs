//! One transaction that holds many items: each succeeds or fails by itself, all become durable with one fsync.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

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
        self.tend_wal(false);
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
            Ok(Ok(value)) => match self.database.execute("RELEASE item", []) {
                Ok(_) => Ok(value),
                Err(error) => {
                    self.undo(events);
                    Err(error.into())
                }
            },
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
        let pending = &mut self.state.get_mut().pending;
        Ok(Committed {
            latest_change,
            local: pending.local.take(),
            applied: pending.applied.take(),
            events: mem::take(&mut pending.events),
        })
    }
}

#[cfg(test)]
mod tests {
    use noroshi_sync::entry::Lane;
    use noroshi_sync::limits::ENTRY_BODY_BYTES_MAX;
    use noroshi_sync::store::Store;
    use noroshi_sync::store::conformance::{key, room};

    use super::*;
    use crate::store::testing::{CLOCK, draft, in_memory, on_disk, options_of, windows};

    fn post(writing: &Writing<'_>, number: u64) -> Result<u64, StoreError> {
        let appended = writing.append(vec![draft(room(1), Lane::Normal, number, 50)], CLOCK)?;
        Ok(appended[0].seq)
    }

    #[test]
    fn one_failing_item_does_not_fail_the_others() {
        let mut database = in_memory(1, room(1));
        let mut group = database.begin().unwrap();
        assert_eq!(group.item(|writing| post(writing, 1)), Ok(1));
        let failed = group.item(|writing| {
            post(writing, 2)?;
            writing.emit_event(vec![2])?;
            // A new room, too: its row must not be remembered.
            writing.append(vec![draft(room(2), Lane::Normal, 3, 50)], CLOCK)?;
            Err::<(), _>(StoreError::Invalid("on second thoughts".into()))
        });
        assert_eq!(failed, Err(StoreError::Invalid("on second thoughts".into())));
        let too_large = draft(room(1), Lane::Normal, 4, ENTRY_BODY_BYTES_MAX + 1);
        assert!(matches!(group.item(|writing| writing.append(vec![too_large], CLOCK)), Err(StoreError::Invalid(_))));
        let panicked = group.item(|writing| -> Result<(), StoreError> {
            post(writing, 5)?;
            panic!("a bug")
        });
        assert!(panicked.is_err());
        assert_eq!(group.item(|writing| post(writing, 6)), Ok(2));
        let committed = group.commit().unwrap();
        assert_eq!((committed.local, committed.events), (vec![room(1)], vec![]));
        let log = *database.frontier(&room(1)).unwrap().keys().next().unwrap();
        assert_eq!(windows(&database, log, 1, 2).last().unwrap().last(), 2);
        assert_eq!(database.frontier(&room(2)).unwrap().len(), 0);
        assert_eq!(database.check().unwrap().damages, vec![]);
    }

    #[test]
    fn a_group_that_is_not_committed_never_happened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("noroshi.db");
        let mut database = on_disk(&path, 1, room(1));
        database.write(|writing| post(writing, 1)).unwrap();
        let before = database.greeting(&key(2).node()).unwrap();
        let mut group = database.begin().unwrap();
        for number in 2..10 {
            group.item(|writing| post(writing, number)).unwrap();
        }
        // What a kill would leave behind, and what an orderly end leaves.
        let killed = folder.path().join("killed");
        std::fs::create_dir(&killed).unwrap();
        for file in ["noroshi.db", "noroshi.db-wal", "storage-id"] {
            std::fs::copy(folder.path().join(file), killed.join(file)).unwrap();
        }
        drop(group);
        assert_eq!(database.greeting(&key(2).node()).unwrap(), before);
        assert_eq!(database.write(|writing| post(writing, 2)), Ok(2), "the place was not used up");
        let killed = Database::open(&killed.join("noroshi.db"), options_of(1)).unwrap();
        assert_eq!(killed.greeting(&key(2).node()).unwrap(), before);
        assert_eq!(killed.check().unwrap().damages, vec![]);
    }

    #[test]
    fn a_group_costs_one_signature_a_log() {
        let mut database = in_memory(1, room(1));
        let mut group = database.begin().unwrap();
        for number in 0..32 {
            group.item(|writing| post(writing, number)).unwrap();
        }
        group.commit().unwrap();
        let report = database.check().unwrap();
        assert_eq!((report.entries, report.checkpoints, report.damages), (32, 1, vec![]));
    }

    #[test]
    fn reading_inside_a_write_sees_the_write() {
        let mut database = in_memory(1, room(1));
        let mut group = database.begin().unwrap();
        group.item(|writing| post(writing, 1)).unwrap();
        let (length, greeting) = group
            .item(|writing| {
                let frontier = writing.frontier(&room(1))?;
                Ok::<_, StoreError>((frontier.values().next().unwrap().length, writing.greeting(&key(2).node())?))
            })
            .unwrap();
        assert_eq!(length, 1);
        // The item that wrote the heads fails: the ones before it are written once more.
        group
            .item(|writing| {
                post(writing, 2)?;
                writing.frontier(&room(1))?;
                Err::<(), _>(StoreError::Closed)
            })
            .unwrap_err();
        group.commit().unwrap();
        assert_eq!(database.greeting(&key(2).node()).unwrap().shared, greeting.shared);
        assert_eq!(database.check().unwrap().damages, vec![]);
    }
}
