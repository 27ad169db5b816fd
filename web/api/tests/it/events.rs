//! Events reach those who may see them, once each, over any interruption; and misuse ends in a clear close.

use std::time::Duration;

use futures_util::SinkExt;
use noroshi_web::ConnectionLimits;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::house::House;
use crate::http::soon;
use crate::ids::id;
use crate::socket::Socket;

async fn post(house: &House, room: &str, text: &str) -> String {
    let id = id();
    let path = format!("/api/v1/rooms/{room}/messages/{id}");
    house.tanaka.call("PUT", &path, &json!({"text": text})).await.ok(201);
    id
}

fn texts(events: &[Value]) -> Vec<&str> {
    let messages =
        events.iter().filter(|event| event["type"] == "message" && event["message"]["entry_kind"] == "message");
    messages.map(|event| event["message"]["text"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_happens_in_a_room_is_pushed_to_its_members() {
    let house = House::new().await;
    let room = house.room("本部", &["suzuki"]).await;
    let (mut suzuki, hello) = Socket::open(&house.suzuki, None).await;
    assert_eq!(hello["node"]["short"], house.short);
    let (mut tanaka, _) = Socket::open(&house.tanaka, None).await;
    let message = post(&house, &room, "停電").await;
    let path = format!("/api/v1/rooms/{room}/messages/{message}");

    let event = suzuki.until_one("message").await;
    assert_eq!(
        (&event["room"], &event["message"]["text"], &event["message"]["my_own"]),
        (&json!(room), &json!("停電"), &json!(false))
    );
    assert_eq!(tanaka.until_one("message").await["message"]["my_own"], true);

    house.suzuki.bare("PUT", &format!("{path}/reactions/ryokai")).await.ok(204);
    assert_eq!(suzuki.until_one("reaction").await["message"]["reactions"][0]["stamp"], "ryokai");
    house.suzuki.call("PUT", &format!("/api/v1/rooms/{room}/read"), &json!({"message": message})).await.ok(204);
    let read = tanaka.until_one("read").await;
    assert_eq!((&read["user"], &read["message"]), (&json!(house.id_of("suzuki")), &json!(message)));
    house.tanaka.call("PATCH", &path, &json!({"text": "復電"})).await.ok(200);
    assert_eq!(suzuki.until_one("edited").await["message"]["text"], "復電");
    house.tanaka.bare("DELETE", &path).await.ok(204);
    assert_eq!(suzuki.until_one("redacted").await["message"]["text"], "");
    house.tanaka.call("PATCH", &format!("/api/v1/rooms/{room}"), &json!({"topic": "訓練"})).await.ok(200);
    let changed = suzuki.until_one("room").await;
    assert_eq!((&changed["room"]["topic"], &changed["room"]["my_role"]), (&json!("訓練"), &json!("member")));
}

#[tokio::test]
async fn whoever_writes_is_seen_writing_by_others() {
    let house = House::new().await;
    let room = house.room("本部", &["suzuki"]).await;
    let (mut suzuki, _) = Socket::open(&house.suzuki, None).await;
    let (mut tanaka, _) = Socket::open(&house.tanaka, None).await;
    let (mut takahashi, _) = Socket::open(&house.takahashi, None).await;
    tanaka.say(&json!({"type": "typing", "room": room})).await;
    let typing = suzuki.until_one("typing").await;
    assert_eq!((&typing["room"], &typing["user"]["id"]), (&json!(room), &json!(house.id_of("tanaka"))));
    // A room one is not in: nothing happens, and the stream goes on.
    takahashi.say(&json!({"type": "typing", "room": room})).await;
    takahashi.drain().await;
    post(&house, &room, "書きました").await;
    let nobody_types = |events: Vec<Value>| events.iter().all(|event| event["type"] != "typing");
    assert!(nobody_types(suzuki.until("message").await));
    assert!(nobody_types(tanaka.until("message").await), "not told of oneself");
}

#[tokio::test]
async fn a_stream_goes_on_where_it_was_cut_without_loss_or_repeats() {
    let house = House::new().await;
    let room = house.room("本部", &["suzuki"]).await;
    let (socket, hello) = Socket::open(&house.suzuki, None).await;
    let mut cursor = hello["cursor"].as_str().unwrap().to_owned();
    drop(socket);
    let (mut sent, mut seen) = (Vec::new(), Vec::new());
    for round in 0..5 {
        for number in 0..7 {
            sent.push(format!("{round}-{number}"));
            post(&house, &room, sent.last().unwrap()).await;
        }
        let (mut socket, hello) = Socket::open(&house.suzuki, Some(&cursor)).await;
        assert_eq!(hello["cursor"], json!(cursor), "the greeting does not skip what is still to come");
        sent.push(format!("{round}-live"));
        post(&house, &room, sent.last().unwrap()).await;
        while seen.len() < sent.len() {
            let event = socket.next().await;
            assert_ne!(event["type"], "refetch");
            seen.extend(texts(std::slice::from_ref(&event)).into_iter().map(str::to_owned));
            cursor = event["cursor"].as_str().unwrap().to_owned();
        }
    }
    assert_eq!(seen, sent);
}

#[tokio::test]
async fn a_cursor_that_cannot_be_resumed_means_fetching_again() {
    let house = House::new().await;
    let room = house.room("本部", &[]).await;
    for cursor in ["9223372036854775807", "18446744073709551615"] {
        let (mut socket, hello) = Socket::open(&house.tanaka, Some(cursor)).await;
        let refetch = socket.next().await;
        assert_eq!((&refetch["type"], &refetch["cursor"]), (&json!("refetch"), &hello["cursor"]));
        post(&house, &room, "a").await;
        socket.until_one("message").await;
    }
    let protocol = format!("noroshi, bearer.{}", house.tanaka.token.as_deref().unwrap());
    for query in ["?cursor=-1", "?cursor=x", "?cursor=18446744073709551616", "?token=abc", "?cursor=1&cursor=2"] {
        let refused = Socket::try_open(house.address, query, &[("sec-websocket-protocol", &protocol)]).await;
        assert_eq!(refused.err(), Some(400), "{query}");
    }
}

#[tokio::test]
async fn a_browser_that_does_not_keep_up_is_told_to_fetch_again() {
    let house = House::new().await;
    let room = house.room("本部", &["suzuki"]).await;
    let (mut slow, _) = Socket::open(&house.suzuki, None).await;
    let large = "災".repeat(10_000);
    let posts = 600;
    for _ in 0..posts {
        post(&house, &room, &large).await;
    }
    let last = post(&house, &room, "最後").await;
    let mut events = Vec::new();
    let refetch = loop {
        let event = slow.next().await;
        if event["type"] == "refetch" {
            break event;
        }
        events.push(event);
    };
    assert!(texts(&events).len() < posts, "what waited was dropped");
    let page = house.suzuki.get(&format!("/api/v1/rooms/{room}/messages?limit=1")).await.ok(200).json();
    assert_eq!(page["items"][0]["id"], json!(last));
    post(&house, &room, "その後").await;
    let after = slow.until_one("message").await;
    assert_eq!(after["message"]["text"], "その後", "nothing from before the refetch comes after it");
    let number = |event: &Value| event["cursor"].as_str().unwrap().parse::<u64>().unwrap();
    assert!(number(&after) > number(&refetch));
}

#[tokio::test]
async fn logging_out_closes_the_streams_of_that_login_at_once() {
    let house = House::new().await;
    let (mut first, _) = Socket::open(&house.tanaka, None).await;
    let (mut second, _) = Socket::open(&house.tanaka, None).await;
    let (mut other, _) = Socket::open(&house.suzuki, None).await;
    house.tanaka.bare("DELETE", "/api/v1/session").await.ok(204);
    assert_eq!(first.close_code().await, 1008);
    assert_eq!(second.close_code().await, 1008);
    assert!(other.drain().await.is_empty());
}

#[tokio::test]
async fn whoever_is_removed_hears_that_and_nothing_more() {
    let house = House::new().await;
    let room = house.room("本部", &["suzuki"]).await;
    let (mut suzuki, _) = Socket::open(&house.suzuki, None).await;
    house.tanaka.bare("DELETE", &format!("/api/v1/rooms/{room}/members/{}", house.id_of("suzuki"))).await.ok(204);
    post(&house, &room, "秘密").await;
    let seen = suzuki.until("room").await;
    assert_eq!(seen.last().unwrap()["removed"], true);
    assert_eq!(seen.last().unwrap()["room"], json!(room));
    let open = house.room("その他", &["suzuki"]).await;
    post(&house, &open, "終わり").await;
    let since = suzuki.until("message").await;
    assert_eq!(texts(&since), ["終わり"]);
    assert!(!json!(since).to_string().contains("秘密"));
}

#[tokio::test]
async fn other_sites_and_strangers_get_no_stream() {
    let house = House::new().await;
    let cookie = format!("noroshi_{}={}", house.short, house.tanaka.token.as_deref().unwrap());
    let own = format!("http://{}", house.address);
    assert!(Socket::try_open(house.address, "", &[("cookie", &cookie), ("origin", &own)]).await.is_ok());
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1"] {
        let refused = Socket::try_open(house.address, "", &[("cookie", &cookie), ("origin", origin)]).await;
        assert_eq!(refused.err(), Some(403), "{origin}");
    }
    assert_eq!(Socket::try_open(house.address, "", &[]).await.err(), Some(401));
    let forged = [("sec-websocket-protocol", "noroshi, bearer.AAAA")];
    assert_eq!(Socket::try_open(house.address, "", &forged).await.err(), Some(401));
    house.tanaka.get("/api/v1/events").await.refused(426, "upgrade_required");
}

#[tokio::test]
async fn frames_have_a_limit_and_the_server_lives() {
    let house = House::new().await;
    let frame_max = 64 * 1024;
    let text = |length: usize| {
        let frame = r#"{"type":"ping"}"#;
        format!("{frame}{}", " ".repeat(length - frame.len()))
    };
    let (mut socket, _) = Socket::open(&house.tanaka, None).await;
    socket.0.send(Message::text(text(frame_max))).await.unwrap();
    socket.until_one("pong").await;
    // The server may close before everything is sent.
    let _ = socket.0.send(Message::text(text(frame_max + 1))).await;
    assert_eq!(socket.close_code().await, 1009);
    let (mut socket, _) = Socket::open(&house.tanaka, None).await;
    let _ = socket.0.send(Message::text(text(1024 * 1024))).await;
    assert_eq!(socket.close_code().await, 1009);
    // In pieces: each is small, the whole is not.
    let (mut socket, _) = Socket::open(&house.tanaka, None).await;
    for number in 0..=16 {
        let code = if number == 0 { Data::Text } else { Data::Continue };
        let piece = Frame::message(vec![b' '; 4 * 1024], OpCode::Data(code), number == 16);
        if socket.0.send(Message::Frame(piece)).await.is_err() {
            break;
        }
    }
    assert_eq!(socket.close_code().await, 1009);
    house.nobody().get("/livez").await.ok(200);
}

#[tokio::test]
async fn what_a_browser_says_is_understood_or_ends_the_stream() {
    let house = House::new().await;
    for (message, code) in [
        (Message::text("{"), 1007),
        (Message::text(r#"{"type":"subscribe"}"#), 1007),
        (Message::text(r#"{"type":"typing","room":"x"}"#), 1007),
        (Message::binary(vec![1, 2, 3]), 1003),
        (Message::Frame(Frame::message(vec![0xff, 0xfe], OpCode::Data(Data::Text), true)), 1007),
        (Message::Frame(Frame::message(vec![], OpCode::Data(Data::Reserved(3)), true)), 1002),
    ] {
        let (mut socket, _) = Socket::open(&house.tanaka, None).await;
        socket.0.send(message.clone()).await.unwrap();
        assert_eq!(socket.close_code().await, code, "{message:?}");
    }
}

#[tokio::test]
async fn a_flood_ends_the_stream() {
    let house = House::new().await;
    let (mut socket, _) = Socket::open(&house.tanaka, None).await;
    let flood = async {
        for _ in 0..1_000 {
            if socket.0.send(Message::text(r#"{"type":"ping"}"#)).await.is_err() {
                break;
            }
        }
    };
    soon("the flood", flood).await;
    assert_eq!(socket.close_code().await, 1008);
    let (mut socket, _) = Socket::open(&house.tanaka, None).await;
    for _ in 0..50 {
        socket.say(&json!({"type": "ping"})).await;
        socket.until_one("pong").await;
    }
}

#[tokio::test]
async fn a_browser_that_is_gone_without_a_word_is_noticed() {
    let ping_every = Duration::from_millis(100);
    let house = House::with(ConnectionLimits { ping_every, ..ConnectionLimits::default() }).await;
    let (mut gone, _) = Socket::open(&house.tanaka, None).await;
    let (mut here, _) = Socket::open(&house.tanaka, None).await;
    // One reads, and so answers pings; the other does not, until it is too late.
    for _ in 0..10 {
        let ping = soon("a ping", futures_util::StreamExt::next(&mut here.0)).await;
        assert!(matches!(ping, Some(Ok(Message::Ping(_)))), "{ping:?}");
    }
    assert_eq!(gone.close_code().await, 1008);
}

#[tokio::test]
async fn the_shutdown_says_good_bye() {
    let mut house = House::with(ConnectionLimits::default()).await;
    let (mut socket, _) = Socket::open(&house.tanaka, None).await;
    house.shutdown.cancel();
    assert_eq!(socket.close_code().await, 1001);
    drop(socket);
    soon("the end of the server", house.task()).await;
}
