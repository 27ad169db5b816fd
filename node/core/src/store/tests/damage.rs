//! Every kind of damage is found by the check, and damage at the end of a log at the next start.

use std::os::unix::fs::FileExt;

use noroshi_sync::entry::Lane;
use noroshi_sync::store::conformance::room;
use noroshi_sync::store::{Store, StoreError};

use crate::store::testing::{CLOCK, draft, in_memory, on_disk, options_of};
use crate::store::{Damage, Database};

fn sample() -> Database {
    let mut database = in_memory(1, room(1));
    let drafts = (0..200).map(|number| draft(room(1), Lane::Normal, number, 100)).collect();
    database.append(drafts, CLOCK).unwrap();
    database.write(|writing| writing.write_register(&room(1), b"reads".to_vec())).unwrap();
    database
}

fn damages(spoil: &str) -> Vec<Damage> {
    let database = sample();
    assert_eq!(database.check().unwrap().damages, vec![]);
    assert_ne!(database.execute(spoil, []).unwrap(), 0, "{spoil}");
    database.check().unwrap().damages
}

#[test]
fn a_sound_store_is_clean() {
    let report = sample().check().unwrap();
    assert_eq!((report.rooms, report.logs, report.entries, report.checkpoints, report.registers), (1, 1, 200, 4, 1));
    assert_eq!(report.damages, vec![]);
}

#[test]
fn every_kind_of_damage_is_named() {
    let found = damages("UPDATE entries SET bytes = CAST(bytes || x'00' AS BLOB) WHERE entry_pk & 0xffff = 70");
    assert!(matches!(found[..], [Damage::Entry { seq: 70, .. }, Damage::Chain { seq: 128, .. }]), "{found:?}");
    let found = damages("DELETE FROM entries WHERE entry_pk & 0xffff = 70");
    assert!(
        matches!(
            found[..],
            [Damage::Missing { first: 70, last: 70, .. }, Damage::Count { found: 199, counted: 200, .. }]
        ),
        "{found:?}"
    );
    let found = damages("DELETE FROM entries WHERE entry_pk & 0xffff > 190");
    assert!(matches!(found[..], [Damage::Missing { first: 191, last: 200, .. }, Damage::Count { .. }]), "{found:?}");
    let found = damages("UPDATE checkpoints SET signature = zeroblob(64) WHERE entry_pk & 0xffff = 64");
    assert!(matches!(found[..], [Damage::Signature { seq: 64, .. }]), "{found:?}");
    let found = damages("DELETE FROM checkpoints WHERE entry_pk & 0xffff = 200");
    assert!(matches!(found[..], [Damage::Unsigned { seq: 200, .. }]), "{found:?}");
    let found = damages("UPDATE logs SET hash = zeroblob(32)");
    assert!(matches!(found[..], [Damage::Chain { seq: 200, .. }, Damage::RoomDigest { .. }]), "{found:?}");
    let found = damages("UPDATE rooms SET digest = zeroblob(32)");
    assert!(matches!(found[..], [Damage::RoomDigest { .. }, Damage::Audience(_)]), "{found:?}");
    let found = damages("UPDATE rooms SET hlc = 1");
    assert!(matches!(found[..], [Damage::Clock { .. }]), "{found:?}");
    let found = damages("UPDATE audiences SET rooms = zeroblob(32)");
    assert!(matches!(found[..], [Damage::Audience(_)]), "{found:?}");
    let found = damages("UPDATE registers SET signature = zeroblob(64)");
    assert!(matches!(found[..], [Damage::Register { .. }, Damage::RoomDigest { .. }]), "{found:?}");
    let found = damages("UPDATE store SET latest_change = 1");
    assert!(matches!(found[..], [Damage::Change { .. }]), "{found:?}");
}

#[test]
fn a_spoilt_tail_is_seen_at_the_start() {
    for (spoil, named) in [
        ("UPDATE entries SET bytes = CAST(bytes || x'00' AS BLOB) WHERE entry_pk & 0xffff = 195", true),
        ("DELETE FROM entries WHERE entry_pk & 0xffff = 200", true),
        ("DELETE FROM checkpoints WHERE entry_pk & 0xffff = 200", true),
        ("UPDATE logs SET length = 199", true),
        ("UPDATE entries SET bytes = CAST(bytes || x'00' AS BLOB) WHERE entry_pk & 0xffff = 5", false),
    ] {
        let database = sample();
        assert_eq!(database.check_tails().unwrap(), vec![]);
        database.execute(spoil, []).unwrap();
        assert_eq!(!database.check_tails().unwrap().is_empty(), named, "{spoil}");
    }
}

#[test]
fn a_zeroed_page_of_the_file_is_found_and_other_rooms_are_still_checked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("noroshi.db");
    let mut database = on_disk(&path, 1, room(1));
    for number in 0..400 {
        database.append(vec![draft(room(1 + number as u16 % 5), Lane::Normal, number, 500)], CLOCK).unwrap();
    }
    let page: i64 = database
        .row("SELECT rootpage FROM sqlite_schema WHERE name = 'entries'", [], |row| row.get(0))
        .unwrap()
        .unwrap();
    let pages = std::fs::metadata(&path).map(|file| file.len() / 4_096).unwrap();
    drop(database);
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    // The root page of the entries, and every seventh page behind it.
    for spoilt in (page as u64..pages.max(page as u64 + 1)).step_by(7) {
        file.write_all_at(&[0; 4_096], (spoilt - 1) * 4_096).unwrap();
    }
    file.sync_all().unwrap();
    match Database::open(&path, options_of(1)) {
        Ok(database) => {
            let report = database.check().unwrap();
            assert!(report.damages.iter().any(|damage| matches!(damage, Damage::File(_))), "{:?}", report.damages);
        }
        Err(error) => assert!(matches!(error, StoreError::Damaged(_)), "{error}"),
    }
}

#[test]
fn a_file_that_is_no_database_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("noroshi.db");
    std::fs::write(&path, vec![7; 8_192]).unwrap();
    assert!(matches!(Database::open(&path, options_of(1)), Err(StoreError::Damaged(_))));
}
