//! Who gets in, who does not, and what they are told.

use std::net::SocketAddr;

use noroshi_sync::id::NodeId;
use rcgen::ExtendedKeyUsagePurpose;

use crate::close::{CloseCode, Ended};
use crate::link::{LinkPhase, Via};
use crate::pairing::Side;
use crate::tests::authority::{Authority, Issued, Leaf};
use crate::tests::intruder::Intruder;
use crate::tests::node::{LIMIT, TestNode, leaves};
use crate::tls::{ALPN_JOIN, ALPN_SYNC};

#[tokio::test]
async fn two_nodes_meet_whoever_dials() {
    let authority = Authority::new("朝凪市");
    let [small, large] = leaves(&authority);
    for (listens, dials) in [(&small, &large), (&large, &small)] {
        let mut listener = TestNode::start(listens, &[]);
        let mut dialler = TestNode::start(dials, &[listener.address()]);
        dialler.told.until_connected(listens.node).await;
        listener.told.until_connected(dials.node).await;

        let (theirs, ours) = (listener.net.connections()[0], dialler.net.connections()[0]);
        assert_eq!((theirs.peer, theirs.dialled_by, theirs.via), (dials.node, Side::Theirs, Via::Heard));
        assert_eq!((ours.peer, ours.dialled_by, ours.via), (listens.node, Side::Ours, Via::Configured));
        assert_eq!(theirs.remote_address, dialler.address());
        assert_eq!(ours.remote_address, listener.address());
        listener.net.shutdown().await;
        dialler.net.shutdown().await;
    }
}

#[tokio::test]
async fn the_rogues_are_refused_with_a_reason_and_disturb_nobody() {
    let authority = Authority::new("朝凪市");
    let [own, honest] = leaves(&authority);
    let mut node = TestNode::start(&own, &[]);

    let client_only = Leaf { usages: vec![ExtendedKeyUsagePurpose::ServerAuth], ..Leaf::default() };
    // The numbers are those of TLS alerts (RFC 8446 §6).
    let rogues: Vec<(&str, Issued, &str)> = vec![
        ("another authority", Authority::new("夕凪市").issue(Leaf::default()), "error 48: "),
        ("same name, another key", Authority::new("朝凪市").issue(Leaf::default()), "error 51: "),
        ("never valid as a whole", authority.issue(Leaf { days: (-300, -200), ..Leaf::default() }), "error 45: "),
        ("not for clients", authority.issue(client_only), "error 43: "),
        ("a chain of ten", long_chain(&authority, 10), "error 46: "),
        ("an authority as a node", authority_as_leaf(&authority), "error 46: "),
    ];
    for (who, leaf, reason) in &rogues {
        let ended = refused(node.address(), Some(leaf), &[ALPN_SYNC]).await;
        let Ended::Handshake(said) = &ended else { panic!("{who}: {ended:?}") };
        assert!(said.contains(reason), "{who}: {said}");
    }
    assert_eq!(refused(node.address(), None, &[ALPN_SYNC]).await, Ended::ByPeer(CloseCode::NoCertificate));
    for protocols in [&[b"h3".as_slice()] as &[&[u8]], &[], &[b"noroshi/2"], &[ALPN_JOIN]] {
        let ended = refused(node.address(), Some(&honest), protocols).await;
        assert!(matches!(ended, Ended::Handshake(_)), "{protocols:?}: {ended:?}");
    }
    assert_eq!(refused(node.address(), Some(&own), &[ALPN_SYNC]).await, Ended::ByPeer(CloseCode::Itself));

    assert!(node.net.connections().is_empty() && node.told.all().is_empty());
    let mut friend = TestNode::start(&honest, &[node.address()]);
    friend.told.until_connected(own.node).await;
    node.told.until_connected(honest.node).await;
}

#[tokio::test]
async fn a_listener_of_another_organisation_is_not_believed() {
    let authority = Authority::new("朝凪市");
    let own = authority.issue(Leaf::default());
    let strangers = [Authority::new("夕凪市").issue(Leaf::default()), Authority::new("朝凪市").issue(Leaf::default())];
    for stranger in &strangers {
        let listener = TestNode::start(stranger, &[]);
        let mut node = TestNode::start(&own, &[]);
        node.net.set_candidates(vec![(stranger.node, vec![listener.address().into()])]).await.unwrap();
        let refused = |phase: &LinkPhase| matches!(phase, LinkPhase::Unreachable { reason: Some(Ended::Handshake(_)) });
        node.told.until_phase(stranger.node, "refused", refused).await;
        assert!(node.net.connections().is_empty() && listener.told.all().is_empty());
    }
}

#[tokio::test]
async fn of_two_who_dial_at_once_the_connection_of_the_smaller_id_is_used() {
    let authority = Authority::new("朝凪市");
    let [small, large] = leaves(&authority);
    let mut first = TestNode::start(&small, &[]);
    let mut second = TestNode::start(&large, &[]);
    let (here, there) = (first.address(), second.address());
    let directory = |leaf: &Issued, address: SocketAddr| vec![(leaf.node, vec![address.into()])];
    let (one, two) = tokio::join!(
        first.net.set_candidates(directory(&large, there)),
        second.net.set_candidates(directory(&small, here))
    );
    assert!(one.is_ok() && two.is_ok());
    first.told.until_connected(large.node).await;
    second.told.until_connected(small.node).await;
    // Where both attempts came through, both sides settle on one; where one came first, there is only that one.
    let agreed = || {
        let (ours, theirs) = (first.net.connections(), second.net.connections());
        ours.len() == 1
            && theirs.len() == 1
            && (ours[0].dialled_by == Side::Ours) == (theirs[0].dialled_by == Side::Theirs)
    };
    let agree = async {
        while !agreed() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, agree).await.expect("the two sides use different connections");
}

#[tokio::test]
async fn a_node_that_is_told_its_own_address_leaves_it_alone() {
    let authority = Authority::new("朝凪市");
    let [own, other] = leaves(&authority);
    let mut node = TestNode::start(&own, &[]);
    let mut friend = TestNode::start(&other, &[]);
    let addresses = vec![(NODE_UNKNOWN, vec![node.address().into()]), (other.node, vec![friend.address().into()])];
    node.net.set_candidates(addresses).await.unwrap();
    node.told.until_connected(other.node).await;
    friend.told.until_connected(own.node).await;
    assert!(node.net.connections().iter().all(|view| view.peer == other.node));
}

const NODE_UNKNOWN: NodeId = NodeId::from_bytes([9; 32]);

/// What the listener says to such an attempt. In TLS 1.3 the dialler hears it only after its own handshake.
async fn refused(to: SocketAddr, leaf: Option<&Issued>, protocols: &[&[u8]]) -> Ended {
    match Intruder::connect(to, leaf, protocols).await {
        Ok(intruder) => intruder.ended().await,
        Err(ended) => ended,
    }
}

fn long_chain(authority: &Authority, length: usize) -> Issued {
    let mut leaf = authority.issue(Leaf::default());
    leaf.chain.resize(length, authority.issuing.clone());
    leaf
}

fn authority_as_leaf(authority: &Authority) -> Issued {
    authority.issuing_as_leaf()
}
