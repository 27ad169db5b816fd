//! Lines that are cut, by switch or silently, and come back; nodes that end, crash and return.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use noroshi_sync::event::Event;
use noroshi_sync::frame::Class;
use noroshi_sync::id::NodeId;
use tokio::sync::mpsc;

use crate::close::{CloseCode, Ended};
use crate::limits::SILENCE;
use crate::link::{LinkPhase, LinkState, NetEvent};
use crate::net::{Net, StartError};
use crate::tests::authority::{Authority, Issued};
use crate::tests::node::{LIMIT, TestNode, config, heard, leaves, loopback, port, store, talker};
use crate::tests::relay::Relay;

const CUT_WITHIN: Duration = Duration::from_secs(1);
const BACK_WITHIN: Duration = Duration::from_secs(3);

fn cut(nodes: &[NodeId]) -> LinkState {
    LinkState { all: false, nodes: nodes.iter().copied().collect() }
}

async fn connected_pair(one: &Issued, two: &Issued) -> (TestNode, TestNode) {
    let mut listener = TestNode::start(one, &[]);
    let mut dialler = TestNode::start(two, &[listener.address()]);
    dialler.told.until_connected(one.node).await;
    listener.told.until_connected(two.node).await;
    (listener, dialler)
}

#[tokio::test]
async fn the_switch_cuts_within_a_second_and_restores_within_three_whoever_uses_it() {
    let authority = Authority::new("朝凪市");
    let [one, two] = leaves(&authority);
    let (listener, dialler) = connected_pair(&one, &two).await;
    let (mut one, mut two) = (listener, dialler);
    for _ in 0..2 {
        for state in [cut(&[two.node()]), LinkState { all: true, nodes: BTreeSet::new() }] {
            let begun = Instant::now();
            one.net.set_links(state).await.unwrap();
            let (us, them) = (one.node(), two.node());
            one.told.until_phase(them, "cut", |phase| *phase == LinkPhase::Cut { by_us: true }).await;
            two.told.until_phase(us, "cut by the peer", |phase| *phase == LinkPhase::Cut { by_us: false }).await;
            assert!(begun.elapsed() < CUT_WITHIN, "cut after {:?}", begun.elapsed());
            assert!(one.net.connections().is_empty() && two.net.connections().is_empty());

            let begun = Instant::now();
            one.net.set_links(LinkState::default()).await.unwrap();
            one.told.until_connected(them).await;
            two.told.until_connected(us).await;
            assert!(begun.elapsed() < BACK_WITHIN, "back after {:?}", begun.elapsed());
        }
        (one, two) = (two, one);
    }
}

#[tokio::test]
async fn a_line_cut_from_the_start_is_refused_until_it_is_restored() {
    let authority = Authority::new("朝凪市");
    let [one, two] = leaves(&authority);
    let mut config = config(&one, &[]);
    config.links = cut(&[two.node]);
    let mut listener = TestNode::start_with(config, store(&one, 1));
    let mut dialler = TestNode::start(&two, &[listener.address()]);
    dialler.told.until_phase(one.node, "cut", |phase| *phase == LinkPhase::Cut { by_us: false }).await;
    assert!(listener.net.connections().is_empty());
    listener.net.set_links(LinkState::default()).await.unwrap();
    dialler.told.until_connected(one.node).await;
    listener.told.until_connected(two.node).await;
}

#[tokio::test]
async fn both_ends_may_cut_and_both_must_restore() {
    let authority = Authority::new("朝凪市");
    let [one, two] = leaves(&authority);
    let (mut here, mut there) = connected_pair(&one, &two).await;
    here.net.set_links(cut(&[two.node])).await.unwrap();
    there.net.set_links(cut(&[one.node])).await.unwrap();
    let by_us = |phase: &LinkPhase| *phase == LinkPhase::Cut { by_us: true };
    here.told.until_phase(two.node, "cut", by_us).await;
    there.told.until_phase(one.node, "cut", by_us).await;
    here.net.set_links(LinkState::default()).await.unwrap();
    let by_them = |phase: &LinkPhase| *phase == LinkPhase::Cut { by_us: false };
    here.told.until_phase(two.node, "cut by the peer", by_them).await;
    there.net.set_links(LinkState::default()).await.unwrap();
    here.told.until_connected(two.node).await;
    there.told.until_connected(one.node).await;
}

#[tokio::test]
async fn a_silent_cut_is_noticed_within_six_seconds_and_the_return_within_three() {
    let authority = Authority::new("朝凪市");
    let [one, two] = leaves(&authority);
    let mut listener = TestNode::start(&one, &[]);
    let relay = Relay::to(listener.address()).await;
    let mut dialler = TestNode::start(&two, &[relay.address]);
    dialler.told.until_connected(one.node).await;
    listener.told.until_connected(two.node).await;

    let begun = Instant::now();
    relay.set_loss(100);
    let lost = |phase: &LinkPhase| *phase == LinkPhase::Unreachable { reason: Some(Ended::TimedOut) };
    dialler.told.until_phase(one.node, "noticed", lost).await;
    listener.told.until_phase(two.node, "noticed", lost).await;
    assert!(begun.elapsed() < SILENCE + Duration::from_millis(500), "noticed after {:?}", begun.elapsed());

    let begun = Instant::now();
    relay.set_loss(0);
    dialler.told.until_connected(one.node).await;
    listener.told.until_connected(two.node).await;
    assert!(begun.elapsed() < BACK_WITHIN, "back after {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_line_that_loses_a_fifth_of_its_packets_stays() {
    let authority = Authority::new("朝凪市");
    let [one, two] = leaves(&authority);
    let (listener, _told, mut hearing) = talker(config(&one, &[]), vec![]);
    let relay = Relay::to(listener.local_addresses()[0]).await;
    relay.set_loss(20);
    let says: Vec<(Class, Vec<u8>)> = (0..200u8).map(|number| (Class::Newest, vec![number; 200])).collect();
    let (_dialler, mut told, _) = talker(config(&two, &[relay.address]), says);
    for number in 0..200u8 {
        let event = heard(&mut hearing, |event| matches!(event, Event::Frame { .. })).await;
        assert!(matches!(event, Event::Frame { bytes, .. } if bytes == vec![number; 200]));
    }
    told.until_connected(one.node).await;
}

#[tokio::test]
async fn a_node_that_shuts_down_says_so_and_frees_its_address() {
    let authority = Authority::new("朝凪市");
    let [one, two] = leaves(&authority);
    let (listener, mut dialler) = connected_pair(&one, &two).await;
    let address = listener.address();
    listener.net.shutdown().await;
    let said =
        |phase: &LinkPhase| *phase == LinkPhase::Unreachable { reason: Some(Ended::ByPeer(CloseCode::Shutdown)) };
    dialler.told.until_phase(one.node, "said goodbye", said).await;

    let begun = Instant::now();
    let mut again = config(&one, &[]);
    again.listen = vec![address];
    let mut listener = TestNode::start_with(again, store(&one, 1));
    dialler.told.until_connected(one.node).await;
    listener.told.until_connected(two.node).await;
    assert!(begun.elapsed() < BACK_WITHIN, "back after {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_node_that_is_dropped_says_so_too() {
    let authority = Authority::new("朝凪市");
    let [one, two] = leaves(&authority);
    let (listener, mut dialler) = connected_pair(&one, &two).await;
    drop(listener);
    let said =
        |phase: &LinkPhase| *phase == LinkPhase::Unreachable { reason: Some(Ended::ByPeer(CloseCode::Shutdown)) };
    dialler.told.until_phase(one.node, "said goodbye", said).await;
}

#[test]
fn a_crashed_and_restarted_node_is_noticed_before_the_silence_is_over() {
    let authority = Authority::new("朝凪市");
    let [one, two] = leaves(&authority);
    // Either side may be the one that crashes; the other knows no address to dial in the second case.
    for (crashes, stays) in [(&one, &two), (&two, &one)] {
        let surviving = runtime();
        let doomed = runtime();
        let listener = {
            let _inside = doomed.enter();
            TestNode::start(crashes, &[])
        };
        let address = listener.address();
        let mut stayer = {
            let _inside = surviving.enter();
            TestNode::start(stays, &[address])
        };
        surviving.block_on(stayer.told.until_connected(crashes.node));
        let since = stayer.told.all().len();
        // Its tasks vanish between two instructions: no goodbye is sent.
        doomed.shutdown_timeout(LIMIT);
        drop(listener);

        let begun = Instant::now();
        let returned = runtime();
        let again = returned.block_on(start_when_free(crashes, address));
        assert!(begun.elapsed() < CUT_WITHIN, "the address is free after {:?}", begun.elapsed());
        let reconnected = |told: &[NetEvent]| {
            let is_connected =
                |event: &NetEvent| matches!(event, NetEvent::Link { state: LinkPhase::Connected { .. }, .. });
            told.iter().skip(since).any(is_connected)
        };
        surviving.block_on(stayer.told.until("connected again", reconnected));
        assert!(begun.elapsed() < SILENCE, "back after {:?}", begun.elapsed());
        drop(again);
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// The sockets of a crashed runtime close a moment later.
async fn start_when_free(leaf: &Issued, address: SocketAddr) -> Net {
    loop {
        let mut again = config(leaf, &[]);
        again.listen = vec![address];
        match Net::start(again, port(store(leaf, 1)), mpsc::channel(64).0) {
            Ok(net) => return net,
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

#[tokio::test]
async fn a_socket_that_fails_is_opened_anew_on_the_same_address() {
    let authority = Authority::new("朝凪市");
    let [one, two] = leaves(&authority);
    let (mut listener, mut dialler) = connected_pair(&one, &two).await;
    let address = listener.address();
    listener.net.endpoints()[0].close(0u32.into(), b"as if the socket had failed");
    let lost = |phase: &LinkPhase| matches!(phase, LinkPhase::Unreachable { .. });
    listener.told.until_phase(two.node, "lost", lost).await;
    dialler.told.until_connected(one.node).await;
    listener.told.until_connected(two.node).await;
    assert_eq!(listener.address(), address);
}

#[tokio::test]
async fn an_address_in_use_or_nonsense_is_an_error_at_the_start() {
    let authority = Authority::new("朝凪市");
    let [one, two] = leaves(&authority);
    let node = TestNode::start(&one, &[]);
    let start = |listen: Vec<SocketAddr>, peers: &[&str]| {
        let mut config = config(&two, &[]);
        (config.listen, config.peers) = (listen, peers.iter().map(|peer| (*peer).to_owned()).collect());
        Net::start(config, port(store(&two, 1)), mpsc::channel(64).0).map(|_| ())
    };
    assert!(matches!(start(vec![node.address()], &[]), Err(StartError::Listen { .. })));
    assert!(matches!(start(vec![], &[]), Err(StartError::NoAddress)));
    assert!(matches!(start(vec![loopback()], &["本庁"]), Err(StartError::Peer(_))));
}
