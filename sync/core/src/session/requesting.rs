//! Finds out what is missing, asks for it within limits, checks and stores what comes.

use std::collections::BTreeSet;

use super::fetching::{Offer, Request};
use super::{Asked, Context, Purpose, Session};
use crate::entry::Lane;
use crate::event::{CloseReason, Notice};
use crate::frame::{Changes, Class, Data, Frame, Held, Payload, Want};
use crate::id::{NodeId, RoomId};
use crate::limits::{CHANGES_ROOMS_MAX, CHECKPOINT_ENTRIES_MAX, WANT_RANGES_MAX};
use crate::log::LogId;
use crate::register::{SignedRegister, VerifiedRegister};
use crate::store::{Admission, Applied, Batch, Cursor, Holding, LogRange, Query, Refusal, Standing, WindowOutcome};
use crate::window::{VerifiedWindow, Window};

/// Entries asked for and not yet stored. With chat's 250 bytes an entry about 4 MiB.
const IN_FLIGHT_ENTRIES_MAX: u64 = 16_384;
/// Requests open at once, below the number at which the peer takes it for a breach.
const REQUESTS_OPEN_MAX: usize = 48;
/// Entries asked for in one request, so that several are under way and progress is seen.
const REQUEST_ENTRIES_MAX: u64 = 2_048;
/// A log that lacks more than this is fetched newest page first.
const NEWEST_FIRST_ABOVE: u64 = 512;
/// The newest page, entries.
const NEWEST_PAGE: u64 = 64;
/// An offer that lacks no more than this is what people are waiting for; beyond it is history.
const FRESH_ENTRIES_MAX: u64 = 64;

/// What to ask for, most urgent first.
struct Candidate {
    rank: u8,
    class: Class,
    range: LogRange,
}

impl Session {
    pub(super) fn handle_changes(&mut self, context: &mut Context, changes: &Changes) {
        let rooms = match changes.unpack() {
            Ok(rooms) => rooms,
            Err(malformed) => return self.close(context, CloseReason::Malformed(malformed)),
        };
        if let Some(up_to) = changes.up_to {
            self.fetching.offered_to = self.fetching.offered_to.max(up_to);
            self.fetching.more = changes.more;
        }
        let names: Vec<RoomId> = rooms.iter().map(|lines| lines.room).collect();
        for lines in rooms {
            self.offering.remember(&lines);
            self.fetching.merge(lines);
        }
        self.evaluate(context, &names);
        self.next_page(context);
    }

    /// Looks up what is held of rooms that are on offer.
    fn evaluate(&mut self, context: &mut Context, rooms: &[RoomId]) {
        let mut ask = Vec::new();
        for room in rooms {
            let Some(offer) = self.fetching.offers.get_mut(room) else { continue };
            if offer.asking {
                offer.again = true;
            } else {
                offer.asking = true;
                ask.push(*room);
            }
        }
        for rooms in ask.chunks(CHANGES_ROOMS_MAX) {
            let logs = rooms.iter().filter_map(|room| self.fetching.offers.get(room)).flat_map(|offer| &offer.logs);
            let lines: Vec<_> = logs.map(|(log, offered)| (*log, offered.theirs.clone())).collect();
            let query = Query::Holdings { peer: self.peer, rooms: rooms.to_vec(), offered: lines.clone() };
            context.ask(Purpose::Evaluate(Asked { rooms: rooms.to_vec(), lines }), query);
        }
    }

    /// Something changed here in these rooms, or in a policy or ledger: what waits may go on.
    pub(super) fn evaluate_touched(&mut self, context: &mut Context, touched: &[RoomId]) {
        let waits = |(room, offer): &(&RoomId, &Offer)| offer.parked || offer.waiting || touched.contains(room);
        let rooms: Vec<RoomId> = self.fetching.offers.iter().filter(waits).map(|(room, _)| *room).collect();
        self.evaluate(context, &rooms);
    }

    pub(super) fn evaluated(
        &mut self,
        context: &mut Context,
        asked: &Asked,
        holdings: &[Holding],
        standings: &[Standing],
    ) {
        let mut candidates = Vec::new();
        let mut registers = Vec::new();
        let mut again = Vec::new();
        for ((log, theirs), standing) in asked.lines.iter().zip(standings) {
            let offer = self.fetching.offers.get_mut(&log.room);
            if let Some(offered) = offer.and_then(|offer| offer.logs.get_mut(log)).filter(|now| now.theirs == *theirs) {
                offered.stands(standing);
            }
        }
        for holding in holdings {
            let room = holding.lines.room;
            let Some(offer) = self.fetching.offers.get_mut(&room) else { continue };
            offer.asking = false;
            if std::mem::take(&mut offer.again) {
                again.push(room);
                continue;
            }
            offer.waiting = false;
            let is_open = context.open_rooms.contains(&room);
            evaluate_logs(offer, holding, is_open, &mut candidates);
            offer.parked = holding.admission == Admission::PolicyOnly;
            let mine = &holding.lines.registers;
            offer.registers.retain(|node, version| mine.get(node).is_none_or(|held| held < version));
            if holding.admission == Admission::Everything {
                registers.extend(offer.registers.keys().map(|node| (room, *node)));
            }
            self.fetching.settle(&room);
        }
        // Rooms the store said nothing about cannot be fetched; asked again when something changes.
        for room in &asked.rooms {
            if let Some(offer) = self.fetching.offers.get_mut(room) {
                offer.asking &= holdings.iter().any(|holding| holding.lines.room == *room);
            }
        }
        candidates.sort_by_key(|candidate| candidate.rank);
        self.request(context, &candidates, &registers);
        self.evaluate(context, &again);
        self.fetching.report_missing(context, self.peer);
        self.next_page(context);
        self.check_drained(context);
    }

    /// Asks the peer, as far as limits and other peers' requests allow.
    fn request(&mut self, context: &mut Context, candidates: &[Candidate], registers: &[(RoomId, NodeId)]) {
        let mut requests: Vec<(Class, Vec<LogRange>, u64)> = Vec::new();
        for candidate in candidates {
            let LogRange { log, first, last } = candidate.range;
            let is_free = self.fetching.requests.len() + requests.len() < REQUESTS_OPEN_MAX;
            let budget = if is_free { IN_FLIGHT_ENTRIES_MAX.saturating_sub(self.fetching.in_flight) } else { 0 };
            let end = last.min(first.saturating_add(budget).saturating_sub(1));
            let claimed = if budget == 0 { Vec::new() } else { context.planner.claim(self.peer, log, first, end) };
            let count: u64 = claimed.iter().map(|(first, last)| last - first + 1).sum();
            if count < last - first + 1
                && let Some(offer) = self.fetching.offers.get_mut(&log.room)
            {
                offer.waiting = true;
            }
            self.fetching.in_flight += count;
            for (first, last) in claimed {
                add_to_requests(&mut requests, candidate.class, LogRange { log, first, last });
            }
        }
        for (class, ranges, _) in requests {
            self.want(context, class, ranges, Vec::new());
        }
        self.request_registers(context, registers);
    }

    fn request_registers(&mut self, context: &mut Context, registers: &[(RoomId, NodeId)]) {
        let in_flight = &self.fetching.registers_in_flight;
        let fresh: Vec<_> = registers.iter().copied().filter(|key| !in_flight.contains(key)).collect();
        for registers in fresh.chunks(WANT_RANGES_MAX / 2) {
            if self.fetching.requests.len() < REQUESTS_OPEN_MAX {
                self.fetching.registers_in_flight.extend(registers);
                self.want(context, Class::Newest, Vec::new(), registers.to_vec());
                continue;
            }
            for (room, _) in registers {
                self.fetching.offers.get_mut(room).into_iter().for_each(|offer| offer.waiting = true);
            }
        }
    }

    fn want(&mut self, context: &mut Context, class: Class, ranges: Vec<LogRange>, registers: Vec<(RoomId, NodeId)>) {
        self.fetching.last_request += 1;
        let request = self.fetching.last_request;
        let want = Want { request, class: class.number(), ranges: ranges.clone(), registers: registers.clone() };
        let waiting = Request { ranges, registers, answered: false, storing: 0, progress: false };
        self.fetching.requests.insert(request, waiting);
        self.send(context, Class::Control, &Frame::Want(want));
    }

    pub(super) fn handle_data(&mut self, context: &mut Context, data: &Data) {
        let payload = match Payload::decompress(&data.payload) {
            Ok(payload) => payload,
            Err(malformed) => return self.close(context, CloseReason::Malformed(malformed)),
        };
        if !self.was_asked_for(data.request, &payload) {
            return self.close(context, CloseReason::Protocol("data that was not asked for"));
        }
        let (windows, registers) = match verify(payload.windows, payload.registers) {
            Ok(verified) => verified,
            Err(reason) => {
                context.notice(Notice::Forged { peer: self.peer, reason });
                return self.close(context, CloseReason::Protocol("data its writer did not sign"));
            }
        };
        for range in &payload.unavailable {
            context.planner.release(self.peer, range.log, range.first, range.last);
            self.fetching.unavailable(range);
        }
        if let Some(request) = self.fetching.requests.get_mut(&data.request) {
            request.answered |= data.last;
        }
        if windows.is_empty() && registers.is_empty() {
            return self.finish_request(context, data.request);
        }
        let cursor = self.fetching.completes(data.request, &windows, &registers);
        let cursor = cursor.then_some(Cursor { storage: self.fetching.storage, change: self.fetching.offered_to });
        if let Some(request) = self.fetching.requests.get_mut(&data.request) {
            request.storing += 1;
            request.progress = true;
        }
        let range =
            |window: &VerifiedWindow| LogRange { log: *window.log(), first: window.first(), last: window.last() };
        let purpose = Purpose::Store { request: data.request, ranges: windows.iter().map(range).collect() };
        context.ask(purpose, Query::Apply(Batch { peer: self.peer, windows, registers, cursor }));
    }

    /// Data must answer an open request, but for the urgent lane, which comes unasked.
    fn was_asked_for(&self, number: u64, payload: &Payload) -> bool {
        if number == 0 {
            return payload.registers.is_empty()
                && payload.windows.iter().all(|window| window.log.lane == Lane::Urgent);
        }
        let Some(request) = self.fetching.requests.get(&number).filter(|request| !request.answered) else {
            return false;
        };
        let logs: BTreeSet<LogId> = request.ranges.iter().map(|range| range.log).collect();
        payload.windows.iter().all(|window| logs.contains(&window.log))
            && payload.registers.len() <= request.registers.len()
    }

    pub(super) fn stored(&mut self, context: &mut Context, request: u64, ranges: &[LogRange], applied: &Applied) {
        let mut held = Vec::new();
        let mut policy = false;
        for (outcome, range) in applied.windows.iter().zip(ranges) {
            context.planner.release(self.peer, range.log, range.first, range.last);
            policy |= range.log.lane == Lane::Policy;
            match outcome {
                WindowOutcome::Stored { log, state } => {
                    held.push((*log, state.length));
                    self.fetching.stored(log, range.last, state);
                }
                WindowOutcome::Refused { refusal, .. } => self.refused(context, range, *refusal),
            }
            self.fetching.settle(&range.log.room);
        }
        for log in &applied.forks {
            context.notice(Notice::Forked { peer: self.peer, room: log.room, writer: log.node });
        }
        let entries = ranges.iter().map(|range| range.last - range.first + 1).sum();
        self.applied_notice(context, applied, entries);
        if !held.is_empty() {
            self.send(context, Class::Control, &Frame::Held(Held { logs: held }));
        }
        if let Some(request) = self.fetching.requests.get_mut(&request) {
            request.storing -= 1;
        }
        if !applied.rooms.is_empty() {
            self.offering.dirty = true;
            self.comparing.saw_progress();
        }
        self.finish_request(context, request);
        if policy {
            self.evaluate_touched(context, &applied.rooms);
        }
        self.offer_more(context);
    }

    fn refused(&mut self, context: &mut Context, range: &LogRange, refusal: Refusal) {
        let LogRange { log, first, last } = range;
        if refusal == Refusal::Unjoined {
            // Nothing is wrong: another history of a log that forks, which joins further back.
            return self.fetching.rewind(log, *first, *last);
        }
        context.notice(Notice::Refused { peer: self.peer, room: log.room, writer: log.node, refusal });
        match refusal {
            // The policy or the ledger that admits it may be under way.
            Refusal::NotAdmitted | Refusal::UnknownWriter | Refusal::UnknownLog => {
                if let Some(offer) = self.fetching.offers.get_mut(&log.room) {
                    offer.parked = true;
                }
            }
            // The contiguous end is fetched first, then this.
            Refusal::TooManyGaps => {
                if let Some(offer) = self.fetching.offers.get_mut(&log.room) {
                    offer.waiting = true;
                }
            }
            // Kept out for good, and no reason to hold up what others wrote.
            Refusal::TooManyBranches => self.fetching.let_go(log),
            Refusal::ErasedWithoutGrounds | Refusal::Unjoined => self.fetching.give_up(log),
        }
    }

    /// Closes a request whose last part is stored, and goes on with what waited for it.
    fn finish_request(&mut self, context: &mut Context, number: u64) {
        let done = |request: &Request| request.answered && request.storing == 0;
        if !self.fetching.requests.get(&number).is_some_and(done) {
            return;
        }
        let Some(request) = self.fetching.requests.remove(&number) else { return };
        let mut rooms = BTreeSet::new();
        for range in &request.ranges {
            self.fetching.in_flight = self.fetching.in_flight.saturating_sub(range.last - range.first + 1);
            context.planner.release(self.peer, range.log, range.first, range.last);
            if request.progress {
                rooms.insert(range.log.room);
            } else {
                self.fetching.unavailable(range);
            }
            self.fetching.settle(&range.log.room);
        }
        for (room, node) in &request.registers {
            self.fetching.registers_in_flight.remove(&(*room, *node));
            // Received, or no longer to be had: what matters then is offered again with its next version.
            if let Some(offer) = self.fetching.offers.get_mut(room) {
                offer.registers.remove(node);
            }
            self.fetching.settle(room);
        }
        // A log asked for in parts is looked up again by the request that answers last.
        let open: BTreeSet<RoomId> =
            self.fetching.requests.values().flat_map(|request| &request.ranges).map(|range| range.log.room).collect();
        let idle = |(room, offer): &(&RoomId, &Offer)| {
            (offer.waiting || rooms.contains(room)) && !open.contains(room) && !offer.parked
        };
        let rooms: Vec<RoomId> = self.fetching.offers.iter().filter(idle).map(|(room, _)| *room).collect();
        self.evaluate(context, &rooms);
        self.next_page(context);
        self.check_drained(context);
    }

    /// Asks for the next page of changes once this one is mostly done.
    fn next_page(&mut self, context: &mut Context) {
        if self.fetching.more && self.fetching.offers.len() <= CHANGES_ROOMS_MAX / 2 {
            self.fetching.more = false;
            self.send(context, Class::Control, &Frame::Next);
        }
    }
}

/// Compares the offer with what is held: drops what is here, lists what to ask for.
fn evaluate_logs(offer: &mut Offer, holding: &Holding, is_open: bool, candidates: &mut Vec<Candidate>) {
    for (log, offered) in &mut offer.logs {
        if holding.admission == Admission::PolicyOnly && log.lane != Lane::Policy {
            continue;
        }
        let missing = offered.mine.missing_from(&offered.theirs);
        let total: u64 = missing.iter().map(|(first, last)| last - first + 1).sum();
        let (rank, class) = match log.lane {
            Lane::Policy if holding.ledger => (0, Class::Control),
            Lane::Policy => (1, Class::Control),
            Lane::Urgent => (2, Class::Urgent),
            Lane::Normal if total <= FRESH_ENTRIES_MAX => (if is_open { 3 } else { 4 }, Class::Newest),
            Lane::Normal => (if is_open { 5 } else { 6 }, Class::Backfill),
        };
        for (first, last) in missing {
            let mut last = last;
            if offered.may_begin_anywhere(log) && last - first >= NEWEST_FIRST_ABOVE {
                // Checkpoints of bulk stand at multiples of their spacing: a page that begins behind one is not sent twice.
                let before = (last - NEWEST_PAGE) / CHECKPOINT_ENTRIES_MAX * CHECKPOINT_ENTRIES_MAX;
                let newest = LogRange { log: *log, first: before + 1, last };
                let rank = if is_open { 3 } else { 4 };
                candidates.push(Candidate { rank, class: Class::Newest, range: newest });
                last = before;
            }
            candidates.push(Candidate { rank, class, range: LogRange { log: *log, first, last } });
        }
    }
}

/// Packs ranges of one class into requests of bounded size; a long range is split.
fn add_to_requests(requests: &mut Vec<(Class, Vec<LogRange>, u64)>, class: Class, range: LogRange) {
    let LogRange { log, mut first, last } = range;
    while first <= last {
        let open = requests.iter_mut().rev().find(|(of, ranges, entries)| {
            *of == class && ranges.len() < WANT_RANGES_MAX / 2 && *entries < REQUEST_ENTRIES_MAX
        });
        let (_, ranges, entries) = match open {
            Some(open) => open,
            None => {
                requests.push((class, Vec::new(), 0));
                let Some(open) = requests.last_mut() else { return };
                open
            }
        };
        let end = last.min(first + (REQUEST_ENTRIES_MAX - *entries) - 1);
        ranges.push(LogRange { log, first, last: end });
        *entries += end - first + 1;
        first = end + 1;
    }
}

type Verified = (Vec<VerifiedWindow>, Vec<VerifiedRegister>);

fn verify(windows: Vec<Window>, registers: Vec<SignedRegister>) -> Result<Verified, String> {
    let windows = windows
        .into_iter()
        .map(|window| {
            let log = window.log;
            window.verify().map_err(|refused| format!("{log}: {refused}"))
        })
        .collect::<Result<_, _>>()?;
    let registers = registers
        .into_iter()
        .map(|signed| signed.verify().map_err(|error| error.to_string()))
        .collect::<Result<_, _>>()?;
    Ok((windows, registers))
}
