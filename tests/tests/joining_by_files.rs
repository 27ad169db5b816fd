//! A third office joins by files with no network between them; its people work there at once, and when the line comes
//! all become equal.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::time::Duration;

use noroshi_tests::city::{ADMINISTRATOR, City};
use noroshi_tests::process;
use noroshi_tests::wait::until;
use serde_json::json;

const SOON: Duration = Duration::from_secs(20);

/// The commands of one office, with files beside the data folders.
struct Desk<'a> {
    city: &'a City,
    office: usize,
}

impl Desk<'_> {
    fn arguments(&self, words: &[&str]) -> Vec<String> {
        let file = |word: &&str| match word.strip_prefix('@') {
            Some(name) => self.city.file(name).to_str().unwrap().to_owned(),
            None => (*word).to_owned(),
        };
        let data = self.city.offices[self.office].data.to_str().unwrap().to_owned();
        ["--data".to_owned(), data].into_iter().chain(words.iter().map(file)).collect()
    }

    fn run(&self, words: &[&str]) -> String {
        let arguments = self.arguments(words);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        process::run(&arguments, &City::environment()).trim().to_owned()
    }

    fn refused(&self, words: &[&str]) -> String {
        let arguments = self.arguments(words);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        process::refused(&arguments, &City::environment())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_office_joins_by_three_files_and_reconciles_when_the_line_comes() {
    let mut city = City::found_silent(&["本庁", "北支所"]).await;
    city.add_person(0, "shokuin0", "本庁 職員", &[]).await;
    let fingerprint = city.ask_by_file("南支所", "request.txt");
    let office = 2;

    // At headquarters: first a wrong fingerprint, a file that is none, a branch that cannot issue.
    let (here, there) = (Desk { city: &city, office: 0 }, Desk { city: &city, office });
    let approve = ["nodes", "approve", "@request.txt", "--office", "南支所", "--login", ADMINISTRATOR];
    let with = |more: &[&'static str]| approve.iter().copied().chain(more.iter().copied()).collect::<Vec<_>>();
    let other = here.refused(&with(&["--fingerprint", "0000-0000-0000-0000", "--out", "@certificate.txt"]));
    assert!(other.contains("this is another request than the one that was read out"), "{other}");
    let mut approving = with(&["--out", "@certificate.txt", "--fingerprint"]);
    approving.push(&fingerprint);
    let not_yet = here.refused(&["nodes", "certify", "@request.txt", "--out", "@certificate.txt"]);
    assert!(not_yet.contains("no administrator has approved this machine yet"), "{not_yet}");
    assert!(!city.file("certificate.txt").exists());
    let organisation = here.run(&approving);
    assert_eq!(here.run(&approving), organisation, "approved twice is approved once");
    let elsewhere = here.refused(&[
        "nodes",
        "approve",
        "@request.txt",
        "--office",
        "北支所",
        "--login",
        ADMINISTRATOR,
        "--fingerprint",
        &fingerprint,
        "--out",
        "@wrong.txt",
    ]);
    assert!(elsewhere.contains("this machine is already a node of 南支所"), "{elsewhere}");

    // The people of the new office, and a fresh file that knows them.
    here.run(&[
        "user",
        "add",
        "shokuin2",
        "--name",
        "南 職員",
        "--kana",
        "みなみ",
        "--office",
        "南支所",
        "--by",
        ADMINISTRATOR,
    ]);
    here.run(&["nodes", "certify", "@request.txt", "--out", "@certificate.txt"]);
    let issuing_nowhere =
        Desk { city: &city, office: 1 }.refused(&["nodes", "certify", "@request.txt", "--out", "@x.txt"]);
    assert!(issuing_nowhere.contains("this node issues no certificates"), "{issuing_nowhere}");
    assert!(
        here.run(&["status", "--json"]).contains("\"headquarters_time\":\"20"),
        "headquarters signed the time at its founding"
    );
    assert!(here.run(&["confirm-time", "--login", ADMINISTRATOR]).starts_with("20"));
    let text = std::fs::read_to_string(city.file("certificate.txt")).unwrap();
    assert!(!text.contains("argon2"));

    // At the new office: nothing half made by what does not fit.
    std::fs::write(city.file("cut.txt"), &text[..text.len() / 2]).unwrap();
    let waiting = there.refused(&["serve"]);
    assert!(waiting.contains("waits for its certificate"), "{waiting}");
    for (words, sentence) in [
        (["join", "--certificate", "@cut.txt", "--organisation", organisation.as_str()], "the file is cut off"),
        (["join", "--certificate", "@request.txt", "--organisation", organisation.as_str()], "this is a join request"),
        (
            ["join", "--certificate", "@certificate.txt", "--organisation", "0000-0000-0000-0000"],
            "is of the organisation",
        ),
        (["join", "--certificate", "@none.txt", "--organisation", organisation.as_str()], "No such file"),
    ] {
        let said = there.refused(&words);
        assert!(said.contains(sentence), "{said}");
        assert!(there.refused(&["serve"]).contains("waits for its certificate"));
    }
    let silent = there.refused(&["join", "--certificate", "@certificate.txt"]);
    assert!(silent.contains("give --organisation"), "{silent}");
    // As Notepad saves it and mail carries it.
    let carried = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    std::fs::write(city.file("carried.txt"), carried).unwrap();
    let install = ["join", "--certificate", "@carried.txt", "--organisation", organisation.as_str()];
    there.run(&install);
    let again = there.refused(&install);
    assert!(again.contains("is a node already"), "{again}");

    // Its people log in and write, with nobody in reach.
    city.start(office).await;
    let mut south = city.log_in(office, "shokuin2").await;
    let users = south.get("/api/v1/users?limit=1000").await.ok();
    let id = |name: &str| {
        let found = users["items"].as_array().unwrap().iter().find(|user| user["name"] == name);
        found.unwrap_or_else(|| panic!("{name} is not in {users}"))["id"].clone()
    };
    let room = json!({"name": "南支所の記録", "kind": "group", "members": [id("南 職員"), id("本庁 職員")]});
    let room = south.post("/api/v1/rooms", &room).await.ok()["id"].as_str().unwrap().to_owned();
    south.say(&room, "線のない間の投稿").await;
    let node = south.get("/api/v1/node").await.ok();
    assert_eq!(node["headquarters"]["reachable"], false, "{node}");
    city.stop(office);

    // The line comes: somebody enters where headquarters is.
    let path = city.offices[office].data.join("noroshi.toml");
    let config = std::fs::read_to_string(&path).unwrap();
    assert!(config.contains("\npeers = []\n"), "{config}");
    let line = format!("\npeers = [\"127.0.0.1:{}\"]\n", city.offices[0].sync);
    std::fs::write(&path, config.replace("\npeers = []\n", &line)).unwrap();
    city.start(office).await;
    let (url, room) = (city.offices[0].url.clone(), room.as_str());
    until("what was written alone is at headquarters", SOON, || {
        let url = url.clone();
        async move {
            let mut client =
                noroshi_tests::client::Client::logged_in(&url, "shokuin0", noroshi_tests::city::PASSWORD).await;
            let messages = client.get(&format!("/api/v1/rooms/{room}/messages")).await;
            (messages.status.is_success() && messages.ok()["items"][0]["text"] == "線のない間の投稿").then_some(())
        }
    })
    .await;
    for office in 0..3 {
        city.stop(office);
        city.assert_clean(office);
    }
}
