//! The stores of the nodes: questions, commits, crashes, and what was acknowledged.

use std::collections::BTreeMap;

use noroshi_node::error::ServiceError;
use noroshi_sync::event::{Event, Ticket};
use noroshi_sync::id::{NodeId, RoomId};
use noroshi_sync::store::{Answer, Applied, Cursor, Query, RoomLines, Store, StoreError, WindowOutcome, read};

use super::{Happening, Outcome, World};
use crate::invariant::Invariant;
use crate::invariant::cursor::Claim;
use crate::scenario::CrashMoment;
use crate::sim::deed::{Deed, Request};
use crate::sim::entries::{LogRead, read_log};
use crate::sim::journal::Note;
use crate::sim::node::{Commit, Done, Job};

/// A commit takes this long, milliseconds (an fsync is 2 to 3).
const COMMIT_MS: (u64, u64) = (1, 4);
/// How long a node waits before it writes the registers of rooms that changed, milliseconds.
const REGISTERS_MS: u64 = 200;
/// With more rooms than this only every so many cursors are looked into.
const ROOMS_FOR_EVERY_CURSOR: usize = 20;
const CURSORS_LOOKED_INTO: u64 = 256;

impl World {
    /// A session asks the store.
    pub(super) fn question(&mut self, office: usize, ticket: Ticket, query: Query) -> Outcome {
        self.watch_question(office, &query);
        let delay_ms = self.pace.below(2);
        let Some(process) = self.node(office)?.process.as_mut() else { return Ok(()) };
        process.questions += 1;
        let (number, questions) = (process.number, process.questions);
        let bounded = self.checks.peaks.questions(questions);
        self.require(Invariant::Boundedness, Some(office), bounded)?;
        match query {
            Query::Apply(batch) => self.job(office, Job::Apply { ticket, batch }),
            query => self.plan(delay_ms, Happening::Read { office, process: number, ticket, query }),
        }
        Ok(())
    }

    pub(super) fn read(&mut self, office: usize, ticket: Ticket, query: &Query) -> Outcome {
        let answer = self.node(office)?.database().and_then(|database| read(database, query));
        self.stored(office, answer.as_ref().map(drop).map_err(StoreError::clone))?;
        self.answer(office, ticket, answer)
    }

    fn answer(&mut self, office: usize, ticket: Ticket, answer: Result<Answer, StoreError>) -> Outcome {
        if let Some(process) = &mut self.node(office)?.process {
            process.questions = process.questions.saturating_sub(1);
        }
        self.tell(office, Event::Answered { ticket, answer })
    }

    /// Gives the writer work; it commits soon.
    pub(super) fn job(&mut self, office: usize, job: Job) {
        let delay_ms = self.pace.between(COMMIT_MS.0, COMMIT_MS.1);
        let Some(process) = self.nodes.get_mut(office).and_then(|node| node.process.as_mut()) else { return };
        process.jobs.push_back(job);
        if !std::mem::replace(&mut process.writing, true) {
            let process = process.number;
            self.plan(delay_ms, Happening::Commit { office, process });
        }
    }

    pub(super) fn commit(&mut self, office: usize) -> Outcome {
        let commit = self.node(office)?.commit();
        let (done, committed) = match self.stored(office, commit)? {
            Commit::Died(moment) => return self.crash(office, moment, 500),
            Commit::Done(done, committed) => (done, committed),
        };
        self.note(Note::Committed { office, items: done.len(), latest_change: committed.latest_change });
        self.plan_registers(office)?;
        let Some(process) = self.process_of(office) else { return Ok(()) };
        for done in done {
            self.observe_heads(office, &done)?;
            let delay_ms = self.pace.below(2);
            self.plan(delay_ms, Happening::Done { office, process, done: Box::new(done) });
        }
        let more = self.nodes.get(office).and_then(|node| node.process.as_ref()).is_some_and(|p| !p.jobs.is_empty());
        if more {
            let delay_ms = self.pace.between(COMMIT_MS.0, COMMIT_MS.1);
            if let Some(process) = &mut self.node(office)?.process {
                process.writing = true;
            }
            self.plan(delay_ms, Happening::Commit { office, process });
        }
        if !committed.local.is_empty() {
            let changed = Event::Changed { latest_change: committed.latest_change, rooms: committed.local };
            self.tell(office, changed)?;
        }
        Ok(())
    }

    fn plan_registers(&mut self, office: usize) -> Outcome {
        let due = self.node(office)?.has_due_registers();
        let due = self.stored(office, due)?;
        let Some(process) = self.node(office)?.process.as_mut() else { return Ok(()) };
        if due && !std::mem::replace(&mut process.registers_planned, true) {
            let process = process.number;
            self.plan(REGISTERS_MS, Happening::Registers { office, process });
        }
        Ok(())
    }

    pub(super) fn write_registers(&mut self, office: usize) {
        if let Some(process) = self.nodes.get_mut(office).and_then(|node| node.process.as_mut()) {
            process.registers_planned = false;
        }
        self.job(office, Job::Registers);
    }

    fn observe_heads(&mut self, office: usize, done: &Done) -> Outcome {
        let heads = &mut self.node(office)?.heads;
        let mut observed = Ok(());
        match done {
            Done::Applied { result: Ok(applied), .. } => {
                for outcome in &applied.windows {
                    if let WindowOutcome::Stored { log, state } = outcome {
                        observed = observed.and_then(|()| heads.observe(log, state));
                    }
                }
            }
            Done::Person { logs, .. } => {
                observed = logs.iter().try_for_each(|(log, state)| heads.observe(log, state));
            }
            _ => {}
        }
        self.require(Invariant::MonotoneHeads, Some(office), observed)
    }

    /// Somebody is told what became of a job. From here on it is a promise.
    pub(super) fn done(&mut self, office: usize, done: Done) -> Outcome {
        match done {
            Done::Applied { ticket, peer, cursor, result } => {
                if let Ok(applied) = &result {
                    self.promise_peer(office, applied)?;
                    let refused =
                        applied.windows.iter().any(|outcome| matches!(outcome, WindowOutcome::Refused { .. }));
                    if let Some(cursor) = cursor.filter(|_| !refused) {
                        self.look_into_cursor(office, peer, cursor)?;
                    }
                }
                self.stored(office, result.as_ref().map(drop).map_err(StoreError::clone))?;
                self.answer(office, ticket, result.map(Answer::Applied))
            }
            Done::Person { request, result, logs } => {
                let promises = &mut self.node(office)?.promises;
                logs.iter().for_each(|(log, state)| promises.acknowledge(log, state.length, state.hash));
                self.replied(office, request, result)
            }
            Done::Registers(result) => self.stored(office, result),
        }
    }

    fn promise_peer(&mut self, office: usize, applied: &Applied) -> Outcome {
        if !applied.windows.is_empty() && !applied.rooms.is_empty() {
            self.figures.last_entry_ms = self.now_ms;
        }
        let promises = &mut self.node(office)?.promises;
        for outcome in &applied.windows {
            if let WindowOutcome::Stored { log, state } = outcome {
                promises.acknowledge(log, state.length, state.hash);
            }
        }
        Ok(())
    }

    /// Compares what the peer had up to the cursor with what is here.
    fn look_into_cursor(&mut self, office: usize, peer: NodeId, cursor: Cursor) -> Outcome {
        self.checks.cursors += 1;
        let large = self.scenario.rooms.len() > ROOMS_FOR_EVERY_CURSOR;
        if large && !self.checks.cursors.is_multiple_of(CURSORS_LOOKED_INTO) {
            return Ok(());
        }
        self.check_cursor(office, peer, cursor)
    }

    pub(super) fn check_cursor(&mut self, office: usize, peer: NodeId, cursor: Cursor) -> Outcome {
        // An old offer that comes again is a lie about what was offered; the digests find out, the cursor cannot.
        if self.scenario.faults.is_some_and(|faults| faults.replay > 0.0) {
            return Ok(());
        }
        let me = self.node(office)?.id;
        let Some(other) = self.office_of(&peer) else { return Ok(()) };
        let theirs = self.node(other)?.database().and_then(|database| {
            let greeting = database.greeting(&me)?;
            if greeting.storage != cursor.storage {
                return Ok(None);
            }
            Ok(Some((all_changes(database, &me, 0)?, all_changes(database, &me, cursor.change)?)))
        });
        let Some((all, later)) = self.stored(other, theirs)? else { return Ok(()) };
        let rooms: Vec<RoomId> = all.iter().map(|lines| lines.room).collect();
        let held = self.node(office)?.database().and_then(|database| database.holdings(&peer, &rooms));
        let held: BTreeMap<RoomId, RoomLines> =
            self.stored(office, held)?.into_iter().map(|holding| (holding.lines.room, holding.lines)).collect();
        let claim = Claim { all: &all, later: &later, held: &held };
        self.figures.registers_late += claim.late_registers();
        self.require(Invariant::Cursor, Some(office), claim.check_logs())
    }

    /// The process dies; what was not committed is gone, and so is everybody's knowledge of what was.
    pub(super) fn crash(&mut self, office: usize, moment: CrashMoment, down_ms: u64) -> Outcome {
        if self.node(office)?.die().is_none() {
            return Ok(());
        }
        self.figures.crashes += 1;
        self.note(Note::Crash { office, moment });
        self.set_running(office, false)?;
        self.plan(down_ms, Happening::Start { office });
        Ok(())
    }

    pub(super) fn start(&mut self, office: usize) -> Outcome {
        if self.process_of(office).is_some() {
            return Ok(());
        }
        let started = self.node(office)?.start();
        self.stored(office, started)?;
        self.note(Note::Start { office });
        self.check_promises(office)?;
        self.set_running(office, true)?;
        self.plan_registers(office)?;
        // Devices that never got an answer ask again, most of them.
        let waiting: Vec<u64> = self.node(office)?.outbox.keys().copied().collect();
        for number in waiting {
            if self.luck.chance(self.persistence) {
                if let Some(request) = self.node(office)?.outbox.get_mut(&number) {
                    request.repeated = true;
                    let request = request.clone();
                    self.job(office, Job::Person(request));
                }
            } else if let Some(request) = self.node(office)?.outbox.remove(&number) {
                self.note(Note::Answered { office, what: request.deed.words(), outcome: "不明のまま".into() });
            }
        }
        Ok(())
    }

    /// Everything that this node ever vouched for is on its disk.
    pub(super) fn check_promises(&mut self, office: usize) -> Outcome {
        let node = self.node(office)?;
        let mut failed = None;
        let mut heads = Ok(());
        for (log, length) in node.promises.logs() {
            match node.database().and_then(|database| read_log(database, log, length)) {
                Ok(LogRead::Windows(windows)) => {
                    if let Err(detail) = node.promises.check(log, &windows) {
                        failed = Some(detail);
                        break;
                    }
                }
                // The node left the room; what it holds can be told from its heads alone.
                Ok(LogRead::NotShared) => {}
                Err(error) => {
                    failed = Some(error.to_string());
                    break;
                }
            }
        }
        let rooms = node.heads.rooms();
        for room in rooms {
            match node.database().and_then(|database| database.frontier(&room)) {
                Ok(frontier) => heads = heads.and_then(|()| node.heads.observe_room(&frontier, room)),
                Err(error) => heads = heads.and(Err(error.to_string())),
            }
        }
        self.require(Invariant::Durability, Some(office), failed.map_or(Ok(()), Err))?;
        self.require(Invariant::MonotoneHeads, Some(office), heads)
    }

    /// A person asks the node of the office.
    pub(super) fn ask(&mut self, office: usize, request: Request) {
        self.note(Note::Asked { office, what: request.deed.words() });
        if let Deed::Post(room, id, new) = &request.deed {
            self.checks.talk.attempt((*room, request.actor.user, *id), &new.text);
        }
        let Some(node) = self.nodes.get_mut(office) else { return };
        node.outbox.insert(request.number, request.clone());
        self.job(office, Job::Person(request));
    }

    /// The person hears of it.
    fn replied(&mut self, office: usize, request: Request, result: Result<(), ServiceError>) -> Outcome {
        let Request { number, actor, deed, must_be_refused, may_be_refused, repeated } = request;
        if self.node(office)?.outbox.remove(&number).is_none() {
            return Ok(());
        }
        let outcome = result.as_ref().map_or_else(ToString::to_string, |()| "保存済み".to_owned());
        self.note(Note::Answered { office, what: deed.words(), outcome: outcome.clone() });
        match (&result, &deed) {
            (Ok(()), Deed::Post(room, id, _)) => {
                self.checks.talk.acknowledge(&(*room, actor.user, *id));
            }
            (Ok(()), _) => self.figures.deeds += 1,
            (Err(_), Deed::Post(room, id, _)) if !repeated => {
                self.figures.refused += 1;
                self.checks.talk.refuse(&(*room, actor.user, *id));
            }
            (Err(_), _) => self.figures.refused += 1,
        }
        match result {
            Ok(()) if must_be_refused => {
                Err(self.breach(Invariant::Expectation, Some(office), format!("{} was not refused", deed.words())))
            }
            Err(ServiceError::Storage(error)) => Err(self.breach(Invariant::Failure, Some(office), error)),
            Err(error) if !(must_be_refused || may_be_refused) => {
                Err(self.breach(Invariant::Expectation, Some(office), format!("{} was refused: {error}", deed.words())))
            }
            _ => Ok(()),
        }
    }
}

/// All pages of changes after a place.
fn all_changes(store: &impl Store, peer: &NodeId, after: u64) -> Result<Vec<RoomLines>, StoreError> {
    let mut rooms = Vec::new();
    let mut after = after;
    loop {
        let page = store.changes(peer, after)?;
        rooms.extend(page.rooms);
        if !page.more || page.up_to <= after {
            return Ok(rooms);
        }
        after = page.up_to;
    }
}
