//! Start-up time and resident memory of a node.

use std::time::{Duration, Instant};

use noroshi_tests::city::City;
use noroshi_tests::process::resident_bytes;
use serde_json::json;

use crate::report::{line, round};
use crate::setting::{PEOPLE, offices, post_many, rooms};

pub async fn measure(room_count: usize, messages: usize) {
    let mut city = offices(1).await;
    weigh(&mut city, 0, 0).await;
    let rooms = rooms(&city, room_count).await;
    post_many(&city.offices[0].url, PEOPLE[0], &rooms, room_count * messages, 32, 5).await;
    weigh(&mut city, room_count, messages).await;
}

async fn weigh(city: &mut City, rooms: usize, messages: usize) {
    city.stop(0);
    let start = Instant::now();
    city.start(0).await;
    let start_up = start.elapsed();
    let pid = city.offices[0].process.as_ref().unwrap().pid();
    // Idle: what start-up touched has been given back or not by now.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let resident = resident_bytes(pid) as f64 / 1e6;
    line(
        "footprint",
        json!({"rooms": rooms, "messages_a_room": messages, "start_up_s": round(start_up.as_secs_f64()), "idle_rss_mb": round(resident)}),
    );
}
