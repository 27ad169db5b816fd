//! Reads entries for a peer: windows that begin anywhere and end at a signature.

use noroshi_sync::checkpoint::Signature;
use noroshi_sync::id::NodeId;
use noroshi_sync::limits::{CHECKPOINT_ENTRIES_MAX, WINDOW_BYTES_ENOUGH};
use noroshi_sync::store::{LogRange, StoreError, WindowPage};
use noroshi_sync::window::{CheckpointMark, Item, Window};

use super::database::Database;
use super::error::damaged;
use super::keys::{EntryPk, LogPk, SEQ_MAX};
use super::rows::{LogRow, Run};

impl Database {
    pub(in crate::store) fn windows_for(
        &self,
        peer: &NodeId,
        ranges: &[LogRange],
        bytes_max: usize,
    ) -> Result<WindowPage, StoreError> {
        let mut reading = Reading { page: WindowPage::default(), bytes: 0, bytes_max };
        for range in ranges {
            let log = match self.shared_room(&range.log.room, peer)? {
                Some(_) => self.log_pk(&range.log)?,
                None => None,
            };
            match log {
                Some(log) => self.read_range(log, &self.load_log(log)?, range, &mut reading)?,
                None => reading.page.unavailable.push(*range),
            }
        }
        Ok(reading.page)
    }

    fn read_range(&self, log: LogPk, row: &LogRow, range: &LogRange, reading: &mut Reading) -> Result<(), StoreError> {
        let mut next = range.first;
        for run in row.runs() {
            if run.last < next || run.first > range.last {
                continue;
            }
            if run.first > next {
                reading.page.unavailable.push(LogRange { first: next, last: run.first - 1, ..*range });
                next = run.first;
            }
            while next <= run.last.min(range.last) {
                if reading.bytes >= reading.bytes_max {
                    reading.page.rest.push(LogRange { first: next, ..*range });
                    return Ok(());
                }
                let last = range.last.min(run.last).min(next + CHECKPOINT_ENTRIES_MAX - 1);
                let window = self.read_window(log, row, &run, next, last)?;
                reading.bytes += window.bytes();
                next = window.last() + 1;
                reading.page.windows.push(window);
            }
        }
        if next <= range.last {
            reading.page.unavailable.push(LogRange { first: next, ..*range });
        }
        Ok(())
    }

    /// Entries `first` to the first signed place at or after `last`, or at which there are bytes enough; all lie in `run`.
    pub(in crate::store) fn read_window(
        &self,
        log: LogPk,
        row: &LogRow,
        run: &Run,
        first: u64,
        last: u64,
    ) -> Result<Window, StoreError> {
        let mut checkpoints = self.read_marks(log, run, first, last)?;
        let base = if first == run.first { run.base } else { self.hash_at(log, run, first - 1)? };
        let items = self.read_items(log, first, &checkpoints)?;
        let end = first + items.len() as u64 - 1;
        checkpoints.retain(|mark| mark.seq <= end);
        if items.is_empty() || checkpoints.last().is_none_or(|mark| mark.seq != end) {
            return Err(damaged(format!("entries from {first} on of log {} are not all there", row.id)));
        }
        Ok(Window { log: row.id, first, base, items, checkpoints })
    }

    /// Entries from `first` to the last mark, or to an earlier one at which there are bytes enough.
    fn read_items(&self, log: LogPk, first: u64, marks: &[CheckpointMark]) -> Result<Vec<Item>, StoreError> {
        let end = marks.last().map_or(0, |mark| mark.seq);
        let mut marks = marks.iter().peekable();
        let mut items = Vec::new();
        let mut bytes = 0;
        self.each(
            "SELECT entry_pk, bytes FROM entries WHERE entry_pk >= ? AND entry_pk <= ? ORDER BY entry_pk",
            (EntryPk::new(log, first), EntryPk::new(log, end)),
            |row| {
                let (seq, entry) = (row.get::<_, EntryPk>(0)?.seq(), row.get::<_, Vec<u8>>(1)?);
                if seq != first + items.len() as u64 {
                    return Ok(false);
                }
                bytes += entry.len();
                items.push(Item::Entry(entry));
                Ok(marks.next_if(|mark| mark.seq == seq).is_none() || bytes < WINDOW_BYTES_ENOUGH)
            },
        )?;
        Ok(items)
    }

    /// Signatures from `first` up to the first one at or after `last`.
    fn read_marks(&self, log: LogPk, run: &Run, first: u64, last: u64) -> Result<Vec<CheckpointMark>, StoreError> {
        let mut marks = Vec::new();
        self.each(
            "SELECT entry_pk, signature FROM checkpoints WHERE entry_pk >= ? AND entry_pk <= ? ORDER BY entry_pk",
            (EntryPk::new(log, first), EntryPk::new(log, run.last.min(SEQ_MAX))),
            |row| {
                let seq = row.get::<_, EntryPk>(0)?.seq();
                marks.push(CheckpointMark { seq, signature: Signature::from_bytes(row.get(1)?) });
                Ok(seq < last)
            },
        )?;
        if marks.last().is_some_and(|mark| mark.seq >= last) {
            Ok(marks)
        } else {
            Err(damaged(format!("log {} is not signed at {}", log.0, run.last)))
        }
    }
}

struct Reading {
    page: WindowPage,
    bytes: usize,
    bytes_max: usize,
}
