//! What sessions with peers ask of the node.

use noroshi_sync::entry::Entry;
use noroshi_sync::store::{Answer, Query, StoreError};
use noroshi_sync::window::VerifiedItem;
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

impl Node {
    /// Answers a question of replication: reads beside everything else, writes in their turn.
    pub async fn answer(&self, query: Query) -> Result<Answer, StoreError> {
        let is_write = query.is_write();
        let query = self.inner.check_signatures_ahead(query).await?;
        let answer = self.inner.storage.answer(query).await;
        if is_write {
            let error = answer.as_ref().err().cloned().map(crate::error::ServiceError::from);
            self.inner.health.note(error.as_ref());
        }
        answer
    }

    /// What this node itself wrote, for its peers.
    pub fn changes(&self) -> broadcast::Receiver<StoreChange> {
        self.inner.hub.changes.subscribe()
    }
}
