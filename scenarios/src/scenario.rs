//! A scenario: an organisation, its lines, what happens, and what must be true at the end.
//!
//! Written in TOML by people who plan drills. Names are looked up and times are computed when a file is read, so what is
//! here can be run. A scenario never names a port or a path: the same file is run in the simulator and with processes.

mod error;
mod event;
mod expect;
mod faults;
mod file;
mod people;
mod read;
mod unit;

#[cfg(test)]
mod tests;

pub use error::ScenarioError;
pub use event::{Action, CrashMoment, Direction, MessageLabel, TimelineEvent};
pub use expect::{Expectation, RoomExpectation};
pub use faults::{Faults, Weights};
use noroshi_provisioning::OfficeKind;

/// An office, by its place in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct OfficeNumber(pub usize);

/// A person, by the place in [`Scenario::people`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PersonNumber(pub usize);

/// A room, by the place in [`Scenario::rooms`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoomNumber(pub usize);

/// See the module.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    pub title: String,
    pub description: String,
    /// Wall clock at the start, milliseconds since 1970.
    pub start_wall_ms: u64,
    pub organisation: String,
    /// The first one is headquarters: there the organisation is founded.
    pub offices: Vec<ScenarioOffice>,
    pub people: Vec<ScenarioPerson>,
    pub rooms: Vec<ScenarioRoom>,
    pub lines: Vec<ScenarioLine>,
    /// Ascending by time.
    pub timeline: Vec<TimelineEvent>,
    pub faults: Option<Faults>,
    pub expect: Expectation,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioOffice {
    pub name: String,
    pub kind: OfficeKind,
    pub hub: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioPerson {
    pub name: String,
    /// Reading of the name.
    pub kana: String,
    pub office: OfficeNumber,
}

/// Everybody of the offices and the people named one by one are members from the start; the first one is administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioRoom {
    pub name: String,
    /// Ascending, each once, not empty.
    pub members: Vec<PersonNumber>,
}

/// A line between two offices, the same in both directions.
#[derive(Debug, Clone, PartialEq)]
pub struct ScenarioLine {
    pub offices: (OfficeNumber, OfficeNumber),
    /// One way, milliseconds.
    pub latency_ms: u64,
    /// Added at random, at most, milliseconds.
    pub jitter_ms: u64,
    /// Chance of each packet to be lost.
    pub loss: f64,
    /// Bits a second; `None` is as good as unlimited.
    pub rate: Option<u64>,
}

impl Scenario {
    pub fn office(&self, office: OfficeNumber) -> Option<&ScenarioOffice> {
        self.offices.get(office.0)
    }
    pub fn person(&self, person: PersonNumber) -> Option<&ScenarioPerson> {
        self.people.get(person.0)
    }
    pub fn room(&self, room: RoomNumber) -> Option<&ScenarioRoom> {
        self.rooms.get(room.0)
    }

    /// Members at the start who are of this office.
    pub fn members_of(&self, room: RoomNumber, office: OfficeNumber) -> Vec<PersonNumber> {
        let is_there = |person: &&PersonNumber| self.person(**person).is_some_and(|person| person.office == office);
        self.room(room).map(|room| room.members.iter().filter(is_there).copied().collect()).unwrap_or_default()
    }

    /// The same with the first `count` offices only: for runs whose timeline is empty.
    #[must_use]
    pub fn with_offices(&self, count: usize) -> Self {
        let stays = |office: OfficeNumber| office.0 < count;
        let kept: Vec<usize> = (0..self.people.len())
            .filter(|number| self.people.get(*number).is_some_and(|person| stays(person.office)))
            .collect();
        let renumbered = |person: &PersonNumber| kept.binary_search(&person.0).ok().map(PersonNumber);
        let rooms = self.rooms.iter().map(|room| ScenarioRoom {
            name: room.name.clone(),
            members: room.members.iter().filter_map(renumbered).collect(),
        });
        Self {
            offices: self.offices.iter().take(count).cloned().collect(),
            people: kept.iter().filter_map(|number| self.people.get(*number)).cloned().collect(),
            rooms: rooms.filter(|room| !room.members.is_empty()).collect(),
            lines: self.lines.iter().filter(|line| stays(line.offices.0) && stays(line.offices.1)).cloned().collect(),
            timeline: Vec::new(),
            ..self.clone()
        }
    }
}
