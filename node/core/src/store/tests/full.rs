//! A full disk refuses writes, disturbs no reader, and is over when there is space again.

use std::sync::Arc;

use noroshi_sync::entry::Lane;
use noroshi_sync::store::conformance::{key, room};
use noroshi_sync::store::{Answer, Query, StoreError};

use crate::store::testing::{CLOCK, admit, draft, options_of};
use crate::store::{Storage, Writing};

/// Lets the file grow by so many pages and no more; SQLite then fails as it does when the disk is full.
fn leave_pages(writing: &Writing<'_>, pages: i64) -> Result<(), StoreError> {
    let used: i64 = writing.row("PRAGMA page_count", [], |row| row.get(0))?.unwrap();
    // A pragma with a value is a statement of its own.
    writing.row(&format!("PRAGMA max_page_count = {}", used + pages), [], |_| Ok(()))?;
    Ok(())
}

async fn post(storage: &Storage, number: u64) -> Result<u64, StoreError> {
    storage
        .write(move |writing| {
            let appended = writing.append(vec![draft(room(1), Lane::Normal, number, 2_000)], CLOCK)?;
            Ok(appended[0].seq)
        })
        .await
}

async fn length(storage: &Storage) -> u64 {
    storage.read(|database| database.frontier(&room(1))).await.unwrap().values().map(|state| state.length).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_are_refused_reads_go_on_and_space_heals_it() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Arc::new(Storage::open(&folder.path().join("noroshi.db"), &options_of(1), 2).unwrap());
    let prepared = |writing: &Writing<'_>| {
        admit(writing, room(1));
        leave_pages(writing, 20)
    };
    storage.write(prepared).await.unwrap();
    let (mut acknowledged, mut refused) = (0, 0);
    for number in 0..200 {
        match post(&storage, number).await {
            Ok(_) => acknowledged += 1,
            Err(StoreError::Full) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(acknowledged > 10 && refused > 100, "{acknowledged} {refused}");
    assert_eq!(length(&storage).await, acknowledged, "exactly what was acknowledged is there");
    assert!(matches!(storage.answer(Query::Greeting { peer: key(2).node() }).await, Ok(Answer::Greeting(_))));
    storage.write(|writing| leave_pages(writing, 100_000)).await.unwrap();
    // Retries with the same ids go on where the log stood.
    assert_eq!(post(&storage, 300).await, Ok(acknowledged + 1));
    let report = storage.read(|database| database.check()).await.unwrap();
    assert_eq!((report.entries, report.damages), (acknowledged + 1, vec![]));
    storage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_share_groups_and_each_gets_its_own_answer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("noroshi.db");
    let storage = Arc::new(Storage::open(&path, &options_of(1), 2).unwrap());
    storage
        .write(|writing| {
            admit(writing, room(1));
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
    let tasks: Vec<_> = (0..300u64)
        .map(|number| {
            let storage = storage.clone();
            tokio::spawn(async move {
                if number % 10 == 3 {
                    let refused = storage.write(|_| Err::<(), _>(StoreError::Invalid("no".into()))).await;
                    assert_eq!(refused, Err(StoreError::Invalid("no".into())));
                    return 0;
                }
                if number % 10 == 7 {
                    let failed = storage.write(|_| -> Result<(), StoreError> { panic!("a bug") }).await;
                    assert!(matches!(failed, Err(StoreError::Invalid(_))));
                    return 0;
                }
                let seq = post(&storage, number).await.unwrap();
                // What is acknowledged is there for every reader.
                assert!(length(&storage).await >= seq);
                seq
            })
        })
        .collect();
    let mut places = Vec::new();
    for task in tasks {
        places.push(task.await.unwrap());
    }
    places.retain(|seq| *seq > 0);
    places.sort_unstable();
    assert_eq!(places, (1..=240).collect::<Vec<_>>());
    storage.close().await;
    assert_eq!(post(&storage, 999).await, Err(StoreError::Closed));
    let wal = folder.path().join("noroshi.db-wal");
    assert!(!wal.exists(), "an orderly end leaves one file");
    let database = crate::store::Database::open(&path, options_of(1)).unwrap();
    let report = database.check().unwrap();
    assert_eq!((report.entries, report.damages), (240, vec![]));
}

#[tokio::test]
async fn a_panicking_question_hurts_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Storage::open(&folder.path().join("noroshi.db"), &options_of(1), 1).unwrap();
    for _ in 0..3 {
        let failed = storage.read(|_| -> Result<(), StoreError> { panic!("a bug") }).await;
        assert!(matches!(failed, Err(StoreError::Invalid(_))));
        assert_eq!(length(&storage).await, 0);
    }
    let refused = storage.read(|database| database.execute("DELETE FROM rooms", [])).await;
    assert!(refused.is_err(), "a reader cannot write");
}
