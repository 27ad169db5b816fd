//! Prints what the store does in a second on this machine. Asserts only that nothing is lost.

use std::sync::Arc;
use std::time::Instant;

use noroshi_sync::entry::Lane;
use noroshi_sync::id::RoomId;
use noroshi_sync::store::conformance::{key, room};
use noroshi_sync::store::{Batch, LogRange, Store, StoreError, WallClock};

use crate::store::testing::{CLOCK, admit, draft, everyone, in_memory, on_disk, options_of};
use crate::store::{Database, Storage};

const ENTRIES: u64 = 100_000;
const ROOMS: u16 = 100;

fn open(folder: &std::path::Path, number: u8) -> Database {
    let mut database = on_disk(&folder.join("noroshi.db"), number, room(0));
    database
        .write(|writing| {
            (0..ROOMS).try_for_each(|number| writing.set_audience(&room(number), &everyone().into()).map(|_| ()))
        })
        .unwrap();
    database
}

fn rate(what: &str, count: u64, since: Instant) {
    let seconds = since.elapsed().as_secs_f64();
    println!(
        "{what}: {count} in {seconds:.3} s, {:.0}/s, {:.1} µs each",
        count as f64 / seconds,
        seconds * 1e6 / count as f64
    );
}

#[test]
fn a_hundred_thousand_entries() {
    let (folder_a, folder_b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mut a, mut b) = (open(folder_a.path(), 1), open(folder_b.path(), 2));

    let start = Instant::now();
    for round in 0..ENTRIES / 1_000 {
        let drafts =
            (0..1_000).map(|n| draft(room((n % u64::from(ROOMS)) as u16), Lane::Normal, round * 1_000 + n, 120));
        a.append(drafts.collect(), WallClock { now_ms: CLOCK.now_ms + round, ..CLOCK }).unwrap();
    }
    rate("append, 1,000 a transaction, 100 rooms", ENTRIES, start);

    let peer = key(2).node();
    let start = Instant::now();
    let mut ranges: Vec<LogRange> = Vec::new();
    let mut after = 0;
    loop {
        let page = a.changes(&peer, after).unwrap();
        ranges.extend(page.rooms.iter().flat_map(|room| &room.logs).map(|(log, state)| LogRange {
            log: *log,
            first: 1,
            last: state.length,
        }));
        after = page.up_to;
        if !page.more {
            break;
        }
    }
    let mut windows = Vec::new();
    while !ranges.is_empty() {
        let page = a.windows(&peer, &ranges, 1 << 20).unwrap();
        windows.push(page.windows);
        ranges = page.rest;
    }
    rate("read windows", ENTRIES, start);
    let start = Instant::now();
    let batches: Vec<Vec<_>> =
        windows.into_iter().map(|page| page.into_iter().map(|window| window.verify().unwrap()).collect()).collect();
    rate("verify windows", ENTRIES, start);
    let start = Instant::now();
    for windows in batches {
        b.apply(Batch { peer: key(1).node(), windows, registers: vec![], cursor: None }).unwrap();
    }
    rate("apply windows, 1 MiB a transaction", ENTRIES, start);
    assert_eq!(a.greeting(&key(3).node()).unwrap().shared, b.greeting(&key(3).node()).unwrap().shared);

    let start = Instant::now();
    let report = b.check().unwrap();
    rate("check", ENTRIES, start);
    assert_eq!((report.entries, report.damages), (ENTRIES, vec![]));
    let start = Instant::now();
    assert_eq!(b.check_tails().unwrap(), vec![]);
    rate("check of tails", u64::from(ROOMS), start);
    let start = Instant::now();
    for _ in 0..1_000 {
        b.greeting(&key(1).node()).unwrap();
    }
    rate("greeting", 1_000, start);
    let size = std::fs::metadata(folder_b.path().join("noroshi.db")).unwrap().len();
    println!("file: {} B an entry of 120 B text", size / ENTRIES);
}

#[test]
fn the_work_of_one_post_without_a_disk() {
    let mut database = in_memory(1, room(1));
    let start = Instant::now();
    for number in 0..5_000 {
        database.append(vec![draft(room(1), Lane::Normal, number, 120)], CLOCK).unwrap();
    }
    rate("one post a transaction, in memory", 5_000, start);
    assert_eq!(database.check().unwrap().entries, 5_000);
}

/// A bare commit of one row, to compare with.
fn bare_commits(folder: &std::path::Path, count: u64) {
    let connection = rusqlite::Connection::open(folder.join("bare.db")).unwrap();
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).unwrap();
    connection.pragma_update(None, "synchronous", "FULL").unwrap();
    connection.execute_batch("CREATE TABLE row (id INTEGER PRIMARY KEY, body BLOB)").unwrap();
    let start = Instant::now();
    for _ in 0..count {
        connection.execute("INSERT INTO row (body) VALUES (?)", [vec![1u8; 240]]).unwrap();
    }
    rate("bare SQLite commits of one row", count, start);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn posts_of_one_and_of_thirty_two_clients() {
    let folder = tempfile::tempdir().unwrap();
    bare_commits(folder.path(), 300);
    let storage = Arc::new(Storage::open(&folder.path().join("noroshi.db"), &options_of(1), 2).unwrap());
    let opened = |writing: &crate::store::Writing<'_>| {
        admit(writing, room(1));
        Ok::<_, StoreError>(())
    };
    storage.write(opened).await.unwrap();
    for clients in [1u64, 32] {
        let posts = 300;
        let start = Instant::now();
        let tasks: Vec<_> = (0..clients)
            .map(|client| tokio::spawn(post_many(storage.clone(), room(1), client * 1_000_000 + clients, posts)))
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        rate(&format!("durable posts, {clients} clients"), clients * posts, start);
    }
    let lengths = storage.read(|database| database.frontier(&room(1))).await.unwrap();
    assert_eq!(lengths.values().map(|state| state.length).sum::<u64>(), 33 * 300);
    storage.close().await;
}

async fn post_many(storage: Arc<Storage>, room: RoomId, first: u64, count: u64) {
    for number in first..first + count {
        storage
            .write(move |writing| writing.append(vec![draft(room, Lane::Normal, number, 120)], CLOCK))
            .await
            .unwrap();
    }
}
