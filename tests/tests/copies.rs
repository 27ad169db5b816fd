//! A node's folder that was copied and runs twice, one that was put back from a copy, and a certificate that grows old.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use noroshi_provisioning::key::KeyPair;
use noroshi_provisioning::sealed::unseal_root;
use noroshi_provisioning::{IssuingKey, KeyFolder};
use noroshi_tests::city::{ADMINISTRATOR, City, Office};
use noroshi_tests::client::Client;
use noroshi_tests::process;
use noroshi_tests::wait::until;
use serde_json::Value;

const SOON: Duration = Duration::from_secs(30);

fn copy_folder(from: &Path, to: &Path) {
    let copied = std::process::Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(copied.success());
}

/// What the running node of an office says of itself.
fn status(city: &City, office: usize) -> Value {
    serde_json::from_str(&city.command(office, &["status", "--json"])).unwrap()
}

fn has_alarm(city: &City, office: usize, code: &str) -> bool {
    status(city, office)["alarms"].as_array().unwrap().iter().any(|alarm| alarm["code"] == code)
}

async fn texts(client: &mut Client, room: &str) -> BTreeSet<String> {
    let page = client.get(&format!("/api/v1/rooms/{room}/messages?limit=200")).await.ok();
    page["items"].as_array().unwrap().iter().map(|message| message["text"].as_str().unwrap().to_owned()).collect()
}

async fn everything_at(city: &City, office: usize, login: &str, room: &str, expected: &BTreeSet<String>) {
    let url = city.offices[office].url.as_str();
    until(&format!("everything is at {office}"), SOON, || async {
        let mut client = Client::logged_in(url, login, noroshi_tests::city::PASSWORD).await;
        (texts(&mut client, room).await == *expected).then_some(())
    })
    .await;
}

/// A city of two offices with a room of theirs.
async fn two_offices() -> (City, String) {
    let city = City::found(&["本庁", "北支所"]).await;
    city.add_person(0, "shokuin0", "職員", &[]).await;
    city.add_person(1, "shokuin1", "職員", &[]).await;
    let mut admin = city.log_in(0, ADMINISTRATOR).await;
    let room = city.make_room(&mut admin, "災害対策本部", &["shokuin0", "shokuin1"], &[0, 1]).await;
    (city, room)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_copies_of_a_node_raise_an_alarm_everywhere_and_lose_nothing() {
    let (mut city, room) = two_offices().await;
    city.stop(1);
    let copy = city.file("office-2");
    copy_folder(&city.offices[1].data, &copy);
    let (web, sync) = (process::free_port(), process::free_port());
    let old = city.offices[1].url.strip_prefix("http://").unwrap().to_owned();
    let config = std::fs::read_to_string(copy.join("noroshi.toml")).unwrap();
    let config = config
        .replace(&old, &format!("127.0.0.1:{web}"))
        .replace(&format!("127.0.0.1:{}", city.offices[1].sync), &format!("127.0.0.1:{sync}"));
    std::fs::write(copy.join("noroshi.toml"), config).unwrap();
    let url = format!("http://127.0.0.1:{web}");
    let (name, sync_address) = ("北支所".into(), format!("127.0.0.1:{sync}"));
    city.offices.push(Office { name, data: copy, url, sync, sync_address, process: None, namespace: None });
    city.start(1).await;
    city.start(2).await;

    // Both go on: their people write at both.
    let mut expected = BTreeSet::new();
    for office in [1, 2] {
        let mut client = city.log_in(office, "shokuin1").await;
        for number in 0..5 {
            let text = format!("{office} の {number}");
            client.say(&room, &text).await;
            expected.insert(text);
        }
    }
    for office in [0, 1, 2] {
        until(&format!("an alarm at {office}"), SOON, || async { has_alarm(&city, office, "doubled").then_some(()) })
            .await;
    }
    let room = room.as_str();
    everything_at(&city, 0, "shokuin0", room, &expected).await;
    // An administrator decides for one of them.
    city.stop(1);
    everything_at(&city, 2, "shokuin1", room, &expected).await;
    for office in [0, 2] {
        city.stop(office);
    }
    for office in 0..3 {
        city.assert_clean(office);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_put_back_from_a_copy_gets_back_what_it_wrote_since() {
    let (mut city, room) = two_offices().await;
    city.stop(1);
    let copy = city.file("backup");
    copy_folder(&city.offices[1].data, &copy);
    city.start(1).await;
    let mut client = city.log_in(1, "shokuin1").await;
    let mut expected = BTreeSet::new();
    for number in 0..10 {
        let text = format!("複製のあと {number}");
        client.say(&room, &text).await;
        expected.insert(text);
    }
    let room = room.as_str();
    everything_at(&city, 0, "shokuin0", room, &expected).await;
    city.stop(1);
    std::fs::remove_dir_all(&city.offices[1].data).unwrap();
    copy_folder(&copy, &city.offices[1].data);
    city.start(1).await;
    // Written before anything came back: a new log, so nothing forks.
    let mut client = city.log_in(1, "shokuin1").await;
    client.say(room, "戻したあと").await;
    expected.insert("戻したあと".to_owned());
    everything_at(&city, 1, "shokuin1", room, &expected).await;
    everything_at(&city, 0, "shokuin0", room, &expected).await;
    for office in 0..2 {
        assert!(status(&city, office)["alarms"].as_array().unwrap().is_empty(), "{}", status(&city, office));
        city.stop(office);
        city.assert_clean(office);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_in_their_last_third_and_beyond_their_end_are_renewed_while_the_nodes_run() {
    let (mut city, room) = two_offices().await;
    for office in 0..2 {
        city.stop(office);
    }
    // As if headquarters' own had been issued 300 days ago, and that of the branch expired 23 days ago.
    let keys = |city: &City, office: usize| KeyFolder::in_data_folder(&city.offices[office].data);
    let now_ms = u64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    let days_ago = |days: u64| now_ms - days * 86_400_000;
    let sealed = keys(&city, 0).load_sealed_root().unwrap().unwrap();
    let root = unseal_root("root-passphrase", &sealed).unwrap();
    let certificate = keys(&city, 0).load_node().unwrap().root_certificate().to_vec();
    let issuing = IssuingKey::create(root.key(), &certificate, KeyPair::generate().unwrap(), days_ago(500)).unwrap();
    let mut old = Vec::new();
    for (office, days) in [(0, 300), (1, 420)] {
        let node = keys(&city, office).load_node().unwrap().node();
        let chain = issuing.issue(node, days_ago(days)).unwrap();
        keys(&city, office).replace_chain(&chain).unwrap();
        old.push(chain);
    }
    for office in 0..2 {
        city.start(office).await;
    }
    for (office, old) in old.iter().enumerate() {
        until(&format!("a new certificate at {office}"), SOON, || async {
            let days = status(&city, office)["certificate"]["days_left"].as_u64();
            days.is_some_and(|days| days > 390).then_some(())
        })
        .await;
        assert_ne!(keys(&city, office).load_node().unwrap().chain(), old, "on disk too");
    }
    // Messages flow both ways, without a restart.
    let mut expected = BTreeSet::new();
    for (office, login) in [(0, "shokuin0"), (1, "shokuin1")] {
        let text = format!("{office} から");
        city.log_in(office, login).await.say(&room, &text).await;
        expected.insert(text);
    }
    everything_at(&city, 0, "shokuin0", &room, &expected).await;
    everything_at(&city, 1, "shokuin1", &room, &expected).await;
    assert!(city.command(1, &["status"]).contains("certificate: until "));
}
