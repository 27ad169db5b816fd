//! A line that lets every packet vanish and then comes back: how long until the first message crosses it, and until both
//! sides are equal.

use std::time::{Duration, Instant};

use noroshi_tests::city::City;
use noroshi_tests::client::Client;
use noroshi_tests::lab::{Lab, Weather};
use noroshi_tests::thin::Watch;
use serde_json::json;

use crate::report::{line, percentile_ms};
use crate::setting::{PEOPLE, post_many, rooms};

/// Both sides write `messages` in `room_count` rooms while the line is silent for `cut`; so often.
pub async fn measure(weather: Weather, cut: Duration, times: usize, room_count: usize, messages: usize) {
    let city = City::found_in(Lab::new(2, 42), &["本庁", "北支所"]).await;
    for (office, login) in PEOPLE.iter().enumerate() {
        city.add_person(office, login, "職員", &[]).await;
    }
    let rooms = rooms(&city, room_count).await;
    city.lab().set_both(0, 1, &weather);
    let (mut firsts, mut equals) = (Vec::new(), Vec::new());
    for round in 0..times {
        let mut watches = Vec::new();
        for (office, login) in PEOPLE.iter().enumerate() {
            watches.push(Watch::begin(city.log_in(office, login).await).await);
        }
        let mut clients = [city.log_in(0, PEOPLE[0]).await, city.log_in(1, PEOPLE[1]).await];
        city.lab().everywhere(|now| now.cut = true);
        let cut_at = Instant::now();
        for (office, login) in PEOPLE.iter().enumerate() {
            let seed = (round * 2 + office) as u64 + 11;
            post_many(&city.offices[office].url, login, &rooms, messages, 32, seed).await;
        }
        tokio::time::sleep(cut.saturating_sub(cut_at.elapsed())).await;
        city.lab().everywhere(|now| now.cut = false);
        let up = Instant::now();
        let first =
            watches[0].next_of_others(clients[0].get("/api/v1/me").await.ok()["user"]["id"].as_str().unwrap()).await;
        firsts.push(first.duration_since(up));
        equal(&mut clients, messages * (round + 1)).await;
        equals.push(up.elapsed());
    }
    line(
        "resume",
        json!({"line": format!("{weather:?}"), "cut_s": cut.as_secs(), "times": times, "rooms": room_count,
        "messages_a_side": messages, "first_p50_ms": percentile_ms(&mut firsts, 0.5),
        "first_p95_ms": percentile_ms(&mut firsts, 0.95), "equal_p50_ms": percentile_ms(&mut equals, 0.5),
        "equal_max_ms": percentile_ms(&mut equals, 1.0)}),
    );
}

/// Waits until everybody sees what the other side has written: nobody reads anything, so it is unread.
async fn equal(clients: &mut [Client], expected: usize) {
    let start = Instant::now();
    loop {
        let mut is_equal = true;
        for client in clients.iter_mut() {
            let items = client.get("/api/v1/rooms").await.ok();
            let unread = items["items"].as_array().unwrap().iter().filter_map(|room| room["unread"].as_u64());
            is_equal &= unread.sum::<u64>() as usize >= expected;
        }
        if is_equal {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(300), "not equal");
    }
}
