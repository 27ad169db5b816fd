//! Pages of the audit log, the newest first.

use noroshi_provisioning::OfficeId;
use noroshi_sync::id::{NodeId, UserId};
use noroshi_sync::log::LogId;
use noroshi_sync::store::StoreError;
use rusqlite::types::Value;

use super::codes::unsigned;
use crate::store::audit::AuditRow;
use crate::store::{Database, EntryPk, RoomPk};

/// Rows looked at for one page; a page that finds little among them says where to go on.
const SCANNED_MAX: usize = 20_000;

/// What is looked for. Everything given must hold.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AuditFilter {
    /// Offices whose rooms may be looked into; `None`: all that are here.
    pub office: Option<OfficeId>,
    pub kind: Option<u16>,
    /// Did it, or had it done to them.
    pub user: Option<UserId>,
    /// Milliseconds since 1970; the end is not included.
    pub from_ms: u64,
    pub until_ms: u64,
    /// Only what is older than this row.
    pub before: Option<(u64, EntryPk)>,
}

/// A part of the log.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AuditPage {
    pub rows: Vec<AuditRow>,
    /// For [`AuditFilter::before`] of the next part; `None` at the end.
    pub next: Option<(u64, EntryPk)>,
}

impl Database {
    /// At most `limit` rows. `is_told` decides by room and log whether a row is shown at all.
    pub fn audit_page(
        &self,
        filter: &AuditFilter,
        limit: usize,
        mut is_told: impl FnMut(&AuditRow) -> Result<bool, StoreError>,
    ) -> Result<AuditPage, StoreError> {
        let Some(room) = self.audit_room(filter.office)? else { return Ok(AuditPage::default()) };
        let mut candidates = Vec::new();
        let mut page = AuditPage::default();
        let mut place = filter.before;
        let mut scanned = 0;
        while page.rows.len() < limit {
            let part = (limit * 2).min(SCANNED_MAX - scanned);
            candidates.clear();
            candidates.extend(self.audit_rows(filter, room, place, part)?);
            let end = candidates.len() < part;
            for row in &candidates {
                scanned += 1;
                place = Some((row.at_ms, row.entry));
                if matches(filter, room, row) && is_told(row)? {
                    page.rows.push(*row);
                    if page.rows.len() == limit {
                        break;
                    }
                }
            }
            if end && page.rows.len() < limit {
                return Ok(page);
            }
            if scanned >= SCANNED_MAX {
                break;
            }
        }
        page.next = place;
        Ok(page)
    }

    /// `Some(None)`: all of them. `None`: that office's room is not here.
    fn audit_room(&self, office: Option<OfficeId>) -> Result<Option<Option<RoomPk>>, StoreError> {
        let Some(office) = office else { return Ok(Some(None)) };
        let found =
            self.row("SELECT room_pk FROM audit_rooms WHERE office = ?", [office.as_bytes()], |row| row.get(0))?;
        Ok(found.map(Some))
    }

    /// The next rows by the narrowest index; what it does not cover is for [`matches`].
    fn audit_rows(
        &self,
        filter: &AuditFilter,
        room: Option<RoomPk>,
        before: Option<(u64, EntryPk)>,
        limit: usize,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let until_ms = filter.until_ms.min(i64::MAX.unsigned_abs());
        // The row before which to look: of the end, one that cannot be.
        let (at_ms, entry) = before.filter(|(at_ms, _)| *at_ms < until_ms).unwrap_or((until_ms, EntryPk(0)));
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let plan = Plan::of(filter, room);
        let values = [
            plan.value(filter, room),
            Value::Integer(filter.from_ms.min(until_ms).cast_signed()),
            Value::Integer(at_ms.cast_signed()),
            Value::Integer(entry.0),
            Value::Integer(limit),
        ];
        self.rows(plan.sql(), values, AuditRow::read)
    }

    /// How SQLite finds a page; for tests.
    #[cfg(test)]
    pub fn audit_plan(&self, filter: &AuditFilter) -> Result<Vec<String>, StoreError> {
        let plan = Plan::of(filter, filter.office.map(|_| RoomPk(1)));
        let sql = format!("EXPLAIN QUERY PLAN {}", plan.sql());
        let values: [Value; 5] = std::array::from_fn(|_| Value::Integer(0));
        self.rows(&sql, values, |row| row.get(3))
    }

    /// The office of an audit room.
    pub fn audit_offices(&self) -> Result<Vec<(RoomPk, OfficeId)>, StoreError> {
        self.rows("SELECT room_pk, office FROM audit_rooms", [], |row| {
            Ok((row.get(0)?, OfficeId::from_bytes(row.get(1)?)))
        })
    }

    /// How far others had the log of a node when it was put out.
    pub fn witnessed(&self, log: &LogId) -> Result<u64, StoreError> {
        let length = self.row(
            "SELECT length FROM witnesses JOIN rooms USING (room_pk) WHERE id = ? AND node = ? AND epoch = ? AND lane = ?",
            (log.room.as_bytes(), log.node.as_bytes(), log.epoch.0.cast_signed(), log.lane.number()),
            |row| unsigned(row, 0),
        )?;
        Ok(length.unwrap_or(0))
    }

    /// Events in the rooms that are here, by the node that wrote them; for tests and figures.
    pub fn audit_counts(&self) -> Result<Vec<(NodeId, u64)>, StoreError> {
        self.rows(
            "SELECT nodes.id, count(*) FROM audit JOIN logs ON log_pk = entry_pk >> 32 JOIN nodes USING (node_pk)
             GROUP BY nodes.id",
            [],
            |row| Ok((NodeId::from_bytes(row.get(0)?), unsigned(row, 1)?)),
        )
    }
}

fn matches(filter: &AuditFilter, room: Option<RoomPk>, row: &AuditRow) -> bool {
    room.is_none_or(|room| row.room == room)
        && filter.kind.is_none_or(|kind| row.kind == kind)
        && filter.user.is_none_or(|user| row.actor == user || row.subject == Some(user))
}

/// Which index leads.
#[derive(Clone, Copy)]
enum Plan {
    User,
    Kind,
    Room,
    Time,
}

impl Plan {
    fn of(filter: &AuditFilter, room: Option<RoomPk>) -> Self {
        match (filter.user, filter.kind, room) {
            (Some(_), ..) => Self::User,
            (None, Some(_), _) => Self::Kind,
            (None, None, Some(_)) => Self::Room,
            (None, None, None) => Self::Time,
        }
    }

    fn value(self, filter: &AuditFilter, room: Option<RoomPk>) -> Value {
        match self {
            Self::User => filter.user.map_or(Value::Null, |user| Value::Blob(user.as_bytes().to_vec())),
            Self::Kind => filter.kind.map_or(Value::Null, |kind| Value::Integer(kind.into())),
            Self::Room => room.map_or(Value::Null, |room| Value::Integer(room.0)),
            Self::Time => Value::Null,
        }
    }

    const fn sql(self) -> &'static str {
        match self {
            Self::User => {
                "SELECT * FROM (
                    SELECT entry_pk, room_pk, at_ms, id, kind, actor, subject FROM audit INDEXED BY audit_by_actor
                    WHERE actor = ?1 AND at_ms >= ?2 AND at_ms <= ?3 AND (at_ms < ?3 OR entry_pk < ?4)
                    ORDER BY at_ms DESC, entry_pk DESC LIMIT ?5)
                 UNION
                 SELECT * FROM (
                    SELECT entry_pk, room_pk, at_ms, id, kind, actor, subject FROM audit INDEXED BY audit_by_subject
                    WHERE subject = ?1 AND at_ms >= ?2 AND at_ms <= ?3 AND (at_ms < ?3 OR entry_pk < ?4)
                    ORDER BY at_ms DESC, entry_pk DESC LIMIT ?5)
                 ORDER BY at_ms DESC, entry_pk DESC LIMIT ?5"
            }
            Self::Kind => {
                "SELECT entry_pk, room_pk, at_ms, id, kind, actor, subject FROM audit INDEXED BY audit_by_kind
                 WHERE kind = ?1 AND at_ms >= ?2 AND at_ms <= ?3 AND (at_ms < ?3 OR entry_pk < ?4)
                 ORDER BY at_ms DESC, entry_pk DESC LIMIT ?5"
            }
            Self::Room => {
                "SELECT entry_pk, room_pk, at_ms, id, kind, actor, subject FROM audit INDEXED BY audit_by_room
                 WHERE room_pk = ?1 AND at_ms >= ?2 AND at_ms <= ?3 AND (at_ms < ?3 OR entry_pk < ?4)
                 ORDER BY at_ms DESC, entry_pk DESC LIMIT ?5"
            }
            Self::Time => {
                "SELECT entry_pk, room_pk, at_ms, id, kind, actor, subject FROM audit INDEXED BY audit_by_time
                 WHERE ?1 IS NULL AND at_ms >= ?2 AND at_ms <= ?3 AND (at_ms < ?3 OR entry_pk < ?4)
                 ORDER BY at_ms DESC, entry_pk DESC LIMIT ?5"
            }
        }
    }
}
