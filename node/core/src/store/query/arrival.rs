//! Which nodes hold an entry, as their registers say, and since when this node knows.

use std::collections::HashMap;

use noroshi_sync::id::NodeId;
use noroshi_sync::store::StoreError;

use super::codes::{node_id, unsigned};
use crate::store::{Database, EntryPk, LogPk};

/// Who holds what of the logs of one page; asked of the tables once a log.
#[derive(Debug, Default)]
pub struct Holders {
    logs: HashMap<LogPk, LogHolders>,
}

#[derive(Debug)]
struct LogHolders {
    writer: NodeId,
    /// Holder, first and last entry of a run.
    runs: Vec<(NodeId, u64, u64)>,
}

impl Holders {
    /// The other nodes that hold the entry: its writer, and those whose registers say so.
    pub fn of(&mut self, database: &Database, entry: EntryPk) -> Result<Vec<NodeId>, StoreError> {
        let log = match self.logs.entry(entry.log()) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(place) => place.insert(database.log_holders(entry.log())?),
        };
        let seq = entry.seq();
        let mut nodes: Vec<NodeId> =
            log.runs.iter().filter(|(_, first, last)| (*first..=*last).contains(&seq)).map(|run| run.0).collect();
        nodes.push(log.writer);
        nodes.sort_unstable();
        nodes.dedup();
        Ok(nodes)
    }
}

impl Database {
    fn log_holders(&self, log: LogPk) -> Result<LogHolders, StoreError> {
        let runs = self.rows(
            "SELECT nodes.id, 1, length FROM held JOIN nodes USING (node_pk) WHERE log_pk = ?1 AND length > 0
             UNION ALL
             SELECT nodes.id, first, last FROM held_above JOIN nodes USING (node_pk) WHERE log_pk = ?1",
            [log],
            |row| Ok((node_id(row, 0)?, unsigned(row, 1)?, unsigned(row, 2)?)),
        )?;
        Ok(LogHolders { writer: self.log_name(log)?.node, runs })
    }

    /// When this node learned that another one holds an entry; `None` when that is long ago or never was.
    pub fn learned_ms(&self, entry: EntryPk, node: &NodeId) -> Result<Option<u64>, StoreError> {
        let Some(node) = self.node_pk(node)? else { return Ok(None) };
        self.row(
            "SELECT at_ms FROM learned WHERE log_pk = ? AND node_pk = ? AND length >= ? ORDER BY length LIMIT 1",
            (entry.log(), node, entry.seq().cast_signed()),
            |row| unsigned(row, 0),
        )
    }
}
