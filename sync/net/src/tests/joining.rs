//! The join exchange: who is believed, what is too much, how many at a time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use crate::certificate::{organisation_fingerprint, root_public_key};
use crate::clock::SystemClock;
use crate::close::{CloseCode, Ended};
use crate::join::{JoinAnswer, JoinError, JoinPort, join};
use crate::limits::{JOIN_BYTES_MAX, JOINS_MAX};
use crate::tests::authority::{Authority, Issued, Leaf};
use crate::tests::intruder::Intruder;
use crate::tests::node::{TestNode, config, leaves, store};
use crate::tls::ALPN_JOIN;

fn fingerprint(authority: &Authority) -> [u8; 32] {
    organisation_fingerprint(&root_public_key(&authority.root).unwrap())
}

fn node(leaf: &Issued, port: impl JoinPort) -> TestNode {
    let mut config = config(leaf, &[]);
    config.join = Some(Arc::new(port));
    TestNode::start_with(config, store(leaf, 1))
}

async fn ask(to: SocketAddr, organisation: [u8; 32], request: &[u8]) -> Result<JoinAnswer, JoinError> {
    join(&to.to_string(), organisation, request, Arc::new(SystemClock::new())).await
}

async fn echo(mut request: Vec<u8>, _: SocketAddr) -> Vec<u8> {
    request.reverse();
    request
}

#[tokio::test]
async fn a_question_is_answered_by_a_node_of_the_organisation() {
    let authority = Authority::new("朝凪市");
    let leaf = authority.issue(Leaf::default());
    let node = node(&leaf, echo);
    let answer = ask(node.address(), fingerprint(&authority), b"abc").await.unwrap();
    let expected = JoinAnswer { response: b"cba".to_vec(), node: leaf.node, root: authority.root.to_vec() };
    assert_eq!(answer, expected);
    assert!(node.told.all().is_empty());
}

#[tokio::test]
async fn another_organisation_is_not_asked() {
    let authority = Authority::new("朝凪市");
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let node = node(&authority.issue(Leaf::default()), move |request, from| {
        count.fetch_add(1, Ordering::SeqCst);
        echo(request, from)
    });
    // Nor one of the same name: its key is another.
    for other in [Authority::new("夕凪市"), Authority::new("朝凪市")] {
        let error = ask(node.address(), fingerprint(&other), b"secret").await.unwrap_err();
        assert!(matches!(error, JoinError::Ended(Ended::Handshake(_))), "{error:?}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_node_that_does_not_offer_it_refuses() {
    let authority = Authority::new("朝凪市");
    let node = TestNode::start(&authority.issue(Leaf::default()), &[]);
    let error = ask(node.address(), fingerprint(&authority), b"abc").await.unwrap_err();
    assert!(matches!(error, JoinError::Ended(Ended::Handshake(_))), "{error:?}");
}

#[tokio::test]
async fn sixty_four_kibibytes_pass_and_one_more_does_not() {
    let authority = Authority::new("朝凪市");
    let leaf = authority.issue(Leaf::default());
    let organisation = fingerprint(&authority);
    let to = node(&leaf, echo);
    let largest = vec![7; JOIN_BYTES_MAX];
    assert_eq!(ask(to.address(), organisation, &largest).await.unwrap().response, largest);
    let larger = vec![7; JOIN_BYTES_MAX + 1];
    assert!(matches!(ask(to.address(), organisation, &larger).await, Err(JoinError::RequestTooLarge)));

    let intruder = Intruder::connect(to.address(), None, &[ALPN_JOIN]).await.unwrap();
    let (mut sending, _receiving) = intruder.quic.open_bi().await.unwrap();
    sending.write_all(&larger).await.unwrap();
    assert_eq!(intruder.ended().await, Ended::ByPeer(CloseCode::TooLarge));

    let talkative = node(&leaf, |_: Vec<u8>, _: SocketAddr| async { vec![7; JOIN_BYTES_MAX + 1] });
    let error = ask(talkative.address(), organisation, b"abc").await.unwrap_err();
    assert!(matches!(error, JoinError::Ended(Ended::ByPeer(CloseCode::Store))), "{error:?}");
}

#[tokio::test]
async fn four_are_served_at_a_time_and_the_fifth_is_told_so() {
    let authority = Authority::new("朝凪市");
    let [leaf, peer] = leaves(&authority);
    let organisation = fingerprint(&authority);
    let (asked, may_answer) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (begun, gate) = (asked.clone(), may_answer.clone());
    let mut node = node(&leaf, move |request: Vec<u8>, _: SocketAddr| {
        let (begun, gate) = (begun.clone(), gate.clone());
        async move {
            begun.add_permits(1);
            _ = gate.acquire().await.unwrap();
            request
        }
    });
    let address = node.address();
    let waiting: Vec<_> =
        (0..JOINS_MAX).map(|_| tokio::spawn(async move { ask(address, organisation, b"abc").await })).collect();
    _ = asked.acquire_many(JOINS_MAX as u32).await.unwrap();
    let error = ask(address, organisation, b"abc").await.unwrap_err();
    assert!(matches!(error, JoinError::Ended(Ended::ByPeer(CloseCode::Busy))), "{error:?}");
    // Peers are served beside them.
    let mut friend = TestNode::start(&peer, &[address]);
    friend.told.until_connected(leaf.node).await;
    node.told.until_connected(peer.node).await;
    may_answer.add_permits(100);
    for waiting in waiting {
        assert_eq!(waiting.await.unwrap().unwrap().response, b"abc");
    }
    assert_eq!(ask(address, organisation, b"again").await.unwrap().response, b"again");
}

#[tokio::test]
async fn a_certified_node_may_ask_too_but_a_false_certificate_ends_it() {
    let authority = Authority::new("朝凪市");
    let [leaf, peer] = leaves(&authority);
    let node = node(&leaf, echo);
    assert!(Intruder::connect(node.address(), Some(&peer), &[ALPN_JOIN]).await.is_ok());
    let stranger = Authority::new("夕凪市").issue(Leaf::default());
    let ended = match Intruder::connect(node.address(), Some(&stranger), &[ALPN_JOIN]).await {
        Ok(intruder) => intruder.ended().await,
        Err(ended) => ended,
    };
    assert!(matches!(ended, Ended::Handshake(_)), "{ended:?}");
}

#[tokio::test]
async fn nonsense_for_an_address_is_an_error() {
    for address in ["", "nowhere", "本庁:1", "127.0.0.1"] {
        let error = join(address, [0; 32], b"", Arc::new(SystemClock::new())).await.unwrap_err();
        assert!(matches!(error, JoinError::Address(_)), "{address}: {error:?}");
    }
}
