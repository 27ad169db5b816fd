//! What must be refused is refused with its own answer, nothing is stored, and the server goes on.

use serde_json::{Value, json};

use crate::house::House;
use crate::http::exchange;
use crate::ids::id;

const JSON: (&str, &str) = ("content-type", "application/json");
const BODY_MAX: usize = 1024 * 1024;
const HEADER_MAX: usize = 32 * 1024;

struct Place {
    house: House,
    room: String,
}

impl Place {
    async fn new() -> Self {
        let house = House::new().await;
        let room = house.room("本部", &["suzuki"]).await;
        Self { house, room }
    }

    fn message(&self) -> String {
        format!("/api/v1/rooms/{}/messages/{}", self.room, id())
    }

    /// Messages people wrote; what the system says about members does not count.
    async fn written(&self) -> usize {
        let page = self.house.tanaka.get(&format!("/api/v1/rooms/{}/messages", self.room)).await.ok(200).json();
        page["items"].as_array().unwrap().iter().filter(|item| item["entry_kind"] == "message").count()
    }
}

#[tokio::test]
async fn a_body_that_is_not_the_json_it_should_be_is_malformed() {
    let place = Place::new().await;
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let wide = format!(r#"{{"text":{deep}}}"#);
    for body in [
        "",
        "{",
        "null",
        "[]",
        "\"text\"",
        "{\"text\":\"a\"} trailing",
        "\u{feff}{\"text\":\"a\"}",
        r#"{"text":1}"#,
        r#"{"text":null}"#,
        r#"{"text":["a"]}"#,
        r#"{"text":"a","urgent":"yes"}"#,
        r#"{"text":"a","urgent":1e400}"#,
        r#"{"text":"a","mentions":"all"}"#,
        r#"{"text":"a","mentions":["not-an-id"]}"#,
        r#"{"text":"a","reply_to":{}}"#,
        r#"{"text":"a","text":"b"}"#,
        r#"{"text":"a","author":"suzuki"}"#,
        r#"{"text":"\ud800"}"#,
        r#"{"text":NaN}"#,
        r#"{"urgent":true}"#,
        deep.as_str(),
        wide.as_str(),
    ] {
        let reply = place.house.tanaka.send("PUT", &place.message(), &[JSON], body.as_bytes()).await;
        reply.refused(400, "malformed");
    }
    for body in [&b"{\"text\":\"\xff\xfe\"}"[..], &b"\xff\xfe{\0\"\0"[..]] {
        place.house.tanaka.send("PUT", &place.message(), &[JSON], body).await.refused(400, "malformed");
    }
    assert_eq!(place.written().await, 0);
}

#[tokio::test]
async fn a_body_in_another_form_is_not_read() {
    let place = Place::new().await;
    let body = br#"{"text":"a"}"#;
    for headers in [
        &[][..],
        &[("content-type", "text/plain")],
        &[("content-type", "application/json;charset=shift_jis")],
        &[JSON, ("content-encoding", "gzip")],
    ] {
        let reply = place.house.tanaka.send("PUT", &place.message(), headers, body).await;
        reply.refused(415, "unsupported_media_type");
    }
    assert_eq!(place.written().await, 0);
}

#[tokio::test]
async fn texts_are_measured_and_never_changed_in_silence() {
    let place = Place::new().await;
    let long = "災".repeat(10_001);
    for (text, code) in [
        ("", "empty"),
        (" \u{3000}\n", "empty"),
        ("\u{200b}\u{200d}", "empty"),
        ("a\0b", "control_characters"),
        ("a\u{1b}[31mb", "control_characters"),
        ("a\r\nb", "control_characters"),
        (long.as_str(), "too_long"),
    ] {
        let reply = place.house.tanaka.call("PUT", &place.message(), &json!({"text": text})).await;
        reply.refused(422, code);
        assert_eq!(reply.json()["field"], "text");
    }
    assert_eq!(place.written().await, 0);
    let longest = "𠮷".repeat(10_000);
    for text in
        [longest.as_str(), "一\n\t二", "<script>alert(1)</script>", "👨\u{200d}👩\u{200d}👧", "葛\u{e0100}", "ﾊﾝｶｸ"]
    {
        let reply = place.house.tanaka.call("PUT", &place.message(), &json!({"text": text})).await.ok(201);
        assert_eq!(reply.json()["text"], text);
    }
}

#[tokio::test]
async fn the_body_limit_is_exact() {
    let place = Place::new().await;
    let body = |length: usize| {
        let frame = r#"{"text":""}"#.len();
        format!(r#"{{"text":"{}"}}"#, "a".repeat(length - frame)).into_bytes()
    };
    // Inside: read whole, and only then found to be too long a text.
    place.house.tanaka.send("PUT", &place.message(), &[JSON], &body(BODY_MAX)).await.refused(422, "too_long");
    place.house.tanaka.send("PUT", &place.message(), &[JSON], &body(BODY_MAX + 1)).await.refused(413, "too_large");
    // Without a length: counted on the way.
    let mut chunked = format!("{:x}\r\n", BODY_MAX + 1).into_bytes();
    chunked.extend(body(BODY_MAX + 1));
    chunked.extend(b"\r\n0\r\n\r\n");
    let headers = [JSON, ("transfer-encoding", "chunked")];
    place.house.tanaka.send("PUT", &place.message(), &headers, &chunked).await.refused(413, "too_large");
    assert_eq!(place.written().await, 0);
    place.house.tanaka.call("PUT", &place.message(), &json!({"text": "a"})).await.ok(201);
}

#[tokio::test]
async fn an_id_that_is_none_names_nothing() {
    let place = Place::new().await;
    let tanaka = &place.house.tanaka;
    let long = "a".repeat(1_000);
    for bad in
        ["1", "null", "%00", "..%2f", "%ff", "[]", &place.room.replace('-', ""), &format!("{{{}}}", place.room), &long]
    {
        let bad = bad.replace('{', "%7b").replace('}', "%7d").replace('[', "%5b").replace(']', "%5d");
        tanaka.get(&format!("/api/v1/rooms/{bad}")).await.refused(404, "not_found");
        tanaka.get(&format!("/api/v1/rooms/{}/messages/{bad}/receipts", place.room)).await.refused(404, "not_found");
        let member = format!("/api/v1/rooms/{}/members/{bad}", place.room);
        tanaka.call("PUT", &member, &json!({"role": "member"})).await.refused(404, "not_found");
        let path = format!("/api/v1/rooms/{}/messages/{bad}", place.room);
        tanaka
            .call("PUT", &path, &json!({"text": "a"}))
            .await
            .refused(if bad == "%ff" { 404 } else { 422 }, if bad == "%ff" { "not_found" } else { "invalid_id" });
    }
    let version4 = format!("/api/v1/rooms/{}/messages/01990000-0000-4000-8000-000000000001", place.room);
    tanaka.call("PUT", &version4, &json!({"text": "a"})).await.refused(422, "invalid_id");
    for path in
        ["/api/v1", "/api/v1/", "/api/v1//rooms", "/API/v1/rooms", "/api/v2/rooms", "/api/v1/rooms/..%2f..%2fnode"]
    {
        tanaka.get(path).await.refused(404, "not_found");
    }
}

#[tokio::test]
async fn addresses_and_hosts_have_their_form() {
    let place = Place::new().await;
    let tanaka = &place.house.tanaka;
    let edge = 8 * 1024 - "/api/v1/users?q=".len();
    tanaka.get(&format!("/api/v1/users?q={}", "a".repeat(edge))).await.refused(422, "too_long");
    tanaka.get(&format!("/api/v1/users?q={}", "a".repeat(edge + 1))).await.refused(414, "uri_too_long");
    let address = place.house.address;
    for host in ["", "host: a\r\nhost: b\r\n", "host: user@a\r\n", "host: a b\r\n"] {
        let answer =
            exchange(address, format!("GET /livez HTTP/1.1\r\n{host}connection: close\r\n\r\n").as_bytes()).await;
        assert!(answer.starts_with(b"HTTP/1.1 400 "), "{host}: {}", String::from_utf8_lossy(&answer));
    }
    let large = format!("GET /livez HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "a".repeat(64 * 1024));
    let answer = exchange(address, large.as_bytes()).await;
    assert!(answer.starts_with(b"HTTP/1.1 431 "), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn the_header_limit_is_exact() {
    let house = House::new().await;
    let request = |length: usize| {
        let head = "GET /livez HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx: ";
        format!("{head}{}\r\n\r\n", "a".repeat(length - head.len() - 4))
    };
    for (length, status) in [(HEADER_MAX, "200"), (HEADER_MAX + 1, "431")] {
        let request = request(length);
        assert_eq!(request.len(), length);
        let answer = exchange(house.address, request.as_bytes()).await;
        assert!(
            answer.starts_with(format!("HTTP/1.1 {status} ").as_bytes()),
            "{length}: {}",
            String::from_utf8_lossy(&answer)
        );
    }
}

#[tokio::test]
async fn a_body_has_one_length() {
    let place = Place::new().await;
    let head = |lengths: &str| {
        format!(
            "PUT {} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n{lengths}\r\n{{\"text\":\"a\"}}",
            place.message(),
            place.house.tanaka.token.as_deref().unwrap(),
        )
    };
    for lengths in ["content-length: 12\r\ncontent-length: 3\r\n", "content-length: -1\r\n", "content-length: x\r\n"] {
        let answer = exchange(place.house.address, head(lengths).as_bytes()).await;
        assert!(answer.starts_with(b"HTTP/1.1 400 "), "{lengths}: {}", String::from_utf8_lossy(&answer));
    }
    assert_eq!(place.written().await, 0);
    place.house.nobody().get("/livez").await.ok(200);
}

#[tokio::test]
async fn queries_are_known_and_in_range() {
    let place = Place::new().await;
    let messages = format!("/api/v1/rooms/{}/messages", place.room);
    for (query, status, code) in [
        ("limit=0", 422, "out_of_range"),
        ("limit=201", 422, "out_of_range"),
        ("limit=-1", 400, "malformed"),
        ("limit=9223372036854775808", 400, "malformed"),
        ("around=1", 400, "malformed"),
        ("before=a&after=b", 400, "malformed"),
        ("order=random", 400, "malformed"),
    ] {
        place.house.tanaka.get(&format!("{messages}?{query}")).await.refused(status, code);
    }
    place.house.tanaka.get(&format!("{messages}?limit=200")).await.ok(200);
    place.house.tanaka.get(&format!("{messages}?around={}", id())).await.refused(404, "not_found");
    for cursor in ["", "-1", "9223372036854775808", "%00", "....", "a/b"] {
        for name in ["before", "after"] {
            let reply = place.house.tanaka.get(&format!("{messages}?{name}={cursor}")).await;
            assert!((400..500).contains(&reply.status), "{name}={cursor}: {}", reply.text());
        }
    }
    for (query, status) in [("limit=0", 422), ("limit=1001", 422), ("limit=1000", 200), ("sort=name", 400)] {
        assert_eq!(place.house.tanaka.get(&format!("/api/v1/users?{query}")).await.status, status, "{query}");
    }
    place.house.tanaka.get("/api/v1/rooms?cursor=-1").await.refused(422, "unknown_cursor");
}

#[tokio::test]
async fn a_repeat_is_one_message_and_other_content_is_a_conflict() {
    let place = Place::new().await;
    let path = place.message();
    let tanaka = &place.house.tanaka;
    tanaka.call("PUT", &path, &json!({"text": "a"})).await.ok(201);
    tanaka.call("PUT", &path, &json!({"text": " a "})).await.ok(200);
    for other in [json!({"text": "b"}), json!({"text": "a", "urgent": true})] {
        tanaka.call("PUT", &path, &other).await.refused(409, "conflict");
    }
    let path = place.message();
    let body = json!({"text": "同時"});
    let many = (0..50).map(|_| tanaka.call("PUT", &path, &body));
    let statuses: Vec<u16> = futures_util::future::join_all(many).await.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 49, "{statuses:?}");
    assert_eq!(place.written().await, 2);
}

#[tokio::test]
async fn a_repeated_room_is_one_room_and_another_under_its_id_is_a_conflict() {
    let house = House::new().await;
    let (suzuki, takahashi) = (house.id_of("suzuki"), house.id_of("takahashi"));
    let new = json!({"id": id(), "name": "本部", "topic": "台風", "members": [suzuki], "kind": "group"});
    let made = house.tanaka.call("POST", "/api/v1/rooms", &new).await.ok(201).json();
    assert_eq!(house.tanaka.call("POST", "/api/v1/rooms", &new).await.ok(200).json(), made);
    for (field, value) in [
        ("name", json!("支部")),
        ("topic", json!("地震")),
        ("purpose", json!("雑談")),
        ("kind", json!("announcement")),
        ("members", json!([])),
        ("members", json!([suzuki, takahashi])),
        ("offices", json!([made["offices"][0]["id"]])),
    ] {
        let mut other = new.clone();
        other[field] = value;
        house.tanaka.call("POST", "/api/v1/rooms", &other).await.refused(409, "conflict");
    }
    house.suzuki.call("POST", "/api/v1/rooms", &new).await.refused(409, "conflict");
    let unnamed = json!({"id": uuid::Uuid::nil(), "name": "本部", "members": [], "kind": "group"});
    house.tanaka.call("POST", "/api/v1/rooms", &unnamed).await.refused(422, "invalid_id");
    let rooms = house.tanaka.get("/api/v1/rooms").await.ok(200).json();
    assert_eq!(rooms["items"], json!([made]));
    // Two people have one conversation, whatever id the request carries.
    let direct = || json!({"id": id(), "members": [suzuki], "kind": "direct"});
    let first = house.tanaka.call("POST", "/api/v1/rooms", &direct()).await.ok(201).json();
    assert_eq!(house.tanaka.call("POST", "/api/v1/rooms", &direct()).await.ok(200).json()["id"], first["id"]);
}

#[tokio::test]
async fn replies_and_read_marks_stay_within_their_room() {
    let place = Place::new().await;
    let tanaka = &place.house.tanaka;
    let other = place.house.room("別室", &["suzuki"]).await;
    let elsewhere = id();
    let path = format!("/api/v1/rooms/{other}/messages/{elsewhere}");
    tanaka.call("PUT", &path, &json!({"text": "別室の話"})).await.ok(201);
    for target in [&elsewhere, &id()] {
        let reply = tanaka.call("PUT", &place.message(), &json!({"text": "a", "reply_to": target})).await;
        reply.refused(422, "unknown_message");
        assert_eq!(reply.json()["field"], "reply_to");
        let read = format!("/api/v1/rooms/{}/read", place.room);
        place.house.suzuki.call("PUT", &read, &json!({"message": target})).await.refused(404, "not_found");
    }
    assert_eq!(place.written().await, 0);
    let rooms = place.house.suzuki.get("/api/v1/rooms").await.ok(200).json();
    assert!(rooms["items"].as_array().unwrap().iter().all(|room| room["my_read"].is_null()), "{rooms}");
}

#[tokio::test]
async fn files_that_are_not_here_are_refused_and_never_lost_in_silence() {
    let place = Place::new().await;
    let tanaka = &place.house.tanaka;
    let hash = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
    let attachments = json!([{"hash": hash, "name": "a.pdf"}]);
    let reply = tanaka.call("PUT", &place.message(), &json!({"text": "a", "attachments": attachments})).await;
    reply.refused(422, "attachment_unknown");
    assert_eq!(reply.json()["field"], "attachments");
    assert_eq!(place.written().await, 0);
    let path = place.message();
    let posted = tanaka.call("PUT", &path, &json!({"text": "a", "attachments": []})).await.ok(201).json();
    assert_eq!(posted["attachments"], json!([]));
    tanaka.call("PUT", &path, &json!({"text": "a"})).await.ok(200);
    tanaka.call("PUT", &path, &json!({"text": "a", "attachments": null})).await.ok(200);
}

#[tokio::test]
async fn rooms_of_others_do_not_exist() {
    let place = Place::new().await;
    let message = place.message();
    place.house.tanaka.call("PUT", &message, &json!({"text": "a"})).await.ok(201);
    let (takahashi, room) = (&place.house.takahashi, format!("/api/v1/rooms/{}", place.room));
    let calls = [
        ("GET", room.clone(), Value::Null),
        ("PATCH", room.clone(), json!({"topic": "a"})),
        ("GET", format!("{room}/members"), Value::Null),
        ("PUT", format!("{room}/members/{}", place.house.id_of("takahashi")), json!({"role": "admin"})),
        ("DELETE", format!("{room}/members/{}", place.house.id_of("tanaka")), Value::Null),
        ("GET", format!("{room}/messages"), Value::Null),
        ("PUT", place.message(), json!({"text": "a"})),
        ("PATCH", message.clone(), json!({"text": "a"})),
        ("DELETE", message.clone(), Value::Null),
        ("PUT", format!("{message}/reactions/ryokai"), Value::Null),
        ("DELETE", format!("{message}/reactions/ryokai"), Value::Null),
        ("GET", format!("{message}/receipts"), Value::Null),
        ("PUT", format!("{room}/read"), json!({"message": id()})),
    ];
    let missing = id();
    for (method, path, body) in calls {
        let here = match body {
            Value::Null => takahashi.bare(method, &path).await,
            ref body => takahashi.call(method, &path, body).await,
        };
        here.refused(404, "not_found");
        let path = path.replace(&place.room, &missing);
        let nowhere = match body {
            Value::Null => takahashi.bare(method, &path).await,
            ref body => takahashi.call(method, &path, body).await,
        };
        assert_eq!(here.body, nowhere.body, "{method} {path}: a room of others and no room look the same");
    }
}

#[tokio::test]
async fn stamps_and_names_of_people_are_checked() {
    let place = Place::new().await;
    let message = place.message();
    let tanaka = &place.house.tanaka;
    tanaka.call("PUT", &message, &json!({"text": "a"})).await.ok(201);
    let long = "a".repeat(33);
    for stamp in ["Ryokai", "%E4%BA%86%E8%A7%A3", "a%20b", &long] {
        let reply = tanaka.bare("PUT", &format!("{message}/reactions/{stamp}")).await;
        assert_eq!((reply.status, &reply.json()["field"]), (422, &json!("stamp")), "{stamp}");
    }
    tanaka.bare("PUT", &format!("{message}/reactions/{}", "a".repeat(32))).await.ok(204);
    let mention = json!({"text": "a", "mentions": [id()]});
    tanaka.call("PUT", &place.message(), &mention).await.refused(422, "unknown_user");
    let room = json!({"name": "a", "members": [id()], "kind": "group"});
    tanaka.call("POST", "/api/v1/rooms", &room).await.refused(422, "unknown_user");
    let name = json!({"name": "あ".repeat(101), "members": [], "kind": "group"});
    tanaka.call("POST", "/api/v1/rooms", &name).await.refused(422, "too_long");
    let kind = json!({"name": "a", "members": [], "kind": "secret"});
    tanaka.call("POST", "/api/v1/rooms", &kind).await.refused(400, "malformed");
}

#[tokio::test]
async fn other_methods_are_named() {
    let house = House::new().await;
    let reply = house.tanaka.bare("DELETE", "/api/v1/rooms").await;
    reply.refused(405, "method_not_allowed");
    let allowed = reply.header("allow").unwrap();
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
    house.tanaka.send("GET", "/api/v1/rooms", &[("x-http-method-override", "DELETE")], b"").await.ok(200);
    house.nobody().bare("POST", "/").await.refused(405, "method_not_allowed");
}

#[tokio::test]
async fn people_are_told_in_their_language() {
    let house = House::new().await;
    let ja = house.nobody().get("/api/v1/me").await;
    assert_eq!((ja.header("content-language"), &ja.json()["title"]), (Some("ja"), &json!("ログインが必要です")));
    let en = house.nobody().send("GET", "/api/v1/me", &[("accept-language", "en-US,en;q=0.9")], b"").await;
    assert_eq!((en.header("content-language"), &en.json()["title"]), (Some("en"), &json!("Please log in")));
}

#[tokio::test]
async fn what_is_not_http_is_turned_away() {
    let house = House::new().await;
    let tls_hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    let mut noise = vec![0; 100_000];
    blake3::Hasher::new().finalize_xof().fill(&mut noise);
    for bytes in [
        &tls_hello[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\n folded: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost : a\r\n\r\n",
        &noise,
    ] {
        let answer = exchange(house.address, bytes).await;
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&answer));
    }
    house.nobody().get("/livez").await.ok(200);
}
