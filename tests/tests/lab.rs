//! The network laboratory itself: what it is told to do to packets happens to real ones, and nothing of it remains.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use noroshi_tests::lab::{Lab, Weather};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(20);

async fn udp(lab: &Lab, office: usize) -> UdpSocket {
    let address = SocketAddr::new(lab.address(office), 7_000);
    lab.inside(office).spawn(async move { UdpSocket::bind(address).await.unwrap() }).await.unwrap()
}

/// Sends a datagram there and back; how long it took.
async fn echo(here: &UdpSocket, there: &UdpSocket, bytes: usize) -> Duration {
    let begun = Instant::now();
    here.send_to(&vec![7; bytes], there.local_addr().unwrap()).await.unwrap();
    let mut buffer = vec![0; 2_000];
    let (length, from) = timeout(LIMIT, there.recv_from(&mut buffer)).await.unwrap().unwrap();
    there.send_to(&buffer[..length], from).await.unwrap();
    assert_eq!(timeout(LIMIT, here.recv_from(&mut buffer)).await.unwrap().unwrap().0, bytes);
    begun.elapsed()
}

#[tokio::test]
async fn lines_are_slow_deaf_and_selective_as_told() {
    let lab = Lab::new(2, 1);
    let (one, two) = (udp(&lab, 0).await, udp(&lab, 1).await);
    echo(&one, &two, 100).await;

    let delay = Duration::from_millis(150);
    lab.set_both(0, 1, &Weather { delay, ..Weather::default() });
    let took = echo(&one, &two, 100).await;
    assert!(took >= delay * 2, "{took:?}");

    // 64 kbit/s there, nothing held up on the way back: ten packets of 1,000 bytes take ten times 128.5 ms.
    lab.set(0, 1, Weather { bits_per_s: Some(64_000), ..Weather::default() });
    lab.set(1, 0, Weather::default());
    let begun = Instant::now();
    for _ in 0..10 {
        one.send_to(&[7; 1_000], two.local_addr().unwrap()).await.unwrap();
    }
    let mut buffer = [0; 2_000];
    for _ in 0..10 {
        timeout(LIMIT, two.recv_from(&mut buffer)).await.unwrap().unwrap();
    }
    assert!(begun.elapsed() >= Duration::from_millis(1_284), "{:?}", begun.elapsed());
    assert!(lab.counts(0, 1).queued_bytes_max >= 9_000);

    // One way only: what is sent there vanishes, what is sent back arrives.
    lab.set(0, 1, Weather { cut: true, ..Weather::default() });
    one.send_to(&[7; 10], two.local_addr().unwrap()).await.unwrap();
    two.send_to(&[7; 10], one.local_addr().unwrap()).await.unwrap();
    timeout(LIMIT, one.recv_from(&mut buffer)).await.unwrap().unwrap();
    assert_eq!(lab.counts(0, 1).cut, 1);

    // A black hole takes what is too large, another network takes UDP.
    lab.set(0, 1, Weather { largest_packet: Some(1_280), ..Weather::default() });
    one.send_to(&[7; 1_400], two.local_addr().unwrap()).await.unwrap();
    echo(&one, &two, 1_200).await;
    lab.set(0, 1, Weather { drops_udp: true, ..Weather::default() });
    one.send_to(&[7; 10], two.local_addr().unwrap()).await.unwrap();
    let address = SocketAddr::new(lab.address(1), 7_001);
    let listener = lab.inside(1).spawn(async move { TcpListener::bind(address).await.unwrap() }).await.unwrap();
    let connected = lab.inside(0).spawn(async move { TcpStream::connect(address).await });
    timeout(LIMIT, listener.accept()).await.unwrap().unwrap();
    timeout(LIMIT, connected).await.unwrap().unwrap().unwrap();
    let counts = lab.counts(0, 1);
    assert_eq!((counts.too_large, counts.udp_dropped), (1, 1));
}

#[tokio::test]
async fn offices_see_nothing_but_the_switch_and_a_door_leads_inside() {
    let lab = Lab::new(2, 1);
    let inside = SocketAddr::from(([127, 0, 0, 1], 7_002));
    let listener = lab.inside(1).spawn(async move { TcpListener::bind(inside).await.unwrap() }).await.unwrap();
    assert!(TcpStream::connect(inside).await.is_err(), "the loopback interface of an office is its own");
    let mut outside = TcpStream::connect(lab.door(1, 7_002)).await.unwrap();
    let (mut within, _) = timeout(LIMIT, listener.accept()).await.unwrap().unwrap();
    outside.write_all(b"hello").await.unwrap();
    let mut heard = [0; 5];
    timeout(LIMIT, within.read_exact(&mut heard)).await.unwrap().unwrap();
    assert_eq!(&heard, b"hello");
}

#[test]
fn nothing_remains_also_after_a_panic() {
    let names = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = names.clone();
    let panicked = std::thread::spawn(move || {
        let lab = Lab::new(2, 1);
        seen.lock().unwrap().extend([0, 1].map(|office| lab.namespace(office).to_owned()));
        assert!(Path::new("/run/netns").join(lab.namespace(0)).exists());
        panic!("as a test that fails");
    });
    assert!(panicked.join().is_err());
    for name in names.lock().unwrap().iter() {
        assert!(!Path::new("/run/netns").join(name).exists(), "{name}");
    }
}
