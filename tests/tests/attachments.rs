//! A photo on its way between offices, as processes over QUIC: headquarters keeps all, others fetch what is asked for,
//! and a kill in between costs nothing.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::time::Duration;

use noroshi_tests::city::{ADMINISTRATOR, City};
use noroshi_tests::client::Client;
use noroshi_tests::wait::until;
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(30);
const BYTES: usize = 12 * 1024 * 1024;

/// A document that does not compress.
fn document() -> Vec<u8> {
    let mut bytes = vec![0; BYTES];
    let mut state = 1_u64;
    for eight in bytes.chunks_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let part = state.to_le_bytes();
        eight.copy_from_slice(&part[..eight.len()]);
    }
    bytes[..9].copy_from_slice(b"%PDF-1.7\n");
    bytes
}

async fn post(client: &mut Client, room: &str, upload: &Value) {
    let path = format!("/api/v1/rooms/{room}/messages/{}", uuid::Uuid::now_v7());
    let file = json!({"hash": upload["hash"], "name": upload["name"]});
    client.put(&path, &json!({"text": "図面です", "attachments": [file]})).await.ok();
}

/// What the newest message says of its file, as soon as there is one.
async fn shown(client: &mut Client, room: &str) -> Option<Value> {
    let page = client.get(&format!("/api/v1/rooms/{room}/messages?limit=1")).await.ok();
    let file = page["items"][0]["attachments"][0].clone();
    (!file.is_null()).then_some(file)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_reaches_headquarters_by_itself_and_another_office_when_asked_for() {
    let mut city = City::found(&["本庁", "北支所", "南支所"]).await;
    let logins = ["shokuin0", "shokuin1", "shokuin2"];
    for (office, login) in logins.iter().enumerate() {
        city.add_person(office, login, "職員", &[]).await;
    }
    let mut admin = city.log_in(0, ADMINISTRATOR).await;
    let room = city.make_room(&mut admin, "災害対策本部", &logins, &[0, 1, 2]).await;
    let mut north = city.log_in(1, logins[1]).await;
    let document = document();
    let upload =
        north.post_file("/api/v1/attachments?name=%E5%9B%B3%E9%9D%A2.pdf", "application/pdf", document.clone());
    let upload = upload.await.ok();
    let path = format!("/api/v1/attachments/{}", upload["hash"].as_str().unwrap());
    post(&mut north, &room, &upload).await;

    // Headquarters is killed while it fetches, at whatever byte that is.
    let url = city.offices[0].url.clone();
    until("headquarters has begun", SOON, || async {
        let mut client = Client::logged_in(&url, logins[0], noroshi_tests::city::PASSWORD).await;
        let file = shown(&mut client, &room).await?;
        (file["held_bytes"].as_u64()? > 0 || file["state"] == "here").then_some(())
    })
    .await;
    city.kill(0);
    city.start(0).await;
    until("headquarters has all of it", SOON, || async {
        let mut client = Client::logged_in(&url, logins[0], noroshi_tests::city::PASSWORD).await;
        (client.file(&path).await? == document).then_some(())
    })
    .await;

    // The other office shows the message and fetches nothing, until somebody wants the file.
    let mut south = city.log_in(2, logins[2]).await;
    let url = city.offices[2].url.clone();
    until("the message is in the south", SOON, || async {
        let mut client = Client::logged_in(&url, logins[2], noroshi_tests::city::PASSWORD).await;
        shown(&mut client, &room).await.map(|_| ())
    })
    .await;
    let file = shown(&mut south, &room).await.unwrap();
    assert_eq!((&file["state"], &file["held_bytes"]), (&json!("elsewhere"), &json!(0)));
    assert_eq!(south.get(&path).await.code(), "attachment_elsewhere");
    let mut events = south.events(None).await;
    let progress = south.post(&format!("{path}/fetch"), &json!({})).await.ok();
    assert_eq!(progress["state"], "coming");
    let told = async {
        let mut last = 0;
        while let Some(event) = events.next().await {
            if event["type"] == "attachment" {
                assert!(event["held_bytes"].as_u64().unwrap() >= last, "{event}");
                last = event["held_bytes"].as_u64().unwrap();
                if event["state"] == "here" {
                    return last;
                }
            }
        }
        0
    };
    assert_eq!(tokio::time::timeout(SOON, told).await.unwrap(), BYTES as u64);
    assert!(south.file(&path).await.unwrap() == document);
}
