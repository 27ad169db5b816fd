//! Ids and the integers that stand for them.

use std::collections::BTreeMap;

use noroshi_provisioning::ledger::WitnessedLog;
use noroshi_sync::entry::Lane;
use noroshi_sync::id::{Epoch, NodeId, RoomId};
use noroshi_sync::log::{Branch, Hash, LogId};
use noroshi_sync::store::StoreError;
use rusqlite::Row;

use super::database::Database;
use super::error::damaged;
use super::keys::{LOG_PK_MAX, LogPk, NodePk, RoomPk};
use super::query::codes::unsigned;
use super::writing::Writing;

impl Database {
    pub(in crate::store) fn node_pk(&self, node: &NodeId) -> Result<Option<NodePk>, StoreError> {
        if let Some(pk) = self.state.borrow().nodes.get(node) {
            return Ok(Some(*pk));
        }
        let pk = self.row("SELECT node_pk FROM nodes WHERE id = ?", [node.as_bytes()], |row| row.get(0))?;
        if let Some(pk) = pk {
            self.state.borrow_mut().nodes.insert(*node, pk);
        }
        Ok(pk)
    }

    pub(in crate::store) fn room_pk(&self, room: &RoomId) -> Result<Option<RoomPk>, StoreError> {
        if let Some(pk) = self.state.borrow().rooms.get(room) {
            return Ok(Some(*pk));
        }
        let pk = self.row("SELECT room_pk FROM rooms WHERE id = ?", [room.as_bytes()], |row| row.get(0))?;
        if let Some(pk) = pk {
            self.state.borrow_mut().rooms.insert(*room, pk);
        }
        Ok(pk)
    }

    pub(in crate::store) fn log_pk(&self, log: &LogId) -> Result<Option<LogPk>, StoreError> {
        if let Some(pk) = self.state.borrow().logs.get(log) {
            return Ok(Some(*pk));
        }
        let (Some(room), Some(node)) = (self.room_pk(&log.room)?, self.node_pk(&log.node)?) else { return Ok(None) };
        let pk = self.row(
            "SELECT log_pk FROM logs WHERE room_pk = ? AND node_pk = ? AND epoch = ? AND lane = ?
             AND branch_first = ? AND branch_hash = ?",
            (room, node, log.epoch.0.cast_signed(), log.lane.number(), branch_first(log), branch_hash(log)),
            |row| row.get(0),
        )?;
        if let Some(pk) = pk {
            self.state.borrow_mut().logs.insert(*log, pk);
        }
        Ok(pk)
    }
}

impl Writing<'_> {
    /// The row of a node, made when there is none.
    pub(in crate::store) fn ensure_node(&self, node: &NodeId) -> Result<NodePk, StoreError> {
        if let Some(pk) = self.node_pk(node)? {
            return Ok(pk);
        }
        let pk = NodePk(self.insert("INSERT INTO nodes (id) VALUES (?)", [node.as_bytes()])?);
        self.state.borrow_mut().nodes.insert(*node, pk);
        Ok(pk)
    }

    /// The row of a room, made when there is none.
    pub(in crate::store) fn ensure_room(&self, room: &RoomId) -> Result<RoomPk, StoreError> {
        if let Some(pk) = self.room_pk(room)? {
            return Ok(pk);
        }
        let pk = self.insert("INSERT INTO rooms (id, digest) VALUES (?, zeroblob(32))", [room.as_bytes()])?;
        self.state.borrow_mut().rooms.insert(*room, RoomPk(pk));
        Ok(RoomPk(pk))
    }

    /// What is held of the logs that one node wrote, by room: the highest contiguous entry of each, on any branch.
    pub fn logs_of_node(&self, node: &NodeId) -> Result<BTreeMap<RoomId, Vec<WitnessedLog>>, StoreError> {
        let rows = self.rows(
            "SELECT rooms.id, nodes.id, epoch, lane, 0, x'', max(length) FROM logs JOIN rooms USING (room_pk)
             JOIN nodes USING (node_pk) WHERE nodes.id = ? AND length > 0 AND NOT aside
             GROUP BY room_pk, node_pk, epoch, lane ORDER BY min(log_pk)",
            [node.as_bytes()],
            |row| Ok((log_id(row, 0)?, unsigned(row, 6)?)),
        )?;
        let mut logs: BTreeMap<RoomId, Vec<WitnessedLog>> = BTreeMap::new();
        for (log, length) in rows {
            logs.entry(log.room).or_default().push(WitnessedLog { epoch: log.epoch, lane: log.lane, length });
        }
        Ok(logs)
    }

    /// The row of a log, made when there is none. With nothing in it, it is no line of any frontier.
    pub(in crate::store) fn ensure_log(&self, log: &LogId) -> Result<LogPk, StoreError> {
        if let Some(pk) = self.log_pk(log)? {
            return Ok(pk);
        }
        let (room, node) = (self.ensure_room(&log.room)?, self.ensure_node(&log.node)?);
        let pk = self.insert(
            "INSERT INTO logs (room_pk, node_pk, epoch, lane, branch_first, branch_hash, length, hash)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                room,
                node,
                log.epoch.0.cast_signed(),
                log.lane.number(),
                branch_first(log),
                branch_hash(log),
                log.before().cast_signed(),
                log.genesis().as_bytes(),
            ),
        )?;
        if pk > LOG_PK_MAX {
            return Err(StoreError::Invalid("there are too many logs".into()));
        }
        self.state.borrow_mut().logs.insert(*log, LogPk(pk));
        Ok(LogPk(pk))
    }
}

/// The column `branch_first`.
fn branch_first(log: &LogId) -> i64 {
    log.branch.map_or(0, |branch| branch.first.cast_signed())
}

/// The column `branch_hash`.
fn branch_hash(log: &LogId) -> Vec<u8> {
    log.branch.map_or_else(Vec::new, |branch| branch.hash.as_bytes().to_vec())
}

/// Reads a log's name from six columns: room id, node id, epoch, lane, branch_first, branch_hash.
pub(in crate::store) fn log_id(row: &Row<'_>, first: usize) -> rusqlite::Result<LogId> {
    let lane: u8 = row.get(first + 3)?;
    Ok(LogId {
        room: RoomId::from_bytes(row.get(first)?),
        node: NodeId::from_bytes(row.get(first + 1)?),
        epoch: Epoch(row.get::<_, i64>(first + 2)?.cast_unsigned()),
        lane: Lane::from_number(lane)
            .ok_or_else(|| rusqlite::Error::IntegralValueOutOfRange(first + 3, lane.into()))?,
        branch: match row.get::<_, i64>(first + 4)? {
            0 => None,
            place => Some(Branch { first: place.cast_unsigned(), hash: Hash::from_bytes(row.get(first + 5)?) }),
        },
    })
}

impl Database {
    /// The name of a log whose row is known to exist.
    pub(in crate::store) fn log_name(&self, log: LogPk) -> Result<LogId, StoreError> {
        self.row(
            "SELECT rooms.id, nodes.id, epoch, lane, branch_first, branch_hash FROM logs JOIN rooms USING (room_pk) JOIN nodes USING (node_pk)
             WHERE log_pk = ?",
            [log],
            |row| log_id(row, 0),
        )?
        .ok_or_else(|| damaged(format!("log {} is missing", log.0)))
    }
}
