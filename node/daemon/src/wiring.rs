//! Joins a node to its network: questions of replication to the store, changes of the store to the peers, what happens on
//! the lines to the board that people look at.

use std::net::SocketAddr;
use std::sync::{Arc, Weak};

use noroshi_net::{
    Clock, Config as NetConfig, DiscoveryConfig, JoinPort, LinkPhase, LinkState, Net, NetEvent, SystemClock, Target,
    Via,
};
use noroshi_node::Node;
use noroshi_node::view::{PeerState, PeerVia, Transport};
use noroshi_provisioning::join::renewal::Life;
use noroshi_provisioning::ledger::{NodeRecord, addresses_draft};
use noroshi_provisioning::{Directory, NodeAddress};
use noroshi_sync::event::{Notice, Now};
use noroshi_sync::id::{EntryId, NodeId};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::commands::Failure;
use crate::founding;
use crate::joining;
use crate::office::Office;
use crate::renewal::{self, Care};

/// Events of the network that wait to be noted; while it is full, nothing is taken from peers.
const EVENTS_MAX: usize = 1_024;

/// This machine's clock, and what else the node knows of the time.
struct OfficeClock {
    system: SystemClock,
    node: Node,
    /// When the certificate of this node was issued.
    issued_ms: u64,
}

impl OfficeClock {
    fn new(office: &Office) -> Result<Self, Failure> {
        let issued_ms = Life::of(&office.identity)?.from_ms;
        Ok(Self { system: SystemClock::new(), node: office.node.clone(), issued_ms })
    }
}

impl Clock for OfficeClock {
    fn now(&self) -> Now {
        self.system.now()
    }

    fn headquarters_ms(&self) -> Option<u64> {
        self.node.directory().headquarters_time().map(|(at_ms, _)| at_ms)
    }

    fn floor_ms(&self) -> u64 {
        self.issued_ms.max(self.system.floor_ms())
    }
}

/// The running network of an office.
pub struct Line {
    net: Arc<Net>,
    tasks: Vec<JoinHandle<()>>,
    stop: CancellationToken,
}

impl Line {
    pub async fn start(office: &Arc<Office>) -> Result<Self, Failure> {
        let node = office.node.clone();
        let identity = renewal::net_identity(&office.identity)?;
        let clock = Arc::new(OfficeClock::new(office)?);
        let sync = &office.config.sync;
        let links = closed_lines(&node);
        let config = NetConfig {
            peers: sync.peers.clone(),
            discovery: sync.discovery.then(|| DiscoveryConfig { interfaces: sync.interfaces.clone() }),
            links,
            clock,
            join: joining::desk(office).map(|desk| Arc::new(desk) as Arc<dyn JoinPort>),
            ..NetConfig::new(identity, vec![sync.listen])
        };
        let (events, events_in) = mpsc::channel(EVENTS_MAX);
        let store = {
            let node = node.clone();
            move |query| {
                let node = node.clone();
                async move { node.answer(query).await }
            }
        };
        let net = Arc::new(Net::start(config, Arc::new(store), events)?);
        let stop = CancellationToken::new();
        let care = Care::new(office.clone(), Arc::downgrade(&net));
        let tasks = vec![
            tokio::spawn(care.run(stop.clone())),
            spawn(&stop, note_events(node.clone(), Arc::downgrade(&net), events_in)),
            spawn(&stop, pass_changes(node.clone(), net.clone())),
            spawn(&stop, pass_links(node.clone(), net.clone())),
            spawn(&stop, pass_signals(node.clone(), net.clone())),
            spawn(&stop, pass_addresses(node.clone(), net.clone())),
            spawn(&stop, announce(node, founding::addresses(&sync.announce)?)),
        ];
        Ok(Self { net, tasks, stop })
    }

    /// For those who look at the connections; it may be gone when they look.
    pub fn net(&self) -> Weak<Net> {
        Arc::downgrade(&self.net)
    }

    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.net.local_addresses()
    }

    /// Ends the sessions in order; the store answers what it was asked.
    pub async fn stop(self) {
        self.stop.cancel();
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the network ended badly");
            }
        }
        match Arc::try_unwrap(self.net) {
            Ok(net) => net.shutdown().await,
            Err(_) => tracing::error!("the network is still in use and is closed without waiting"),
        }
    }
}

fn spawn(stop: &CancellationToken, work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    let stop = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = work => {}
        }
    })
}

/// The lines that are to be closed: those that people have cut, and those to revoked nodes.
fn closed_lines(node: &Node) -> LinkState {
    let cut = node.link_changes().borrow().clone();
    let directory = node.directory();
    let revoked = directory.revoked_nodes().map(|revoked| revoked.record.id);
    LinkState { all: cut.all, nodes: cut.nodes.iter().copied().chain(revoked).collect() }
}

async fn note_events(node: Node, net: Weak<Net>, mut events: mpsc::Receiver<NetEvent>) {
    while let Some(event) = events.recv().await {
        match event {
            NetEvent::Link { peer, state } => {
                note_link(&node, peer, &state);
                note_certificate(&node, &net, peer);
            }
            NetEvent::Doubled { node: doubled } => {
                tracing::error!(node = %doubled.short(), "two running programs are the same node");
                node.peer_board().note_doubled(doubled);
            }
            NetEvent::Notice(notice) => note(&node, notice).await,
        }
    }
}

fn note_link(node: &Node, peer: NodeId, state: &LinkPhase) {
    tracing::info!(peer = %peer.short(), ?state, "the line changed");
    let board = node.peer_board();
    match state {
        LinkPhase::Connected { via, transport, .. } => {
            board.set_state(peer, PeerState::Connected, Some(via_of(*via)));
            board.set_transport(peer, carried_by(*transport));
        }
        LinkPhase::Cut { .. } => board.set_state(peer, PeerState::Cut, None),
        LinkPhase::Unreachable { .. } => board.set_state(peer, PeerState::Unreachable, None),
    }
}

fn note_certificate(node: &Node, net: &Weak<Net>, peer: NodeId) {
    let connections = net.upgrade().map(|net| net.connections()).unwrap_or_default();
    let shown = connections.iter().find(|connection| connection.peer == peer);
    if let Some(until_ms) = shown.and_then(|connection| connection.certificate_until_ms) {
        node.peer_board().note_certificate(peer, until_ms);
    }
}

const fn carried_by(transport: noroshi_net::Transport) -> Transport {
    match transport {
        noroshi_net::Transport::Quic => Transport::Quic,
        noroshi_net::Transport::Tcp => Transport::Tcp,
    }
}

/// The contract has four words; a peer that dialled us is known by the directory, whatever address it came from.
const fn via_of(via: Via) -> PeerVia {
    match via {
        Via::Configured => PeerVia::Configured,
        Via::Directory | Via::Heard => PeerVia::Directory,
        Via::Mdns => PeerVia::Mdns,
    }
}

async fn note(node: &Node, notice: Notice) {
    match &notice {
        Notice::Forged { peer, reason } => {
            tracing::warn!(peer = %peer.short(), %reason, "a peer sent data that its writer did not sign");
        }
        Notice::Refused { peer, room, writer, refusal } => {
            tracing::warn!(peer = %peer.short(), %room, writer = %writer.short(), %refusal, "data of a peer was refused");
        }
        Notice::Diverged { peer, passes } => {
            tracing::debug!(peer = %peer.short(), passes, "the digests differ; comparing room by room");
        }
        Notice::Signal { peer, room, body } => node.take_signal(*peer, *room, body).await,
        _ => {}
    }
    node.peer_board().note(&notice);
}

async fn pass_changes(node: Node, net: Arc<Net>) {
    use tokio::sync::broadcast::error::RecvError;
    let mut changes = node.changes();
    loop {
        let (latest, rooms) = match changes.recv().await {
            Ok(change) => (change.latest_change, change.rooms),
            // Which rooms does not matter: the sessions ask the store for everything since what they announced.
            Err(RecvError::Lagged(_)) => (0, Vec::new()),
            Err(RecvError::Closed) => return,
        };
        if net.changed(latest, rooms).await.is_err() {
            return;
        }
    }
}

async fn pass_links(node: Node, net: Arc<Net>) {
    let (mut links, mut directories) = (node.link_changes(), node.directory_changes());
    let mut known = None;
    loop {
        let lines = closed_lines(&node);
        if known.as_ref() != Some(&lines) {
            if net.set_links(lines.clone()).await.is_err() {
                return;
            }
            known = Some(lines);
        }
        let changed = tokio::select! {
            changed = links.changed() => changed,
            changed = directories.changed() => changed,
        };
        if changed.is_err() {
            return;
        }
    }
}

async fn pass_signals(node: Node, net: Arc<Net>) {
    let Some(mut signals) = node.signals() else { return };
    while let Some(signal) = signals.recv().await {
        if net.signal(signal.peers, signal.room, signal.body).await.is_err() {
            return;
        }
    }
}

/// The signed directory says where other nodes are reached; names are looked up by the network when dialling.
async fn pass_addresses(node: Node, net: Arc<Net>) {
    let mut directories = node.directory_changes();
    loop {
        let candidates = candidates(&directories.borrow_and_update().clone(), net.node());
        if net.set_candidates(candidates).await.is_err() || directories.changed().await.is_err() {
            return;
        }
    }
}

/// Tells the organisation where this node is reached, once it is known there, if that is not what the directory says.
async fn announce(node: Node, announced: Vec<NodeAddress>) {
    let mut directories = node.directory_changes();
    let Ok(directory) = directories.wait_for(|directory| directory.node(node.id()).is_some()).await.map(|d| d.clone())
    else {
        return;
    };
    if directory.node(node.id()).is_some_and(|record| record.addresses == announced) {
        return;
    }
    let id = EntryId::from_uuid(uuid::Uuid::now_v7());
    let draft = match addresses_draft(directory.rooms(), id, node.id(), announced) {
        Ok(draft) => draft,
        Err(error) => return tracing::error!(%error, "sync.announce cannot be told to the other offices"),
    };
    if let Err(error) = node.append_ledger(vec![draft]).await {
        tracing::error!(%error, "sync.announce could not be written to the directory");
    }
}

/// Headquarters first, then hubs: of those that are far away the first three are dialled most often.
fn candidates(directory: &Directory, own: NodeId) -> Vec<(NodeId, Vec<Target>)> {
    let addresses =
        |node: &NodeRecord| node.addresses.iter().filter_map(|address| Target::parse(address.as_str())).collect();
    let is_hub = |node: &NodeRecord| directory.office(node.office).is_some_and(|office| office.hub);
    let mut nodes: Vec<&NodeRecord> = directory.nodes().filter(|node| node.id != own).collect();
    nodes.sort_by_key(|node| (!directory.is_headquarters(node.office), !is_hub(node)));
    nodes.into_iter().map(|node| (node.id, addresses(node))).collect()
}
