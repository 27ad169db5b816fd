//! A node that no line reaches gets the ledger and nothing else; so does a peer whose certificate has expired.

use noroshi_sync::id::RoomId;
use noroshi_sync::store::{Answer, Batch, LogRange, Query, Refusal, Scope, WindowOutcome};
use noroshi_sync::window::VerifiedWindow;

use crate::city::{Office, person};

async fn ask(office: &Office, scope: Scope, query: Query) -> Answer {
    office.node.answer(scope.narrow(query)).await.unwrap()
}

/// All entries of the room's logs, as the office gives them to the peer.
async fn windows_of(office: &Office, peer: &Office, scope: Scope, room: RoomId) -> (Vec<VerifiedWindow>, usize) {
    let frontier = office.node.answer(Query::Offers { peer: peer.id(), rooms: vec![room] }).await.unwrap();
    let Answer::Offers(offers) = frontier else { panic!() };
    let logs = offers.iter().flat_map(|lines| &lines.logs);
    let ranges: Vec<LogRange> = logs.map(|(log, state)| LogRange { log: *log, first: 1, last: state.length }).collect();
    assert!(!ranges.is_empty());
    let query = Query::Windows { peer: peer.id(), ranges, bytes_max: 1 << 20 };
    let Answer::Windows(page) = ask(office, scope, query).await else { panic!() };
    let windows = page.windows.into_iter().map(|window| window.verify().unwrap()).collect();
    (windows, page.unavailable.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_carried_by_hand_makes_an_office_whole_and_shows_no_message() {
    let (a, b) = (Office::founded(0).await, Office::empty(1));
    let (chief, north) = (person(0, 0), person(1, 0));
    let room = a.room(&[&chief, &north]).await;
    a.post(&chief, room, "ひみつの合い言葉").await;

    let windows = a.node.ledger_for(b.id()).await.unwrap();
    assert!(windows.iter().all(|window| window.log.room != room));
    let verified = windows.into_iter().map(|window| window.verify().unwrap()).collect::<Vec<_>>();
    for _ in 0..2 {
        assert_eq!(b.node.take_windows(a.id(), verified.clone()).await.unwrap(), vec![], "again changes nothing");
    }
    let (here, there) = (a.node.directory(), b.node.directory());
    assert_eq!(here.users().count(), there.users().count());
    assert!(there.may_log_in(b.id(), north.user) && there.verifier(north.user).is_some());
    assert!(there.verifier(chief.user).is_none(), "only the secrets of its own people");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_an_expired_peer_nothing_but_the_ledger_goes_either_way() {
    let (a, b) = (Office::founded(0).await, Office::empty(1));
    let (chief, north) = (person(0, 0), person(1, 0));
    let room = a.room(&[&chief, &north]).await;
    a.post(&chief, room, "ひみつの合い言葉").await;
    let peer = b.id();
    let narrow = Scope::LedgerOnly;

    let Answer::Greeting(greeting) = ask(&a, narrow, Query::Greeting { peer }).await else { panic!() };
    let Answer::Greeting(whole) = ask(&a, Scope::Everything, Query::Greeting { peer }).await else { panic!() };
    assert_eq!((greeting.shared, greeting.ledger), (whole.ledger, whole.ledger));
    assert_ne!(whole.shared, whole.ledger);
    let Answer::List(list) = ask(&a, narrow, Query::List { peer, after: None }).await else { panic!() };
    assert!(!list.is_empty() && list.iter().all(|(listed, _)| *listed != room));
    let Answer::Changes(page) = ask(&a, narrow, Query::Changes { peer, after: 0 }).await else { panic!() };
    assert!(!page.rooms.is_empty() && page.rooms.iter().all(|lines| lines.room != room));
    let Answer::Offers(offers) = ask(&a, narrow, Query::Offers { peer, rooms: vec![room] }).await else { panic!() };
    assert!(offers.is_empty());
    let (withheld, unavailable) = windows_of(&a, &b, narrow, room).await;
    assert!(withheld.is_empty() && unavailable > 0);

    // What such a peer sends all the same is not taken, not even the policy of a room.
    let ledger = a.node.ledger_for(peer).await.unwrap().into_iter().map(|window| window.verify().unwrap()).collect();
    assert_eq!(b.node.take_windows(a.id(), ledger).await.unwrap(), vec![]);
    let (windows, _) = windows_of(&a, &b, Scope::Everything, room).await;
    let count = windows.len();
    let batch = Batch { peer: a.id(), windows, registers: Vec::new(), cursor: None };
    let Answer::Applied(applied) = ask(&b, narrow, Query::Apply(batch)).await else { panic!() };
    let refused =
        |outcome: &&WindowOutcome| matches!(outcome, WindowOutcome::Refused { refusal: Refusal::NotAdmitted, .. });
    assert_eq!(applied.windows.iter().filter(refused).count(), count);
    assert!(b.node.room(&north, room).await.is_err());
}
