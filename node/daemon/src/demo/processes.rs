//! The processes of the demo: this program again, with ordinary arguments.

// Indexing a JSON value by a key gives null when it is missing; it never panics.
#![allow(clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::Place;
use crate::commands::{Failure, runtime};
use crate::control::{self, Request};
use crate::folder::DataFolder;

/// A node may take this long to serve.
const READY_LIMIT: Duration = Duration::from_secs(30);
/// And this long to stop in order.
const STOP_LIMIT: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// One run of this program to its end.
#[derive(Debug)]
pub struct Command {
    data: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
}

impl Command {
    pub fn new(data: &Path) -> Self {
        Self { data: data.to_path_buf(), arguments: Vec::new(), environment: Vec::new() }
    }

    pub fn environment(&mut self, name: &'static str, value: &str) {
        self.environment.push((name, value.to_owned()));
    }

    pub fn arguments<'a>(&mut self, arguments: impl IntoIterator<Item = &'a str>) -> &mut Self {
        self.arguments.extend(arguments.into_iter().map(str::to_owned));
        self
    }

    /// What it printed; its error output when it fails.
    pub fn run(&mut self) -> Result<String, Failure> {
        let output = std::process::Command::new(std::env::current_exe()?)
            .arg("--data")
            .arg(&self.data)
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .output()?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let what = self.arguments.first().cloned().unwrap_or_default();
        Err(format!("noroshi {what} failed: {}", said.trim()).into())
    }
}

/// Nodes that run until told to stop; they stop with this value too.
#[derive(Debug, Default)]
pub struct Processes {
    running: BTreeMap<PathBuf, Child>,
    nodes: BTreeMap<PathBuf, String>,
}

impl Processes {
    pub fn serve(&mut self, place: &Place) -> Result<(), Failure> {
        for port in [place.web, place.sync] {
            let is_free = std::net::UdpSocket::bind(("127.0.0.1", port)).is_ok()
                && std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
            if !is_free {
                return Err(
                    format!("port {port} is in use: stop the other program, or choose others with --port").into()
                );
            }
        }
        let log = std::fs::OpenOptions::new().create(true).append(true).open(place.data.with_extension("log"))?;
        let child = std::process::Command::new(std::env::current_exe()?)
            .arg("--data")
            .arg(&place.data)
            .arg("serve")
            .env("NOROSHI_DEMO", "1")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        self.running.insert(place.data.clone(), child);
        Ok(())
    }

    pub fn pid(&self, place: &Place) -> Option<u32> {
        self.running.get(&place.data).map(Child::id)
    }

    pub fn node(&self, place: &Place) -> Option<&str> {
        self.nodes.get(&place.data).map(String::as_str)
    }

    /// Waits until the node answers `/readyz` and its control socket.
    pub fn wait_until_ready(&mut self, place: &Place) -> Result<(), Failure> {
        let start = Instant::now();
        let socket = DataFolder::open(&place.data)?.control_socket();
        loop {
            if is_ready(place)
                && let Some(Ok(status)) = control::ask(&socket, &Request::Status)
            {
                let node = status["node"]["id"].as_str().unwrap_or_default().to_owned();
                self.nodes.insert(place.data.clone(), node);
                return Ok(());
            }
            let ended = self.running.get_mut(&place.data).and_then(|child| child.try_wait().ok().flatten());
            if ended.is_some() || start.elapsed() > READY_LIMIT {
                let log = place.data.with_extension("log");
                let text = std::fs::read_to_string(&log).unwrap_or_default();
                let last: Vec<&str> = text.lines().rev().take(5).collect();
                return Err(
                    format!("{} does not serve (see {}): {}", place.name, log.display(), last.join(" / ")).into()
                );
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Until Ctrl+C or SIGTERM, or until a node ends by itself.
    pub fn run_until_stopped(mut self) -> Result<(), Failure> {
        let ended = runtime()?.block_on(async {
            let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
            let mut look = tokio::time::interval(Duration::from_millis(500));
            loop {
                tokio::select! {
                    _ = tokio::signal::ctrl_c() => return Ok::<_, Failure>(None),
                    _ = terminate.recv() => return Ok(None),
                    _ = look.tick() => {
                        let ended = self.running.iter_mut().find_map(|(data, child)| {
                            child.try_wait().ok().flatten().map(|status| (data.clone(), status))
                        });
                        if ended.is_some() {
                            return Ok(ended);
                        }
                    }
                }
            }
        })?;
        self.stop()?;
        match ended {
            Some((data, status)) => Err(format!("the node in {} ended: {status}", data.display()).into()),
            None => Ok(()),
        }
    }

    /// Asks all to stop and waits for them.
    pub fn stop(&mut self) -> Result<(), Failure> {
        for child in self.running.values() {
            let _ = std::process::Command::new("kill").arg(child.id().to_string()).status();
        }
        let start = Instant::now();
        for (data, mut child) in std::mem::take(&mut self.running) {
            while child.try_wait()?.is_none() {
                if start.elapsed() > STOP_LIMIT {
                    child.kill()?;
                    return Err(format!("the node in {} did not stop in order", data.display()).into());
                }
                std::thread::sleep(LOOK_EVERY);
            }
        }
        Ok(())
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for child in self.running.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// `GET /readyz` by hand: one request does not need a client library.
fn is_ready(place: &Place) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", place.web))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(
            format!("GET /readyz HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", place.web_address()).as_bytes(),
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}
