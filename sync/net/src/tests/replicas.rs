//! Whole nodes with stores in memory become equal over real QUIC.

use std::sync::Arc;

use noroshi_sync::entry::Lane;
use noroshi_sync::event::Notice;
use noroshi_sync::id::NodeId;
use noroshi_sync::store::{Query, Store, StoreError};
use tokio::sync::mpsc;

use crate::close::{CloseCode, Ended};
use crate::link::{LinkPhase, LinkState, NetEvent};
use crate::net::Net;
use crate::tests::authority::Authority;
use crate::tests::node::{ROOM, TestNode, Told, config, leaves, port, share, store};

fn notice(told: &[NetEvent], which: impl Fn(&Notice) -> bool) -> bool {
    told.iter().any(|event| matches!(event, NetEvent::Notice(notice) if which(notice)))
}

fn assert_equal(one: &TestNode, two: &TestNode) {
    let digest = |node: &TestNode, peer: NodeId| node.store.lock().unwrap().greeting(&peer).unwrap().shared;
    assert_eq!(digest(one, two.node()), digest(two, one.node()));
}

#[tokio::test]
async fn two_islands_become_equal() {
    let authority = Authority::new("朝凪市");
    let [one, two] = leaves(&authority);
    let mut here = TestNode::start(&one, &[]);
    let mut there = TestNode::start(&two, &[]);
    share(&[&here, &there]);
    for lane in Lane::ALL {
        here.write(lane, 200).await;
        there.write(lane, 300).await;
    }
    there.net.set_candidates(vec![(one.node, vec![here.address().into()])]).await.unwrap();
    here.holds(1_500).await;
    there.holds(1_500).await;
    let in_sync = |told: &[NetEvent]| notice(told, |notice| matches!(notice, Notice::InSync { .. }));
    here.told.until("in sync", in_sync).await;
    there.told.until("in sync", in_sync).await;
    assert_equal(&here, &there);

    here.write(Lane::Normal, 1).await;
    there.holds(1_501).await;
    there.write(Lane::Urgent, 1).await;
    here.holds(1_502).await;
    assert_equal(&here, &there);
}

#[tokio::test]
async fn what_one_writes_reaches_those_it_has_no_line_to() {
    let authority = Authority::new("朝凪市");
    let [one, middle, two] = leaves(&authority);
    let mut centre = TestNode::start(&middle, &[]);
    let mut left = TestNode::start(&one, &[centre.address()]);
    let mut right = TestNode::start(&two, &[centre.address()]);
    share(&[&left, &centre, &right]);
    left.write(Lane::Urgent, 10).await;
    right.write(Lane::Normal, 20).await;
    for node in [&mut left, &mut centre, &mut right] {
        node.holds(30).await;
    }
    assert!(left.net.connections().iter().all(|view| view.peer == middle.node));
}

#[tokio::test]
async fn a_cut_and_its_end_lose_nothing() {
    let authority = Authority::new("朝凪市");
    let [one, two] = leaves(&authority);
    let mut here = TestNode::start(&one, &[]);
    let mut there = TestNode::start(&two, &[here.address()]);
    share(&[&here, &there]);
    here.told.until_connected(two.node).await;
    for round in 1..=3 {
        here.net.set_links(LinkState { all: true, nodes: [].into() }).await.unwrap();
        let cut = |phase: &LinkPhase| matches!(phase, LinkPhase::Cut { .. });
        here.told.until_phase(two.node, "cut", cut).await;
        there.told.until_phase(one.node, "cut", cut).await;
        here.write(Lane::Normal, 50).await;
        there.write(Lane::Normal, 50).await;
        here.net.set_links(LinkState::default()).await.unwrap();
        here.holds(round * 100).await;
        there.holds(round * 100).await;
    }
    assert_equal(&here, &there);
}

#[tokio::test]
async fn a_signal_reaches_the_peer_and_no_store() {
    let authority = Authority::new("朝凪市");
    let [one, two] = leaves(&authority);
    let mut here = TestNode::start(&one, &[]);
    let mut there = TestNode::start(&two, &[here.address()]);
    share(&[&here, &there]);
    let in_sync = |told: &[NetEvent]| notice(told, |notice| matches!(notice, Notice::InSync { .. }));
    here.told.until("in sync", in_sync).await;
    there.told.until("in sync", in_sync).await;
    here.net.signal(vec![two.node], ROOM, b"typing".to_vec()).await.unwrap();
    let heard = |told: &[NetEvent]| {
        notice(
            told,
            |notice| matches!(notice, Notice::Signal { peer, room, body } if *peer == one.node && *room == ROOM && body == b"typing"),
        )
    };
    there.told.until("a signal", heard).await;
    there.holds(0).await;
}

#[tokio::test]
async fn a_store_that_fails_ends_the_session_and_the_node_lives() {
    let authority = Authority::new("朝凪市");
    let [one, two] = leaves(&authority);
    let (events, told) = mpsc::channel(64);
    let failing = |_: Query| async { Err(StoreError::Full) };
    let net = Net::start(config(&one, &[]), Arc::new(failing), events).unwrap();
    let mut told = Told::gather(told);
    let mut there = TestNode::start(&two, &net.local_addresses());
    let by_us = |phase: &LinkPhase| *phase == LinkPhase::Unreachable { reason: Some(Ended::ByUs(CloseCode::Store)) };
    told.until_phase(two.node, "closed for the store", by_us).await;
    let by_them =
        |phase: &LinkPhase| *phase == LinkPhase::Unreachable { reason: Some(Ended::ByPeer(CloseCode::Store)) };
    there.told.until_phase(one.node, "closed for the store of the peer", by_them).await;
    net.shutdown().await;
}

#[tokio::test]
async fn an_application_that_does_not_listen_holds_nothing_up_for_ever() {
    let authority = Authority::new("朝凪市");
    let [one, two] = leaves(&authority);
    let (events, told) = mpsc::channel(1);
    let net = Net::start(config(&one, &[]), port(store(&one, 1)), events).unwrap();
    drop(told);
    let mut there = TestNode::start(&two, &net.local_addresses());
    there.told.until_connected(one.node).await;
    net.set_links(LinkState { all: true, nodes: [].into() }).await.unwrap();
    there.told.until_phase(one.node, "cut", |phase| matches!(phase, LinkPhase::Cut { .. })).await;
}
