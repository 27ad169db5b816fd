//! The streams of one connection: what waits to be sent and to be read, whose turn it is, and how much credit is left.
//! No sockets and no clock.

use std::collections::VecDeque;
use std::task::Waker;

use tokio::io::ReadBuf;

use crate::limits::{STREAM_WINDOW_BYTES, STREAMS_UNI_MAX, TCP_SEGMENT_BYTES, TCP_STREAM_BUFFER_BYTES};

use super::segment::Segment;

/// Credit is told when so much of a window has been read.
const CREDIT_STEP_BYTES: u32 = STREAM_WINDOW_BYTES / 4;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    outgoing: Vec<Outgoing>,
    incoming: Vec<Incoming>,
    /// Streams of the peer that somebody here took.
    accepted: usize,
}

#[derive(Debug)]
struct Outgoing {
    priority: i32,
    waiting: VecDeque<u8>,
    /// Bytes the peer has room for.
    credit: u64,
    writer: Option<Waker>,
}

#[derive(Debug, Default)]
struct Incoming {
    waiting: VecDeque<u8>,
    /// Bytes that were read and not yet told to the peer.
    untold: u32,
    reader: Option<Waker>,
}

/// The peer did what it must not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Breach;

impl Lanes {
    // ---- For those who write and read streams ----------------------------------------------------------------------

    pub fn open(&mut self) -> Option<usize> {
        if self.outgoing.len() >= STREAMS_UNI_MAX as usize {
            return None;
        }
        let credit = u64::from(STREAM_WINDOW_BYTES);
        self.outgoing.push(Outgoing { priority: 0, waiting: VecDeque::new(), credit, writer: None });
        Some(self.outgoing.len() - 1)
    }

    pub fn accept(&mut self) -> Option<usize> {
        (self.accepted < self.incoming.len()).then(|| {
            self.accepted += 1;
            self.accepted - 1
        })
    }

    pub fn set_priority(&mut self, number: usize, priority: i32) {
        if let Some(stream) = self.outgoing.get_mut(number) {
            stream.priority = priority;
        }
    }

    /// How many bytes were taken; `None` when there is no room, and the waker is called when there is.
    pub fn write(&mut self, number: usize, bytes: &[u8], waker: &Waker) -> Option<usize> {
        let stream = self.outgoing.get_mut(number)?;
        let room = TCP_STREAM_BUFFER_BYTES.saturating_sub(stream.waiting.len());
        if room == 0 {
            stream.writer = Some(waker.clone());
            return None;
        }
        let taken = bytes.len().min(room);
        stream.waiting.extend(bytes.iter().take(taken));
        Some(taken)
    }

    /// Fills the buffer with what is there; the waker is called when there is more. Whether credit is to be told.
    pub fn read(&mut self, number: usize, into: &mut ReadBuf<'_>, waker: &Waker) -> bool {
        let Some(stream) = self.incoming.get_mut(number) else { return false };
        let count = into.remaining().min(stream.waiting.len());
        if count == 0 {
            stream.reader = Some(waker.clone());
            return false;
        }
        let (front, back) = stream.waiting.as_slices();
        let from_front = count.min(front.len());
        into.put_slice(front.get(..from_front).unwrap_or_default());
        into.put_slice(back.get(..count - from_front).unwrap_or_default());
        stream.waiting.drain(..count);
        stream.untold += u32::try_from(count).unwrap_or(u32::MAX);
        stream.untold >= CREDIT_STEP_BYTES
    }

    /// The connection has ended.
    pub fn wake_all(&mut self) {
        let writers = self.outgoing.iter_mut().filter_map(|stream| stream.writer.take());
        let readers = self.incoming.iter_mut().filter_map(|stream| stream.reader.take());
        writers.chain(readers).for_each(Waker::wake);
    }

    // ---- For the wire ----------------------------------------------------------------------------------------------

    /// What goes next: credit, then the stream of the highest priority that has something and may send it.
    pub fn next(&mut self) -> Option<Segment> {
        for (stream, incoming) in self.incoming.iter_mut().enumerate() {
            if incoming.untold >= CREDIT_STEP_BYTES {
                return Some(Segment::Credit { stream, bytes: std::mem::take(&mut incoming.untold) });
            }
        }
        let ready = |stream: &&mut Outgoing| !stream.waiting.is_empty() && stream.credit > 0;
        let numbered = self.outgoing.iter_mut().enumerate();
        let (number, stream) =
            numbered.filter(|(_, stream)| ready(stream)).max_by_key(|(_, stream)| stream.priority)?;
        let credit = usize::try_from(stream.credit).unwrap_or(usize::MAX);
        let count = stream.waiting.len().min(TCP_SEGMENT_BYTES).min(credit);
        stream.credit -= count as u64;
        let bytes = stream.waiting.drain(..count).collect();
        stream.writer.take().into_iter().for_each(Waker::wake);
        Some(Segment::Bytes { stream: number, bytes })
    }

    /// Bytes of a stream arrived. Whether the stream is new.
    pub fn arrived(&mut self, number: usize, bytes: &[u8]) -> Result<bool, Breach> {
        let is_new = number == self.incoming.len();
        if is_new && number < STREAMS_UNI_MAX as usize {
            self.incoming.push(Incoming::default());
        }
        // Streams are opened one after the other.
        let stream = self.incoming.get_mut(number).ok_or(Breach)?;
        let unread = stream.waiting.len() + stream.untold as usize + bytes.len();
        if unread > STREAM_WINDOW_BYTES as usize {
            return Err(Breach);
        }
        stream.waiting.extend(bytes);
        stream.reader.take().into_iter().for_each(Waker::wake);
        Ok(is_new)
    }

    /// The peer has room for more of a stream of ours.
    pub fn credited(&mut self, number: usize, bytes: u32) -> Result<(), Breach> {
        let stream = self.outgoing.get_mut(number).ok_or(Breach)?;
        stream.credit += u64::from(bytes);
        if stream.credit > u64::from(STREAM_WINDOW_BYTES) { Err(Breach) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn write(lanes: &mut Lanes, number: usize, bytes: &[u8]) -> usize {
        lanes.write(number, bytes, Waker::noop()).unwrap_or(0)
    }

    fn read(lanes: &mut Lanes, number: usize, most: usize) -> (Vec<u8>, bool) {
        let mut space = vec![0; most];
        let mut into = ReadBuf::new(&mut space);
        let told = lanes.read(number, &mut into, Waker::noop());
        (into.filled().to_vec(), told)
    }

    #[test]
    fn what_is_urgent_overtakes_what_waits_after_one_segment() {
        let mut lanes = Lanes::default();
        let (bulk, urgent) = (lanes.open().unwrap(), lanes.open().unwrap());
        lanes.set_priority(bulk, -3);
        lanes.set_priority(urgent, -1);
        assert_eq!(write(&mut lanes, bulk, &vec![3; 512 * 1024]), TCP_STREAM_BUFFER_BYTES);
        let segment = |stream, byte, count| Some(Segment::Bytes { stream, bytes: vec![byte; count] });
        assert_eq!(lanes.next(), segment(bulk, 3, TCP_SEGMENT_BYTES));
        write(&mut lanes, urgent, &[1; 10]);
        assert_eq!(lanes.next(), segment(urgent, 1, 10));
        assert_eq!(lanes.next(), segment(bulk, 3, TCP_SEGMENT_BYTES));
    }

    #[test]
    fn a_stream_nobody_reads_stops_at_its_window_and_the_others_go_on() {
        let (mut here, mut there) = (Lanes::default(), Lanes::default());
        let (one, two) = (here.open().unwrap(), here.open().unwrap());
        let mut sent = 0;
        loop {
            write(&mut here, one, &[1; TCP_SEGMENT_BYTES]);
            let Some(Segment::Bytes { stream, bytes }) = here.next() else { break };
            sent += bytes.len();
            there.arrived(stream, &bytes).unwrap();
        }
        assert_eq!(sent, STREAM_WINDOW_BYTES as usize);
        assert_eq!(there.arrived(one, &[1]), Err(Breach));
        write(&mut here, two, b"urgent");
        assert_eq!(here.next(), Some(Segment::Bytes { stream: two, bytes: b"urgent".to_vec() }));
        // Reading a quarter gives credit for a quarter.
        let (_, told) = read(&mut there, one, CREDIT_STEP_BYTES as usize);
        assert!(told);
        let Some(Segment::Credit { stream, bytes }) = there.next() else { panic!("no credit") };
        here.credited(stream, bytes).unwrap();
        assert!(matches!(here.next(), Some(Segment::Bytes { stream, .. }) if stream == one));
        assert_eq!(here.credited(two, STREAM_WINDOW_BYTES), Err(Breach));
        assert_eq!(here.credited(7, 1), Err(Breach));
    }

    #[test]
    fn streams_are_opened_one_after_the_other_and_no_more_than_may() {
        let mut lanes = Lanes::default();
        assert_eq!(lanes.arrived(1, &[1]), Err(Breach));
        for number in 0..STREAMS_UNI_MAX as usize {
            assert_eq!(lanes.arrived(number, &[1]), Ok(true));
            assert_eq!(lanes.open(), Some(number));
        }
        assert_eq!(lanes.arrived(STREAMS_UNI_MAX as usize, &[1]), Err(Breach));
        assert_eq!(lanes.open(), None);
    }

    proptest! {
        /// Whatever is written and read in whatever order: each stream arrives whole and in order, within its window.
        #[test]
        fn streams_arrive_whole_and_in_order(
            steps in proptest::collection::vec((0..3usize, 1..60_000usize, 0..4u8), 1..150)
        ) {
            let (mut here, mut there) = (Lanes::default(), Lanes::default());
            let (mut written, mut got) = (vec![Vec::new(); 3], vec![Vec::new(); 3]);
            for (number, bytes) in written.iter_mut().enumerate() {
                here.open();
                here.set_priority(number, -i32::try_from(number).unwrap());
                write(&mut here, number, &[9]);
                bytes.push(9);
            }
            for (number, count, what) in steps.into_iter().chain((0..600).map(|step| (step % 3, 60_000, 2 + (step / 3 % 2) as u8))) {
                match what {
                    0 => {
                        let bytes: Vec<u8> = (0..count).map(|place| (place % 251) as u8).collect();
                        let taken = write(&mut here, number, &bytes);
                        written[number].extend_from_slice(&bytes[..taken]);
                    }
                    1 | 2 => {
                        for _ in 0..16 {
                            match here.next() {
                                Some(Segment::Bytes { stream, bytes }) => _ = there.arrived(stream, &bytes).unwrap(),
                                _ => break,
                            }
                        }
                    }
                    _ => {
                        let (bytes, _) = read(&mut there, number, count);
                        got[number].extend_from_slice(&bytes);
                        while let Some(Segment::Credit { stream, bytes }) = there.next() {
                            here.credited(stream, bytes).unwrap();
                        }
                    }
                }
            }
            prop_assert_eq!(written, got);
        }
    }
}
