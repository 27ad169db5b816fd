//! The staff list that comes with the program, as it lies in `samples/`.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use noroshi_provisioning::roster::{Encoding, EncodingChoice, read};
use noroshi_tests::staff;

const PEOPLE: usize = 480;

/// `NOROSHI_WRITE_SAMPLES=1 cargo test -p noroshi-tests --test sample` writes it anew.
#[test]
fn the_sample_is_what_its_generator_makes_and_has_no_problem() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/shokuin-480.csv");
    let bytes = staff::list_in_cp932(PEOPLE);
    if std::env::var_os("NOROSHI_WRITE_SAMPLES").is_some() {
        std::fs::write(&path, &bytes).unwrap();
    }
    assert!(std::fs::read(&path).unwrap() == bytes, "{} is not what tests/src/staff.rs makes", path.display());
    let roster = read(&bytes, EncodingChoice::Auto).unwrap();
    assert_eq!((roster.encoding, roster.problems.as_slice()), (Encoding::Cp932, &[][..]));
    assert_eq!((roster.count, roster.rows.len()), (PEOPLE, PEOPLE));
}
