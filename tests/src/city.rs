//! An organisation of a few offices, set up by the real commands and run as real processes.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::Client;
use crate::lab::Lab;
use crate::process::{self, Process};
use crate::wait::until;

pub const ADMINISTRATOR: &str = "kanri";
pub const PASSWORD: &str = "asanagi-no-noroshi";
/// Ports of an office that has a network namespace to itself.
const WEB_PORT: u16 = 8_470;
const SYNC_PORT: u16 = 8_471;
/// How long a node may take to serve.
const START_LIMIT: Duration = Duration::from_secs(30);

/// One office: its folder, its ports, and its process while it runs.
#[derive(Debug)]
pub struct Office {
    pub name: String,
    pub data: PathBuf,
    pub url: String,
    pub sync: u16,
    /// Where other nodes reach it.
    pub sync_address: String,
    pub process: Option<Process>,
    /// Its network namespace, if it has one to itself.
    pub namespace: Option<String>,
}

/// The organisation. Everything is gone with this value.
#[derive(Debug)]
pub struct City {
    pub offices: Vec<Office>,
    folder: TempDir,
    /// Whether the nodes tell each other where they are.
    announced: bool,
    /// The lines between the offices; without it they share this machine's loopback interface.
    lab: Option<Lab>,
}

fn environment() -> [(&'static str, &'static str); 3] {
    [
        ("NOROSHI_ADMIN_PASSWORD", PASSWORD),
        ("NOROSHI_NEW_PASSWORD", PASSWORD),
        ("NOROSHI_PASSPHRASE", "root-passphrase"),
    ]
}

impl City {
    /// Founds the organisation, joins one node an office, starts all. The first office is headquarters.
    pub async fn found(names: &[&str]) -> Self {
        Self::found_as(names, true, None).await
    }

    /// The same, each office in a namespace of the laboratory.
    pub async fn found_in(lab: Lab, names: &[&str]) -> Self {
        Self::found_as(names, true, Some(lab)).await
    }

    /// The same, but no node tells the others where it is: only who has a join code finds headquarters.
    pub async fn found_silent(names: &[&str]) -> Self {
        Self::found_as(names, false, None).await
    }

    async fn found_as(names: &[&str], announced: bool, lab: Option<Lab>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut city = Self { offices: Vec::new(), folder, announced, lab };
        for name in names {
            city.add_office(name).await;
        }
        city
    }

    async fn add_office(&mut self, name: &str) {
        let data = self.folder.path().join(format!("office-{}", self.offices.len()));
        let number = self.offices.len();
        let (namespace, web, sync) = match &self.lab {
            Some(lab) => (Some(lab.namespace(number).to_owned()), WEB_PORT, SYNC_PORT),
            None => (None, process::free_port(), process::free_port()),
        };
        let web_address = format!("127.0.0.1:{web}");
        let sync_address = match &self.lab {
            Some(lab) => format!("{}:{sync}", lab.address(number)),
            None => format!("127.0.0.1:{sync}"),
        };
        let folder = data.to_str().unwrap().to_owned();
        let mut ports = vec!["--web", &web_address, "--sync", &sync_address, "--no-discovery"];
        if self.announced {
            ports.extend(["--announce", &sync_address]);
        }
        if self.offices.is_empty() {
            let mut arguments = vec!["--data", &folder, "init", "--organisation", "朝凪市", "--office", name];
            arguments.extend(["--login", ADMINISTRATOR, "--name", "管理 花子", "--kana", "かんり はなこ"]);
            arguments.extend(ports);
            process::run_in(namespace.as_deref(), &arguments, &environment());
        } else {
            let headquarters = self.offices[0].sync_address.clone();
            let invite = ["invite-node", "--office", name, "--login", ADMINISTRATOR, "--address", &headquarters];
            let code = self.command(0, &invite);
            let code = code.split_whitespace().find(|word| word.starts_with("NOROSHI1-")).unwrap().to_owned();
            let mut arguments = vec!["--data", folder.as_str(), "join", &code, "--name", name];
            arguments.extend(ports);
            process::run_in(namespace.as_deref(), &arguments, &environment());
        }
        let url = match &self.lab {
            Some(lab) => format!("http://{}", lab.door(number, web)),
            None => format!("http://{web_address}"),
        };
        self.offices.push(Office { name: name.to_owned(), data, url, sync, sync_address, process: None, namespace });
        self.start(number).await;
    }

    /// A file of the test beside the data folders.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// An office that asks to join by file and waits: nothing is started. The fingerprint of its request.
    pub fn ask_by_file(&mut self, name: &str, request: &str) -> String {
        let data = self.folder.path().join(format!("office-{}", self.offices.len()));
        let (web, sync) = (process::free_port(), process::free_port());
        let (web_address, sync_address) = (format!("127.0.0.1:{web}"), format!("127.0.0.1:{sync}"));
        let file = self.file(request);
        let mut arguments = vec!["--data", data.to_str().unwrap(), "join", "--request", file.to_str().unwrap()];
        arguments.extend(["--name", name, "--web", &web_address, "--sync", &sync_address, "--no-discovery"]);
        let fingerprint = process::run(&arguments, &environment()).trim().to_owned();
        let url = format!("http://{web_address}");
        let name = name.to_owned();
        self.offices.push(Office { name, data, url, sync, sync_address, process: None, namespace: None });
        fingerprint
    }

    /// The lines between the offices. Panics when they have none of their own.
    pub fn lab(&self) -> &Lab {
        self.lab.as_ref().expect("founded in a laboratory")
    }

    /// The environment that answers the questions of commands.
    pub fn environment() -> [(&'static str, &'static str); 3] {
        environment()
    }

    /// Runs a command of the binary in an office's folder; its output.
    pub fn command(&self, office: usize, arguments: &[&str]) -> String {
        let mut all = vec!["--data", self.offices[office].data.to_str().unwrap()];
        all.extend(arguments);
        process::run_in(self.offices[office].namespace.as_deref(), &all, &environment())
    }

    /// Starts the office's node and waits until it serves.
    pub async fn start(&mut self, office: usize) {
        let log = self.folder.path().join(format!("office-{office}.log"));
        let data = self.offices[office].data.to_str().unwrap().to_owned();
        let mut command = process::command(self.offices[office].namespace.as_deref());
        command.args(["--data", &data, "serve"]);
        self.offices[office].process = Some(Process::spawn(command, &log));
        self.ready(office).await;
    }

    /// Waits until the office's node is able to serve.
    pub async fn ready(&mut self, office: usize) {
        let url = self.offices[office].url.clone();
        let start = std::time::Instant::now();
        while start.elapsed() < START_LIMIT {
            let mut client = Client::at(&url);
            let reply = client.request(http::Method::GET, "/readyz", None).await;
            if reply.is_ok_and(|reply| reply.status.is_success()) {
                return;
            }
            let process = self.offices[office].process.as_mut().unwrap();
            assert!(process.is_running(), "{}", process.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{url} does not serve:\n{}", self.offices[office].process.as_ref().unwrap().log());
    }

    pub fn kill(&mut self, office: usize) {
        self.offices[office].process.take().unwrap().kill();
    }

    pub fn stop(&mut self, office: usize) {
        self.offices[office].process.take().unwrap().stop();
    }

    /// Adds a person at headquarters and waits until their own office knows them.
    pub async fn add_person(&self, office: usize, login: &str, name: &str, roles: &[&str]) {
        let mut arguments = vec!["user", "add", login, "--name", name, "--kana", "てすと"];
        arguments.extend(["--office", &self.offices[office].name, "--by", ADMINISTRATOR]);
        for role in roles {
            arguments.extend(["--role", role]);
        }
        self.command(0, &arguments);
        let url = &self.offices[office].url;
        until(&format!("{login} can log in at {url}"), Duration::from_secs(15), || async {
            let body = json!({"login": login, "password": PASSWORD});
            let reply = Client::at(url).post("/api/v1/session", &body).await;
            reply.status.is_success().then_some(())
        })
        .await;
    }

    pub async fn log_in(&self, office: usize, login: &str) -> Client {
        Client::logged_in(&self.offices[office].url, login, PASSWORD).await
    }

    /// Makes a room with these people and waits until each office that should hold it does.
    pub async fn make_room(&self, client: &mut Client, name: &str, logins: &[&str], offices: &[usize]) -> String {
        let users = client.get("/api/v1/users?limit=1000").await.ok();
        let id = |login: &&str| {
            users["items"].as_array().unwrap().iter().find(|user| user["login"] == **login).map(|u| u["id"].clone())
        };
        let members: Vec<Value> = logins.iter().filter_map(id).collect();
        assert_eq!(members.len(), logins.len(), "everybody is known: {users}");
        let room = client.post("/api/v1/rooms", &json!({"name": name, "kind": "group", "members": members})).await.ok();
        let room = room["id"].as_str().unwrap().to_owned();
        for office in offices {
            let login = logins.iter().find(|login| login.ends_with(&office.to_string())).unwrap();
            let url = &self.offices[*office].url;
            until(&format!("{name} at {url}"), Duration::from_secs(15), || async {
                let mut member = Client::logged_in(url, login, PASSWORD).await;
                member.get(&format!("/api/v1/rooms/{room}")).await.status.is_success().then_some(())
            })
            .await;
        }
        room
    }

    /// `noroshi check` of a stopped office finds nothing.
    pub fn assert_clean(&self, office: usize) {
        self.command(office, &["check"]);
    }
}
