//! Durable posts a second: an answer means fsynced, so the disk sets the bar; the bare commit beside it says how high.

use std::time::{Duration, Instant};

use noroshi_tests::city::PASSWORD;
use noroshi_tests::client::Client;
use noroshi_tests::sentences::Sentences;
use serde_json::json;

use crate::report::{line, percentile_ms, round};
use crate::setting::{PEOPLE, offices, rooms};

pub async fn measure(seconds: u64) {
    let city = offices(1).await;
    let rooms = rooms(&city, 8).await;
    let url = &city.offices[0].url;
    let limit = Duration::from_secs(seconds);
    let (mut samples, one) = run(url, &rooms, 1, limit).await;
    let bare = bare_commits(limit / 2);
    line(
        "post",
        json!({"clients": 1, "posts_per_s": round(one), "p50_ms": percentile_ms(&mut samples, 0.5),
        "p99_ms": percentile_ms(&mut samples, 0.99), "bare_commits_per_s": round(bare), "ratio_to_bare": round(one / bare)}),
    );
    let (mut samples, many) = run(url, &rooms, 32, limit).await;
    line(
        "post",
        json!({"clients": 32, "posts_per_s": round(many), "p50_ms": percentile_ms(&mut samples, 0.5),
        "p99_ms": percentile_ms(&mut samples, 0.99), "bare_commits_per_s": round(bare), "ratio_to_bare": round(many / bare)}),
    );
}

async fn run(url: &str, rooms: &[String], clients: usize, limit: Duration) -> (Vec<Duration>, f64) {
    let token = Client::logged_in(url, PEOPLE[0], PASSWORD).await.token;
    let mut tasks = Vec::new();
    let start = Instant::now();
    for number in 0..clients {
        let (url, token, room) = (url.to_owned(), token.clone(), rooms[number % rooms.len()].clone());
        tasks.push(tokio::spawn(async move {
            let mut client = Client::at(&url);
            client.token = token;
            let mut sentences = Sentences::new(number as u64);
            let mut samples = Vec::new();
            while start.elapsed() < limit {
                let text = sentences.message();
                let asked = Instant::now();
                client.say(&room, &text).await;
                samples.push(asked.elapsed());
            }
            samples
        }));
    }
    let mut samples = Vec::new();
    for task in tasks {
        samples.extend(task.await.unwrap());
    }
    let rate = samples.len() as f64 / start.elapsed().as_secs_f64();
    (samples, rate)
}

/// One row a transaction with the store's own settings (WAL, synchronous=FULL), nothing around it.
fn bare_commits(limit: Duration) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let database = rusqlite::Connection::open(folder.path().join("bare.db")).unwrap();
    database
        .execute_batch(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE row(id INTEGER PRIMARY KEY, body BLOB)",
        )
        .unwrap();
    let start = Instant::now();
    let mut count = 0u64;
    while start.elapsed() < limit {
        database.execute("INSERT INTO row(body) VALUES (?1)", [[7u8; 240].as_slice()]).unwrap();
        count += 1;
    }
    count as f64 / start.elapsed().as_secs_f64()
}
