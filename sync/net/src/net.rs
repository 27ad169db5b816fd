//! The network of a node as the rest of the program sees it: started, told, asked, shut down.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use noroshi_sync::id::{NodeId, RoomId};
use noroshi_sync::replica::Replica;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::accept::Acceptor;
use crate::candidate::Target;
use crate::clock::{CertificateTime, Clock, SystemClock};
use crate::connection::Wiring;
use crate::dial::DialLimits;
use crate::dialler::Dialler;
use crate::discovery::Discovery;
use crate::driver::{Command, Core, Driver, Inboxes, Parts};
use crate::endpoint::{Settings, SettingsError};
use crate::identity::Identity;
use crate::join::{JoinDesk, JoinPort};
use crate::limits::{
    BULK_FRAMES_MAX, COMMANDS_MAX, FIRST_ANSWER_TIMEOUT, HANDSHAKE_TIMEOUT, HINTS_MAX, REPORTS_MAX, SILENCE,
    STALL_TIMEOUT, URGENT_FRAMES_MAX,
};
use crate::link::{LinkState, NetEvent};
use crate::listener::{Listener, Listeners};
use crate::locality::Locality;
use crate::roster::{ConnectionView, Roster};
use crate::store_port::{Desk, StorePort};
use crate::tls::JoinOffer;

/// How a node takes part in the network.
pub struct Config {
    pub identity: Identity,
    /// Addresses to listen on and to dial from. Port 0 lets the system choose; IPv6 addresses take no IPv4.
    pub listen: Vec<SocketAddr>,
    /// `host:port` of nodes that are always dialled.
    pub peers: Vec<String>,
    /// `None`: nothing is announced and nothing is looked for on the local network.
    pub discovery: Option<DiscoveryConfig>,
    /// Which lines are cut from the start.
    pub links: LinkState,
    /// Answers nodes that join; without it they are refused.
    pub join: Option<Arc<dyn JoinPort>>,
    pub clock: Arc<dyn Clock>,
    pub patience: Patience,
}

impl Config {
    pub fn new(identity: Identity, listen: Vec<SocketAddr>) -> Self {
        Self {
            identity,
            listen,
            peers: Vec::new(),
            discovery: None,
            links: LinkState::default(),
            join: None,
            clock: Arc::new(SystemClock::new()),
            patience: Patience::default(),
        }
    }
}

/// Discovery on the local network.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DiscoveryConfig {
    /// Names of the network interfaces to use; empty: all but loopback.
    pub interfaces: Vec<String>,
}

/// How long peers are waited for. The defaults are in [`limits`](crate::limits).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patience {
    /// A silent cut is noticed within this time (or four round trips, where that is more). Both sides use the shorter.
    pub silence: Duration,
    /// A peer that takes no byte for so long is disconnected.
    pub stall: Duration,
    /// A dialled address that answers nothing for so long is dialled anew.
    pub first_answer: Duration,
    /// A handshake and the greeting after it may take so long, each.
    pub handshake: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            silence: SILENCE,
            stall: STALL_TIMEOUT,
            first_answer: FIRST_ANSWER_TIMEOUT,
            handshake: HANDSHAKE_TIMEOUT,
        }
    }
}

/// Why the network does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("no address to listen on")]
    NoAddress,
    #[error("cannot listen on {address}: {error}")]
    Listen { address: SocketAddr, error: std::io::Error },
    #[error("not an address of the form host:port: {0:?}")]
    Peer(String),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("the system gives no random bytes")]
    Random,
    #[error("cannot start the discovery: {0}")]
    Discovery(std::io::Error),
}

/// The network is shut down, or was never up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the network is shut down")]
pub struct NetClosed;

/// Why another certificate cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum SetIdentityError {
    #[error("the certificate is of another node")]
    OtherNode,
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Closed(#[from] NetClosed),
}

/// What endpoints are made of, besides the identity.
struct Maker {
    time: Arc<CertificateTime>,
    join: JoinOffer,
    silence: Duration,
    tasks: TaskTracker,
}

impl Maker {
    fn settings(&self, identity: &Identity) -> Result<Settings, SettingsError> {
        Settings::new(identity, self.time.clone(), self.join, self.silence, self.tasks.clone())
    }
}

/// The running network. Dropping it closes everything too, without waiting.
pub struct Net {
    node: NodeId,
    commands: mpsc::Sender<Command>,
    addresses: Vec<SocketAddr>,
    #[cfg(test)]
    listeners: std::sync::Weak<Vec<Arc<Listener>>>,
    roster: Roster,
    maker: Maker,
    _stop: DropGuard,
}

impl Net {
    /// Opens the sockets and begins to dial. To be called inside a tokio runtime. `events` is told everything that
    /// happens, in order; while it is full, nothing is taken from peers.
    pub fn start(
        config: Config,
        store: Arc<dyn StorePort>,
        events: mpsc::Sender<NetEvent>,
    ) -> Result<Self, StartError> {
        let core = Box::new(Replica::new(config.identity.node()));
        Self::start_with(config, core, store, events)
    }

    pub(crate) fn start_with(
        config: Config,
        core: Box<dyn Core>,
        store: Arc<dyn StorePort>,
        events: mpsc::Sender<NetEvent>,
    ) -> Result<Self, StartError> {
        let own = config.identity.node();
        let targets = targets(&config.peers)?;
        let tasks = TaskTracker::new();
        let maker = Maker {
            time: Arc::new(CertificateTime(config.clock.clone())),
            join: if config.join.is_some() { JoinOffer::Offered } else { JoinOffer::NotOffered },
            silence: config.patience.silence,
            tasks: tasks.clone(),
        };
        let listeners = listen(&config, &maker)?;
        let run = random::<16>()?;
        let seed = u64::from_be_bytes(random::<8>()?);
        let (commands, commands_in) = mpsc::channel(COMMANDS_MAX);
        let (hints, hints_in) = mpsc::channel(HINTS_MAX);
        let (reports, reports_in) = mpsc::channel(REPORTS_MAX);
        let (urgent, urgent_in) = mpsc::channel(URGENT_FRAMES_MAX);
        let (bulk, bulk_in) = mpsc::channel(BULK_FRAMES_MAX);
        let discovery = config
            .discovery
            .map(|settings| Discovery::start(own, listeners.addresses(), settings.interfaces, hints))
            .transpose()
            .map_err(StartError::Discovery)?;

        let stop = CancellationToken::new();
        let wiring = Wiring { reports, urgent, bulk, tasks, stall: config.patience.stall };
        let acceptor = Acceptor::new(own, wiring.clone(), config.join.map(JoinDesk::new), config.patience.handshake);
        for listener in listeners.0.iter() {
            let taking = acceptor.clone();
            let accepting = listener.clone().run(stop.clone(), move |incoming| taking.take(incoming));
            wiring.tasks.spawn(accepting);
            let acceptor = acceptor.clone();
            let accepting = listener.clone().run_tcp(stop.clone(), move |socket, from, settings| {
                acceptor.take_tcp(socket, from, settings);
            });
            wiring.tasks.spawn(accepting);
        }

        let roster = Roster::default();
        let addresses = listeners.addresses();
        #[cfg(test)]
        let weak = Arc::downgrade(&listeners.0);
        let now_ms = config.clock.now().mono_ms;
        let limits = DialLimits { first_answer: config.patience.first_answer, handshake: config.patience.handshake };
        let mut dialler = Dialler::new(own, seed, targets, config.links.clone(), now_ms);
        dialler.set_locality(Locality::of_this_machine());
        let driver = Driver::new(Parts {
            own,
            run,
            core,
            clock: config.clock,
            desk: Desk::new(store),
            dialler,
            links: config.links,
            listeners,
            discovery,
            wiring,
            limits,
            events,
            roster: roster.clone(),
            stop: stop.clone(),
        });
        let inboxes =
            Inboxes { commands: commands_in, reports: reports_in, urgent: urgent_in, bulk: bulk_in, hints: hints_in };
        tokio::spawn(driver.run(inboxes));
        Ok(Self {
            node: own,
            commands,
            addresses,
            #[cfg(test)]
            listeners: weak,
            roster,
            maker,
            _stop: stop.drop_guard(),
        })
    }

    pub fn node(&self) -> NodeId {
        self.node
    }

    /// As bound: with the ports the system chose.
    pub fn local_addresses(&self) -> Vec<SocketAddr> {
        self.addresses.clone()
    }

    /// The store changed by something other than replication.
    pub async fn changed(&self, latest_change: u64, rooms: Vec<RoomId>) -> Result<(), NetClosed> {
        self.command(Command::Changed { latest_change, rooms }).await
    }

    /// Passes something that is not stored (typing) to the peers named.
    pub async fn signal(&self, peers: Vec<NodeId>, room: RoomId, body: Vec<u8>) -> Result<(), NetClosed> {
        self.command(Command::Signal { peers, room, body }).await
    }

    /// The rooms that people look at: their newest entries come first.
    pub async fn open_rooms(&self, rooms: Vec<RoomId>) -> Result<(), NetClosed> {
        self.command(Command::OpenRooms { rooms }).await
    }

    /// Replaces the addresses that the organisation's directory has of other nodes, the most important nodes first: of those
    /// that are not near, three are dialled as often as near ones.
    pub async fn set_candidates(&self, nodes: Vec<(NodeId, Vec<Target>)>) -> Result<(), NetClosed> {
        self.command(Command::SetDirectory { nodes }).await
    }

    /// Cuts and restores lines: what is cut is closed now and refused from now on, what is restored is dialled now.
    pub async fn set_links(&self, links: LinkState) -> Result<(), NetClosed> {
        self.command(Command::SetLinks { links }).await
    }

    /// Shows another certificate of the same node from now on.
    pub async fn set_identity(&self, identity: &Identity) -> Result<(), SetIdentityError> {
        if identity.node() != self.node {
            return Err(SetIdentityError::OtherNode);
        }
        let settings = Box::new(self.maker.settings(identity)?);
        Ok(self.command(Command::SetIdentity { settings }).await?)
    }

    /// The network of this machine changed: whoever is not connected is dialled now.
    pub async fn network_changed(&self) -> Result<(), NetClosed> {
        self.command(Command::NetworkChanged).await
    }

    /// The connections of this moment.
    pub fn connections(&self) -> Vec<ConnectionView> {
        self.roster.view()
    }

    /// Ends in order: nothing new is accepted or dialled, sessions end, the store answers what it was asked, the peers
    /// are told, the sockets are closed.
    pub async fn shutdown(self) {
        let (done, finished) = oneshot::channel();
        if self.command(Command::ShutDown { done }).await.is_ok() {
            // An error means that the driver is gone already.
            _ = finished.await;
        }
    }

    #[cfg(test)]
    pub(crate) fn endpoints(&self) -> Vec<quinn::Endpoint> {
        Listeners(self.listeners.upgrade().unwrap_or_default()).endpoints()
    }

    async fn command(&self, command: Command) -> Result<(), NetClosed> {
        self.commands.send(command).await.map_err(|_| NetClosed)
    }
}

fn targets(peers: &[String]) -> Result<Vec<Target>, StartError> {
    peers.iter().map(|peer| Target::parse(peer).ok_or_else(|| StartError::Peer(peer.clone()))).collect()
}

fn listen(config: &Config, maker: &Maker) -> Result<Listeners, StartError> {
    let settings = maker.settings(&config.identity)?;
    if config.listen.is_empty() {
        return Err(StartError::NoAddress);
    }
    let open = |address: &SocketAddr| {
        let listener = Listener::open(settings.clone(), *address);
        listener.map(Arc::new).map_err(|error| StartError::Listen { address: *address, error })
    };
    Ok(Listeners(Arc::new(config.listen.iter().map(open).collect::<Result<_, _>>()?)))
}

fn random<const N: usize>() -> Result<[u8; N], StartError> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| StartError::Random)?;
    Ok(bytes)
}
