//! The history of cut lines, and what other nodes say of their lines.

use noroshi_sync::id::{NodeId, RoomId};
use noroshi_sync::store::StoreError;
use noroshi_sync::wire;
use serde::{Deserialize, Serialize};

use super::codes::unsigned;
use crate::limits::CUTS_MAX;
use crate::peers::{CutChange, CutReason, CutStep, LineReport};
use crate::store::error::damaged;
use crate::store::{Database, NodePk, Writing};

/// One time that a line was not there. Times are milliseconds since 1970.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CutRow {
    /// Ascending with the beginning.
    pub number: u64,
    pub node: NodeId,
    pub from_ms: u64,
    /// `None`: it is cut still.
    pub until_ms: Option<u64>,
    pub reason: CutReason,
}

const REASONS: [CutReason; 3] = [CutReason::Here, CutReason::There, CutReason::Lost];

fn reason_number(reason: CutReason) -> i64 {
    match reason {
        CutReason::Here => 0,
        CutReason::There => 1,
        CutReason::Lost => 2,
    }
}

/// What this node's register of a room says besides what is held; kept so that it is said again with every register.
#[derive(Serialize, Deserialize)]
struct SavedReport {
    room: RoomId,
    #[serde(with = "serde_bytes")]
    report: Vec<u8>,
}

const REPORT_SETTING: &str = "line report";

impl Writing<'_> {
    /// Takes changes of lines into the history, in their order, and forgets the oldest beyond [`CUTS_MAX`].
    pub(crate) fn note_cuts(&self, changes: &[CutChange]) -> Result<(), StoreError> {
        for change in changes {
            self.note_cut(change)?;
        }
        self.execute(
            "DELETE FROM cuts WHERE cut_pk <= (SELECT cut_pk FROM cuts ORDER BY cut_pk DESC LIMIT 1 OFFSET ?)",
            [CUTS_MAX],
        )?;
        Ok(())
    }

    fn note_cut(&self, CutChange { node, at_ms, step }: &CutChange) -> Result<(), StoreError> {
        let (node, at_ms) = (node.as_bytes(), at_ms.cast_signed());
        match step {
            CutStep::Begun(reason) => {
                // One that was never seen to end, because the node stopped meanwhile, goes on.
                self.execute(
                    "INSERT INTO cuts (node, from_ms, reason)
                     SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM cuts WHERE node = ?1 AND until_ms IS NULL)",
                    (node, at_ms, reason_number(*reason)),
                )
            }
            CutStep::Turned(reason) => self.execute(
                "UPDATE cuts SET reason = ?2 WHERE node = ?1 AND until_ms IS NULL",
                (node, reason_number(*reason)),
            ),
            // A clock that was set back must not end a cut before it began.
            CutStep::Over => self.execute(
                "UPDATE cuts SET until_ms = max(from_ms, ?2) WHERE node = ?1 AND until_ms IS NULL",
                (node, at_ms),
            ),
        }
        .map(|_| ())
    }

    /// What this node says of its lines from now on, in its register of `room`. Returns false when it says so already.
    pub(crate) fn set_line_report(&self, room: &RoomId, report: &LineReport) -> Result<bool, StoreError> {
        let before = self.own_line_report(room)?;
        if before.is_some_and(|before| before.says_the_same(report)) {
            return Ok(false);
        }
        let saved = SavedReport { room: *room, report: report.encode() };
        self.set_setting(REPORT_SETTING, &wire::encode(&saved))?;
        let room = self.ensure_room(room)?;
        self.execute("INSERT OR IGNORE INTO register_due (room_pk) VALUES (?)", [room])?;
        Ok(true)
    }

    pub(in crate::store) fn put_line_report(&self, node: NodePk, body: &[u8]) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO line_reports (node_pk, body) VALUES (?1, ?2) ON CONFLICT (node_pk) DO UPDATE SET body = ?2",
            (node, body),
        )?;
        Ok(())
    }
}

impl Database {
    /// The history, the newest first. `before` is the number of the last row of the part before.
    pub fn cuts(&self, node: Option<&NodeId>, before: Option<u64>, limit: u32) -> Result<Vec<CutRow>, StoreError> {
        let before = before.map_or(i64::MAX, |number| i64::try_from(number).unwrap_or(i64::MAX));
        let columns = "SELECT cut_pk, node, from_ms, until_ms, reason FROM cuts WHERE cut_pk < ?";
        match node {
            None => self.rows(&format!("{columns} ORDER BY cut_pk DESC LIMIT ?"), (before, limit), cut_row),
            Some(node) => self.rows(
                &format!("{columns} AND node = ? ORDER BY cut_pk DESC LIMIT ?"),
                (before, node.as_bytes(), limit),
                cut_row,
            ),
        }
    }

    /// The bytes that this node's register of a room carries for its report, if it has one there.
    pub(in crate::store) fn own_report_bytes(&self, room: &RoomId) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(bytes) = self.setting(REPORT_SETTING)? else { return Ok(None) };
        let saved: SavedReport =
            wire::decode("saved report", &bytes, usize::MAX).map_err(|malformed| damaged(malformed.to_string()))?;
        Ok((saved.room == *room).then_some(saved.report))
    }

    fn own_line_report(&self, room: &RoomId) -> Result<Option<LineReport>, StoreError> {
        let Some(bytes) = self.own_report_bytes(room)? else { return Ok(None) };
        LineReport::decode(&bytes).map_err(|malformed| damaged(malformed.to_string()))
    }

    /// What other nodes have said of their lines last.
    pub fn line_reports(&self) -> Result<Vec<(NodeId, LineReport)>, StoreError> {
        let rows = self.rows("SELECT nodes.id, body FROM line_reports JOIN nodes USING (node_pk)", [], |row| {
            Ok((NodeId::from_bytes(row.get(0)?), row.get::<_, Vec<u8>>(1)?))
        })?;
        // They were read before they were kept.
        Ok(rows.into_iter().filter_map(|(node, body)| Some((node, LineReport::decode(&body).ok()??))).collect())
    }
}

fn cut_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<CutRow> {
    let reason = usize::try_from(unsigned(row, 4)?).unwrap_or(usize::MAX);
    Ok(CutRow {
        number: unsigned(row, 0)?,
        node: NodeId::from_bytes(row.get(1)?),
        from_ms: unsigned(row, 2)?,
        until_ms: row.get::<_, Option<i64>>(3)?.map(i64::cast_unsigned),
        reason: REASONS.get(reason).copied().unwrap_or(CutReason::Lost),
    })
}
