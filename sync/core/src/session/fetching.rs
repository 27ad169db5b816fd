//! What the peer offers and this node lacks, what was asked for, and how far the cursor may go.
//!
//! Nothing offered is forgotten: it is satisfied, or being fetched, or waits (for a policy that admits it, for another
//! peer that is fetching the same, for room in flight). Only when all of it is on disk does the cursor move.

use std::collections::{BTreeMap, BTreeSet};

use super::Context;
use crate::entry::Lane;
use crate::event::Notice;
use crate::frame::{Class, Hello};
use crate::frontier::LogState;
use crate::id::{NodeId, RoomId, StorageId};
use crate::log::LogId;
use crate::register::{RegisterVersion, VerifiedRegister};
use crate::store::{Cursor, LogRange, RoomLines, Standing};
use crate::window::VerifiedWindow;

/// One log the peer offers.
#[derive(Debug, Clone)]
pub(super) struct Offered {
    pub theirs: LogState,
    pub mine: LogState,
    /// The store said that what is held goes on from the peer's history, or contains it.
    pub agrees: bool,
    /// Of a history that left ours somewhere: it is asked for from behind this place on, further back each time.
    pub rewound: Option<u64>,
    /// … and once it joined, up to here it is held.
    pub joined: u64,
}

/// How much further back a history is asked for that does not join, at the least.
const REWIND_ENTRIES_MIN: u64 = 64;

impl Offered {
    fn new(log: &LogId, theirs: LogState) -> Self {
        Self { theirs, mine: LogState::empty(log), agrees: false, rewound: None, joined: 0 }
    }

    /// Equal lengths are no proof of equal histories; a greater one is only when the store has looked.
    pub fn is_satisfied(&self) -> bool {
        let is_same_history = match self.mine.length.cmp(&self.theirs.length) {
            std::cmp::Ordering::Less => true,
            std::cmp::Ordering::Equal => self.theirs.length == 0 || self.mine.hash == self.theirs.hash,
            std::cmp::Ordering::Greater => self.agrees || self.theirs.length == 0,
        };
        is_same_history && self.mine.missing_from(&self.theirs).is_empty()
    }

    /// Whether the newest page may come before what leads to it. The histories of a log that forks are taken from where
    /// they part.
    pub fn may_begin_anywhere(&self, log: &LogId) -> bool {
        log.lane == Lane::Normal && self.mine.above.is_empty() && self.rewound.is_none() && log.branch.is_none()
    }

    /// What the store says of this line.
    pub fn stands(&mut self, standing: &Standing) {
        self.mine = standing.held.clone();
        self.agrees = standing.agrees;
        if self.mine.length >= self.theirs.length && self.agrees {
            return;
        }
        if let Some(rewound) = self.rewound {
            self.mine.length = self.mine.length.min(rewound);
        }
        self.mine.length = self.mine.length.max(self.joined);
    }

    /// Entries `first ..= last` are on disk; `state` is what the store says of the log.
    fn stored(&mut self, last: u64, state: &LogState) {
        if state.length >= last {
            self.joined = self.joined.max(last);
        }
        self.mine = state.clone();
    }

    /// Entries from `first` on do not join what is held: their history left it before. `false` if there is nothing before.
    fn rewind(&mut self, first: u64, last: u64) -> bool {
        let step = (2 * (last - first + 1)).max(REWIND_ENTRIES_MIN);
        self.rewound = Some(self.rewound.unwrap_or(u64::MAX).min(first.saturating_sub(1 + step)));
        first > 1
    }
}

/// What the peer offers of one room and is not here yet.
#[derive(Debug, Default)]
pub(super) struct Offer {
    pub logs: BTreeMap<LogId, Offered>,
    pub registers: BTreeMap<NodeId, RegisterVersion>,
    /// The policy held here does not admit all of it (yet).
    pub parked: bool,
    /// Something could not be asked for, because it is in flight elsewhere or too much is in flight.
    pub waiting: bool,
    /// What is held of the room is being looked up.
    pub asking: bool,
    /// … and must be looked up once more, because something changed meanwhile.
    pub again: bool,
}

impl Offer {
    pub fn is_empty(&self) -> bool {
        self.logs.is_empty() && self.registers.is_empty()
    }
}

#[derive(Debug)]
pub(super) struct Request {
    pub class: Class,
    /// More would have been asked for if it had been allowed.
    pub was_limited: bool,
    pub asked_ms: u64,
    /// When the last part came.
    pub heard_ms: Option<u64>,
    /// It takes too long: others may be asked for the same.
    pub overdue: bool,
    pub ranges: Vec<LogRange>,
    pub registers: Vec<(RoomId, NodeId)>,
    /// The peer has sent its last part.
    pub answered: bool,
    /// Parts that are being stored.
    pub storing: u32,
    pub progress: bool,
}

#[derive(Debug)]
pub(super) struct Fetching {
    /// Everything the peer had up to this change of its own is on disk here.
    pub applied: u64,
    pub storage: StorageId,
    /// The cursor as it is on disk.
    saved: u64,
    /// What the peer has offered so far.
    pub offered_to: u64,
    pub more: bool,
    pub offers: BTreeMap<RoomId, Offer>,
    pub requests: BTreeMap<u64, Request>,
    pub last_request: u64,
    pub registers_in_flight: BTreeSet<(RoomId, NodeId)>,
    pub in_flight: u64,
    /// Refused for good, or not to be had: the cursor stays, so that it is offered again next time. What the peer offers
    /// anew before that is judged anew.
    given_up: BTreeSet<LogId>,
    /// Logs of which the peer has offered branches: what it offered of the trunk before is in them.
    branched: BTreeSet<LogId>,
    reported_missing: u64,
}

impl Default for Fetching {
    fn default() -> Self {
        Self {
            applied: 0,
            storage: StorageId::NIL,
            saved: 0,
            offered_to: 0,
            more: false,
            offers: BTreeMap::new(),
            requests: BTreeMap::new(),
            last_request: 0,
            registers_in_flight: BTreeSet::new(),
            in_flight: 0,
            given_up: BTreeSet::new(),
            branched: BTreeSet::new(),
            reported_missing: 0,
        }
    }
}

impl Fetching {
    pub fn begin(&mut self, cursor: Cursor, theirs: &Hello) {
        self.storage = theirs.storage;
        let known = cursor.storage == theirs.storage && cursor.change <= theirs.latest_change;
        self.applied = if known { cursor.change } else { 0 };
        self.saved = self.applied;
        self.offered_to = self.applied;
    }

    pub fn is_drained(&self) -> bool {
        self.offers.is_empty() && self.requests.is_empty() && !self.more
    }

    /// Moves the cursor if everything offered is here.
    pub fn drain(&mut self, context: &mut Context, peer: NodeId) -> bool {
        if !self.is_drained() {
            return false;
        }
        if self.given_up.is_empty() {
            self.applied = self.applied.max(self.offered_to);
        }
        self.report_missing(context, peer);
        true
    }

    /// Entries of this class that were asked for and are not stored yet.
    pub fn in_flight_of(&self, class: Class) -> u64 {
        let ranges =
            self.requests.values().filter(|request| request.class == class).flat_map(|request| &request.ranges);
        ranges.map(|range| range.last - range.first + 1).sum()
    }

    /// The peer says that all it has up to this change was offered.
    pub fn all_announced(&mut self, latest_change: u64) {
        self.offered_to = self.offered_to.max(latest_change);
    }

    /// The digests were equal when the peer had come to this change of its own.
    pub fn all_is_here(&mut self, latest_change: u64) {
        self.given_up.clear();
        self.applied = self.applied.max(latest_change);
    }

    pub fn unsaved_cursor(&self) -> Option<Cursor> {
        (self.applied != self.saved).then_some(Cursor { storage: self.storage, change: self.applied })
    }

    pub fn saved(&mut self, cursor: Cursor) {
        self.saved = cursor.change;
    }

    pub fn merge(&mut self, lines: RoomLines) {
        let offer = self.offers.entry(lines.room).or_default();
        for (log, theirs) in lines.logs {
            self.given_up.remove(&log);
            if log.branch.is_some() {
                self.given_up.remove(&log.trunk());
                self.branched.insert(log.trunk());
            }
            // What was learned about an earlier length may not hold of this one.
            let offered = offer.logs.entry(log).or_insert_with(|| Offered::new(&log, theirs.clone()));
            (offered.theirs, offered.agrees) = (theirs, false);
        }
        for (node, version) in lines.registers {
            let newest = offer.registers.entry(node).or_default();
            *newest = (*newest).max(version);
        }
    }

    /// Whether these data complete everything that was offered, so that the cursor can be stored with them.
    pub fn completes(&self, request: u64, windows: &[VerifiedWindow], registers: &[VerifiedRegister]) -> bool {
        let alone = self.requests.len() == 1
            && self.requests.get(&request).is_some_and(|request| request.answered && request.storing == 0);
        if !alone || self.more || !self.given_up.is_empty() {
            return false;
        }
        self.offers.iter().all(|(room, offer)| {
            let logs = offer.logs.iter().all(|(log, offered)| {
                let mut offered = offered.clone();
                for window in windows.iter().filter(|window| window.log() == log) {
                    match offered.mine.with(window.first(), window.last(), window.end()) {
                        Some(state) => offered.mine = state,
                        None => return false,
                    }
                }
                offered.is_satisfied()
            });
            logs && offer.registers.iter().all(|(node, version)| {
                let is_it = |register: &VerifiedRegister| {
                    let register = register.register();
                    register.room == *room && register.node == *node && register.version >= *version
                };
                registers.iter().any(is_it)
            })
        })
    }

    /// Takes out of the offer what is here now.
    pub fn settle(&mut self, room: &RoomId) {
        if let Some(offer) = self.offers.get_mut(room) {
            offer.logs.retain(|_, offered| !offered.is_satisfied());
            if offer.is_empty() && !offer.asking {
                self.offers.remove(room);
            }
        }
    }

    /// Whether policy of the room is offered that is not here yet.
    pub fn awaits_policy(&self, room: &RoomId) -> bool {
        let offered = self.offers.get(room).into_iter().flat_map(|offer| &offer.logs);
        offered.into_iter().any(|(log, offered)| log.lane == Lane::Policy && !offered.is_satisfied())
    }

    /// Forgets an offered log that cannot be had; the cursor stays behind.
    pub fn give_up(&mut self, log: &LogId) {
        if let Some(offer) = self.offers.get_mut(&log.room)
            && offer.logs.remove(log).is_some()
            && !self.branched.contains(log)
        {
            self.given_up.insert(*log);
        }
    }

    /// The peer does not have these entries. If it has offered less of the log meanwhile, they are in a branch that it
    /// offers too.
    pub fn unavailable(&mut self, range: &LogRange) {
        let offered = self.offers.get(&range.log.room).and_then(|offer| offer.logs.get(&range.log));
        if offered.is_some_and(|offered| offered.theirs.last() >= range.first) {
            self.give_up(&range.log);
        }
    }

    /// The store took entries of a log up to `last`.
    pub fn stored(&mut self, log: &LogId, last: u64, state: &LogState) {
        let offer = self.offers.get_mut(&log.room);
        if let Some(offered) = offer.and_then(|offer| offer.logs.get_mut(log)) {
            offered.stored(last, state);
        }
    }

    /// The store cannot join these entries to anything: they are asked for from further back.
    pub fn rewind(&mut self, log: &LogId, first: u64, last: u64) {
        let offer = self.offers.get_mut(&log.room);
        if offer.and_then(|offer| offer.logs.get_mut(log)).is_some_and(|offered| !offered.rewind(first, last)) {
            self.give_up(log);
        }
    }

    /// Forgets an offered log that is not wanted; everything else may still become equal.
    pub fn let_go(&mut self, log: &LogId) {
        if let Some(offer) = self.offers.get_mut(&log.room) {
            offer.logs.remove(log);
        }
    }

    pub fn report_missing(&mut self, context: &mut Context, peer: NodeId) {
        let count = |offered: &Offered| {
            offered.mine.missing_from(&offered.theirs).iter().map(|(first, last)| last - first + 1).sum::<u64>()
        };
        let entries = self.offers.values().flat_map(|offer| offer.logs.values()).map(count).sum();
        if entries != self.reported_missing {
            self.reported_missing = entries;
            context.notice(Notice::MissingHere { peer, entries });
        }
    }
}
