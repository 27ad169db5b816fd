//! What sessions with peers ask of the node.

use noroshi_sync::store::{Answer, Query, StoreError};
use tokio::sync::broadcast;

use crate::hub::StoreChange;
use crate::node::Node;

impl Node {
    /// Answers a question of replication: reads beside everything else, writes in their turn.
    pub async fn answer(&self, query: Query) -> Result<Answer, StoreError> {
        let is_write = query.is_write();
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
