//! The one thread that writes: it commits at once when it is idle, and what arrives during a commit forms the next group.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use noroshi_sync::store::{Applied, Batch, StoreError};
use tokio::sync::oneshot;

use super::database::{Database, DatabaseOptions};
use super::group::Group;
use super::metrics::{COMMIT_SECONDS, GROUP_ITEMS, GROUPS_FAILED};
use super::queue::{Caller, Next, Queue};
use super::writing::Writing;

/// Items of people in one group.
pub const GROUP_ITEMS_MAX: usize = 512;
/// A group takes no further batch of a peer when it has this many entries of peers, so that nobody waits longer than
/// it takes to store them (about 50 ms).
const GROUP_ENTRIES_MAX: usize = 2_000;
/// Writes of people that may wait.
const QUEUE_PEOPLE_MAX: usize = 1_024;
/// Batches of peers that may wait.
const QUEUE_PEERS_MAX: usize = 64;
/// After this long with nothing to do the write-ahead log is cut down.
const IDLE: Duration = Duration::from_secs(1);

/// What a job does when the outcome of its group is known.
type Finish = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// Does a job inside a group, or tells it that there is none.
type Run = Box<dyn FnOnce(Result<&mut Group<'_>, StoreError>) -> Finish + Send>;

struct Job {
    /// Entries of a peer.
    weight: usize,
    run: Run,
}

/// The way to the writing thread. Every `Ok` of it is on disk.
pub struct Writer {
    queue: Arc<Queue<Job>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Opens the file, and starts the thread that writes to it.
    pub fn open(path: &Path, options: DatabaseOptions) -> Result<Self, StoreError> {
        let database = Database::open(path, options)?;
        let queue = Arc::new(Queue::new(("people", "peers"), (QUEUE_PEOPLE_MAX, QUEUE_PEERS_MAX)));
        let loops = Loop { path: path.to_owned(), options: database.options().clone(), queue: queue.clone() };
        let thread = thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || loops.run(database))
            .map_err(|error| StoreError::Io(format!("the writing thread cannot start: {error}")))?;
        Ok(Self { queue, thread: Mutex::new(Some(thread)) })
    }

    /// Runs `work` inside a transaction that it may share with others, under a savepoint of its own: on `Err`, or when
    /// it panics, nothing of it is stored, and nothing else is disturbed. `Ok` is returned after the fsync. The work is
    /// done even if the caller does not wait for it.
    pub async fn write<T, E>(&self, work: impl FnOnce(&Writing<'_>) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.submit(Caller::Person, 0, work).await
    }

    /// Stores a batch of a peer.
    pub async fn apply(&self, batch: Batch) -> Result<Applied, StoreError> {
        let entries = batch.windows.iter().map(|window| window.items().len()).sum::<usize>() + batch.registers.len();
        self.submit(Caller::Peer, entries, move |writing| writing.apply(&batch)).await
    }

    async fn submit<T, E>(
        &self,
        caller: Caller,
        weight: usize,
        work: impl FnOnce(&Writing<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let run = move |group: Result<&mut Group<'_>, StoreError>| -> Finish {
            let outcome = match group {
                Ok(group) => group.item(work),
                Err(error) => Err(error.into()),
            };
            Box::new(move |committed| {
                let outcome = outcome.and_then(|value| committed.map(|()| value).map_err(E::from));
                // The caller may have stopped waiting.
                let _ = answer.send(outcome);
            })
        };
        self.queue.push(caller, Job { weight, run: Box::new(run) }).await?;
        answered.await.unwrap_or_else(|_| Err(StoreError::Io("the writing thread ended".into()).into()))
    }

    /// Refuses new writes, finishes those that wait, moves the log into the file and closes it.
    pub async fn close(&self) {
        self.queue.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && !matches!(tokio::task::spawn_blocking(move || thread.join()).await, Ok(Ok(())))
        {
            tracing::error!("the writing thread panicked");
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.close();
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the writing thread panicked");
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

struct Loop {
    path: std::path::PathBuf,
    options: DatabaseOptions,
    queue: Arc<Queue<Job>>,
}

impl Loop {
    fn run(self, database: Database) {
        let mut database = Some(database);
        loop {
            let mut entries = 0;
            let peers_may = |job: &Job| {
                let may = entries == 0 || entries + job.weight <= GROUP_ENTRIES_MAX;
                entries += if may { job.weight.max(1) } else { 0 };
                may
            };
            match self.queue.take_group(GROUP_ITEMS_MAX, peers_may, IDLE) {
                Next::Jobs(jobs) => database = self.run_group(database, jobs),
                Next::Idle => settle(database.as_ref()),
                Next::Closed => break,
            }
        }
        settle(database.as_ref());
    }

    /// Returns the database that the next group uses; `None` when it has to be opened again first.
    fn run_group(&self, database: Option<Database>, jobs: Vec<Job>) -> Option<Database> {
        let reopened = database.map_or_else(|| Database::open(&self.path, self.options.clone()), Ok);
        let mut database = match reopened {
            Ok(database) => database,
            Err(error) => {
                note_failure(&error);
                jobs.into_iter().for_each(|job| (job.run)(Err(error.clone()))(Err(error.clone())));
                return None;
            }
        };
        let started = Instant::now();
        metrics::histogram!(GROUP_ITEMS).record(jobs.len() as f64);
        let (finishes, outcome) = commit_group(&mut database, jobs);
        metrics::histogram!(COMMIT_SECONDS).record(started.elapsed().as_secs_f64());
        finishes.into_iter().for_each(|finish| finish(outcome.clone()));
        match outcome {
            Ok(()) => {
                database.tend_wal(!self.queue.is_empty());
                Some(database)
            }
            // The outcome is unknown: what is on disk is read anew on a new connection.
            Err(StoreError::Io(_)) => None,
            Err(_) => Some(database),
        }
    }
}

fn commit_group(database: &mut Database, jobs: Vec<Job>) -> (Vec<Finish>, Result<(), StoreError>) {
    let mut group = match database.begin() {
        Ok(group) => group,
        Err(error) => {
            note_failure(&error);
            let finishes = jobs.into_iter().map(|job| (job.run)(Err(error.clone()))).collect();
            return (finishes, Err(error));
        }
    };
    let finishes: Vec<Finish> = jobs.into_iter().map(|job| (job.run)(Ok(&mut group))).collect();
    let outcome = group.commit().map(|_| ());
    if let Err(error) = &outcome {
        note_failure(error);
    }
    (finishes, outcome)
}

fn note_failure(error: &StoreError) {
    let sort = match error {
        StoreError::Full => "full",
        StoreError::Io(_) => "io",
        StoreError::Damaged(_) => "damaged",
        StoreError::Closed | StoreError::Invalid(_) => "other",
    };
    metrics::counter!(GROUPS_FAILED, "error" => sort).increment(1);
    tracing::error!(%error, "a group of writes was not stored");
}

fn settle(database: Option<&Database>) {
    if let Some(Err(error)) = database.map(Database::settle_wal) {
        tracing::warn!(%error, "the write-ahead log could not be cut down");
    }
}
