//! Edits, redactions and reactions of one message.

use noroshi_sync::id::{EntryId, UserId};
use noroshi_sync::store::StoreError;

use super::codes::entry;
use crate::resolve::standing::Marks;
use crate::store::{Database, RoomPk};

impl Database {
    /// The visible marks on a message, held here or not.
    pub fn marks_of(&self, room: RoomPk, target: &EntryId, target_author: &UserId) -> Result<Marks, StoreError> {
        let mut marks = Marks::default();
        self.each(
            "SELECT entry_pk, coalesce(valid, 0), bytes
             FROM marks INDEXED BY marks_by_target JOIN entries USING (entry_pk) LEFT JOIN signatures USING (entry_pk)
             WHERE marks.room_pk = ? AND target = ? AND target_author = ? AND visible = 1",
            (room, target.as_bytes(), target_author.as_bytes()),
            |row| {
                marks.add(row.get(0)?, row.get(1)?, &entry(row, 2)?);
                Ok(true)
            },
        )?;
        Ok(marks)
    }
}
