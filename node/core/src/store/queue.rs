//! A bounded queue from async callers to the threads of the store. People go before peers.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use noroshi_sync::store::StoreError;
use tokio::sync::Semaphore;

use super::metrics::QUEUE_LENGTH;

/// Who waits for a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// A person, or the node itself: goes first.
    Person,
    /// Replication: work in bulk.
    Peer,
}

/// Jobs of one kind that wait.
#[derive(Debug)]
struct Line<J> {
    name: &'static str,
    jobs: VecDeque<J>,
}

impl<J> Line<J> {
    fn note_length(&self) {
        metrics::gauge!(QUEUE_LENGTH, "queue" => self.name).set(self.jobs.len() as f64);
    }
}

#[derive(Debug)]
struct Waiting<J> {
    people: Line<J>,
    peers: Line<J>,
    closed: bool,
}

impl<J> Waiting<J> {
    fn is_empty(&self) -> bool {
        self.people.jobs.is_empty() && self.peers.jobs.is_empty()
    }
}

/// See the module. Callers wait for room; threads wait for jobs.
#[derive(Debug)]
pub(in crate::store) struct Queue<J> {
    waiting: Mutex<Waiting<J>>,
    ready: Condvar,
    room_people: Semaphore,
    room_peers: Semaphore,
}

/// What a thread has to do next.
#[derive(Debug)]
pub(in crate::store) enum Next<J> {
    Jobs(Vec<J>),
    /// Nothing came for the whole time.
    Idle,
    /// Closed, and every job was taken.
    Closed,
}

impl<J> Queue<J> {
    /// `names` and `limits` of the lines of people and of peers.
    pub fn new(names: (&'static str, &'static str), limits: (usize, usize)) -> Self {
        let line = |name| Line { name, jobs: VecDeque::new() };
        Self {
            waiting: Mutex::new(Waiting { people: line(names.0), peers: line(names.1), closed: false }),
            ready: Condvar::new(),
            room_people: Semaphore::new(limits.0),
            room_peers: Semaphore::new(limits.1),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<J>> {
        // A job never runs under the lock, so what a poisoned lock guards is whole.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a job, waiting for room. Refused when the queue is closed.
    pub async fn push(&self, caller: Caller, job: J) -> Result<(), StoreError> {
        let room = match caller {
            Caller::Person => &self.room_people,
            Caller::Peer => &self.room_peers,
        };
        // The room is given back when the job is taken.
        room.acquire().await.map_err(|_| StoreError::Closed)?.forget();
        {
            let mut waiting = self.lock();
            if waiting.closed {
                return Err(StoreError::Closed);
            }
            let line = match caller {
                Caller::Person => &mut waiting.people,
                Caller::Peer => &mut waiting.peers,
            };
            line.jobs.push_back(job);
            line.note_length();
        }
        self.ready.notify_one();
        Ok(())
    }

    /// Waits for jobs, then takes those of people up to `people_max`, and those of peers while `peers_may` says so.
    pub fn take_group(&self, people_max: usize, mut peers_may: impl FnMut(&J) -> bool, idle: Duration) -> Next<J> {
        self.take(idle, |waiting| {
            let count = waiting.people.jobs.len().min(people_max);
            let mut jobs: Vec<J> = waiting.people.jobs.drain(..count).collect();
            while let Some(job) = waiting.peers.jobs.pop_front_if(|job| peers_may(job)) {
                jobs.push(job);
            }
            (count, jobs)
        })
    }

    /// Takes one job, of a person if there is one.
    pub fn take_one(&self, idle: Duration) -> Next<J> {
        self.take(idle, |waiting| match waiting.people.jobs.pop_front() {
            Some(job) => (1, vec![job]),
            None => (0, waiting.peers.jobs.pop_front().into_iter().collect()),
        })
    }

    /// `choose` takes jobs out of the lines and says how many of them, the first, are of people.
    fn take(&self, idle: Duration, choose: impl FnOnce(&mut Waiting<J>) -> (usize, Vec<J>)) -> Next<J> {
        let nothing_to_do = |waiting: &mut Waiting<J>| waiting.is_empty() && !waiting.closed;
        let (mut waiting, _) =
            self.ready.wait_timeout_while(self.lock(), idle, nothing_to_do).unwrap_or_else(PoisonError::into_inner);
        let (people, jobs) = choose(&mut waiting);
        self.room_people.add_permits(people);
        self.room_peers.add_permits(jobs.len() - people);
        waiting.people.note_length();
        waiting.peers.note_length();
        match (jobs.is_empty(), waiting.closed) {
            (false, _) => Next::Jobs(jobs),
            (true, true) => Next::Closed,
            (true, false) => Next::Idle,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Refuses new jobs; those inside are still taken.
    pub fn close(&self) {
        self.lock().closed = true;
        self.room_people.close();
        self.room_peers.close();
        self.ready.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn queue() -> Queue<u32> {
        Queue::new(("people", "peers"), (2, 2))
    }

    fn jobs(next: Next<u32>) -> Vec<u32> {
        if let Next::Jobs(jobs) = next { jobs } else { panic!("{next:?}") }
    }

    #[tokio::test]
    async fn people_go_before_peers() {
        let queue = queue();
        for (caller, job) in [(Caller::Peer, 10), (Caller::Person, 1), (Caller::Peer, 11), (Caller::Person, 2)] {
            queue.push(caller, job).await.unwrap();
        }
        assert_eq!(jobs(queue.take_one(Duration::ZERO)), vec![1]);
        assert_eq!(jobs(queue.take_group(512, |job| *job == 10, Duration::ZERO)), vec![2, 10]);
        assert_eq!(jobs(queue.take_one(Duration::ZERO)), vec![11]);
        assert!(matches!(queue.take_one(Duration::ZERO), Next::Idle));
    }

    #[tokio::test]
    async fn a_full_line_makes_its_callers_wait_and_no_others() {
        let queue = Arc::new(queue());
        queue.push(Caller::Peer, 1).await.unwrap();
        queue.push(Caller::Peer, 2).await.unwrap();
        let third = tokio::spawn({
            let queue = queue.clone();
            async move { queue.push(Caller::Peer, 3).await }
        });
        tokio::task::yield_now().await;
        assert!(!third.is_finished());
        queue.push(Caller::Person, 4).await.unwrap();
        assert_eq!(jobs(queue.take_group(512, |_| true, Duration::ZERO)), vec![4, 1, 2]);
        third.await.unwrap().unwrap();
        assert_eq!(jobs(queue.take_one(Duration::ZERO)), vec![3]);
    }

    #[tokio::test]
    async fn a_closed_queue_gives_out_what_it_has_and_takes_nothing() {
        let queue = queue();
        queue.push(Caller::Person, 1).await.unwrap();
        queue.close();
        assert_eq!(queue.push(Caller::Person, 2).await, Err(StoreError::Closed));
        assert_eq!(jobs(queue.take_one(Duration::ZERO)), vec![1]);
        assert!(matches!(queue.take_one(Duration::ZERO), Next::Closed));
    }
}
