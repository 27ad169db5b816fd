//! The other nodes, what is missing, and the link switches.

use noroshi_node::view::{PeerState, PeerVia, StorageState};
use noroshi_node::{LinkTarget, ServiceError};
use noroshi_sync::event::Notice;
use noroshi_sync::id::NodeId;

use crate::city::{Office, exchange, exchange_until, person};

#[tokio::test(flavor = "multi_thread")]
async fn headquarters_is_reachable_or_not_and_something_is_missing() {
    let (a, b) = (Office::founded(0).await, Office::empty(1));
    let before = b.node.node_view().await.unwrap();
    assert!(before.office.is_none() && !before.headquarters.reachable, "nothing is known yet");
    let (chief, north) = (person(0, 0), person(1, 0));
    let room = a.room(&[&chief, &north]).await;
    exchange(&a, &b).await;
    let at_a = a.node.node_view().await.unwrap();
    assert!(at_a.headquarters.is_self && at_a.headquarters.reachable);
    assert_eq!((at_a.organisation.as_str(), at_a.zone.as_str()), ("朝凪市", "inner"));
    assert!(at_a.storage.bytes > 0 && at_a.storage.free_bytes > 0 && at_a.storage.state == StorageState::Ok);

    b.node.peer_board().set_state(a.id(), PeerState::Connected, Some(PeerVia::Configured));
    exchange_until(&a, &b, || async { b.node.node_view().await.unwrap().headquarters.missing_there == 0 }).await;
    b.clock.advance(5_000);
    b.node.peer_board().set_state(a.id(), PeerState::Unreachable, None);
    for text in ["一", "二", "三"] {
        b.post(&north, room, text).await;
    }
    let alone = b.node.node_view().await.unwrap().headquarters;
    assert!(!alone.is_self && !alone.reachable && alone.since.is_some());
    assert_eq!((alone.missing_here, alone.missing_there), (0, 3));
    let peers = b.node.peers(Some(&north)).await.unwrap();
    assert!(peers[0].headquarters && peers[0].state == PeerState::Unreachable && peers[0].missing_there == 3);
    b.node.peer_board().set_state(a.id(), PeerState::Connected, None);
    b.node.peer_board().note(&Notice::MissingHere { peer: a.id(), entries: 7 });
    let back = b.node.node_view().await.unwrap().headquarters;
    assert_eq!((back.reachable, back.missing_here), (true, 7));
    b.node.peer_board().note(&Notice::InSync { peer: a.id() });
    exchange_until(&a, &b, || async { b.node.node_view().await.unwrap().headquarters.missing_there == 0 }).await;
    assert_eq!(b.node.peers(None).await.unwrap()[0].via, Some(PeerVia::Configured));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_a_wrong_clock_says_so_in_what_it_writes() {
    let office = Office::founded(0).await;
    let chief = person(0, 0);
    let room = office.room(&[&chief]).await;
    for number in [1, 2] {
        let peer = crate::city::CITY.offices[number].identity.node();
        office.node.peer_board().set_state(peer, PeerState::Connected, None);
        office.node.peer_board().note(&Notice::Clock { peer, offset_ms: 5_000, rtt_ms: 3 });
    }
    let clock = office.node.node_view().await.unwrap().clock;
    assert_eq!((clock.offset_ms, clock.suspect), (-5_000, true));
    let id = office.post(&chief, room, "何時ですか").await;
    let request = noroshi_node::PageRequest { limit: 1, anchor: noroshi_node::Anchor::Around(id) };
    let view = office.node.messages(&chief, room, request).await.unwrap().items.remove(0);
    assert!(view.clock_suspect);
    assert_ne!(view.sent_at, view.received_at, "the error is taken out of the time shown");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_is_moved_by_those_who_may_and_stays_moved() {
    let office = Office::founded(0).await;
    let (admin, staff) = (person(0, 0), person(0, 1));
    let peer = crate::city::CITY.offices[1].identity.node();
    let mut changes = office.node.link_changes();
    let node = LinkTarget::Node(peer);
    assert!(matches!(office.node.set_link(&staff, node, true).await, Err(ServiceError::Forbidden(_))));
    let stranger = LinkTarget::Node(NodeId::from_bytes([1; 32]));
    assert_eq!(office.node.set_link(&admin, stranger, true).await.unwrap_err(), ServiceError::NotFound);
    let itself = LinkTarget::Node(office.id());
    assert_eq!(office.node.set_link(&admin, itself, true).await.unwrap_err(), ServiceError::NotFound);
    assert!(!changes.has_changed().unwrap());
    office.node.set_link(&admin, node, true).await.unwrap();
    assert!(changes.borrow_and_update().is_cut(&peer));
    let office = office.restart().await;
    assert!(office.node.link_changes().borrow().is_cut(&peer));
    let cut = |peers: Vec<noroshi_node::view::PeerView>| peers.into_iter().filter(|peer| peer.link_cut_by_us).count();
    assert_eq!(cut(office.node.peers(Some(&admin)).await.unwrap()), 1);
    office.node.set_link(&admin, LinkTarget::All, true).await.unwrap();
    assert_eq!(cut(office.node.peers(Some(&admin)).await.unwrap()), 2);
    office.node.set_link(&admin, LinkTarget::All, false).await.unwrap();
    assert_eq!(cut(office.node.peers(Some(&admin)).await.unwrap()), 0);
}
