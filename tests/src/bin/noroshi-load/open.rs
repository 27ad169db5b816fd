//! How long it takes to open a long room.

use std::time::Instant;

use serde_json::json;

use crate::report::{line, percentile_ms};
use crate::setting::{PEOPLE, offices, post_many, rooms};

pub async fn measure(messages: usize) {
    let city = offices(1).await;
    let rooms = rooms(&city, 1).await;
    post_many(&city.offices[0].url, PEOPLE[0], &rooms, messages, 32, 3).await;
    let mut client = city.log_in(0, PEOPLE[0]).await;
    let path = format!("/api/v1/rooms/{}/messages?limit=50", rooms[0]);
    let mut samples = Vec::new();
    for _ in 0..500 {
        let asked = Instant::now();
        let page = client.get(&path).await.ok();
        samples.push(asked.elapsed());
        assert_eq!(page["items"].as_array().unwrap().len(), 50);
    }
    let mut samples = samples.split_off(50);
    line(
        "open",
        json!({"messages": messages, "last": 50, "warm_p50_ms": percentile_ms(&mut samples, 0.5), "warm_p99_ms": percentile_ms(&mut samples, 0.99)}),
    );
}
