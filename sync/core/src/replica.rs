//! All sessions of one node together: routes events, shares the plan, tells every peer what changed.
//!
//! A driver calls [`Replica::handle`] with everything that happens and carries out what is returned, in order. That is
//! the whole interface; QUIC and the simulator drive the same code.

use std::collections::{BTreeMap, BTreeSet};

use crate::admission::Admission;
use crate::blob::BlobId;
use crate::event::{Action, CloseReason, Event, Notice, Now, Ticket};
use crate::id::{NodeId, RoomId};
use crate::limits::HISTORY_PEERS_MAX;
use crate::planner::Planner;
use crate::session::{Context, Purpose, Session};
use crate::store::{Answer, BlobStored, StoreError};

/// A question at the store and whom it is for.
#[derive(Debug)]
struct Pending {
    peer: NodeId,
    /// Answers for an earlier connection of the same peer are for nobody.
    session: u64,
    purpose: Purpose,
}

/// Peers in one direction of history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryLoad {
    pub peers: usize,
    pub waiting: usize,
}

/// The replication of one node with all its peers.
#[derive(Debug)]
pub struct Replica {
    node: NodeId,
    sessions: BTreeMap<NodeId, (u64, Session)>,
    planner: Planner,
    blob_planner: Planner<BlobId>,
    served: Admission,
    fetched: Admission,
    pending: BTreeMap<Ticket, Pending>,
    open_rooms: BTreeSet<RoomId>,
    last_ticket: u64,
    last_session: u64,
    wake_at: Option<u64>,
}

impl Replica {
    pub fn new(node: NodeId) -> Self {
        Self {
            node,
            sessions: BTreeMap::new(),
            planner: Planner::default(),
            blob_planner: Planner::default(),
            served: Admission::new(HISTORY_PEERS_MAX),
            fetched: Admission::new(HISTORY_PEERS_MAX),
            pending: BTreeMap::new(),
            open_rooms: BTreeSet::new(),
            last_ticket: 0,
            last_session: 0,
            wake_at: None,
        }
    }

    /// What the event leads to. Never blocks, never fails; a peer that breaks the protocol is closed.
    pub fn handle(&mut self, event: Event, now: Now) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Connected { peer, nonce } => self.connected(peer, nonce, now, &mut actions),
            Event::Disconnected { peer } => self.disconnected(&peer, now, &mut actions),
            Event::Frame { peer, bytes } => {
                self.with(&peer, now, &mut actions, |session, context| session.handle_frame(context, &bytes));
            }
            Event::Sent { peer, class } => {
                self.with(&peer, now, &mut actions, |session, context| session.handle_sent(context, class));
            }
            Event::Answered { ticket, answer } => self.answered(ticket, answer, now, &mut actions),
            Event::Changed { latest_change: _, rooms } => self.changed(None, &rooms, now, &mut actions),
            Event::Signal { peers, room, body } => {
                for peer in peers {
                    let body = body.clone();
                    self.with(&peer, now, &mut actions, |session, context| session.signal(context, room, body));
                }
            }
            Event::OpenRooms { rooms } => self.open_rooms = rooms.into_iter().collect(),
            Event::Timer => self.timer(now, &mut actions),
        }
        self.set_timer(&mut actions);
        actions
    }

    /// How many peers exchange history with this node now, and how many were told to come again: given, fetched.
    pub fn history(&self) -> [HistoryLoad; 2] {
        [&self.served, &self.fetched]
            .map(|admission| HistoryLoad { peers: admission.count(), waiting: admission.waiting() })
    }

    /// The peers with a running session.
    pub fn peers(&self) -> impl Iterator<Item = &NodeId> {
        self.sessions.keys()
    }

    fn connected(&mut self, peer: NodeId, nonce: [u8; 16], now: Now, actions: &mut Vec<Action>) {
        self.disconnected(&peer, now, actions);
        self.last_session += 1;
        self.sessions.insert(peer, (self.last_session, Session::new(peer, nonce, now)));
        self.with(&peer, now, actions, Session::start);
    }

    fn disconnected(&mut self, peer: &NodeId, now: Now, actions: &mut Vec<Action>) {
        self.with(peer, now, actions, Session::end);
        if self.sessions.remove(peer).is_some() {
            // What this peer was fetching may be had from others.
            self.changed(None, &[], now, actions);
        }
    }

    fn answered(&mut self, ticket: Ticket, answer: Result<Answer, StoreError>, now: Now, actions: &mut Vec<Action>) {
        let Some(Pending { peer, session, purpose }) = self.pending.remove(&ticket) else { return };
        let touched = match &answer {
            Ok(Answer::Applied(applied)) if !applied.rooms.is_empty() => Some(applied.rooms.clone()),
            _ => None,
        };
        let whole = match (&purpose, &answer) {
            (Purpose::StoreBlob { blob, .. }, Ok(Answer::BlobStored(BlobStored::Kept { complete: true }))) => {
                Some(*blob)
            }
            _ => None,
        };
        if self.sessions.get(&peer).is_some_and(|(running, _)| *running == session) {
            self.with(&peer, now, actions, |session, context| match answer {
                Ok(answer) => session.handle_answer(context, purpose, answer),
                Err(_) => session.handle_failure(context),
            });
        } else if let Some(rooms) = &touched {
            // Stored although the connection is gone: people still want to know.
            actions.push(Action::Notice(Notice::Applied { peer, rooms: rooms.clone(), entries: 0 }));
        }
        if let Some(blob) = whole {
            self.blob_planner.forget(&blob);
            for peer in self.sessions.keys().copied().collect::<Vec<_>>() {
                self.with(&peer, now, actions, |session, context| session.blob_here(context, blob));
            }
        }
        if let Some(rooms) = touched {
            self.changed(Some(&peer), &rooms, now, actions);
        }
    }

    /// Tells every session but the one that knows already.
    fn changed(&mut self, but: Option<&NodeId>, rooms: &[RoomId], now: Now, actions: &mut Vec<Action>) {
        let peers: Vec<NodeId> = self.sessions.keys().filter(|peer| Some(*peer) != but).copied().collect();
        for peer in peers {
            self.with(&peer, now, actions, |session, context| session.handle_changed(context, rooms));
        }
    }

    /// What takes too long with one peer may be had from others.
    fn lent(&mut self, by: &NodeId, now: Now, actions: &mut Vec<Action>) {
        let others: Vec<NodeId> = self.sessions.keys().filter(|peer| *peer != by).copied().collect();
        for peer in others {
            self.with(&peer, now, actions, Session::handle_lent);
        }
    }

    fn timer(&mut self, now: Now, actions: &mut Vec<Action>) {
        // Too early: the time asked for still stands, and asking again would make two timers of one.
        if self.wake_at.is_some_and(|at| now.mono_ms < at) {
            return;
        }
        self.wake_at = None;
        let due: Vec<NodeId> = self
            .sessions
            .iter()
            .filter(|(_, (_, session))| session.wake_at() <= now.mono_ms)
            .map(|(peer, _)| *peer)
            .collect();
        for peer in due {
            self.with(&peer, now, actions, Session::handle_timer);
        }
    }

    fn set_timer(&mut self, actions: &mut Vec<Action>) {
        let soonest = self.sessions.values().map(|(_, session)| session.wake_at()).min();
        if let Some(mono_ms) = soonest.filter(|soonest| self.wake_at.is_none_or(|at| *soonest < at)) {
            self.wake_at = Some(mono_ms);
            actions.push(Action::WakeAt { mono_ms });
        }
    }

    /// Runs one step of a session and gives its questions their tickets.
    fn with(
        &mut self,
        peer: &NodeId,
        now: Now,
        actions: &mut Vec<Action>,
        step: impl FnOnce(&mut Session, &mut Context),
    ) {
        let Some((number, session)) = self.sessions.get_mut(peer) else { return };
        let mut context = Context {
            now,
            me: self.node,
            planner: &mut self.planner,
            blob_planner: &mut self.blob_planner,
            served: &mut self.served,
            fetched: &mut self.fetched,
            open_rooms: &self.open_rooms,
            has_lent: false,
            actions: Vec::new(),
            asks: Vec::new(),
        };
        step(session, &mut context);
        let Context { actions: wanted, asks, has_lent, .. } = context;
        let number = *number;
        // Questions last: a close or a frame does not wait for the store.
        actions.extend(wanted);
        for (purpose, query) in asks {
            self.last_ticket += 1;
            let ticket = Ticket(self.last_ticket);
            self.pending.insert(ticket, Pending { peer: *peer, session: number, purpose });
            actions.push(Action::Ask { ticket, query });
        }
        if has_lent {
            self.lent(peer, now, actions);
        }
    }
}

impl CloseReason {
    /// The number a driver closes the connection with.
    pub const fn code(&self) -> u32 {
        match self {
            Self::Version => 1,
            Self::WrongName => 2,
            Self::Malformed(_) => 3,
            Self::Protocol(_) => 4,
            Self::Silent(_) => 5,
            Self::Store => 6,
        }
    }

    /// Whether the peer misbehaved, so that redialling at once makes no sense.
    pub const fn is_fault_of_peer(&self) -> bool {
        matches!(self, Self::Version | Self::WrongName | Self::Malformed(_) | Self::Protocol(_))
    }
}
