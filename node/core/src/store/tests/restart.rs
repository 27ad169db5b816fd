//! What survives a process start, a restored copy, and a lost file.

use noroshi_sync::digest::Digest;
use noroshi_sync::entry::Lane;
use noroshi_sync::id::{Epoch, StorageId};
use noroshi_sync::store::conformance::{key, room};
use noroshi_sync::store::{Store, StoreError};

use crate::store::testing::{CLOCK, draft, in_memory, on_disk, options_of};
use crate::store::{Database, DatabaseOptions};

fn post(database: &mut Database, number: u64) {
    database.append(vec![draft(room(1), Lane::Normal, number, 10)], CLOCK).unwrap();
}

fn fresh(number: u8) -> DatabaseOptions {
    DatabaseOptions { fresh_storage: StorageId::from_bytes([number; 16]), epoch: Epoch(number.into()), ..options_of(1) }
}

#[test]
fn a_database_put_back_from_a_copy_is_a_new_storage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("noroshi.db");
    let mut database = on_disk(&path, 1, room(1));
    let first = database.storage().unwrap();
    post(&mut database, 1);
    drop(database);
    let copy = folder.path().join("copy.db");
    std::fs::copy(&path, &copy).unwrap();

    let mut database = Database::open(&path, fresh(20)).unwrap();
    assert_eq!(database.storage().unwrap(), first, "an ordinary start keeps the storage id");
    post(&mut database, 2);
    database.settle_wal().unwrap();
    drop(database);

    std::fs::copy(&copy, &path).unwrap();
    let database = Database::open(&path, fresh(21)).unwrap();
    assert_eq!(database.storage().unwrap(), StorageId::from_bytes([21; 16]), "it has seen less than its folder knows");
    drop(database);

    std::fs::remove_file(folder.path().join("storage-id")).unwrap();
    let database = Database::open(&path, fresh(22)).unwrap();
    assert_eq!(database.storage().unwrap(), StorageId::from_bytes([22; 16]));
    drop(database);
    assert_eq!(Database::open(&path, fresh(23)).unwrap().storage().unwrap(), StorageId::from_bytes([22; 16]));
}

#[test]
fn registers_go_up_through_restarts_and_above_what_comes_back_from_peers() {
    let write = |database: &mut Database| {
        database.write(|writing| writing.write_register(&room(1), b"reads".to_vec())).unwrap();
        database.register_version(&room(1), &database.node()).unwrap().unwrap()
    };
    let mut database = in_memory(1, room(1));
    let mut last = write(&mut database);
    for epoch in 5..8 {
        let again = write(&mut database);
        assert!(again > last);
        // The clock of the test stands still.
        database = database.restart(Epoch(epoch)).unwrap();
        last = write(&mut database);
        assert!(last > again);
    }
    // A restored database hears of its own later register.
    let mut peer = in_memory(2, room(1));
    let registers = database.registers(&key(2).node(), &[(room(1), key(1).node())]).unwrap();
    let registers: Vec<_> = registers.into_iter().map(|signed| signed.verify().unwrap()).collect();
    let batch = noroshi_sync::store::Batch { peer: key(1).node(), windows: vec![], registers, cursor: None };
    peer.apply(batch.clone()).unwrap();
    let mut restored = in_memory(1, room(1));
    write(&mut restored);
    restored.apply(noroshi_sync::store::Batch { peer: key(2).node(), ..batch }).unwrap();
    assert_eq!(restored.register_version(&room(1), &key(1).node()).unwrap(), Some(last));
    assert!(write(&mut restored) > last);
}

#[test]
fn registers_say_who_holds_what() -> Result<(), StoreError> {
    let (mut a, mut b) = (in_memory(1, room(1)), in_memory(2, room(1)));
    for number in 0..3 {
        post(&mut a, number);
    }
    let log = *a.frontier(&room(1))?.keys().next().unwrap();
    let held = |store: &Database| {
        let rows = "SELECT length FROM held JOIN nodes USING (node_pk) WHERE nodes.id = ?";
        store.row(rows, [key(1).node().as_bytes()], |row| row.get::<_, i64>(0)).unwrap()
    };
    let send = |from: &mut Database, to: &mut Database| {
        from.write(|writing| writing.write_register(&room(1), vec![])).unwrap();
        let registers = from.registers(&to.node(), &[(room(1), from.node())]).unwrap();
        let registers = registers.into_iter().map(|signed| signed.verify().unwrap()).collect();
        let batch = noroshi_sync::store::Batch { peer: from.node(), windows: vec![], registers, cursor: None };
        to.apply(batch).unwrap();
    };
    send(&mut a, &mut b);
    assert_eq!(held(&b), Some(3));
    // Only known of, the log is no line of b's own frontier.
    assert_eq!(b.frontier(&room(1))?.len(), 0);
    assert_ne!(a.greeting(&key(3).node())?.shared, Digest::EMPTY);
    post(&mut a, 3);
    send(&mut a, &mut b);
    assert_eq!(held(&b), Some(4));
    // After a restore the node holds less, and says so.
    let mut restored = in_memory(1, room(1)).restart(Epoch(50))?;
    restored.write(|writing| {
        let version = noroshi_sync::register::RegisterVersion {
            start: noroshi_sync::hlc::Hlc::from_parts(1_900_000_000_000, 0),
            counter: 1,
        };
        writing.write_register_as(&room(1), version, vec![])
    })?;
    let registers = restored.registers(&key(2).node(), &[(room(1), key(1).node())])?;
    let registers = registers.into_iter().map(|signed| signed.verify().unwrap()).collect();
    b.apply(noroshi_sync::store::Batch { peer: key(1).node(), windows: vec![], registers, cursor: None })?;
    assert_eq!(held(&b), None);
    assert_eq!(b.log_state(&log)?.length, 0);
    assert_eq!(b.check()?.damages, vec![]);
    Ok(())
}

#[test]
fn old_events_are_dropped_and_the_newest_kept() -> Result<(), StoreError> {
    let mut database = in_memory(1, room(1));
    database.write(|writing| {
        for number in 0..super::super::EVENTS_KEPT + 1_500 {
            writing.emit_event(number.to_be_bytes().to_vec())?;
        }
        Ok::<_, StoreError>(())
    })?;
    let (oldest, newest) = database.event_bounds()?;
    assert_eq!(newest, super::super::EVENTS_KEPT + 1_500);
    assert!(newest - oldest >= super::super::EVENTS_KEPT && oldest > 1_000);
    let page = database.events_after(newest - 2, 10)?;
    assert_eq!(page.iter().map(|event| event.0).collect::<Vec<_>>(), vec![newest - 1, newest]);
    assert_eq!(database.events_after(u64::MAX, 10)?, vec![]);
    Ok(())
}
