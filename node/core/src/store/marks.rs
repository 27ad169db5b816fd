//! Checkpoints: signing the heads of own logs, and which signatures are worth keeping.
//!
//! Of the marks of a log the head's is kept, the ends of runs, and between them as few as leave no two neighbours more
//! than 64 entries or 128 KiB apart. One post a commit would otherwise cost 100 bytes of signature for ever.

use noroshi_sync::checkpoint::{self, Signature};
use noroshi_sync::limits::{CHECKPOINT_BYTES_MAX, CHECKPOINT_ENTRIES_MAX};
use noroshi_sync::log::{Hash, chain};
use noroshi_sync::store::StoreError;

use super::database::Database;
use super::erasing::Content;
use super::error::damaged;
use super::keys::{EntryPk, LogPk};
use super::rows::{LogRow, Run};
use super::writing::Writing;

/// A signed place of a log.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Mark {
    pub seq: u64,
    pub hash: Hash,
    pub signature: Signature,
}

impl Writing<'_> {
    /// Signs every own log that grew since its last signature. Runs before COMMIT.
    pub(in crate::store) fn sign_heads(&self) -> Result<(), StoreError> {
        let logs = self.state.borrow_mut().pending.unsigned.take();
        logs.into_iter().try_for_each(|log| self.sign_head(log))
    }

    /// Signs the head of an own log, if it is not signed yet.
    pub(in crate::store) fn sign_head(&self, log: LogPk) -> Result<(), StoreError> {
        let (id, seq, hash, mark, bytes) =
            self.log_row(log, |row| (row.id, row.state.length, row.state.hash, row.mark, row.unsigned_bytes))?;
        if mark == seq {
            return Ok(());
        }
        let mark = Mark { seq, hash, signature: checkpoint::sign(self.key(), &id, seq, &hash) };
        self.place_marks(log, &[(mark, bytes)])?;
        self.edit_log(log, |row| row.unsigned_bytes = 0)
    }

    /// Adds marks above the newest one of the contiguous part, ascending, each with the bytes of the entries since the
    /// one before it. The last one becomes the newest; older ones that are no longer needed go.
    pub(in crate::store) fn place_marks(&self, log: LogPk, marks: &[(Mark, u64)]) -> Result<(), StoreError> {
        let before = self.log_row(log, |row| row.mark)?;
        let mut written: Vec<Mark> = Vec::with_capacity(marks.len());
        for (mark, bytes) in marks {
            let dropped = self.edit_log(log, |row| advance(row, mark.seq, *bytes))?;
            if dropped.is_some_and(|seq| seq == before) {
                self.drop_mark(log, before)?;
            } else if dropped.is_some() {
                written.pop();
            }
            written.push(*mark);
        }
        written.iter().try_for_each(|mark| self.write_mark(log, mark))
    }

    pub(in crate::store) fn write_mark(&self, log: LogPk, mark: &Mark) -> Result<(), StoreError> {
        let Mark { seq, hash, signature } = mark;
        self.execute(
            "INSERT OR IGNORE INTO checkpoints (entry_pk, hash, signature) VALUES (?, ?, ?)",
            (EntryPk::new(log, *seq), hash.as_bytes(), signature.as_bytes()),
        )?;
        Ok(())
    }

    fn drop_mark(&self, log: LogPk, seq: u64) -> Result<(), StoreError> {
        self.execute("DELETE FROM checkpoints WHERE entry_pk = ?", [EntryPk::new(log, seq)])?;
        Ok(())
    }

    /// A run above a gap grew from `end` to a mark at `next`: drops the mark at `end` when its neighbours are close.
    pub(in crate::store) fn thin_run(&self, log: LogPk, first: u64, end: u64, next: u64) -> Result<(), StoreError> {
        let below = self
            .row(
                "SELECT max(entry_pk) FROM checkpoints WHERE entry_pk >= ? AND entry_pk < ?",
                (EntryPk::new(log, first), EntryPk::new(log, end)),
                |row| row.get::<_, Option<EntryPk>>(0),
            )?
            .flatten()
            .map_or(first - 1, EntryPk::seq);
        if next - below > CHECKPOINT_ENTRIES_MAX {
            return Ok(());
        }
        let bytes: i64 = self
            .row(
                "SELECT total(length(bytes)) FROM entries WHERE entry_pk > ? AND entry_pk <= ?",
                (EntryPk::new(log, below), EntryPk::new(log, next)),
                |row| row.get::<_, f64>(0),
            )?
            .map_or(i64::MAX, |bytes| bytes as i64);
        if bytes <= CHECKPOINT_BYTES_MAX as i64 { self.drop_mark(log, end) } else { Ok(()) }
    }
}

/// Moves the newest mark to `seq`; the mark that is no longer needed, if there is one.
fn advance(row: &mut LogRow, seq: u64, bytes: u64) -> Option<u64> {
    let before = row.mark;
    let close = seq - row.kept <= CHECKPOINT_ENTRIES_MAX && row.kept_bytes + bytes <= CHECKPOINT_BYTES_MAX as u64;
    row.mark = seq;
    if close && before != row.kept {
        row.kept_bytes += bytes;
        Some(before)
    } else if close {
        row.kept_bytes += bytes;
        None
    } else {
        row.kept = before;
        row.kept_bytes = bytes;
        None
    }
}

impl Database {
    /// h(seq) of a place in `run`, from the nearest signed place below: at most about 64 entries are hashed.
    pub(in crate::store) fn hash_at(&self, log: LogPk, run: &Run, seq: u64) -> Result<Hash, StoreError> {
        if seq == run.last {
            return Ok(run.end);
        }
        let nearest = self.row(
            "SELECT entry_pk, hash FROM checkpoints WHERE entry_pk >= ? AND entry_pk <= ? ORDER BY entry_pk DESC LIMIT 1",
            (EntryPk::new(log, run.first), EntryPk::new(log, seq)),
            |row| Ok((row.get::<_, EntryPk>(0)?.seq(), Hash::from_bytes(row.get(1)?))),
        )?;
        let (mut at, mut hash) = nearest.unwrap_or((run.first - 1, run.base));
        self.each(
            "SELECT entry_pk, bytes FROM entries WHERE entry_pk > ? AND entry_pk <= ? ORDER BY entry_pk",
            (EntryPk::new(log, at), EntryPk::new(log, seq)),
            |row| {
                if row.get::<_, EntryPk>(0)?.seq() != at + 1 {
                    return Ok(false);
                }
                at += 1;
                hash = chain(hash, Content::of(row.get_ref(1)?.as_blob()?).hash());
                Ok(true)
            },
        )?;
        if at == seq { Ok(hash) } else { Err(damaged(format!("entry {} of log {} is missing", at + 1, log.0))) }
    }
}

#[cfg(test)]
mod tests {
    use noroshi_sync::entry::Lane;
    use noroshi_sync::id::{Epoch, NodeId, RoomId};
    use noroshi_sync::log::LogId;
    use proptest::prelude::*;

    use super::*;
    use crate::store::keys::RoomPk;

    proptest! {
        #[test]
        fn neighbours_stay_close_and_few_marks_are_kept(
            steps in proptest::collection::vec((1u64..=64, 1u64..=CHECKPOINT_BYTES_MAX as u64), 1..200),
        ) {
            let id = LogId::new(RoomId::NIL, NodeId::from_bytes([0; 32]), Epoch(0), Lane::Normal);
            let mut row = LogRow::empty(id, RoomPk(1));
            let (mut seq, mut total) = (0, 0);
            let mut marks: Vec<(u64, u64)> = vec![(0, 0)];
            for (entries, bytes) in steps {
                (seq, total) = (seq + entries, total + bytes);
                if let Some(dropped) = advance(&mut row, seq, bytes) {
                    prop_assert_eq!(marks.pop().map(|mark| mark.0), Some(dropped));
                }
                marks.push((seq, total));
            }
            for pair in marks.windows(2) {
                prop_assert!(pair[1].0 - pair[0].0 <= CHECKPOINT_ENTRIES_MAX);
                prop_assert!(pair[1].1 - pair[0].1 <= CHECKPOINT_BYTES_MAX as u64);
            }
            // Of three neighbours the middle one is needed.
            for three in marks.windows(3).take(marks.len().saturating_sub(3)) {
                prop_assert!(
                    three[2].0 - three[0].0 > CHECKPOINT_ENTRIES_MAX
                        || three[2].1 - three[0].1 > CHECKPOINT_BYTES_MAX as u64
                );
            }
        }
    }
}
