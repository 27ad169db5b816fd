//! The rows of the audit log, and the proof that what they point at is what was signed.
//!
//! A row is a function of its entry. The proof is made when somebody looks, never kept: the entries between two signed
//! places are hashed again, their chain must end in what the node signed, and the rows of that window must be exactly
//! those that its entries give. So a changed row, changed bytes and a missing entry are all noticed, by at most some 64
//! hashes and one signature for each window on the page.

use std::collections::BTreeMap;

use noroshi_provisioning::audit::{AUDIT_EVENT, AuditEvent};
use noroshi_provisioning::body::Body;
use noroshi_sync::checkpoint::{self, Signature};
use noroshi_sync::entry::{ENTRY_VERSION, Entry};
use noroshi_sync::id::{EntryId, UserId};
use noroshi_sync::log::{Hash, LogId, chain, entry_hash};
use noroshi_sync::store::StoreError;
use rusqlite::Row;

use super::database::Database;
use super::keys::{EntryPk, LogPk, RoomPk};
use super::query::codes::{entry_id, unsigned, user_id};
use super::rows::Run;
use crate::resolve::standing::written_ms;

/// Entries hashed for one window; an honest one has 64.
const WINDOW_ENTRIES_MAX: u64 = 1_024;

/// The kind of what cannot be read.
pub const UNREADABLE: u16 = 0;

/// Where an event is found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AuditRow {
    pub entry: EntryPk,
    pub room: RoomPk,
    /// By the clock of the writing node, as far as it was known to be wrong corrected; milliseconds since 1970.
    pub at_ms: u64,
    pub id: EntryId,
    /// Number of the event; [`UNREADABLE`].
    pub kind: u16,
    pub actor: UserId,
    pub subject: Option<UserId>,
}

impl AuditRow {
    /// The row of an entry in an audit room; `None` for what is no event.
    pub fn of(room: RoomPk, pk: EntryPk, entry: &Entry) -> Option<Self> {
        if entry.kind != AUDIT_EVENT || entry.version > ENTRY_VERSION {
            return None;
        }
        let event = AuditEvent::decode(&entry.body).ok();
        let subject = event.as_ref().and_then(|event| event.subject).and_then(|subject| subject.user());
        Some(Self {
            entry: pk,
            room,
            at_ms: written_ms(entry).min(i64::MAX.unsigned_abs()),
            id: entry.id,
            kind: event.map_or(UNREADABLE, |event| event.kind),
            actor: entry.author,
            subject,
        })
    }

    /// Reads `entry_pk, room_pk, at_ms, id, kind, actor, subject`.
    pub(in crate::store) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let subject: Option<[u8; 16]> = row.get(6)?;
        Ok(Self {
            entry: row.get(0)?,
            room: row.get(1)?,
            at_ms: unsigned(row, 2)?,
            id: entry_id(row, 3)?,
            kind: row.get(4)?,
            actor: user_id(row, 5)?,
            subject: subject.map(UserId::from_bytes),
        })
    }
}

/// What a row was found to stand on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditProof {
    /// Whose log it is in; `None` when the log itself is gone.
    pub log: Option<LogId>,
    /// The entry, as far as it is there.
    pub entry: Option<Entry>,
    /// The entry is what its node signed, and the row is what the entry says.
    pub verified: bool,
}

/// The entries from behind one signed place to the next.
struct Window {
    last: u64,
    sound: bool,
}

impl Database {
    /// The proof of each row, in the same order. Windows are read once.
    pub fn audit_proofs(&self, rows: &[AuditRow]) -> Result<Vec<AuditProof>, StoreError> {
        let mut windows: BTreeMap<EntryPk, Window> = BTreeMap::new();
        let mut logs: BTreeMap<LogPk, Option<LogId>> = BTreeMap::new();
        let mut proofs = Vec::with_capacity(rows.len());
        for row in rows {
            let log_pk = row.entry.log();
            let log = match logs.get(&log_pk) {
                Some(known) => *known,
                None => *logs.entry(log_pk).or_insert(undamaged(self.log_name(log_pk))?),
            };
            let known = windows.range(..=row.entry).next_back();
            let known = known.filter(|(first, window)| first.log() == log_pk && row.entry.seq() <= window.last);
            let sound = match known {
                Some((_, window)) => window.sound,
                None => {
                    let found = undamaged(self.audit_window(row.entry))?.flatten();
                    let sound = found.as_ref().is_some_and(|(_, window)| window.sound);
                    windows.extend(found);
                    sound
                }
            };
            let bytes =
                self.row("SELECT bytes FROM entries WHERE entry_pk = ?", [row.entry], |row| row.get::<_, Vec<u8>>(0))?;
            let entry = bytes.and_then(|bytes| Entry::decode(&bytes).ok());
            proofs.push(AuditProof { log, entry, verified: sound });
        }
        Ok(proofs)
    }

    /// Verifies the window in which the entry lies; `None` when the log does not reach that far.
    fn audit_window(&self, pk: EntryPk) -> Result<Option<(EntryPk, Window)>, StoreError> {
        let (log, seq) = (pk.log(), pk.seq());
        let row = self.load_log(log)?;
        let Some(run) = row.runs().into_iter().find(|run| (run.first..=run.last).contains(&seq)) else {
            return Ok(None);
        };
        let (before, base) = self.signed_below(log, &run, seq)?;
        let Some((last, hash, signature)) = self.signed_at_or_above(log, &run, seq)? else { return Ok(None) };
        let first = before + 1;
        let window = |sound| Some((EntryPk::new(log, first), Window { last, sound }));
        if last - before > WINDOW_ENTRIES_MAX || !checkpoint::is_signed(&row.id, last, &hash, &signature) {
            return Ok(window(false));
        }
        let Some((end, expected)) = self.hashed(log, row.room, first, last, base)? else { return Ok(window(false)) };
        if end != hash {
            return Ok(window(false));
        }
        let range = (EntryPk::new(log, first), EntryPk::new(log, last));
        let stored = self.rows(
            "SELECT entry_pk, room_pk, at_ms, id, kind, actor, subject FROM audit
             WHERE entry_pk BETWEEN ? AND ? ORDER BY entry_pk",
            range,
            AuditRow::read,
        )?;
        Ok(window(stored == expected))
    }

    /// The nearest signed place below `seq`, or the beginning of the run.
    fn signed_below(&self, log: LogPk, run: &Run, seq: u64) -> Result<(u64, Hash), StoreError> {
        let found = self.row(
            "SELECT entry_pk, hash FROM checkpoints WHERE entry_pk >= ? AND entry_pk < ? ORDER BY entry_pk DESC LIMIT 1",
            (EntryPk::new(log, run.first), EntryPk::new(log, seq)),
            |row| Ok((row.get::<_, EntryPk>(0)?.seq(), Hash::from_bytes(row.get(1)?))),
        )?;
        Ok(found.unwrap_or((run.first - 1, run.base)))
    }

    fn signed_at_or_above(
        &self,
        log: LogPk,
        run: &Run,
        seq: u64,
    ) -> Result<Option<(u64, Hash, Signature)>, StoreError> {
        self.row(
            "SELECT entry_pk, hash, signature FROM checkpoints WHERE entry_pk >= ? AND entry_pk <= ?
             ORDER BY entry_pk LIMIT 1",
            (EntryPk::new(log, seq), EntryPk::new(log, run.last)),
            |row| {
                let seq = row.get::<_, EntryPk>(0)?.seq();
                Ok((seq, Hash::from_bytes(row.get(1)?), Signature::from_bytes(row.get(2)?)))
            },
        )
    }

    /// The chain over `first..=last` and the rows that the entries give; `None` when one is missing or unreadable.
    fn hashed(
        &self,
        log: LogPk,
        room: RoomPk,
        first: u64,
        last: u64,
        base: Hash,
    ) -> Result<Option<(Hash, Vec<AuditRow>)>, StoreError> {
        let (mut hash, mut next, mut rows) = (base, first, Vec::new());
        self.each(
            "SELECT entry_pk, bytes FROM entries WHERE entry_pk BETWEEN ? AND ? ORDER BY entry_pk",
            (EntryPk::new(log, first), EntryPk::new(log, last)),
            |row| {
                let (pk, bytes) = (row.get::<_, EntryPk>(0)?, row.get_ref(1)?.as_blob()?);
                let Ok(entry) = Entry::decode(bytes) else { return Ok(false) };
                if pk.seq() != next || entry.seq != next {
                    return Ok(false);
                }
                hash = chain(hash, entry_hash(bytes));
                rows.extend(AuditRow::of(room, pk, &entry));
                next += 1;
                Ok(true)
            },
        )?;
        Ok((next == last + 1).then_some((hash, rows)))
    }
}

/// Damage proves nothing and is no reason to show nothing.
fn undamaged<T>(found: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(StoreError::Damaged(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
