//! Whether everything stored is what was stored: `noroshi check`, and the quick look at every start.

use std::collections::BTreeMap;

use noroshi_sync::digest::Digest;
use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::{NodeId, RoomId};
use noroshi_sync::log::LogId;
use noroshi_sync::register::register_digest;
use noroshi_sync::store::StoreError;

use super::database::Database;
use super::keys::{LogPk, RoomPk};
use super::rows::Ledger;

/// Logs whose tails are looked at when the store is opened, the newest first (about 40 µs each).
pub const TAILS_MAX: usize = 5_000;

/// Something stored that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    #[error("the file: {0}")]
    File(String),
    #[error("log {log}: entries {first} to {last} are missing")]
    Missing { log: LogId, first: u64, last: u64 },
    #[error("log {log}: entry {seq} cannot be read: {reason}")]
    Entry { log: LogId, seq: u64, reason: String },
    #[error("log {log}: the entries up to {seq} are not those that were signed")]
    Chain { log: LogId, seq: u64 },
    #[error("log {log}: the signature at {seq} is wrong")]
    Signature { log: LogId, seq: u64 },
    #[error("log {log}: nothing is signed at {seq}")]
    Unsigned { log: LogId, seq: u64 },
    #[error("log {log}: there are {found} entries, its head counts {counted}")]
    Count { log: LogId, found: u64, counted: u64 },
    #[error("room {room}: its clock is behind its entries")]
    Clock { room: RoomId },
    #[error("room {room}: the digest is not the sum of its lines")]
    RoomDigest { room: RoomId },
    #[error("room {room}: the register of {node} is not signed by it")]
    Register { room: RoomId, node: NodeId },
    #[error("audience {0}: the digest is not the sum of its rooms")]
    Audience(i64),
    #[error("log {log}: this node had signed that it holds entries up to {said}, there are {found}")]
    Fewer { log: LogId, said: u64, found: u64 },
    #[error("log {log}: the row of the audit log at {seq} is not what the entry says")]
    AuditRow { log: LogId, seq: u64 },
    #[error("change {found} is above the latest change {latest}")]
    Change { found: u64, latest: u64 },
}

/// The result of a check. Clean when `damages` is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    pub rooms: u64,
    pub logs: u64,
    pub entries: u64,
    /// Of these, places of which an act of erasure left nothing but the hash.
    pub erased: u64,
    pub checkpoints: u64,
    pub registers: u64,
    pub damages: Vec<Damage>,
}

impl CheckReport {
    /// Turns an error that is damage into an item of the report.
    fn take<T>(&mut self, part: &str, result: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(StoreError::Damaged(what)) => {
                self.damages.push(Damage::File(format!("{part}: {what}")));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

impl Database {
    /// Reads everything: about 2 µs an entry, 40 µs a signature. Damage is in the report; an error means that the
    /// check itself could not be done.
    pub fn check(&self) -> Result<CheckReport, StoreError> {
        let mut report = CheckReport::default();
        self.read(|database| {
            // Damage of the file shows as an error of the reads that meet it; the rest may still be sound.
            let file = database.check_file(&mut report);
            report.take("file", file)?;
            let rooms = database
                .rows("SELECT room_pk, id FROM rooms", [], |row| Ok((row.get(0)?, RoomId::from_bytes(row.get(1)?))));
            for (pk, room) in report.take("rooms", rooms)?.unwrap_or_default() {
                report.rooms += 1;
                let checked = database.check_room(pk, room, &mut report);
                report.take(&format!("room {room}"), checked)?;
            }
            let sums = database.check_sums(&mut report);
            report.take("sums", sums).map(|_| ())
        })?;
        self.take_failure();
        Ok(report)
    }

    fn check_file(&self, report: &mut CheckReport) -> Result<(), StoreError> {
        let lines = self.rows("PRAGMA integrity_check(100)", [], |row| row.get::<_, String>(0))?;
        report.damages.extend(lines.into_iter().filter(|line| line != "ok").map(Damage::File));
        let orphans = self.rows("PRAGMA foreign_key_check", [], |row| row.get::<_, String>(0))?;
        report.damages.extend(orphans.into_iter().map(|table| Damage::File(format!("a row of {table} has no parent"))));
        Ok(())
    }

    fn check_room(&self, room_pk: RoomPk, room: RoomId, report: &mut CheckReport) -> Result<(), StoreError> {
        let (mut lines, mut seen) = (Digest::EMPTY, Hlc::ZERO);
        let logs: Vec<LogPk> = self.rows("SELECT log_pk FROM logs WHERE room_pk = ?", [room_pk], |row| row.get(0))?;
        for log in logs {
            report.logs += 1;
            let row = self.load_log(log)?;
            lines += row.line;
            seen = seen.merge(self.check_log(log, &row, report)?);
        }
        for node in self.registers_in(room_pk)? {
            report.registers += 1;
            if node == self.node() {
                report.damages.extend(self.check_own_register(&room)?);
            }
            let Some(signed) = self.signed_register(&room, &node)? else { continue };
            lines += register_digest(&signed);
            if signed.verify().map_or(true, |batch| batch.register().node != node || batch.register().room != room) {
                report.damages.push(Damage::Register { room, node });
            }
        }
        let (digest, hlc) = self
            .row("SELECT digest, hlc FROM rooms WHERE room_pk = ?", [room_pk], |row| {
                Ok((Digest::from_bytes(row.get(0)?), Hlc::from_raw(row.get::<_, i64>(1)?.cast_unsigned())))
            })?
            .unwrap_or_default();
        if digest != lines {
            report.damages.push(Damage::RoomDigest { room });
        }
        self.check_audit(room_pk, report)?;
        if hlc < seen {
            report.damages.push(Damage::Clock { room });
        }
        Ok(())
    }

    fn registers_in(&self, room: RoomPk) -> Result<Vec<NodeId>, StoreError> {
        self.rows("SELECT nodes.id FROM registers JOIN nodes USING (node_pk) WHERE room_pk = ?", [room], |row| {
            row.get(0).map(NodeId::from_bytes)
        })
    }

    /// The running sums of the audiences, and the numbers of changes.
    fn check_sums(&self, report: &mut CheckReport) -> Result<(), StoreError> {
        let mut sums: BTreeMap<i64, (Digest, Digest)> = BTreeMap::new();
        let rooms =
            self.rows("SELECT audience_pk, ledger, digest FROM rooms WHERE audience_pk NOT NULL", [], |row| {
                Ok((row.get(0)?, row.get::<_, i64>(1)?, Digest::from_bytes(row.get(2)?)))
            })?;
        for (audience, ledger, digest) in rooms {
            let sum = sums.entry(audience).or_default();
            *(if ledger == Ledger::No.number() { &mut sum.0 } else { &mut sum.1 }) += digest;
        }
        let stored = self.rows("SELECT audience_pk, rooms, ledgers FROM audiences", [], |row| {
            Ok((row.get(0)?, (Digest::from_bytes(row.get(1)?), Digest::from_bytes(row.get(2)?))))
        })?;
        for (audience, sum) in stored {
            if sums.get(&audience).copied().unwrap_or_default() != sum {
                report.damages.push(Damage::Audience(audience));
            }
        }
        // From the table, whatever is remembered.
        let latest: i64 = self.row("SELECT latest_change FROM store", [], |row| row.get(0))?.unwrap_or(0);
        let latest = latest.cast_unsigned();
        let highest: Option<i64> = self
            .row(
                "SELECT max(change) FROM (SELECT max(change) AS change FROM rooms UNION ALL SELECT max(change) FROM logs
                 UNION ALL SELECT max(change) FROM registers)",
                [],
                |row| row.get(0),
            )?
            .flatten();
        let found = highest.unwrap_or(0).cast_unsigned();
        if found > latest {
            report.damages.push(Damage::Change { found, latest });
        }
        Ok(())
    }

    /// A quick look at the end of each log that was written last, at most [`TAILS_MAX`]: whether the newest entries are
    /// there and chain up to the head. What a torn write would have spoilt is found here.
    pub fn check_tails(&self) -> Result<Vec<Damage>, StoreError> {
        self.read(|database| {
            let mut damages = Vec::new();
            let mut left = TAILS_MAX;
            let rooms: Vec<RoomPk> =
                database.rows("SELECT room_pk FROM rooms ORDER BY change DESC LIMIT ?", [TAILS_MAX as i64], |row| {
                    row.get(0)
                })?;
            for room in rooms {
                let logs: Vec<LogPk> = database.rows(
                    "SELECT log_pk FROM logs WHERE room_pk = ? ORDER BY change DESC LIMIT ?",
                    (room, left as i64),
                    |row| row.get(0),
                )?;
                left -= logs.len();
                for log in logs {
                    database.check_tail(log, &mut damages)?;
                }
                if left == 0 {
                    break;
                }
            }
            Ok(damages)
        })
    }
}
