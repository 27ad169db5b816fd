//! What the measurements of thin lines share: history that does not compress, and somebody who sees alarms arrive.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::city::City;
use crate::client::{Client, Events};

/// An urgent message that has not arrived by then is lost.
const LIMIT: Duration = Duration::from_secs(120);

/// Texts that do not compress well, as photographs and numbers do not.
#[derive(Debug)]
pub struct Noise(u64);

impl Noise {
    /// UTF-8 bytes of one text.
    pub const BYTES: usize = 6_000;

    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn text(&mut self) -> String {
        let mut text = String::with_capacity(Self::BYTES);
        while text.len() + 3 <= Self::BYTES {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Common ideographs: three bytes each.
            let number = 0x4e00 + u32::try_from((self.0 >> 33) % 0x5000).unwrap_or(0);
            text.push(char::from_u32(number).unwrap_or('一'));
        }
        text
    }
}

/// Sees messages arrive at an office, as a browser does.
pub struct Watch {
    _client: Client,
    events: Events,
}

impl Watch {
    pub async fn begin(client: Client) -> Self {
        let events = client.events(None).await;
        Self { _client: client, events }
    }

    /// Posts an urgent message; its id.
    pub async fn urgent(&self, writer: &mut Client, room: &str, text: &str) -> String {
        let id = uuid::Uuid::now_v7().to_string();
        let body = json!({"text": text, "urgent": true});
        writer.put(&format!("/api/v1/rooms/{room}/messages/{id}"), &body).await.ok();
        id
    }

    /// Waits until the message is here; how long that is after `asked`.
    pub async fn sees(&mut self, id: &str, asked: Instant) -> Duration {
        let search = async {
            loop {
                let event = self.events.next().await.expect("the event stream ended");
                if event["type"] == "message" && event["message"]["id"] == id {
                    return asked.elapsed();
                }
            }
        };
        tokio::time::timeout(LIMIT, search).await.unwrap_or_else(|_| panic!("the urgent message {id} does not arrive"))
    }
}

impl Watch {
    /// When the next message of somebody else arrives.
    pub async fn next_of_others(&mut self, own: &str) -> Instant {
        let search = async {
            loop {
                let event = self.events.next().await.expect("the event stream ended");
                if event["type"] == "message" && event["message"]["author"]["id"] != own {
                    return Instant::now();
                }
            }
        };
        tokio::time::timeout(LIMIT, search).await.expect("nothing arrives")
    }
}

/// Whether the office says that it is connected, or not, as wanted.
pub async fn connected(city: &City, office: usize, wanted: bool) -> Option<()> {
    ((metric(city, office, "noroshi_net_peers").await > 0.0) == wanted).then_some(())
}

/// Connections that ended so far, by the office's metrics.
pub async fn times_lost(city: &City, office: usize) -> f64 {
    metric(city, office, "noroshi_net_connections_ended_total").await
}

/// The sum of all lines of one metric of an office (Prometheus text format).
pub async fn metric(city: &City, office: usize, name: &str) -> f64 {
    let reply = Client::at(&city.offices[office].url).get("/metrics").await;
    let Value::String(text) = reply.body else { panic!("metrics are text: {}", reply.body) };
    let is_it = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{']));
    let lines = text.lines().filter(is_it);
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}
