//! Both sides of a cut have written; how long and how many bytes until both see everything; and what being equal costs.

use std::time::{Duration, Instant};

use noroshi_tests::city::{ADMINISTRATOR, City, PASSWORD};
use noroshi_tests::client::Client;
use noroshi_tests::process::{cpu_seconds, resident_bytes};
use noroshi_tests::wait::until;
use serde_json::{Value, json};

use crate::baseline;
use crate::report::{line, round};
use crate::setting::{PEOPLE, offices, post_many, rooms};

pub async fn measure(room_count: usize, messages: usize) {
    let mut city = offices(2).await;
    let rooms = rooms(&city, room_count).await;
    let mut admin = city.log_in(0, ADMINISTRATOR).await;
    switch(&city, &mut admin, true).await;
    for (office, login) in PEOPLE.iter().enumerate() {
        post_many(&city.offices[office].url, login, &rooms, messages, 32, office as u64 + 11).await;
    }
    let mut clients = [city.log_in(0, PEOPLE[0]).await, city.log_in(1, PEOPLE[1]).await];
    let pids = [0, 1].map(|office: usize| city.offices[office].process.as_ref().unwrap().pid());
    let before = (pids.map(cpu_seconds), wire_bytes(&city).await);
    admin.put("/api/v1/peers/all/link", &json!({"cut": false})).await;
    let start = Instant::now();
    let mut first = None;
    loop {
        // Nobody has read anything: what is unread is what the other side wrote and is visible here.
        let mut seen = [0usize; 2];
        for (seen, client) in seen.iter_mut().zip(clients.iter_mut()) {
            let items = client.get("/api/v1/rooms").await.ok();
            *seen = items["items"].as_array().unwrap().iter().filter_map(|room| room["unread"].as_u64()).sum::<u64>()
                as usize;
        }
        if seen.iter().all(|seen| *seen > 0) {
            first.get_or_insert(start.elapsed());
        }
        if seen.iter().all(|seen| *seen >= messages) {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(300), "{seen:?} of {messages}");
    }
    let elapsed = start.elapsed();
    quiet(&city).await;
    let after = (pids.map(cpu_seconds), wire_bytes(&city).await);
    let cpu: Vec<f64> = (0..2).map(|side| round(after.0[side] - before.0[side])).collect();
    let resident: Vec<f64> = pids.iter().map(|pid| round(resident_bytes(*pid) as f64 / 1e6)).collect();
    let bytes = after.1.0 - before.1.0;
    for office in 0..2 {
        city.stop(office);
    }
    let scratch = tempfile::tempdir().unwrap();
    let alone = baseline::measure(&city.offices[1].data, &city.offices[0].data, scratch.path());
    line(
        "reconcile",
        json!({"rooms": room_count, "messages_a_side": messages, "seconds": round(elapsed.as_secs_f64()),
        "first_message_s": first.map(|first| round(first.as_secs_f64())), "wire_bytes": bytes,
        "frame_bytes": after.1.1 - before.1.1, "bytes_a_message": round(bytes / (2 * messages) as f64),
        "frame_bytes_a_message": round((after.1.1 - before.1.1) / (2 * messages) as f64),
        "local_baseline_s": round(alone.as_secs_f64()),
        "ratio_to_local": round(elapsed.as_secs_f64() / alone.as_secs_f64()), "cpu_s_a_node": cpu, "rss_mb_a_node": resident}),
    );
}

/// Two nodes that hold the same reconnect: how many bytes of frames each sends.
pub async fn reconnect(room_count: usize) {
    let city = offices(2).await;
    let rooms = rooms(&city, room_count).await;
    post_many(&city.offices[0].url, PEOPLE[0], &rooms, room_count, 32, 17).await;
    let mut admin = city.log_in(0, ADMINISTRATOR).await;
    quiet(&city).await;
    switch(&city, &mut admin, true).await;
    let before = wire_bytes(&city).await;
    admin.put("/api/v1/peers/all/link", &json!({"cut": false})).await;
    let start = Instant::now();
    until("connected again", Duration::from_secs(30), || is_connected(&city, true)).await;
    let elapsed = start.elapsed();
    quiet(&city).await;
    let after = wire_bytes(&city).await;
    line(
        "reconnect",
        json!({"rooms": room_count, "seconds": round(elapsed.as_secs_f64()),
        "frame_bytes_both_sides": after.1 - before.1, "wire_bytes_both_sides_with_handshake": after.0 - before.0}),
    );
}

async fn switch(city: &City, admin: &mut Client, cut: bool) {
    let reply = admin.put("/api/v1/peers/all/link", &json!({"cut": cut})).await;
    assert!(reply.status.is_success(), "{}", reply.body);
    until("the line is switched", Duration::from_secs(20), || is_connected(city, !cut)).await;
}

async fn is_connected(city: &City, wanted: bool) -> Option<()> {
    for (office, login) in PEOPLE.iter().enumerate() {
        let mut client = Client::logged_in(&city.offices[office].url, login, PASSWORD).await;
        let peers = client.get("/api/v1/peers").await.ok();
        let connected = peers["items"].as_array().unwrap().iter().any(|peer| peer["state"] == "connected");
        if connected != wanted {
            return None;
        }
    }
    Some(())
}

/// Waits until no byte has crossed the line between two looks at it, except keep-alive.
async fn quiet(city: &City) {
    let mut last = wire_bytes(city).await.1;
    loop {
        // Nodes count the bytes of their connections once a second.
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let now = wire_bytes(city).await.1;
        if now - last < 200.0 {
            return;
        }
        last = now;
    }
}

/// (UDP bytes, bytes of frames) sent by all nodes so far, from their own metrics.
async fn wire_bytes(city: &City) -> (f64, f64) {
    let mut sums = (0.0, 0.0);
    for office in 0..city.offices.len() {
        let mut client = Client::at(&city.offices[office].url);
        let reply = client.get("/metrics").await;
        let Value::String(text) = reply.body else { panic!("metrics are text: {}", reply.body) };
        sums.0 += metric(&text, "noroshi_net_udp_bytes_sent_total");
        sums.1 += metric(&text, "noroshi_net_frame_bytes_sent_total");
    }
    sums
}

/// The sum of all lines of one metric (Prometheus text format).
fn metric(text: &str, name: &str) -> f64 {
    let lines = text.lines().filter(|line| line.starts_with(name));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}
