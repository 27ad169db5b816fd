//! Reads entries for a peer: windows that begin anywhere and end at a signature.

use noroshi_sync::checkpoint::Signature;
use noroshi_sync::id::NodeId;
use noroshi_sync::limits::{CHECKPOINT_ENTRIES_MAX, WINDOW_BYTES_ENOUGH};
use noroshi_sync::log::LogId;
use noroshi_sync::store::{LogRange, StoreError, WindowPage};
use noroshi_sync::window::{CheckpointMark, Item, Window};

use super::database::Database;
use super::erasing::Content;
use super::error::damaged;
use super::keys::{EntryPk, LogPk, SEQ_MAX};
use super::rows::Run;

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
                Some(log) => self.read_range(&self.paths(log)?, range, &mut reading)?,
                None => reading.page.unavailable.push(*range),
            }
        }
        Ok(reading.page)
    }

    /// What is held under the name of a row, ascending: a piece for each run without gaps. A branch is read from the
    /// beginning of its history, and may be read beyond its end, where the next signature stands.
    pub(in crate::store) fn paths(&self, log: LogPk) -> Result<Vec<Path>, StoreError> {
        let row = self.load_log(log)?;
        if !row.forked {
            return Ok(row.runs().into_iter().map(|run| Path { end: run.last, pieces: vec![(log, run)] }).collect());
        }
        let pieces: Vec<(LogPk, Run)> = self.path_of(&row.id)?.iter().map(|part| (part.pk, part.stem)).collect();
        Ok(vec![Path { end: row.state.length, pieces }])
    }

    fn read_range(&self, paths: &[Path], range: &LogRange, reading: &mut Reading) -> Result<(), StoreError> {
        let mut next = range.first;
        for path in paths {
            let first = path.pieces.first().map_or(u64::MAX, |(_, run)| run.first);
            if path.end < next || first > range.last {
                continue;
            }
            if first > next {
                reading.page.unavailable.push(LogRange { first: next, last: first - 1, ..*range });
                next = first;
            }
            while next <= path.end.min(range.last) {
                if reading.bytes >= reading.bytes_max {
                    reading.page.rest.push(LogRange { first: next, ..*range });
                    return Ok(());
                }
                let last = range.last.min(path.end).min(next + CHECKPOINT_ENTRIES_MAX - 1);
                let window = self.read_window(path, range.log, next, last)?;
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

    /// Entries `first` to the first signed place at or after `last`, or at which there are bytes enough.
    pub(in crate::store) fn read_window(
        &self,
        path: &Path,
        log: LogId,
        first: u64,
        last: u64,
    ) -> Result<Window, StoreError> {
        let mut checkpoints = self.read_marks(path, log, first, last)?;
        let piece = path.pieces.iter().find(|(_, run)| run.first <= first && first <= run.last);
        let Some((pk, run)) = piece else { return Err(damaged(format!("entry {first} of log {log} is missing"))) };
        let base = if first == run.first { run.base } else { self.hash_at(*pk, run, first - 1)? };
        let items = self.read_items(path, first, &checkpoints)?;
        let end = first + items.len() as u64 - 1;
        checkpoints.retain(|mark| mark.seq <= end);
        if items.is_empty() || checkpoints.last().is_none_or(|mark| mark.seq != end) {
            return Err(damaged(format!("entries from {first} on of log {log} are not all there")));
        }
        Ok(Window { log, first, base, items, checkpoints })
    }

    /// Entries from `first` to the last mark, or to an earlier one at which there are bytes enough.
    fn read_items(&self, path: &Path, first: u64, marks: &[CheckpointMark]) -> Result<Vec<Item>, StoreError> {
        let end = marks.last().map_or(0, |mark| mark.seq);
        let mut marks = marks.iter().peekable();
        let mut items = Vec::new();
        let mut bytes = 0;
        let mut enough = false;
        for (log, from, to) in path.between(first, end) {
            if enough {
                break;
            }
            self.each(
                "SELECT entry_pk, bytes FROM entries WHERE entry_pk >= ? AND entry_pk <= ? ORDER BY entry_pk",
                (EntryPk::new(log, from), EntryPk::new(log, to)),
                |row| {
                    let (seq, column) = (row.get::<_, EntryPk>(0)?.seq(), row.get_ref(1)?.as_blob()?);
                    if seq != first + items.len() as u64 {
                        return Ok(false);
                    }
                    bytes += column.len();
                    items.push(Content::of(column).item());
                    enough = marks.next_if(|mark| mark.seq == seq).is_some() && bytes >= WINDOW_BYTES_ENOUGH;
                    Ok(!enough)
                },
            )?;
        }
        Ok(items)
    }

    /// Signatures from `first` up to the first one at or after `last`.
    fn read_marks(&self, path: &Path, log: LogId, first: u64, last: u64) -> Result<Vec<CheckpointMark>, StoreError> {
        let mut marks: Vec<CheckpointMark> = Vec::new();
        for (log, from, to) in path.between(first, SEQ_MAX) {
            if marks.last().is_some_and(|mark| mark.seq >= last) {
                break;
            }
            self.each(
                "SELECT entry_pk, signature FROM checkpoints WHERE entry_pk >= ? AND entry_pk <= ? ORDER BY entry_pk",
                (EntryPk::new(log, from), EntryPk::new(log, to)),
                |row| {
                    let seq = row.get::<_, EntryPk>(0)?.seq();
                    marks.push(CheckpointMark { seq, signature: Signature::from_bytes(row.get(1)?) });
                    Ok(seq < last)
                },
            )?;
        }
        if marks.last().is_some_and(|mark| mark.seq >= last) {
            Ok(marks)
        } else {
            Err(damaged(format!("log {log} is not signed at {last} or after")))
        }
    }
}

/// One history without gaps, in the rows that hold it.
pub(in crate::store) struct Path {
    pub pieces: Vec<(LogPk, Run)>,
    /// Where the line ends; pieces beyond it are there for their signatures.
    pub end: u64,
}

impl Path {
    /// The entries `first ..= last` as ranges of rows.
    pub fn between(&self, first: u64, last: u64) -> impl Iterator<Item = (LogPk, u64, u64)> {
        let part = move |(log, run): &(LogPk, Run)| (*log, run.first.max(first), run.last.min(last).min(SEQ_MAX));
        self.pieces.iter().map(part).filter(|(_, from, to)| from <= to)
    }
}

struct Reading {
    page: WindowPage,
    bytes: usize,
    bytes_max: usize,
}
