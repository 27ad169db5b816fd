//! Nodes between which no UDP passes, and peers and strangers that misuse the way over TCP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use noroshi_sync::entry::Lane;
use noroshi_sync::event::Event;
use noroshi_sync::frame::Class;
use noroshi_sync::limits::FRAME_BYTES_MAX;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::carrier::Transport;
use crate::certificate::{organisation_fingerprint, root_public_key};
use crate::clock::SystemClock;
use crate::close::{CloseCode, Ended};
use crate::join::{JoinError, join};
use crate::limits::{HANDSHAKES_PER_ADDRESS_MAX, SILENCE, STREAM_WINDOW_BYTES, STREAMS_UNI_MAX, TCP_SEGMENT_BYTES_MAX};
use crate::link::{LinkPhase, NetEvent};
use crate::net::Patience;
use crate::stream::{greeting, opening};
use crate::tests::authority::{Authority, Issued};
use crate::tests::intruder::{GREETING, gullible};
use crate::tests::node::{LIMIT, ROOM, TestNode, config, heard, leaves, share, store, talker};
use crate::tests::relay::Relay;
use crate::tls::{ALPN_JOIN, ALPN_SYNC};

const CHOSEN_WITHIN: Duration = Duration::from_secs(15);

fn over(transport: Transport) -> impl Fn(&LinkPhase) -> bool {
    move |phase| matches!(phase, LinkPhase::Connected { transport: now, .. } if *now == transport)
}

#[tokio::test]
async fn where_no_udp_passes_tcp_is_chosen_and_left_for_quic_when_that_passes_again() {
    let authority = Authority::new("朝凪市");
    let [one, two] = leaves(&authority);
    // Whoever of the two dials.
    for (listens, dials) in [(&one, &two), (&two, &one)] {
        let mut listener = TestNode::start(listens, &[]);
        let relay = Relay::with_tcp(listener.address()).await;
        relay.set_loss(100);
        let begun = Instant::now();
        let mut dialler = TestNode::start(dials, &[relay.address]);
        share(&[&listener, &dialler]);
        dialler.told.until_phase(listens.node, "over TCP", over(Transport::Tcp)).await;
        listener.told.until_phase(dials.node, "over TCP", over(Transport::Tcp)).await;
        assert!(begun.elapsed() < CHOSEN_WITHIN, "chosen after {:?}", begun.elapsed());
        assert_eq!(dialler.net.connections()[0].transport, Transport::Tcp);
        dialler.write(Lane::Normal, 300).await;
        listener.write(Lane::Normal, 300).await;
        dialler.holds(600).await;
        listener.holds(600).await;

        // Writing goes on while the line changes over.
        relay.set_loss(0);
        dialler.net.network_changed().await.unwrap();
        dialler.write(Lane::Normal, 300).await;
        listener.write(Lane::Urgent, 300).await;
        dialler.told.until_phase(listens.node, "over QUIC", over(Transport::Quic)).await;
        listener.told.until_phase(dials.node, "over QUIC", over(Transport::Quic)).await;
        dialler.holds(1_200).await;
        listener.holds(1_200).await;
        for node in [&dialler, &listener] {
            assert_eq!(node.store.lock().unwrap().entries(ROOM).count(), 1_200);
            let told = node.told.all();
            let since = told
                .iter()
                .position(|event| matches!(event, NetEvent::Link { state: LinkPhase::Connected { .. }, .. }));
            let lost = |event: &NetEvent| matches!(event, NetEvent::Link { state: LinkPhase::Unreachable { .. }, .. });
            assert!(!told.iter().skip(since.unwrap()).any(lost), "people saw a cut: {told:#?}");
        }
        dialler.net.shutdown().await;
        listener.net.shutdown().await;
    }
}

#[tokio::test]
async fn silence_is_noticed_over_tcp_as_over_quic() {
    let authority = Authority::new("朝凪市");
    let [one, two] = leaves(&authority);
    let mut listener = TestNode::start(&one, &[]);
    let relay = Relay::with_tcp(listener.address()).await;
    relay.set_loss(100);
    let mut dialler = TestNode::start(&two, &[relay.address]);
    dialler.told.until_connected(one.node).await;
    listener.told.until_connected(two.node).await;
    let begun = Instant::now();
    relay.set_silent(true);
    let lost = |phase: &LinkPhase| *phase == LinkPhase::Unreachable { reason: Some(Ended::TimedOut) };
    dialler.told.until_phase(one.node, "noticed", lost).await;
    listener.told.until_phase(two.node, "noticed", lost).await;
    assert!(begun.elapsed() < SILENCE + Duration::from_millis(2_500), "noticed after {:?}", begun.elapsed());
    relay.set_silent(false);
    dialler.told.until_connected(one.node).await;
}

#[tokio::test]
async fn a_node_joins_over_tcp_and_is_refused_as_over_quic() {
    let authority = Authority::new("朝凪市");
    let [one] = leaves(&authority);
    let mut config = config(&one, &[]);
    config.join = Some(Arc::new(|mut request: Vec<u8>, _: SocketAddr| async move {
        request.reverse();
        request
    }));
    let listener = TestNode::start_with(config, store(&one, 1));
    let relay = Relay::with_tcp(listener.address()).await;
    relay.set_loss(100);
    let ask = |organisation: [u8; 32], request: &'static [u8]| {
        let (address, clock) = (relay.address.to_string(), Arc::new(SystemClock::new()));
        async move { join(&address, organisation, request, clock).await }
    };
    let answer = ask(organisation_fingerprint(&root_public_key(&authority.root).unwrap()), b"abc").await.unwrap();
    assert_eq!((answer.response.as_slice(), answer.node), (&b"cba"[..], one.node));
    assert!(matches!(ask([9; 32], b"abc").await, Err(JoinError::TimedOut | JoinError::Ended(_))));
}

/// A peer that can do over TCP whatever TLS lets it do.
struct Intruder(TlsStream<TcpStream>);

fn segment(kind: u8, content: &[u8]) -> Vec<u8> {
    [&[kind][..], &u16::try_from(content.len()).unwrap().to_be_bytes(), content].concat()
}

impl Intruder {
    async fn connect(to: SocketAddr, leaf: Option<&Issued>, protocols: &[&[u8]]) -> std::io::Result<Self> {
        let builder = gullible();
        let mut crypto = match leaf {
            Some(leaf) => {
                let key = PrivateKeyDer::Pkcs8(leaf.key.clone().into());
                builder.with_client_auth_cert(leaf.chain.clone(), key).unwrap()
            }
            None => builder.with_no_client_auth(),
        };
        crypto.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        let socket = TcpStream::connect(to).await?;
        TlsConnector::from(Arc::new(crypto)).connect("anything".try_into().unwrap(), socket).await.map(Self)
    }

    async fn peer(to: SocketAddr, leaf: &Issued) -> Self {
        timeout(LIMIT, Self::connect(to, Some(leaf), &[ALPN_SYNC])).await.expect("no answer at all").unwrap()
    }

    async fn greeted(to: SocketAddr, leaf: &Issued) -> Self {
        let mut intruder = Self::peer(to, leaf).await;
        intruder.send(&segment(0, &greeting(&GREETING))).await;
        intruder
    }

    async fn send(&mut self, bytes: &[u8]) {
        // The other side may have closed already.
        _ = self.0.write_all(bytes).await;
        _ = self.0.flush().await;
    }

    /// With what code the other side closed.
    async fn ended(&mut self) -> Option<CloseCode> {
        let mut bytes = Vec::new();
        // Reset by the other side is an end, too.
        _ = timeout(LIMIT, self.0.read_to_end(&mut bytes)).await.expect("still open");
        let mut rest = bytes.as_slice();
        while let Some(([kind, high, low], content)) = rest.split_first_chunk::<3>() {
            let (content, after) = content.split_at(usize::from(u16::from_be_bytes([*high, *low])));
            if *kind == 0xff {
                return CloseCode::from_number(u64::from(u32::from_be_bytes(*content.first_chunk().unwrap())));
            }
            rest = after;
        }
        None
    }
}

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

    async fn honest_peer_connects(&mut self) {
        let relay = Relay::with_tcp(self.node.address()).await;
        relay.set_loss(100);
        let mut friend = TestNode::start(&self.honest, &[relay.address]);
        friend.told.until_phase(self.node.node(), "over TCP", over(Transport::Tcp)).await;
        friend.net.shutdown().await;
    }
}

#[tokio::test]
async fn what_breaks_the_rules_closes_that_connection_only() {
    let too_large = u32::try_from(FRAME_BYTES_MAX + 1).unwrap().to_be_bytes();
    let over_segment = [&[0][..], &u16::try_from(TCP_SEGMENT_BYTES_MAX + 1).unwrap().to_be_bytes()].concat();
    let streams = u8::try_from(STREAMS_UNI_MAX).unwrap();
    let unknown_class = streams + 3;
    let cases: Vec<(&str, Vec<u8>, CloseCode)> = vec![
        ("a frame of no bytes", segment(0, &[0; 4]), CloseCode::Malformed),
        ("a frame of a byte too many", segment(0, &too_large), CloseCode::TooLarge),
        ("garbage in a frame", segment(0, &[&8u32.to_be_bytes()[..], &[0xff; 8]].concat()), CloseCode::Malformed),
        ("a segment too large", over_segment, CloseCode::Protocol),
        ("a stream too many", segment(streams, &[1]), CloseCode::Protocol),
        ("a stream out of turn", segment(2, &[1]), CloseCode::Protocol),
        ("an unknown class", segment(1, &[unknown_class]), CloseCode::Protocol),
        ("a second control", segment(1, &opening(Class::Control)), CloseCode::Protocol),
        ("credit for nothing", segment(0xf2, &[0, 0xff, 0xff, 0xff, 0xff]), CloseCode::Protocol),
        ("credit of no stream", segment(0xf2, &[3, 0, 0, 0, 1]), CloseCode::Protocol),
        ("no known kind", segment(0xee, &[1]), CloseCode::Protocol),
    ];
    let mut scene = Scene::new();
    for (what, bytes, code) in cases {
        let mut intruder = Intruder::greeted(scene.node.address(), &scene.rogue).await;
        intruder.send(&bytes).await;
        assert_eq!(intruder.ended().await, Some(code), "{what}");
    }
    scene.honest_peer_connects().await;
}

#[tokio::test]
async fn a_frame_of_the_largest_size_is_taken() {
    let authority = Authority::new("朝凪市");
    let [own, peer] = leaves(&authority);
    let (net, _told, mut hearing) = talker(config(&own, &[]), vec![]);
    let mut intruder = Intruder::greeted(net.local_addresses()[0], &peer).await;
    let frame = vec![7; FRAME_BYTES_MAX];
    let bytes = [&u32::try_from(FRAME_BYTES_MAX).unwrap().to_be_bytes()[..], &frame].concat();
    for part in bytes.chunks(TCP_SEGMENT_BYTES_MAX) {
        intruder.send(&segment(0, part)).await;
    }
    let event = heard(&mut hearing, |event| matches!(event, Event::Frame { .. })).await;
    assert!(matches!(event, Event::Frame { peer: from, bytes } if from == peer.node && bytes == frame));
}

#[tokio::test]
async fn more_than_a_window_unread_closes() {
    let authority = Authority::new("朝凪市");
    let [own, peer] = leaves(&authority);
    let (net, _told, _hearing) = talker(config(&own, &[]), vec![]);
    let mut intruder = Intruder::peer(net.local_addresses()[0], &peer).await;
    // The node waits for a greeting that never ends to begin: nothing of the second stream is read.
    let part = vec![0; TCP_SEGMENT_BYTES_MAX];
    intruder.send(&segment(0, &[0])).await;
    for _ in 0..=STREAM_WINDOW_BYTES as usize / TCP_SEGMENT_BYTES_MAX {
        intruder.send(&segment(1, &part)).await;
    }
    assert_eq!(intruder.ended().await, Some(CloseCode::Protocol));
}

#[tokio::test]
async fn who_says_nothing_or_is_nobody_is_disconnected() {
    let mut scene = Scene::new();
    let to = scene.node.address();
    let mut silent = Intruder::peer(to, &scene.rogue).await;
    let mut half = Intruder::peer(to, &scene.rogue).await;
    half.send(&segment(0, &[0, 1, 2, 3])).await;
    let mut nobody = Intruder::connect(to, None, &[ALPN_SYNC]).await.unwrap();
    let mut joiner = Intruder::connect(to, None, &[ALPN_JOIN]).await;
    let mut browser = TcpStream::connect(to).await.unwrap();
    browser.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut mute = TcpStream::connect(to).await.unwrap();
    assert_eq!(nobody.ended().await, Some(CloseCode::NoCertificate));
    assert!(joiner.is_err() || joiner.as_mut().unwrap().ended().await.is_some(), "joining is not offered here");
    assert_eq!(silent.ended().await, Some(CloseCode::Silent));
    assert_eq!(half.ended().await, Some(CloseCode::Silent));
    let mut bytes = Vec::new();
    for socket in [&mut browser, &mut mute] {
        _ = timeout(LIMIT, socket.read_to_end(&mut bytes)).await.expect("still open");
    }
    assert!(scene.node.told.all().is_empty());
    scene.honest_peer_connects().await;
}

#[tokio::test]
async fn many_half_open_connections_leave_room_for_a_peer() {
    let mut scene = Scene::new();
    let mut held = Vec::new();
    for _ in 0..HANDSHAKES_PER_ADDRESS_MAX * 2 {
        held.push(TcpStream::connect(scene.node.address()).await.unwrap());
    }
    // Those beyond what one address may have under way were cut off; the others are given up in time.
    scene.honest_peer_connects().await;
}

#[tokio::test]
async fn a_peer_that_stops_reading_is_disconnected() {
    let authority = Authority::new("朝凪市");
    let [own, rogue, _honest] = leaves(&authority);
    let mut config = config(&own, &[]);
    config.patience.stall = Duration::from_millis(500);
    let says = vec![(Class::Backfill, vec![1; FRAME_BYTES_MAX]); 16];
    let (net, mut told, _hearing) = talker(config, says);
    let _intruder = Intruder::greeted(net.local_addresses()[0], &rogue).await;
    let closed = |phase: &LinkPhase| *phase == LinkPhase::Unreachable { reason: Some(Ended::ByUs(CloseCode::Stalled)) };
    told.until_phase(rogue.node, "stalled", closed).await;
}
