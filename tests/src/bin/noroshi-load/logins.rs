//! A thousand people log in at once, as after an earthquake; what those notice who are logged in already.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use noroshi_tests::city::PASSWORD;
use noroshi_tests::process::resident_bytes;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use crate::report::{line, percentile_ms, round};
use crate::setting::{offices, rooms};

/// Log-ins of one person at once; more within ten minutes would be refused.
const EACH: usize = 10;

pub async fn measure(log_ins: usize) {
    let city = offices(1).await;
    let people = log_ins.div_ceil(EACH);
    for number in 0..people {
        city.add_person(0, &format!("hito{number}"), "職員", &[]).await;
    }
    let room = rooms(&city, 1).await.remove(0);
    let address: SocketAddr = city.offices[0].url.trim_start_matches("http://").parse().unwrap();
    let pid = city.offices[0].process.as_ref().unwrap().pid();
    let idle = others(&city, &room, Arc::new(AtomicBool::new(false)), Some(Duration::from_secs(5))).await;
    let before = resident_bytes(pid);
    let over = Arc::new(AtomicBool::new(false));
    let peak = Arc::new(AtomicUsize::new(0));
    let watching = tokio::spawn(watch(pid, peak.clone(), over.clone()));
    let start = Instant::now();
    let mut queued = Vec::new();
    for number in 0..log_ins {
        queued.push(tokio::spawn(log_in(address, number, format!("hito{}", number % people))));
    }
    let beside = others(&city, &room, over.clone(), None);
    let answers = async {
        let mut statuses = std::collections::BTreeMap::new();
        let mut waited = Vec::new();
        for task in queued {
            let status: String = task.await.unwrap();
            waited.push(start.elapsed());
            *statuses.entry(status).or_insert(0usize) += 1;
        }
        over.store(true, Ordering::SeqCst);
        (statuses, waited)
    };
    let ((mut reads, mut posts), (statuses, mut waited)) = tokio::join!(beside, answers);
    let elapsed = start.elapsed();
    watching.await.unwrap();
    let (mut idle_reads, mut idle_posts) = idle;
    line(
        "logins",
        json!({"log_ins": log_ins, "seconds": round(elapsed.as_secs_f64()), "answers": statuses,
        "last_waited_s": round(percentile_ms(&mut waited, 1.0) / 1_000.0),
        "others": {"reads": reads.len(), "posts": posts.len(),
            "read_p50_ms": percentile_ms(&mut reads, 0.5), "read_p99_ms": percentile_ms(&mut reads, 0.99),
            "post_p50_ms": percentile_ms(&mut posts, 0.5), "post_p99_ms": percentile_ms(&mut posts, 0.99)},
        "others_before": {"read_p99_ms": percentile_ms(&mut idle_reads, 0.99), "post_p99_ms": percentile_ms(&mut idle_posts, 0.99)},
        "rss_mb": {"before": round(before as f64 / 1e6), "peak": round(peak.load(Ordering::SeqCst) as f64 / 1e6)}}),
    );
}

/// Somebody reads and posts every 20 ms until it is over; how long each took.
async fn others(
    city: &noroshi_tests::city::City,
    room: &str,
    over: Arc<AtomicBool>,
    limit: Option<Duration>,
) -> (Vec<Duration>, Vec<Duration>) {
    static CLIENT: tokio::sync::OnceCell<Option<String>> = tokio::sync::OnceCell::const_new();
    let token = CLIENT.get_or_init(|| async { city.log_in(0, crate::setting::PEOPLE[0]).await.token }).await;
    let mut client = noroshi_tests::client::Client::at(&city.offices[0].url);
    client.token = token.clone();
    let (mut reads, mut posts) = (Vec::new(), Vec::new());
    let start = Instant::now();
    let mut pace = tokio::time::interval(Duration::from_millis(20));
    while !over.load(Ordering::SeqCst) && limit.is_none_or(|limit| start.elapsed() < limit) {
        pace.tick().await;
        let asked = Instant::now();
        client.get(&format!("/api/v1/rooms/{room}/messages?limit=50")).await.ok();
        reads.push(asked.elapsed());
        let asked = Instant::now();
        client.say(room, "北浜地区は停電。避難所を開けます。").await;
        posts.push(asked.elapsed());
    }
    (reads, posts)
}

/// One log-in from an address of its own, as every telephone has one. The status of the answer.
async fn log_in(address: SocketAddr, number: usize, login: String) -> String {
    let [high, low] = u16::try_from(number + 1).unwrap().to_be_bytes();
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 1, high, low)), 0)).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let body = json!({"login": login, "password": PASSWORD}).to_string();
    let request = format!(
        "POST /api/v1/session HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let text = String::from_utf8_lossy(&answer);
    text.split(' ').nth(1).unwrap_or("closed").to_owned()
}

async fn watch(pid: u32, peak: Arc<AtomicUsize>, over: Arc<AtomicBool>) {
    while !over.load(Ordering::SeqCst) {
        peak.fetch_max(usize::try_from(resident_bytes(pid)).unwrap_or(usize::MAX), Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
