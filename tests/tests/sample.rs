//! The staff list that comes with the program, as it lies in `samples/`, and what a node makes of it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use noroshi_node::blobs::Quota;
use noroshi_node::clock::SystemClock;
use noroshi_node::fixture::Fixture;
use noroshi_node::view::{ImportView, Wording};
use noroshi_node::{Node, OpenOptions};
use noroshi_provisioning::roster::{Encoding, EncodingChoice, read};
use noroshi_sync::id::Epoch;
use noroshi_tests::staff;

const PEOPLE: usize = 480;

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/shokuin-480.csv")
}

/// `NOROSHI_WRITE_SAMPLES=1 cargo test -p noroshi-tests --test sample` writes it anew.
#[test]
fn the_sample_is_what_its_generator_makes_and_has_no_problem() {
    let bytes = staff::list_in_cp932(PEOPLE);
    if std::env::var_os("NOROSHI_WRITE_SAMPLES").is_some() {
        std::fs::write(sample(), &bytes).unwrap();
    }
    assert!(std::fs::read(sample()).unwrap() == bytes, "the sample is not what tests/src/staff.rs makes");
    let roster = read(&bytes, EncodingChoice::Auto).unwrap();
    assert_eq!((roster.encoding, roster.problems.as_slice()), (Encoding::Cp932, &[][..]));
    assert_eq!((roster.count, roster.rows.len()), (PEOPLE, PEOPLE));
}

/// A city that was founded a moment ago: so many offices, and its administrator alone.
struct City {
    fixture: Fixture,
    node: Node,
    _folder: tempfile::TempDir,
}

impl City {
    async fn new(offices: usize) -> Self {
        let fixture = Fixture::seeded(77, offices, 1).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(SystemClock::default());
        let options = OpenOptions {
            folder: folder.path().to_owned(),
            clock,
            epoch: Epoch(1),
            readers: 2,
            demo: false,
            quota: Quota::default(),
        };
        let node = Node::open(options, fixture.offices[0].identity.clone()).unwrap();
        node.append_ledger(fixture.ledger.clone()).await.unwrap();
        Self { fixture, node, _folder: folder }
    }

    async fn read(&self, bytes: Vec<u8>) -> ImportView {
        let importing = self.node.begin_import(&self.fixture.actor(0, 0).unwrap()).unwrap();
        importing.read(bytes, EncodingChoice::Auto, Wording::Japanese).await.unwrap()
    }

    async fn apply(&self, draft: &ImportView) -> ImportView {
        let importing = self.node.begin_import(&self.fixture.actor(0, 0).unwrap()).unwrap();
        importing.apply(&self.fixture.administrator, draft.id, Wording::Japanese).await.unwrap()
    }

    async fn undo(&self, draft: &ImportView) -> ImportView {
        let importing = self.node.begin_import(&self.fixture.actor(0, 0).unwrap()).unwrap();
        importing.undo(&self.fixture.administrator, draft.id, Wording::Japanese).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_city_of_one_office_imports_the_sample_and_somebody_logs_in() {
    let city = City::new(1).await;
    let draft = city.read(std::fs::read(sample()).unwrap()).await;
    assert_eq!((draft.problems.len(), draft.diff.add.len()), (0, PEOPLE), "{:?}", draft.problems.first());
    let letters = city.apply(&draft).await.letters.unwrap();
    assert_eq!(letters.len(), PEOPLE);
    let letter = &letters[PEOPLE / 2];
    let log_in = city.node.log_in(&letter.login, &letter.initial_password, None).await.unwrap();
    assert_eq!(
        (log_in.user.name.as_str(), log_in.user.section.as_str()),
        (letter.name.as_str(), letter.section.as_str())
    );
    assert_eq!(city.read(std::fs::read(sample()).unwrap()).await.diff.same, PEOPLE);
    assert_eq!(city.undo(&draft).await.problems, []);
    assert!(city.node.log_in(&letter.login, &letter.initial_password, None).await.is_err());
}

/// How long it took is printed; `noroshi-load import` measures it from outside.
#[tokio::test(flavor = "multi_thread")]
async fn nine_hundred_people_are_imported_while_one_looks_on() {
    let city = City::new(1).await;
    let start = Instant::now();
    let draft = city.read(staff::list_in_cp932(900)).await;
    let read = start.elapsed();
    let applied = city.apply(&draft).await;
    let all = start.elapsed();
    println!("900 people: read in {read:?}, applied in {:?}", all - read);
    assert_eq!(applied.letters.unwrap().len(), 900);
}
