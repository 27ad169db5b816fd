//! How long a post of one office takes to the screen of another.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use noroshi_tests::sentences::Sentences;
use serde_json::json;

use crate::report::{line, percentile_ms};
use crate::setting::{PEOPLE, offices, rooms};

pub async fn measure(rate: u64, seconds: u64) {
    let city = offices(2).await;
    let rooms = rooms(&city, 1).await;
    let mut writer = city.log_in(0, PEOPLE[0]).await;
    let reader = city.log_in(1, PEOPLE[1]).await;
    let mut events = reader.events(None).await;
    let sent: Arc<Mutex<BTreeMap<String, Instant>>> = Arc::default();
    let waiting = sent.clone();
    let total = (rate * seconds) as usize;
    let reading = tokio::spawn(async move {
        let mut samples = Vec::new();
        while samples.len() < total {
            let Some(event) = events.next().await else { break };
            if event["type"] != "message" {
                continue;
            }
            let id = event["message"]["id"].as_str().unwrap_or("").to_owned();
            if let Some(asked) = waiting.lock().unwrap().remove(&id) {
                samples.push(asked.elapsed());
            }
        }
        samples
    });
    let mut sentences = Sentences::new(7);
    let mut clock = tokio::time::interval(Duration::from_micros(1_000_000 / rate.max(1)));
    for _ in 0..total {
        clock.tick().await;
        let id = uuid::Uuid::now_v7().to_string();
        sent.lock().unwrap().insert(id.clone(), Instant::now());
        let path = format!("/api/v1/rooms/{}/messages/{id}", rooms[0]);
        writer.put(&path, &json!({"text": sentences.message()})).await.ok();
    }
    let mut samples =
        tokio::time::timeout(Duration::from_secs(30), reading).await.expect("every post arrives").unwrap();
    line(
        "live",
        json!({"rate_per_s": rate, "seen": samples.len(), "sent": total, "p50_ms": percentile_ms(&mut samples, 0.5),
        "p99_ms": percentile_ms(&mut samples, 0.99), "max_ms": percentile_ms(&mut samples, 1.0)}),
    );
}
