//! Whether what is said was signed by the device of the person who said it.

use noroshi_sync::entry::Entry;
use noroshi_sync::store::StoreError;

use crate::store::{Database, EntryPk};

impl Database {
    /// The verdict on the signature of an entry; without a look at the table where there is none.
    pub fn is_signed(&self, pk: EntryPk, entry: &Entry) -> Result<bool, StoreError> {
        if !entry.is_by_device() {
            return Ok(false);
        }
        let valid = self.row("SELECT valid FROM signatures WHERE entry_pk = ?", [pk], |row| row.get(0))?;
        Ok(valid.unwrap_or(false))
    }
}
