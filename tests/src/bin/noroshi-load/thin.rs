//! Urgent messages over a thin line that is full of history.

use std::time::{Duration, Instant};

use noroshi_tests::city::{ADMINISTRATOR, City};
use noroshi_tests::lab::{Lab, Weather};
use noroshi_tests::thin::{Noise, Watch, connected};
use serde_json::json;

use crate::report::{line, percentile_ms, round};
use crate::setting::PEOPLE;

/// `megabytes` of history are under way in the direction of the `messages` urgent ones.
pub async fn measure(weather: Weather, name: &str, megabytes: usize, messages: usize) {
    let city = City::found_in(Lab::new(2, 42), &["本庁", "北支所"]).await;
    for (office, login) in PEOPLE.iter().enumerate() {
        city.add_person(office, login, "職員", &[]).await;
    }
    let mut admin = city.log_in(0, ADMINISTRATOR).await;
    let history = city.make_room(&mut admin, "記録", &PEOPLE, &[0, 1]).await;
    let room = city.make_room(&mut admin, "災害対策本部", &PEOPLE, &[0, 1]).await;
    let mut writer = city.log_in(0, PEOPLE[0]).await;
    let mut reader = Watch::begin(city.log_in(1, PEOPLE[1]).await).await;

    city.lab().everywhere(|now| now.cut = true);
    noroshi_tests::wait::until("the cut is noticed", Duration::from_secs(20), || connected(&city, 1, false)).await;
    let mut noise = Noise::new(3);
    for _ in 0..megabytes * 1_000_000 / Noise::BYTES {
        writer.say(&history, &noise.text()).await;
    }
    city.lab().set_both(0, 1, &weather);
    noroshi_tests::wait::until("connected again", Duration::from_secs(60), || connected(&city, 1, true)).await;
    let before = city.lab().counts(0, 1);
    let begun = Instant::now();
    // History is under way before the first alarm.
    tokio::time::sleep(Duration::from_secs(10)).await;
    let mut samples = Vec::new();
    for number in 0..messages {
        let asked = Instant::now();
        let id = reader.urgent(&mut writer, &room, &format!("避難指示 {number}")).await;
        samples.push(reader.sees(&id, asked).await);
        // Not in step with anything on the line.
        tokio::time::sleep(Duration::from_millis(1_500 + 37 * (number as u64 % 11))).await;
    }
    let after = city.lab().counts(0, 1);
    let used = (after.passed_bytes - before.passed_bytes) as f64 * 8.0 / begun.elapsed().as_secs_f64();
    line(
        "thin",
        json!({"line": name, "history_mb": megabytes, "urgent": samples.len(),
        "p50_ms": percentile_ms(&mut samples, 0.5), "p95_ms": percentile_ms(&mut samples, 0.95),
        "max_ms": percentile_ms(&mut samples, 1.0), "bits_per_s_used": round(used),
        "queued_bytes_max": after.queued_bytes_max, "overflowed": after.overflowed - before.overflowed,
        "times_lost": noroshi_tests::thin::times_lost(&city, 1).await}),
    );
}
