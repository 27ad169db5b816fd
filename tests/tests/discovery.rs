//! Two nodes on one LAN that know no address of each other find each other by mDNS. Needs root for network namespaces.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::process::Command;
use std::time::Duration;

use noroshi_tests::process::{self, Process};

/// Two network namespaces joined by a pair of virtual Ethernet devices; gone with this value.
struct Lan {
    names: [String; 2],
}

fn ip(arguments: &[&str]) {
    let output = Command::new("ip").args(arguments).output().unwrap();
    assert!(output.status.success(), "ip {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

impl Lan {
    fn new() -> Self {
        let id = std::process::id();
        let names = [format!("noroshi-a-{id}"), format!("noroshi-b-{id}")];
        let lan = Self { names };
        for name in &lan.names {
            ip(&["netns", "add", name]);
        }
        let (a, b) = (lan.names[0].as_str(), lan.names[1].as_str());
        ip(&["link", "add", "veth0", "netns", a, "type", "veth", "peer", "name", "veth0", "netns", b]);
        for (number, name) in lan.names.iter().enumerate() {
            ip(&["-n", name, "address", "add", &format!("10.77.0.{}/24", number + 1), "dev", "veth0"]);
            ip(&["-n", name, "link", "set", "lo", "up"]);
            ip(&["-n", name, "link", "set", "veth0", "up", "multicast", "on"]);
            ip(&["-n", name, "route", "add", "224.0.0.0/4", "dev", "veth0"]);
        }
        lan
    }

    /// A command that runs the binary inside one of the namespaces.
    fn command(&self, side: usize, arguments: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.names[side]]).arg(process::binary()).args(arguments);
        command.env("NOROSHI_ADMIN_PASSWORD", "asanagi-no-noroshi").env("NOROSHI_PASSPHRASE", "root-passphrase");
        command
    }

    fn run(&self, side: usize, arguments: &[&str]) -> String {
        let output = self.command(side, arguments).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
        text
    }
}

impl Drop for Lan {
    fn drop(&mut self) {
        for name in &self.names {
            let _ = Command::new("ip").args(["netns", "delete", name]).status();
        }
    }
}

/// The peers as the node in its namespace reports them on the command line.
fn is_connected(lan: &Lan, side: usize, data: &str) -> bool {
    let output = lan.command(side, &["--data", data, "status", "--json"]).output().unwrap();
    let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let peers = status["peers"].as_array().cloned().unwrap_or_default();
    peers.iter().any(|peer| peer["state"] == "connected" && peer["via"] == "mdns")
}

#[test]
fn two_nodes_that_know_no_address_find_each_other() {
    let lan = Lan::new();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (hq, branch) = (path("hq"), path("branch"));
    let founder = ["--organisation", "朝凪市", "--login", "kanri", "--name", "管理 花子"];
    lan.run(0, &[&["--data", &hq, "init", "--sync", "10.77.0.1:8471"][..], &founder].concat());
    let serve = |side: usize, data: &str| {
        Process::spawn(lan.command(side, &["--data", data, "serve"]), &folder.path().join(format!("{side}.log")))
    };
    let headquarters = serve(0, &hq);
    wait_for("headquarters serves", || headquarters.log().contains("the node serves").then_some(()));
    let invitation = wait_for("an invitation", || {
        let arguments =
            ["--data", &hq, "invite-node", "--office", "北支所", "--login", "kanri", "--address", "10.77.0.1:8471"];
        let output = lan.command(0, &arguments).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.split_whitespace().find(|word| word.starts_with("NOROSHI1-")).map(str::to_owned)
    });
    lan.run(1, &["--data", &branch, "join", &invitation, "--sync", "10.77.0.2:8471"]);
    // What the code told the new node is forgotten: from here on only mDNS can help.
    let config = format!("{branch}/noroshi.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let forgotten: String = text
        .lines()
        .map(|line| if line.starts_with("peers = ") { "peers = []\n".into() } else { format!("{line}\n") })
        .collect();
    std::fs::write(&config, forgotten).unwrap();
    let branch_process = serve(1, &branch);
    wait_for("the nodes find each other by mDNS", || {
        (is_connected(&lan, 0, &hq) || is_connected(&lan, 1, &branch)).then_some(())
    });
    drop((headquarters, branch_process));
}

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = std::time::Instant::now();
    loop {
        if let Some(value) = look() {
            return value;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{what}: not within a minute");
        std::thread::sleep(Duration::from_millis(50));
    }
}
