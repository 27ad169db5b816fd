//! Takes out of a damaged database everything that its writers still vouch for, into a new one.
//!
//! Each signed piece of each log is read and verified on its own, and stored like something from a peer. What does not
//! verify is named and left behind: the new database shows it as missing, so that it is fetched from whoever holds it.

use noroshi_sync::limits::CHECKPOINT_ENTRIES_MAX;
use noroshi_sync::log::LogId;
use noroshi_sync::store::{Batch, Refusal, StoreError, WindowOutcome};
use noroshi_sync::window::VerifiedWindow;

use super::database::Database;
use super::keys::{EntryPk, LogPk};
use super::windows::Path;

/// Windows stored in one transaction.
const WINDOWS_AT_ONCE: usize = 64;
/// What only this node knows, in tables whose rows mean the same in any database.
const OWN_TABLES: [&str; 6] = ["settings", "sessions", "device_codes", "passcodes", "imports", "cuts"];

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Salvaged {
    pub entries: u64,
    /// Entries that were there and are not what was signed, or cannot be read.
    pub lost: Vec<Lost>,
    /// Parts that cannot be read at all.
    pub unreadable: Vec<String>,
}

/// Entries `first ..= last` of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("log {log}: entries {first} to {last}")]
pub struct Lost {
    pub log: LogId,
    pub first: u64,
    pub last: u64,
}

impl Database {
    /// Fills this new database from a damaged one of the same node. An error is one of the new database; whatever is wrong
    /// with the old one is in the answer.
    pub fn salvage(&mut self, damaged: &std::path::Path) -> Result<Salvaged, StoreError> {
        let mut found = Salvaged::default();
        match Self::open_damaged(damaged, self.options().clone()) {
            Ok(old) => self.salvage_logs(&old, &mut found)?,
            Err(error) => found.unreadable.push(error.to_string()),
        }
        self.salvage_own(damaged, &mut found)?;
        Ok(found)
    }

    fn salvage_logs(&mut self, old: &Self, found: &mut Salvaged) -> Result<(), StoreError> {
        // The ledger and the policies first: the rest is judged by them.
        let logs = old.rows(
            "SELECT log_pk FROM logs LEFT JOIN rooms USING (room_pk) ORDER BY lane > 0, ledger = 0, log_pk",
            [],
            |row| row.get::<_, LogPk>(0),
        );
        let logs = match logs {
            Ok(logs) => logs,
            Err(error) => {
                found.unreadable.push(format!("the list of logs: {error}"));
                return Ok(());
            }
        };
        let (mut waiting, mut refused) = (Vec::new(), Vec::new());
        for log in logs {
            match old.load_log(log).and_then(|row| Ok((row.id, old.paths(log)?))) {
                Ok((log, paths)) => {
                    for path in paths {
                        let mut next = path.pieces.first().map_or(u64::MAX, |(_, run)| run.first);
                        while next <= path.end {
                            waiting.extend(old.sound_piece(&path, log, &mut next, found));
                            if waiting.len() >= WINDOWS_AT_ONCE {
                                self.store(&mut waiting, &mut refused, found)?;
                            }
                        }
                    }
                }
                Err(error) => found.unreadable.push(format!("log number {}: {error}", log.0)),
            }
        }
        self.store(&mut waiting, &mut refused, found)?;
        self.try_again(refused, found)
    }

    /// The piece of a history that begins at `next`, if it is as it was signed; else it is noted as lost. Moves `next` on.
    fn sound_piece(&self, path: &Path, log: LogId, next: &mut u64, found: &mut Salvaged) -> Option<VerifiedWindow> {
        let first = *next;
        let last = path.end.min(first + CHECKPOINT_ENTRIES_MAX - 1);
        let window = self.read_window(path, log, first, last).ok().and_then(|window| window.verify().ok());
        // What lies between two signatures is lost as a whole: nothing tells which of it is wrong.
        let end = match &window {
            Some(window) => window.last(),
            None => self.next_mark(path, first).unwrap_or(path.end),
        };
        if window.is_none() {
            found.lost.push(Lost { log, first, last: end });
        }
        *next = end + 1;
        window
    }

    /// The first signed place at or after `seq`, if it can be found.
    fn next_mark(&self, path: &Path, seq: u64) -> Option<u64> {
        path.between(seq, path.end).find_map(|(log, from, to)| {
            let mark = self.row(
                "SELECT entry_pk FROM checkpoints WHERE entry_pk >= ? AND entry_pk <= ? ORDER BY entry_pk LIMIT 1",
                (EntryPk::new(log, from), EntryPk::new(log, to)),
                |row| row.get::<_, EntryPk>(0),
            );
            mark.ok().flatten().map(EntryPk::seq)
        })
    }

    /// Stores what waits as if this node's own copy were a peer.
    fn store(
        &mut self,
        waiting: &mut Vec<VerifiedWindow>,
        refused: &mut Vec<VerifiedWindow>,
        found: &mut Salvaged,
    ) -> Result<(), StoreError> {
        if waiting.is_empty() {
            return Ok(());
        }
        let windows = std::mem::take(waiting);
        let batch = Batch { peer: self.node(), windows: windows.clone(), registers: Vec::new(), cursor: None };
        let applied = self.write(|writing| writing.apply(&batch))?;
        for (window, outcome) in windows.into_iter().zip(applied.windows) {
            match outcome {
                WindowOutcome::Stored { .. } => found.entries += window.items().len() as u64,
                WindowOutcome::Refused { refusal, .. } if may_be_known_later(refusal) => refused.push(window),
                WindowOutcome::Refused { log, first, last, .. } => found.lost.push(Lost { log, first, last }),
            }
        }
        Ok(())
    }

    /// What was refused for want of a right that stood further on.
    fn try_again(&mut self, mut refused: Vec<VerifiedWindow>, found: &mut Salvaged) -> Result<(), StoreError> {
        loop {
            let before = refused.len();
            let mut left = Vec::new();
            for windows in refused.chunks(WINDOWS_AT_ONCE) {
                self.store(&mut windows.to_vec(), &mut left, found)?;
            }
            if left.len() == before || left.is_empty() {
                let lost =
                    |window: &VerifiedWindow| Lost { log: *window.log(), first: window.first(), last: window.last() };
                found.lost.extend(left.iter().map(lost));
                return Ok(());
            }
            refused = left;
        }
    }

    /// What no log says: settings, log-ins, passcodes, and how far this node's own people have read.
    fn salvage_own(&mut self, damaged: &std::path::Path, found: &mut Salvaged) -> Result<(), StoreError> {
        let name = damaged.to_str().ok_or_else(|| StoreError::Invalid("the name of the file is no UTF-8".into()))?;
        if let Err(error) = self.execute("ATTACH ? AS damaged", [name]) {
            found.unreadable.push(error.to_string());
            self.take_failure();
            return Ok(());
        }
        for table in OWN_TABLES {
            self.copy_rows(table, &format!("INSERT OR IGNORE INTO main.{table} SELECT * FROM damaged.{table}"), found);
        }
        let reads = "INSERT OR IGNORE INTO main.reads (room_pk, user, node_pk, message, hlc, at_ms)
            SELECT mine.room_pk, theirs.user, here.node_pk, theirs.message, theirs.hlc, theirs.at_ms
            FROM damaged.reads AS theirs
            JOIN damaged.rooms AS room ON room.room_pk = theirs.room_pk
            JOIN damaged.nodes AS node ON node.node_pk = theirs.node_pk
            JOIN main.rooms AS mine ON mine.id = room.id
            JOIN main.nodes AS here ON here.id = node.id
            WHERE node.id = (SELECT id FROM main.nodes WHERE node_pk = ?1)";
        self.copy_rows("reads", reads, found);
        // The files lie beside the database; what is given of them is proved by their hash.
        let files = "UPDATE main.blobs SET here = 1 WHERE EXISTS (SELECT 1 FROM damaged.blobs AS old
            WHERE old.hash = main.blobs.hash AND old.size = main.blobs.size AND old.here = 1)";
        self.copy_rows("blobs", files, found);
        self.execute("DETACH damaged", []).map(|_| ())
    }

    fn copy_rows(&mut self, table: &str, sql: &str, found: &mut Salvaged) {
        let own = self.own_pk();
        let copied = self.write(|writing| match sql.contains("?1") {
            true => writing.execute(sql, [own]),
            false => writing.execute(sql, []),
        });
        if let Err(error) = copied {
            self.take_failure();
            found.unreadable.push(format!("{table}: {error}"));
        }
    }
}

const fn may_be_known_later(refusal: Refusal) -> bool {
    matches!(
        refusal,
        Refusal::NotAdmitted
            | Refusal::UnknownWriter
            | Refusal::UnknownLog
            | Refusal::TooManyGaps
            | Refusal::ErasedWithoutGrounds
    )
}
