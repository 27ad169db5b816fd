//! The demo as a newcomer meets it, in a real browser, and what it leaves on disk.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use noroshi_tests::process;

#[test]
fn people_talk_through_a_cut_in_the_browser() {
    play("journey.mjs");
}

#[test]
fn an_administrator_imports_a_city_enrols_a_phone_and_stops_it() {
    play("administration.mjs");
}

/// Plays a journey against a fresh demo, then looks at what every office has on disk.
fn play(journey: &str) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("demo");
    let port = free_ports();
    let mut demo = Command::new(process::binary())
        .args(["--data", data.to_str().unwrap(), "demo", "--json", "--port", &port.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let line = lines.find_map(|line| line.ok().filter(|line| line.starts_with('{'))).expect("the demo serves");
    let browser = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
    let output = Command::new("node").arg(journey).current_dir(browser).env("NOROSHI_DEMO", &line).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    process::signal(demo.id(), "TERM");
    let status = demo.wait().unwrap();
    println!("{said}");
    assert!(output.status.success(), "{said}");
    assert!(status.success(), "the demo stops in order: {status}");

    let demo: serde_json::Value = serde_json::from_str(&line).unwrap();
    for office in demo["offices"].as_array().unwrap() {
        process::run(&["--data", office["data"].as_str().unwrap(), "check"], &[]);
    }
}

/// The first of eight ports that are free now.
fn free_ports() -> u16 {
    (0..100)
        .map(|_| process::free_port() & !7)
        .find(|first| {
            *first > 1024 && (*first..*first + 8).all(|port| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok())
        })
        .unwrap()
}
