//! A lost phone: stopped in an office that is cut off, and stopped elsewhere while its own office cannot hear of it; four
//! real processes' worth of promises in two.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::{Duration, Instant};

use noroshi_tests::city::{ADMINISTRATOR, City, PASSWORD};
use noroshi_tests::client::Client;
use noroshi_tests::wait::until;
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(30);

async fn id_of(client: &mut Client, login: &str) -> Value {
    let people = client.get("/api/v1/users?limit=1000").await.ok();
    people["items"].as_array().unwrap().iter().find(|user| user["login"] == login).unwrap()["id"].clone()
}

/// A phone of `login`, enrolled at the office by a code that `admin` issues there.
async fn enrol(city: &City, office: usize, admin: &mut Client, login: &str) -> (Client, String) {
    let user = id_of(admin, login).await;
    let code = admin.post("/api/v1/device-codes", &json!({"user": user})).await.ok()["code"].clone();
    let mut phone = Client::at(&city.offices[office].url);
    let body = json!({"login": login, "password": PASSWORD, "device_code": code});
    let session = phone.post("/api/v1/session", &body).await.ok();
    phone.token = Some(session["token"].as_str().unwrap().to_owned());
    phone.put("/api/v1/session/passcode", &json!({"passcode": "408271"})).await.ok();
    (phone, session["device"]["id"].as_str().unwrap().to_owned())
}

/// Waits until the stream of a phone has ended.
async fn out(events: &mut noroshi_tests::client::Events, limit: Duration) -> Duration {
    let start = Instant::now();
    let ended = async { while events.next().await.is_some() {} };
    tokio::time::timeout(limit, ended).await.expect("the phone is out");
    start.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_phone_is_stopped_in_a_branch_that_is_cut_off_and_later_everywhere() {
    let city = City::found(&["本庁", "北支所"]).await;
    city.add_person(1, "shokuin1", "職員 一", &[]).await;
    city.add_person(1, "shochou", "支所長", &["office_admin"]).await;
    let mut headquarters = city.log_in(0, ADMINISTRATOR).await;
    let mut chief = city.log_in(1, "shochou").await;
    let room = city.make_room(&mut headquarters, "北支所の部屋", &["shokuin1"], &[1]).await;

    // The line is cut; the head of the branch has no key and needs none.
    headquarters.put("/api/v1/peers/all/link", &json!({"cut": true})).await.ok();
    let (mut phone, device) = enrol(&city, 1, &mut chief, "shokuin1").await;
    phone.say(&room, "まだ手元にあります").await;
    let mut events = phone.events(None).await;
    let stop = format!("/api/v1/devices/{device}/suspension");
    let asked = Instant::now();
    chief.post(&stop, &json!({"reason": "紛失"})).await.ok();
    out(&mut events, Duration::from_secs(1)).await;
    println!("out {:?} after it was stopped", asked.elapsed());
    assert_eq!(phone.get("/api/v1/me").await.status, 401);

    // Headquarters hears of it with everything else, and of the phone itself.
    headquarters.put("/api/v1/peers/all/link", &json!({"cut": false})).await.ok();
    until("headquarters knows the phone as stopped", SOON, || {
        let (url, device) = (city.offices[0].url.clone(), device.clone());
        async move {
            let mut admin = Client::logged_in(&url, ADMINISTRATOR, PASSWORD).await;
            let devices = admin.get("/api/v1/devices").await.ok();
            let known = devices["items"].as_array().unwrap().iter().find(|known| known["id"] == *device)?.clone();
            (known["state"] == "suspended").then_some(())
        }
    })
    .await;
    // Only a signature lets it in again.
    assert_eq!(chief.delete(&stop).await.status, 403);
    assert_eq!(headquarters.delete(&stop).await.code(), "console_locked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_stopped_elsewhere_is_out_when_the_line_returns_and_what_was_written_is_marked() {
    let city = City::found(&["本庁", "北支所"]).await;
    city.add_person(1, "shokuin1", "職員 一", &[]).await;
    let mut headquarters = city.log_in(0, ADMINISTRATOR).await;
    let mut person = city.log_in(1, "shokuin1").await;
    let room = city.make_room(&mut headquarters, "対策本部", &["shokuin1"], &[1]).await;
    person.say(&room, "停止の前").await;
    let user = id_of(&mut headquarters, "shokuin1").await;
    let user = user.as_str().unwrap().to_owned();

    headquarters.put("/api/v1/peers/all/link", &json!({"cut": true})).await.ok();
    let stop = format!("/api/v1/people/{user}/suspension");
    // Of another office: only the key reaches beyond this node.
    assert_eq!(headquarters.post(&stop, &json!({"reason": "調査"})).await.code(), "console_locked");
    headquarters.post("/api/v1/console", &json!({"password": PASSWORD})).await.ok();
    headquarters.post(&stop, &json!({"reason": "調査"})).await.ok();
    let refused = Client::at(&city.offices[0].url)
        .post("/api/v1/session", &json!({"login": "shokuin1", "password": PASSWORD}))
        .await;
    assert_eq!(refused.code(), "user_suspended");

    // The branch has not heard of it.
    let mut events = person.events(None).await;
    person.say(&room, "停止を知らない支所から").await;
    headquarters.put("/api/v1/peers/all/link", &json!({"cut": false})).await.ok();
    out(&mut events, SOON).await;
    assert_eq!(person.get("/api/v1/me").await.status, 401);

    let marks = until("headquarters has both messages", SOON, || {
        let (url, room) = (city.offices[0].url.clone(), room.clone());
        async move {
            let mut admin = Client::logged_in(&url, ADMINISTRATOR, PASSWORD).await;
            let page = admin.get(&format!("/api/v1/rooms/{room}/messages?limit=10")).await.ok();
            let items: Vec<Value> =
                page["items"].as_array()?.iter().filter(|item| item["entry_kind"] == "message").cloned().collect();
            (items.len() == 2)
                .then(|| items.iter().map(|item| item["after_stop"].as_bool().unwrap()).collect::<Vec<_>>())
        }
    })
    .await;
    assert_eq!(marks, [false, true]);
    let lifted = headquarters.delete(&stop).await;
    assert!(lifted.status.is_success(), "{}", lifted.body);
}
