//! Files between offices: to whom a node gives them, what it takes, what it gives up.

use noroshi_node::blobs::Quota;
use noroshi_node::error::ServiceError;
use noroshi_node::view::{Actor, AttachmentState, AttachmentView, UploadView};
use noroshi_node::{NewMessage, named};
use noroshi_sync::blob::{BlobId, Groups};
use noroshi_sync::id::{EntryId, NodeId, RoomId};
use noroshi_sync::store::{Answer, BlobPart, BlobStored, BlobWanted, Query};

use crate::city::{Office, exchange, new_id, person};

/// A document of so many bytes, different for each number.
fn document(number: u8, size: usize) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n".to_vec();
    bytes.resize(size, number);
    bytes
}

async fn upload(office: &Office, actor: &Actor, bytes: &[u8]) -> UploadView {
    let mut upload = office.node.begin_upload(actor).await.unwrap();
    upload.write(bytes.to_vec()).await.unwrap();
    upload.finish("図面.pdf", false).await.unwrap()
}

async fn post(office: &Office, actor: &Actor, room: RoomId, upload: &UploadView) -> EntryId {
    let attachments = vec![named(upload.hash.parse().unwrap(), &upload.name)];
    let id = new_id();
    office.node.post(actor, room, id, NewMessage { attachments, ..NewMessage::default() }).await.unwrap();
    id
}

async fn shown(office: &Office, actor: &Actor, room: RoomId) -> AttachmentView {
    let request = noroshi_node::PageRequest { limit: 1, anchor: noroshi_node::Anchor::Latest };
    let page = office.node.messages(actor, room, request).await.unwrap();
    page.items[0].attachments[0].clone()
}

async fn slice(office: &Office, peer: NodeId, room: RoomId, blob: BlobId, groups: Groups) -> BlobPart {
    match office.ask(Query::BlobSlice { peer, room, blob, groups }).await {
        Answer::BlobSlice(part) => part,
        other => panic!("{other:?}"),
    }
}

async fn store(
    office: &Office,
    peer: NodeId,
    room: RoomId,
    blob: BlobId,
    groups: Groups,
    slice: Vec<u8>,
) -> BlobStored {
    match office.ask(Query::BlobStore { peer, room, blob, groups, slice }).await {
        Answer::BlobStored(stored) => stored,
        other => panic!("{other:?}"),
    }
}

async fn wanted(office: &Office, peer: NodeId) -> Vec<BlobWanted> {
    match office.ask(Query::BlobsWanted { peer, except: Vec::new() }).await {
        Answer::BlobsWanted(wanted) => wanted,
        other => panic!("{other:?}"),
    }
}

fn all(blob: &BlobId) -> Groups {
    Groups { first: 0, last: blob.groups() - 1 }
}

/// Carries the file over in one slice.
async fn carry(from: &Office, to: &Office, room: RoomId, blob: BlobId) -> BlobStored {
    let BlobPart::Slice(bytes) = slice(from, to.id(), room, blob, all(&blob)).await else { panic!("not given") };
    store(to, from.id(), room, blob, all(&blob), bytes).await
}

#[tokio::test]
async fn a_file_goes_to_who_shares_the_room_and_to_nobody_else() {
    let (hq, north) = (Office::founded(0).await, Office::founded(1).await);
    let (boss, clerk, third) = (person(0, 1), person(1, 0), person(2, 0));
    let room = north.room(&[&clerk, &boss]).await;
    exchange(&hq, &north).await;
    let bytes = document(1, 50_000);
    let blob = BlobId::of(&bytes);
    let view = upload(&north, &clerk, &bytes).await;
    assert_eq!((&view.hash, view.size), (&blob.hash.to_string(), 50_000));
    // Not posted: given to nobody.
    assert_eq!(slice(&north, hq.id(), room, blob, all(&blob)).await, BlobPart::NotShared);
    let message = post(&north, &clerk, room, &view).await;
    assert_eq!(
        slice(&north, crate::city::CITY.offices[2].identity.node(), room, blob, all(&blob)).await,
        BlobPart::NotShared
    );
    assert_eq!(slice(&north, NodeId::from_bytes([9; 32]), room, blob, all(&blob)).await, BlobPart::NotShared);
    let other = north.room(&[&clerk, &boss]).await;
    assert_eq!(slice(&north, hq.id(), other, blob, all(&blob)).await, BlobPart::NotShared);

    // Headquarters has not heard of the message: it takes nothing.
    let BlobPart::Slice(given) = slice(&north, hq.id(), room, blob, all(&blob)).await else { panic!() };
    assert_eq!(store(&hq, north.id(), room, blob, all(&blob), given.clone()).await, BlobStored::Unwanted);
    exchange(&hq, &north).await;
    assert_eq!(shown(&hq, &boss, room).await.state, AttachmentState::Coming);
    let lacking = wanted(&hq, north.id()).await;
    assert_eq!(lacking, vec![BlobWanted { room, blob, missing: vec![all(&blob)] }]);
    let mut forged = given.clone();
    forged[200] ^= 1;
    assert_eq!(store(&hq, north.id(), room, blob, all(&blob), forged).await, BlobStored::Forged);
    // From a node that shares no room with it, the truth is not taken either.
    let stranger = NodeId::from_bytes([9; 32]);
    assert_eq!(store(&hq, stranger, room, blob, all(&blob), given.clone()).await, BlobStored::Unwanted);
    assert_eq!(store(&hq, north.id(), room, blob, all(&blob), given).await, BlobStored::Kept { complete: true });
    assert_eq!(shown(&hq, &boss, room).await.state, AttachmentState::Here);
    assert!(wanted(&hq, north.id()).await.is_empty());
    let hash = blob.hash;
    assert!(hq.node.attachment(&boss, hash).await.is_ok());
    assert_eq!(hq.node.attachment(&third, hash).await.unwrap_err(), ServiceError::NotFound);
    // Taken back: given to nobody any more.
    north.node.redact(&clerk, room, message).await.unwrap();
    assert_eq!(slice(&north, hq.id(), room, blob, all(&blob)).await, BlobPart::NotShared);
}

#[tokio::test]
async fn an_office_fetches_what_somebody_asks_for_and_remembers_it_over_a_restart() {
    let (hq, north) = (Office::founded(0).await, Office::founded(1).await);
    let (boss, clerk) = (person(0, 1), person(1, 0));
    let room = hq.room(&[&boss, &clerk]).await;
    let bytes = document(2, 40_000);
    let blob = BlobId::of(&bytes);
    let view = upload(&hq, &boss, &bytes).await;
    post(&hq, &boss, room, &view).await;
    exchange(&hq, &north).await;
    assert_eq!(shown(&north, &clerk, room).await.state, AttachmentState::Elsewhere);
    assert!(wanted(&north, hq.id()).await.is_empty());
    assert_eq!(carry(&hq, &north, room, blob).await, BlobStored::Unwanted);
    assert_eq!(
        north.node.attachment(&clerk, blob.hash).await.unwrap_err(),
        ServiceError::Denied("attachment_elsewhere")
    );
    let progress = north.node.fetch_attachment(&clerk, blob.hash).await.unwrap();
    assert_eq!((progress.state, progress.held_bytes), (AttachmentState::Coming, 0));
    north.node.leave_attachment(&clerk, blob.hash).await.unwrap();
    assert!(wanted(&north, hq.id()).await.is_empty());
    north.node.fetch_attachment(&clerk, blob.hash).await.unwrap();
    let first = Groups { first: 0, last: 0 };
    let BlobPart::Slice(part) = slice(&hq, north.id(), room, blob, first).await else { panic!() };
    assert_eq!(store(&north, hq.id(), room, blob, first, part).await, BlobStored::Kept { complete: false });
    assert_eq!(shown(&north, &clerk, room).await.held_bytes, 16 * 1024);
    let north = north.restart().await;
    assert_eq!(wanted(&north, hq.id()).await[0].missing, vec![Groups { first: 1, last: 2 }]);
    assert_eq!(carry(&hq, &north, room, blob).await, BlobStored::Kept { complete: true });
    // The file is what counts, not the row about it.
    std::fs::remove_dir_all(north.folder().join("blobs")).unwrap();
    let north = north.restart().await;
    assert_ne!(shown(&north, &clerk, room).await.state, AttachmentState::Here);
}

#[tokio::test]
async fn room_is_made_of_what_headquarters_holds_and_of_nothing_else() {
    let (hq, mut north) = (Office::founded(0).await, Office::founded(1).await);
    north.quota = Quota { bytes_max: 100_000, free_min: 0 };
    let north = north.restart().await;
    let (boss, clerk) = (person(0, 1), person(1, 0));
    let room = north.room(&[&clerk, &boss]).await;
    let files = [1, 2, 3].map(|number| document(number, 45_000));
    let blobs = [0, 1, 2].map(|number: usize| BlobId::of(&files[number]));
    for file in &files[..2] {
        north.clock.advance(1);
        let view = upload(&north, &clerk, file).await;
        post(&north, &clerk, room, &view).await;
    }
    // Only copies: nothing goes.
    let mut third = north.node.begin_upload(&clerk).await.unwrap();
    third.write(files[2].clone()).await.unwrap();
    assert_eq!(third.finish("c.pdf", false).await.unwrap_err(), ServiceError::Denied("attachment_quota"));
    exchange(&hq, &north).await;
    for blob in &blobs[..2] {
        assert_eq!(carry(&north, &hq, room, *blob).await, BlobStored::Kept { complete: true });
    }
    // Somebody who is not of headquarters may say what they like.
    let lie = Query::BlobsHeld { peer: crate::city::CITY.offices[2].identity.node(), blobs: blobs.to_vec() };
    assert_eq!(north.ask(lie).await, Answer::BlobsNoted);
    let mut third = north.node.begin_upload(&clerk).await.unwrap();
    third.write(files[2].clone()).await.unwrap();
    assert_eq!(third.finish("c.pdf", false).await.unwrap_err(), ServiceError::Denied("attachment_quota"));
    north.ask(Query::BlobsHeld { peer: hq.id(), blobs: blobs.to_vec() }).await;
    upload(&north, &clerk, &files[2]).await;
    // The one that nobody opened for longest is gone, and can be fetched again.
    assert_eq!(
        north.node.attachment(&clerk, blobs[0].hash).await.unwrap_err(),
        ServiceError::Denied("attachment_elsewhere")
    );
    assert!(north.node.attachment(&clerk, blobs[1].hash).await.is_ok());
    assert_eq!(north.node.fetch_attachment(&clerk, blobs[0].hash).await.unwrap().state, AttachmentState::Coming);
}

#[tokio::test]
async fn an_upload_that_no_message_shows_is_forgotten_a_day_later() {
    let hq = Office::founded(0).await;
    let (boss, clerk) = (person(0, 1), person(1, 0));
    let room = hq.room(&[&boss, &clerk]).await;
    let (posted, dropped) = (document(1, 20_000), document(2, 20_000));
    let view = upload(&hq, &boss, &posted).await;
    post(&hq, &boss, room, &view).await;
    upload(&hq, &boss, &dropped).await;
    let is_here = async |bytes: &[u8]| hq.node.attachment(&boss, BlobId::of(bytes).hash).await.is_ok();
    hq.clock.advance(24 * 60 * 60 * 1_000);
    hq.node.tidy_attachments().await.unwrap();
    assert!(is_here(&posted).await && is_here(&dropped).await, "to the millisecond");
    hq.clock.advance(1);
    hq.node.tidy_attachments().await.unwrap();
    assert!(is_here(&posted).await && !is_here(&dropped).await);
    let count =
        |folder: &str| std::fs::read_dir(hq.folder().join("blobs").join(folder)).map_or(0, |files| files.count());
    let name = BlobId::of(&dropped).hash.to_string();
    assert_eq!((count(&name[..2]), count("incoming"), count("parts")), (0, 0, 0));
}
