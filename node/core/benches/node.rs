//! Figures of one node on a real file: `cargo bench -p noroshi-node`. Prints, never fails on time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use noroshi_node::blobs::Quota;
use noroshi_node::clock::SystemClock;
use noroshi_node::fixture::Fixture;
use noroshi_node::rights::{Action, Object, may};
use noroshi_node::view::{Actor, RoomKind};
use noroshi_node::{Anchor, NewMessage, NewRoom, Node, OpenOptions, PageRequest};
use noroshi_sync::id::{EntryId, Epoch, RoomId};

const MESSAGES: usize = 20_000;
const ROOMS: usize = 1_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let city = Fixture::city(2, 20).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let open = |epoch| {
        let options = OpenOptions {
            folder: folder.path().to_path_buf(),
            clock: Arc::new(SystemClock::new()),
            epoch: Epoch(epoch),
            readers: 4,
            demo: false,
            quota: Quota::default(),
        };
        Node::open(options, city.offices[0].identity.clone()).unwrap()
    };
    let chief = city.actor(0, 0).unwrap();
    let node = open(1);
    runtime.block_on(async {
        node.append_ledger(city.ledger.clone()).await.unwrap();
        println!("may(): {:?} each", rights(&node, &city));
        let others: Vec<Actor> = (1..20).map(|place| city.actor(0, place).unwrap()).collect();
        let room = make_room(&node, &chief, &others).await;
        let alone = posts(&node, &chief, room, 1, 1_000).await;
        println!("post, 1 caller: {alone:.0}/s");
        let together = posts(&node, &chief, room, 32, MESSAGES).await;
        println!("post, 32 callers: {together:.0}/s");
        let page = median(200, || async {
            let request = PageRequest { limit: 50, anchor: Anchor::Latest };
            assert_eq!(node.messages(&chief, room, request).await.unwrap().items.len(), 50);
        });
        println!("newest 50 of {}: {:?}", MESSAGES + 1_000, page.await);
        let start = Instant::now();
        for _ in 0..ROOMS {
            let room = make_room(&node, &chief, &others[..3]).await;
            posts(&node, &chief, room, 20, 20).await;
        }
        println!("{ROOMS} rooms with 20 messages each made in {:?}", start.elapsed());
        let list = median(20, || async {
            assert_eq!(node.rooms(&chief).await.unwrap().len(), ROOMS + 1);
        });
        println!("list of {} rooms: {:?}", ROOMS + 1, list.await);
        let gaps = Instant::now();
        node.peers(None).await.unwrap();
        println!("peers and what is missing, first time: {:?}", gaps.elapsed());
        node.close().await;
    });
    let start = Instant::now();
    let node = open(2);
    println!("open: {:?}", start.elapsed());
    runtime.block_on(async {
        let start = Instant::now();
        node.reindex(|_, _| {}).await.unwrap();
        println!("reindex: {:?}", start.elapsed());
        node.close().await;
    });
}

/// One question about rights, over all actions, by an office administrator about somebody of the office.
fn rights(node: &Node, city: &Fixture) -> Duration {
    const TIMES: u32 = 10_000;
    let directory = node.directory();
    let (actor, person) = (city.actor(1, 0).unwrap(), city.actor(1, 5).unwrap());
    let start = Instant::now();
    for _ in 0..TIMES {
        for action in Action::ALL {
            let answer = may(&directory, &actor, action, Object::Person(person.user));
            let _ = std::hint::black_box(answer);
        }
    }
    start.elapsed() / (TIMES * Action::ALL.len() as u32)
}

async fn make_room(node: &Node, chief: &Actor, others: &[Actor]) -> RoomId {
    let new = NewRoom {
        id: None,
        name: "災害対策本部".into(),
        topic: "台風".into(),
        purpose: String::new(),
        kind: RoomKind::Group,
        members: others.iter().map(|actor| actor.user).collect(),
        offices: Vec::new(),
    };
    RoomId::from_uuid(node.create_room(chief, new).await.unwrap().1.id)
}

/// Posts a second.
async fn posts(node: &Node, actor: &Actor, room: RoomId, callers: usize, count: usize) -> f64 {
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..callers {
        let (node, actor) = (node.clone(), actor.clone());
        tasks.spawn(async move {
            for number in 0..count / callers {
                let id = EntryId::from_uuid(uuid::Uuid::now_v7());
                let text = format!("{number} 番の避難所、現在の人数は {} 人、毛布が足りません。", number * 7 % 400);
                let new = NewMessage { text, ..NewMessage::default() };
                assert!(node.post(&actor, room, id, new).await.unwrap().0);
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    count as f64 / start.elapsed().as_secs_f64()
}

async fn median<F: Future<Output = ()>>(times: usize, work: impl Fn() -> F) -> Duration {
    let mut durations = Vec::with_capacity(times);
    for _ in 0..times {
        let start = Instant::now();
        work().await;
        durations.push(start.elapsed());
    }
    durations.sort();
    durations[times / 2]
}
