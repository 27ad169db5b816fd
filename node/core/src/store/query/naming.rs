//! From the ids that the domain uses to the integers of the store, and back.

use noroshi_sync::id::RoomId;
use noroshi_sync::log::LogId;
use noroshi_sync::store::StoreError;

use crate::store::{Database, EntryPk, RoomPk};

impl Database {
    /// The room's key; `None` for a room of which nothing at all is known.
    pub fn room_key(&self, room: &RoomId) -> Result<Option<RoomPk>, StoreError> {
        self.room_pk(room)
    }

    /// The log an entry stands in.
    pub fn log_of(&self, entry: EntryPk) -> Result<LogId, StoreError> {
        self.log_name(entry.log())
    }

    /// The key of a place in a log.
    pub fn entry_key(&self, log: &LogId, seq: u64) -> Result<Option<EntryPk>, StoreError> {
        Ok(self.log_pk(log)?.map(|log| EntryPk::new(log, seq)))
    }
}
