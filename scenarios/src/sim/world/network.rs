//! Between the replicas and the lines: every frame is looked at on its way.

use noroshi_sync::event::{Action, Event, Notice};
use noroshi_sync::frame::{Class, Frame};
use noroshi_sync::id::NodeId;
use noroshi_sync::store::Query;

use super::{Happening, Outcome, World};
use crate::invariant::idle::IdleCost;
use crate::invariant::{Invariant, placement};
use crate::scenario::Direction;
use crate::sim::journal::Note;
use crate::sim::line::{Effect, Line, Side, Step};

/// A line, and what it costs to connect it once more.
pub(super) type IdleWatch = (usize, IdleCost);

impl World {
    /// Hands an event to the replica of an office and carries out what it wants.
    pub(super) fn tell(&mut self, office: usize, event: Event) -> Outcome {
        self.look_at(office, &event)?;
        let now = self.now(office);
        let Some(process) = self.node(office)?.process.as_mut() else { return Ok(()) };
        let actions = process.replica.handle(event, now);
        actions.into_iter().try_for_each(|action| self.carry_out(office, action))
    }

    fn look_at(&mut self, office: usize, event: &Event) -> Outcome {
        match event {
            Event::Connected { peer, .. } => self.note_line(office, *peer, |office, peer| Note::Up { office, peer }),
            Event::Disconnected { peer } => self.note_line(office, *peer, |office, peer| Note::Down { office, peer }),
            Event::Frame { peer, bytes } => return self.arrived(office, *peer, bytes),
            _ => {}
        }
        Ok(())
    }

    fn note_line(&mut self, office: usize, peer: NodeId, note: impl FnOnce(usize, usize) -> Note) {
        if let Some(peer) = self.office_of(&peer) {
            self.note(note(office, peer));
        }
    }

    fn arrived(&mut self, office: usize, from: NodeId, bytes: &[u8]) -> Outcome {
        self.journal.fingerprint(bytes);
        let Some(from) = self.office_of(&from) else { return Ok(()) };
        self.note(Note::Frame { from, to: office, kind: frame_kind(bytes), bytes: bytes.len() });
        let contents = placement::read(bytes);
        let contents = contents.map_err(|detail| self.breach(Invariant::Failure, Some(from), detail))?;
        for (log, first, last) in contents.windows {
            // The alarm is pushed unasked, by several peers at once; that it comes twice is its price.
            if log.lane != noroshi_sync::entry::Lane::Urgent {
                let held = self.node(office)?.database().and_then(|database| database.log_state(&log));
                let held = self.stored(office, held)?;
                self.checks.arrivals.arrive(&held, first, last);
            }
        }
        Ok(())
    }

    fn carry_out(&mut self, office: usize, action: Action) -> Outcome {
        match action {
            Action::Send { peer, class, bytes } => self.send(office, peer, class, bytes),
            Action::Ask { ticket, query } => self.question(office, ticket, query),
            Action::Close { peer, reason } => {
                self.note_line(office, peer, |office, peer| Note::Closed { office, peer, reason: reason.to_string() });
                self.with_line(office, peer, |line, side, now_ms, effects| {
                    line.close(side, reason.is_fault_of_peer(), now_ms, effects);
                })
            }
            Action::WakeAt { mono_ms } => {
                if let Some(process) = self.process_of(office) {
                    let at_ms = mono_ms.max(self.now_ms);
                    self.agenda.plan(at_ms, Happening::Tell { office, process, event: Event::Timer });
                }
                Ok(())
            }
            Action::Notice(notice) => self.notice(office, notice),
        }
    }

    fn notice(&mut self, office: usize, notice: Notice) -> Outcome {
        if let Notice::Refused { room, writer, refusal, .. } = &notice {
            self.note(Note::Refused { office, what: format!("{room} {writer:?}: {refusal}") });
        }
        let Some(process) = self.node(office)?.process.as_mut() else { return Ok(()) };
        match notice {
            Notice::InSync { peer } => {
                process.in_sync.insert(peer);
            }
            Notice::Clock { peer, offset_ms, .. } => {
                process.offsets_ms.insert(peer, offset_ms);
            }
            Notice::Forged { peer, reason } => {
                return Err(self.breach(
                    Invariant::Failure,
                    Some(office),
                    format!("{peer:?} is called a forger: {reason}"),
                ));
            }
            _ => {}
        }
        Ok(())
    }

    fn send(&mut self, office: usize, peer: NodeId, class: Class, bytes: Vec<u8>) -> Outcome {
        let bounded = self.checks.peaks.frame(bytes.len());
        self.require(Invariant::Boundedness, Some(office), bounded)?;
        let contents = placement::read(&bytes);
        let contents = contents.map_err(|detail| self.breach(Invariant::Failure, Some(office), detail))?;
        if let Some(me) = self.nodes.get(office).map(|node| node.id) {
            let allowed = self.checks.placement.check(&me, &peer, &contents);
            self.require(Invariant::Confidentiality, Some(office), allowed)?;
        }
        let Some((line, side)) = self.line_between(office, &peer) else { return Ok(()) };
        self.with_line(office, peer, |line, side, now_ms, effects| line.send(side, class, bytes, now_ms, effects))?;
        let (frames, waiting) = self.lines.get(line).map(|line| line.waiting(side)).unwrap_or_default();
        let bounded = self.checks.peaks.waiting(frames, waiting);
        self.require(Invariant::Boundedness, Some(office), bounded)
    }

    /// Counts a question while reconnections are watched.
    pub(super) fn watch_question(&mut self, office: usize, query: &Query) {
        let line = self.line_between(office, peer_of(query)).map(|(line, _)| line);
        if let Some((watched, cost)) = &mut self.checks.idle
            && Some(*watched) == line
        {
            cost.question(query);
        }
    }

    pub(super) fn line_step(&mut self, line: usize, step: Step) -> Outcome {
        let now_ms = self.now_ms;
        let mut effects = Vec::new();
        if let Some(line) = self.lines.get_mut(line) {
            line.handle(step, now_ms, &mut effects);
        }
        self.take_effect(line, effects)
    }

    fn with_line(
        &mut self,
        office: usize,
        peer: NodeId,
        work: impl FnOnce(&mut Line, Side, u64, &mut Vec<Effect>),
    ) -> Outcome {
        let Some((number, side)) = self.line_between(office, &peer) else { return Ok(()) };
        let mut effects = Vec::new();
        if let Some(line) = self.lines.get_mut(number) {
            work(line, side, self.now_ms, &mut effects);
        }
        self.take_effect(number, effects)
    }

    /// Does something to every line.
    pub(super) fn with_lines(
        &mut self,
        mut work: impl FnMut(&mut Line, (usize, usize), u64, &mut Vec<Effect>),
    ) -> Outcome {
        for number in 0..self.lines.len() {
            let mut effects = Vec::new();
            if let (Some(line), Some(config)) = (self.lines.get_mut(number), self.scenario.lines.get(number)) {
                let (first, second) = config.offices;
                work(line, (first.0, second.0), self.now_ms, &mut effects);
            }
            self.take_effect(number, effects)?;
        }
        Ok(())
    }

    /// Opens or cuts some ways.
    pub(super) fn set_ways(&mut self, ways: &[Direction], open: bool) -> Outcome {
        for way in ways {
            self.note(Note::Way { from: way.from.0, to: way.to.0, open });
            self.with_lines(|line, (first, second), now_ms, effects| {
                let side = if (first, second) == (way.from.0, way.to.0) {
                    Side::First
                } else if (first, second) == (way.to.0, way.from.0) {
                    Side::Second
                } else {
                    return;
                };
                line.set_open(side, open, now_ms, effects);
            })?;
        }
        Ok(())
    }

    /// Tells the lines of an office that its process is dead or alive.
    pub(super) fn set_running(&mut self, office: usize, running: bool) -> Outcome {
        self.with_lines(|line, (first, second), now_ms, effects| {
            if first == office {
                line.set_running(Side::First, running, now_ms, effects);
            } else if second == office {
                line.set_running(Side::Second, running, now_ms, effects);
            }
        })
    }

    fn take_effect(&mut self, number: usize, effects: Vec<Effect>) -> Outcome {
        let Some((first, second)) = self.scenario.lines.get(number).map(|line| line.offices) else { return Ok(()) };
        let office = |side: Side| if side == Side::First { first.0 } else { second.0 };
        for effect in effects {
            match effect {
                Effect::Later { at_ms, step } => self.agenda.plan(at_ms, Happening::Line { line: number, step }),
                Effect::Up { side } => {
                    let nonce = self.pace.bytes();
                    self.event(office(side), office(side.other()), |peer| Event::Connected { peer, nonce });
                }
                Effect::Down { side } => {
                    self.event(office(side), office(side.other()), |peer| Event::Disconnected { peer });
                }
                Effect::Frame { side, bytes } => {
                    self.event(office(side), office(side.other()), |peer| Event::Frame { peer, bytes });
                    self.frames_delivered += 1;
                    if self.break_at_frame == Some(self.frames_delivered) {
                        self.break_line(number)?;
                    }
                }
                Effect::Sent { side, class } => {
                    self.event(office(side), office(side.other()), |peer| Event::Sent { peer, class });
                }
            }
        }
        Ok(())
    }

    /// An event of the network reaches a process, after what is planned for this moment already.
    fn event(&mut self, office: usize, peer: usize, event: impl FnOnce(NodeId) -> Event) {
        let peer = self.nodes.get(peer).map(|node| node.id);
        if let (Some(process), Some(peer)) = (self.process_of(office), peer) {
            self.plan(0, Happening::Tell { office, process, event: event(peer) });
        }
    }

    /// Breaks the connection of one line; it comes back by itself.
    pub(super) fn break_line(&mut self, number: usize) -> Outcome {
        let mut effects = Vec::new();
        if let Some(line) = self.lines.get_mut(number) {
            line.break_connection(self.now_ms, &mut effects);
        }
        self.take_effect(number, effects)
    }

    /// The line from an office to a peer, and the side on which the office is.
    fn line_between(&self, office: usize, peer: &NodeId) -> Option<(usize, Side)> {
        let peer = self.office_of(peer)?;
        self.scenario.lines.iter().enumerate().find_map(|(number, line)| {
            let (first, second) = (line.offices.0.0, line.offices.1.0);
            match (first == office && second == peer, first == peer && second == office) {
                (true, _) => Some((number, Side::First)),
                (_, true) => Some((number, Side::Second)),
                _ => None,
            }
        })
    }
}

fn peer_of(query: &Query) -> &NodeId {
    query.peer()
}

fn frame_kind(bytes: &[u8]) -> &'static str {
    Frame::decode(bytes).map_or("garbage", |frame| frame.name())
}
