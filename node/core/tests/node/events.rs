//! Events: live, resumed, and only for those who listen in time.

use std::sync::Arc;
use std::time::Duration;

use noroshi_node::view::NodeEvent;
use noroshi_sync::id::RoomId;
use tokio::sync::broadcast::Receiver;

use crate::city::{MEMBER, Office, message, new_id, person};

type Event = Arc<(u64, NodeEvent)>;

async fn next(events: &mut Receiver<Event>) -> Event {
    tokio::time::timeout(Duration::from_secs(10), events.recv()).await.expect("an event comes").unwrap()
}

async fn next_of(events: &mut Receiver<Event>, wanted: impl Fn(&NodeEvent) -> bool) -> Event {
    loop {
        let event = next(events).await;
        if wanted(&event.1) {
            return event;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_told_in_order_and_can_be_resumed() {
    let office = Office::founded(0).await;
    let (chief, staff) = (person(0, 0), person(0, 1));
    let room = office.room(&[&chief, &staff]).await;
    let start = office.node.events_after(i64::MAX as u64, 1).await.unwrap();
    assert!(start.refetch && start.events.is_empty());
    let mut live = office.node.events();
    let id = office.post(&chief, room, "一報").await;
    office.node.edit(&chief, room, id, "訂正").await.unwrap();
    office.node.react(&staff, room, id, "ryokai", true).await.unwrap();
    office.node.mark_read(&staff, room, id).await.unwrap();
    office.node.redact(&chief, room, id).await.unwrap();
    let mut told = Vec::new();
    while !matches!(told.last().map(|event: &Event| &event.1), Some(NodeEvent::Redacted { .. })) {
        told.push(next(&mut live).await);
    }
    let told: Vec<_> = told.into_iter().filter(|event| event.0 > start.latest).collect();
    assert!(told.is_sorted_by_key(|event| event.0));
    let names: Vec<&str> = told.iter().map(|event| name(&event.1)).collect();
    assert_eq!(names, ["message", "edited", "reaction", "read", "arrived", "redacted"]);
    let NodeEvent::Read { user, message, .. } = &told[3].1 else { panic!() };
    assert_eq!((*user, *message), (staff.user, id));
    let NodeEvent::Arrived { messages, .. } = &told[4].1 else { panic!() };
    assert_eq!((messages[0].id, messages[0].read), (id.as_uuid(), 1));
    // A browser that was away reads the same, as things look now.
    let page = office.node.events_after(told[0].0, 100).await.unwrap();
    assert!(!page.refetch);
    assert_eq!(page.events.iter().map(|event| name(&event.1)).collect::<Vec<_>>(), names[1..]);
    let NodeEvent::Edited { message, .. } = &page.events[0].1 else { panic!() };
    assert!(message.text.is_empty(), "what was taken back is not told any more");
    let few = office.node.events_after(told[0].0, 2).await.unwrap();
    assert_eq!(few.events.len(), 2);
    let none = office.node.events_after(page.latest, 100).await.unwrap();
    assert!(!none.refetch && none.events.is_empty());
}

fn name(event: &NodeEvent) -> &'static str {
    match event {
        NodeEvent::Message { .. } => "message",
        NodeEvent::Edited { .. } => "edited",
        NodeEvent::Redacted { .. } => "redacted",
        NodeEvent::Reaction { .. } => "reaction",
        NodeEvent::Read { .. } => "read",
        NodeEvent::Arrived { .. } => "arrived",
        NodeEvent::Room { .. } => "room",
        NodeEvent::RoomRemoved { .. } => "room_removed",
        NodeEvent::Document { .. } => "document",
        NodeEvent::Peer { .. } => "peer",
        NodeEvent::Alert { .. } => "alert",
        NodeEvent::Typing { .. } => "typing",
        NodeEvent::Attachment { .. } => "attachment",
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_removed_is_told_so() {
    let office = Office::founded(0).await;
    let (chief, staff) = (person(0, 0), person(0, 1));
    let room = office.room(&[&chief]).await;
    let mut live = office.node.events();
    office.node.set_member(&chief, room, staff.user, MEMBER).await.unwrap();
    next_of(&mut live, |event| matches!(event, NodeEvent::Room { .. })).await;
    office.node.remove_member(&chief, room, staff.user).await.unwrap();
    let event = next_of(&mut live, |event| matches!(event, NodeEvent::RoomRemoved { .. })).await;
    assert_eq!(event.1, NodeEvent::RoomRemoved { room, user: staff.user });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_another_life_means_starting_over() {
    let office = Office::founded(0).await;
    let chief = person(0, 0);
    let room = office.room(&[&chief]).await;
    office.post(&chief, room, "x").await;
    let page = office.node.events_after(0, 1_000).await.unwrap();
    assert!(!page.refetch && !page.events.is_empty());
    assert!(office.node.events_after(page.latest + 1, 10).await.unwrap().refetch);
    let office = office.restart().await;
    let again = office.node.events_after(page.latest, 10).await.unwrap();
    assert!(!again.refetch, "cursors survive a restart");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_is_cut_off_and_the_store_knows_the_rest() {
    let office = Office::founded(0).await;
    let chief = person(0, 0);
    let room = office.room(&[&chief]).await;
    let before = office.node.events_after(i64::MAX as u64, 1).await.unwrap().latest;
    let mut slow = office.node.events();
    let mut fast = office.node.events();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..1_500 {
        let (node, chief) = (office.node.clone(), chief.clone());
        tasks.spawn(async move { node.post(&chief, room, new_id(), message(&format!("{number}"))).await.unwrap() });
    }
    while tasks.join_next().await.is_some() {}
    // Everything was sent when the newest event is.
    let latest = office.node.events_after(i64::MAX as u64, 1).await.unwrap().latest;
    loop {
        match fast.recv().await {
            Ok(event) if event.0 >= latest => break,
            _ => {}
        }
    }
    assert!(matches!(slow.recv().await, Err(tokio::sync::broadcast::error::RecvError::Lagged(_))));
    let page = office.node.events_after(before, 1_000).await.unwrap();
    let rest = office.node.events_after(page.events.last().unwrap().0, 1_000).await.unwrap();
    let count = page.events.iter().chain(&rest.events).filter(|event| name(&event.1) == "message").count();
    assert_eq!(count, 1_500);
}

#[tokio::test(flavor = "multi_thread")]
async fn typing_is_told_here_and_passed_on() {
    let (a, b) = (Office::founded(0).await, Office::founded(1).await);
    let (chief, branch) = (person(0, 0), person(1, 0));
    let room = a.room(&[&chief, &branch]).await;
    crate::city::exchange(&a, &b).await;
    let mut signals = a.node.signals().unwrap();
    assert!(a.node.signals().is_none(), "there is one taker");
    let (mut at_a, mut at_b) = (a.node.events(), b.node.events());
    a.node.typing(&chief, room).await.unwrap();
    a.node.typing(&chief, room).await.unwrap();
    let typing = |event: &NodeEvent| matches!(event, NodeEvent::Typing { .. });
    next_of(&mut at_a, typing).await;
    let signal = signals.recv().await.unwrap();
    assert_eq!((signal.peers, signal.room), (vec![b.id()], room));
    assert!(signals.try_recv().is_err(), "the second one came too soon");
    // Bytes from outside, and a node that may not speak for the person, change nothing.
    b.node.take_signal(a.id(), room, b"\xff\xff garbage").await;
    b.node.take_signal(b.id(), room, &signal.body).await;
    b.node.take_signal(a.id(), RoomId::from_bytes([1; 16]), &signal.body).await;
    b.node.take_signal(a.id(), room, &signal.body).await;
    let event = next_of(&mut at_b, typing).await;
    let NodeEvent::Typing { user, .. } = &event.1 else { panic!() };
    assert_eq!(user.id, chief.user.as_uuid());
    assert!(at_b.is_empty());
}
