//! `GET /node`: what this node is and how it is.

use noroshi_provisioning::Directory;
use noroshi_sync::id::NodeId;

use crate::error::ServiceError;
use crate::node::{DATABASE_FILE, Inner, Node};
use crate::peers::CLOCK_SUSPECT_MS;
use crate::render::People;
use crate::view::{ClockView, HeadquartersView, NodeView, PeerState, StorageState, StorageView, Time};

impl Node {
    pub async fn node_view(&self) -> Result<NodeView, ServiceError> {
        let inner = &self.inner;
        let headquarters = inner.headquarters().await?;
        let storage = inner.storage_view().await;
        let directory = inner.directory();
        let own = inner.node_ref();
        let office = directory.office_of(self.id()).and_then(|office| directory.office(office));
        let offset_ms = inner.board.own_clock_offset_ms();
        Ok(NodeView {
            id: own.id,
            short: own.short,
            name: own.name,
            office: office.map(|office| People::of(&directory).office_view(office)),
            organisation: inner.identity.organisation_name().to_owned(),
            zone: "inner".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            started_at: Time::from_ms(inner.started_ms),
            clock: ClockView { offset_ms, suspect: offset_ms.unsigned_abs() > CLOCK_SUSPECT_MS.unsigned_abs() },
            storage,
            demo: inner.demo,
            headquarters,
        })
    }
}

impl Inner {
    /// Reachable when any node of headquarters is. What is missing: towards the best of them.
    async fn headquarters(&self) -> Result<HeadquartersView, ServiceError> {
        let gaps = self.gaps().await?;
        let directory = self.directory();
        let own = self.identity.node();
        let nodes: Vec<NodeId> =
            directory.nodes().map(|node| node.id).filter(|node| directory.is_headquarters_node(*node)).collect();
        let office = office_of_headquarters(&directory, &nodes);
        if nodes.contains(&own) {
            let (reachable, since) = (true, Some(Time::from_ms(self.started_ms)));
            return Ok(HeadquartersView { is_self: true, office, reachable, since, missing_here: 0, missing_there: 0 });
        }
        let records: Vec<_> = nodes.iter().map(|node| (*node, self.board.record(node))).collect();
        let connected = |state| state == PeerState::Connected;
        let reachable = records.iter().any(|(_, record)| connected(record.state));
        // Reachable since the first line came up; unreachable since the last one went down.
        let times = records.iter().filter(|(_, record)| connected(record.state) == reachable);
        let since = times.filter_map(|(_, record)| record.since_ms);
        let since = if reachable { since.min() } else { since.max() };
        let missing = records.iter().map(|(node, record)| {
            let gap = gaps.get(node).copied().unwrap_or_default();
            (gap.there, gap.here.max(record.missing_here))
        });
        let (missing_there, missing_here) = missing.min().unwrap_or_default();
        let since = since.map(Time::from_ms);
        Ok(HeadquartersView { is_self: false, office, reachable, since, missing_here, missing_there })
    }

    async fn storage_view(&self) -> StorageView {
        let folder = self.folder.clone();
        let measured = tokio::task::spawn_blocking(move || {
            let size = |suffix: &str| {
                let file = folder.join(format!("{DATABASE_FILE}{suffix}"));
                file.metadata().map_or(0, |metadata| metadata.len())
            };
            (size("") + size("-wal"), fs4::available_space(&folder).unwrap_or(0))
        });
        let (bytes, free_bytes) = measured.await.unwrap_or_default();
        StorageView { bytes, free_bytes, state: self.health.state() }
    }
}

fn office_of_headquarters(directory: &Directory, nodes: &[NodeId]) -> Option<crate::view::OfficeRef> {
    let of_node = nodes.first().and_then(|node| directory.office_of(*node));
    let office = of_node.or_else(|| directory.headquarters().next().map(|office| office.id));
    office.map(|office| People::of(directory).office(office))
}

impl Node {
    /// This node as people name it.
    pub fn node_ref(&self) -> crate::view::NodeRef {
        self.inner.node_ref()
    }

    /// Whether the store takes writes.
    pub fn storage_state(&self) -> StorageState {
        self.inner.health.state()
    }
}
