//! Reading and arrival between offices, through registers that the nodes write by themselves.

use noroshi_node::view::NodeEvent;
use noroshi_node::{Anchor, PageRequest};
use noroshi_sync::id::RoomId;

use crate::city::{Office, exchange, exchange_until, person};

async fn view(office: &Office, actor: &noroshi_node::view::Actor, room: RoomId) -> noroshi_node::view::MessageView {
    let request = PageRequest { limit: 1, anchor: Anchor::Latest };
    office.node.messages(actor, room, request).await.unwrap().items.pop().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_arrives_office_by_office_and_is_read_person_by_person() {
    let (a, b, c) = (Office::founded(0).await, Office::empty(1), Office::empty(2));
    let (chief, north, south) = (person(0, 0), person(1, 0), person(2, 0));
    let room = a.room(&[&chief, &north, &south]).await;
    exchange(&a, &b).await;
    exchange(&a, &c).await;
    let id = a.post(&chief, room, "避難指示").await;
    let fresh = view(&a, &chief, room).await;
    assert_eq!((fresh.arrived, fresh.offices, fresh.read), (1, 3, 0));
    exchange_until(&a, &b, || async { view(&a, &chief, room).await.arrived == 2 }).await;
    let receipts = a.node.receipts(&chief, room, id).await.unwrap();
    assert_eq!((receipts.arrived.len(), receipts.missing.len()), (2, 1));
    assert_eq!(receipts.missing[0].office.name, "南支所");
    assert!(receipts.arrived.iter().all(|arrival| arrival.at.is_some()) && receipts.missing[0].at.is_none());
    assert_eq!((receipts.read.len(), receipts.unread.len()), (0, 2));
    // The branch sees the same from its side at once: it holds the message, and its writer does.
    assert_eq!(view(&b, &north, room).await.arrived, 2);
    exchange_until(&a, &c, || async { view(&a, &chief, room).await.arrived == 3 }).await;
    b.node.mark_read(&north, room, id).await.unwrap();
    exchange_until(&a, &b, || async { view(&a, &chief, room).await.read == 1 }).await;
    let receipts = a.node.receipts(&chief, room, id).await.unwrap();
    assert_eq!(receipts.read[0].user.id, north.user.as_uuid());
    assert_eq!(receipts.unread.iter().map(|user| user.id).collect::<Vec<_>>(), vec![south.user.as_uuid()]);
    // Arrival is known through others too: the north learns from headquarters that the south has it.
    exchange_until(&a, &b, || async { view(&b, &north, room).await.arrived == 3 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unread_counts_and_late_messages_are_the_readers_own() {
    let (a, b) = (Office::founded(0).await, Office::empty(1));
    let (chief, north) = (person(0, 0), person(1, 0));
    let room = a.room(&[&chief, &north]).await;
    exchange(&a, &b).await;
    b.clock.advance(10_000);
    a.clock.advance(60_000);
    let late = b.post(&north, room, "増水").await;
    let newest = a.post(&chief, room, "本部設置").await;
    a.node.mark_read(&chief, room, newest).await.unwrap();
    exchange(&a, &b).await;
    let shown = a.node.room(&chief, room).await.unwrap();
    assert_eq!((shown.unread, shown.first_unread, shown.my_read), (1, Some(late.as_uuid()), Some(newest.as_uuid())));
    assert_eq!(shown.late, 1);
    // The event says for whom it is late, and the list of the late ones has it.
    let events = a.node.events_after(0, 1_000).await.unwrap().events;
    let told = events.iter().find_map(|(_, event)| match event {
        NodeEvent::Message { message, late_for, .. } if message.id == late.as_uuid() => Some(late_for.clone()),
        _ => None,
    });
    assert_eq!(told, Some(vec![chief.user]));
    let list = a.node.messages(&chief, room, PageRequest { limit: 50, anchor: Anchor::Late(None) }).await.unwrap();
    assert_eq!(list.items.iter().map(|message| message.id).collect::<Vec<_>>(), vec![late.as_uuid()]);
    let request = PageRequest { limit: 50, anchor: Anchor::Latest };
    let page = a.node.messages(&chief, room, request.clone()).await.unwrap();
    assert_eq!(page.items.iter().map(|message| message.late).collect::<Vec<_>>(), vec![true, false]);
    a.node.mark_read(&chief, room, newest).await.unwrap();
    assert_eq!(a.node.room(&chief, room).await.unwrap().unread, 0);
    assert!(a.node.messages(&chief, room, request).await.unwrap().items.iter().all(|message| !message.late));
    let north_view = b.node.room(&north, room).await.unwrap();
    assert_eq!((north_view.unread, north_view.first_unread), (1, Some(newest.as_uuid())));
    // Marks survive a restart.
    let a = a.restart().await;
    assert_eq!(a.node.room(&chief, room).await.unwrap().my_read, Some(newest.as_uuid()));
}
