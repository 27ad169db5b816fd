//! What sessions with peers ask of the node.

use noroshi_sync::entry::Entry;
use noroshi_sync::id::{NodeId, RoomId};
use noroshi_sync::store::{Answer, Batch, LogRange, Query, Refusal, RoomLines, StoreError, WindowOutcome};
use noroshi_sync::window::{VerifiedItem, VerifiedWindow, Window};
use tokio::sync::broadcast;

use crate::hub::StoreChange;
use crate::node::{Inner, Node};

impl Inner {
    /// Checks the signatures of devices in what a peer brings beside the writer, which then need not.
    async fn check_signatures_ahead(&self, query: Query) -> Result<Query, StoreError> {
        let Query::Apply(batch) = &query else { return Ok(query) };
        let entries = |item: &VerifiedItem| item.entry.as_ref().is_some_and(Entry::is_by_device);
        if !batch.windows.iter().any(|window| window.items().iter().any(entries)) {
            return Ok(query);
        }
        let projection = self.projection.clone();
        let check = move || {
            if let Query::Apply(batch) = &query {
                for window in &batch.windows {
                    let entries = window.items().iter().filter_map(|item| item.entry.as_ref());
                    for entry in entries.filter(|entry| entry.is_by_device()) {
                        projection.check_ahead(window.log().room, entry);
                    }
                }
            }
            query
        };
        let checked = tokio::task::spawn_blocking(check).await;
        checked.map_err(|_| StoreError::Io("a check of signatures was broken off".into()))
    }
}

/// Entries read at a time.
const PAGE_BYTES: usize = 1024 * 1024;
/// Windows stored in one transaction.
const WINDOWS_AT_ONCE: usize = 64;

impl Node {
    /// Answers a question of replication: reads beside everything else, writes in their turn.
    pub async fn answer(&self, query: Query) -> Result<Answer, StoreError> {
        let query = match self.inner.answer_blobs(query).await {
            Ok(answer) => return Ok(answer),
            Err(query) => *query,
        };
        let is_write = query.is_write();
        let query = self.inner.check_signatures_ahead(query).await?;
        let answer = self.inner.storage.answer(query).await;
        if is_write {
            let error = answer.as_ref().err().cloned().map(crate::error::ServiceError::from);
            self.inner.health.note(error.as_ref());
        }
        answer
    }

    /// Everything of the ledger that `peer` may hold, as a session would send it, the public part first. For a node that
    /// no line reaches.
    pub async fn ledger_for(&self, peer: NodeId) -> Result<Vec<Window>, StoreError> {
        let rooms = self.ledger_rooms_shared_with(peer).await?;
        let mut windows = Vec::new();
        for room in rooms {
            let Answer::Offers(offers) = self.answer(Query::Offers { peer, rooms: vec![room] }).await? else {
                continue;
            };
            let mut ranges: Vec<LogRange> = offers.iter().flat_map(ranges_of).collect();
            while !ranges.is_empty() {
                let query = Query::Windows { peer, ranges, bytes_max: PAGE_BYTES };
                let Answer::Windows(page) = self.answer(query).await? else { break };
                windows.extend(page.windows);
                ranges = page.rest;
            }
        }
        Ok(windows)
    }

    async fn ledger_rooms_shared_with(&self, peer: NodeId) -> Result<Vec<RoomId>, StoreError> {
        let mut ledger = Vec::new();
        let mut after = None;
        loop {
            let Answer::List(page) = self.answer(Query::List { peer, after }).await? else { break };
            let rooms: Vec<RoomId> = page.iter().map(|(room, _)| *room).collect();
            let Some(last) = rooms.last() else { break };
            after = Some(*last);
            let looked_up = self.answer(Query::Holdings { peer, rooms, offered: Vec::new() }).await?;
            let Answer::Holdings(holdings, _) = looked_up else { break };
            ledger.extend(holdings.into_iter().filter(|holding| holding.ledger).map(|holding| holding.lines.room));
        }
        let directory = self.directory();
        let own = directory.rooms();
        ledger.sort_by_key(|room| (*room != own.public, *room != own.directory));
        Ok(ledger)
    }

    /// Takes what came by another way than a session; judged all the same. What is refused is told, the rest is on disk.
    pub async fn take_windows(&self, peer: NodeId, windows: Vec<VerifiedWindow>) -> Result<Vec<Refusal>, StoreError> {
        let mut refusals = Vec::new();
        let mut windows = windows.into_iter().peekable();
        while windows.peek().is_some() {
            let windows = windows.by_ref().take(WINDOWS_AT_ONCE).collect();
            let batch = Batch { peer, windows, registers: Vec::new(), cursor: None };
            let Answer::Applied(applied) = self.answer(Query::Apply(batch)).await? else { continue };
            refusals.extend(applied.windows.into_iter().filter_map(|outcome| match outcome {
                WindowOutcome::Refused { refusal, .. } => Some(refusal),
                WindowOutcome::Stored { .. } => None,
            }));
        }
        Ok(refusals)
    }

    /// What this node itself wrote, for its peers.
    pub fn changes(&self) -> broadcast::Receiver<StoreChange> {
        self.inner.hub.changes.subscribe()
    }
}

/// All that is held of a room's logs.
fn ranges_of(lines: &RoomLines) -> Vec<LogRange> {
    let ranges = lines.logs.iter().flat_map(|(log, state)| {
        let below = (state.length > 0).then_some(LogRange { log: *log, first: 1, last: state.length });
        let above = state.above.iter().map(|held| LogRange { log: *log, first: held.first, last: held.last });
        below.into_iter().chain(above)
    });
    ranges.collect()
}
