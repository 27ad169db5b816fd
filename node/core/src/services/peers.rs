//! «拠点とつながり»: the other nodes, and the switches of the lines to them.

use std::collections::{BTreeMap, BTreeSet};

use noroshi_provisioning::Directory;
use noroshi_sync::id::NodeId;
use noroshi_sync::store::StoreError;
use noroshi_sync::wire;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::error::ServiceError;
use crate::node::{Inner, Node};
use crate::peers::{LinkState, LinkTarget, PeerBoard};
use crate::render::People;
use crate::rights::{Action, Object, may};
use crate::store::Database;
use crate::store::query::Gap;
use crate::view::{Actor, PeerState, PeerView, Time};

/// The switches as they are kept among the settings.
#[derive(Debug, Serialize, Deserialize)]
struct SavedLinks {
    version: u8,
    all: bool,
    nodes: BTreeSet<NodeId>,
}

const LINKS_SETTING: &str = "links";
const LINKS_VERSION: u8 = 1;

pub(crate) fn saved_links(database: &Database) -> Result<LinkState, StoreError> {
    let Some(bytes) = database.setting(LINKS_SETTING)? else { return Ok(LinkState::default()) };
    let saved: SavedLinks =
        wire::decode("links", &bytes, usize::MAX).map_err(|malformed| StoreError::Damaged(malformed.to_string()))?;
    Ok(LinkState { all: saved.all, nodes: saved.nodes })
}

impl Node {
    /// Where the driver reports what it knows of peers.
    pub fn peer_board(&self) -> &PeerBoard {
        &self.inner.board
    }

    /// The lines that are to be open or closed; the driver follows.
    pub fn link_changes(&self) -> watch::Receiver<LinkState> {
        self.inner.links.changes()
    }

    /// Cuts a line or restores it, both directions at this node. Survives a restart.
    ///
    /// # Errors
    /// `Forbidden` for all but administrators and drill controllers; `NotFound` for a node nobody knows.
    pub async fn set_link(&self, actor: &Actor, target: LinkTarget, cut: bool) -> Result<(), ServiceError> {
        let inner = &self.inner;
        may(&inner.directory(), actor, Action::SwitchLinks, Object::Organisation)?;
        if let LinkTarget::Node(node) = target
            && (node == self.id() || inner.directory().node(node).is_none())
        {
            return Err(ServiceError::NotFound);
        }
        let state = inner
            .act(move |desk| {
                // In the transaction, so that two people who move two switches at once move both.
                let next = saved_links(desk.writing)?.with(target, cut);
                let saved = SavedLinks { version: LINKS_VERSION, all: next.all, nodes: next.nodes.clone() };
                desk.writing.set_setting(LINKS_SETTING, &wire::encode(&saved))?;
                Ok(next)
            })
            .await?;
        tracing::info!(user = %actor.user, ?target, cut, "a line was switched");
        inner.links.set(state);
        let directory = inner.directory();
        inner.board.touch(directory.nodes().map(|node| node.id).filter(|node| *node != self.id()));
        Ok(())
    }

    /// Every other node of the organisation.
    pub async fn peers(&self, _actor: Option<&Actor>) -> Result<Vec<PeerView>, ServiceError> {
        let gaps = self.inner.gaps().await?;
        let directory = self.inner.directory();
        let mut nodes: Vec<_> = directory.nodes().filter(|node| node.id != self.id()).collect();
        nodes.sort_by_key(|node| {
            let office = directory.office(node.office);
            (!directory.is_headquarters(node.office), office.map(|office| office.name.clone()), node.name.clone())
        });
        Ok(nodes.into_iter().map(|node| self.inner.peer_view(&directory, node.id, &gaps)).collect())
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates; the value is never negative")]
fn whole(value: f64) -> u64 {
    value.ceil() as u64
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people to read")]
fn whole_f64(value: u64) -> f64 {
    value as f64
}

impl Inner {
    fn peer_view(&self, directory: &Directory, node: NodeId, gaps: &BTreeMap<NodeId, Gap>) -> PeerView {
        let record = self.board.record(&node);
        let known = directory.node(node);
        let gap = gaps.get(&node).copied().unwrap_or_default();
        let entry_bytes = self.entry_bytes();
        // What is left over from before the line was lost is no rate.
        let entries_per_s = self.board.entries_per_s(&node).filter(|_| record.state == PeerState::Connected);
        let alarms = self.peer_alarms(node, &record, &gap);
        PeerView {
            node: node.to_string(),
            short: node.short(),
            name: known.map(|known| known.name.clone()).unwrap_or_default(),
            office: known.map(|known| People::of(directory).office(known.office)),
            organisation: self.identity.organisation_name().to_owned(),
            state: record.state,
            via: record.via,
            rtt_ms: record.rtt_ms,
            // The peer's register may be behind what it offers right now, and the reverse.
            missing_here: gap.here.max(record.missing_here),
            missing_there: gap.there,
            in_sync_as_of: record.in_sync_ms.map(Time::from_ms),
            clock_offset_ms: record.clock_offset_ms,
            headquarters: directory.is_headquarters_node(node),
            last_heard: record.last_heard_ms.map(Time::from_ms),
            since: record.since_ms.map(Time::from_ms),
            link_cut_by_us: self.board.link_cut(&node),
            transport: record.transport,
            waiting: Self::waiting(&gap, entry_bytes),
            rate_bytes_per_s: entries_per_s.map(|rate| whole(rate * whole_f64(entry_bytes))),
            eta_s: entries_per_s.map(|rate| whole(whole_f64(gap.here.saturating_add(gap.there)) / rate)),
            alarms,
        }
    }

    /// Peers whose state or gap is other than when this was last asked.
    pub async fn peers_that_look_different(&self) -> Result<BTreeSet<NodeId>, StoreError> {
        let mut different = self.board.take_changed();
        let gaps = self.gaps().await?;
        different.extend(self.board.changed_gaps(&gaps));
        let directory = self.directory();
        different.retain(|node| directory.node(*node).is_some());
        Ok(different)
    }
}
