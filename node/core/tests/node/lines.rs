//! What waits on the lines, when they were cut, and the map of who has a line to whom.

use noroshi_node::view::{
    CutReasonView, CutView, MapLineState, MapView, PeerState, PeerView, Transport, WaitingClass, WaitingView,
};
use noroshi_node::{CutsRequest, NewMessage, ServiceError};
use noroshi_sync::event::Notice;
use noroshi_sync::id::NodeId;

use crate::city::{CITY, Office, exchange, exchange_until, new_id, person, until};

fn node(number: usize) -> NodeId {
    CITY.offices[number].identity.node()
}

async fn peer(office: &Office, number: usize) -> PeerView {
    let peers = office.node.peers(None).await.unwrap();
    peers.into_iter().find(|peer| peer.node == node(number).to_string()).unwrap()
}

fn codes(peer: &PeerView) -> Vec<&str> {
    peer.alarms.iter().map(|alarm| alarm.code.as_str()).collect()
}

async fn cuts(office: &Office, request: CutsRequest) -> Vec<CutView> {
    office.node.cuts(&person(0, 0), request).await.unwrap().items
}

/// The state of the line between two offices on a map.
fn line(map: &MapView, a: usize, b: usize) -> Option<(MapLineState, bool)> {
    let ends = [node(a).to_string(), node(b).to_string()];
    let found = map.lines.iter().find(|line| ends.contains(&line.a) && ends.contains(&line.b))?;
    Some((found.state, found.old))
}

fn reachable(map: &MapView, number: usize) -> bool {
    map.nodes.iter().find(|known| known.node == node(number).to_string()).unwrap().reachable
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_told_by_what_goes_first() {
    let (a, b) = (Office::founded(0).await, Office::empty(1));
    let (chief, north) = (person(0, 0), person(1, 0));
    let room = a.room(&[&chief, &north]).await;
    exchange(&a, &b).await;
    let quiet = || async { peer(&a, 1).await.waiting.is_empty() && peer(&b, 0).await.waiting.is_empty() };
    exchange_until(&a, &b, quiet).await;
    for number in 0..52 {
        a.post(&chief, room, &format!("報告 {number}")).await;
    }
    let urgent = NewMessage { text: "至急".into(), urgent: true, ..NewMessage::default() };
    a.node.post(&chief, room, new_id(), urgent).await.unwrap();
    let told = peer(&a, 1).await;
    let waiting =
        |class| told.waiting.iter().find(|waiting| waiting.class == class).map(|waiting| waiting.there_entries);
    assert_eq!(waiting(WaitingClass::Urgent), Some(1));
    assert_eq!(waiting(WaitingClass::Newest), Some(50));
    assert_eq!(waiting(WaitingClass::History), Some(2));
    assert_eq!(waiting(WaitingClass::Policy), None);
    assert!(told.waiting.iter().all(|WaitingView { bytes, .. }| *bytes > 0));
    assert_eq!((told.missing_there, told.rate_bytes_per_s, told.eta_s), (53, None, None));
    a.clock.advance(10_000);
    exchange_until(&a, &b, || async { peer(&a, 1).await.missing_there == 0 }).await;
    let after = peer(&a, 1).await;
    assert!(after.waiting.is_empty() && after.eta_s.is_none(), "{after:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_is_in_the_history_with_its_reason_over_a_restart() {
    let office = Office::founded(0).await;
    let (admin, board) = (person(0, 0), office.node.peer_board());
    board.set_state(node(1), PeerState::Unreachable, None);
    board.set_state(node(1), PeerState::Connected, None);
    board.set_state(node(2), PeerState::Connected, None);
    office.clock.advance(60_000);
    board.set_state(node(1), PeerState::Unreachable, None);
    until(async || cuts(&office, CutsRequest::default()).await.len() == 1).await;
    let office = office.restart().await;
    let open = cuts(&office, CutsRequest::default()).await;
    assert_eq!((open[0].reason, open[0].until.clone()), (CutReasonView::Lost, None));
    office.clock.advance(60_000);
    let board = office.node.peer_board();
    board.set_state(node(1), PeerState::Connected, None);
    board.set_state(node(2), PeerState::Connected, None);
    let target = noroshi_node::LinkTarget::Node(node(2));
    office.node.set_link(&admin, target, true).await.unwrap();
    board.set_state(node(2), PeerState::Cut, None);
    until(async || cuts(&office, CutsRequest::default()).await.len() == 2).await;
    let all = cuts(&office, CutsRequest::default()).await;
    assert_eq!((all[0].node.clone(), all[0].reason), (node(2).to_string(), CutReasonView::CutHere));
    assert!(all[0].until.is_none() && all[1].until.is_some(), "the newest first: {all:?}");
    let one = CutsRequest { node: Some(node(1)), ..CutsRequest::default() };
    assert_eq!(cuts(&office, one).await, [all[1].clone()]);
    let first = office.node.cuts(&admin, CutsRequest { limit: Some(1), ..CutsRequest::default() }).await.unwrap();
    let before = first.next.unwrap().parse().ok();
    let second = CutsRequest { before, limit: Some(200), node: None };
    assert_eq!(cuts(&office, second).await, [all[1].clone()]);
    for limit in [0, 201] {
        let request = CutsRequest { limit: Some(limit), ..CutsRequest::default() };
        assert!(matches!(office.node.cuts(&admin, request).await, Err(ServiceError::Invalid { field: "limit", .. })));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_office_sees_the_lines_of_the_others() {
    let (a, b) = (Office::founded(0).await, Office::empty(1));
    exchange(&a, &b).await;
    b.node.peer_board().set_state(node(2), PeerState::Connected, None);
    b.node.peer_board().set_transport(node(2), Transport::Tcp);
    assert!(b.node.tell_lines().await.unwrap());
    assert!(!b.node.tell_lines().await.unwrap(), "nothing new, nothing told");
    let told = || async { line(&a.node.map(&person(0, 0)).await.unwrap(), 1, 2).is_some() };
    exchange_until(&a, &b, told).await;
    let map = a.node.map(&person(0, 0)).await.unwrap();
    assert_eq!(line(&map, 1, 2), Some((MapLineState::Up, true)), "there is no way there: it may be otherwise by now");
    assert!(map.lines.iter().any(|line| line.transport == Some(Transport::Tcp)));
    assert!(reachable(&map, 0) && !reachable(&map, 1) && !reachable(&map, 2));
    assert!(map.nodes.iter().any(|known| known.this && known.headquarters && known.reported_at.is_none()));

    a.node.peer_board().set_state(node(1), PeerState::Connected, None);
    let map = a.node.map(&person(0, 0)).await.unwrap();
    assert_eq!(line(&map, 0, 1), Some((MapLineState::Up, false)));
    assert_eq!(line(&map, 1, 2), Some((MapLineState::Up, false)));
    assert!(reachable(&map, 2), "over the office in between");

    b.clock.advance(5_000);
    b.node.peer_board().set_state(node(2), PeerState::Unreachable, None);
    assert!(b.node.tell_lines().await.unwrap());
    let down = || async { line(&a.node.map(&person(0, 0)).await.unwrap(), 1, 2) == Some((MapLineState::Down, false)) };
    exchange_until(&a, &b, down).await;
    assert!(!reachable(&a.node.map(&person(0, 0)).await.unwrap(), 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_outlives_other_registers_and_a_restart_of_both() {
    let (a, b) = (Office::founded(0).await, Office::empty(1));
    exchange(&a, &b).await;
    b.node.peer_board().set_state(node(2), PeerState::Connected, None);
    b.node.tell_lines().await.unwrap();
    let told = || async { line(&a.node.map(&person(0, 0)).await.unwrap(), 1, 2).is_some() };
    exchange_until(&a, &b, told).await;
    let (a, b) = (a.restart().await, b.restart().await);
    // Something new in the directory makes a new register there, which says the same of the lines.
    let offices = a.node.peers(None).await.unwrap().len();
    exchange(&a, &b).await;
    assert_eq!(offices, 2);
    assert!(line(&a.node.map(&person(0, 0)).await.unwrap(), 1, 2).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn alarms_of_a_line_say_what_is_to_be_done() {
    let office = Office::founded(0).await;
    let board = office.node.peer_board();
    board.set_state(node(1), PeerState::Connected, None);
    board.note(&Notice::Clock { peer: node(1), offset_ms: 2_000, rtt_ms: 3 });
    assert_eq!(codes(&peer(&office, 1).await), [""; 0]);
    board.note(&Notice::Clock { peer: node(1), offset_ms: -2_001, rtt_ms: 3 });
    assert_eq!(codes(&peer(&office, 1).await), ["clock"]);
    board.note(&Notice::Forged { peer: node(1), reason: "x".into() });
    let told = peer(&office, 1).await;
    assert_eq!(codes(&told), ["forged", "clock"]);
    assert!(told.alarms[0].since.is_some());
    board.set_state(node(2), PeerState::Connected, None);
    board.set_state(node(2), PeerState::Unreachable, None);
    office.clock.advance(15 * 60_000 - 1);
    assert_eq!(codes(&peer(&office, 2).await), [""; 0], "short cuts heal by themselves");
    office.clock.advance(1);
    assert_eq!(codes(&peer(&office, 2).await), ["unreachable"]);
    board.set_state(node(2), PeerState::Cut, None);
    assert_eq!(codes(&peer(&office, 2).await), ["cut_there"]);
}
