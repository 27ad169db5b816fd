//! A whole network in one file: replicas over stores in memory, virtual time, seeded links.

#![allow(dead_code, clippy::unwrap_used, clippy::indexing_slicing)]

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use noroshi_sync::checkpoint::NodeKey;
use noroshi_sync::entry::{Draft, Lane};
use noroshi_sync::event::{Action, CloseReason, Event, Notice, Now};
use noroshi_sync::frame::{Class, Frame, Payload};
use noroshi_sync::id::{DeviceId, EntryId, Epoch, NodeId, RoomId, StorageId, UserId};
use noroshi_sync::replica::Replica;
use noroshi_sync::store::memory::MemoryStore;
use noroshi_sync::store::{Query, Store, WallClock, execute};

/// What the queue holds: something that happens at a node.
#[derive(Debug, Clone)]
struct Happening {
    node: usize,
    event: Event,
    /// Frames and confirmations belong to one connection and die with it.
    connection: Option<(usize, u64)>,
}

pub struct Member {
    pub store: MemoryStore,
    pub replica: Replica,
    pub notices: Vec<Notice>,
    pub queries: Vec<&'static str>,
    pub closes: Vec<CloseReason>,
    alive: bool,
}

/// See the module.
pub struct World {
    pub members: Vec<Member>,
    pub now_ms: u64,
    /// (from, to) → bytes of frames sent.
    pub sent: BTreeMap<(usize, usize), u64>,
    pub frames: Vec<(usize, usize, &'static str, usize)>,
    queue: BinaryHeap<Reverse<(u64, u64)>>,
    happenings: BTreeMap<u64, Happening>,
    order: u64,
    links: BTreeSet<(usize, usize)>,
    generation: u64,
    connections: BTreeMap<(usize, usize), u64>,
    arrivals: BTreeMap<(usize, usize, Class), u64>,
    random: u64,
    pub jitter_ms: u64,
    /// The transport takes no more frames of this member.
    pub stalled: Option<usize>,
    /// Data frames of this member never arrive.
    pub mute: Option<usize>,
    /// A member whose data frames are changed on their way.
    pub tamper: Option<Tamper>,
    epochs: u64,
}

/// A lie told on the way: the member that tells it, and what becomes of a data frame's payload.
pub type Tamper = (usize, fn(&mut Payload));

const LATENCY_MS: u64 = 10;

pub fn room(number: u8) -> RoomId {
    RoomId::from_bytes([number; 16])
}

impl World {
    pub fn new(count: u8, seed: u64) -> Self {
        let members = (1..=count).map(|number| Member::new(number, u64::from(number))).collect();
        Self {
            members,
            now_ms: 1_000_000,
            sent: BTreeMap::new(),
            frames: Vec::new(),
            queue: BinaryHeap::new(),
            happenings: BTreeMap::new(),
            order: 0,
            links: BTreeSet::new(),
            generation: 0,
            connections: BTreeMap::new(),
            arrivals: BTreeMap::new(),
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            jitter_ms: 0,
            stalled: None,
            mute: None,
            tamper: None,
            epochs: 100,
        }
    }

    /// xorshift64*; enough to shuffle, and the same everywhere.
    pub fn random(&mut self, below: u64) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        (self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % below.max(1)
    }

    pub fn node(&self, index: usize) -> NodeId {
        self.members[index].store.node()
    }

    /// A room that these members hold.
    pub fn share(&mut self, room: RoomId, who: &[usize]) {
        let nodes: BTreeSet<NodeId> = who.iter().map(|index| self.node(*index)).collect();
        for index in who {
            self.members[*index].store.set_audience(room, nodes.clone());
        }
    }

    pub fn post(&mut self, index: usize, room: RoomId, lane: Lane, count: u64) {
        let drafts: Vec<Draft> = (0..count)
            .map(|_| {
                self.order += 1;
                let mut id = [0x70; 16];
                id[8..].copy_from_slice(&self.order.to_be_bytes());
                let (author, device) = (UserId::from_bytes([3; 16]), DeviceId::from_bytes([4; 16]));
                let body = format!("{index}: 道路の状況を確認中 {}", self.order).into_bytes();
                Draft::attested(room, lane, EntryId::from_bytes(id), 1, author, device, EntryId::NIL, body)
            })
            .collect();
        self.append(index, room, drafts);
    }

    /// As [`World::post`], with bodies of the largest size that do not compress.
    pub fn post_large(&mut self, index: usize, room: RoomId, lane: Lane, count: u64) {
        let large = |number: u64| {
            let mut body = vec![0; noroshi_sync::limits::ENTRY_BODY_BYTES_MAX];
            blake3::Hasher::new().update(&number.to_be_bytes()).finalize_xof().fill(&mut body);
            let (author, device) = (UserId::from_bytes([3; 16]), DeviceId::from_bytes([4; 16]));
            let id = EntryId::from_bytes(*body.first_chunk().unwrap());
            Draft::attested(room, lane, id, 1, author, device, EntryId::NIL, body)
        };
        self.append(index, room, (0..count).map(large).collect());
    }

    fn append(&mut self, index: usize, room: RoomId, drafts: Vec<Draft>) {
        let count = drafts.len();
        let clock = WallClock { now_ms: self.now_ms, offset_ms: None };
        let appended = self.members[index].store.append(drafts, clock).unwrap();
        assert_eq!(appended.len(), count);
        self.happen(index, Event::Changed { latest_change: 0, rooms: vec![room] });
    }

    /// Hands an event to a node at once.
    pub fn happen(&mut self, index: usize, event: Event) {
        let now = self.now();
        let actions = self.members[index].replica.handle(event, now);
        self.carry_out(index, actions);
    }

    pub fn connect(&mut self, a: usize, b: usize) {
        self.links.insert(key(a, b));
        self.reconnect(a, b);
    }

    fn reconnect(&mut self, a: usize, b: usize) {
        self.generation += 1;
        self.connections.insert(key(a, b), self.generation);
        let nonce = [7; 16];
        for (from, to) in [(a, b), (b, a)] {
            let peer = self.node(to);
            self.happen(from, Event::Connected { peer, nonce });
        }
    }

    /// Frames under way are lost.
    pub fn cut(&mut self, a: usize, b: usize) {
        self.links.remove(&key(a, b));
        self.drop_connection(a, b);
    }

    fn drop_connection(&mut self, a: usize, b: usize) {
        if self.connections.remove(&key(a, b)).is_some() {
            for (from, to) in [(a, b), (b, a)] {
                let peer = self.node(to);
                self.happen(from, Event::Disconnected { peer });
            }
        }
    }

    /// The process dies and starts again: the replica is new, the store keeps what was committed.
    pub fn crash(&mut self, index: usize) {
        let peers: Vec<usize> =
            (0..self.members.len()).filter(|other| self.connections.contains_key(&key(index, *other))).collect();
        for peer in &peers {
            self.connections.remove(&key(index, *peer));
            let gone = self.node(index);
            self.happen(*peer, Event::Disconnected { peer: gone });
        }
        self.epochs += 1;
        let epoch = Epoch(self.epochs);
        let node = self.node(index);
        let member = &mut self.members[index];
        member.store.restart(epoch);
        member.replica = Replica::new(node);
        self.happenings.retain(|_, happening| happening.node != index);
        for peer in peers {
            self.reconnect(index, peer);
        }
    }

    pub fn now(&self) -> Now {
        Now { mono_ms: self.now_ms, wall_ms: 1_790_000_000_000 + self.now_ms }
    }

    fn enqueue(&mut self, delay_ms: u64, happening: Happening) {
        self.enqueue_at(self.now_ms + delay_ms, happening);
    }

    fn enqueue_at(&mut self, at: u64, happening: Happening) {
        self.order += 1;
        self.queue.push(Reverse((at, self.order)));
        self.happenings.insert(self.order, happening);
    }

    fn carry_out(&mut self, index: usize, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Send { peer, class, bytes } => self.send(index, peer, class, bytes),
                Action::Ask { ticket, query } => {
                    self.members[index].queries.push(name_of(&query));
                    let answer = execute(&mut self.members[index].store, query);
                    let delay = self.random(3);
                    self.enqueue(
                        delay,
                        Happening { node: index, event: Event::Answered { ticket, answer }, connection: None },
                    );
                }
                Action::Close { peer, reason } => {
                    self.members[index].closes.push(reason);
                    let other = self.index(peer);
                    self.drop_connection(index, other);
                }
                Action::WakeAt { mono_ms } => {
                    self.enqueue_at(
                        mono_ms.max(self.now_ms),
                        Happening { node: index, event: Event::Timer, connection: None },
                    );
                }
                Action::Notice(notice) => self.members[index].notices.push(notice),
            }
        }
    }

    fn send(&mut self, from: usize, peer: NodeId, class: Class, mut bytes: Vec<u8>) {
        let to = self.index(peer);
        assert!(
            bytes.len() <= noroshi_sync::limits::FRAME_BYTES_MAX,
            "{} of {} bytes",
            frame_name(&bytes),
            bytes.len()
        );
        if let (Some((_, tamper)), Ok(Frame::Data(mut data))) =
            (self.tamper.filter(|(liar, _)| *liar == from), Frame::decode(&bytes))
        {
            let mut payload = Payload::decompress(&data.payload).unwrap();
            tamper(&mut payload);
            data.payload = payload.compress().unwrap();
            bytes = Frame::Data(data).encode();
        }
        let Some(generation) = self.connections.get(&key(from, to)).copied() else { return };
        if self.mute == Some(from) && frame_name(&bytes) == "data" {
            return;
        }
        *self.sent.entry((from, to)).or_default() += bytes.len() as u64;
        self.frames.push((from, to, frame_name(&bytes), bytes.len()));
        let jitter = self.random(self.jitter_ms + 1);
        // A class is one ordered stream; classes overtake each other.
        let earliest = self.arrivals.get(&(from, to, class)).copied().unwrap_or(0);
        let arrival = (self.now_ms + LATENCY_MS + jitter).max(earliest);
        self.arrivals.insert((from, to, class), arrival);
        let connection = Some((to, generation));
        let sender = self.node(from);
        self.enqueue_at(arrival, Happening { node: to, event: Event::Frame { peer: sender, bytes }, connection });
        if self.stalled != Some(from) {
            let connection = Some((to, generation));
            self.enqueue(1, Happening { node: from, event: Event::Sent { peer, class }, connection });
        }
    }

    fn index(&self, node: NodeId) -> usize {
        self.members.iter().position(|member| member.store.node() == node).unwrap()
    }

    fn is_current(&self, happening: &Happening) -> bool {
        let Some((other, generation)) = happening.connection else { return true };
        let (a, b) = match &happening.event {
            Event::Frame { peer, .. } => (happening.node, self.index(*peer)),
            _ => (happening.node, other),
        };
        self.connections.get(&key(a, b)) == Some(&generation)
    }

    /// Runs everything that happens within the next `ms`.
    pub fn run(&mut self, ms: u64) {
        let end = self.now_ms + ms;
        let mut steps = 0u64;
        while let Some(Reverse((at, order))) = self.queue.peek().copied() {
            if at > end {
                break;
            }
            self.queue.pop();
            self.now_ms = self.now_ms.max(at);
            let Some(happening) = self.happenings.remove(&order) else { continue };
            if self.is_current(&happening) {
                steps += 1;
                assert!(steps < 2_000_000, "no end in sight");
                self.happen(happening.node, happening.event);
            }
        }
        self.now_ms = end;
    }

    /// All members hold the same of this room.
    pub fn is_equal(&self, room: RoomId, who: &[usize]) -> bool {
        let first = self.members[who[0]].store.frontier(room);
        who.iter().all(|index| self.members[*index].store.frontier(room) == first)
    }

    pub fn count(&self, index: usize, room: RoomId) -> usize {
        self.members[index].store.entries(room).count()
    }

    pub fn forget_traffic(&mut self) {
        self.sent.clear();
        self.frames.clear();
        for member in &mut self.members {
            member.notices.clear();
            member.queries.clear();
        }
    }

    pub fn in_sync(&self, index: usize) -> bool {
        self.members[index].notices.iter().any(|notice| matches!(notice, Notice::InSync { .. }))
    }
}

impl Member {
    fn new(number: u8, epoch: u64) -> Self {
        let key = NodeKey::from_seed(&[number; 32]).unwrap();
        let node = key.node();
        let store = MemoryStore::new(key, Epoch(epoch), StorageId::from_bytes([number; 16]));
        Self {
            store,
            replica: Replica::new(node),
            notices: Vec::new(),
            queries: Vec::new(),
            closes: Vec::new(),
            alive: true,
        }
    }
}

fn key(a: usize, b: usize) -> (usize, usize) {
    (a.min(b), a.max(b))
}

fn name_of(query: &Query) -> &'static str {
    match query {
        Query::Greeting { .. } => "greeting",
        Query::Changes { .. } => "changes",
        Query::List { .. } => "list",
        Query::Offers { .. } => "offers",
        Query::Holdings { .. } => "holdings",
        Query::Windows { .. } => "windows",
        Query::Registers { .. } => "registers",
        Query::Apply(_) => "apply",
        Query::BlobsWanted { .. } => "blobs-wanted",
        Query::BlobSlice { .. } => "blob-slice",
        Query::BlobStore { .. } => "blob-store",
        Query::BlobsHeld { .. } => "blobs-held",
        Query::LedgerOnly(inner) => name_of(inner),
    }
}

pub fn frame_name(bytes: &[u8]) -> &'static str {
    Frame::decode(bytes).map_or("garbage", |frame| frame.name())
}
