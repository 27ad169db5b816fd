//! Connections that are too slow, too many or too old, and the end of the server.

use std::time::Duration;

use noroshi_web::ConnectionLimits;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::house::House;
use crate::http::{read_to_end, soon};
use crate::ids::id;

const SHORT: Duration = Duration::from_millis(300);

async fn house(limits: ConnectionLimits) -> House {
    House::with(limits).await
}

async fn connect(house: &House) -> TcpStream {
    TcpStream::connect(house.address).await.unwrap()
}

/// Whether the server answers a request on this connection, which then stays open.
async fn is_served(socket: &mut TcpStream) -> bool {
    let request = b"GET /livez HTTP/1.1\r\nhost: a\r\n\r\n";
    if socket.write_all(request).await.is_err() {
        return false;
    }
    let mut answer = Vec::new();
    while !answer.ends_with(b"{\"alive\":true}") {
        let mut part = [0; 1024];
        match soon("an answer", socket.read(&mut part)).await {
            Ok(read) if read > 0 => answer.extend_from_slice(&part[..read]),
            _ => return false,
        }
    }
    answer.starts_with(b"HTTP/1.1 200")
}

#[tokio::test]
async fn a_client_that_sends_nothing_is_let_go() {
    let house = house(ConnectionLimits { header_time: SHORT, ..ConnectionLimits::default() }).await;
    let mut socket = connect(&house).await;
    assert_eq!(read_to_end(&mut socket).await, b"");
}

#[tokio::test]
async fn headers_that_trickle_in_do_not_hold_a_place() {
    let house = house(ConnectionLimits { header_time: SHORT, ..ConnectionLimits::default() }).await;
    let socket = connect(&house).await;
    let (mut reader, mut writer) = socket.into_split();
    writer.write_all(b"GET /livez HTTP/1.1\r\nhost: a\r\n").await.unwrap();
    let trickle = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(SHORT / 10);
        loop {
            ticks.tick().await;
            if writer.write_all(b"x: y\r\n").await.is_err() {
                return;
            }
        }
    });
    let mut answer = Vec::new();
    let read = soon("the end of the slow connection", reader.read_to_end(&mut answer)).await;
    assert!(read.is_err() || answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"), "{answer:?}");
    soon("the trickle's end", trickle).await.unwrap();
    house.nobody().get("/livez").await.ok(200);
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let house = house(ConnectionLimits { body_time: SHORT, ..ConnectionLimits::default() }).await;
    let room = house.room("本部", &[]).await;
    let mut socket = connect(&house).await;
    let head = format!(
        "PUT /api/v1/rooms/{room}/messages/{} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n{{\"text\":",
        id(),
        house.tanaka.token.as_deref().unwrap()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let answer = String::from_utf8(read_to_end(&mut socket).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("request_timeout"), "{answer}");
}

#[tokio::test]
async fn an_address_has_its_number_of_connections_and_the_next_is_told_when_to_come() {
    let house = house(ConnectionLimits { per_loopback: 3, ..ConnectionLimits::default() }).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut socket = connect(&house).await;
        assert!(is_served(&mut socket).await);
        open.push(socket);
    }
    let mut refused = connect(&house).await;
    let answer = String::from_utf8(read_to_end(&mut refused).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("Retry-After: "), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(body).unwrap()["code"], "busy");
    assert!(is_served(&mut open[0]).await, "who was there before goes on");
    drop(open.pop());
    soon("a place to become free", async {
        while !is_served(&mut connect(&house).await).await {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_old_connection_is_not_used_again() {
    let house = house(ConnectionLimits { age: SHORT, ..ConnectionLimits::default() }).await;
    let mut socket = connect(&house).await;
    assert!(is_served(&mut socket).await);
    read_to_end(&mut socket).await;
}

#[tokio::test]
async fn many_requests_pass_through_one_connection() {
    let house = House::new().await;
    let mut socket = connect(&house).await;
    for _ in 0..10 {
        assert!(is_served(&mut socket).await);
    }
}

#[tokio::test]
async fn a_client_that_never_reads_is_dropped() {
    let house = house(ConnectionLimits { stall_time: SHORT, ..ConnectionLimits::default() }).await;
    let room = house.room("本部", &[]).await;
    for _ in 0..20 {
        let path = format!("/api/v1/rooms/{room}/messages/{}", id());
        house.tanaka.call("PUT", &path, &json!({"text": "災".repeat(10_000)})).await.ok(201);
    }
    let mut socket = connect(&house).await;
    let request = format!(
        "GET /api/v1/rooms/{room}/messages HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n\r\n",
        house.tanaka.token.as_deref().unwrap()
    );
    // Far more answers than the buffers of both sides hold.
    let ended = soon("the server to give up", async {
        loop {
            if socket.write_all(request.as_bytes()).await.is_err() {
                return true;
            }
        }
    })
    .await;
    assert!(ended);
    house.nobody().get("/livez").await.ok(200);
}

#[tokio::test]
async fn the_shutdown_finishes_what_runs_and_closes_what_waits() {
    let mut house = House::new().await;
    let mut idle = connect(&house).await;
    assert!(is_served(&mut idle).await);
    house.shutdown.cancel();
    assert_eq!(read_to_end(&mut idle).await, b"");
    soon("the end of the server", house.task()).await;
    assert!(TcpStream::connect(house.address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn the_shutdown_does_not_wait_for_ever() {
    let limits = ConnectionLimits { shutdown_time: SHORT, ..ConnectionLimits::default() };
    let mut house = house(limits).await;
    let room = house.room("本部", &[]).await;
    let mut stuck = connect(&house).await;
    let head = format!(
        "PUT /api/v1/rooms/{room}/messages/{} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: 100\r\nexpect: 100-continue\r\n\r\n",
        id(),
        house.tanaka.token.as_deref().unwrap()
    );
    stuck.write_all(head.as_bytes()).await.unwrap();
    let mut part = [0; 64];
    let read = soon("the request to run", stuck.read(&mut part)).await.unwrap();
    assert!(part[..read].starts_with(b"HTTP/1.1 100 "));
    house.shutdown.cancel();
    soon("the end of the server", house.task()).await;
}
