//! A whole node in a test: network, store in memory, and everything the application would be told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use noroshi_sync::checkpoint::NodeKey;
use noroshi_sync::entry::{Draft, Lane};
use noroshi_sync::event::{Action, Event, Now};
use noroshi_sync::frame::Class;
use noroshi_sync::id::{DeviceId, EntryId, Epoch, NodeId, RoomId, StorageId, UserId};
use noroshi_sync::store::memory::MemoryStore;
use noroshi_sync::store::{Query, Store, WallClock, execute};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::driver::Core;
use crate::link::{LinkPhase, NetEvent};
use crate::net::{Config, Net};
use crate::store_port::StorePort;
use crate::tests::authority::{Authority, Issued, Leaf};

/// Far more than anything here takes on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

pub(crate) const ROOM: RoomId = RoomId::from_bytes([7; 16]);

pub(crate) fn loopback() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

/// What the application was told so far, and a way to wait for more.
#[derive(Clone)]
pub(crate) struct Told(watch::Receiver<Vec<NetEvent>>);

impl Told {
    pub fn gather(mut events: mpsc::Receiver<NetEvent>) -> Self {
        let (sender, receiver) = watch::channel(Vec::new());
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                sender.send_modify(|told| told.push(event));
            }
        });
        Self(receiver)
    }

    /// Waits until what was told satisfies the condition.
    pub async fn until(&mut self, what: &str, condition: impl Fn(&[NetEvent]) -> bool) {
        let waited = timeout(LIMIT, self.0.wait_for(|told| condition(told))).await.map(|result| result.is_ok());
        assert_eq!(waited, Ok(true), "{what}; told: {:#?}", self.all());
    }

    pub async fn until_phase(&mut self, peer: NodeId, what: &str, condition: impl Fn(&LinkPhase) -> bool) {
        self.until(what, |told| last_phase(told, peer).is_some_and(&condition)).await;
    }

    pub async fn until_connected(&mut self, peer: NodeId) {
        self.until_phase(peer, "connected", |phase| matches!(phase, LinkPhase::Connected { .. })).await;
    }

    pub fn all(&self) -> Vec<NetEvent> {
        self.0.borrow().clone()
    }
}

pub(crate) fn last_phase(told: &[NetEvent], of: NodeId) -> Option<&LinkPhase> {
    told.iter().rev().find_map(|event| match event {
        NetEvent::Link { peer, state } if *peer == of => Some(state),
        _ => None,
    })
}

/// A running node.
pub(crate) struct TestNode {
    pub net: Net,
    pub told: Told,
    pub store: Arc<Mutex<MemoryStore>>,
}

impl TestNode {
    /// Starts a node on loopback that dials these peers.
    pub fn start(leaf: &Issued, peers: &[SocketAddr]) -> Self {
        Self::start_with(config(leaf, peers), store(leaf, 1))
    }

    pub fn start_with(config: Config, store: Arc<Mutex<MemoryStore>>) -> Self {
        let (events, told) = mpsc::channel(64);
        let net = Net::start(config, port(store.clone()), events).unwrap();
        Self { net, told: Told::gather(told), store }
    }

    pub fn node(&self) -> NodeId {
        self.net.node()
    }

    pub fn address(&self) -> SocketAddr {
        self.net.local_addresses()[0]
    }

    /// Writes messages and tells the network.
    pub async fn write(&self, lane: Lane, count: usize) {
        let latest_change = {
            let mut store = self.store.lock().unwrap();
            for _ in 0..count {
                store.append(vec![draft(lane)], WallClock { now_ms: 1_700_000_000_000, offset_ms: None }).unwrap();
            }
            store.greeting(&self.node()).unwrap().latest_change
        };
        self.net.changed(latest_change, vec![ROOM]).await.unwrap();
    }

    /// Waits until this node holds so many entries.
    pub async fn holds(&mut self, count: usize) {
        let store = self.store.clone();
        let held = move |_: &[NetEvent]| store.lock().unwrap().entries(ROOM).count() == count;
        self.told.until("all entries", held).await;
    }
}

pub(crate) fn config(leaf: &Issued, peers: &[SocketAddr]) -> Config {
    let mut config = Config::new(leaf.identity().unwrap(), vec![loopback()]);
    config.peers = peers.iter().map(SocketAddr::to_string).collect();
    config
}

/// An empty store of a node.
pub(crate) fn store(leaf: &Issued, storage: u8) -> Arc<Mutex<MemoryStore>> {
    let key = NodeKey::from_seed(&leaf.seed()).unwrap();
    Arc::new(Mutex::new(MemoryStore::new(key, Epoch(1), StorageId::from_bytes([storage; 16]))))
}

/// The store as the driver sees it.
pub(crate) fn port(store: Arc<Mutex<MemoryStore>>) -> Arc<dyn StorePort> {
    Arc::new(move |query: Query| {
        let store = store.clone();
        async move { execute(&mut *store.lock().unwrap(), query) }
    })
}

/// Lets these nodes share the room.
pub(crate) fn share(nodes: &[&TestNode]) {
    let audience: std::collections::BTreeSet<NodeId> = nodes.iter().map(|node| node.node()).collect();
    for node in nodes {
        node.store.lock().unwrap().set_audience(ROOM, audience.clone());
    }
}

/// Nodes of one organisation, ascending by id.
pub(crate) fn leaves<const N: usize>(authority: &Authority) -> [Issued; N] {
    let mut leaves: [Issued; N] = std::array::from_fn(|_| authority.issue(Leaf::default()));
    leaves.sort_by_key(|leaf| leaf.node);
    leaves
}

fn draft(lane: Lane) -> Draft {
    let id = EntryId::from_bytes(*uuid::Uuid::now_v7().as_bytes());
    let (author, device) = (UserId::from_bytes([1; 16]), DeviceId::from_bytes([2; 16]));
    Draft::attested(ROOM, lane, id, 1, author, device, EntryId::NIL, b"message".to_vec())
}

/// Stands where replication does: says on every connection what it was told to say, and says back what it hears.
pub(crate) struct Talker {
    pub says: Vec<(Class, Vec<u8>)>,
    pub heard: mpsc::UnboundedSender<Event>,
}

impl Core for Talker {
    fn handle(&mut self, event: Event, _: Now) -> Vec<Action> {
        let actions = match &event {
            Event::Connected { peer, .. } => {
                let say = |(class, bytes): &(Class, Vec<u8>)| Action::Send {
                    peer: *peer,
                    class: *class,
                    bytes: bytes.clone(),
                };
                self.says.iter().map(say).collect()
            }
            _ => Vec::new(),
        };
        // A test that has seen enough no longer listens.
        _ = self.heard.send(event);
        actions
    }
}

/// A node whose replication is a [`Talker`].
pub(crate) fn talker(config: Config, says: Vec<(Class, Vec<u8>)>) -> (Net, Told, mpsc::UnboundedReceiver<Event>) {
    let (heard, hearing) = mpsc::unbounded_channel();
    let (events, told) = mpsc::channel(64);
    let port = |_: Query| async { Err(noroshi_sync::store::StoreError::Closed) };
    let net = Net::start_with(config, Box::new(Talker { says, heard }), Arc::new(port), events).unwrap();
    (net, Told::gather(told), hearing)
}

/// Waits for an event of the core.
pub(crate) async fn heard(hearing: &mut mpsc::UnboundedReceiver<Event>, which: impl Fn(&Event) -> bool) -> Event {
    let search = async {
        loop {
            let event = hearing.recv().await.expect("the node ended");
            if which(&event) {
                return event;
            }
        }
    };
    timeout(LIMIT, search).await.expect("the event did not come")
}
