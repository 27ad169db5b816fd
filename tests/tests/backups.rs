//! A backup is taken while the node runs, checked, and put back on a new machine; nothing that any office holds is lost.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use noroshi_tests::city::{ADMINISTRATOR, City};
use noroshi_tests::client::Client;
use noroshi_tests::process;
use noroshi_tests::wait::until;
use serde_json::Value;

const SOON: Duration = Duration::from_secs(30);

async fn texts(city: &City, office: usize, login: &str, room: &str) -> BTreeSet<String> {
    let mut client = city.log_in(office, login).await;
    let page = client.get(&format!("/api/v1/rooms/{room}/messages?limit=200")).await;
    if !page.status.is_success() {
        return BTreeSet::new();
    }
    page.ok()["items"].as_array().unwrap().iter().map(|message| message["text"].as_str().unwrap().to_owned()).collect()
}

async fn everything_at(city: &City, office: usize, room: &str, expected: &BTreeSet<String>) {
    let login = format!("shokuin{office}");
    until(&format!("everything is at {office}"), SOON, || async {
        (texts(city, office, &login, room).await == *expected).then_some(())
    })
    .await;
}

async fn say(client: &mut Client, room: &str, text: String, expected: &mut BTreeSet<String>) {
    client.say(room, &text).await;
    expected.insert(text);
}

/// The report on a backup that is sound.
fn verify(file: &Path) -> Value {
    let text = process::run(&["backup", "verify", file.to_str().unwrap()], &City::environment());
    serde_json::from_str(&text).unwrap()
}

/// Why a backup is not sound.
fn broken(file: &Path, passphrase: &str) -> String {
    process::refused(&["backup", "verify", file.to_str().unwrap()], &[("NOROSHI_PASSPHRASE", passphrase)])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_comes_back_from_its_backup_and_its_peers() {
    let mut city = City::found(&["本庁", "北支所"]).await;
    city.add_person(0, "shokuin0", "職員", &[]).await;
    city.add_person(1, "shokuin1", "職員", &[]).await;
    let mut admin = city.log_in(0, ADMINISTRATOR).await;
    let room = city.make_room(&mut admin, "災害対策本部", &["shokuin0", "shokuin1"], &[0, 1]).await;
    let mut expected = BTreeSet::new();
    let mut branch = city.log_in(1, "shokuin1").await;
    for number in 0..20 {
        say(&mut branch, &room, format!("写しの前 {number}"), &mut expected).await;
    }

    // While the node runs and people write.
    let file = city.file("北支所.backup");
    let arguments = ["backup".to_owned(), file.to_str().unwrap().to_owned()];
    let data = city.offices[1].data.to_str().unwrap().to_owned();
    let taken = tokio::task::spawn_blocking(move || {
        process::run(&["--data", &data, &arguments[0], &arguments[1]], &City::environment())
    });
    let mut number = 0;
    // No more than one page of the room.
    while !taken.is_finished() && number < 100 {
        say(&mut branch, &room, format!("写しの間 {number}"), &mut expected).await;
        number += 1;
    }
    taken.await.unwrap();
    let report = verify(&file);
    assert_eq!(report["clean"], true, "{report}");
    assert!(report["entries"].as_u64().unwrap() >= 20, "{report}");
    for number in 0..20 {
        say(&mut branch, &room, format!("写しの後 {number}"), &mut expected).await;
    }
    everything_at(&city, 0, &room, &expected).await;
    let told = city.command(1, &["audit", "--kind", "backup_made"]);
    assert_eq!(told.lines().count(), 1, "{told}");

    // The machine is lost; a new one takes its place and its peers give back what came after the backup.
    city.kill(1);
    fs::remove_dir_all(&city.offices[1].data).unwrap();
    city.command(1, &["restore", file.to_str().unwrap()]);
    city.start(1).await;
    everything_at(&city, 1, &room, &expected).await;
    let mut branch = city.log_in(1, "shokuin1").await;
    for number in 0..5 {
        say(&mut branch, &room, format!("新しい機械から {number}"), &mut expected).await;
    }
    for office in [0, 1] {
        everything_at(&city, office, &room, &expected).await;
    }
    for office in [0, 1] {
        city.stop(office);
        city.assert_clean(office);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_whole_backup_is_refused_and_nothing_is_written_over() {
    let mut city = City::found(&["本庁"]).await;
    city.stop(0);
    let (file, passphrase) = (city.file("a.backup"), City::environment()[2].1);
    // Stopped, too.
    city.command(0, &["backup", file.to_str().unwrap()]);
    assert_eq!(verify(&file)["clean"], true);
    assert!(broken(&file, "another-passphrase").contains("passphrase is wrong"));

    let bytes = fs::read(&file).unwrap();
    let spoilt = city.file("spoilt.backup");
    for cut in [0, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&spoilt, &bytes[..cut]).unwrap();
        broken(&spoilt, passphrase);
    }
    let mut changed = bytes.clone();
    changed[bytes.len() / 2] ^= 1;
    fs::write(&spoilt, &changed).unwrap();
    broken(&spoilt, passphrase);

    let refused = |arguments: &[&str]| process::refused(arguments, &City::environment());
    let (data, new) = (city.offices[0].data.to_str().unwrap().to_owned(), city.file("new"));
    let new = new.to_str().unwrap();
    // A backup is not written over another, nor restored over a node; a copied database is no backup.
    assert!(refused(&["--data", &data, "backup", file.to_str().unwrap()]).contains("exists already"));
    assert!(refused(&["--data", &data, "restore", file.to_str().unwrap()]).contains("not empty"));
    let database = format!("{data}/noroshi.db");
    assert!(refused(&["--data", new, "restore", &database]).contains("not an encrypted file"));
    refused(&["--data", new, "restore", spoilt.to_str().unwrap()]);
    assert!(!Path::new(new).exists());
    assert_eq!(fs::read(&file).unwrap(), bytes);
    let left: Vec<_> = fs::read_dir(city.file(".")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_str().unwrap().starts_with(".restore-")), "{left:?}");
    city.assert_clean(0);
}
