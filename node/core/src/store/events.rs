//! What happened on this node, numbered, so that a browser that was away resumes where it left off.

use noroshi_sync::store::StoreError;

use super::database::Database;
use super::writing::Writing;

/// Events kept; who was away longer fetches everything anew.
pub const EVENTS_KEPT: u64 = 20_000;
/// Old events are dropped this many at a time.
const EVENTS_DROPPED_AT_ONCE: u64 = 1_000;

impl Writing<'_> {
    /// Notes an event; its cursor. The projector hears of it after COMMIT.
    pub fn emit_event(&self, event: Vec<u8>) -> Result<u64, StoreError> {
        let cursor = self.insert("INSERT INTO events (event) VALUES (?)", [&event])?.cast_unsigned();
        if cursor.is_multiple_of(EVENTS_DROPPED_AT_ONCE) && cursor > EVENTS_KEPT {
            self.execute("DELETE FROM events WHERE cursor <= ?", [(cursor - EVENTS_KEPT).cast_signed()])?;
        }
        self.state.borrow_mut().pending.events.push((cursor, event));
        Ok(cursor)
    }
}

impl Database {
    /// Events after a cursor, in order.
    pub fn events_after(&self, cursor: u64, limit: u32) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        let cursor = i64::try_from(cursor).unwrap_or(i64::MAX);
        self.rows("SELECT cursor, event FROM events WHERE cursor > ? ORDER BY cursor LIMIT ?", (cursor, limit), |row| {
            Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?))
        })
    }

    /// The cursors of the oldest and the newest event kept; zeros when there is none.
    pub fn event_bounds(&self) -> Result<(u64, u64), StoreError> {
        // Each in a query of its own: SQLite looks both up in one only by reading the whole table.
        let bounds = "SELECT (SELECT min(cursor) FROM events), (SELECT max(cursor) FROM events)";
        let bounds = self.row(bounds, [], |row| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?)))?;
        let (oldest, newest) = bounds.unwrap_or_default();
        Ok((oldest.unwrap_or(0).cast_unsigned(), newest.unwrap_or(0).cast_unsigned()))
    }
}
