//! A line between two offices, and the connection that runs over it: what a QUIC connection looks like from above.
//!
//! Frames of one class arrive in order, classes overtake each other. Loss is delay. A way that is cut swallows what is
//! under way; it comes after all if the way opens before somebody notices the silence, and never otherwise. Each side
//! notices for itself, so a connection may live at one end only.

mod pipe;

use std::collections::VecDeque;

use noroshi_sync::frame::Class;

use self::pipe::Pipe;
use super::random::Random;
use crate::scenario::ScenarioLine;

/// Silence is noticed after this time, milliseconds (keep-alive every 2 s; DESIGN.md §5.10: within 6 s).
const SILENCE_MS: (u64, u64) = (4_000, 6_000);
/// A peer that cannot be reached is dialled again after this time, milliseconds.
const REDIAL_MS: (u64, u64) = (500, 3_000);
/// A peer that broke the protocol is left alone for this time, milliseconds.
const REFUSED_MS: u64 = 60_000;
/// Delivered frames that may come again.
const REMEMBERED_MAX: usize = 8;

/// One end of a line: 0 or 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    First,
    Second,
}

impl Side {
    pub const BOTH: [Self; 2] = [Self::First, Self::Second];

    pub const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// Two things, one for each side.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sides<T> {
    first: T,
    second: T,
}

impl<T> Sides<T> {
    pub fn new(first: T, second: T) -> Self {
        Self { first, second }
    }
    pub const fn of(&self, side: Side) -> &T {
        match side {
            Side::First => &self.first,
            Side::Second => &self.second,
        }
    }
    pub const fn of_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::First => &mut self.first,
            Side::Second => &mut self.second,
        }
    }
}

/// What a line wants to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// [`Line::handle`] at this time.
    Later {
        at_ms: u64,
        step: Step,
    },
    /// The process at this side has a new connection.
    Up {
        side: Side,
    },
    /// … has none any more.
    Down {
        side: Side,
    },
    Frame {
        side: Side,
        bytes: Vec<u8>,
    },
    /// The transport took a frame of this side.
    Sent {
        side: Side,
        class: Class,
    },
}

/// Something that goes on inside the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Transmit { generation: u64, from: Side },
    Arrive { generation: u64, from: Side, number: u64 },
    Rise { generation: u64, side: Side },
    Silence { generation: u64, side: Side, since_ms: u64 },
    Dial { number: u64 },
}

/// Chances that hold for the whole run.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Weather {
    pub loss: f64,
    pub drop: f64,
    pub replay: f64,
}

/// Bytes and frames handed over for sending.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    pub frames: u64,
    pub bytes: u64,
}

#[derive(Debug)]
pub(crate) struct Line {
    config: ScenarioLine,
    weather: Weather,
    random: Random,
    /// Whether what this side sends arrives.
    open: Sides<bool>,
    /// Whether there is a process at this side.
    running: Sides<bool>,
    connection: Option<Connection>,
    generation: u64,
    /// The next dial that counts; earlier ones are out of date.
    dial: u64,
    dial_planned: bool,
    /// What the last connection delivered from this side, newest last.
    remembered: Sides<VecDeque<(Class, Vec<u8>)>>,
    pub traffic: Sides<Traffic>,
    pub connections_ended: u64,
    pub frames_replayed: u64,
}

#[derive(Debug)]
struct Connection {
    generation: u64,
    ends: Sides<End>,
    /// By the side that sends.
    pipes: Sides<Pipe>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct End {
    life: Life,
    silent_since_ms: Option<u64>,
    /// The process at this end still believes in the connection before this one.
    believes: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Life {
    #[default]
    Coming,
    Up,
    Gone,
}

impl End {
    /// Of a new connection, after this end of the old one.
    fn after(old: &Self) -> Self {
        Self { believes: old.life == Life::Up || old.believes, ..Self::default() }
    }
}

impl Line {
    pub fn new(config: ScenarioLine, weather: Weather, random: Random) -> Self {
        Self {
            config,
            weather,
            random,
            open: Sides::new(true, true),
            running: Sides::new(true, true),
            connection: None,
            generation: 0,
            dial: 0,
            dial_planned: false,
            remembered: Sides::default(),
            traffic: Sides::default(),
            connections_ended: 0,
            frames_replayed: 0,
        }
    }

    /// Whether both sides have the connection.
    pub fn is_connected(&self) -> bool {
        self.connection
            .as_ref()
            .is_some_and(|connection| Side::BOTH.into_iter().all(|side| connection.ends.of(side).life == Life::Up))
    }

    pub fn is_open(&self) -> bool {
        Side::BOTH.into_iter().all(|side| *self.open.of(side))
    }

    pub fn is_way_open(&self, from: Side) -> bool {
        *self.open.of(from)
    }

    /// Frames of this side that the transport has not taken yet, and their bytes.
    pub fn waiting(&self, side: Side) -> (usize, usize) {
        self.connection.as_ref().map_or((0, 0), |connection| connection.pipes.of(side).waiting())
    }

    /// From now on the weather is fine.
    pub fn calm(&mut self) {
        self.weather = Weather::default();
    }

    /// Counts from here.
    pub fn forget_traffic(&mut self) {
        self.traffic = Sides::default();
        self.connections_ended = 0;
    }

    /// The offices begin to dial.
    pub fn begin(&mut self, now_ms: u64, effects: &mut Vec<Effect>) {
        self.plan_dial(now_ms, effects);
    }

    /// A frame of the process at `side`. Without a connection it is lost, as the process is about to be told.
    pub fn send(&mut self, side: Side, class: Class, bytes: Vec<u8>, now_ms: u64, effects: &mut Vec<Effect>) {
        let Some(connection) = &mut self.connection else { return };
        if connection.ends.of(side).life != Life::Up {
            return;
        }
        let traffic = self.traffic.of_mut(side);
        traffic.frames += 1;
        traffic.bytes += bytes.len() as u64;
        connection.pipes.of_mut(side).push(class, bytes);
        if self.random.chance(self.weather.drop) {
            return self.break_connection(now_ms, effects);
        }
        self.transmit(side, now_ms, effects);
    }

    /// The process at `side` wants no more of this connection.
    pub fn close(&mut self, side: Side, fault_of_peer: bool, now_ms: u64, effects: &mut Vec<Effect>) {
        let wait_ms = if fault_of_peer { REFUSED_MS } else { self.random.between(REDIAL_MS.0, REDIAL_MS.1) };
        self.end(side, now_ms, effects);
        if *self.open.of(side) {
            // The closing message comes with the last frames.
            self.end(side.other(), now_ms, effects);
        }
        self.dial_planned = false;
        self.plan_dial(now_ms + wait_ms, effects);
    }

    pub fn set_open(&mut self, from: Side, open: bool, now_ms: u64, effects: &mut Vec<Effect>) {
        if *self.open.of(from) == open {
            return;
        }
        *self.open.of_mut(from) = open;
        if open {
            self.resume(from, now_ms, effects);
        }
        self.listen(from.other(), now_ms, effects);
        if self.is_open() && !self.is_connected() {
            let wait = self.random.between(REDIAL_MS.0, REDIAL_MS.1);
            self.plan_dial(now_ms + wait, effects);
        }
    }

    /// A process starts or is dead.
    pub fn set_running(&mut self, side: Side, running: bool, now_ms: u64, effects: &mut Vec<Effect>) {
        *self.running.of_mut(side) = running;
        if let Some(connection) = &mut self.connection {
            *connection.ends.of_mut(side) = End { life: Life::Gone, ..End::default() };
        }
        self.listen(side.other(), now_ms, effects);
        if running {
            let wait = self.random.below(REDIAL_MS.0);
            self.plan_dial(now_ms + wait, effects);
        }
    }

    /// Both sides lose the connection at once, for reasons of the network.
    pub fn break_connection(&mut self, now_ms: u64, effects: &mut Vec<Effect>) {
        for side in Side::BOTH {
            self.end(side, now_ms, effects);
        }
        let wait = self.random.between(REDIAL_MS.0, REDIAL_MS.1);
        self.plan_dial(now_ms + wait, effects);
    }

    pub fn handle(&mut self, step: Step, now_ms: u64, effects: &mut Vec<Effect>) {
        let current = self.connection.as_ref().map(|connection| connection.generation);
        match step {
            Step::Transmit { generation, from } if current == Some(generation) => {
                self.pipe_turn(from);
                self.transmit(from, now_ms, effects);
            }
            Step::Arrive { generation, from, number } if current == Some(generation) => {
                self.arrive(from, number, effects);
            }
            Step::Rise { generation, side } if current == Some(generation) => self.rise(side, now_ms, effects),
            Step::Silence { generation, side, since_ms } if current == Some(generation) => {
                self.silence(side, since_ms, now_ms, effects);
            }
            Step::Dial { number } if self.dial == number && self.dial_planned => self.dial(now_ms, effects),
            _ => {}
        }
    }

    fn plan_dial(&mut self, at_ms: u64, effects: &mut Vec<Effect>) {
        if !self.dial_planned {
            self.dial_planned = true;
            self.dial += 1;
            effects.push(Effect::Later { at_ms, step: Step::Dial { number: self.dial } });
        }
    }

    /// Connects if there is a way; otherwise the next change of the line dials again.
    fn dial(&mut self, now_ms: u64, effects: &mut Vec<Effect>) {
        self.dial_planned = false;
        let possible = self.is_open() && Side::BOTH.into_iter().all(|side| *self.running.of(side));
        if !possible || self.is_connected() {
            return;
        }
        // An end that still lives hears of the new connection, or of the end of both.
        let ends = match &self.connection {
            Some(old) => Sides::new(End::after(old.ends.of(Side::First)), End::after(old.ends.of(Side::Second))),
            None => Sides::default(),
        };
        self.forget_connection();
        self.generation += 1;
        let generation = self.generation;
        let latency = self.config.latency_ms;
        let dialler = if self.random.chance(0.5) { Side::First } else { Side::Second };
        for (side, ways) in [(dialler, 2), (dialler.other(), 3)] {
            effects.push(Effect::Later { at_ms: now_ms + ways * latency, step: Step::Rise { generation, side } });
        }
        self.connection = Some(Connection { generation, ends, pipes: Sides::new(Pipe::default(), Pipe::default()) });
        // Should the way close during the handshake, somebody notices.
        for side in Side::BOTH {
            self.listen(side, now_ms, effects);
        }
    }

    fn rise(&mut self, side: Side, now_ms: u64, effects: &mut Vec<Effect>) {
        let Some(connection) = &mut self.connection else { return };
        let end = connection.ends.of_mut(side);
        if end.life == Life::Coming {
            (end.life, end.believes) = (Life::Up, false);
            effects.push(Effect::Up { side });
            self.replay(side, now_ms, effects);
        }
    }

    /// Frames of the last connection come once more.
    fn replay(&mut self, to: Side, now_ms: u64, effects: &mut Vec<Effect>) {
        if !self.random.chance(self.weather.replay) {
            return;
        }
        let from = to.other();
        let old = self.remembered.of(from).clone();
        let start = self.random.index(old.len());
        let count = self.random.index(3) + 1;
        let Some(connection) = &mut self.connection else { return };
        for (class, bytes) in old.into_iter().skip(start).take(count) {
            let at_ms = now_ms + self.random.below(2 * self.config.latency_ms + 20);
            self.frames_replayed += 1;
            let number = connection.pipes.of_mut(from).put_ghost(class, bytes);
            let step = Step::Arrive { generation: connection.generation, from, number };
            effects.push(Effect::Later { at_ms, step });
        }
    }

    fn pipe_turn(&mut self, from: Side) {
        if let Some(connection) = &mut self.connection {
            connection.pipes.of_mut(from).chunk_done();
        }
    }

    /// Hands frames to the wire, as far as the speed of the line allows.
    fn transmit(&mut self, from: Side, now_ms: u64, effects: &mut Vec<Effect>) {
        let is_open = *self.open.of(from);
        let rate = self.config.rate;
        loop {
            let Some(connection) = &mut self.connection else { return };
            let generation = connection.generation;
            let pipe = connection.pipes.of_mut(from);
            if !is_open || pipe.is_busy() {
                return;
            }
            if let Some((class, bytes)) = pipe.take_complete() {
                effects.push(Effect::Sent { side: from, class });
                self.depart(from, class, bytes, now_ms, effects);
                continue;
            }
            let Some(chunk_ms) = pipe.begin_chunk(rate) else { return };
            if chunk_ms == 0 {
                pipe.chunk_done();
            } else {
                let step = Step::Transmit { generation, from };
                effects.push(Effect::Later { at_ms: now_ms + chunk_ms, step });
            }
        }
    }

    /// A frame is on its way.
    fn depart(&mut self, from: Side, class: Class, bytes: Vec<u8>, now_ms: u64, effects: &mut Vec<Effect>) {
        let delay =
            self.config.latency_ms + self.random.below(self.config.jitter_ms + 1) + self.retransmission_ms(bytes.len());
        let Some(connection) = &mut self.connection else { return };
        let generation = connection.generation;
        let pipe = connection.pipes.of_mut(from);
        let at_ms = pipe.in_order(class, now_ms + delay);
        let number = pipe.put_under_way(class, bytes);
        effects.push(Effect::Later { at_ms, step: Step::Arrive { generation, from, number } });
    }

    /// What lost packets of a frame cost.
    fn retransmission_ms(&mut self, bytes: usize) -> u64 {
        let loss = 1.0 - (1.0 - self.config.loss) * (1.0 - self.weather.loss);
        if loss <= 0.0 {
            return 0;
        }
        let packets = i32::try_from(1 + bytes / 1_200).unwrap_or(i32::MAX);
        let any = 1.0 - (1.0 - loss).powi(packets);
        let round_trip = 2 * self.config.latency_ms + self.config.jitter_ms + 5;
        let mut delay = 0;
        let mut chance = any;
        while self.random.chance(chance) && delay < 100 * round_trip {
            delay += round_trip + self.random.below(round_trip);
            chance = loss;
        }
        delay
    }

    fn arrive(&mut self, from: Side, number: u64, effects: &mut Vec<Effect>) {
        let is_open = *self.open.of(from);
        let side = from.other();
        let Some(connection) = &mut self.connection else { return };
        let delivered = connection.pipes.of_mut(from).arrived(number, is_open);
        if connection.ends.of(side).life != Life::Up {
            return;
        }
        for (class, bytes) in delivered {
            if self.weather.replay > 0.0 {
                let remembered = self.remembered.of_mut(from);
                remembered.push_back((class, bytes.clone()));
                if remembered.len() > REMEMBERED_MAX {
                    remembered.pop_front();
                }
            }
            effects.push(Effect::Frame { side, bytes });
        }
    }

    /// A way is open again: what was swallowed is sent once more.
    fn resume(&mut self, from: Side, now_ms: u64, effects: &mut Vec<Effect>) {
        let Some(connection) = &mut self.connection else { return };
        let generation = connection.generation;
        let pipe = connection.pipes.of_mut(from);
        let wait = self.config.latency_ms + self.random.below(1_000);
        for (class, number) in pipe.stalled() {
            let at_ms = pipe.in_order(class, now_ms + wait);
            effects.push(Effect::Later { at_ms, step: Step::Arrive { generation, from, number } });
        }
        self.transmit(from, now_ms, effects);
    }

    /// Starts or stops the watch of a side for silence.
    fn listen(&mut self, side: Side, now_ms: u64, effects: &mut Vec<Effect>) {
        let hears = *self.open.of(side.other()) && *self.running.of(side.other());
        let Some(connection) = &mut self.connection else { return };
        let hears = hears && connection.ends.of(side.other()).life != Life::Gone;
        let generation = connection.generation;
        let end = connection.ends.of_mut(side);
        match (hears, end.silent_since_ms) {
            (true, _) => end.silent_since_ms = None,
            (false, None) if end.life != Life::Gone => {
                end.silent_since_ms = Some(now_ms);
                let at_ms = now_ms + self.random.between(SILENCE_MS.0, SILENCE_MS.1);
                effects.push(Effect::Later { at_ms, step: Step::Silence { generation, side, since_ms: now_ms } });
            }
            (false, _) => {}
        }
    }

    fn silence(&mut self, side: Side, since_ms: u64, now_ms: u64, effects: &mut Vec<Effect>) {
        let silent = self
            .connection
            .as_ref()
            .is_some_and(|connection| connection.ends.of(side).silent_since_ms == Some(since_ms));
        if silent {
            self.end(side, now_ms, effects);
            let wait = self.random.between(REDIAL_MS.0, REDIAL_MS.1);
            self.plan_dial(now_ms + wait, effects);
        }
    }

    /// One side has the connection no longer.
    fn end(&mut self, side: Side, now_ms: u64, effects: &mut Vec<Effect>) {
        let Some(connection) = &mut self.connection else { return };
        let end = connection.ends.of_mut(side);
        let was = std::mem::replace(end, End { life: Life::Gone, ..End::default() });
        if was.life == Life::Up || was.believes {
            effects.push(Effect::Down { side });
        }
        let gone = |side: Side| connection.ends.of(side).life == Life::Gone;
        if gone(Side::First) && gone(Side::Second) {
            self.forget_connection();
        } else {
            self.listen(side.other(), now_ms, effects);
        }
    }

    fn forget_connection(&mut self) {
        if self.connection.take().is_some() {
            self.connections_ended += 1;
        }
    }
}

#[cfg(test)]
mod tests;
