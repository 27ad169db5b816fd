//! Computes all rows anew from the entries and registers. The result equals what grew entry by entry.

use std::collections::HashMap;

use noroshi_provisioning::Directory;
use noroshi_sync::entry::{Entry, Lane};
use noroshi_sync::log::LogId;
use noroshi_sync::store::StoreError;

use super::directory::set_version;
use super::{Current, Projection, Unsettled, Work, reads};
use crate::store::erasing::Content;
use crate::store::query::codes::{entry, room_id, unsigned};
use crate::store::{Database, EntryPk, LogPk, RoomPk, StoredEntry, Writing};

/// Changes whenever the rows would come out differently for the same entries.
const VERSION: u32 = 5;
const SETTING: &str = "projection";
/// Entries in memory at a time.
const CHUNK: u32 = 5_000;

/// Whether the rows were computed, completely, by this version of the program.
pub(super) fn is_current(database: &Database) -> Result<bool, StoreError> {
    Ok(database.setting(SETTING)?.as_deref() == Some(&VERSION.to_be_bytes()))
}

impl Projection {
    /// [`Projection::rebuild`] in a transaction of its own.
    pub fn reindex(&self, database: &mut Database, mut progress: impl FnMut(u64, u64)) -> Result<(), StoreError> {
        let current = database.write(|writing| {
            self.rebuild(writing, &mut progress)?;
            self.current(writing)
        })?;
        self.publish(&current);
        Ok(())
    }

    /// Rebuilds everything, in the one transaction of `writing`: either all rows are new or none. About 10 µs an entry,
    /// and ten times that for one that a device signed.
    /// `progress` hears how many entries of how many are done.
    pub fn rebuild(&self, writing: &Writing<'_>, progress: &mut dyn FnMut(u64, u64)) -> Result<(), StoreError> {
        writing.batch(
            "DELETE FROM messages; DELETE FROM marks; DELETE FROM page_changes; DELETE FROM members;
             DELETE FROM grants; DELETE FROM room_offices; DELETE FROM policy_people; DELETE FROM room_states;
             DELETE FROM witnesses; DELETE FROM unsettled; DELETE FROM audit; DELETE FROM audit_rooms;
             DELETE FROM signatures; DELETE FROM erasures; DELETE FROM tombstones; DELETE FROM page_cuts;",
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
        // Rights first, so that most entries are judged once.
        self.settle_rooms(&work)?;
        self.project_all(&work, progress)?;
        self.settle_rooms(&work)?;
        take_all_registers(&work)?;
        writing.set_setting(SETTING, &VERSION.to_be_bytes())
    }

    fn project_all(&self, work: &Work<'_, '_>, progress: &mut dyn FnMut(u64, u64)) -> Result<(), StoreError> {
        let of = work.row("SELECT count(*) FROM entries", [], |row| unsigned(row, 0))?.unwrap_or(0);
        let (mut done, mut after) = (0, EntryPk(0));
        let mut logs: HashMap<LogPk, (LogId, RoomPk)> = HashMap::new();
        loop {
            progress(done, of);
            let rows = entries_after(work, after)?;
            for (entry_pk, received_ms, entry) in &rows {
                // Nothing is left of an erased entry.
                let Some(entry) = entry else { continue };
                let log_pk = entry_pk.log();
                let (log, room) = match logs.get(&log_pk) {
                    Some(known) => *known,
                    None => *logs.entry(log_pk).or_insert(log_and_room(work, log_pk)?),
                };
                // Policies and the ledger are resolved already.
                if log.lane != Lane::Policy {
                    let (entry_pk, received_ms) = (*entry_pk, *received_ms);
                    let stored = StoredEntry { room, log_pk, entry_pk, log: &log, entry, received_ms };
                    self.project(work, &stored)?;
                }
            }
            let Some((last, ..)) = rows.last() else { return Ok(()) };
            (done, after) = (done + rows.len() as u64, *last);
        }
    }

    fn quiet<'w, 'a>(&self, writing: &'w Writing<'a>) -> Result<Work<'w, 'a>, StoreError> {
        Ok(Work { quiet: true, ..self.work(writing)? })
    }
}

fn entries_after(database: &Database, after: EntryPk) -> Result<Vec<(EntryPk, u64, Option<Entry>)>, StoreError> {
    database.rows(
        "SELECT entry_pk, received_ms, bytes FROM entries WHERE entry_pk > ? ORDER BY entry_pk LIMIT ?",
        (after, CHUNK),
        |row| {
            let erased = Content::of(row.get_ref(2)?.as_blob()?).is_erased();
            let entry = if erased { None } else { Some(entry(row, 2)?) };
            Ok((row.get(0)?, unsigned(row, 1)?, entry))
        },
    )
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
