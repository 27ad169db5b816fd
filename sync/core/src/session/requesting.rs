//! Finds out what is missing, asks for it within limits, checks and stores what comes.

use std::collections::{BTreeMap, BTreeSet};

use super::fetching::{Offer, Request};
use super::flow::is_history;
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
        let mut requests = Requests::new(self.flow.request_entries());
        let mut budgets: BTreeMap<Class, u64> = BTreeMap::new();
        for candidate in candidates {
            let LogRange { log, first, last } = candidate.range;
            let class = candidate.class;
            let is_free = self.fetching.requests.len() + requests.parts.len() < REQUESTS_OPEN_MAX;
            let room = if is_free { IN_FLIGHT_ENTRIES_MAX.saturating_sub(self.fetching.in_flight) } else { 0 };
            let budget = *budgets.entry(class).or_insert_with(|| self.budget(class));
            let budget = room.min(budget);
            let end = match cut(first, last, budget) {
                Cut::At(end) => end,
                // Below a checkpoint: worth it only if nothing else is under way.
                Cut::Within(end) if self.fetching.in_flight_of(class) == 0 => end,
                Cut::Within(_) => first.saturating_sub(1),
            };
            let claimed =
                if budget == 0 || end < first { Vec::new() } else { context.planner.claim(self.peer, log, first, end) };
            let count: u64 = claimed.iter().map(|(first, last)| last - first + 1).sum();
            if count < last - first + 1
                && let Some(offer) = self.fetching.offers.get_mut(&log.room)
            {
                offer.waiting = true;
            }
            self.fetching.in_flight += count;
            if let Some(budget) = budgets.get_mut(&class) {
                *budget = budget.saturating_sub(count);
            }
            for (first, last) in claimed {
                requests.add(class, LogRange { log, first, last });
            }
        }
        for (class, ranges, _) in requests.parts {
            if is_history(class) && !self.has_place(context) {
                self.put_back(context, &ranges);
                continue;
            }
            let was_limited = budgets.get(&class) == Some(&0);
            self.want(context, class, was_limited, ranges, Vec::new());
        }
        self.request_registers(context, registers);
    }

    /// Entries of a class that may be asked for now. What is small and urgent has no budget of its own.
    fn budget(&self, class: Class) -> u64 {
        match class {
            Class::Control | Class::Urgent => u64::MAX,
            class if is_history(class) && self.flow.is_paused() => 0,
            class => self.flow.entries().saturating_sub(self.fetching.in_flight_of(class)),
        }
    }

    /// Takes a place among the peers from which history is fetched, or tries again later.
    fn has_place(&mut self, context: &mut Context) -> bool {
        match context.fetched.admit(self.peer, context.now.mono_ms) {
            Ok(()) => true,
            Err(full) => {
                self.flow.pause(context.now, full.retry_after_ms);
                false
            }
        }
    }

    /// Ranges that are not asked for after all, or were refused: they wait.
    fn put_back(&mut self, context: &mut Context, ranges: &[LogRange]) {
        for range in ranges {
            self.fetching.in_flight = self.fetching.in_flight.saturating_sub(range.last - range.first + 1);
            context.planner.release(self.peer, range.log, range.first, range.last);
            if let Some(offer) = self.fetching.offers.get_mut(&range.log.room) {
                offer.waiting = true;
            }
        }
    }

    /// The peer gives history to too many others.
    pub(super) fn handle_busy(&mut self, context: &mut Context, number: u64, retry_after_ms: u32) {
        let is_open = |request: &&Request| is_history(request.class) && !request.answered;
        if self.fetching.requests.get(&number).filter(is_open).is_none() {
            return self.close(context, CloseReason::Protocol("busy with what was not asked for"));
        }
        let Some(request) = self.fetching.requests.remove(&number) else { return };
        context.fetched.done(&self.peer, context.now.mono_ms);
        self.flow.halve();
        self.flow.pause(context.now, u64::from(retry_after_ms));
        self.put_back(context, &request.ranges);
        self.check_drained(context);
    }

    /// When [`Self::look_after_requests`] has something to do next.
    pub(super) fn requests_wake_at(&self) -> Option<u64> {
        let waiting = self.fetching.requests.values().filter(|request| !request.overdue && !request.answered);
        let overdue = waiting.map(|request| self.overdue_at(request)).min();
        [overdue, self.flow.paused_until()].into_iter().flatten().min()
    }

    fn overdue_at(&self, request: &Request) -> u64 {
        request.heard_ms.unwrap_or(request.asked_ms) + self.flow.patience_ms(request.class)
    }

    /// Lets others fetch what takes too long here, and asks again for what had to wait.
    pub(super) fn look_after_requests(&mut self, context: &mut Context) {
        let now_ms = context.now.mono_ms;
        let is_late = |request: &Request| !request.overdue && !request.answered && self.overdue_at(request) <= now_ms;
        let late: Vec<u64> =
            self.fetching.requests.iter().filter(|(_, request)| is_late(request)).map(|(number, _)| *number).collect();
        for number in late {
            let Some(request) = self.fetching.requests.get_mut(&number) else { continue };
            request.overdue = true;
            for range in &request.ranges {
                context.has_lent |= context.planner.lend(self.peer, range.log, range.first, range.last);
            }
            if is_history(request.class) {
                self.flow.halve();
            }
        }
        if self.flow.resumes(context.now) {
            self.evaluate_touched(context, &[]);
        }
    }

    fn request_registers(&mut self, context: &mut Context, registers: &[(RoomId, NodeId)]) {
        let in_flight = &self.fetching.registers_in_flight;
        let fresh: Vec<_> = registers.iter().copied().filter(|key| !in_flight.contains(key)).collect();
        for registers in fresh.chunks(WANT_RANGES_MAX / 2) {
            if self.fetching.requests.len() < REQUESTS_OPEN_MAX {
                self.fetching.registers_in_flight.extend(registers);
                self.want(context, Class::Newest, false, Vec::new(), registers.to_vec());
                continue;
            }
            for (room, _) in registers {
                self.fetching.offers.get_mut(room).into_iter().for_each(|offer| offer.waiting = true);
            }
        }
    }

    fn want(
        &mut self,
        context: &mut Context,
        class: Class,
        was_limited: bool,
        ranges: Vec<LogRange>,
        registers: Vec<(RoomId, NodeId)>,
    ) {
        self.fetching.last_request += 1;
        let request = self.fetching.last_request;
        let want = Want { request, class: class.number(), ranges: ranges.clone(), registers: registers.clone() };
        let waiting = Request {
            class,
            was_limited,
            asked_ms: context.now.mono_ms,
            heard_ms: None,
            overdue: false,
            ranges,
            registers,
            answered: false,
            storing: 0,
            progress: false,
        };
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
        let entries = windows.iter().map(|window| window.last() - window.first() + 1).sum();
        self.flow.arrived(data.payload.len() as u64, entries);
        if let Some(request) = self.fetching.requests.get_mut(&data.request) {
            request.answered |= data.last;
            request.heard_ms = Some(context.now.mono_ms);
            if request.answered && !request.ranges.is_empty() {
                let took_ms = context.now.mono_ms.saturating_sub(request.asked_ms);
                self.flow.answered(took_ms, request.was_limited);
            }
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
            // The act of erasure stands in the policy of the room, which may be on its way.
            Refusal::ErasedWithoutGrounds if self.fetching.awaits_policy(&log.room) => {
                if let Some(offer) = self.fetching.offers.get_mut(&log.room) {
                    offer.parked = true;
                }
            }
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
        if is_history(request.class) {
            context.fetched.done(&self.peer, context.now.mono_ms);
        }
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

/// Where a range is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// At its end, or where a checkpoint of bulk stands.
    At(u64),
    /// Between two of those: what is sent then runs past it to the next.
    Within(u64),
}

/// The end of at most so many entries of the range. Windows end at checkpoints, so a range that ends elsewhere is sent in part
/// twice.
fn cut(first: u64, last: u64, entries_max: u64) -> Cut {
    let end = last.min(first.saturating_add(entries_max).saturating_sub(1));
    let aligned = end / CHECKPOINT_ENTRIES_MAX * CHECKPOINT_ENTRIES_MAX;
    if end == last {
        Cut::At(end)
    } else if aligned >= first {
        Cut::At(aligned)
    } else {
        Cut::Within(end)
    }
}

/// Ranges packed into requests of bounded size, one class each; a long range is split.
struct Requests {
    parts: Vec<(Class, Vec<LogRange>, u64)>,
    /// Entries of one request for what can be asked for in small parts.
    entries_max: u64,
}

impl Requests {
    fn new(entries_max: u64) -> Self {
        Self { parts: Vec::new(), entries_max: entries_max.clamp(1, REQUEST_ENTRIES_MAX) }
    }

    fn add(&mut self, class: Class, range: LogRange) {
        let entries_max = match class {
            Class::Control | Class::Urgent => REQUEST_ENTRIES_MAX,
            _ => self.entries_max,
        };
        let LogRange { log, mut first, last } = range;
        while first <= last {
            let open = self.parts.iter_mut().rev().find(|(of, ranges, entries)| {
                *of == class && ranges.len() < WANT_RANGES_MAX / 2 && *entries < entries_max
            });
            let (_, ranges, entries) = match open {
                Some(open) => open,
                None => {
                    self.parts.push((class, Vec::new(), 0));
                    let Some(open) = self.parts.last_mut() else { return };
                    open
                }
            };
            let end = match cut(first, last, entries_max - *entries) {
                Cut::Within(_) if *entries > 0 => {
                    *entries = entries_max;
                    continue;
                }
                Cut::At(end) | Cut::Within(end) => end,
            };
            ranges.push(LogRange { log, first, last: end });
            *entries += end - first + 1;
            first = end + 1;
        }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::log::tests::sample_log;

    proptest! {
        /// However a range is packed: all of it, in order, no request above its size, and cut at checkpoints where one lies within.
        #[test]
        fn ranges_are_packed_whole_and_cut_at_checkpoints(
            entries_max in 1u64..3_000,
            ranges in proptest::collection::vec((1u64..500, 0u64..5_000), 1..20),
        ) {
            let mut requests = Requests::new(entries_max);
            let limit = requests.entries_max;
            let log = sample_log();
            for (first, more) in &ranges {
                requests.add(Class::Backfill, LogRange { log, first: *first, last: first + more });
            }
            let mut parts = requests.parts.iter().flat_map(|(_, ranges, _)| ranges);
            for (first, more) in ranges {
                let (mut next, last) = (first, first + more);
                while next <= last {
                    let part = parts.next().unwrap();
                    prop_assert!(part.first == next && part.last <= last);
                    let is_at_checkpoint = part.last == last || part.last % CHECKPOINT_ENTRIES_MAX == 0;
                    prop_assert!(is_at_checkpoint || part.last - part.first + 1 <= CHECKPOINT_ENTRIES_MAX);
                    next = part.last + 1;
                }
            }
            prop_assert!(parts.next().is_none());
            for (_, ranges, _) in &requests.parts {
                prop_assert!(ranges.iter().map(|range| range.last - range.first + 1).sum::<u64>() <= limit);
            }
        }
    }
}
