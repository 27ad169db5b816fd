//! Small things a node remembers about itself, by name.

use noroshi_sync::store::StoreError;

use super::database::Database;
use super::writing::Writing;

impl Database {
    pub fn setting(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.row("SELECT value FROM settings WHERE name = ?", [name], |row| row.get(0))
    }
}

impl Writing<'_> {
    pub fn set_setting(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO settings (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2",
            (name, value),
        )?;
        Ok(())
    }
}
