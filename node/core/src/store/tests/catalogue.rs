//! Two databases with thousands of rooms find out that they are equal, or in which rooms they are not: what that costs on
//! the line and at the store. With 100,000 rooms:
//! `cargo test --release -p noroshi-node --lib catalogue -- --ignored --nocapture`.

use std::collections::VecDeque;
use std::time::Instant;

use noroshi_sync::entry::Lane;
use noroshi_sync::event::{Action, Event, Notice, Now};
use noroshi_sync::frame::Class;
use noroshi_sync::id::{NodeId, RoomId};
use noroshi_sync::replica::Replica;
use noroshi_sync::store::conformance::{key, room};
use noroshi_sync::store::{Batch, Cursor, LogRange, Query, Store, execute};

use crate::store::Database;
use crate::store::testing::{CLOCK, draft, everyone, in_memory};

fn number(number: u32) -> RoomId {
    let mut bytes = [0xbb; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    RoomId::from_bytes(bytes)
}

/// Two nodes and the line between them, without delay.
struct Pair {
    stores: [Database; 2],
    replicas: [Replica; 2],
    /// Bytes of frames that each has sent.
    bytes: [u64; 2],
    /// Rooms whose lines were read, and questions to the stores.
    rooms_read: usize,
    questions: usize,
    in_sync: usize,
}

impl Pair {
    /// Both hold the same entry of the first in each of so many rooms.
    fn with_rooms(count: u32) -> Self {
        let open = |node: u8| {
            let mut store = in_memory(node, room(0));
            let share = |writing: &crate::store::Writing<'_>| {
                (0..count).try_for_each(|room| writing.set_audience(&number(room), &everyone().into()).map(|_| ()))
            };
            store.write(share).unwrap();
            store
        };
        let (mut a, mut b) = (open(1), open(2));
        a.write(|writing| {
            let drafts = (0..count).map(|room| draft(number(room), Lane::Normal, room.into(), 40)).collect();
            writing.append(drafts, CLOCK).map(|_| ())
        })
        .unwrap();
        let (peer, mut after) = (b.node(), 0);
        loop {
            let page = a.changes(&peer, after).unwrap();
            let lines = page.rooms.iter().flat_map(|room| &room.logs);
            let ranges: Vec<_> =
                lines.map(|(log, state)| LogRange { log: *log, first: 1, last: state.length }).collect();
            let windows = a.windows(&peer, &ranges, usize::MAX).unwrap().windows;
            let windows = windows.into_iter().map(|window| window.verify().unwrap()).collect();
            b.apply(Batch { peer: a.node(), windows, registers: vec![], cursor: None }).unwrap();
            after = page.up_to;
            if !page.more {
                break;
            }
        }
        // As after a session before: each knows how far it has come with the other.
        for (one, other) in [(0, 1), (1, 0)] {
            let stores = [&mut a, &mut b];
            let (peer, greeting) = (stores[other].node(), stores[other].greeting(&stores[one].node()).unwrap());
            let cursor = Cursor { storage: greeting.storage, change: greeting.latest_change };
            let batch = Batch { peer, windows: vec![], registers: vec![], cursor: Some(cursor) };
            stores[one].apply(batch).unwrap();
        }
        let replicas = [Replica::new(a.node()), Replica::new(b.node())];
        Self { stores: [a, b], replicas, bytes: [0; 2], rooms_read: 0, questions: 0, in_sync: 0 }
    }

    /// Meets the other side and talks until nothing is left to say, but for the clock.
    fn meet(&mut self) {
        (self.bytes, self.rooms_read, self.questions, self.in_sync) = ([0; 2], 0, 0, 0);
        let nodes: [NodeId; 2] = [self.stores[0].node(), self.stores[1].node()];
        self.replicas = nodes.map(Replica::new);
        let mut queue: VecDeque<(usize, Event)> =
            [(0, nodes[1]), (1, nodes[0])].map(|(at, peer)| (at, Event::Connected { peer, nonce: [7; 16] })).into();
        while let Some((at, event)) = queue.pop_front() {
            let (peer, other) = (nodes[1 - at], 1 - at);
            for action in self.replicas[at].handle(event, Now { mono_ms: 1_000, wall_ms: CLOCK.now_ms }) {
                match action {
                    Action::Send { class, bytes, .. } => {
                        self.bytes[at] += bytes.len() as u64;
                        queue.push_back((other, Event::Frame { peer: nodes[at], bytes }));
                        queue.push_back((at, Event::Sent { peer, class: Class::from_number(class.number()).unwrap() }));
                    }
                    Action::Ask { ticket, query } => {
                        self.count(&query);
                        let answer = execute(&mut self.stores[at], query);
                        queue.push_back((at, Event::Answered { ticket, answer }));
                    }
                    Action::Notice(Notice::InSync { .. }) => self.in_sync += 1,
                    Action::Close { reason, .. } => panic!("{reason}"),
                    Action::WakeAt { .. } | Action::Notice(_) => {}
                }
            }
        }
    }

    fn count(&mut self, query: &Query) {
        self.questions += 1;
        self.rooms_read += match query {
            Query::Holdings { rooms, .. } | Query::Offers { rooms, .. } => rooms.len(),
            _ => 0,
        };
    }

    /// Greets, changes so many rooms at one side, greets again.
    fn measure(count: u32, changed: u32) {
        let mut pair = Self::with_rooms(count);
        let since = Instant::now();
        pair.meet();
        println!(
            "{count} rooms, equal: {} and {} bytes, {} questions, {} rooms read, {:.1} ms",
            pair.bytes[0],
            pair.bytes[1],
            pair.questions,
            pair.rooms_read,
            since.elapsed().as_secs_f64() * 1e3,
        );
        assert!(pair.bytes.iter().all(|bytes| *bytes <= 400), "{:?}", pair.bytes);
        assert_eq!((pair.questions, pair.rooms_read, pair.in_sync), (2, 0, 2));
        let drafts = (0..changed).map(|room| draft(number(room * 3), Lane::Normal, 1_000_000 + u64::from(room), 40));
        let drafts: Vec<_> = drafts.collect();
        pair.stores[0].write(|writing| writing.append(drafts, CLOCK).map(|_| ())).unwrap();
        let since = Instant::now();
        pair.meet();
        println!(
            "{count} rooms, {changed} of them changed: {} and {} bytes, {} questions, {} rooms read, {:.1} ms",
            pair.bytes[0],
            pair.bytes[1],
            pair.questions,
            pair.rooms_read,
            since.elapsed().as_secs_f64() * 1e3,
        );
        let shared = |at: usize| pair.stores[at].greeting(&key(3).node()).unwrap().shared;
        assert_eq!(shared(0), shared(1));
        // Looked up before and after the entries came, whatever else is stored.
        assert!(pair.rooms_read <= 3 * changed as usize, "{} rooms read", pair.rooms_read);
        assert!(pair.bytes[0] < 1_000 + 400 * u64::from(changed), "{:?}", pair.bytes);
    }
}

#[test]
fn a_catalogue_of_2500_rooms_costs_one_round_trip_and_then_what_changed() {
    Pair::measure(2_500, 10);
}

#[test]
#[ignore = "a minute; the command stands at the top"]
fn a_catalogue_of_100000_rooms_costs_one_round_trip_and_then_what_changed() {
    Pair::measure(100_000, 10);
}
