//! Rubbish and haste from browsers' side: every refusal is clear, and the memory of the node stays as it was.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use noroshi_tests::city::{ADMINISTRATOR, City, PASSWORD};
use noroshi_tests::client::Client;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a node may keep of 400 MB of rubbish, KiB.
const GROWTH_KIB_MAX: u64 = 32 * 1024;
const LIMIT: Duration = Duration::from_secs(60);

/// The resident memory of the office's process, KiB.
fn resident_kib(city: &City, office: usize) -> u64 {
    let pid = city.offices[office].process.as_ref().unwrap().pid();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Sends one hundred megabytes of JSON, as fast as they are taken; the status line of the answer.
async fn hundred_megabytes(address: &str, path: &str, token: Option<&str>, announced: bool) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let (total, piece) = (100 * 1024 * 1024, vec![b'['; 64 * 1024]);
    let length = if announced { format!("content-length: {total}") } else { "transfer-encoding: chunked".to_owned() };
    let token = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    let head =
        format!("POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n{token}{length}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..total / piece.len() {
        let framed = [format!("{:x}\r\n", piece.len()).as_bytes(), &piece, b"\r\n"].concat();
        // The node may close as soon as it has seen enough.
        if stream.write_all(if announced { &piece } else { &framed }).await.is_err() {
            break;
        }
    }
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(LIMIT, stream.read_to_end(&mut answer)).await.expect("the node answers");
    String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_stays_flat_under_rubbish_and_people_go_on() {
    let city = City::found(&["本庁"]).await;
    let mut person = city.log_in(0, ADMINISTRATOR).await;
    let room = city.make_room(&mut person, "対策本部", &[], &[]).await;
    person.say(&room, "始めます").await;
    let address = city.offices[0].url.trim_start_matches("http://").to_owned();
    let before = resident_kib(&city, 0);

    let token = person.token.clone();
    let calls = [("/api/v1/session", None, true), ("/api/v1/session", None, false)];
    let calls = calls
        .into_iter()
        .chain([("/api/v1/rooms", token.as_deref(), true), ("/api/v1/rooms", token.as_deref(), false)]);
    let sent = calls.map(|(path, token, announced)| hundred_megabytes(&address, path, token, announced));
    for answer in futures_util::future::join_all(sent).await {
        // Cut off before the answer could be read is an answer, too.
        assert!(answer.is_empty() || answer.contains(" 413 "), "{answer}");
    }

    // Names and passwords out of a list, until the node has had enough.
    let mut seen = std::collections::BTreeSet::new();
    for number in 0..80 {
        let body = json!({"login": format!("nobody{number}"), "password": "123456789"});
        let reply = Client::at(&city.offices[0].url).post("/api/v1/session", &body).await;
        seen.insert((reply.status.as_u16(), reply.code().to_owned()));
    }
    let expected = [(401, "wrong_credentials"), (429, "too_many")];
    assert_eq!(seen, expected.map(|(status, code)| (status, code.to_owned())).into());

    // Connections that say half a word and wait.
    let mut waiting = Vec::new();
    for _ in 0..60 {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(b"GET /api/v1/node HTTP/1.1\r\nhost: ").await.unwrap();
        waiting.push(stream);
    }
    person.say(&room, "続けます").await;
    let log = city.offices[0].process.as_ref().unwrap().log();
    for secret in ["始めます", "続けます", "対策本部", "123456789", PASSWORD, token.as_deref().unwrap()] {
        assert!(!log.contains(secret), "what people say and type is nothing for the log: {secret}");
    }
    let after = resident_kib(&city, 0);
    println!("memory {before} KiB before, {after} KiB after 400 MB of rubbish, 80 log-ins and 60 idle connections");
    assert!(after < before + GROWTH_KIB_MAX, "{before} KiB before, {after} KiB after");
}
