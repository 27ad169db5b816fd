//! Nodes that are out, and whose word in the ledger is to be believed.

use std::collections::BTreeSet;

use noroshi_sync::id::{NodeId, RoomId};

use super::super::act::{Act, Place};
use super::super::body::LedgerBody;
use super::super::record::Revoked;
use super::super::rights::minted_ms;
use super::Resolution;
use crate::id::OfficeId;

impl Resolution<'_> {
    /// Takes revoked nodes out, then gathers what the others witness of their logs.
    pub(super) fn revocations(&mut self) {
        for (key, act) in self.acts {
            let LedgerBody::NodeRevoke(body) = &act.body else { continue };
            if act.room != self.directory.rooms.public || !self.count_signed(*key, act) {
                continue;
            }
            if let Some(record) = self.directory.nodes.remove(&body.node) {
                if let Some(nodes) = self.directory.nodes_of.get_mut(&record.office) {
                    nodes.remove(&body.node);
                }
                let (by, at_ms) = (act.author, minted_ms(key.id));
                let revoked = Revoked { record, entry: key.id, by, at_ms, reason: body.reason.clone() };
                self.directory.revoked.insert(body.node, revoked);
            }
        }
        for (key, act) in self.acts {
            let LedgerBody::Witness(body) = &act.body else { continue };
            let by_a_node = act.writers.keys().any(|writer| self.directory.nodes.contains_key(writer));
            if !by_a_node || !act.is_attested() {
                continue;
            }
            self.counted.insert(*key);
            for log in &body.logs {
                let held = self.witnessed.entry((act.room, body.node, log.epoch)).or_default();
                *held = log.length.max(*held);
            }
        }
    }

    /// The office for which `node` wrote at this place: of a revoked node only what others held before.
    fn office_behind(&self, room: RoomId, node: NodeId, place: &Place) -> Option<OfficeId> {
        if let Some(record) = self.directory.nodes.get(&node) {
            return Some(record.office);
        }
        let revoked = self.directory.revoked.get(&node)?;
        let held = self.witnessed.get(&(room, node, place.epoch)).copied().unwrap_or_default();
        (place.seq <= held).then_some(revoked.record.office)
    }

    /// The offices whose nodes wrote an act down and are to be believed.
    pub(super) fn attesting_offices(&self, act: &Act) -> BTreeSet<OfficeId> {
        let writers = act.writers.iter().filter(|_| act.is_attested());
        writers.filter_map(|(node, place)| self.office_behind(act.room, *node, place)).collect()
    }
}
