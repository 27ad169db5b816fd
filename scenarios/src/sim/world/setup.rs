//! Before the story begins: the organisation is founded, its nodes learn of each other, its rooms are made.

use std::collections::BTreeSet;

use noroshi_node::deeds::NewRoom;
use noroshi_node::view::RoomKind;
use noroshi_provisioning::audit::copy_holder;
use noroshi_provisioning::ledger::room_ids;
use noroshi_provisioning::{OfficeId, OfficeKind};
use noroshi_sync::id::{NodeId, RoomId, StorageId};

use super::{Checks, Founded, Happening, Outcome, People, START_MS, World};
use crate::invariant::{Invariant, Violation};
use crate::report::Figures;
use crate::scenario::{OfficeNumber, PersonNumber, RoomNumber, Scenario};
use crate::sim::agenda::Agenda;
use crate::sim::deed::{Deed, Request};
use crate::sim::founding::{found, mint};
use crate::sim::journal::Journal;
use crate::sim::line::{Line, Weather};
use crate::sim::node::Node;
use crate::sim::random::Random;

impl World {
    /// All offices with empty nodes and open lines.
    pub fn new(scenario: Scenario, seed: u64, events_kept: usize) -> Result<Self, Violation> {
        let mut random = Random::new(seed);
        let failure = |detail: String| Violation { invariant: Invariant::Failure, at_ms: 0, office: None, detail };
        let wall_ms = scenario.start_wall_ms.saturating_sub(START_MS);
        let founded = found(&scenario, wall_ms, &mut random.split()).map_err(|error| failure(error.to_string()))?;
        let mut nodes = Vec::new();
        for (office, keys) in scenario.offices.iter().zip(&founded.offices) {
            let node = Node::new(&office.name, &keys.seed, founded.root, wall_ms, random.split());
            nodes.push(node.map_err(|error| failure(error.to_string()))?);
        }
        let weather = scenario.faults.map_or(Weather::default(), |faults| Weather {
            loss: faults.loss,
            drop: faults.drop,
            replay: faults.replay,
        });
        let lines = scenario.lines.iter().map(|line| Line::new(line.clone(), weather, random.split())).collect();
        let mut world = Self {
            persistence: if scenario.faults.is_some() { 0.7 } else { 1.0 },
            scenario,
            seed,
            now_ms: 0,
            agenda: Agenda::default(),
            nodes,
            lines,
            people: People { actors: founded.people.clone(), ..People::default() },
            checks: Checks::default(),
            figures: Figures::default(),
            journal: Journal::new(events_kept),
            pace: random.split(),
            luck: random.split(),
            last_event_ms: START_MS,
            break_at_frame: None,
            frames_delivered: 0,
            in_this_moment: 0,
        };
        world.open_ledger(&founded);
        Ok(world)
    }

    /// The rooms of the organisation about itself, and who may hold them.
    fn open_ledger(&mut self, founded: &Founded) {
        let rooms = room_ids(founded.organisation);
        let everybody: Vec<NodeId> = founded.offices.iter().map(|office| office.node).collect();
        self.checks.placement.allow(rooms.public, everybody.clone());
        self.checks.placement.allow(rooms.directory, everybody);
        for (number, office) in founded.offices.iter().enumerate() {
            let mut holders = self.nodes_of_kind(OfficeKind::Headquarters);
            holders.extend(self.nodes.get(number).map(|node| node.id));
            self.checks.placement.allow(rooms.secrets(office.id), holders);
            self.checks.placement.allow(rooms.audit(office.id), self.audit_holders(number, office.id));
        }
        let request = self.request(PersonNumber(0), Deed::Found(founded.ledger.clone()));
        self.agenda.plan(0, Happening::Ask { office: 0, request: Box::new(request) });
    }

    /// The office, headquarters, hubs, and without another hub one more.
    fn audit_holders(&self, number: usize, office: OfficeId) -> BTreeSet<NodeId> {
        let offices = || self.scenario.offices.iter().zip(&self.nodes).enumerate();
        let others = || offices().filter(|(other, (of, _))| *other != number && of.kind != OfficeKind::Headquarters);
        let mut holders = self.nodes_of_kind(OfficeKind::Headquarters);
        holders.extend(self.nodes.get(number).map(|node| node.id));
        let hubs: Vec<NodeId> = others().filter(|(_, (of, _))| of.hub).map(|(_, (_, node))| node.id).collect();
        if hubs.is_empty() {
            holders.extend(copy_holder(office, others().map(|(_, (_, node))| node.id)));
        }
        holders.extend(hubs);
        holders
    }

    fn nodes_of_kind(&self, kind: OfficeKind) -> BTreeSet<NodeId> {
        let of_kind = self.scenario.offices.iter().zip(&self.nodes).filter(|(office, _)| office.kind == kind);
        of_kind.map(|(_, node)| node.id).collect()
    }

    /// Runs until the story can begin.
    pub fn prepare(&mut self) -> Outcome {
        self.with_lines(|line, _, now_ms, effects| line.begin(now_ms, effects))?;
        self.settle("the organisation does not come into being")?;
        for room in 0..self.scenario.rooms.len() {
            self.make_room(RoomNumber(room));
        }
        self.settle("the rooms do not come into being")?;
        let rest = START_MS.saturating_sub(self.now_ms);
        self.run(rest)?;
        self.with_lines(|line, _, _, _| line.forget_traffic())?;
        self.checks.arrivals = Default::default();
        self.figures = Figures::default();
        Ok(())
    }

    fn settle(&mut self, failure: &str) -> Outcome {
        // Long: whoever repeats an old greeting is not called again for a minute, and may do so several times.
        let deadline = self.now_ms + START_MS.saturating_sub(self.now_ms) / 4 * 3;
        while self.now_ms < deadline {
            self.run(250)?;
            if self.is_converged()? {
                return Ok(());
            }
        }
        let why = self.why_not_converged()?;
        Err(self.breach(Invariant::Convergence, None, format!("{failure}: {why}")))
    }

    fn make_room(&mut self, number: RoomNumber) {
        let Some(room) = self.scenario.room(number).cloned() else { return };
        let wall_ms = self.true_wall_ms();
        let id = RoomId::from_uuid(mint(&mut self.luck, wall_ms));
        self.people.rooms.push(id);
        let Some((maker, others)) = room.members.split_first() else { return };
        for member in &room.members {
            self.let_hold(id, *member);
        }
        let new = NewRoom {
            id: Some(id),
            name: room.name,
            topic: String::new(),
            purpose: String::new(),
            kind: RoomKind::Group,
            members: others
                .iter()
                .filter_map(|person| self.people.actors.get(person.0))
                .map(|actor| actor.user)
                .collect(),
            offices: Vec::new(),
        };
        let deed = Deed::Room(id, Box::new(new));
        let request = self.request(*maker, deed);
        self.person_asks(*maker, request);
    }

    /// From now on the office of this person may hold the room; headquarters and hubs may anyway.
    pub(super) fn let_hold(&mut self, room: RoomId, person: PersonNumber) {
        let office = self.scenario.person(person).map(|person| person.office);
        let mut holders = self.nodes_of_kind(OfficeKind::Headquarters);
        let hubs = self.scenario.offices.iter().zip(&self.nodes).filter(|(office, _)| office.hub);
        holders.extend(hubs.map(|(_, node)| node.id));
        holders.extend(office.and_then(|office| self.nodes.get(office.0)).map(|node| node.id));
        self.checks.placement.allow(room, holders);
    }

    /// A request of a person, with a number of its own.
    pub(super) fn request(&mut self, by: PersonNumber, deed: Deed) -> Request {
        self.people.requests += 1;
        let nobody = || noroshi_node::view::Actor {
            user: noroshi_sync::id::UserId::NIL,
            device: noroshi_sync::id::DeviceId::from_bytes(*StorageId::NIL.as_bytes()),
            roles: Vec::new(),
        };
        Request {
            number: self.people.requests,
            actor: self.people.actors.get(by.0).cloned().unwrap_or_else(nobody),
            deed,
            must_be_refused: false,
            may_be_refused: false,
            repeated: false,
        }
    }

    /// The person's device sends the request to the node of the person's office.
    pub(super) fn person_asks(&mut self, by: PersonNumber, request: Request) {
        let OfficeNumber(office) = self.scenario.person(by).map_or(OfficeNumber(0), |person| person.office);
        self.plan(0, Happening::Ask { office, request: Box::new(request) });
    }
}
