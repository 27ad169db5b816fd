//! How the driver asks the store: many questions at a time, writes begun in the order they were asked.

use std::collections::{BTreeSet, VecDeque};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::stream::{FuturesUnordered, StreamExt};
use futures_util::{FutureExt, future};
use noroshi_sync::event::Ticket;
use noroshi_sync::id::NodeId;
use noroshi_sync::store::{Answer, Query, Scope, StoreError};

use crate::limits::QUESTIONS_RUNNING_MAX;

/// What the store says, later.
pub type Answering = Pin<Box<dyn Future<Output = Result<Answer, StoreError>> + Send>>;

/// The store as the driver sees it.
///
/// The future must not block or compute: it is polled among the driver's other work. Writes are first polled in the
/// order they were asked for, and take their place in the store's queue with that first poll.
pub trait StorePort: Send + Sync + 'static {
    fn answer(&self, query: Query) -> Answering;
}

impl<F, A> StorePort for F
where
    F: Fn(Query) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Answer, StoreError>> + Send + 'static,
{
    fn answer(&self, query: Query) -> Answering {
        Box::pin(self(query))
    }
}

/// An answer and what it answers.
pub(crate) type Answered = (Ticket, Result<Answer, StoreError>);

/// Questions that run and questions that wait.
pub(crate) struct Desk {
    port: Arc<dyn StorePort>,
    running: FuturesUnordered<Pin<Box<dyn Future<Output = Answered> + Send>>>,
    waiting: VecDeque<(Ticket, Query)>,
    /// Peers with whom only the ledger is exchanged.
    narrow: BTreeSet<NodeId>,
}

impl Desk {
    pub fn new(port: Arc<dyn StorePort>) -> Self {
        Self { port, running: FuturesUnordered::new(), waiting: VecDeque::new(), narrow: BTreeSet::new() }
    }

    /// From now on, questions for the peer are asked so.
    pub fn set_scope(&mut self, peer: NodeId, scope: Scope) {
        match scope {
            Scope::LedgerOnly => _ = self.narrow.insert(peer),
            Scope::Everything => _ = self.narrow.remove(&peer),
        }
    }

    pub fn scope(&self, peer: &NodeId) -> Scope {
        if self.narrow.contains(peer) { Scope::LedgerOnly } else { Scope::Everything }
    }

    pub fn ask(&mut self, ticket: Ticket, query: Query) {
        let query = self.scope(query.peer()).narrow(query);
        self.waiting.push_back((ticket, query));
        self.fill();
    }

    /// The next answer, in any order; `None` when nothing is asked.
    pub async fn next(&mut self) -> Option<Answered> {
        let answered = self.running.next().await?;
        self.fill();
        Some(answered)
    }

    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn fill(&mut self) {
        while self.running.len() < QUESTIONS_RUNNING_MAX {
            let Some((ticket, query)) = self.waiting.pop_front() else { return };
            let is_write = query.is_write();
            let mut answering = self.begin(ticket, query);
            // `FuturesUnordered` promises no order for first polls.
            match is_write.then(|| answering.as_mut().now_or_never()).flatten() {
                Some(answered) => self.running.push(Box::pin(future::ready(answered))),
                None => self.running.push(answering),
            }
        }
    }

    fn begin(&self, ticket: Ticket, query: Query) -> Pin<Box<dyn Future<Output = Answered> + Send>> {
        let port = self.port.clone();
        let answering = AssertUnwindSafe(async move { port.answer(query).await }).catch_unwind();
        Box::pin(answering.map(move |result| {
            let answer = result.unwrap_or_else(|_| Err(StoreError::Io("the store panicked".into())));
            (ticket, answer)
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use noroshi_sync::store::{Applied, Batch};
    use tokio::sync::oneshot;

    use super::*;

    const PEER: NodeId = NodeId::from_bytes([1; 32]);

    fn write() -> Query {
        Query::Apply(Batch { peer: PEER, windows: vec![], registers: vec![], cursor: None })
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn writes_begin_in_order_and_no_more_run_than_allowed() {
        type Waiting = Mutex<VecDeque<oneshot::Sender<()>>>;
        let begun: Arc<Waiting> = Arc::default();
        let port = {
            let begun = begun.clone();
            move |_: Query| {
                let begun = begun.clone();
                async move {
                    let (done, finished) = oneshot::channel();
                    begun.lock().unwrap().push_back(done);
                    finished.await.unwrap();
                    Ok(Answer::Applied(Applied::default()))
                }
            }
        };
        let mut desk = Desk::new(Arc::new(port));
        for number in 0..200 {
            desk.ask(Ticket(number), write());
        }
        assert_eq!(begun.lock().unwrap().len(), QUESTIONS_RUNNING_MAX);
        assert_eq!(desk.waiting(), 200 - QUESTIONS_RUNNING_MAX);
        for number in 0..200 {
            let oldest = begun.lock().unwrap().pop_front().unwrap();
            oldest.send(()).unwrap();
            let (ticket, answer) = block_on(desk.next()).unwrap();
            assert_eq!((ticket, answer.is_ok()), (Ticket(number), true));
        }
        assert!(block_on(desk.next()).is_none());
    }

    #[test]
    fn a_panic_of_the_store_is_an_answer() {
        let port = |query: Query| async move {
            assert!(!query.is_write(), "told to panic");
            Err(StoreError::Closed)
        };
        let mut desk = Desk::new(Arc::new(port));
        desk.ask(Ticket(1), write());
        assert!(matches!(block_on(desk.next()), Some((Ticket(1), Err(StoreError::Io(_))))));
        desk.ask(Ticket(2), Query::Greeting { peer: PEER });
        assert_eq!(block_on(desk.next()), Some((Ticket(2), Err(StoreError::Closed))));
    }
}
