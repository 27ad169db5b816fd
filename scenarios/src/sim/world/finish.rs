//! After the last event: everybody must come to agree, in time; then everything that was promised is looked at.

// Offices are numbered by the scenario; a number outside is a bug of the simulator.
#![allow(clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};

use noroshi_node::view::RoomRole;
use noroshi_sync::digest::Digest;
use noroshi_sync::id::{NodeId, RoomId, UserId};
use noroshi_sync::store::{Store, StoreError};

use super::{Outcome, START_MS, World};
use crate::invariant::Invariant;
use crate::invariant::convergence::{self, Replica, first_difference};
use crate::invariant::idle::IdleCost;
use crate::report::Report;
use crate::scenario::{PersonNumber, RoomExpectation};
use crate::sim::Thoroughness;
use crate::sim::line::Side;
use crate::sim::order::rebuild_in_any_order;
use crate::sim::view::{self, Marks};

/// How often agreement is looked for, milliseconds.
const LOOK_EVERY_MS: u64 = 50;
/// After agreement, until also the cursors are saved, milliseconds.
const REST_MS: u64 = 8_000;
/// A reconnection with nothing new is watched this long, milliseconds: redial, greeting, first ping.
const IDLE_MS: u64 = 8_000;
/// Lines that are watched; all of them in small organisations.
const IDLE_LINES_MAX: usize = 10;
/// Times that everything is rebuilt in random order.
const REBUILDS: u32 = 1;

impl World {
    /// Lets the story happen.
    pub fn run_story(&mut self) -> Outcome {
        let rest = self.last_event_ms.saturating_sub(self.now_ms);
        self.run(rest)?;
        self.end_faults()?;
        self.figures.story_ms = self.now_ms - START_MS;
        Ok(())
    }

    /// Waits for agreement, within the time that the scenario gives.
    pub fn converge(&mut self) -> Outcome {
        let start_ms = self.now_ms;
        let bytes_before = self.bytes();
        let entries_before = self.checks.arrivals.entries;
        while !self.is_converged()? {
            if self.now_ms - start_ms > self.scenario.expect.converge_within_ms {
                let why = self.why_not_converged()?;
                return Err(self.breach(Invariant::Convergence, None, why));
            }
            self.run(LOOK_EVERY_MS)?;
        }
        self.figures.converged_ms = Some(self.now_ms - start_ms);
        self.figures.last_entry_ms = self.figures.last_entry_ms.saturating_sub(start_ms);
        self.figures.bytes_after = self.bytes() - bytes_before;
        self.figures.entries_carried_after = self.checks.arrivals.entries - entries_before;
        Ok(())
    }

    /// Nothing is under way in any node, every connection is up, and every pair of nodes holds the same.
    pub(super) fn is_converged(&mut self) -> Outcome<bool> {
        if !self.lines.iter().all(crate::sim::line::Line::is_connected) {
            return Ok(false);
        }
        for office in 0..self.nodes.len() {
            let node = self.node(office)?;
            let busy = !node.outbox.is_empty() || node.process.as_ref().is_none_or(|process| !process.jobs.is_empty());
            let due = node.has_due_registers();
            if busy || self.stored(office, due)? {
                return Ok(false);
            }
        }
        for (a, b) in self.pairs() {
            if self.shared(a, b)? != self.shared(b, a)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn pairs(&self) -> Vec<(usize, usize)> {
        let all = 0..self.nodes.len();
        all.clone().flat_map(|a| all.clone().skip(a + 1).map(move |b| (a, b))).collect()
    }

    /// The sum of what `office` shares with `other`.
    fn shared(&mut self, office: usize, other: usize) -> Outcome<(Digest, Digest)> {
        let peer = self.node(other)?.id;
        let greeting = self.node(office)?.database().and_then(|database| database.greeting(&peer));
        self.stored(office, greeting).map(|greeting| (greeting.shared, greeting.ledger))
    }

    pub(super) fn why_not_converged(&mut self) -> Outcome<String> {
        let limit = self.scenario.expect.converge_within_ms;
        let mut reasons = vec![format!("no agreement within {limit} ms")];
        for (line, config) in self.lines.iter().zip(&self.scenario.lines) {
            if !line.is_connected() {
                reasons.push(format!("offices {} and {} are not connected", config.offices.0.0, config.offices.1.0));
            }
        }
        for (a, b) in self.pairs() {
            let (one, other) = (self.rooms_shared(a, b)?, self.rooms_shared(b, a)?);
            let differing: Vec<String> = one
                .keys()
                .chain(other.keys())
                .collect::<BTreeSet<_>>()
                .into_iter()
                .filter(|room| one.get(*room) != other.get(*room))
                .map(ToString::to_string)
                .collect();
            if !differing.is_empty() {
                reasons.push(format!("offices {a} and {b} differ in {}", differing.join(", ")));
            }
        }
        for office in 0..self.nodes.len() {
            let node = self.node(office)?;
            if !node.outbox.is_empty() {
                reasons.push(format!("office {office} has {} requests unanswered", node.outbox.len()));
            }
        }
        Ok(reasons.join("; "))
    }

    fn rooms_shared(&mut self, office: usize, other: usize) -> Outcome<BTreeMap<RoomId, Digest>> {
        let peer = self.node(other)?.id;
        let rooms = self.node(office)?.database().and_then(|database| rooms_shared(database, &peer));
        self.stored(office, rooms)
    }

    fn bytes(&self) -> u64 {
        let of_line =
            |line: &crate::sim::line::Line| Side::BOTH.map(|side| line.traffic.of(side).bytes).iter().sum::<u64>();
        self.lines.iter().map(of_line).sum()
    }

    /// Looks at everything.
    pub fn examine(&mut self, thoroughness: Thoroughness) -> Outcome {
        self.run(REST_MS)?;
        for office in 0..self.nodes.len() {
            self.check_promises(office)?;
            self.check_cursors_of(office)?;
        }
        let replicas = self.replicas()?;
        let converged = convergence::check(&replicas);
        self.require(Invariant::Convergence, None, converged)?;
        self.check_interruptions()?;
        self.check_expectations(&replicas)?;
        self.check_idle()?;
        self.check_order(&replicas, thoroughness)
    }

    fn check_cursors_of(&mut self, office: usize) -> Outcome {
        let peers: Vec<NodeId> = self.nodes.iter().map(|node| node.id).collect();
        for (_, peer) in peers.into_iter().enumerate().filter(|(other, _)| *other != office) {
            let cursor = self.node(office)?.database().and_then(|database| database.cursor(&peer));
            let cursor = self.stored(office, cursor)?;
            self.check_cursor(office, peer, cursor)?;
        }
        Ok(())
    }

    /// What every office has and shows; what people said is looked for on the way.
    fn replicas(&mut self) -> Outcome<Vec<Replica>> {
        let mut replicas = Vec::new();
        for office in 0..self.nodes.len() {
            let mut replica = Replica { office: self.node(office)?.name.clone(), ..Replica::default() };
            for other in (0..self.nodes.len()).filter(|other| *other != office) {
                replica.shared.insert(other, self.rooms_shared(office, other)?);
            }
            for room in self.rooms_shared(office, office)?.into_keys() {
                let seen =
                    self.node(office)?.database().and_then(|database| view::room(database, &room, Marks::OfEverybody));
                let seen = self.stored(office, seen)?;
                let talk = self.checks.talk.check(room, &seen.messages);
                self.require(Invariant::Talk, Some(office), talk)?;
                replica.views.insert(room, seen.lines);
            }
            replicas.push(replica);
        }
        Ok(replicas)
    }

    fn check_interruptions(&mut self) -> Outcome {
        // Each connection that ended interrupted something at both of its ends, and so did each crash.
        let ended: u64 = self.lines.iter().map(|line| line.connections_ended).sum();
        self.figures.connections_ended = ended;
        self.figures.frames_replayed = self.lines.iter().map(|line| line.frames_replayed).sum();
        let checked = self.checks.arrivals.check(2 * ended + self.figures.crashes);
        self.require(Invariant::Interruption, None, checked)
    }

    fn check_expectations(&mut self, replicas: &[Replica]) -> Outcome {
        for expected in self.scenario.expect.rooms.clone() {
            for room in &expected.rooms {
                let Some(room) = self.people.rooms.get(room.0).copied() else { continue };
                let holders: Vec<usize> =
                    (0..replicas.len()).filter(|office| replicas[*office].views.contains_key(&room)).collect();
                let checked = if holders.is_empty() { Err(format!("nobody holds room {room}")) } else { Ok(()) };
                self.require(Invariant::Expectation, None, checked)?;
                for office in holders {
                    self.check_room(office, &room, &expected)?;
                }
            }
        }
        Ok(())
    }

    fn check_room(&mut self, office: usize, room: &RoomId, expected: &RoomExpectation) -> Outcome {
        let seen = self.node(office)?.database().and_then(|database| {
            let Some(pk) = database.room_key(room)? else { return Ok(None) };
            let messages = view::room(database, room, Marks::OfOthers)?.messages.len() as u64;
            Ok(database.room_row_of(pk)?.map(|row| (row.page, messages)).zip(Some(database.members_of(pk)?)))
        });
        let seen = self.stored(office, seen)?;
        let checked = match seen {
            None => Err(format!("room {room} is not shown")),
            Some(((page, messages), members)) => {
                let roles: BTreeMap<UserId, RoomRole> =
                    members.into_iter().map(|member| (member.user, member.role)).collect();
                expect("messages", expected.messages.as_ref(), &messages)
                    .and_then(|()| expect("name", expected.name.as_ref(), &page.name))
                    .and_then(|()| expect("topic", expected.topic.as_ref(), &page.topic))
                    .and_then(|()| expect("purpose", expected.purpose.as_ref(), &page.purpose))
                    .and_then(|()| self.expect_people(expected, &roles))
            }
        };
        self.require(Invariant::Expectation, Some(office), checked)
    }

    fn expect_people(&self, expected: &RoomExpectation, roles: &BTreeMap<UserId, RoomRole>) -> Result<(), String> {
        let role = |person: &PersonNumber| self.people.actors.get(person.0).and_then(|actor| roles.get(&actor.user));
        let name =
            |person: &PersonNumber| self.scenario.person(*person).map(|person| person.name.clone()).unwrap_or_default();
        for person in expected.members.iter().chain(&expected.admins) {
            if role(person).is_none() {
                return Err(format!("{} is not a member", name(person)));
            }
        }
        if let Some(person) = expected.admins.iter().find(|person| role(person) != Some(&RoomRole::Admin)) {
            return Err(format!("{} is not an administrator of the room", name(person)));
        }
        match expected.strangers.iter().find(|person| role(person).is_some()) {
            Some(person) => Err(format!("{} is a member", name(person))),
            None => Ok(()),
        }
    }

    /// One line after the other breaks once more, with nothing new on either side.
    fn check_idle(&mut self) -> Outcome {
        let lines: Vec<(usize, usize, usize)> = self
            .scenario
            .lines
            .iter()
            .enumerate()
            .take(IDLE_LINES_MAX)
            .map(|(number, line)| (number, line.offices.0.0, line.offices.1.0))
            .collect();
        for (line, a, b) in lines {
            let cost = self.idle_cost(line, a, b)?;
            self.figures.idle_bytes = self.figures.idle_bytes.max(cost.bytes);
            self.require(Invariant::IdleCost, Some(a), cost.check())?;
        }
        Ok(())
    }

    fn idle_cost(&mut self, line: usize, a: usize, b: usize) -> Outcome<IdleCost> {
        let bytes_before = self.lines.get(line).map_or(0, line_bytes);
        for (office, other) in [(a, b), (b, a)] {
            let peer = self.node(other)?.id;
            if let Some(process) = &mut self.node(office)?.process {
                process.in_sync.remove(&peer);
            }
        }
        self.break_line(line)?;
        self.checks.idle = Some((line, IdleCost::default()));
        self.run(IDLE_MS)?;
        let (_, mut cost) = self.checks.idle.take().unwrap_or_default();
        cost.in_sync = self.is_in_sync(a, b) && self.is_in_sync(b, a);
        cost.bytes = self.lines.get(line).map_or(0, line_bytes) - bytes_before;
        Ok(cost)
    }

    fn is_in_sync(&self, office: usize, other: usize) -> bool {
        let peer = self.nodes.get(other).map(|node| node.id);
        let process = self.nodes.get(office).and_then(|node| node.process.as_ref());
        process.zip(peer).is_some_and(|(process, peer)| process.in_sync.contains(&peer))
    }

    /// Rebuilt from the entries, in the order of the tables and in any order, everything looks the same.
    fn check_order(&mut self, replicas: &[Replica], thoroughness: Thoroughness) -> Outcome {
        let offices = match thoroughness {
            Thoroughness::EveryOffice => 0..self.nodes.len(),
            Thoroughness::OneOffice => 0..1,
        };
        for office in offices {
            let views = &replicas[office].views;
            let rebuilt = self.node(office)?.reindex();
            self.stored(office, rebuilt)?;
            let again = self.node(office)?.database();
            let again = again.and_then(|database| look_at_all(database, views.keys(), Marks::OfEverybody));
            let again = self.stored(office, again)?;
            self.require(Invariant::OrderIndependence, Some(office), equal("rebuilt", views, &again))?;
            let views = self.node(office)?.database();
            let views = views.and_then(|database| look_at_all(database, again.keys(), Marks::OfOthers));
            let views = &self.stored(office, views)?;
            for _ in 0..REBUILDS {
                let mut random = self.luck.split();
                let rebuilt = rebuild_in_any_order(self.node(office)?, &mut random);
                let database = self.stored(office, rebuilt)?;
                let again = self.stored(office, look_at_all(&database, views.keys(), Marks::OfOthers))?;
                self.require(Invariant::OrderIndependence, Some(office), equal("in another order", views, &again))?;
            }
        }
        Ok(())
    }

    /// The report; `stop` is what ended the run, if it did not end by itself.
    pub fn report(mut self, stop: Option<super::Stop>) -> Report {
        let names: Vec<String> = self.nodes.iter().map(|node| node.name.clone()).collect();
        self.figures.events = self.journal.events;
        self.figures.messages = self.checks.talk.acknowledged();
        self.figures.entries_carried = self.checks.arrivals.entries;
        self.figures.entries_repeated = self.checks.arrivals.repeated;
        self.figures.peaks = self.checks.peaks;
        self.figures.bytes = self.bytes();
        Report {
            scenario: self.scenario.title.clone(),
            seed: self.seed,
            offices: self.nodes.len(),
            rooms: self.scenario.rooms.len(),
            people: self.scenario.people.len(),
            figures: self.figures,
            last_events: if stop.is_some() { self.journal.tail(&names, START_MS) } else { Vec::new() },
            violations: stop.map(|stop| stop.0).into_iter().collect(),
            event_hash: self.journal.hash(),
        }
    }
}

fn line_bytes(line: &crate::sim::line::Line) -> u64 {
    Side::BOTH.map(|side| line.traffic.of(side).bytes).iter().sum()
}

/// Every room shared with a peer, over all pages.
pub(crate) fn rooms_shared(store: &impl Store, peer: &NodeId) -> Result<BTreeMap<RoomId, Digest>, StoreError> {
    let mut rooms = BTreeMap::new();
    loop {
        let after = rooms.last_key_value().map(|(room, _)| *room);
        let page = store.list(peer, after)?;
        if page.is_empty() {
            return Ok(rooms);
        }
        rooms.extend(page);
    }
}

type Views = BTreeMap<RoomId, Vec<String>>;

fn look_at_all<'a>(
    database: &noroshi_node::store::Database,
    rooms: impl Iterator<Item = &'a RoomId>,
    marks: Marks,
) -> Result<Views, StoreError> {
    rooms.map(|room| Ok((*room, view::room(database, room, marks)?.lines))).collect()
}

fn equal(how: &str, before: &Views, after: &Views) -> Result<(), String> {
    match before.iter().find(|(room, lines)| after.get(*room) != Some(*lines)) {
        None => Ok(()),
        Some((room, lines)) => {
            Err(format!("{how}, room {room} looks different: {}", first_difference(Some(lines), after.get(room))))
        }
    }
}

fn expect<T: PartialEq + std::fmt::Debug>(what: &str, expected: Option<&T>, found: &T) -> Result<(), String> {
    match expected {
        Some(expected) if expected != found => Err(format!("{what}: {found:?} instead of {expected:?}")),
        _ => Ok(()),
    }
}
