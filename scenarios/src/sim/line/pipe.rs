//! One direction of a connection: a queue for each class, the wire, and what is under way.

use std::collections::{BTreeMap, VecDeque};

use noroshi_sync::frame::Class;

/// Bytes that go out in one piece; a more urgent frame goes before the next piece.
const CHUNK_BYTES_MIN: u64 = 1_200;
/// The time one piece takes at most, milliseconds, where that is more than the least piece.
const CHUNK_MS: u64 = 10;

#[derive(Debug, Default)]
pub(super) struct Pipe {
    /// By class: frames and the bytes of the first one that are out already.
    queues: BTreeMap<Class, VecDeque<Vec<u8>>>,
    out: BTreeMap<Class, u64>,
    /// A piece that is going out: of which class, how many bytes.
    chunk: Option<(Class, u64)>,
    last_arrival_ms: BTreeMap<Class, u64>,
    under_way: BTreeMap<u64, UnderWay>,
    last_number: u64,
}

#[derive(Debug)]
struct UnderWay {
    class: Class,
    bytes: Vec<u8>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Flying,
    /// Swallowed by a way that is cut.
    Stalled,
    /// At the far end, behind one that is not.
    Waiting,
    /// An old frame that comes again; it keeps no order.
    Ghost,
}

impl Pipe {
    pub fn push(&mut self, class: Class, bytes: Vec<u8>) {
        self.queues.entry(class).or_default().push_back(bytes);
    }

    pub fn waiting(&self) -> (usize, usize) {
        let frames = self.queues.values().flatten();
        frames.fold((0, 0), |(count, bytes), frame| (count + 1, bytes + frame.len()))
    }

    pub fn is_busy(&self) -> bool {
        self.chunk.is_some()
    }

    /// The first frame that is out completely.
    pub fn take_complete(&mut self) -> Option<(Class, Vec<u8>)> {
        let complete = |(class, queue): (&Class, &VecDeque<Vec<u8>>)| {
            let out = self.out.get(class).copied()?;
            (out >= queue.front()?.len() as u64).then_some(*class)
        };
        let class = self.queues.iter().find_map(complete)?;
        self.out.remove(&class);
        let bytes = self.queues.get_mut(&class)?.pop_front()?;
        Some((class, bytes))
    }

    /// Puts the next piece on the wire, of the most urgent class that has one; how long it takes.
    pub fn begin_chunk(&mut self, rate: Option<u64>) -> Option<u64> {
        let (class, frame) = self.queues.iter().find_map(|(class, queue)| Some((*class, queue.front()?)))?;
        let rest = (frame.len() as u64).saturating_sub(self.out.get(&class).copied().unwrap_or(0));
        let (bytes, ms) = match rate {
            None => (rest, 0),
            Some(rate) => {
                let bytes = rest.min(CHUNK_BYTES_MIN.max(rate * CHUNK_MS / 8_000));
                (bytes, (bytes * 8_000).div_ceil(rate).max(u64::from(bytes > 0)))
            }
        };
        self.chunk = Some((class, bytes));
        Some(ms)
    }

    /// The piece is out.
    pub fn chunk_done(&mut self) {
        if let Some((class, bytes)) = self.chunk.take() {
            *self.out.entry(class).or_default() += bytes;
        }
    }

    /// The time of an arrival, not before that of the frame before it in its class.
    pub fn in_order(&mut self, class: Class, at_ms: u64) -> u64 {
        let last = self.last_arrival_ms.entry(class).or_default();
        *last = (*last).max(at_ms);
        *last
    }

    pub fn put_under_way(&mut self, class: Class, bytes: Vec<u8>) -> u64 {
        self.put(class, bytes, State::Flying)
    }

    pub fn put_ghost(&mut self, class: Class, bytes: Vec<u8>) -> u64 {
        self.put(class, bytes, State::Ghost)
    }

    fn put(&mut self, class: Class, bytes: Vec<u8>, state: State) -> u64 {
        self.last_number += 1;
        self.under_way.insert(self.last_number, UnderWay { class, bytes, state });
        self.last_number
    }

    /// The frame is at the far end, unless the way is cut; what can be delivered now, in order.
    pub fn arrived(&mut self, number: u64, is_open: bool) -> Vec<(Class, Vec<u8>)> {
        let Some(frame) = self.under_way.get_mut(&number) else { return Vec::new() };
        let class = frame.class;
        if frame.state == State::Ghost {
            return self.under_way.remove(&number).map(|frame| (class, frame.bytes)).into_iter().collect();
        }
        frame.state = if is_open { State::Waiting } else { State::Stalled };
        let mut delivered = Vec::new();
        while let Some(number) = self.next_of(class) {
            delivered.extend(self.under_way.remove(&number).map(|frame| (class, frame.bytes)));
        }
        delivered
    }

    /// The oldest frame of the class, if it has arrived.
    fn next_of(&self, class: Class) -> Option<u64> {
        let mut of_class =
            self.under_way.iter().filter(|(_, frame)| frame.class == class && frame.state != State::Ghost);
        of_class.next().filter(|(_, frame)| frame.state == State::Waiting).map(|(number, _)| *number)
    }

    /// Frames that were swallowed, in order; they are under way again.
    pub fn stalled(&mut self) -> Vec<(Class, u64)> {
        let mut numbers = Vec::new();
        for (number, frame) in self.under_way.iter_mut().filter(|(_, frame)| frame.state == State::Stalled) {
            frame.state = State::Flying;
            numbers.push((frame.class, *number));
        }
        numbers
    }
}
