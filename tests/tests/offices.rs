//! Offices that keep talking through a cut line, as processes: cut and heal, kill at random, clean folders afterwards.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::time::Duration;

use http::Method;
use noroshi_tests::city::{ADMINISTRATOR, City};
use noroshi_tests::client::Client;
use noroshi_tests::sentences::Sentences;
use noroshi_tests::wait::until;
use serde_json::json;

const SOON: Duration = Duration::from_secs(10);

async fn node_of(client: &mut Client) -> String {
    client.get("/api/v1/node").await.ok()["id"].as_str().unwrap().to_owned()
}

async fn same_timeline(clients: &mut [Client], room: &str, count: usize, limit: Duration) {
    let start = std::time::Instant::now();
    loop {
        let mut timelines = Vec::new();
        for client in clients.iter_mut() {
            timelines.push(client.all_messages(room).await);
        }
        if timelines.iter().all(|timeline| timeline.len() == count && *timeline == timelines[0]) {
            return;
        }
        assert!(start.elapsed() < limit, "after {limit:?} not {count} equal messages everywhere: {timelines:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_offices_talk_through_a_cut_and_become_equal() {
    let mut city = City::found(&["本庁", "北支所", "南支所", "消防本部"]).await;
    let logins = ["shokuin0", "shokuin1", "shokuin2", "shokuin3"];
    for (office, login) in logins.iter().enumerate() {
        city.add_person(office, login, "職員", &[]).await;
    }
    let mut admin = city.log_in(0, ADMINISTRATOR).await;
    let room = city.make_room(&mut admin, "災害対策本部", &logins, &[0, 1, 2, 3]).await;
    let mut clients = Vec::new();
    for (office, login) in logins.iter().enumerate() {
        clients.push(city.log_in(office, login).await);
    }
    clients[0].say(&room, "線があるうちの投稿").await;
    same_timeline(&mut clients, &room, 1, SOON).await;

    // Only the line between headquarters and 北支所 is cut.
    let north = node_of(&mut clients[1]).await;
    let path = format!("/api/v1/peers/{north}/link");
    assert_eq!(clients[2].put(&path, &json!({"cut": true})).await.status, 403, "staff cannot cut a line");
    assert_eq!(admin.put(&path, &json!({"cut": true})).await.status, 204);
    until("北支所 sees that headquarters is out of reach", SOON, || {
        let url = city.offices[1].url.clone();
        async move {
            let mut client = Client::logged_in(&url, "shokuin1", noroshi_tests::city::PASSWORD).await;
            let node = client.get("/api/v1/node").await.ok();
            (node["headquarters"]["reachable"] == false).then_some(())
        }
    })
    .await;
    // 南支所 and 消防本部 still relay: the cut is of one line only.
    clients[1].say(&room, "北支所から、本庁とは切れています").await;
    clients[0].say(&room, "本庁からの投稿").await;
    same_timeline(&mut clients, &room, 3, SOON).await;

    // Now 北支所 is alone.
    admin.put("/api/v1/peers/all/link", &json!({"cut": true})).await.ok();
    for office in [2, 3] {
        city.stop(office);
    }
    for number in 0..20 {
        clients[0].say(&room, &format!("本庁 {number}")).await;
        clients[1].say(&room, &format!("北支所 {number}")).await;
    }
    assert_eq!(clients[0].all_messages(&room).await.len(), 23);
    assert_eq!(clients[1].all_messages(&room).await.len(), 23);
    let node = clients[1].get("/api/v1/node").await.ok();
    assert!(node["headquarters"]["missing_there"].as_u64().unwrap() >= 20, "{node}");

    // A cut survives a restart.
    city.stop(0);
    city.start(0).await;
    let mut admin = city.log_in(0, ADMINISTRATOR).await;
    let peers = admin.get("/api/v1/peers").await.ok();
    assert!(peers["items"].as_array().unwrap().iter().all(|peer| peer["state"] != "connected"), "{peers}");

    for office in [2, 3] {
        city.start(office).await;
    }
    admin.put("/api/v1/peers/all/link", &json!({"cut": false})).await.ok();
    admin.put(&format!("/api/v1/peers/{north}/link"), &json!({"cut": false})).await.ok();
    let healed = std::time::Instant::now();
    let mut clients = Vec::new();
    for (office, login) in logins.iter().enumerate() {
        clients.push(city.log_in(office, login).await);
    }
    same_timeline(&mut clients, &room, 43, SOON).await;
    println!("equal everywhere {:?} after the line was restored", healed.elapsed());
    let page = clients[1].get(&format!("/api/v1/rooms/{room}/messages?limit=1")).await.ok();
    let last = page["items"][0]["id"].as_str().unwrap().to_owned();
    until("every office confirms the last message", SOON, || {
        let (url, path) = (city.offices[1].url.clone(), format!("/api/v1/rooms/{room}/messages/{last}/receipts"));
        async move {
            let mut client = Client::logged_in(&url, "shokuin1", noroshi_tests::city::PASSWORD).await;
            let receipts = client.get(&path).await.ok();
            (receipts["arrived"].as_array().unwrap().len() == 4).then_some(())
        }
    })
    .await;
    for office in 0..4 {
        city.stop(office);
        city.assert_clean(office);
    }
}

/// Posts until the process is gone; tells which posts were acknowledged, returns how many were sent.
async fn post_until_broken(
    mut client: Client,
    room: String,
    seed: u64,
    answered: tokio::sync::mpsc::Sender<String>,
) -> usize {
    let mut sentences = Sentences::new(seed);
    for sent in 1.. {
        let id = uuid::Uuid::now_v7().to_string();
        let path = format!("/api/v1/rooms/{room}/messages/{id}");
        match client.request(Method::PUT, &path, Some(&json!({"text": sentences.message()}))).await {
            Ok(reply) => {
                reply.ok();
                answered.send(id).await.unwrap();
            }
            Err(_) => return sent,
        }
    }
    unreachable!("the process is killed")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let mut city = City::found(&["本庁", "北支所"]).await;
    city.add_person(0, "shokuin0", "職員", &[]).await;
    city.add_person(1, "shokuin1", "職員", &[]).await;
    let mut admin = city.log_in(0, ADMINISTRATOR).await;
    let room = city.make_room(&mut admin, "災害対策本部", &["shokuin0", "shokuin1"], &[0, 1]).await;
    let mut acknowledged: BTreeSet<String> = BTreeSet::new();
    let mut sent = 0;
    let seed = u64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_micros()).unwrap();
    println!("seed {seed}");
    for round in 0..10u64 {
        // Four devices post without pause; the process dies after a number of answers that the seed chooses.
        let stop_after = 1 + (seed >> round) % 200;
        let (answered, mut answers) = tokio::sync::mpsc::channel(64);
        let mut devices = Vec::new();
        for device in 0..4 {
            let client = city.log_in(1, "shokuin1").await;
            devices.push(tokio::spawn(post_until_broken(client, room.clone(), round * 4 + device, answered.clone())));
        }
        for _ in 0..stop_after {
            acknowledged.insert(answers.recv().await.unwrap());
        }
        city.kill(1);
        drop(answered);
        while let Some(id) = answers.recv().await {
            acknowledged.insert(id);
        }
        for device in devices {
            sent += device.await.unwrap();
        }
        city.start(1).await;
    }
    let mut clients = [city.log_in(0, "shokuin0").await, city.log_in(1, "shokuin1").await];
    let stored = clients[1].all_messages(&room).await;
    let ids: BTreeSet<String> = stored.iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(ids.len(), stored.len(), "no message is doubled");
    let lost: Vec<&String> = acknowledged.difference(&ids).collect();
    assert!(lost.is_empty(), "{} of {} acknowledged posts are lost", lost.len(), acknowledged.len());
    assert!(stored.len() <= sent, "{} messages of {sent} that were sent", stored.len());
    same_timeline(&mut clients, &room, stored.len(), SOON).await;
    for office in 0..2 {
        city.stop(office);
        city.assert_clean(office);
    }
}
