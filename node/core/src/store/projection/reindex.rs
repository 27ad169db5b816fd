//! Computes all rows anew from the entries and registers. The result equals what grew entry by entry.

use std::collections::HashMap;

use noroshi_provisioning::Directory;
use noroshi_sync::entry::Entry;
use noroshi_sync::log::LogId;
use noroshi_sync::store::StoreError;

use super::directory::set_version;
use super::{Current, Projection, Unsettled, Work, reads};
use crate::store::query::codes::{entry, room_id, unsigned};
use crate::store::{Database, EntryPk, LogPk, RoomPk, StoredEntry, Writing};

/// Changes whenever the rows would come out differently for the same entries.
const VERSION: u32 = 1;
const SETTING: &str = "projection";
/// Entries projected in one transaction.
const CHUNK: u32 = 5_000;

/// Whether the rows were computed, completely, by this version of the program.
pub(super) fn is_current(database: &Database) -> Result<bool, StoreError> {
    Ok(database.setting(SETTING)?.as_deref() == Some(&VERSION.to_be_bytes()))
}

/// Where a rebuild stands.
#[derive(Debug, Default)]
pub struct Reindexing {
    after: i64,
    pub done: u64,
    pub of: u64,
}

impl Projection {
    /// Rebuilds everything. Interrupted, it begins anew at the next start.
    pub fn reindex(&self, database: &mut Database, mut progress: impl FnMut(u64, u64)) -> Result<(), StoreError> {
        let mut state = database.write(|writing| self.begin_reindex(writing))?;
        progress(0, state.of);
        loop {
            let more = database.write(|writing| self.continue_reindex(writing, &mut state))?;
            progress(state.done, state.of);
            if !more {
                break;
            }
        }
        let current = database.write(|writing| self.current(writing))?;
        self.publish(&current);
        Ok(())
    }

    /// Empties the tables and resolves the directory and all policies. Nothing else may be written until
    /// [`Projection::continue_reindex`] has returned false: it would be projected twice.
    pub fn begin_reindex(&self, writing: &Writing<'_>) -> Result<Reindexing, StoreError> {
        writing.set_setting(SETTING, b"rebuilding")?;
        writing.batch(
            "DELETE FROM messages; DELETE FROM marks; DELETE FROM page_changes; DELETE FROM members;
             DELETE FROM grants; DELETE FROM room_offices; DELETE FROM policy_people; DELETE FROM room_states;
             DELETE FROM unsettled;",
        )?;
        writing.execute("DELETE FROM reads WHERE node_pk <> ?", [writing.own_pk()])?;
        let version = writing.row("SELECT version FROM directory", [], |row| row.get::<_, i64>(0))?.unwrap_or(0);
        set_version(writing, version + 1)?;
        let work = self.quiet(writing)?;
        let nothing = Current::of(version, Directory::empty(work.current.directory.organisation()));
        self.follow(&work, &nothing)?;
        for room in rooms_with_policy(writing)? {
            self.unsettle(writing, Unsettled::Policy(room))?;
        }
        self.settle_rooms(&work)?;
        let of = writing.row("SELECT count(*) FROM entries", [], |row| unsigned(row, 0))?.unwrap_or(0);
        Ok(Reindexing { after: 0, done: 0, of })
    }

    /// Projects the next entries; returns whether there is more to do.
    pub fn continue_reindex(&self, writing: &Writing<'_>, state: &mut Reindexing) -> Result<bool, StoreError> {
        let work = self.quiet(writing)?;
        let rows: Vec<(EntryPk, u64, Entry)> = writing.rows(
            "SELECT entry_pk, received_ms, bytes FROM entries WHERE entry_pk > ? ORDER BY entry_pk LIMIT ?",
            (state.after, CHUNK),
            |row| Ok((row.get(0)?, unsigned(row, 1)?, entry(row, 2)?)),
        )?;
        let mut logs: HashMap<LogPk, (LogId, RoomPk)> = HashMap::new();
        for (entry_pk, received_ms, entry) in &rows {
            let log_pk = entry_pk.log();
            let (log, room) = match logs.get(&log_pk) {
                Some(known) => *known,
                None => *logs.entry(log_pk).or_insert(log_and_room(writing, log_pk)?),
            };
            // Policies and the ledger are resolved already.
            if log.lane != noroshi_sync::entry::Lane::Policy {
                let stored =
                    StoredEntry { room, log_pk, entry_pk: *entry_pk, log: &log, entry, received_ms: *received_ms };
                self.project(&work, &stored)?;
            }
        }
        state.done += rows.len() as u64;
        state.after = rows.last().map_or(state.after, |(pk, ..)| pk.0);
        if rows.len() as u32 == CHUNK {
            return Ok(true);
        }
        self.settle_rooms(&work)?;
        take_all_registers(&work)?;
        writing.set_setting(SETTING, &VERSION.to_be_bytes())?;
        Ok(false)
    }

    fn quiet<'w, 'a>(&self, writing: &'w Writing<'a>) -> Result<Work<'w, 'a>, StoreError> {
        Ok(Work { quiet: true, ..self.work(writing)? })
    }
}

fn rooms_with_policy(writing: &Writing<'_>) -> Result<Vec<RoomPk>, StoreError> {
    writing.rows("SELECT DISTINCT room_pk FROM logs WHERE lane = 0", [], |row| row.get(0))
}

fn log_and_room(writing: &Writing<'_>, log: LogPk) -> Result<(LogId, RoomPk), StoreError> {
    let name = writing.log_name(log)?;
    let room = writing.ensure_room(&name.room)?;
    Ok((name, room))
}

fn take_all_registers(work: &Work<'_, '_>) -> Result<(), StoreError> {
    let rooms = work.rows("SELECT DISTINCT room_pk, id FROM registers JOIN rooms USING (room_pk)", [], |row| {
        Ok((row.get(0)?, room_id(row, 1)?))
    })?;
    for (pk, room) in rooms {
        for register in work.registers_of(&room)? {
            reads::take_register(work, pk, &register)?;
        }
    }
    Ok(())
}
