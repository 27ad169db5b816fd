//! Attachments between replicas: whole in the end, from several peers, across cuts, and from no liar.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use noroshi_sync::blob::{BlobHash, BlobId, Groups};
use noroshi_sync::digest::Digest;
use noroshi_sync::event::{Action, Event, Notice, Now, Ticket};
use noroshi_sync::frame::{BlobData, BlobWant, Class, Frame};
use noroshi_sync::id::{NodeId, RoomId, StorageId};
use noroshi_sync::limits::BLOB_GROUP_BYTES;
use noroshi_sync::replica::Replica;
use noroshi_sync::store::{Answer, BlobPart, BlobStored, BlobWanted, ChangePage, Cursor, Greeting, Query};
use proptest::prelude::*;

const ROOM: RoomId = RoomId::from_bytes([9; 16]);

fn node(number: u8) -> NodeId {
    NodeId::from_bytes([number; 32])
}

fn blob(groups: u64) -> BlobId {
    BlobId { hash: BlobHash::of(&groups.to_be_bytes()), size: groups * BLOB_GROUP_BYTES - 1 }
}

/// What stands for a proved slice.
fn slice(blob: &BlobId, groups: Groups) -> Vec<u8> {
    format!("{} {} {}", blob.hash, groups.first, groups.last).into_bytes()
}

#[derive(Default)]
struct Shelf {
    held: BTreeMap<BlobId, BTreeSet<u64>>,
    wanted: BTreeSet<BlobId>,
    /// Peers with whom no room is shared.
    strangers: BTreeSet<NodeId>,
    /// Gives nothing but lies.
    lies: bool,
    /// Groups given, by peer.
    given: Vec<(NodeId, u64)>,
    /// Groups stored that were held already.
    twice: u64,
    /// Peers that said they hold something.
    holders: BTreeSet<(NodeId, BlobId)>,
}

impl Shelf {
    fn is_whole(&self, blob: &BlobId) -> bool {
        self.held.get(blob).is_some_and(|held| held.len() as u64 == blob.groups())
    }

    fn fill(&mut self, blob: BlobId) {
        self.held.insert(blob, (0..blob.groups()).collect());
    }

    fn answer(&mut self, query: Query) -> Answer {
        let storage = StorageId::from_bytes([1; 16]);
        match query {
            Query::Greeting { .. } => Answer::Greeting(Greeting {
                storage,
                latest_change: 0,
                cursor: Cursor { storage, change: 0 },
                shared: Digest::EMPTY,
                ledger: Digest::EMPTY,
            }),
            Query::Changes { .. } => Answer::Changes(ChangePage { rooms: Vec::new(), up_to: 0, more: false }),
            Query::BlobsWanted { except, .. } => {
                let open = self.wanted.iter().filter(|blob| !self.is_whole(blob) && !except.contains(blob));
                let lacking = |blob: &BlobId| {
                    let held = self.held.get(blob).cloned().unwrap_or_default();
                    let mut missing: Vec<Groups> = Vec::new();
                    for group in (0..blob.groups()).filter(|group| !held.contains(group)) {
                        match missing.last_mut() {
                            Some(range) if range.last + 1 == group => range.last = group,
                            _ => missing.push(Groups { first: group, last: group }),
                        }
                    }
                    missing
                };
                Answer::BlobsWanted(
                    open.map(|blob| BlobWanted { room: ROOM, blob: *blob, missing: lacking(blob) }).collect(),
                )
            }
            Query::BlobSlice { peer, room, blob, groups } => {
                Answer::BlobSlice(if room != ROOM || self.strangers.contains(&peer) {
                    BlobPart::NotShared
                } else if !self.is_whole(&blob) {
                    BlobPart::NotHere
                } else if self.lies {
                    BlobPart::Slice(b"something else".to_vec())
                } else {
                    self.given.extend((groups.first..=groups.last).map(|group| (peer, group)));
                    BlobPart::Slice(slice(&blob, groups))
                })
            }
            Query::BlobStore { blob, groups, slice: bytes, .. } => {
                Answer::BlobStored(if bytes != slice(&blob, groups) {
                    BlobStored::Forged
                } else if !self.wanted.contains(&blob) {
                    BlobStored::Unwanted
                } else {
                    let held = self.held.entry(blob).or_default();
                    self.twice += (groups.first..=groups.last).filter(|group| !held.insert(*group)).count() as u64;
                    BlobStored::Kept { complete: self.is_whole(&blob) }
                })
            }
            Query::BlobsHeld { peer, blobs } => {
                self.holders.extend(blobs.into_iter().map(|blob| (peer, blob)));
                Answer::BlobsNoted
            }
            other => panic!("not asked here: {other:?}"),
        }
    }
}

struct Member {
    replica: Replica,
    shelf: Shelf,
    wake_at: Option<u64>,
    forged: bool,
    closed: BTreeSet<NodeId>,
}

/// Some nodes, and lines on which frames travel one by one.
struct World {
    members: BTreeMap<NodeId, Member>,
    lines: BTreeSet<(NodeId, NodeId)>,
    /// From, to, class, bytes.
    flying: VecDeque<(NodeId, NodeId, Class, Vec<u8>)>,
    now_ms: u64,
    /// Frames with parts of attachments between being sent and being taken, the most there were.
    most_unsent: usize,
    frames: u64,
}

impl World {
    fn new(count: u8) -> Self {
        let member = |number| {
            let (replica, shelf) = (Replica::new(node(number)), Shelf::default());
            (node(number), Member { replica, shelf, wake_at: None, forged: false, closed: BTreeSet::new() })
        };
        let members = (1..=count).map(member).collect();
        Self { members, lines: BTreeSet::new(), flying: VecDeque::new(), now_ms: 1, most_unsent: 0, frames: 0 }
    }

    fn shelf(&mut self, number: u8) -> &mut Shelf {
        &mut self.members.get_mut(&node(number)).unwrap().shelf
    }

    fn connect(&mut self, one: u8, other: u8) {
        for (me, peer) in [(node(one), node(other)), (node(other), node(one))] {
            self.lines.insert((me, peer));
            self.feed(me, Event::Connected { peer, nonce: [one ^ other; 16] });
        }
    }

    fn cut(&mut self, one: u8, other: u8) {
        for (me, peer) in [(node(one), node(other)), (node(other), node(one))] {
            if self.lines.remove(&(me, peer)) {
                self.flying.retain(|(from, to, ..)| (*from, *to) != (me, peer));
                self.feed(me, Event::Disconnected { peer });
            }
        }
    }

    fn feed(&mut self, me: NodeId, event: Event) {
        let mut events = VecDeque::from([event]);
        let mut hung_up = Vec::new();
        while let Some(event) = events.pop_front() {
            let member = self.members.get_mut(&me).unwrap();
            for action in member.replica.handle(event, Now { mono_ms: self.now_ms, wall_ms: self.now_ms }) {
                match action {
                    Action::Send { peer, class, bytes } if self.lines.contains(&(me, peer)) => {
                        self.flying.push_back((me, peer, class, bytes));
                    }
                    Action::Send { .. } => {}
                    Action::Ask { ticket, query } => {
                        let answer: (Ticket, Answer) = (ticket, member.shelf.answer(query));
                        events.push_back(Event::Answered { ticket: answer.0, answer: Ok(answer.1) });
                    }
                    Action::Close { peer, .. } => {
                        member.closed.insert(peer);
                        hung_up.push(peer);
                    }
                    Action::WakeAt { mono_ms } => member.wake_at = Some(mono_ms),
                    Action::Notice(Notice::Forged { .. }) => member.forged = true,
                    Action::Notice(_) => {}
                }
            }
        }
        let number = |id: NodeId| id.as_bytes()[0];
        for peer in hung_up {
            self.cut(number(me), number(peer));
        }
    }

    fn changed(&mut self, number: u8) {
        self.feed(node(number), Event::Changed { latest_change: 0, rooms: Vec::new() });
    }

    /// Takes one frame off the wire. Parts of attachments go last, as their stream does.
    fn step(&mut self) -> bool {
        let unsent = |from: NodeId, to: NodeId, flying: &VecDeque<(NodeId, NodeId, Class, Vec<u8>)>| {
            flying.iter().filter(|frame| (frame.0, frame.1, frame.2) == (from, to, Class::Blob)).count()
        };
        for line in &self.lines {
            self.most_unsent = self.most_unsent.max(unsent(line.0, line.1, &self.flying));
        }
        let urgent = self.flying.iter().position(|frame| frame.2 != Class::Blob);
        let Some((from, to, class, bytes)) = self.flying.remove(urgent.unwrap_or(0)) else { return false };
        self.frames += u64::from(class == Class::Blob);
        self.feed(from, Event::Sent { peer: to, class });
        self.feed(to, Event::Frame { peer: from, bytes });
        true
    }

    /// Wakes whoever wanted to be woken first, if that is by then.
    fn wake(&mut self, until: u64) -> bool {
        let due = self.members.iter().filter_map(|(id, member)| Some((member.wake_at?, *id))).min();
        let Some((at, id)) = due.filter(|(at, _)| *at <= until) else { return false };
        self.now_ms = self.now_ms.max(at);
        self.members.get_mut(&id).unwrap().wake_at = None;
        self.feed(id, Event::Timer);
        true
    }

    /// Until nothing moves any more for `ms`.
    fn run(&mut self, ms: u64) {
        let until = self.now_ms + ms;
        loop {
            while self.step() {}
            if !self.wake(until) {
                break;
            }
        }
        self.now_ms = until;
    }

    /// Until a part of an attachment is on its way.
    fn until_given(&mut self) {
        for _ in 0..100 {
            if self.flying.iter().any(|frame| frame.2 == Class::Blob) {
                return;
            }
            if !self.step() {
                self.wake(self.now_ms + 10_000);
            }
        }
        panic!("nothing is given");
    }
}

#[test]
fn an_attachment_goes_over_and_the_giver_learns_that_it_is_held() {
    let (mut world, photo) = (World::new(2), blob(100));
    world.shelf(1).fill(photo);
    world.shelf(2).wanted.insert(photo);
    world.connect(1, 2);
    world.run(2_000);
    assert!(world.shelf(2).is_whole(&photo));
    assert_eq!(world.shelf(1).holders, BTreeSet::from([(node(2), photo)]));
    assert_eq!((world.shelf(2).twice, world.frames, world.most_unsent), (0, 25, 2));
}

#[test]
fn two_peers_share_the_work_and_no_part_is_asked_of_both() {
    let (mut world, photo) = (World::new(3), blob(400));
    for giver in [1, 2] {
        world.shelf(giver).fill(photo);
        world.connect(giver, 3);
    }
    world.run(2_000);
    world.shelf(3).wanted.insert(photo);
    world.changed(3);
    world.run(2_000);
    assert!(world.shelf(3).is_whole(&photo));
    let given = [1, 2].map(|giver| world.shelf(giver).given.len());
    assert_eq!(given.iter().sum::<usize>(), 400);
    assert!(given.iter().all(|count| *count > 100), "{given:?}");
    assert_eq!(world.shelf(3).twice, 0);
}

#[test]
fn what_a_peer_lacks_is_asked_again_when_it_says_that_it_is_here() {
    let (mut world, photo) = (World::new(3), blob(10));
    world.shelf(2).wanted.insert(photo);
    world.shelf(3).wanted.insert(photo);
    world.connect(2, 3);
    world.run(5_000);
    assert!(!world.shelf(3).is_whole(&photo));
    // 3 — 2 — 1: through the one in between.
    world.shelf(1).fill(photo);
    world.connect(1, 2);
    world.run(5_000);
    assert!(world.shelf(2).is_whole(&photo) && world.shelf(3).is_whole(&photo));
}

#[test]
fn who_may_not_have_it_is_not_told_when_it_comes() {
    let (mut world, photo) = (World::new(3), blob(10));
    world.shelf(2).wanted.insert(photo);
    world.shelf(2).strangers.insert(node(3));
    world.shelf(3).wanted.insert(photo);
    world.connect(2, 3);
    world.shelf(1).fill(photo);
    world.connect(1, 2);
    world.run(60 * 60 * 1_000);
    assert!(world.shelf(2).is_whole(&photo) && !world.shelf(3).is_whole(&photo));
    assert!(world.shelf(3).holders.is_empty() && world.shelf(2).given.is_empty());
}

#[test]
fn a_liar_is_left_and_the_file_comes_from_another() {
    let (mut world, photo) = (World::new(3), blob(50));
    world.shelf(1).fill(photo);
    world.shelf(1).lies = true;
    world.shelf(2).fill(photo);
    world.shelf(3).wanted.insert(photo);
    world.connect(1, 3);
    world.connect(2, 3);
    world.run(5_000);
    assert!(world.shelf(3).is_whole(&photo));
    let member = &world.members[&node(3)];
    assert!(member.forged && member.closed == BTreeSet::from([node(1)]));
}

#[test]
fn what_is_no_longer_wanted_stops() {
    let (mut world, photo) = (World::new(2), blob(1_000));
    world.shelf(1).fill(photo);
    world.shelf(2).wanted.insert(photo);
    world.connect(1, 2);
    world.until_given();
    for _ in 0..20 {
        world.step();
    }
    world.shelf(2).wanted.clear();
    world.changed(2);
    world.run(5_000);
    assert!(world.shelf(2).held[&photo].len() < 200);
}

#[test]
fn a_silent_peer_does_not_keep_a_file_from_coming_from_others() {
    let (mut world, photo) = (World::new(3), blob(20));
    world.shelf(1).fill(photo);
    world.shelf(2).fill(photo);
    world.shelf(3).wanted.insert(photo);
    world.connect(1, 3);
    // Asked, and its answers never come.
    world.until_given();
    world.flying.retain(|frame| frame.2 != Class::Blob);
    world.connect(2, 3);
    world.run(5_000);
    assert!(!world.shelf(3).is_whole(&photo), "still claimed by the silent one");
    world.run(120_000);
    assert!(world.shelf(3).is_whole(&photo));
}

#[test]
fn who_breaks_the_protocol_is_closed() {
    let photo = blob(200);
    let want =
        |request| Frame::BlobWant(BlobWant { request, room: ROOM, blob: photo, groups: Groups { first: 0, last: 9 } });
    let data = |request, first| {
        let groups = Groups { first, last: first };
        Frame::BlobData(BlobData { request, groups, slice: slice(&photo, groups) })
    };
    let closed = |frames: Vec<Frame>| {
        let mut world = World::new(2);
        world.shelf(1).fill(photo);
        world.shelf(2).fill(photo);
        world.connect(1, 2);
        world.run(10);
        for frame in frames {
            world.feed(node(1), Event::Frame { peer: node(2), bytes: frame.encode() });
        }
        world.members[&node(1)].closed.contains(&node(2))
    };
    // Two are being read or sent while the others wait.
    assert!(!closed((1..=16).map(want).collect()));
    assert!(closed((1..=40).map(want).collect()));
    assert!(closed(vec![data(1, 0)]) && closed(vec![data(0, 0)]));
    assert!(!closed(vec![Frame::BlobUnavailable { request: 7 }, Frame::BlobHave(vec![photo])]));
}

#[test]
fn another_part_than_was_asked_for_is_refused() {
    let (mut world, photo) = (World::new(2), blob(200));
    world.shelf(1).wanted.insert(photo);
    world.connect(1, 2);
    world.run(10);
    let groups = Groups { first: 5, last: 5 };
    // The honest answer «not here» has come: the request is over, and what still comes for it is let go.
    let late = Frame::BlobData(BlobData { request: 1, groups, slice: slice(&photo, groups) });
    world.feed(node(1), Event::Frame { peer: node(2), bytes: late.encode() });
    assert!(world.members[&node(1)].closed.is_empty() && !world.shelf(1).held.contains_key(&photo));
    let mut world = World::new(2);
    world.shelf(1).wanted.insert(photo);
    world.shelf(2).fill(photo);
    world.connect(1, 2);
    world.until_given();
    world.feed(node(1), Event::Frame { peer: node(2), bytes: late.encode() });
    assert!(world.members[&node(1)].closed.contains(&node(2)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn cut_anywhere_it_goes_on_where_it_was(
        groups in 1..300_u64,
        cuts in proptest::collection::vec((0..120_usize, 1..3_u8), 0..6),
    ) {
        let (mut world, photo) = (World::new(3), blob(groups));
        world.shelf(1).fill(photo);
        world.shelf(2).fill(photo);
        world.shelf(3).wanted.insert(photo);
        world.connect(1, 3);
        world.connect(2, 3);
        for (steps, giver) in &cuts {
            for _ in 0..*steps {
                if !world.step() {
                    world.run(1_000);
                }
            }
            world.cut(*giver, 3);
            world.connect(*giver, 3);
        }
        world.run(10_000);
        prop_assert!(world.shelf(3).is_whole(&photo));
        // What was under way to one peer when it was cut off may come twice, and no more.
        prop_assert!(world.shelf(3).twice <= 2 * 64 * cuts.len() as u64, "{}", world.shelf(3).twice);
        prop_assert!(world.most_unsent <= 2);
    }
}
