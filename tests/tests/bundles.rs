//! Offices that no line joins exchange their records on a stick.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use noroshi_tests::city::{ADMINISTRATOR, City};
use noroshi_tests::process;
use noroshi_tests::wait::until;
use serde_json::json;

const SOON: Duration = Duration::from_secs(30);

async fn texts(city: &City, office: usize, room: &str) -> BTreeSet<String> {
    let mut client = city.log_in(office, &format!("shokuin{office}")).await;
    let page = client.get(&format!("/api/v1/rooms/{room}/messages?limit=200")).await.ok();
    page["items"].as_array().unwrap().iter().map(|message| message["text"].as_str().unwrap().to_owned()).collect()
}

async fn say(city: &City, office: usize, room: &str, text: &str) {
    city.log_in(office, &format!("shokuin{office}")).await.say(room, text).await;
}

fn is_in(file: &Path, text: &str) -> bool {
    fs::read(file).unwrap().windows(text.len()).any(|part| part == text.as_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_islands_are_joined_by_hand() {
    let mut city = City::found(&["本庁", "北支所", "南支所"]).await;
    for office in 0..3 {
        city.add_person(office, &format!("shokuin{office}"), "職員", &["office_admin"]).await;
    }
    let mut admin = city.log_in(0, ADMINISTRATOR).await;
    let people = ["shokuin0", "shokuin1", "shokuin2"];
    let room = city.make_room(&mut admin, "災害対策本部", &people, &[0, 1, 2]).await;
    let secret = city.make_room(&mut admin, "北支所と本庁だけ", &["shokuin0", "shokuin1"], &[0, 1]).await;
    for office in 0..3 {
        let mut admin = city.log_in(office, &format!("shokuin{office}")).await;
        admin.put("/api/v1/peers/all/link", &json!({"cut": true})).await.ok();
    }
    say(&city, 0, &room, "本庁: 災害対策本部を設置しました").await;
    say(&city, 1, &room, "北支所: 庁舎に異常ありません").await;
    say(&city, 1, &secret, "北支所: 内密の相談").await;

    // From the branch to headquarters, while both run.
    let file = city.file("北から.noroshi");
    let path = file.to_str().unwrap();
    city.command(1, &["bundle", "export", path, "--for", "本庁"]);
    assert!(!is_in(&file, "庁舎に異常ありません"), "the file is encrypted");
    city.command(0, &["bundle", "import", path]);
    let both: BTreeSet<String> =
        ["本庁: 災害対策本部を設置しました", "北支所: 庁舎に異常ありません"].map(str::to_owned).into();
    assert_eq!(texts(&city, 0, &room).await, both);
    assert_eq!(texts(&city, 0, &secret).await, BTreeSet::from(["北支所: 内密の相談".to_owned()]));
    // Only whom it is for can read it, and once more changes nothing.
    let south = city.offices[2].data.to_str().unwrap().to_owned();
    let refused = process::refused(&["--data", &south, "bundle", "import", path], &City::environment());
    assert!(refused.contains("for other nodes"), "{refused}");
    city.command(0, &["bundle", "import", path]);
    assert_eq!(texts(&city, 0, &room).await, both);

    // From headquarters to both branches: the room of two of them is not in it.
    let round = city.file("本庁から.noroshi");
    let path = round.to_str().unwrap();
    city.command(0, &["bundle", "export", path, "--for", "北支所", "--for", "南支所"]);
    city.stop(2);
    city.command(2, &["bundle", "import", path]);
    city.start(2).await;
    city.command(1, &["bundle", "import", path]);
    for office in [1, 2] {
        assert_eq!(texts(&city, office, &room).await, both, "at {office}");
    }
    // A file that is broken off is not taken for whole.
    let bytes = fs::read(&round).unwrap();
    let cut = city.file("途中まで.noroshi");
    fs::write(&cut, &bytes[..bytes.len() - 20]).unwrap();
    let arguments = ["--data", &south, "bundle", "import", cut.to_str().unwrap()];
    let told = process::refused(&arguments, &City::environment());
    assert!(told.contains("damaged"), "{told}");
    let told = city.command(0, &["audit", "--limit", "1000"]);
    let count = |kind: &str| told.lines().filter(|line| line.contains(kind)).count();
    assert_eq!((count("bundle_exported"), count("bundle_imported")), (1, 2), "{told}");

    // The lines come back: nothing is left to do, and nothing is twice.
    for office in 0..3 {
        let mut admin = city.log_in(office, &format!("shokuin{office}")).await;
        admin.put("/api/v1/peers/all/link", &json!({"cut": false})).await.ok();
    }
    say(&city, 2, &room, "南支所: つながりました").await;
    for office in 0..3 {
        until(&format!("all at {office}"), SOON, || async {
            (texts(&city, office, &room).await.len() == 3).then_some(())
        })
        .await;
    }
    for office in 0..3 {
        city.stop(office);
        city.assert_clean(office);
    }
}
