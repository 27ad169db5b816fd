//! Bits that turned on the disk of a stopped node: found and named, taken out of the database, and got back from the others.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use noroshi_tests::city::{ADMINISTRATOR, City};
use noroshi_tests::process;
use noroshi_tests::wait::until;

const SOON: Duration = Duration::from_secs(60);

/// Where the text stands in the file.
fn places(file: &Path, text: &str) -> Vec<u64> {
    let bytes = fs::read(file).unwrap();
    let found = bytes.windows(text.len()).enumerate().filter(|(_, part)| *part == text.as_bytes());
    found.map(|(place, _)| place as u64).collect()
}

async fn texts(city: &City, office: usize, room: &str) -> BTreeSet<String> {
    city.log_in(office, &format!("shokuin{office}")).await.texts(room, 200).await.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_rooms_come_back_from_other_offices() {
    let mut city = City::found(&["本庁", "北支所"]).await;
    city.add_person(0, "shokuin0", "職員", &[]).await;
    city.add_person(1, "shokuin1", "職員", &[]).await;
    let mut admin = city.log_in(0, ADMINISTRATOR).await;
    let room = city.make_room(&mut admin, "災害対策本部", &["shokuin0", "shokuin1"], &[0, 1]).await;
    let mut expected = BTreeSet::new();
    for office in [0, 1] {
        let mut client = city.log_in(office, &format!("shokuin{office}")).await;
        for number in 0..60 {
            let text = format!("{office} から {number} 番目の報告");
            client.say(&room, &text).await;
            expected.insert(text);
        }
    }
    for office in [0, 1] {
        until(&format!("all at {office}"), SOON, || async {
            (texts(&city, office, &room).await == expected).then_some(())
        })
        .await;
    }
    city.stop(1);

    // Bits of two messages turn, and a whole page somewhere else is zeroed.
    let database = city.offices[1].data.join("noroshi.db");
    let file = fs::OpenOptions::new().write(true).open(&database).unwrap();
    for text in ["0 から 7 番目の報告", "1 から 30 番目の報告"] {
        let place = *places(&database, text).first().unwrap();
        file.write_all_at(b"9", place).unwrap();
    }
    let page = places(&database, "0 から 50 番目の報告").first().unwrap() / 4_096;
    file.write_all_at(&[0; 4_096], page * 4_096).unwrap();
    file.sync_all().unwrap();
    let data = city.offices[1].data.to_str().unwrap().to_owned();
    process::refused(&["--data", &data, "check"], &City::environment());

    let told = city.command(1, &["repair"]);
    assert!(told.contains("damaged:") && told.contains("lost here:"), "{told}");
    city.assert_clean(1);
    city.start(1).await;
    until("all is back", SOON, || async { (texts(&city, 1, &room).await == expected).then_some(()) }).await;
    // It goes on as before, and headquarters never took anything damaged.
    city.log_in(1, "shokuin1").await.say(&room, "復旧しました").await;
    expected.insert("復旧しました".to_owned());
    until("the new one is at headquarters", SOON, || async {
        (texts(&city, 0, &room).await == expected).then_some(())
    })
    .await;
    assert_eq!(city.command(1, &["status", "--json"]).matches("\"forged\"").count(), 0);
    for office in [0, 1] {
        city.stop(office);
        city.assert_clean(office);
    }
    assert!(city.command(1, &["repair"]).contains("nothing to repair"));
}
