//! The audit log over two real nodes: somebody edits one of the copies by hand, and everybody who looks is told.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use noroshi_tests::city::City;
use noroshi_tests::client::Client;
use noroshi_tests::process;
use noroshi_tests::wait::until;
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(30);

/// `noroshi … --json` in an office's folder: whether it ended well, and what it said.
fn ask(data: &Path, arguments: &[&str]) -> (bool, Value) {
    let output =
        Command::new(process::binary()).arg("--data").arg(data).args(arguments).arg("--json").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.success(), serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{error}")))
}

/// Refused log-ins of the branch, as the office tells them, and whether all lines are verified.
fn refused(city: &City, office: usize) -> (Vec<Value>, bool) {
    let (sound, reply) = ask(&city.offices[office].data, &["audit", "--kind", "log_in_refused"]);
    let lines = reply["items"].as_array().unwrap().iter().filter(|line| line["office"]["name"] == "北支所");
    (lines.cloned().collect(), sound)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_of_one_nodes_copy_is_detected() {
    let mut city = City::found(&["本庁", "北支所"]).await;
    city.add_person(1, "shokuin1", "職員", &[]).await;
    let mut somebody = Client::at(&city.offices[1].url);
    let wrong = somebody.post("/api/v1/session", &json!({"login": "shokuin1", "password": "秘密の合言葉-wrong"})).await;
    assert_eq!(wrong.status, 401);
    until("headquarters has a copy", SOON, || async { (refused(&city, 0).0.len() == 1).then_some(()) }).await;
    assert_eq!(refused(&city, 0), refused(&city, 1), "the two copies say the same");
    assert!(refused(&city, 0).1);

    // At headquarters somebody opens the file and makes a log-in of it that went well.
    for office in [0, 1] {
        city.stop(office);
        city.assert_clean(office);
    }
    let file = rusqlite::Connection::open(city.offices[0].data.join("noroshi.db")).unwrap();
    let entry: i64 = file.query_row("SELECT max(entry_pk) FROM audit WHERE kind = 2", [], |row| row.get(0)).unwrap();
    let mut bytes: Vec<u8> =
        file.query_row("SELECT bytes FROM entries WHERE entry_pk = ?", [entry], |row| row.get(0)).unwrap();
    let secret = "秘密の合言葉".as_bytes();
    assert!(!bytes.windows(secret.len()).any(|part| part == secret), "a password is never in it");
    let word = b"wrong_credentials";
    let place = bytes.windows(word.len()).position(|part| part == word).unwrap();
    bytes[place..place + word.len()].copy_from_slice(b"right_credentials");
    assert_eq!(file.execute("UPDATE entries SET bytes = ? WHERE entry_pk = ?", (&bytes, entry)).unwrap(), 1);
    file.close().unwrap();

    let (lines, sound) = refused(&city, 0);
    assert!(!sound && lines[0]["verified"] == false, "whoever looks there is told: {lines:?}");
    let (clean, report) = ask(&city.offices[0].data, &["check"]);
    assert!(!clean && report["clean"] == false && report["damages"].to_string().contains("not those that were signed"));
    let (lines, sound) = refused(&city, 1);
    assert!(sound && lines[0]["detail"]["reason"] == "wrong_credentials", "the neighbour's copy is whole");
    city.assert_clean(1);
}
