//! Staff lists that were read here, and what became of them.

use noroshi_sync::id::UserId;
use noroshi_sync::store::StoreError;
use rusqlite::Row;
use uuid::Uuid;

use super::codes::{unsigned, user_id};
use crate::store::{Database, Writing};
use crate::view::ImportState;

/// One list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImportRow {
    pub id: Uuid,
    /// Milliseconds since 1970.
    pub created_ms: u64,
    /// Who sent it.
    pub user: UserId,
    pub state: ImportState,
    /// In the form of the service.
    pub content: Vec<u8>,
}

const COLUMNS: &str = "SELECT id, created_ms, user, state, content FROM imports";

const STATES: [ImportState; 3] = [ImportState::Draft, ImportState::Applied, ImportState::Undone];

impl Database {
    pub fn import(&self, id: Uuid) -> Result<Option<ImportRow>, StoreError> {
        self.row(&format!("{COLUMNS} WHERE id = ?"), [id.as_bytes()], import_row)
    }

    /// The newest, first of all the newest.
    pub fn imports(&self, limit: u32) -> Result<Vec<ImportRow>, StoreError> {
        self.rows(&format!("{COLUMNS} ORDER BY import_pk DESC LIMIT ?"), [limit], import_row)
    }
}

impl Writing<'_> {
    pub fn add_import(&self, import: &ImportRow) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO imports (id, created_ms, user, state, content) VALUES (?, ?, ?, ?, ?)",
            (
                import.id.as_bytes(),
                import.created_ms.cast_signed(),
                import.user.as_bytes(),
                state_number(import.state),
                &import.content,
            ),
        )?;
        Ok(())
    }

    pub fn set_import(&self, id: Uuid, state: ImportState, content: &[u8]) -> Result<(), StoreError> {
        self.execute(
            "UPDATE imports SET state = ?, content = ? WHERE id = ?",
            (state_number(state), content, id.as_bytes()),
        )?;
        Ok(())
    }

    /// Forgets lists that nobody applied, with what they say of people.
    pub fn forget_drafts(&self, before_ms: u64) -> Result<(), StoreError> {
        self.execute(
            "DELETE FROM imports WHERE state = ? AND created_ms < ?",
            (state_number(ImportState::Draft), before_ms.cast_signed()),
        )?;
        Ok(())
    }
}

const fn state_number(state: ImportState) -> i64 {
    match state {
        ImportState::Draft => 0,
        ImportState::Applied => 1,
        ImportState::Undone => 2,
    }
}

fn import_row(row: &Row<'_>) -> rusqlite::Result<ImportRow> {
    let number: i64 = row.get(3)?;
    let state = usize::try_from(number).ok().and_then(|number| STATES.get(number)).copied();
    Ok(ImportRow {
        id: Uuid::from_bytes(row.get(0)?),
        created_ms: unsigned(row, 1)?,
        user: user_id(row, 2)?,
        state: state.ok_or(rusqlite::Error::IntegralValueOutOfRange(3, number))?,
        content: row.get(4)?,
    })
}
