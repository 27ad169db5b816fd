//! The same events as server-sent events.

use std::time::Duration;

use noroshi_web::ConnectionLimits;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::house::House;
use crate::http::{Caller, soon};
use crate::ids::id;

struct Stream {
    socket: TcpStream,
    text: String,
}

impl Stream {
    async fn open(caller: &Caller, query: &str, headers: &str) -> Self {
        let mut socket = TcpStream::connect(caller.address).await.unwrap();
        let request = format!(
            "GET /api/v1/events/stream{query} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n{headers}\r\n",
            caller.token.as_deref().unwrap()
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        Self { socket, text: String::new() }
    }

    /// The next event: its id and its data.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((id, data)) = self.text.find("\n\n").and_then(|end| {
                let event: String = self.text.drain(..end + 2).collect();
                let line = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                Some((line("id: ").unwrap_or_default(), line("data: ")?))
            }) {
                return Some((id, serde_json::from_str(&data).unwrap()));
            }
            let mut part = [0; 64 * 1024];
            let read = soon("an event", self.socket.read(&mut part)).await.unwrap_or(0);
            if read == 0 {
                return None;
            }
            self.text.push_str(&String::from_utf8_lossy(&part[..read]));
        }
    }
}

#[tokio::test]
async fn events_come_by_plain_http_too_and_go_on_after_a_cut() {
    let house = House::new().await;
    let room = house.room("本部", &["suzuki"]).await;
    let post = async |text: &str| {
        let path = format!("/api/v1/rooms/{room}/messages/{}", id());
        house.tanaka.call("PUT", &path, &json!({"text": text})).await.ok(201);
    };
    let mut stream = Stream::open(&house.suzuki, "", "").await;
    let (cursor, hello) = stream.next().await.unwrap();
    assert_eq!((&hello["type"], &hello["cursor"]), (&json!("hello"), &json!(cursor)));
    post("一").await;
    let (cursor, event) = stream.next().await.unwrap();
    assert_eq!(
        (&event["type"], &event["message"]["text"], &event["cursor"]),
        (&json!("message"), &json!("一"), &json!(cursor))
    );
    drop(stream);
    post("二").await;
    for (query, header) in
        [(format!("?cursor={cursor}"), String::new()), ("?cursor=0".to_owned(), format!("last-event-id: {cursor}\r\n"))]
    {
        let mut stream = Stream::open(&house.suzuki, &query, &header).await;
        assert_eq!(stream.next().await.unwrap().1["cursor"], json!(cursor));
        let next = loop {
            let (_, event) = stream.next().await.unwrap();
            if event["type"] == "message" {
                break event;
            }
        };
        assert_eq!(next["message"]["text"], "二", "{query} {header}");
    }
}

#[tokio::test]
async fn the_stream_ends_with_the_login() {
    let house = House::new().await;
    let mut stream = Stream::open(&house.tanaka, "", "connection: close\r\n").await;
    stream.next().await.unwrap();
    house.tanaka.bare("DELETE", "/api/v1/session").await.ok(204);
    assert!(stream.next().await.is_none());
    house.tanaka.get("/api/v1/events/stream").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_quiet_stream_shows_that_it_lives() {
    let limits = ConnectionLimits { ping_every: Duration::from_millis(50), ..ConnectionLimits::default() };
    let house = House::with(limits).await;
    let mut stream = Stream::open(&house.tanaka, "", "").await;
    soon("a comment", async {
        while !stream.text.contains("\n:\n") {
            let mut part = [0; 1024];
            let read = stream.socket.read(&mut part).await.unwrap();
            stream.text.push_str(&String::from_utf8_lossy(&part[..read]));
        }
    })
    .await;
}
