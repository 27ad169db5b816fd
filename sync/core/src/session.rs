//! One peer: greeting, offers both ways, requests, and the proof that both sides became equal.
//!
//! The phases overlap freely, because every part says only what is true:
//!
//! ```text
//!   Hello ──► equal digests? ──► nothing to do, one round trip
//!             └─ else Changes (what changed since your cursor) ──► Want ──► Data ──► Held (fsynced)
//!                     all offered is here, all of mine is offered ──► Done ──► equal digests? ──► in sync
//!                                                                     └─ else List, the safety net
//! ```
//!
//! [`offering`] says what this node holds, [`fetching`] knows what it lacks,
//! [`requesting`] gets it at the pace of [`flow`], [`serving`] answers requests, [`comparing`]
//! proves equality, [`pulse`] notices silence and measures clocks, [`blobs`] fetches and gives attachments.

mod blobs;
mod comparing;
mod fetching;
mod flow;
mod offering;
mod pulse;
mod requesting;
mod serving;

use std::collections::{BTreeMap, BTreeSet};

use blobs::Blobs;
use comparing::Comparing;
use fetching::Fetching;
use flow::Flow;
use offering::Offering;
use pulse::Pulse;
use serving::Serving;

use crate::admission::Admission;
use crate::blob::{BlobId, Groups};
use crate::event::{Action, CloseReason, Notice, Now};
use crate::frame::{Class, Frame, Hello, List, PROTOCOL_VERSION};
use crate::frontier::LogState;
use crate::id::{NodeId, RoomId};
use crate::log::LogId;
use crate::planner::Planner;
use crate::store::{Answer, Applied, Greeting, LogRange, Query};

/// What an answer of the store is for.
#[derive(Debug, Clone)]
pub(crate) enum Purpose {
    Greet,
    Offer,
    /// The urgent lane, unasked.
    Push,
    Evaluate(Asked),
    Serve,
    ServeRegisters,
    /// Windows of a request are being stored; `request` 0 is the urgent lane.
    Store {
        request: u64,
        ranges: Vec<LogRange>,
    },
    SaveCursor,
    Prove,
    ListMine {
        after: Option<RoomId>,
    },
    Differing(Box<List>),
    OfferRooms,
    BlobsWanted,
    ServeBlob,
    StoreBlob {
        request: u64,
        blob: BlobId,
        groups: Groups,
    },
    BlobsNoted,
}

/// What is looked up: rooms, and the lines in them that the peer offers, in this order.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub rooms: Vec<RoomId>,
    pub lines: Vec<(LogId, LogState)>,
}

/// What a session uses of its surroundings during one event, and where it puts its wishes.
pub(crate) struct Context<'a> {
    pub now: Now,
    pub me: NodeId,
    pub planner: &'a mut Planner,
    pub blob_planner: &'a mut Planner<BlobId>,
    /// Peers to which history is given.
    pub served: &'a mut Admission,
    /// Peers from which history is fetched.
    pub fetched: &'a mut Admission,
    pub open_rooms: &'a BTreeSet<RoomId>,
    /// Ranges of this session may be asked of others now.
    pub has_lent: bool,
    pub actions: Vec<Action>,
    pub asks: Vec<(Purpose, Query)>,
}

impl Context<'_> {
    pub fn ask(&mut self, purpose: Purpose, query: Query) {
        self.asks.push((purpose, query));
    }
    pub fn notice(&mut self, notice: Notice) {
        self.actions.push(Action::Notice(notice));
    }
}

/// The replication with one peer over one connection.
#[derive(Debug)]
pub(crate) struct Session {
    peer: NodeId,
    nonce: [u8; 16],
    mine: Option<Greeting>,
    theirs: Option<Hello>,
    offering: Offering,
    fetching: Fetching,
    flow: Flow,
    serving: Serving,
    comparing: Comparing,
    pulse: Pulse,
    blobs: Blobs,
    /// Frames handed to the transport and not yet taken by it.
    unsent: BTreeMap<Class, usize>,
    closed: bool,
}

impl Session {
    pub fn new(peer: NodeId, nonce: [u8; 16], now: Now) -> Self {
        Self {
            peer,
            nonce,
            mine: None,
            theirs: None,
            offering: Offering::default(),
            fetching: Fetching::default(),
            flow: Flow::default(),
            serving: Serving::default(),
            comparing: Comparing::new(now),
            pulse: Pulse::new(now),
            blobs: Blobs::new(now),
            unsent: BTreeMap::new(),
            closed: false,
        }
    }

    /// The connection is up: greet.
    pub fn start(&mut self, context: &mut Context) {
        context.ask(Purpose::Greet, Query::Greeting { peer: self.peer });
    }

    pub fn handle_frame(&mut self, context: &mut Context, bytes: &[u8]) {
        if self.closed {
            return;
        }
        self.pulse.heard(context, self.peer);
        match Frame::decode(bytes) {
            Ok(frame) => self.dispatch(context, frame),
            Err(malformed) => self.close(context, CloseReason::Malformed(malformed)),
        }
    }

    fn dispatch(&mut self, context: &mut Context, frame: Frame) {
        // Streams have no order among each other: data and pings may overtake the greeting, the rest follows it on its stream.
        let greeted = self.theirs.is_some();
        match frame {
            Frame::Hello(hello) => self.handle_hello(context, hello),
            Frame::Ping { wall_ms } => self.handle_ping(context, wall_ms),
            Frame::Pong(pong) => self.handle_pong(context, pong),
            Frame::Data(data) => self.handle_data(context, &data),
            Frame::BlobData(data) => self.handle_blob_data(context, data),
            Frame::Signal { room, body } => context.notice(Notice::Signal { peer: self.peer, room, body }),
            _ if !greeted => self.close(context, CloseReason::Protocol("a frame before the greeting")),
            Frame::Changes(changes) => self.handle_changes(context, &changes),
            Frame::Next => self.handle_next(context),
            Frame::Want(want) => self.handle_want(context, want),
            Frame::Held(held) => {
                self.comparing.saw_progress();
                let rooms: BTreeSet<RoomId> = held.logs.iter().map(|(log, _)| log.room).collect();
                context.notice(Notice::Held { peer: self.peer, rooms: rooms.into_iter().collect() });
            }
            Frame::Done(done) => self.handle_done(context, done),
            Frame::List(list) => self.handle_list(context, list),
            Frame::RoomsWanted(rooms) => self.handle_rooms_wanted(context, rooms),
            Frame::BlobWant(want) => self.handle_blob_want(context, want),
            Frame::BlobUnavailable { request } => self.handle_blob_unavailable(context, request),
            Frame::BlobHave(blobs) => self.handle_blob_have(context, blobs),
            Frame::Busy { request, retry_after_ms } => self.handle_busy(context, request, retry_after_ms),
        }
    }

    pub fn handle_answer(&mut self, context: &mut Context, purpose: Purpose, answer: Answer) {
        if self.closed {
            return;
        }
        match (purpose, answer) {
            (Purpose::Greet, Answer::Greeting(mine)) => self.greet(context, mine),
            (Purpose::Offer, Answer::Changes(page)) => self.offer(context, page),
            (Purpose::Push, Answer::Windows(page)) => self.push(context, page),
            (Purpose::Evaluate(asked), Answer::Holdings(holdings, standings)) => {
                self.evaluated(context, &asked, &holdings, &standings);
            }
            (Purpose::Serve, Answer::Windows(page)) => self.serve_windows(context, page),
            (Purpose::ServeRegisters, Answer::Registers(registers)) => self.serve_registers(context, registers),
            (Purpose::Store { request, ranges }, Answer::Applied(applied)) => {
                self.stored(context, request, &ranges, &applied);
            }
            (Purpose::SaveCursor, Answer::Applied(_)) => {}
            (Purpose::Prove, Answer::Greeting(mine)) => self.prove(context, &mine),
            (Purpose::ListMine { after }, Answer::List(rooms)) => self.send_list(context, after, &rooms),
            (Purpose::Differing(theirs), Answer::List(mine)) => self.differing(context, &theirs, &mine),
            (Purpose::OfferRooms, Answer::Offers(rooms)) => self.offer_rooms(context, rooms),
            (Purpose::BlobsWanted, Answer::BlobsWanted(wanted)) => self.blobs_wanted(context, wanted),
            (Purpose::ServeBlob, Answer::BlobSlice(part)) => self.serve_blob(context, part),
            (Purpose::StoreBlob { request, blob, groups }, Answer::BlobStored(stored)) => {
                self.blob_stored(context, request, blob, groups, stored);
            }
            (Purpose::BlobsNoted, Answer::BlobsNoted) => {}
            // The driver answered another question than was asked: a bug of ours, but not worth a wrong conclusion.
            _ => self.close(context, CloseReason::Store),
        }
    }

    /// The store could not answer; the connection is tried again later, from a clean start.
    pub fn handle_failure(&mut self, context: &mut Context) {
        self.close(context, CloseReason::Store);
    }

    /// The store changed by something other than this session.
    pub fn handle_changed(&mut self, context: &mut Context, rooms: &[RoomId]) {
        if self.closed {
            return;
        }
        self.offering.dirty = true;
        self.offer_more(context);
        self.evaluate_touched(context, rooms);
        // Attachments have no rooms of their own: whoever wants others than before says so without naming any.
        if rooms.is_empty() {
            self.blobs_changed(context);
        }
    }

    /// Ranges that another peer takes too long for may be asked of this one.
    pub fn handle_lent(&mut self, context: &mut Context) {
        if !self.closed {
            self.evaluate_touched(context, &[]);
        }
    }

    pub fn handle_timer(&mut self, context: &mut Context) {
        if self.closed {
            return;
        }
        self.beat(context);
        self.look_after_requests(context);
        self.prove_if_due(context);
        self.blobs_due(context);
    }

    /// The transport took a frame of ours. Attachments wait behind everything else, and hold nothing else up.
    pub fn handle_sent(&mut self, context: &mut Context, class: Class) {
        if class == Class::Blob {
            return self.blob_sent(context);
        }
        if let Some(unsent) = self.unsent.get_mut(&class) {
            *unsent = unsent.saturating_sub(1);
        }
        self.serve(context);
    }

    pub fn signal(&mut self, context: &mut Context, room: RoomId, body: Vec<u8>) {
        if self.theirs.is_some() && !self.closed {
            self.send(context, Class::Control, &Frame::Signal { room, body });
        }
    }

    /// When [`Self::handle_timer`] wants to be called.
    pub fn wake_at(&self) -> u64 {
        let requests = self.requests_wake_at().unwrap_or(u64::MAX);
        let blobs = if self.is_begun() { self.blobs.wake_at() } else { u64::MAX };
        self.pulse.wake_at().min(self.comparing.wake_at()).min(requests).min(blobs)
    }

    /// The connection is gone: keep what is worth keeping, give back what was claimed.
    pub fn end(&mut self, context: &mut Context) {
        self.save_cursor(context);
        context.planner.release_all(self.peer);
        context.blob_planner.release_all(self.peer);
        context.served.leave(&self.peer);
        context.fetched.leave(&self.peer);
    }

    fn greet(&mut self, context: &mut Context, mine: Greeting) {
        let hello = Hello {
            versions: (PROTOCOL_VERSION, PROTOCOL_VERSION),
            node: context.me,
            storage: mine.storage,
            latest_change: mine.latest_change,
            cursor_i_hold_for_you: mine.cursor,
            shared: mine.shared,
            ledger: mine.ledger,
            wall_ms: context.now.wall_ms,
            features: 0,
        };
        self.send(context, Class::Control, &Frame::Hello(hello));
        self.mine = Some(mine);
        self.begin(context);
    }

    fn handle_hello(&mut self, context: &mut Context, hello: Hello) {
        if self.theirs.is_some() {
            return self.close(context, CloseReason::Protocol("a second greeting"));
        }
        if hello.node != self.peer {
            return self.close(context, CloseReason::WrongName);
        }
        if !(hello.versions.0..=hello.versions.1).contains(&PROTOCOL_VERSION) {
            return self.close(context, CloseReason::Version);
        }
        self.theirs = Some(hello);
        self.begin(context);
    }

    /// Both greetings are known.
    fn begin(&mut self, context: &mut Context) {
        let (Some(mine), Some(theirs)) = (&self.mine, &self.theirs) else { return };
        self.fetching.begin(mine.cursor, theirs);
        self.blobs.is_stale = true;
        if mine.shared == theirs.shared {
            self.offering.begin(mine.latest_change);
            self.fetching.applied = theirs.latest_change;
            self.comparing.saw_equal(context.now);
            context.notice(Notice::InSync { peer: self.peer });
            // What changed between our question and their greeting is found by the next change or by the monitor.
            return self.offer_more(context);
        }
        // A cursor beyond our changes, or into another storage, is from before a restore: everything is offered again.
        let cursor = theirs.cursor_i_hold_for_you;
        let known = cursor.storage == mine.storage && cursor.change <= mine.latest_change;
        self.offering.begin(if known { cursor.change } else { 0 });
        self.offering.dirty = true;
        self.offer_more(context);
        self.check_drained(context);
    }

    fn send(&mut self, context: &mut Context, class: Class, frame: &Frame) {
        self.send_encoded(context, class, frame.encode());
    }

    fn send_encoded(&mut self, context: &mut Context, class: Class, bytes: Vec<u8>) {
        match class {
            Class::Blob => self.blobs.unsent += 1,
            _ => *self.unsent.entry(class).or_default() += 1,
        }
        context.actions.push(Action::Send { peer: self.peer, class, bytes });
    }

    fn close(&mut self, context: &mut Context, reason: CloseReason) {
        if !self.closed {
            self.closed = true;
            context.actions.push(Action::Close { peer: self.peer, reason });
        }
    }

    fn is_begun(&self) -> bool {
        self.mine.is_some() && self.theirs.is_some() && !self.closed
    }

    fn applied_notice(&self, context: &mut Context, applied: &Applied, entries: u64) {
        if !applied.rooms.is_empty() {
            context.notice(Notice::Applied { peer: self.peer, rooms: applied.rooms.clone(), entries });
        }
    }
}
