//! The check of one log: its entries chain up to its signatures and its head.

use noroshi_sync::checkpoint::{self, Signature};
use noroshi_sync::entry::Entry;
use noroshi_sync::hlc::Hlc;
use noroshi_sync::log::{Hash, chain};
use noroshi_sync::store::StoreError;

use super::check::{CheckReport, Damage};
use super::database::Database;
use super::erasing::Content;
use super::keys::{EntryPk, LogPk, SEQ_MAX};
use super::rows::{LogRow, Run};

/// A signed place: its seq, h(seq), the signature.
type StoredMark = (u64, Hash, Signature);

impl Database {
    /// Reads all of a log; the highest stamp in it.
    pub(in crate::store) fn check_log(
        &self,
        log: LogPk,
        row: &LogRow,
        report: &mut CheckReport,
    ) -> Result<Hlc, StoreError> {
        let mut seen = Hlc::ZERO;
        for run in row.runs() {
            seen = seen.merge(self.check_run(log, row, &run, report)?);
        }
        let (first, last) = (EntryPk::new(log, 0), EntryPk::new(log, SEQ_MAX));
        let count = "SELECT count(*) FROM entries WHERE entry_pk BETWEEN ? AND ?";
        let found = self.row(count, (first, last), |row| row.get::<_, i64>(0))?.unwrap_or(0).cast_unsigned();
        let counted = row.count();
        if found != counted {
            report.damages.push(Damage::Count { log: row.id, found, counted });
        }
        Ok(seen)
    }

    fn check_run(&self, log: LogPk, row: &LogRow, run: &Run, report: &mut CheckReport) -> Result<Hlc, StoreError> {
        let marks = self.marks_in(log, run)?;
        report.checkpoints += marks.len() as u64;
        if marks.last().is_none_or(|mark| mark.0 != run.last) && !self.goes_on(row)? {
            report.damages.push(Damage::Unsigned { log: row.id, seq: run.last });
        }
        let mut reading = RunReading { row, next: run.first, hash: run.base, seen: Hlc::ZERO, broken: false };
        let mut marks = marks.into_iter().peekable();
        self.each(
            "SELECT entry_pk, bytes FROM entries WHERE entry_pk BETWEEN ? AND ? ORDER BY entry_pk",
            (EntryPk::new(log, run.first), EntryPk::new(log, run.last)),
            |stored| {
                let seq = stored.get::<_, EntryPk>(0)?.seq();
                reading.entry(seq, stored.get_ref(1)?.as_blob()?, report);
                while let Some(mark) = marks.next_if(|mark| mark.0 <= seq) {
                    reading.mark(&mark, report);
                }
                Ok(true)
            },
        )?;
        if reading.next <= run.last {
            report.damages.push(Damage::Missing { log: row.id, first: reading.next, last: run.last });
        } else if reading.hash != run.end && !reading.broken {
            report.damages.push(Damage::Chain { log: row.id, seq: run.last });
        }
        Ok(reading.seen)
    }

    fn marks_in(&self, log: LogPk, run: &Run) -> Result<Vec<StoredMark>, StoreError> {
        self.rows(
            "SELECT entry_pk, hash, signature FROM checkpoints WHERE entry_pk BETWEEN ? AND ? ORDER BY entry_pk",
            (EntryPk::new(log, run.first), EntryPk::new(log, run.last)),
            |row| {
                let seq = row.get::<_, EntryPk>(0)?.seq();
                Ok((seq, Hash::from_bytes(row.get(1)?), Signature::from_bytes(row.get(2)?)))
            },
        )
    }

    /// The entries after the last signature but one chain up to the head, which is signed.
    pub(in crate::store) fn check_tail(&self, log: LogPk, damages: &mut Vec<Damage>) -> Result<(), StoreError> {
        let row = self.load_log(log)?;
        let Some(run) = row.runs().pop() else { return Ok(()) };
        let before = self.row(
            "SELECT entry_pk, hash FROM checkpoints WHERE entry_pk >= ? AND entry_pk < ? ORDER BY entry_pk DESC LIMIT 1",
            (EntryPk::new(log, run.first), EntryPk::new(log, run.last)),
            |row| Ok((row.get::<_, EntryPk>(0)?.seq(), Hash::from_bytes(row.get(1)?))),
        )?;
        let (seq, base) = before.unwrap_or((run.first - 1, run.base));
        let tail = Run { first: seq + 1, base, ..run };
        let is_signed = self.marks_in(log, &tail)?.last().is_some_and(|mark| (mark.0, mark.1) == (run.last, run.end));
        if !is_signed && !self.goes_on(&row)? {
            damages.push(Damage::Unsigned { log: row.id, seq: run.last });
        }
        let mut hash = base;
        let mut next = tail.first;
        self.each(
            "SELECT entry_pk, bytes FROM entries WHERE entry_pk >= ? AND entry_pk <= ? ORDER BY entry_pk",
            (EntryPk::new(log, tail.first), EntryPk::new(log, SEQ_MAX)),
            |stored| {
                if stored.get::<_, EntryPk>(0)?.seq() != next {
                    return Ok(false);
                }
                next += 1;
                hash = chain(hash, Content::of(stored.get_ref(1)?.as_blob()?).hash());
                Ok(true)
            },
        )?;
        if next <= run.last {
            damages.push(Damage::Missing { log: row.id, first: next, last: run.last });
        } else if hash != run.end {
            damages.push(Damage::Chain { log: row.id, seq: run.last });
        }
        Ok(())
    }
}

/// How far the reading of a run has come.
struct RunReading<'a> {
    row: &'a LogRow,
    next: u64,
    hash: Hash,
    seen: Hlc,
    /// The chain is wrong from here on, and that is reported already.
    broken: bool,
}

impl RunReading<'_> {
    fn entry(&mut self, seq: u64, bytes: &[u8], report: &mut CheckReport) {
        let log = self.row.id;
        report.entries += 1;
        if seq != self.next {
            report.damages.push(Damage::Missing { log, first: self.next, last: seq - 1 });
            self.broken = true;
        }
        let content = Content::of(bytes);
        match content {
            Content::Erased(_) => report.erased += 1,
            Content::Entry(bytes) => match Entry::decode(bytes) {
                Ok(entry) if entry.seq == seq => self.seen = self.seen.merge(entry.hlc),
                Ok(entry) => {
                    let reason = format!("it says it is entry {}", entry.seq);
                    report.damages.push(Damage::Entry { log, seq, reason });
                }
                Err(malformed) => report.damages.push(Damage::Entry { log, seq, reason: malformed.to_string() }),
            },
        }
        self.hash = chain(self.hash, content.hash());
        self.next = seq + 1;
    }

    fn mark(&mut self, (seq, hash, signature): &StoredMark, report: &mut CheckReport) {
        let log = self.row.id;
        if self.next != seq + 1 || *hash != self.hash {
            if !self.broken {
                report.damages.push(Damage::Chain { log, seq: *seq });
            }
            // What follows is judged from the signed place on.
            self.hash = *hash;
        }
        self.broken = false;
        if !checkpoint::is_signed(&log, *seq, hash, signature) {
            report.damages.push(Damage::Signature { log, seq: *seq });
        }
    }
}
