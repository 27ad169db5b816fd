//! The one task that owns the state of the network: sessions, connections, dialling. Everything else reports to it.
//!
//! It never waits for a peer, a socket, the store or the application; it waits for the next thing that happens. When
//! the store or the application falls behind, no frame is taken from any peer until they have caught up: QUIC's flow
//! control then holds the peers back, and nothing grows.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use metrics::{counter, gauge};
use noroshi_sync::event::{Action, Event, Notice, Now};
use noroshi_sync::frame::Class;
use noroshi_sync::id::{NodeId, RoomId};
use noroshi_sync::replica::{HistoryLoad, Replica};
use noroshi_sync::store::Scope;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::candidate::Target;
use crate::carrier::{Carrier, Incoming, Outgoing, Transport};
use crate::clock::Clock;
use crate::close::{CloseCode, Ended};
use crate::connection::{Closer, Connection, Wiring, open_control};
use crate::dial::{DialLimits, dial};
use crate::dialler::{Dial, Dialler, Hinted, Outcome};
use crate::discovery::{Discovery, Hint};
use crate::doubles::Doubles;
use crate::endpoint::Settings;
use crate::greeting::hear;
use crate::limits::{EVENTS_WAITING_MAX, FAREWELL_TIMEOUT, PEERS_MAX, QUESTIONS_WAITING_MAX, SHUTDOWN_STEP_TIMEOUT};
use crate::link::{LinkPhase, LinkState, NetEvent};
use crate::listener::Listeners;
use crate::locality::Locality;
use crate::metric;
use crate::pairing::{ConnectionNumber, Side};
use crate::peers::{Change, Peers};
use crate::report::{Inbound, Report};
use crate::roster::{Roster, Row};
use crate::store_port::Desk;
use crate::stream::{Greeting, Run};
use crate::validity::{KnownTime, Validity};

/// What replication is to the driver; in tests something simpler can take its place.
pub(crate) trait Core: Send {
    fn handle(&mut self, event: Event, now: Now) -> Vec<Action>;

    /// Peers with which history is exchanged: given, fetched.
    fn history(&self) -> Option<[HistoryLoad; 2]> {
        None
    }
}

impl Core for Replica {
    fn handle(&mut self, event: Event, now: Now) -> Vec<Action> {
        Replica::handle(self, event, now)
    }

    fn history(&self) -> Option<[HistoryLoad; 2]> {
        Some(Replica::history(self))
    }
}

/// What the application asks of the driver.
pub(crate) enum Command {
    Changed { latest_change: u64, rooms: Vec<RoomId> },
    Signal { peers: Vec<NodeId>, room: RoomId, body: Vec<u8> },
    OpenRooms { rooms: Vec<RoomId> },
    SetDirectory { nodes: Vec<(NodeId, Vec<Target>)> },
    SetLinks { links: LinkState },
    SetIdentity { settings: Box<Settings> },
    NetworkChanged,
    ShutDown { done: oneshot::Sender<()> },
}

/// The receiving ends of the driver's queues.
pub(crate) struct Inboxes {
    pub commands: mpsc::Receiver<Command>,
    pub reports: mpsc::Receiver<Report>,
    pub urgent: mpsc::Receiver<Inbound>,
    pub bulk: mpsc::Receiver<Inbound>,
    pub hints: mpsc::Receiver<Hint>,
}

/// What the driver is made of.
pub(crate) struct Parts {
    pub own: NodeId,
    pub run: Run,
    pub core: Box<dyn Core>,
    pub clock: Arc<dyn Clock>,
    pub desk: Desk,
    pub dialler: Dialler,
    pub links: LinkState,
    pub listeners: Listeners,
    pub discovery: Option<Discovery>,
    pub wiring: Wiring,
    pub limits: DialLimits,
    pub events: mpsc::Sender<NetEvent>,
    pub roster: Roster,
    pub stop: CancellationToken,
}

/// See the module.
pub(crate) struct Driver {
    parts: Parts,
    peers: Peers,
    /// Peers that were dialled and have not greeted back.
    greeting: BTreeMap<NodeId, usize>,
    phases: BTreeMap<NodeId, LinkPhase>,
    /// Events for the application.
    outbox: VecDeque<NetEvent>,
    /// Events for the core that came up while it handled another.
    backlog: VecDeque<Event>,
    doubles: Doubles,
    is_feeding: bool,
    wake_at: Option<u64>,
}

/// Something that happened.
enum Happened {
    Command(Command),
    Report(Report),
    Answered(crate::store_port::Answered),
    Hint(Hint),
    Timer,
    Frame(Inbound),
    /// An event was taken by the application, or nobody takes events any more.
    Handed,
    Stopped,
}

impl Driver {
    pub fn new(parts: Parts) -> Self {
        let peers = Peers::new(parts.own);
        Self {
            parts,
            peers,
            greeting: BTreeMap::new(),
            phases: BTreeMap::new(),
            outbox: VecDeque::new(),
            backlog: VecDeque::new(),
            doubles: Doubles::default(),
            is_feeding: false,
            wake_at: None,
        }
    }

    pub async fn run(mut self, mut inboxes: Inboxes) {
        let done = loop {
            self.dial_whom_is_due();
            self.show_queues();
            match self.next(&mut inboxes).await {
                Happened::Command(Command::ShutDown { done }) => break Some(done),
                Happened::Stopped => break None,
                Happened::Command(command) => self.obey(command),
                Happened::Report(report) => self.learn(report),
                Happened::Answered((ticket, answer)) => self.feed(Event::Answered { ticket, answer }),
                Happened::Hint(hint) => self.consider(hint),
                Happened::Timer => self.ring_if_due(),
                Happened::Frame(frame) => self.take_frame(frame),
                Happened::Handed => {}
            }
        };
        self.shut_down(inboxes).await;
        if let Some(done) = done {
            // Who asked may have given up waiting.
            _ = done.send(());
        }
    }

    /// Waits for one thing. What is listed first goes first; frames of peers come last.
    async fn next(&mut self, inboxes: &mut Inboxes) -> Happened {
        let pause = self.pause();
        let takes_frames = self.outbox.len() < EVENTS_WAITING_MAX && self.parts.desk.waiting() < QUESTIONS_WAITING_MAX;
        tokio::select! {
            biased;
            () = self.parts.stop.cancelled() => Happened::Stopped,
            Some(command) = inboxes.commands.recv() => Happened::Command(command),
            Some(report) = inboxes.reports.recv() => Happened::Report(report),
            Some(answered) = self.parts.desk.next() => Happened::Answered(answered),
            permit = self.parts.events.reserve(), if !self.outbox.is_empty() => {
                match (permit, self.outbox.pop_front()) {
                    (Ok(permit), Some(event)) => permit.send(event),
                    // Nobody listens any more.
                    _ => self.outbox.clear(),
                }
                Happened::Handed
            }
            Some(hint) = inboxes.hints.recv() => Happened::Hint(hint),
            () = sleep(pause) => Happened::Timer,
            Some(frame) = inboxes.urgent.recv(), if takes_frames => Happened::Frame(frame),
            Some(frame) = inboxes.bulk.recv(), if takes_frames => Happened::Frame(frame),
        }
    }

    // ---- The application -------------------------------------------------------------------------------------------

    fn obey(&mut self, command: Command) {
        match command {
            Command::Changed { latest_change, rooms } => self.feed(Event::Changed { latest_change, rooms }),
            Command::Signal { mut peers, room, body } => {
                peers.retain(|peer| self.parts.desk.scope(peer) == Scope::Everything);
                self.feed(Event::Signal { peers, room, body });
            }
            Command::OpenRooms { rooms } => self.feed(Event::OpenRooms { rooms }),
            Command::SetDirectory { nodes } => {
                let left_out = self.parts.dialler.set_directory(nodes, self.now().mono_ms);
                if left_out > 0 {
                    tracing::warn!(left_out, "more addresses in the directory than can be kept");
                }
            }
            Command::SetLinks { links } => self.set_links(&links),
            Command::SetIdentity { settings } => self.set_identity(&settings),
            Command::NetworkChanged => self.network_changed(),
            Command::ShutDown { .. } => {}
        }
    }

    fn network_changed(&mut self) {
        self.parts.dialler.set_locality(Locality::of_this_machine());
        self.parts.dialler.network_changed(self.now().mono_ms);
    }

    fn set_links(&mut self, links: &LinkState) {
        let before = std::mem::replace(&mut self.parts.links, links.clone());
        self.parts.dialler.set_links(links.clone(), self.now().mono_ms);
        let mut known = self.parts.dialler.known_peers();
        known.extend(self.phases.keys().chain(&before.nodes).chain(&links.nodes));
        for peer in known {
            match (before.is_cut(&peer), links.is_cut(&peer)) {
                (false, true) => {
                    let change = self.peers.close(&peer, CloseCode::Cut);
                    self.follow(change);
                    self.show(peer, LinkPhase::Cut { by_us: true });
                }
                (true, false) => self.show(peer, LinkPhase::Unreachable { reason: None }),
                _ => {}
            }
        }
    }

    /// New connections show the new certificate. Those on which the old one counted for less are made anew.
    fn set_identity(&mut self, settings: &Settings) {
        self.parts.listeners.replace(settings);
        for peer in self.peers.connected().copied().collect::<Vec<_>>() {
            if self.parts.desk.scope(&peer) == Scope::LedgerOnly {
                self.close(peer, CloseCode::Renewed);
            }
        }
    }

    /// Tells the application, if the state is another than before.
    fn show(&mut self, peer: NodeId, state: LinkPhase) {
        let is_same = match (self.phases.get(&peer), &state) {
            // The reason of the first failure is the interesting one.
            (Some(LinkPhase::Unreachable { reason }), LinkPhase::Unreachable { reason: new }) => {
                reason.is_some() || new.is_none()
            }
            (before, after) => before == Some(after),
        };
        if is_same {
            return;
        }
        tracing::info!(peer = %peer.short(), ?state, "line");
        self.phases.insert(peer, state.clone());
        self.outbox.push_back(NetEvent::Link { peer, state });
    }

    // ---- Connections -----------------------------------------------------------------------------------------------

    fn learn(&mut self, report: Report) {
        match report {
            Report::Answered { target, peer, carrier } => self.answered(target, peer, carrier),
            Report::Greeted { target, peer, greeting, carrier, control } => {
                self.greeting_over(&peer);
                if let Some(code) = self.refusal(&peer) {
                    Closer::new(carrier).close(code);
                    return self.not_reached(&target, Some(peer), Ended::ByUs(code));
                }
                counter!(metric::DIALS, "outcome" => "connected").increment(1);
                self.parts.dialler.finished(&target, Outcome::Peer(peer), self.now().mono_ms);
                self.add(peer, Side::Ours, greeting, carrier, control);
            }
            Report::NotReached { target, peer, ended } => {
                if let Some(peer) = &peer {
                    self.greeting_over(peer);
                }
                self.not_reached(&target, peer, ended);
            }
            Report::Arrived { peer, greeting, carrier, control_in } => {
                self.arrived(peer, greeting, carrier, control_in)
            }
            Report::Sent { number, class } => {
                if let Some(peer) = self.peers.session_on(number) {
                    self.feed(Event::Sent { peer, class });
                }
            }
            Report::Closed { number, ended } => {
                counter!(metric::ENDED, "reason" => ended.label()).increment(1);
                let displaced = matches!(ended, Ended::ByPeer(CloseCode::Superseded));
                let change = self.peers.remove(number, ended);
                if let (true, Change::Lost { peer, .. }) = (displaced, &change)
                    && !self.greeting.contains_key(peer)
                    && self.doubles.displaced()
                {
                    self.outbox.push_back(NetEvent::Doubled { node: self.parts.own });
                }
                self.follow(change);
            }
        }
    }

    /// A dialled address turned out to be this peer: greets it, unless there is no need.
    fn answered(&mut self, target: Target, peer: NodeId, carrier: Carrier) {
        let is_own = (peer == self.parts.own).then_some(CloseCode::Itself);
        let in_vain = (self.is_served(&peer, carrier.transport()) || self.greeting.contains_key(&peer))
            .then_some(CloseCode::Redundant);
        let code = is_own.or(in_vain).or_else(|| self.refusal(&peer));
        if let Some(code) = code {
            Closer::new(carrier).close(code);
            return match code {
                CloseCode::Redundant => self.parts.dialler.finished(&target, Outcome::Peer(peer), self.now().mono_ms),
                CloseCode::Itself => self.not_reached(&target, None, Ended::ByUs(code)),
                code => self.not_reached(&target, Some(peer), Ended::ByUs(code)),
            };
        }
        let Some(control_out) = open_control(&carrier, &self.greeting_for(&carrier)) else {
            Closer::new(carrier).close(CloseCode::Protocol);
            return self.not_reached(&target, Some(peer), Ended::ByUs(CloseCode::Protocol));
        };
        *self.greeting.entry(peer).or_insert(0) += 1;
        let (reports, limit) = (self.parts.wiring.reports.clone(), self.parts.limits.handshake);
        self.parts.wiring.tasks.spawn(async move {
            let report = match hear(&carrier, limit).await {
                Ok((greeting, control_in)) => {
                    Report::Greeted { target, peer, greeting, carrier, control: (control_out, control_in) }
                }
                Err(ended) => Report::NotReached { target, peer: Some(peer), ended },
            };
            _ = reports.send(report).await;
        });
    }

    fn greeting_over(&mut self, peer: &NodeId) {
        if let Some(count) = self.greeting.get_mut(peer) {
            *count -= 1;
            if *count == 0 {
                self.greeting.remove(peer);
            }
        }
    }

    fn not_reached(&mut self, target: &Target, peer: Option<NodeId>, ended: Ended) {
        counter!(metric::DIALS, "outcome" => ended.label()).increment(1);
        tracing::debug!(%target, peer = peer.map(|peer| peer.short()), %ended, "not reached");
        let now_ms = self.now().mono_ms;
        for peer in peer.map_or_else(|| self.parts.dialler.owners(target), |peer| vec![peer]) {
            if self.peers.is_connected(&peer) || self.parts.links.is_cut(&peer) {
                continue;
            }
            self.show(peer, phase_after(&ended));
        }
        self.parts.dialler.finished(target, Outcome::Failed { peer, ended }, now_ms);
    }

    /// A peer has dialled and greeted us: greets back, or refuses.
    fn arrived(&mut self, peer: NodeId, greeting: Greeting, carrier: Carrier, control_in: Incoming) {
        let closer = Closer::new(carrier.clone());
        if let Some(code) = self.refusal(&peer) {
            return closer.close(code);
        }
        let Some(control_out) = open_control(&carrier, &self.greeting_for(&carrier)) else {
            return closer.close(CloseCode::Protocol);
        };
        // Who dials over TCP does so from a port at which nobody listens.
        if carrier.transport() == Transport::Quic {
            self.parts.dialler.heard(peer, carrier.remote_address(), self.now().mono_ms);
        }
        self.add(peer, Side::Theirs, greeting, carrier, (control_out, control_in));
    }

    /// What this node says first on a connection: with a peer whose certificate does not count, it exchanges less.
    fn greeting_for(&self, carrier: &Carrier) -> Greeting {
        let chain = carrier.certificates();
        let known = KnownTime::of(&*self.parts.clock);
        let scope = Validity::of_chain(&chain).map_or(Scope::LedgerOnly, |validity| known.scope(&validity));
        Greeting { run: self.parts.run, scope }
    }

    /// Whether there is a connection to the peer that is no worse than one over this.
    fn is_served(&self, peer: &NodeId, transport: Transport) -> bool {
        self.peers.transport(peer).is_some_and(|current| current >= transport)
    }

    fn refusal(&self, peer: &NodeId) -> Option<CloseCode> {
        if self.parts.links.is_cut(peer) {
            return Some(CloseCode::Cut);
        }
        let is_full = self.peers.count() >= PEERS_MAX && !self.peers.is_connected(peer);
        is_full.then_some(CloseCode::Busy)
    }

    fn add(&mut self, peer: NodeId, side: Side, heard: Greeting, carrier: Carrier, control: (Outgoing, Incoming)) {
        if self.doubles.begins(peer, heard.run) {
            self.outbox.push_back(NetEvent::Doubled { node: peer });
        }
        let number = self.peers.next_number();
        let scope = heard.scope.min(self.greeting_for(&carrier).scope);
        let connection = Connection::new(number, (peer, side, Greeting { scope, ..heard }), carrier, control);
        connection.watch(&self.parts.wiring);
        let change = self.peers.add(connection);
        self.follow(change);
    }

    fn follow(&mut self, change: Change) {
        match change {
            Change::None => {}
            Change::Begun { peer, number } => self.begin(peer, number),
            Change::Lost { peer, ended } => {
                self.parts.dialler.disconnected(peer, &ended, self.now().mono_ms);
                self.parts.roster.remove(&peer);
                // The better connection for which this one was given up is being greeted.
                let is_replaced = ended == Ended::ByPeer(CloseCode::Superseded) && self.greeting.contains_key(&peer);
                if !self.parts.links.is_cut(&peer) && !is_replaced {
                    self.show(peer, phase_after(&ended));
                }
                self.feed(Event::Disconnected { peer });
            }
        }
        gauge!(metric::PEERS).set(self.peers.count() as f64);
    }

    fn begin(&mut self, peer: NodeId, number: ConnectionNumber) {
        let now_ms = self.now().mono_ms;
        let Some(connection) = self.peers.get_mut(number) else { return };
        let transport = connection.carrier.transport();
        self.parts.dialler.connected(peer, transport, now_ms);
        let via = self.parts.dialler.via(&peer);
        connection.start(&self.parts.wiring);
        let (address, scope) = (connection.address(), connection.scope);
        let row = Row::new(self.parts.clock.now().wall_ms, via, connection.side, scope, connection.carrier.clone());
        self.parts.roster.insert(peer, row);
        self.parts.desk.set_scope(peer, scope);
        if scope == Scope::LedgerOnly {
            tracing::warn!(peer = %peer.short(), "a certificate has expired; only the ledger is exchanged until it is renewed");
        }
        self.show(peer, LinkPhase::Connected { via, address, transport });
        let mut nonce = [0; 16];
        if SystemRandom::new().fill(&mut nonce).is_err() {
            // Without random bytes there is no TLS either.
            return self.close(peer, CloseCode::Store);
        }
        self.feed(Event::Connected { peer, nonce });
    }

    fn close(&mut self, peer: NodeId, code: CloseCode) {
        let change = self.peers.close(&peer, code);
        self.follow(change);
    }

    // ---- Sessions --------------------------------------------------------------------------------------------------

    fn take_frame(&mut self, Inbound { number, bytes }: Inbound) {
        if let Some(peer) = self.peers.session_on(number) {
            self.feed(Event::Frame { peer, bytes });
        }
    }

    /// Gives the core an event, and what comes of it, in order.
    fn feed(&mut self, event: Event) {
        self.backlog.push_back(event);
        // Called again while the actions of an earlier event are carried out: that goes on with this one.
        if std::mem::replace(&mut self.is_feeding, true) {
            return;
        }
        while let Some(event) = self.backlog.pop_front() {
            let now = self.now();
            for action in self.parts.core.handle(event, now) {
                self.carry_out(action);
            }
        }
        self.is_feeding = false;
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Send { peer, class, bytes } => self.send(peer, class, bytes),
            Action::Ask { ticket, query } => self.parts.desk.ask(ticket, query),
            Action::Close { peer, reason } => {
                tracing::warn!(peer = %peer.short(), %reason, "closing");
                self.close(peer, CloseCode::of(&reason));
            }
            Action::WakeAt { mono_ms } => self.wake_at = Some(mono_ms),
            Action::Notice(Notice::Signal { peer, .. }) if self.parts.desk.scope(&peer) == Scope::LedgerOnly => {}
            Action::Notice(notice) => self.outbox.push_back(NetEvent::Notice(notice)),
        }
    }

    fn send(&mut self, peer: NodeId, class: Class, bytes: Vec<u8>) {
        // A session that is over may still have had something to say.
        let Some(connection) = self.peers.active(&peer) else { return };
        if connection.send(class, bytes).is_err() {
            tracing::warn!(peer = %peer.short(), ?class, "too many frames wait for the peer");
            self.close(peer, CloseCode::Stalled);
        }
    }

    fn ring_if_due(&mut self) {
        if self.wake_at.is_some_and(|wake_ms| wake_ms <= self.now().mono_ms) {
            self.wake_at = None;
            self.feed(Event::Timer);
        }
    }

    // ---- Dialling --------------------------------------------------------------------------------------------------

    fn dial_whom_is_due(&mut self) {
        let now_ms = self.now().mono_ms;
        for Dial { target, via, ways } in self.parts.dialler.due(now_ms) {
            tracing::trace!(%target, %via, ?ways, "dialling");
            let (listeners, limits) = (self.parts.listeners.clone(), self.parts.limits);
            let reports = self.parts.wiring.reports.clone();
            self.parts.wiring.tasks.spawn(async move {
                let report = match dial(&listeners, &target, ways, limits).await {
                    Ok((peer, carrier)) => Report::Answered { target, peer, carrier },
                    Err(ended) => Report::NotReached { target, peer: None, ended },
                };
                _ = reports.send(report).await;
            });
        }
    }

    fn consider(&mut self, hint: Hint) {
        let now_ms = self.now().mono_ms;
        let outcome = match hint {
            Hint::Found { address, short } => match self.parts.dialler.hint(address, &short, now_ms) {
                Hinted::Own => "own",
                Hinted::Known => "known",
                Hinted::Taken => "taken",
                Hinted::Limited => "limited",
                Hinted::Full => {
                    if let Some(discovery) = &self.parts.discovery {
                        discovery.ask_again();
                    }
                    "full"
                }
            },
            Hint::Withdrawn { short } => {
                self.parts.dialler.withdrawn(&short);
                "withdrawn"
            }
            Hint::NetworkChanged => {
                self.network_changed();
                "network"
            }
        };
        counter!(metric::HINTS, "outcome" => outcome).increment(1);
    }

    // ---- Time and end ----------------------------------------------------------------------------------------------

    fn now(&self) -> Now {
        self.parts.clock.now()
    }

    /// Until the core or the dialler wants to be called.
    fn pause(&mut self) -> Duration {
        const LONG: Duration = Duration::from_secs(3_600);
        let wake_ms = [self.wake_at, self.parts.dialler.wake_at()].into_iter().flatten().min();
        let now_ms = self.now().mono_ms;
        wake_ms.map_or(LONG, |wake_ms| Duration::from_millis(wake_ms.saturating_sub(now_ms)).min(LONG))
    }

    fn show_queues(&self) {
        gauge!(metric::QUEUE, "queue" => "events").set(self.outbox.len() as f64);
        gauge!(metric::QUEUE, "queue" => "questions").set(self.parts.desk.waiting() as f64);
        for (direction, load) in ["given", "fetched"].into_iter().zip(self.parts.core.history().into_iter().flatten()) {
            gauge!(metric::HISTORY_PEERS, "direction" => direction).set(load.peers as f64);
            gauge!(metric::HISTORY_WAITING, "direction" => direction).set(load.waiting as f64);
        }
        gauge!(metric::CANDIDATES).set(self.parts.dialler.candidate_count() as f64);
        gauge!(metric::DIALS_RUNNING).set(self.parts.dialler.running_count() as f64);
    }

    /// In order: no new connections, no announcements, sessions end, the store finishes, peers are told, sockets close.
    async fn shut_down(mut self, inboxes: Inboxes) {
        self.parts.stop.cancel();
        if let Some(discovery) = self.parts.discovery.take() {
            discovery.stop().await;
        }
        let connected: Vec<NodeId> = self.peers.connected().copied().collect();
        for peer in connected {
            self.close(peer, CloseCode::Shutdown);
        }
        let answers = async {
            while let Some((ticket, answer)) = self.parts.desk.next().await {
                self.feed(Event::Answered { ticket, answer });
            }
        };
        if timeout(SHUTDOWN_STEP_TIMEOUT, answers).await.is_err() {
            tracing::warn!("the store has not answered everything before the shutdown");
        }
        while let Some(event) = self.outbox.pop_front() {
            if self.parts.events.try_send(event).is_err() {
                break;
            }
        }
        // Tasks that report find nobody and end.
        drop(inboxes);
        for endpoint in self.parts.listeners.endpoints() {
            endpoint.close(CloseCode::Shutdown.var_int(), b"the node shuts down");
            if timeout(FAREWELL_TIMEOUT, endpoint.wait_idle()).await.is_err() {
                tracing::debug!("some connections did not end in time");
            }
        }
        // With the last handle quinn's own tasks end, and the sockets close.
        let tasks = self.parts.wiring.tasks.clone();
        drop(self);
        tasks.close();
        if timeout(SHUTDOWN_STEP_TIMEOUT, tasks.wait()).await.is_err() {
            tracing::warn!(tasks = tasks.len(), "tasks of the network still run");
        }
    }
}

/// What a line is after a connection, or an attempt, ended so.
fn phase_after(ended: &Ended) -> LinkPhase {
    match ended {
        Ended::ByPeer(CloseCode::Cut) => LinkPhase::Cut { by_us: false },
        ended => LinkPhase::Unreachable { reason: Some(ended.clone()) },
    }
}
