//! How long a lost phone stays connected after an administrator has stopped it, at the node where it is stopped.

use std::time::{Duration, Instant};

use noroshi_tests::city::{ADMINISTRATOR, PASSWORD};
use noroshi_tests::client::Client;
use serde_json::json;

use crate::report::{line, percentile_ms};
use crate::setting::{PEOPLE, offices};

pub async fn measure(phones: usize) {
    let city = offices(1).await;
    let mut admin = city.log_in(0, ADMINISTRATOR).await;
    admin.post("/api/v1/console", &json!({"password": PASSWORD})).await.ok();
    let people = admin.get("/api/v1/users?limit=1000").await.ok();
    let owner =
        people["items"].as_array().unwrap().iter().find(|user| user["login"] == PEOPLE[0]).unwrap()["id"].clone();
    let mut samples = Vec::new();
    for _ in 0..phones {
        let code = admin.post("/api/v1/device-codes", &json!({"user": owner})).await.ok()["code"].clone();
        let mut phone = Client::at(&city.offices[0].url);
        let body = json!({"login": PEOPLE[0], "password": PASSWORD, "device_code": code});
        let session = phone.post("/api/v1/session", &body).await.ok();
        phone.token = Some(session["token"].as_str().unwrap().to_owned());
        phone.put("/api/v1/session/passcode", &json!({"passcode": "408271"})).await.ok();
        let mut events = phone.events(None).await;
        let path = format!("/api/v1/devices/{}/suspension", session["device"]["id"].as_str().unwrap());
        let asked = Instant::now();
        let closed = async {
            while events.next().await.is_some() {}
            asked.elapsed()
        };
        let reason = json!({"reason": "紛失"});
        let (_, closed) =
            tokio::join!(admin.post(&path, &reason), tokio::time::timeout(Duration::from_secs(30), closed));
        samples.push(closed.expect("a stopped phone is out"));
    }
    line(
        "suspend",
        json!({"phones": phones, "p50_ms": percentile_ms(&mut samples, 0.5), "p99_ms": percentile_ms(&mut samples, 0.99),
        "max_ms": percentile_ms(&mut samples, 1.0)}),
    );
}
