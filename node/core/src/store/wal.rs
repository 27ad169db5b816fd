//! Moves the write-ahead log into the file: by the writer alone, when it has time, or when the log has grown long.

use std::sync::atomic::Ordering;

use noroshi_sync::store::StoreError;

use super::database::Database;
use super::metrics::WAL_BYTES;

/// Moves what no reader needs, waits for nobody.
const PASSIVE: &str = "PRAGMA wal_checkpoint(PASSIVE)";
/// Moves everything and cuts the file down.
const TRUNCATE: &str = "PRAGMA wal_checkpoint(TRUNCATE)";
/// Bytes of one page.
const PAGE_BYTES: u64 = 4_096;
/// A writer with nothing to do moves the log when it is longer than this, pages (4 MiB).
const PAGES_WHEN_FREE: u64 = 1_000;
/// A busy writer moves it when it is longer than this, pages (16 MiB, about 40 ms).
const PAGES_WHEN_BUSY: u64 = 4_000;
/// A log this long means that a reader never ends its transaction, bytes.
const ALARM_BYTES: u64 = 64 * 1024 * 1024;

impl Database {
    /// After a commit: moves what is due. A failure is reported and not an error, since the commit stands.
    pub(in crate::store) fn tend_wal(&self, busy: bool) {
        let pages = self.wal_pages.load(Ordering::Relaxed);
        metrics::gauge!(WAL_BYTES).set((pages * PAGE_BYTES) as f64);
        if self.erasing.get() {
            return self.settle_erased();
        }
        if pages < if busy { PAGES_WHEN_BUSY } else { PAGES_WHEN_FREE } {
            return;
        }
        match self.checkpoint(PASSIVE) {
            Ok((_, true)) => {}
            Ok((left, false)) if left * PAGE_BYTES > ALARM_BYTES => {
                tracing::warn!(bytes = left * PAGE_BYTES, "the write-ahead log cannot be moved: a reader holds it");
            }
            Ok((_, false)) => {}
            Err(error) => tracing::warn!(%error, "the write-ahead log could not be moved into the file"),
        }
    }

    /// With nothing to do: moves all of the log, cuts its file down, and notes how far the storage has come.
    pub(in crate::store) fn settle_wal(&self) -> Result<(), StoreError> {
        if self.path().is_none() || self.wal_pages.load(Ordering::Relaxed) == 0 {
            return Ok(());
        }
        // Truncating waits for readers, so it is only tried when they are done with the log.
        if let (_, true) = self.checkpoint(PASSIVE)? {
            self.checkpoint(TRUNCATE)?;
            metrics::gauge!(WAL_BYTES).set(0.0);
        }
        self.note_storage()
    }

    /// What was erased leaves the log, too, at once; while a reader holds it, with one of the next commits.
    fn settle_erased(&self) {
        match self.settle_wal() {
            Ok(()) => self.erasing.set(self.wal_pages.load(Ordering::Relaxed) > 0),
            Err(error) => tracing::warn!(%error, "what was erased is still in the write-ahead log"),
        }
    }

    /// The pages in the log, and whether all of them are in the file now.
    fn checkpoint(&self, pragma: &'static str) -> Result<(u64, bool), StoreError> {
        let (log, moved) =
            self.row(pragma, [], |row| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))?.unwrap_or_default();
        let (log, moved) = (u64::try_from(log).unwrap_or(0), u64::try_from(moved).unwrap_or(0));
        // The next commit starts the log from its beginning, if all of it was moved.
        self.wal_pages.store(if moved >= log { 0 } else { log }, Ordering::Relaxed);
        Ok((log, moved >= log))
    }
}
