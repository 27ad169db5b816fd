//! Offices on bad lines: no UDP, a satellite full of history, packets that vanish for a while. Needs root for the laboratory.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::time::{Duration, Instant};

use noroshi_tests::city::{ADMINISTRATOR, City};
use noroshi_tests::lab::{Lab, Weather};
use noroshi_tests::thin::{Noise, Watch, connected, metric};
use noroshi_tests::wait::until;

const PEOPLE: [&str; 2] = ["shokuin0", "shokuin1"];
const SOON: Duration = Duration::from_secs(20);

async fn two_offices(lab: Lab) -> City {
    let city = City::found_in(lab, &["本庁", "北支所"]).await;
    // Whoever tries to log in before the people are known there is soon told to wait.
    until("the offices are connected", SOON, || connected(&city, 1, true)).await;
    for (office, login) in PEOPLE.iter().enumerate() {
        city.add_person(office, login, "職員", &[]).await;
    }
    city
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_no_udp_passes_offices_join_and_talk_over_tcp() {
    let lab = Lab::new(2, 1);
    lab.everywhere(|weather| weather.drops_udp = true);
    let mut city = two_offices(lab).await;
    let mut admin = city.log_in(0, ADMINISTRATOR).await;
    let room = city.make_room(&mut admin, "災害対策本部", &PEOPLE, &[0, 1]).await;
    let mut writer = city.log_in(0, PEOPLE[0]).await;
    let mut reader = Watch::begin(city.log_in(1, PEOPLE[1]).await).await;
    let id = reader.urgent(&mut writer, &room, "UDPの通らない網から").await;
    reader.sees(&id, Instant::now()).await;
    assert!(metric(&city, 0, "noroshi_net_tcp_bytes_sent_total").await > 0.0);
    assert!(city.lab().counts(1, 0).udp_dropped > 0);

    // The office starts anew: from nothing to a line over TCP within 15 seconds.
    city.stop(1);
    city.start(1).await;
    let begun = Instant::now();
    until("connected over TCP", Duration::from_secs(15), || connected(&city, 1, true)).await;
    println!("connected over TCP {:?} after the start", begun.elapsed());
    for office in [0, 1] {
        city.stop(office);
        city.assert_clean(office);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_urgent_message_passes_a_satellite_line_full_of_history() {
    let city = two_offices(Lab::new(2, 1)).await;
    let mut admin = city.log_in(0, ADMINISTRATOR).await;
    let history = city.make_room(&mut admin, "記録", &PEOPLE, &[0, 1]).await;
    let room = city.make_room(&mut admin, "災害対策本部", &PEOPLE, &[0, 1]).await;
    let mut writer = city.log_in(0, PEOPLE[0]).await;
    let mut reader = Watch::begin(city.log_in(1, PEOPLE[1]).await).await;
    // Half a megabyte takes a minute.
    city.lab().set_both(0, 1, &Weather::thin());
    let mut noise = Noise::new(3);
    for _ in 0..100 {
        writer.say(&history, &noise.text()).await;
    }
    let lost = metric(&city, 1, "noroshi_net_connections_ended_total").await;
    let mut samples = Vec::new();
    for number in 0..5 {
        let asked = Instant::now();
        let id = reader.urgent(&mut writer, &room, &format!("避難指示 {number}")).await;
        samples.push(reader.sees(&id, asked).await);
    }
    println!("urgent messages took {samples:?}");
    // Loss is by chance; the figure proper is printed by `noroshi-load thin`.
    samples.sort_unstable();
    assert!(samples[2] < Duration::from_secs(3), "{samples:?}");
    let mut noticed = city.log_in(1, PEOPLE[1]).await;
    let page = noticed.get(&format!("/api/v1/rooms/{history}/messages?limit=200")).await.ok();
    assert!(page["items"].as_array().unwrap().len() < 100, "the history was still under way");
    assert_eq!(metric(&city, 1, "noroshi_net_connections_ended_total").await, lost, "the line flaps");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_silent_cut_the_first_message_crosses_within_seconds() {
    let city = two_offices(Lab::new(2, 1)).await;
    let mut admin = city.log_in(0, ADMINISTRATOR).await;
    let room = city.make_room(&mut admin, "災害対策本部", &PEOPLE, &[0, 1]).await;
    let mut writer = city.log_in(0, PEOPLE[0]).await;
    let mut reader = Watch::begin(city.log_in(1, PEOPLE[1]).await).await;
    let mut firsts = Vec::new();
    for round in 0..3 {
        city.lab().everywhere(|weather| weather.cut = true);
        let cut_at = Instant::now();
        let id = writer.say(&room, &format!("線のない間の投稿 {round}")).await;
        until("the cut is noticed", SOON, || connected(&city, 1, false)).await;
        // A cut of a length that nothing in the program is in step with.
        let length = Duration::from_millis(9_000 + 1_700 * round);
        tokio::time::sleep(length.saturating_sub(cut_at.elapsed())).await;
        city.lab().everywhere(|weather| weather.cut = false);
        firsts.push(reader.sees(&id, Instant::now()).await);
    }
    println!("first messages after {firsts:?}");
    assert!(firsts.iter().all(|first| *first < Duration::from_secs(5)), "{firsts:?}");
}
