//! All offices, lines and people of a run, and the one loop that lets things happen in the order of virtual time.

mod chance;
mod finish;
mod network;
mod setup;
mod storage;
mod story;

use std::collections::BTreeMap;

use noroshi_node::view::Actor;
use noroshi_sync::event::{Event, Now, Ticket};
use noroshi_sync::id::{EntryId, NodeId, RoomId};
use noroshi_sync::store::{Query, StoreError};

pub(crate) use self::finish::rooms_shared;
use self::network::IdleWatch;
use super::agenda::Agenda;
use super::deed::Request;
use super::founding::Founded;
use super::journal::{Journal, Note};
use super::line::{Line, Step};
use super::node::{Done, Node};
use super::random::Random;
use crate::invariant::bounds::Peaks;
use crate::invariant::interruption::Arrivals;
use crate::invariant::placement::Placement;
use crate::invariant::talk::Talk;
use crate::invariant::{Invariant, Violation};
use crate::report::Figures;
use crate::scenario::Scenario;

/// Virtual time of the start of the story; before it the organisation is founded and its rooms are made.
const START_MS: u64 = 600_000;

/// Events in one millisecond; beyond this they cause each other.
const EVENTS_IN_A_MOMENT_MAX: u64 = 100_000;

/// The end of a run: a rule is broken.
#[derive(Debug)]
pub(crate) struct Stop(pub Violation);

pub(crate) type Outcome<T = ()> = Result<T, Stop>;

/// Something that is going to happen. What belongs to a process dies with it.
#[derive(Debug)]
enum Happening {
    Line { line: usize, step: Step },
    Tell { office: usize, process: u64, event: Event },
    Read { office: usize, process: u64, ticket: Ticket, query: Query },
    Commit { office: usize, process: u64 },
    Done { office: usize, process: u64, done: Box<Done> },
    Registers { office: usize, process: u64 },
    Start { office: usize },
    Ask { office: usize, request: Box<Request> },
    Story { event: usize },
    Burst { event: usize, sent: u64 },
    Chance,
}

/// What the rules need to know of a run.
#[derive(Debug, Default)]
struct Checks {
    placement: Placement,
    peaks: Peaks,
    arrivals: Arrivals,
    talk: Talk,
    idle: Option<IdleWatch>,
    /// Cursors seen; in large organisations only some of them are looked into.
    cursors: u64,
}

/// What people know.
#[derive(Debug, Default)]
struct People {
    actors: Vec<Actor>,
    /// By room of the scenario.
    rooms: Vec<RoomId>,
    /// By label of the scenario: room, id.
    labels: BTreeMap<usize, (RoomId, EntryId)>,
    requests: u64,
}

/// See the module.
pub(crate) struct World {
    scenario: Scenario,
    seed: u64,
    now_ms: u64,
    agenda: Agenda<Happening>,
    nodes: Vec<Node>,
    lines: Vec<Line>,
    people: People,
    checks: Checks,
    figures: Figures,
    journal: Journal,
    /// Delays inside nodes.
    pace: Random,
    /// What happens by chance, and what people say.
    luck: Random,
    /// Chance of a device to ask again after a crash.
    persistence: f64,
    /// Virtual time of the last event of the story.
    last_event_ms: u64,
    /// Breaks the connection that delivers the frame of this number.
    break_at_frame: Option<u64>,
    frames_delivered: u64,
    /// Events since virtual time last moved.
    in_this_moment: u64,
}

impl World {
    /// Runs what is due within `ms`.
    fn run(&mut self, ms: u64) -> Outcome {
        let end = self.now_ms + ms;
        while self.agenda.next_ms().is_some_and(|at| at <= end) {
            let Some((at_ms, happening)) = self.agenda.pop() else { break };
            self.in_this_moment = if at_ms == self.now_ms { self.in_this_moment + 1 } else { 0 };
            if self.in_this_moment > EVENTS_IN_A_MOMENT_MAX {
                return Err(self.breach(Invariant::Boundedness, None, "events cause each other without end"));
            }
            self.now_ms = at_ms;
            self.dispatch(happening)?;
        }
        self.now_ms = end;
        Ok(())
    }

    fn dispatch(&mut self, happening: Happening) -> Outcome {
        self.journal.tick(self.now_ms, happening.number(), happening.place());
        match happening {
            Happening::Line { line, step } => self.line_step(line, step),
            Happening::Tell { office, process, event } if self.runs(office, process) => self.tell(office, event),
            Happening::Read { office, process, ticket, query } if self.runs(office, process) => {
                self.read(office, ticket, &query)
            }
            Happening::Commit { office, process } if self.runs(office, process) => self.commit(office),
            Happening::Done { office, process, done } if self.runs(office, process) => self.done(office, *done),
            Happening::Registers { office, process } if self.runs(office, process) => {
                self.write_registers(office);
                Ok(())
            }
            Happening::Start { office } => self.start(office),
            Happening::Ask { office, request } => {
                self.ask(office, *request);
                Ok(())
            }
            Happening::Story { event } => self.story_event(event),
            Happening::Burst { event, sent } => self.burst(event, sent),
            Happening::Chance => self.chance(),
            _ => Ok(()),
        }
    }

    fn plan(&mut self, delay_ms: u64, happening: Happening) {
        self.agenda.plan(self.now_ms + delay_ms, happening);
    }

    fn runs(&self, office: usize, process: u64) -> bool {
        self.process_of(office) == Some(process)
    }

    /// The number of the running process.
    fn process_of(&self, office: usize) -> Option<u64> {
        self.nodes.get(office).and_then(|node| node.process.as_ref()).map(|process| process.number)
    }

    fn node(&mut self, office: usize) -> Outcome<&mut Node> {
        let wall_ms = self.true_wall_ms();
        let at_ms = self.story_ms();
        match self.nodes.get_mut(office) {
            Some(node) => {
                node.set_wall_ms(wall_ms.saturating_add_signed(node.clock_error_ms));
                Ok(node)
            }
            None => Err(Stop(Violation {
                invariant: Invariant::Failure,
                at_ms,
                office: None,
                detail: format!("there is no office {office}"),
            })),
        }
    }

    /// What a right clock shows.
    fn true_wall_ms(&self) -> u64 {
        (self.scenario.start_wall_ms + self.now_ms).saturating_sub(START_MS)
    }

    fn now(&self, office: usize) -> Now {
        let error = self.nodes.get(office).map_or(0, |node| node.clock_error_ms);
        Now { mono_ms: self.now_ms, wall_ms: self.true_wall_ms().saturating_add_signed(error) }
    }

    /// Milliseconds after the start of the story.
    fn story_ms(&self) -> i64 {
        let ms = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        ms(self.now_ms) - ms(START_MS)
    }

    fn office_of(&self, node: &NodeId) -> Option<usize> {
        self.nodes.iter().position(|candidate| candidate.id == *node)
    }

    fn breach(&self, invariant: Invariant, office: Option<usize>, detail: impl Into<String>) -> Stop {
        let office = office.and_then(|office| self.nodes.get(office)).map(|node| node.name.clone());
        Stop(Violation { invariant, at_ms: self.story_ms(), office, detail: detail.into() })
    }

    /// A rule that was checked: what it says is wrong ends the run.
    fn require(&self, invariant: Invariant, office: Option<usize>, checked: Result<(), String>) -> Outcome {
        checked.map_err(|detail| self.breach(invariant, office, detail))
    }

    fn stored<T>(&self, office: usize, result: Result<T, StoreError>) -> Outcome<T> {
        result.map_err(|error| self.breach(Invariant::Failure, Some(office), error.to_string()))
    }

    fn note(&mut self, note: Note) {
        self.journal.note(self.now_ms, note);
    }
}

#[cfg(test)]
impl World {
    /// Gives a node a fault on purpose, to see that the rules find it.
    pub(super) fn sabotage(&mut self, office: usize, sabotage: super::node::Sabotage) {
        if let Some(node) = self.nodes.get_mut(office) {
            node.sabotage = Some(sabotage);
        }
    }

    /// Breaks the connection that delivers the frame of this number, counted from now.
    pub(super) fn break_at(&mut self, frame: u64) {
        self.break_at_frame = Some(self.frames_delivered + frame);
    }
}

impl Happening {
    const fn number(&self) -> u8 {
        match self {
            Self::Line { .. } => 0,
            Self::Tell { .. } => 1,
            Self::Read { .. } => 2,
            Self::Commit { .. } => 3,
            Self::Done { .. } => 4,
            Self::Registers { .. } => 5,
            Self::Start { .. } => 6,
            Self::Ask { .. } => 7,
            Self::Story { .. } => 8,
            Self::Burst { .. } => 9,
            Self::Chance => 10,
        }
    }

    const fn place(&self) -> usize {
        match self {
            Self::Line { line, .. } => *line,
            Self::Tell { office, .. }
            | Self::Read { office, .. }
            | Self::Commit { office, .. }
            | Self::Done { office, .. }
            | Self::Registers { office, .. }
            | Self::Start { office }
            | Self::Ask { office, .. } => *office,
            Self::Story { event } | Self::Burst { event, .. } => *event,
            Self::Chance => 0,
        }
    }
}
