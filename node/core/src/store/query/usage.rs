//! Who used the rooms in a span of time.

use std::collections::{BTreeMap, BTreeSet};

use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::UserId;
use noroshi_sync::store::StoreError;

use super::codes::{hlc_number, user_id};
use crate::store::Database;

impl Database {
    /// Messages shown of each person, by the stamps of the entries; milliseconds since 1970, the end not included. Reads
    /// every message of the node once: for statistics, not for every day.
    pub fn posts_by_author(&self, from_ms: u64, until_ms: u64) -> Result<BTreeMap<UserId, u64>, StoreError> {
        let stamp = |ms| hlc_number(Hlc::from_parts(ms, 0));
        let rows = self.rows(
            "SELECT author, count(*) FROM messages WHERE state = 2 AND hlc >= ? AND hlc < ? GROUP BY author",
            (stamp(from_ms), stamp(until_ms)),
            |row| Ok((user_id(row, 0)?, row.get::<_, i64>(1)?.unsigned_abs())),
        )?;
        Ok(rows.into_iter().collect())
    }

    /// People whose read marks moved in that time, as far as they are held here.
    pub fn readers_between(&self, from_ms: u64, until_ms: u64) -> Result<BTreeSet<UserId>, StoreError> {
        let rows = self.rows(
            "SELECT DISTINCT user FROM reads WHERE at_ms >= ? AND at_ms < ?",
            (from_ms.cast_signed(), until_ms.cast_signed()),
            |row| user_id(row, 0),
        )?;
        Ok(rows.into_iter().collect())
    }
}
