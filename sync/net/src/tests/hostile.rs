//! Peers and strangers that send what they should not, too much of it, or nothing.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use noroshi_sync::event::Event;
use noroshi_sync::frame::{Class, Frame};
use noroshi_sync::id::NodeId;
use noroshi_sync::limits::FRAME_BYTES_MAX;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::close::{CloseCode, Ended};
use crate::jitter::Jitter;
use crate::limits::{HANDSHAKES_PER_ADDRESS_MAX, OUTGOING_FRAMES_MAX, STREAMS_UNI_MAX};
use crate::link::{LinkPhase, NetEvent};
use crate::net::Patience;
use crate::stream::{greeting, opening};
use crate::tests::authority::{Authority, Issued};
use crate::tests::intruder::{GREETING, Intruder, send_frame};
use crate::tests::node::{TestNode, config, heard, leaves, store, talker};
use crate::tls::{ALPN_JOIN, ALPN_SYNC};

/// After each misdeed an honest peer is served.
struct Scene {
    node: TestNode,
    rogue: Issued,
    honest: Issued,
}

impl Scene {
    fn new() -> Self {
        let authority = Authority::new("朝凪市");
        let [own, rogue, honest] = leaves(&authority);
        let mut config = config(&own, &[]);
        config.patience = Patience { handshake: Duration::from_millis(700), ..Patience::default() };
        let node = TestNode::start_with(config, store(&own, 1));
        Self { node, rogue, honest }
    }

    fn address(&self) -> SocketAddr {
        self.node.address()
    }

    async fn honest_peer_connects(&mut self) {
        let mut friend = TestNode::start(&self.honest, &[self.address()]);
        friend.told.until_connected(self.node.node()).await;
        self.node.told.until_connected(self.honest.node).await;
        friend.net.shutdown().await;
    }
}

#[tokio::test]
async fn what_breaks_the_framing_closes_that_connection_only() {
    let too_large = u32::try_from(FRAME_BYTES_MAX + 1).unwrap();
    let cases: Vec<(&str, Vec<u8>, CloseCode)> = vec![
        ("no bytes", 0u32.to_be_bytes().to_vec(), CloseCode::Malformed),
        ("one byte too many", too_large.to_be_bytes().to_vec(), CloseCode::TooLarge),
        ("4 GiB", u32::MAX.to_be_bytes().to_vec(), CloseCode::TooLarge),
        ("garbage in a frame", [&8u32.to_be_bytes()[..], &[0xff; 8]].concat(), CloseCode::Malformed),
        ("bytes after a frame", framed_ping_and_more(), CloseCode::Malformed),
    ];
    let mut scene = Scene::new();
    for (what, bytes, code) in cases {
        let (intruder, mut sending, _receiving) = Intruder::greeted(scene.address(), &scene.rogue).await;
        sending.write_all(&bytes).await.unwrap();
        assert_eq!(intruder.ended().await, Ended::ByPeer(code), "{what}");
        let rogue = scene.rogue.node;
        let closed = |phase: &LinkPhase| *phase == LinkPhase::Unreachable { reason: Some(Ended::ByUs(code)) };
        scene.node.told.until_phase(rogue, what, closed).await;
    }
    scene.honest_peer_connects().await;
}

#[tokio::test]
async fn a_frame_of_the_largest_size_is_taken() {
    let authority = Authority::new("朝凪市");
    let [own, peer] = leaves(&authority);
    let (net, _told, mut hearing) = talker(config(&own, &[]), vec![]);
    let (_intruder, mut sending, _receiving) = Intruder::greeted(net.local_addresses()[0], &peer).await;
    let frame = vec![7; FRAME_BYTES_MAX];
    send_frame(&mut sending, &frame).await;
    let event = heard(&mut hearing, |event| matches!(event, Event::Frame { .. })).await;
    assert!(matches!(event, Event::Frame { peer: from, bytes } if from == peer.node && bytes == frame));
}

#[tokio::test]
async fn streams_that_should_not_be_are_refused() {
    #[derive(Clone, Copy, Debug)]
    enum Misdeed {
        UnknownClass,
        SecondControl,
        SecondUrgent,
        BothWays,
        End,
        Reset,
    }
    let mut scene = Scene::new();
    let misdeeds = [
        Misdeed::UnknownClass,
        Misdeed::SecondControl,
        Misdeed::SecondUrgent,
        Misdeed::BothWays,
        Misdeed::End,
        Misdeed::Reset,
    ];
    for misdeed in misdeeds {
        let (intruder, mut sending, _receiving) = Intruder::greeted(scene.address(), &scene.rogue).await;
        let mut streams = Vec::new();
        let first_bytes: &[&[u8]] = match misdeed {
            Misdeed::UnknownClass => &[&[9]],
            Misdeed::SecondControl => &[&[0; 17]],
            Misdeed::SecondUrgent => &[&[1], &[1]],
            Misdeed::BothWays | Misdeed::End | Misdeed::Reset => &[],
        };
        for bytes in first_bytes {
            let mut stream = intruder.quic.open_uni().await.unwrap();
            stream.write_all(bytes).await.unwrap();
            streams.push(stream);
        }
        match misdeed {
            Misdeed::BothWays => {
                let (mut stream, _) = intruder.quic.open_bi().await.unwrap();
                stream.write_all(b"hello").await.unwrap();
            }
            Misdeed::End => sending.finish().unwrap(),
            Misdeed::Reset => sending.reset(0u32.into()).unwrap(),
            _ => {}
        }
        assert_eq!(intruder.ended().await, Ended::ByPeer(CloseCode::Protocol), "{misdeed:?}");
    }
    scene.honest_peer_connects().await;
}

#[tokio::test]
async fn no_more_streams_than_classes_can_be_opened() {
    let scene = Scene::new();
    let (intruder, _sending, _receiving) = Intruder::greeted(scene.address(), &scene.rogue).await;
    let mut streams = Vec::new();
    for class in Class::ALL.into_iter().skip(1) {
        let mut stream = intruder.quic.open_uni().await.unwrap();
        stream.write_all(&opening(class)).await.unwrap();
        streams.push(stream);
    }
    assert_eq!(streams.len() + 1, STREAMS_UNI_MAX as usize);
    assert!(timeout(Duration::from_millis(300), intruder.quic.open_uni()).await.is_err());
    assert!(intruder.quic.max_datagram_size().is_none());
}

#[tokio::test]
async fn who_does_not_greet_is_disconnected() {
    let mut scene = Scene::new();
    let silent = Intruder::peer(scene.address(), &scene.rogue).await;
    let half = Intruder::peer(scene.address(), &scene.rogue).await;
    let mut stream = half.quic.open_uni().await.unwrap();
    stream.write_all(&[0, 1, 2, 3]).await.unwrap();
    let other = Intruder::peer(scene.address(), &scene.rogue).await;
    let mut first = other.quic.open_uni().await.unwrap();
    first.write_all(&[2]).await.unwrap();
    assert_eq!(other.ended().await, Ended::ByPeer(CloseCode::Protocol));
    assert_eq!(silent.ended().await, Ended::ByPeer(CloseCode::Silent));
    assert_eq!(half.ended().await, Ended::ByPeer(CloseCode::Silent));
    assert!(scene.node.told.all().is_empty());
    scene.honest_peer_connects().await;
}

#[tokio::test]
async fn a_peer_that_stops_reading_is_disconnected() {
    let authority = Authority::new("朝凪市");
    let [own, rogue, honest] = leaves(&authority);
    let mut config = config(&own, &[]);
    config.patience.stall = Duration::from_millis(500);
    // More than the peer gives room for: it reads nothing but the greeting.
    let says = vec![(Class::Backfill, vec![1; FRAME_BYTES_MAX]); 8];
    let (net, mut told, _hearing) = talker(config, says);
    let (intruder, _sending, _receiving) = Intruder::greeted(net.local_addresses()[0], &rogue).await;
    assert_eq!(intruder.ended().await, Ended::ByPeer(CloseCode::Stalled));
    let mut friend = TestNode::start(&honest, &[net.local_addresses()[0]]);
    friend.told.until_connected(own.node).await;
    told.until_connected(honest.node).await;
}

#[tokio::test]
async fn frames_beyond_what_may_wait_for_a_peer_end_the_connection() {
    let authority = Authority::new("朝凪市");
    let [own, peer] = leaves(&authority);
    let says = vec![(Class::Newest, vec![1; FRAME_BYTES_MAX / 4]); OUTGOING_FRAMES_MAX + 64];
    let (net, _told, _hearing) = talker(config(&own, &[]), says);
    let intruder = Intruder::peer(net.local_addresses()[0], &peer).await;
    let mut sending = intruder.quic.open_uni().await.unwrap();
    sending.write_all(&greeting(&GREETING)).await.unwrap();
    assert_eq!(intruder.ended().await, Ended::ByPeer(CloseCode::Stalled));
}

#[tokio::test]
async fn frames_arrive_in_order_on_the_stream_of_their_class_and_are_reported_as_sent() {
    let authority = Authority::new("朝凪市");
    let [one, two] = leaves(&authority);
    let says: Vec<(Class, Vec<u8>)> =
        (0..100u8).map(|number| (Class::ALL[usize::from(number) % 4], vec![number, 0xaa])).collect();
    let (listener, _told, mut hearing) = talker(config(&one, &[]), vec![]);
    let (_dialler, _told, mut sending) = talker(config(&two, &listener.local_addresses()), says);
    let mut frames: Vec<u8> = Vec::new();
    for _ in 0..100 {
        match heard(&mut hearing, |event| matches!(event, Event::Frame { .. })).await {
            Event::Frame { bytes, .. } => frames.push(bytes[0]),
            _ => unreachable!(),
        }
    }
    for class in 0..4 {
        let of_class: Vec<u8> = frames.iter().copied().filter(|number| number % 4 == class).collect();
        assert!(of_class.is_sorted() && of_class.len() == 25, "{of_class:?}");
    }
    for _ in 0..100 {
        heard(&mut sending, |event| matches!(event, Event::Sent { .. })).await;
    }
}

#[tokio::test]
async fn random_datagrams_disturb_nobody() {
    let mut scene = Scene::new();
    let mut friend = TestNode::start(&scene.honest, &[scene.address()]);
    friend.told.until_connected(scene.node.node()).await;
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut random = Jitter::new(1);
    for number in 0..20_000usize {
        let mut bytes: Vec<u8> = (0..number % 1_400).map(|_| u8::try_from(random.between(0, 255)).unwrap()).collect();
        if let (Some(first), 1) = (bytes.first_mut(), number % 2) {
            // Looks like a first packet of QUIC.
            *first |= 0xc0;
            if let Some(version) = bytes.get_mut(1..5) {
                version.copy_from_slice(&[0, 0, 0, 1]);
            }
        }
        // The system may have no room for so many.
        _ = socket.send_to(&bytes, scene.address());
    }
    assert_eq!(friend.net.connections().len(), 1);
    friend.net.shutdown().await;
    scene.honest_peer_connects().await;
}

#[tokio::test]
async fn many_half_open_handshakes_leave_room_for_a_peer() {
    let mut scene = Scene::new();
    // Each stops after the first flight: connected by TLS, then silent.
    let mut held = Vec::new();
    for _ in 0..100 {
        let attempt = Intruder::connect(scene.address(), Some(&scene.rogue), &[ALPN_SYNC]);
        if let Ok(Ok(intruder)) = timeout(Duration::from_millis(200), attempt).await {
            held.push(intruder);
        }
        if held.len() >= HANDSHAKES_PER_ADDRESS_MAX {
            break;
        }
    }
    assert_eq!(held.len(), HANDSHAKES_PER_ADDRESS_MAX);
    // The next from this address is not answered until some of these are given up.
    scene.honest_peer_connects().await;
    for intruder in &held {
        assert_eq!(intruder.ended().await, Ended::ByPeer(CloseCode::Silent));
    }
}

#[tokio::test]
async fn who_is_connected_cannot_be_pushed_out_by_strangers() {
    let scene = Scene::new();
    let mut friend = TestNode::start(&scene.honest, &[scene.address()]);
    friend.told.until_connected(scene.node.node()).await;
    for protocols in [&[ALPN_SYNC][..], &[ALPN_JOIN], &[b"h3"]] {
        for _ in 0..20 {
            _ = Intruder::connect(scene.address(), None, protocols).await;
        }
    }
    let lost = |told: &[NetEvent]| {
        told.iter().any(|event| matches!(event, NetEvent::Link { state: LinkPhase::Unreachable { .. }, .. }))
    };
    assert!(!lost(&friend.told.all()) && !lost(&scene.node.told.all()));
}

#[tokio::test]
async fn frames_of_an_unused_connection_are_not_mixed_into_the_session() {
    let authority = Authority::new("朝凪市");
    let [own, peer] = leaves(&authority);
    let (net, mut told, mut hearing) = talker(config(&own, &[]), vec![]);
    let to = net.local_addresses()[0];
    let (first, mut first_sending, _r1) = Intruder::greeted(to, &peer).await;
    told.until_connected(peer.node).await;
    send_frame(&mut first_sending, b"one").await;
    assert_eq!(next_frame(&mut hearing, peer.node).await, b"one");
    // The same run dials once more: the newer connection counts, and the session begins afresh.
    let (_second, mut second_sending, _r2) = Intruder::greeted(to, &peer).await;
    assert_eq!(first.ended().await, Ended::ByPeer(CloseCode::Superseded));
    heard(&mut hearing, |event| matches!(event, Event::Connected { .. })).await;
    send_frame(&mut second_sending, b"two").await;
    assert_eq!(next_frame(&mut hearing, peer.node).await, b"two");
    assert_eq!(net.connections().len(), 1);
}

async fn next_frame(hearing: &mut mpsc::UnboundedReceiver<Event>, from: NodeId) -> Vec<u8> {
    match heard(hearing, |event| matches!(event, Event::Frame { peer, .. } if *peer == from)).await {
        Event::Frame { bytes, .. } => bytes,
        _ => unreachable!(),
    }
}

fn framed_ping_and_more() -> Vec<u8> {
    let mut frame = Frame::Ping { wall_ms: 1 }.encode();
    frame.extend_from_slice(b"more");
    let length = u32::try_from(frame.len()).unwrap().to_be_bytes();
    [length.as_slice(), &frame].concat()
}
