//! A few threads with read-only connections: each question sees one unchanging state of the database.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use noroshi_sync::store::StoreError;
use tokio::sync::oneshot;

use super::database::{Database, DatabaseOptions};
use super::queue::{Caller, Next, Queue};

/// Questions of people that may wait.
const QUEUE_PEOPLE_MAX: usize = 1_024;
/// Questions of replication that may wait.
const QUEUE_PEERS_MAX: usize = 256;
/// Readers have nothing to do when idle.
const IDLE: Duration = Duration::from_secs(3_600);

type Job = Box<dyn FnOnce(&Database) + Send>;

/// The way to the reading threads.
pub struct Readers {
    queue: Arc<Queue<Job>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Readers {
    /// Starts `count` readers (at least one) of a file that a [`Writer`](super::writer::Writer) has opened.
    pub fn open(path: &Path, options: &DatabaseOptions, count: usize) -> Result<Self, StoreError> {
        let queue = Arc::new(Queue::new(("readers_people", "readers_peers"), (QUEUE_PEOPLE_MAX, QUEUE_PEERS_MAX)));
        let readers = Self { queue: queue.clone(), threads: Mutex::default() };
        for number in 0..count.max(1) {
            let reader = Reader { path: path.to_owned(), options: options.clone(), queue: queue.clone() };
            let database = reader.open()?;
            let thread = thread::Builder::new()
                .name(format!("store-reader-{number}"))
                .spawn(move || reader.run(database))
                .map_err(|error| StoreError::Io(format!("a reading thread cannot start: {error}")))?;
            readers.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        }
        Ok(readers)
    }

    /// Runs `work` on one state of the database. It should take milliseconds: while it runs, the write-ahead log grows.
    pub async fn read<T, E>(
        &self,
        caller: Caller,
        work: impl FnOnce(&Database) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job = move |database: &Database| {
            // The caller may have stopped waiting.
            let _ = answer.send(database.read(work));
        };
        self.queue.push(caller, Box::new(job)).await?;
        answered
            .await
            .unwrap_or_else(|_| Err(StoreError::Invalid("a question failed inside the program".into()).into()))
    }

    /// Answers what waits and closes the connections.
    pub async fn close(&self) {
        self.queue.close();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        if tokio::task::spawn_blocking(move || join(threads)).await.is_err() {
            tracing::error!("the reading threads could not be joined");
        }
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.queue.close();
        join(std::mem::take(self.threads.get_mut().unwrap_or_else(PoisonError::into_inner)));
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").finish_non_exhaustive()
    }
}

fn join(threads: Vec<JoinHandle<()>>) {
    for thread in threads {
        if thread.join().is_err() {
            tracing::error!("a reading thread panicked");
        }
    }
}

struct Reader {
    path: PathBuf,
    options: DatabaseOptions,
    queue: Arc<Queue<Job>>,
}

impl Reader {
    fn open(&self) -> Result<Database, StoreError> {
        Database::open_reader(&self.path, self.options.clone())
    }

    fn run(self, mut database: Database) {
        loop {
            match self.queue.take_one(IDLE) {
                Next::Jobs(jobs) => jobs.into_iter().for_each(|job| self.answer(&mut database, job)),
                Next::Idle => {}
                Next::Closed => return,
            }
        }
    }

    fn answer(&self, database: &mut Database, job: Job) {
        if catch_unwind(AssertUnwindSafe(|| job(database))).is_err() {
            tracing::error!("a question to the store panicked");
        }
        // After an I/O error, or a panic inside a transaction, only a new connection is sure to be sound.
        if database.take_failure().is_some() || database.in_transaction() {
            match self.open() {
                Ok(fresh) => *database = fresh,
                Err(error) => tracing::error!(%error, "a reader could not be opened again"),
            }
        }
    }
}
