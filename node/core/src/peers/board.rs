//! The state of every peer as the driver reports it: in memory only, for people to look at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use noroshi_sync::event::Notice;
use noroshi_sync::id::{NodeId, RoomId};
use noroshi_sync::store::Refusal;

use super::clocks::own_offset_ms;
use super::cuts::{CutChange, CutReason, Cuts};
use super::links::Links;
use super::metric;
use super::rate::Rate;
use super::report::{LineReport, LineState, ReportedLine, RttClass};
use crate::clock::Clock;
use crate::store::query::Gap;
use crate::view::{PeerState, PeerVia, Transport};

/// Peers remembered at most; a node has far fewer, and strangers get no connection.
const PEERS_MAX: usize = 4_096;

/// One peer. Times are milliseconds since 1970.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeerRecord {
    pub state: PeerState,
    pub via: Option<PeerVia>,
    /// What carries the line while it is up.
    pub transport: Option<Transport>,
    /// Since when the state is what it is.
    pub since_ms: Option<u64>,
    pub last_heard_ms: Option<u64>,
    pub rtt_ms: Option<u64>,
    /// The peer's clock minus ours.
    pub clock_offset_ms: Option<i64>,
    pub in_sync_ms: Option<u64>,
    /// Entries the peer has offered in this connection that are not here yet.
    pub missing_here: u64,
    /// When the certificate ends that the peer showed last.
    pub certificate_until_ms: Option<u64>,
}

impl PeerRecord {
    const UNKNOWN: Self = Self {
        state: PeerState::Unreachable,
        via: None,
        transport: None,
        since_ms: None,
        last_heard_ms: None,
        rtt_ms: None,
        clock_offset_ms: None,
        in_sync_ms: None,
        missing_here: 0,
        certificate_until_ms: None,
    };
}

/// What the driver knows of all peers.
#[derive(Debug)]
pub struct PeerBoard {
    clock: Arc<dyn Clock>,
    links: Arc<Links>,
    peers: Mutex<Peers>,
    /// Told that some peer looks different now; see [`PeerBoard::take_changed`].
    changed: Box<dyn Wake>,
}

/// Something to call when there is news; must not block.
pub trait Wake: Send + Sync + std::fmt::Debug {
    fn wake(&self);
}

#[derive(Debug, Default)]
struct Peers {
    records: BTreeMap<NodeId, PeerRecord>,
    changed: BTreeSet<NodeId>,
    /// As last told.
    gaps: BTreeMap<NodeId, Gap>,
    /// How fast what is missing becomes less.
    rates: BTreeMap<NodeId, Rate>,
    cuts: Cuts,
    /// Raised in this run of the node, each once, with the time (milliseconds since 1970).
    alarms: BTreeMap<Alarm, u64>,
    new_alarms: Vec<Alarm>,
    /// Of this node itself.
    own_certificate_until_ms: Option<u64>,
}

/// Something an administrator must look at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Alarm {
    /// A node has signed two histories: its disk was copied, or it lies.
    Fork { room: RoomId, writer: NodeId },
    /// A peer sent what its writer did not sign.
    Forged { peer: NodeId },
    /// Two running programs are this node: its folder was copied.
    Doubled { node: NodeId },
    /// The certificate of this node ends within so many days and was not renewed.
    Ending { days: u64 },
    /// Replication has come to rest and this node and the peer do not hold the same.
    Diverged { peer: NodeId },
}

impl Alarm {
    /// The node it speaks of.
    pub const fn about(&self) -> Option<NodeId> {
        match self {
            Self::Fork { writer: node, .. }
            | Self::Forged { peer: node }
            | Self::Doubled { node }
            | Self::Diverged { peer: node } => Some(*node),
            Self::Ending { .. } => None,
        }
    }
}

/// A difference of digests that survives so many comparisons is a fault, not something under way.
const DIVERGED_PASSES: u32 = 3;

/// With so many days left an unrenewed certificate is an alarm, each once.
const ENDING_DAYS: [u64; 5] = [1, 7, 14, 30, 60];

/// Alarms remembered at most; who is under attack needs no more of them.
const ALARMS_MAX: usize = 1_000;

impl PeerBoard {
    pub(crate) fn new(clock: Arc<dyn Clock>, links: Arc<Links>, changed: Box<dyn Wake>) -> Self {
        Self { clock, links, peers: Mutex::default(), changed }
    }

    /// The driver has gained or lost the line to a peer, or found it cut.
    pub fn set_state(&self, node: NodeId, state: PeerState, via: Option<PeerVia>) {
        let now_ms = self.clock.wall_ms();
        self.update(node, |record| {
            let changed = record.state != state || record.via != via.or(record.via) || record.since_ms.is_none();
            if record.state != state || record.since_ms.is_none() {
                record.since_ms = Some(now_ms);
                record.missing_here = 0;
            }
            record.state = state;
            record.via = via.or(record.via);
            if state != PeerState::Connected {
                record.transport = None;
            }
            changed
        });
        let reason = match state {
            PeerState::Connected => return self.lock().cuts.restored(node, now_ms),
            PeerState::Cut if self.links.is_cut(&node) => CutReason::Here,
            PeerState::Cut => CutReason::There,
            PeerState::Unreachable => CutReason::Lost,
        };
        self.lock().cuts.cut(node, reason, now_ms);
    }

    /// What carries the line to a connected peer.
    pub fn set_transport(&self, node: NodeId, transport: Transport) {
        self.update(node, |record| {
            let changed = record.transport != Some(transport);
            record.transport = Some(transport);
            changed
        });
    }

    /// Lines that were lost or came back since the last call, in order, for the history on disk.
    pub(crate) fn take_cuts(&self) -> Vec<CutChange> {
        self.lock().cuts.take()
    }

    /// What could not be written is to be written later.
    pub(crate) fn put_back_cuts(&self, cuts: Vec<CutChange>) {
        self.lock().cuts.put_back(cuts);
    }

    /// What this node says of its lines to the others: those that are up, and those that were in this run of the node.
    pub(crate) fn line_report(&self) -> LineReport {
        let peers = self.lock();
        let lines = peers.records.iter().filter_map(|(node, record)| {
            let since_ms = record.since_ms?;
            let state = match record.state {
                PeerState::Connected => LineState::Up,
                PeerState::Cut if self.links.is_cut(node) => LineState::Cut,
                _ if peers.cuts.was_up(node) => LineState::Down,
                _ => return None,
            };
            let rtt = record.rtt_ms.map_or(RttClass::Unknown, RttClass::of);
            Some(ReportedLine::new(node, state, record.transport, rtt, since_ms / 1_000))
        });
        LineReport::new(lines.collect(), self.clock.wall_ms() / 1_000)
    }

    /// How much is missing on both sides, now; by the monotonic clock how fast it becomes less.
    pub(crate) fn note_waiting(&self, gaps: &BTreeMap<NodeId, Gap>) {
        let now_ms = self.clock.mono_ms();
        let mut peers = self.lock();
        peers.rates.retain(|node, _| gaps.contains_key(node));
        for (node, gap) in gaps {
            peers.rates.entry(*node).or_default().note(gap.here, gap.there, now_ms);
        }
    }

    /// Entries a second by which what is missing becomes less, both directions together.
    pub(crate) fn entries_per_s(&self, node: &NodeId) -> Option<f64> {
        self.lock().rates.get(node).and_then(Rate::per_s)
    }

    /// Something a session noticed. Notices about other things than the peer are left to others.
    pub fn note(&self, notice: &Notice) {
        let now_ms = self.clock.wall_ms();
        match *notice {
            Notice::InSync { peer } => self.update(peer, |record| {
                record.in_sync_ms = Some(now_ms);
                record.last_heard_ms = Some(now_ms);
                record.missing_here = 0;
                true
            }),
            Notice::MissingHere { peer, entries } => self.update(peer, |record| {
                let changed = (record.missing_here == 0) != (entries == 0);
                record.missing_here = entries;
                changed
            }),
            Notice::Clock { peer, offset_ms, rtt_ms } => {
                self.update(peer, |record| {
                    record.clock_offset_ms = Some(offset_ms);
                    record.rtt_ms = Some(rtt_ms);
                    record.last_heard_ms = Some(now_ms);
                    false
                });
                metric::note_offset(&peer, offset_ms);
                metric::note_own_offset(self.own_clock_offset_ms());
            }
            Notice::Heard { peer } => self.update(peer, |record| {
                record.last_heard_ms = Some(now_ms);
                false
            }),
            Notice::Forked { room, writer, .. }
            | Notice::Refused { room, writer, refusal: Refusal::TooManyBranches, .. } => {
                self.alarm(Alarm::Fork { room, writer })
            }
            Notice::Forged { peer, .. } => self.alarm(Alarm::Forged { peer }),
            Notice::Diverged { peer, passes } if passes >= DIVERGED_PASSES => self.alarm(Alarm::Diverged { peer }),
            Notice::Refused { .. }
            | Notice::Diverged { .. }
            | Notice::Applied { .. }
            | Notice::Held { .. }
            | Notice::Signal { .. } => {}
        }
    }

    /// Somebody copied the folder of a node, which may be this one, and runs both.
    pub fn note_doubled(&self, node: NodeId) {
        self.alarm(Alarm::Doubled { node });
    }

    /// When the certificate of this node ends. Milliseconds since 1970.
    pub fn note_own_certificate(&self, until_ms: u64, now_ms: u64) {
        self.lock().own_certificate_until_ms = Some(until_ms);
        let days = until_ms.saturating_sub(now_ms) / (24 * 3_600_000);
        if let Some(days) = ENDING_DAYS.into_iter().find(|limit| days < *limit) {
            self.alarm(Alarm::Ending { days });
        }
    }

    /// A peer has shown a certificate that ends then.
    pub fn note_certificate(&self, node: NodeId, until_ms: u64) {
        self.update(node, |record| {
            record.certificate_until_ms = Some(until_ms);
            false
        });
    }

    pub(crate) fn certificate_until_ms(&self, node: NodeId, own: NodeId) -> Option<u64> {
        if node == own { self.lock().own_certificate_until_ms } else { self.record(&node).certificate_until_ms }
    }

    /// Every alarm of this run of the node.
    pub(crate) fn alarms(&self) -> Vec<Alarm> {
        self.lock().alarms.keys().copied().collect()
    }

    /// The alarms about one node, each with when it was raised, milliseconds since 1970.
    pub(crate) fn alarms_about(&self, node: &NodeId) -> Vec<(Alarm, u64)> {
        let about = |alarm: &Alarm| alarm.about() == Some(*node);
        self.lock().alarms.iter().filter(|(alarm, _)| about(alarm)).map(|(alarm, at_ms)| (*alarm, *at_ms)).collect()
    }

    /// Whether people here have cut the line to the peer.
    pub fn link_cut(&self, node: &NodeId) -> bool {
        self.links.is_cut(node)
    }

    pub fn record(&self, node: &NodeId) -> PeerRecord {
        self.lock().records.get(node).cloned().unwrap_or(PeerRecord::UNKNOWN)
    }

    /// Peers that have been reported on, known to the directory or not.
    pub fn nodes(&self) -> Vec<NodeId> {
        self.lock().records.keys().copied().collect()
    }

    /// This machine's clock minus the median of its peers', milliseconds.
    pub fn own_clock_offset_ms(&self) -> i64 {
        let peers = self.lock();
        let connected = peers.records.values().filter(|record| record.state == PeerState::Connected);
        own_offset_ms(connected.filter_map(|record| record.clock_offset_ms))
    }

    /// Says that a peer looks different for a reason outside this board.
    pub(crate) fn touch(&self, nodes: impl IntoIterator<Item = NodeId>) {
        self.lock().changed.extend(nodes);
        self.changed.wake();
    }

    /// Peers whose gap is other than at the last call.
    pub(crate) fn changed_gaps(&self, gaps: &BTreeMap<NodeId, Gap>) -> BTreeSet<NodeId> {
        let mut peers = self.lock();
        let differs = |node: &&NodeId| peers.gaps.get(node) != gaps.get(node);
        let changed = gaps.keys().chain(peers.gaps.keys()).filter(differs).copied().collect();
        peers.gaps.clone_from(gaps);
        changed
    }

    /// Peers that look different since the last call.
    pub(crate) fn take_changed(&self) -> BTreeSet<NodeId> {
        std::mem::take(&mut self.lock().changed)
    }

    fn alarm(&self, alarm: Alarm) {
        let now_ms = self.clock.wall_ms();
        let mut peers = self.lock();
        if peers.alarms.len() < ALARMS_MAX && !peers.alarms.contains_key(&alarm) {
            peers.alarms.insert(alarm, now_ms);
            peers.new_alarms.push(alarm);
            drop(peers);
            self.changed.wake();
        }
    }

    /// Alarms raised since the last call.
    pub(crate) fn take_alarms(&self) -> Vec<Alarm> {
        std::mem::take(&mut self.lock().new_alarms)
    }

    fn update(&self, node: NodeId, change: impl FnOnce(&mut PeerRecord) -> bool) {
        let mut peers = self.lock();
        if peers.records.len() >= PEERS_MAX && !peers.records.contains_key(&node) {
            return;
        }
        let changed = change(peers.records.entry(node).or_insert(PeerRecord::UNKNOWN));
        if changed {
            peers.changed.insert(node);
        }
        drop(peers);
        if changed {
            self.changed.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Peers> {
        // A panic cannot leave a record half written.
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::peers::LinkState;

    #[derive(Debug, Default)]
    struct Counter(Arc<AtomicU64>);

    impl Wake for Counter {
        fn wake(&self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[derive(Debug, Default)]
    struct SetClock(AtomicU64);

    impl Clock for SetClock {
        fn wall_ms(&self) -> u64 {
            self.0.load(Ordering::SeqCst)
        }
        fn mono_ms(&self) -> u64 {
            self.wall_ms()
        }
    }

    fn board() -> (PeerBoard, Arc<SetClock>, Arc<AtomicU64>) {
        let (clock, woken) = (Arc::new(SetClock::default()), Arc::new(AtomicU64::new(0)));
        let links = Arc::new(Links::new(LinkState::default()));
        (PeerBoard::new(clock.clone(), links, Box::new(Counter(woken.clone()))), clock, woken)
    }

    const PEER: NodeId = NodeId::from_bytes([7; 32]);

    #[test]
    fn a_state_has_the_time_it_began() {
        let (board, clock, woken) = board();
        assert_eq!(board.record(&PEER).state, PeerState::Unreachable);
        clock.0.store(5, Ordering::SeqCst);
        board.set_state(PEER, PeerState::Connected, Some(PeerVia::Mdns));
        clock.0.store(9, Ordering::SeqCst);
        board.set_state(PEER, PeerState::Connected, None);
        let record = board.record(&PEER);
        assert_eq!((record.since_ms, record.via), (Some(5), Some(PeerVia::Mdns)));
        assert_eq!(woken.load(Ordering::SeqCst), 1);
        assert_eq!(board.take_changed(), BTreeSet::from([PEER]));
        assert_eq!(board.take_changed(), BTreeSet::new());
    }

    #[test]
    fn what_is_missing_and_the_clock_come_from_notices() {
        let (board, clock, _) = board();
        clock.0.store(5, Ordering::SeqCst);
        board.set_state(PEER, PeerState::Connected, None);
        board.note(&Notice::MissingHere { peer: PEER, entries: 12 });
        board.note(&Notice::Clock { peer: PEER, offset_ms: -3, rtt_ms: 40 });
        let record = board.record(&PEER);
        assert_eq!((record.missing_here, record.clock_offset_ms, record.rtt_ms), (12, Some(-3), Some(40)));
        board.note(&Notice::InSync { peer: PEER });
        assert_eq!((board.record(&PEER).missing_here, board.record(&PEER).in_sync_ms), (0, Some(5)));
    }

    #[test]
    fn each_alarm_is_raised_once() {
        let (board, _, woken) = board();
        let fork = Notice::Forked { peer: PEER, room: RoomId::NIL, writer: PEER };
        for notice in [&fork, &fork, &Notice::Forged { peer: PEER, reason: "x".into() }] {
            board.note(notice);
        }
        let gap = Notice::Refused { peer: PEER, room: RoomId::NIL, writer: PEER, refusal: Refusal::TooManyGaps };
        board.note(&gap);
        let raised = vec![Alarm::Fork { room: RoomId::NIL, writer: PEER }, Alarm::Forged { peer: PEER }];
        assert_eq!((board.take_alarms(), woken.load(Ordering::SeqCst)), (raised, 2));
        assert_eq!(board.take_alarms(), vec![]);
    }

    #[test]
    fn a_certificate_that_ends_is_an_alarm_at_each_step() {
        const DAY: u64 = 24 * 3_600_000;
        let (board, ..) = board();
        let raised = |days: u64| {
            board.note_own_certificate(100 * DAY, (100 - days) * DAY);
            board.take_alarms()
        };
        assert_eq!((raised(100), raised(60)), (vec![], vec![]));
        assert_eq!((raised(59), raised(40)), (vec![Alarm::Ending { days: 60 }], vec![]));
        assert_eq!((raised(13), raised(0)), (vec![Alarm::Ending { days: 14 }], vec![Alarm::Ending { days: 1 }]));
        assert_eq!(board.certificate_until_ms(PEER, PEER), Some(100 * DAY));
        assert_eq!(board.alarms().len(), 3);
    }

    #[test]
    fn only_connected_clocks_count() {
        let (board, ..) = board();
        for number in 1..=3 {
            let peer = NodeId::from_bytes([number; 32]);
            board.set_state(peer, PeerState::Connected, None);
            board.note(&Notice::Clock { peer, offset_ms: 9_000, rtt_ms: 1 });
        }
        assert_eq!(board.own_clock_offset_ms(), -9_000);
        for number in 1..=3 {
            board.set_state(NodeId::from_bytes([number; 32]), PeerState::Unreachable, None);
        }
        assert_eq!(board.own_clock_offset_ms(), 0);
    }
}
