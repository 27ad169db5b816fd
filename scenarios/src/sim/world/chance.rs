//! Random work and random faults: each draw depends on the seed and on what has happened so far, and on nothing else.

use noroshi_node::deeds::NewMessage;
use noroshi_node::document::PageEdit;
use noroshi_node::store::query::ShownMessage;
use noroshi_node::view::RoomRole;
use noroshi_sync::id::RoomId;

use super::{Happening, Outcome, START_MS, World};
use crate::scenario::{CrashMoment, Direction, OfficeNumber, PersonNumber, RoomNumber, Weights};
use crate::sim::deed::Deed;
use crate::sim::line::Side;
use crate::sim::phrase::{heading, report};

/// Messages that a person looks at before choosing one.
const MESSAGES_SEEN: u32 = 30;
/// How long a process is dead at most, milliseconds.
const DOWN_MS_MAX: u64 = 8_000;
/// How far a clock jumps at most, milliseconds: three days.
const JUMP_MS_MAX: u64 = 3 * 86_400_000;
const STAMPS: [&str; 4] = ["ryokai", "kakunin", "taiouchu", "kanryo"];

#[derive(Debug, Clone, Copy)]
enum Draw {
    Post,
    Burst,
    Urgent,
    Edit,
    Redact,
    React,
    Read,
    Page,
    Member,
    Cut,
    CutOneWay,
    Heal,
    Crash,
    CrashAtCommit,
    Clock,
}

/// Every kind with its weight.
fn menu(weights: &Weights) -> [(Draw, u32); 15] {
    [
        (Draw::Post, weights.post),
        (Draw::Burst, weights.burst),
        (Draw::Urgent, weights.urgent),
        (Draw::Edit, weights.edit),
        (Draw::Redact, weights.redact),
        (Draw::React, weights.react),
        (Draw::Read, weights.read),
        (Draw::Page, weights.page),
        (Draw::Member, weights.member),
        (Draw::Cut, weights.cut),
        (Draw::CutOneWay, weights.cut_one_way),
        (Draw::Heal, weights.heal),
        (Draw::Crash, weights.crash),
        (Draw::CrashAtCommit, weights.crash_at_commit),
        (Draw::Clock, weights.clock),
    ]
}

impl World {
    /// Spreads the random actions over their time.
    pub fn begin_chance(&mut self) {
        let Some(faults) = self.scenario.faults else { return };
        let count = self.luck.between(u64::from(faults.actions.0), u64::from(faults.actions.1));
        for _ in 0..count {
            let at_ms = START_MS + self.luck.below(faults.over_ms);
            self.agenda.plan(at_ms, Happening::Chance);
        }
        self.last_event_ms = self.last_event_ms.max(START_MS + faults.over_ms);
    }

    pub(super) fn chance(&mut self) -> Outcome {
        let Some(faults) = self.scenario.faults else { return Ok(()) };
        let menu = menu(&faults.weights);
        let total: u64 = menu.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let mut place = self.luck.below(total);
        for (draw, weight) in menu {
            if place < u64::from(weight) {
                return self.draw(draw);
            }
            place -= u64::from(weight);
        }
        Ok(())
    }

    fn draw(&mut self, draw: Draw) -> Outcome {
        match draw {
            Draw::Post => self.draw_posts(1, false),
            Draw::Urgent => self.draw_posts(1, true),
            Draw::Burst => {
                let count = self.luck.between(2, 100);
                self.draw_posts(count, false)
            }
            Draw::Edit | Draw::Redact | Draw::React | Draw::Read => self.draw_mark(draw),
            Draw::Page => self.draw_page(),
            Draw::Member => self.draw_member(),
            Draw::Cut | Draw::CutOneWay | Draw::Heal => self.draw_way(draw),
            Draw::Crash => {
                let office = self.luck.index(self.nodes.len());
                let down_ms = self.luck.below(DOWN_MS_MAX);
                self.crash(office, CrashMoment::Now, down_ms)
            }
            Draw::CrashAtCommit => {
                let office = self.luck.index(self.nodes.len());
                let moment = if self.luck.chance(0.5) { CrashMoment::BeforeCommit } else { CrashMoment::AfterCommit };
                if let Some(process) = &mut self.node(office)?.process {
                    process.armed = Some(moment);
                }
                Ok(())
            }
            Draw::Clock => {
                let office = self.luck.index(self.nodes.len());
                let jump = i64::try_from(self.luck.below(2 * JUMP_MS_MAX)).unwrap_or(0);
                self.jump_clock(office, jump - i64::try_from(JUMP_MS_MAX).unwrap_or(0))
            }
        }
    }

    /// Somebody, and a room of the scenario.
    fn somebody(&mut self) -> Option<(PersonNumber, RoomNumber, RoomId)> {
        let person = PersonNumber(self.luck.index(self.people.actors.len()));
        let room = RoomNumber(self.luck.index(self.people.rooms.len()));
        Some((person, room, *self.people.rooms.get(room.0)?))
    }

    fn draw_posts(&mut self, count: u64, urgent: bool) -> Outcome {
        let Some((person, room, _)) = self.somebody() else { return Ok(()) };
        for _ in 0..count {
            let text = report(&mut self.luck);
            let Some(id) = self.people.rooms.get(room.0).copied() else { break };
            let entry = self.new_id();
            self.ask_freely(person, Deed::Post(id, entry, NewMessage { text, urgent, ..NewMessage::default() }));
        }
        Ok(())
    }

    /// Something about a message that the person can see.
    fn draw_mark(&mut self, draw: Draw) -> Outcome {
        let Some((person, _, room)) = self.somebody() else { return Ok(()) };
        let user = self.people.actors.get(person.0).map(|actor| actor.user);
        let mut messages = self.seen_by(person, &room)?;
        if matches!(draw, Draw::Edit) {
            messages.retain(|message| Some(message.entry.author) == user);
        }
        let Some(id) = self.luck.pick(&messages).map(|message| message.entry.id) else { return Ok(()) };
        let deed = match draw {
            Draw::Edit => Deed::Edit(room, id, report(&mut self.luck)),
            Draw::Redact => Deed::Redact(room, id),
            Draw::React => {
                let stamp = self.luck.pick(&STAMPS).copied().unwrap_or_default();
                Deed::React(room, id, stamp.to_owned(), self.luck.chance(0.7))
            }
            _ => Deed::Read(room, id),
        };
        self.ask_freely(person, deed);
        Ok(())
    }

    fn seen_by(&mut self, person: PersonNumber, room: &RoomId) -> Outcome<Vec<ShownMessage>> {
        let office = self.scenario.person(person).map_or(0, |person| person.office.0);
        let messages = self.node(office)?.database().and_then(|database| match database.room_key(room)? {
            Some(room) => database.messages_before(room, None, MESSAGES_SEEN),
            None => Ok(Vec::new()),
        });
        self.stored(office, messages)
    }

    fn draw_page(&mut self) -> Outcome {
        let Some((person, _, room)) = self.somebody() else { return Ok(()) };
        let text = heading(&mut self.luck);
        let edit = match self.luck.below(3) {
            0 => PageEdit { name: Some(text), ..PageEdit::default() },
            1 => PageEdit { topic: Some(text), ..PageEdit::default() },
            _ => PageEdit { purpose: Some(text), ..PageEdit::default() },
        };
        self.ask_freely(person, Deed::Page(room, edit));
        Ok(())
    }

    fn draw_member(&mut self) -> Outcome {
        let Some((person, _, room)) = self.somebody() else { return Ok(()) };
        let other = PersonNumber(self.luck.index(self.people.actors.len()));
        let Some(user) = self.people.actors.get(other.0).map(|actor| actor.user) else { return Ok(()) };
        let deed = match self.luck.below(3) {
            0 => Deed::SetMember(room, user, RoomRole::Admin),
            // Offices stay in their rooms, with their first person: one that leaves is another story.
            1 if !self.is_first_of_office(other) => Deed::RemoveMember(room, user),
            _ => Deed::SetMember(room, user, RoomRole::Member),
        };
        self.ask_freely(person, deed);
        Ok(())
    }

    fn is_first_of_office(&self, person: PersonNumber) -> bool {
        let office = self.scenario.person(person).map(|person| person.office);
        self.scenario.people.iter().position(|person| Some(person.office) == office) == Some(person.0)
    }

    /// It may be refused; that is for the node to know.
    fn ask_freely(&mut self, person: PersonNumber, deed: Deed) {
        self.tell_checks(&deed);
        let mut request = self.request(person, deed);
        request.may_be_refused = true;
        self.person_asks(person, request);
    }

    fn draw_way(&mut self, draw: Draw) -> Outcome {
        let wanted_open = !matches!(draw, Draw::Heal);
        let mut ways = Vec::new();
        for (line, config) in self.lines.iter().zip(&self.scenario.lines) {
            let (first, second) = config.offices;
            for (side, from, to) in [(Side::First, first, second), (Side::Second, second, first)] {
                if line.is_way_open(side) == wanted_open {
                    ways.push(Direction { from, to });
                }
            }
        }
        let Some(way) = self.luck.pick(&ways).copied() else { return Ok(()) };
        let back = Direction { from: way.to, to: way.from };
        let both = !matches!(draw, Draw::CutOneWay);
        let ways = if both { vec![way, back] } else { vec![way] };
        self.set_ways(&ways, !wanted_open)
    }

    /// Everything that is cut, dead or bad for the connections ends now.
    pub(super) fn end_faults(&mut self) -> Outcome {
        let all: Vec<Direction> = self
            .scenario
            .lines
            .iter()
            .flat_map(|line| {
                let (a, b): (OfficeNumber, OfficeNumber) = line.offices;
                [Direction { from: a, to: b }, Direction { from: b, to: a }]
            })
            .collect();
        self.with_lines(|line, _, _, _| line.calm())?;
        self.set_ways(&all, true)?;
        for office in 0..self.nodes.len() {
            if let Some(process) = &mut self.node(office)?.process {
                process.armed = None;
            }
            self.start(office)?;
        }
        Ok(())
    }
}
