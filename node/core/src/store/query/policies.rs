//! The entries from which rights are resolved: policies of rooms, and the ledger.

use noroshi_sync::entry::{Entry, Lane};
use noroshi_sync::id::RoomId;
use noroshi_sync::log::LogId;
use noroshi_sync::store::StoreError;

use super::codes::entry;
use crate::store::{Database, EntryPk, LogPk, SEQ_MAX};

/// An entry with the log it stands in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PolicyEntry {
    pub log: LogId,
    pub entry: Entry,
}

impl Database {
    /// Every entry held of the lane `policy` of a room.
    pub fn policy_entries(&self, room: &RoomId) -> Result<Vec<PolicyEntry>, StoreError> {
        let Some(room) = self.room_pk(room)? else { return Ok(Vec::new()) };
        let logs: Vec<LogPk> = self.rows(
            "SELECT log_pk FROM logs WHERE room_pk = ? AND lane = ?",
            (room, Lane::Policy.number()),
            |row| row.get(0),
        )?;
        let mut entries = Vec::new();
        for log in logs {
            let name = self.log_name(log)?;
            let held = self.rows(
                "SELECT bytes FROM entries WHERE entry_pk BETWEEN ? AND ?",
                (EntryPk::new(log, 1), EntryPk::new(log, SEQ_MAX)),
                |row| entry(row, 0),
            )?;
            entries.extend(held.into_iter().map(|entry| PolicyEntry { log: name, entry }));
        }
        Ok(entries)
    }

    /// One entry with its log.
    pub(in crate::store) fn entry_at(&self, pk: EntryPk) -> Result<Option<PolicyEntry>, StoreError> {
        let found = self.row("SELECT bytes FROM entries WHERE entry_pk = ?", [pk], |row| entry(row, 0))?;
        found.map(|entry| Ok(PolicyEntry { log: self.log_name(pk.log())?, entry })).transpose()
    }
}
