//! What the workloads share: people and rooms at one or two offices, and many clients posting at once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use noroshi_tests::city::{ADMINISTRATOR, City, PASSWORD};
use noroshi_tests::client::Client;
use noroshi_tests::sentences::Sentences;
use serde_json::json;

pub const PEOPLE: [&str; 2] = ["shokuin0", "shokuin1"];

/// Offices that know each other, with one member of staff each.
pub async fn offices(count: usize) -> City {
    let city = City::found(&["本庁", "北支所"][..count]).await;
    for (office, login) in PEOPLE.iter().enumerate().take(count) {
        city.add_person(office, login, "職員", &[]).await;
    }
    city
}

/// Rooms with the staff of all offices; waits until every office has the last of them.
pub async fn rooms(city: &City, count: usize) -> Vec<String> {
    let mut admin = city.log_in(0, ADMINISTRATOR).await;
    let people = &PEOPLE[..city.offices.len()];
    let users = admin.get("/api/v1/users?limit=1000").await.ok();
    let id = |login: &&str| {
        users["items"].as_array().unwrap().iter().find(|user| user["login"] == **login).unwrap()["id"].clone()
    };
    let members: Vec<_> = people.iter().map(id).collect();
    let mut rooms = Vec::with_capacity(count);
    for number in 1..count {
        let body = json!({"name": format!("部屋 {number}"), "kind": "group", "members": members});
        let room = admin.post("/api/v1/rooms", &body).await.ok();
        rooms.push(room["id"].as_str().unwrap().to_owned());
    }
    let offices: Vec<usize> = (0..city.offices.len()).collect();
    rooms.push(city.make_room(&mut admin, "最後の部屋", people, &offices).await);
    for office in offices {
        let (url, expected) = (city.offices[office].url.clone(), rooms.len());
        noroshi_tests::wait::until("all rooms everywhere", std::time::Duration::from_secs(60), || async {
            let mut client = Client::logged_in(&url, PEOPLE[office], PASSWORD).await;
            let count = client.get("/api/v1/rooms").await.ok()["items"].as_array().unwrap().len();
            (count >= expected.min(500)).then_some(())
        })
        .await;
    }
    rooms
}

/// Posts `count` messages over the rooms with `clients` connections at once.
pub async fn post_many(url: &str, login: &str, rooms: &[String], count: usize, clients: usize, seed: u64) {
    let mut sentences = Sentences::new(seed);
    let work: VecDeque<(String, String)> =
        (0..count).map(|number| (rooms[number % rooms.len()].clone(), sentences.message())).collect();
    let work = Arc::new(Mutex::new(work));
    let first = Client::logged_in(url, login, PASSWORD).await;
    let mut tasks = Vec::new();
    for _ in 0..clients {
        let (work, url, token) = (work.clone(), url.to_owned(), first.token.clone());
        tasks.push(tokio::spawn(async move {
            let mut client = Client::at(&url);
            client.token = token;
            loop {
                let Some((room, text)) = work.lock().unwrap().pop_front() else { break };
                client.say(&room, &text).await;
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
}
