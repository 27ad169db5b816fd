//! Whatever the disk does, nothing that was acknowledged is lost, and nobody is told that something was saved when it was
//! not. The node is ended at single writes and flushes, its disk fills up, fails, loses power, and is changed behind its back.
//!
//! `NOROSHI_SWEEP=every cargo nextest run -p noroshi-tests -E 'binary(storage_faults)'` visits every write and every flush.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use http::Method;
use noroshi_tests::city::{ADMINISTRATOR, City, PASSWORD};
use noroshi_tests::client::Client;
use noroshi_tests::faults::{Fault, Faults};
use noroshi_tests::process::{self, Process};
use serde_json::json;

const SOON: Duration = Duration::from_secs(30);
/// Posts of one life of the node; it is ended somewhere among them.
const POSTS: usize = 12;

/// A node of headquarters, alone, with one room, and what its clients were told.
struct Node {
    _home: Option<tempfile::TempDir>,
    data: PathBuf,
    url: String,
    log: PathBuf,
    room: String,
    /// Texts that were answered with 2xx.
    saved: BTreeSet<String>,
    /// Texts whose answer never came.
    unknown: BTreeSet<String>,
    number: usize,
}

impl Node {
    async fn found() -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut node = Self::found_in(home.path()).await;
        node._home = Some(home);
        node
    }

    async fn found_in(folder: &Path) -> Self {
        let data = folder.join("data");
        let (web, sync) = (process::free_port(), process::free_port());
        let (web, sync) = (format!("127.0.0.1:{web}"), format!("127.0.0.1:{sync}"));
        let path = data.to_str().unwrap();
        let mut arguments = vec!["--data", path, "init", "--organisation", "朝凪市", "--login", ADMINISTRATOR];
        arguments.extend(["--name", "管理 花子", "--web", &web, "--sync", &sync, "--no-discovery"]);
        process::run(&arguments, &City::environment());
        // The log lies elsewhere: it must not be lost with the disk.
        let log = std::env::temp_dir().join(format!("noroshi-faults-{}.log", uuid::Uuid::now_v7()));
        let (room, saved, unknown) = (String::new(), BTreeSet::new(), BTreeSet::new());
        let mut node = Self { _home: None, data, url: format!("http://{web}"), log, room, saved, unknown, number: 0 };
        let mut process = node.start(&[]).await.unwrap();
        let mut client = Client::logged_in(&node.url, ADMINISTRATOR, PASSWORD).await;
        let made = client.post("/api/v1/rooms", &json!({"name": "記録", "kind": "group", "members": []})).await.ok();
        node.room = made["id"].as_str().unwrap().to_owned();
        process.stop();
        node
    }

    /// `None` when the process ended before it served.
    async fn start(&self, environment: &[(&str, String)]) -> Option<Process> {
        let mut command = Command::new(process::binary());
        command.arg("--data").arg(&self.data).arg("serve").stdin(Stdio::null());
        command.envs(environment.iter().map(|(name, value)| (*name, value.as_str())));
        let mut process = Process::spawn(command, &self.log);
        let begun = Instant::now();
        while begun.elapsed() < SOON {
            let reply = Client::at(&self.url).request(Method::GET, "/livez", None).await;
            if reply.is_ok_and(|reply| reply.status.is_success()) {
                return Some(process);
            }
            if !process.is_running() {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the node does not serve:\n{}", process.log());
    }

    /// Posts until the node no longer answers, or all is said. Whether it still answers.
    async fn post(&mut self) -> bool {
        let mut client = Client::at(&self.url);
        let body = json!({"login": ADMINISTRATOR, "password": PASSWORD});
        let Ok(reply) = client.request(Method::POST, "/api/v1/session", Some(&body)).await else { return false };
        if !reply.status.is_success() {
            return true;
        }
        client.token = reply.body["token"].as_str().map(str::to_owned);
        for _ in 0..POSTS {
            self.number += 1;
            let text = format!("記録 {}", self.number);
            let path = format!("/api/v1/rooms/{}/messages/{}", self.room, uuid::Uuid::now_v7());
            match client.request(Method::PUT, &path, Some(&json!({"text": text}))).await {
                Ok(reply) if reply.status.is_success() => _ = self.saved.insert(text),
                // Refused in words: it must not be there, or not yet be known to be.
                Ok(_) => _ = self.unknown.insert(text),
                Err(_) => {
                    self.unknown.insert(text);
                    return false;
                }
            }
        }
        true
    }

    /// Everything saved is there, nothing that was never said, nothing twice; and the store is sound.
    async fn assert_whole(&self, when: &str) {
        let mut process = self.start(&[]).await.unwrap_or_else(|| panic!("{when}: the node does not start"));
        let mut client = Client::logged_in(&self.url, ADMINISTRATOR, PASSWORD).await;
        let texts: Vec<String> = client.all_messages(&self.room).await.into_iter().map(|(_, text)| text).collect();
        let shown: BTreeSet<String> = texts.iter().cloned().collect();
        assert_eq!(shown.len(), texts.len(), "{when}: something is there twice");
        let lost: Vec<_> = self.saved.difference(&shown).collect();
        assert!(lost.is_empty(), "{when}: saved and lost: {lost:?}");
        let invented: Vec<_> =
            shown.iter().filter(|text| !self.saved.contains(*text) && !self.unknown.contains(*text)).collect();
        assert!(invented.is_empty(), "{when}: never said: {invented:?}");
        process.stop();
    }

    fn assert_sound(&self) {
        process::run(&["--data", self.data.to_str().unwrap(), "check"], &[]);
    }
}

/// One life of the node that ends at a fault.
async fn live(node: &mut Node, faults: &Faults, fault: Fault) -> bool {
    let Some(mut process) = node.start(&faults.environment(fault)).await else { return false };
    let survived = node.post().await && process.is_running();
    process.kill();
    survived
}

/// How many points are visited in the test command; all of them on demand.
fn stride(usual: u32) -> usize {
    if std::env::var_os("NOROSHI_SWEEP").is_some() { 1 } else { usual as usize }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_ended_at_any_write_loses_nothing_that_it_acknowledged() {
    let (faults, mut node) = (Faults::compile(), Node::found().await);
    let torn = [0, 1, 24, 512, 4_000];
    let mut visited = 0;
    for write in (1..2_000).step_by(stride(9)) {
        let torn_bytes = torn[visited % torn.len()];
        let survived = live(&mut node, &faults, Fault::KillAtWrite { write, torn_bytes }).await;
        visited += 1;
        if visited % 4 == 0 || survived {
            node.assert_whole(&format!("ended at write {write}, {torn_bytes} bytes of it written")).await;
        }
        if survived {
            break;
        }
    }
    assert!(visited > 5, "only {visited} points");
    node.assert_sound();
    println!("{visited} lives, {} acknowledged", node.saved.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_ended_at_any_flush_loses_nothing_that_it_acknowledged() {
    let (faults, mut node) = (Faults::compile(), Node::found().await);
    let mut visited = 0;
    for sync in (1..500).step_by(stride(5)) {
        let survived = live(&mut node, &faults, Fault::KillAtSync { sync }).await;
        visited += 1;
        if visited % 2 == 0 || survived {
            node.assert_whole(&format!("ended before flush {sync}")).await;
        }
        if survived {
            break;
        }
    }
    assert!(visited > 2, "only {visited} points");
    node.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fails_to_flush_is_believed_at_once() {
    let (faults, mut node) = (Faults::compile(), Node::found().await);
    for from in [3, 8, 15] {
        let process = node.start(&faults.environment(Fault::SyncFails { from })).await;
        node.post().await;
        drop(process);
        node.assert_whole(&format!("flushes fail from {from} on")).await;
    }
    node.assert_sound();
}

/// Posts one message after the other until an answer is of the kind that is waited for; the last refusal before it.
async fn post_until(node: &mut Node, client: &mut Client, taken: bool) -> Option<(u16, String)> {
    let begun = Instant::now();
    let mut refusal = None;
    loop {
        node.number += 1;
        let text = format!("記録 {}", node.number);
        let path = format!("/api/v1/rooms/{}/messages/{}", node.room, uuid::Uuid::now_v7());
        let reply = client.put(&path, &json!({"text": text})).await;
        let was_taken = reply.status.is_success();
        if was_taken {
            node.saved.insert(text);
        } else {
            node.unknown.insert(text);
            refusal = Some((reply.status.as_u16(), reply.code().to_owned()));
            // Reading goes on.
            client.get(&format!("/api/v1/rooms/{}/messages?limit=5", node.room)).await.ok();
        }
        if was_taken == taken {
            return refusal;
        }
        assert!(begun.elapsed() < SOON, "for ever {refusal:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_in_words_and_goes_on_when_there_is_room() {
    let (faults, mut node) = (Faults::compile(), Node::found().await);
    let mut process = node.start(&faults.environment(Fault::Full { from: 160, writes: 40 })).await.unwrap();
    let mut client = Client::logged_in(&node.url, ADMINISTRATOR, PASSWORD).await;
    let refusal = post_until(&mut node, &mut client, false).await;
    assert_eq!(refusal, Some((507, "storage_full".to_owned())));
    post_until(&mut node, &mut client, true).await;
    process.stop();
    node.assert_whole("the disk was full for some writes").await;
    node.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_of_its_own_loses_power_fills_up_and_turns_read_only() {
    let faults = Faults::compile();
    let mut disk = faults.disk();
    let mut node = Node::found_in(disk.path()).await;
    for cut in 0..3 {
        let mut process = node.start(&[]).await.unwrap();
        for _ in 0..=cut {
            assert!(node.post().await);
        }
        disk.cut_power();
        process.kill();
        disk.come_back();
        node.assert_whole(&format!("after power cut {cut}")).await;
    }

    let mut process = node.start(&[]).await.unwrap();
    let mut client = Client::logged_in(&node.url, ADMINISTRATOR, PASSWORD).await;
    let ballast = disk.fill(256);
    let refusal = post_until(&mut node, &mut client, false).await;
    assert_eq!(refusal, Some((507, "storage_full".to_owned())));
    std::fs::remove_file(ballast).unwrap();
    post_until(&mut node, &mut client, true).await;
    process.stop();
    node.assert_whole("the disk was full").await;

    // Nothing can be opened for writing any more, so the node ends with a sentence; and is as it was when that is over.
    disk.read_only(true);
    let told = process::refused(&["--data", node.data.to_str().unwrap(), "serve"], &[]);
    assert!(told.to_lowercase().contains("read-only"), "{told}");
    disk.read_only(false);
    node.assert_whole("the disk was read-only").await;
    node.assert_sound();
}
