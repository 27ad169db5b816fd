//! Saying what is held here of the logs of revoked nodes, so that what they wrote before stays visible everywhere.

use std::collections::BTreeMap;

use noroshi_provisioning::Directory;
use noroshi_provisioning::body::body_of;
use noroshi_provisioning::ledger::{Witness, WitnessedLog, witness_draft};
use noroshi_provisioning::limits::WITNESS_LOGS_MAX;
use noroshi_sync::entry::Draft;
use noroshi_sync::id::{NodeId, RoomId};
use noroshi_sync::store::StoreError;

use super::Desk;
use super::policy::impossible;
use crate::error::ServiceError;
use crate::store::Database;

/// The setting that says that a node is witnessed.
fn setting(node: &NodeId) -> String {
    format!("witnessed/{node}")
}

/// Whether some revoked node is not witnessed yet. A look, so that a node with nothing to say writes nothing.
pub fn has_unwitnessed(database: &Database, directory: &Directory) -> Result<bool, StoreError> {
    for revoked in directory.revoked_nodes().filter(|revoked| revoked.record.id != database.node()) {
        if database.setting(&setting(&revoked.record.id))?.is_none() {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Desk<'_> {
    /// Writes a witness into every room that holds logs of a revoked node, once for each such node.
    pub fn witness_revoked(&self) -> Result<(), ServiceError> {
        let current = self.projection.current(self.writing)?;
        for revoked in
            current.directory.revoked_nodes().filter(|revoked| revoked.record.id != self.writing.key().node())
        {
            let node = revoked.record.id;
            let setting = setting(&node);
            if self.writing.setting(&setting)?.is_some() {
                continue;
            }
            let mut drafts = Vec::new();
            for (room, logs) in self.writing.logs_of_node(&node)? {
                drafts.extend(self.witness(room, node, &logs)?);
            }
            self.append(drafts)?;
            self.writing.set_setting(&setting, &[1])?;
        }
        Ok(())
    }

    fn witness(&self, room: RoomId, node: NodeId, logs: &[WitnessedLog]) -> Result<Vec<Draft>, ServiceError> {
        let known = self.witnessed_before(room, node)?;
        let news = |log: &&WitnessedLog| known.get(&(log.epoch, log.lane)).is_none_or(|length| *length < log.length);
        let logs: Vec<WitnessedLog> = logs.iter().filter(news).copied().collect();
        let drafts = logs.chunks(WITNESS_LOGS_MAX).map(|part| {
            let body = Witness { node, logs: part.to_vec() };
            witness_draft(room, (self.mint)(), &body).map_err(impossible)
        });
        drafts.collect()
    }

    /// What others have said already: nobody needs to say it twice.
    fn witnessed_before(
        &self,
        room: RoomId,
        node: NodeId,
    ) -> Result<BTreeMap<(noroshi_sync::id::Epoch, noroshi_sync::entry::Lane), u64>, StoreError> {
        let current = self.projection.current(self.writing)?;
        let mut known = BTreeMap::new();
        for found in self.writing.policy_entries(&room)? {
            let Ok(witness) = body_of::<Witness>(&found.entry) else { continue };
            if witness.node != node || current.directory.node(found.log.node).is_none() {
                continue;
            }
            for log in witness.logs {
                let length = known.entry((log.epoch, log.lane)).or_insert(0);
                *length = log.length.max(*length);
            }
        }
        Ok(known)
    }
}
