//! Administrators' keys from the command line: a second administrator comes to sign, keys end, and the root key brings one
//! back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use noroshi_tests::city::{ADMINISTRATOR, City, PASSWORD};
use noroshi_tests::client::Client;
use noroshi_tests::process;
use serde_json::{Value, json};

/// The sentence with which a command of headquarters refuses.
fn refused(city: &City, arguments: &[&str]) -> String {
    let mut all = vec!["--data", city.offices[0].data.to_str().unwrap()];
    all.extend(arguments);
    process::refused(&all, &City::environment())
}

async fn logged_in(city: &City, login: &str) -> (u16, Value) {
    let body = json!({"login": login, "password": PASSWORD});
    let reply = Client::at(&city.offices[0].url).post("/api/v1/session", &body).await;
    (reply.status.as_u16(), reply.body)
}

fn keys(city: &City) -> Vec<Value> {
    let list: Value = serde_json::from_str(&city.command(0, &["keys", "list", "--json"])).unwrap();
    list["keys"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_administrator_signs_and_the_root_key_brings_back_who_lost_everything() {
    let city = City::found(&["本庁"]).await;
    city.add_person(0, "fuku", "副管理 二郎", &["system_admin"]).await;
    let by_fuku = ["user", "add", "shin", "--name", "新人", "--kana", "しんじん", "--office", "本庁", "--by", "fuku"];
    assert!(refused(&city, &by_fuku).contains("there is no administrator's key of fuku"));

    // Made in the app, compared by voice, approved at the terminal.
    let mut fuku = city.log_in(0, "fuku").await;
    let made = fuku.post("/api/v1/administrator-keys", &json!({"password": PASSWORD})).await.ok();
    assert!(refused(&city, &by_fuku).contains("no other administrator has approved this key yet"));
    let approve = ["keys", "approve", "fuku", "--by", ADMINISTRATOR, "--fingerprint"];
    assert!(refused(&city, &[&approve[..], &["7K2M-0XQD-9RTW-4HBC"]].concat()).contains("another fingerprint"));
    city.command(0, &[&approve[..], &[made["fingerprint"].as_str().unwrap()]].concat());
    city.command(0, &by_fuku);

    // Stopped by one, let in by the other.
    city.command(0, &["user", "suspend", "shin", "--reason", "紛失", "--by", "fuku"]);
    assert_eq!(logged_in(&city, "shin").await.1["code"], "user_suspended");
    city.command(0, &["user", "lift", "shin", "--by", ADMINISTRATOR]);
    assert_eq!(logged_in(&city, "shin").await.0, 201);

    // The console of the first is lost: its key is ended, and the last one stays.
    let lost = keys(&city).into_iter().find(|key| key["user"]["name"] == "管理 花子").unwrap();
    city.command(0, &["keys", "end", lost["id"].as_str().unwrap(), "--by", "fuku"]);
    let suspend = ["user", "suspend", "shin", "--by", ADMINISTRATOR];
    assert!(refused(&city, &suspend).contains("has been ended"));
    assert!(refused(&city, &["confirm-time", "--login", ADMINISTRATOR]).contains("has been ended"));
    let left = keys(&city);
    assert_eq!(left.len(), 1);
    let end_last = ["keys", "end", left[0]["id"].as_str().unwrap(), "--by", "fuku"];
    assert!(refused(&city, &end_last).contains("the last key"));

    // Everything else is lost, too: the root key makes an administrator again.
    let sheet = city.command(0, &["keys", "rescue", ADMINISTRATOR]);
    assert!(sheet.contains("復旧用紙"));
    city.command(0, &["confirm-time", "--login", ADMINISTRATOR]);
    city.command(0, &suspend);
    assert_eq!(logged_in(&city, "shin").await.1["code"], "user_suspended");
    assert_eq!(keys(&city).len(), 2);
}
