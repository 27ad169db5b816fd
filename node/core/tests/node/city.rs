//! A city whose offices run as nodes in temporary folders.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use noroshi_node::blobs::Quota;
use noroshi_node::clock::Clock;
use noroshi_node::fixture::{FOUNDED_MS, Fixture};
use noroshi_node::view::{Actor, RoomKind, RoomRole};
use noroshi_node::{NewMessage, NewRoom, Node, OpenOptions};
use noroshi_sync::frontier::LogState;
use noroshi_sync::id::{EntryId, Epoch, NodeId, RoomId};
use noroshi_sync::store::{Answer, Batch, LogRange, Query, Refusal, WindowOutcome};

pub static CITY: LazyLock<Fixture> = LazyLock::new(|| Fixture::city(3, 4).unwrap());

/// A clock that tests move.
#[derive(Debug)]
pub struct TestClock(pub AtomicU64);

impl Clock for TestClock {
    fn wall_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
    fn mono_ms(&self) -> u64 {
        self.wall_ms()
    }
}

impl TestClock {
    pub fn advance(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

/// One office: its node, and the folder that goes with the test.
pub struct Office {
    pub node: Node,
    pub clock: Arc<TestClock>,
    city: &'static Fixture,
    number: usize,
    starts: u64,
    /// Of the next start.
    pub quota: Quota,
    folder: tempfile::TempDir,
}

impl Office {
    /// A node that knows nothing but its own name.
    pub fn empty(number: usize) -> Self {
        Self::empty_in(&CITY, number)
    }

    fn empty_in(city: &'static Fixture, number: usize) -> Self {
        let clock = Arc::new(TestClock(AtomicU64::new(FOUNDED_MS + 1_000_000)));
        let folder = tempfile::tempdir().unwrap();
        let quota = Quota { free_min: 0, ..Quota::default() };
        let node = open(city, number, 1, &folder, &clock, quota);
        Self { node, clock, city, number, starts: 1, quota, folder }
    }

    /// A node with the city's ledger.
    pub async fn founded(number: usize) -> Self {
        Self::founded_in(&CITY, number).await
    }

    pub async fn founded_in(city: &'static Fixture, number: usize) -> Self {
        let office = Self::empty_in(city, number);
        office.node.append_ledger(city.ledger.clone()).await.unwrap();
        office
    }

    pub fn id(&self) -> NodeId {
        self.node.id()
    }

    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// As a process that ends in order and starts again.
    pub async fn restart(mut self) -> Self {
        self.node.close().await;
        self.starts += 1;
        self.node = open(self.city, self.number, self.starts, &self.folder, &self.clock, self.quota);
        self
    }

    /// A group with these people, made by the first.
    pub async fn room(&self, people: &[&Actor]) -> RoomId {
        let new = new_room("本部", RoomKind::Group, &people[1..]);
        let (created, view) = self.node.create_room(people[0], new).await.unwrap();
        assert!(created);
        RoomId::from_uuid(view.id)
    }

    pub async fn post(&self, actor: &Actor, room: RoomId, text: &str) -> EntryId {
        let id = new_id();
        let (created, view) = self.node.post(actor, room, id, message(text)).await.unwrap();
        assert!(created && view.text == text);
        id
    }

    pub async fn texts(&self, actor: &Actor, room: RoomId) -> Vec<String> {
        let request = noroshi_node::PageRequest { limit: 200, anchor: noroshi_node::Anchor::Latest };
        let page = self.node.messages(actor, room, request).await.unwrap();
        page.items.into_iter().map(|message| message.text).collect()
    }

    pub async fn unread(&self, actor: &Actor, room: RoomId) -> u32 {
        self.node.room(actor, room).await.unwrap().unread
    }

    /// Takes everything the other node offers, as a session would, question by question.
    pub async fn pull(&self, from: &Self) {
        let me = self.id();
        let Answer::Changes(page) = from.ask(Query::Changes { peer: me, after: 0 }).await else { panic!() };
        for lines in page.rooms {
            let room = lines.room;
            let holdings = Query::Holdings { peer: from.id(), rooms: vec![room], offered: vec![] };
            let Answer::Holdings(held, _) = self.ask(holdings).await else { panic!() };
            let mut ranges = Vec::new();
            for (log, state) in &lines.logs {
                let mine = held[0].lines.logs.get(log).cloned().unwrap_or_else(|| LogState::empty(log));
                ranges.extend(mine.missing_from(state).into_iter().map(|(first, last)| LogRange {
                    log: *log,
                    first,
                    last,
                }));
            }
            let mut windows = Vec::new();
            while !ranges.is_empty() {
                let question = Query::Windows { peer: me, ranges, bytes_max: 1 << 20 };
                let Answer::Windows(page) = from.ask(question).await else { panic!() };
                windows.extend(page.windows.into_iter().map(|window| window.verify().unwrap()));
                ranges = page.rest;
            }
            let wanted = lines.registers.keys().map(|node| (room, *node)).collect();
            let Answer::Registers(registers) = from.ask(Query::Registers { peer: me, wanted }).await else { panic!() };
            let registers = registers.into_iter().map(|register| register.verify().unwrap()).collect();
            let batch = Batch { peer: from.id(), windows, registers, cursor: None };
            let Answer::Applied(applied) = self.ask(Query::Apply(batch)).await else { panic!() };
            // What waits for the ledger or a policy comes with the next pull; nothing else may be refused.
            let waits = |refusal| matches!(refusal, Refusal::UnknownWriter | Refusal::NotAdmitted);
            for outcome in applied.windows {
                assert!(!matches!(outcome, WindowOutcome::Refused { refusal, .. } if !waits(refusal)), "{outcome:?}");
            }
        }
    }

    pub async fn ask(&self, query: Query) -> Answer {
        self.node.answer(query).await.unwrap()
    }
}

fn open(
    city: &Fixture,
    number: usize,
    epoch: u64,
    folder: &tempfile::TempDir,
    clock: &Arc<TestClock>,
    quota: Quota,
) -> Node {
    let options = OpenOptions {
        folder: folder.path().to_path_buf(),
        clock: clock.clone(),
        epoch: Epoch(number as u64 * 1_000 + epoch),
        readers: 2,
        demo: false,
        quota,
    };
    Node::open(options, city.offices[number].identity.clone()).unwrap()
}

/// Both hold what both may hold, registers included.
pub async fn exchange(a: &Office, b: &Office) {
    for _ in 0..2 {
        a.pull(b).await;
        b.pull(a).await;
    }
}

/// Waits until the condition holds, exchanging all the while: registers are written by the nodes in their own time.
pub async fn exchange_until<F: Future<Output = bool>>(a: &Office, b: &Office, condition: impl Fn() -> F) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !condition().await {
        assert!(std::time::Instant::now() < deadline, "it does not come true");
        exchange(a, b).await;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

pub fn new_id() -> EntryId {
    EntryId::from_uuid(uuid::Uuid::now_v7())
}

pub fn message(text: &str) -> NewMessage {
    NewMessage { text: text.into(), ..NewMessage::default() }
}

pub fn new_room(name: &str, kind: RoomKind, members: &[&Actor]) -> NewRoom {
    NewRoom {
        id: None,
        name: name.into(),
        topic: String::new(),
        purpose: String::new(),
        kind,
        members: members.iter().map(|member| member.user).collect(),
        offices: Vec::new(),
    }
}

/// Person number `place` of office number `office`.
pub fn person(office: usize, place: usize) -> Actor {
    CITY.actor(office, place).unwrap()
}

pub const ADMIN: RoomRole = RoomRole::Admin;
pub const MEMBER: RoomRole = RoomRole::Member;

/// Waits until the condition holds; fails after ten seconds.
pub async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), waiting).await.expect("it did not come about");
}
