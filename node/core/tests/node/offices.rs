//! Several offices: what one writes the others see, and changes are announced to replication.

use std::time::Duration;

use crate::city::{Office, exchange, person};

#[tokio::test(flavor = "multi_thread")]
async fn replication_hears_of_what_is_written_here_and_not_of_what_it_brought() {
    let (a, b) = (Office::founded(0).await, Office::empty(1));
    let (chief, north) = (person(0, 0), person(1, 0));
    let room = a.room(&[&chief, &north]).await;
    let mut at_a = a.node.changes();
    let id = a.post(&chief, room, "一報").await;
    let change = tokio::time::timeout(Duration::from_secs(10), at_a.recv()).await.unwrap().unwrap();
    assert!(change.rooms.contains(&room) && change.latest_change > 0);
    exchange(&a, &b).await;
    assert_eq!(b.texts(&north, room).await, vec!["一報"]);
    let mut events = b.node.events();
    a.node.redact(&chief, room, id).await.unwrap();
    exchange(&a, &b).await;
    assert_eq!(b.texts(&north, room).await, vec![""]);
    let redacted = tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            if let noroshi_node::view::NodeEvent::Redacted { message, .. } = &events.recv().await.unwrap().1 {
                return message.id;
            }
        }
    });
    assert_eq!(redacted.await.unwrap(), id.as_uuid(), "people here are told what came from there");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_office_that_is_closed_refuses_and_opens_again() {
    let office = Office::founded(0).await;
    let chief = person(0, 0);
    let room = office.room(&[&chief]).await;
    office.post(&chief, room, "一").await;
    let node = office.node.clone();
    let office = office.restart().await;
    assert!(node.post(&chief, room, crate::city::new_id(), crate::city::message("二")).await.is_err());
    office.post(&chief, room, "三").await;
    assert_eq!(office.texts(&chief, room).await, vec!["一", "三"]);
    assert!(office.node.check().await.unwrap().damages.is_empty());
}
