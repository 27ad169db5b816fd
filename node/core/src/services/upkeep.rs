//! What a node does by itself about rights: planned changes on their day, witnesses of revoked nodes, the time of
//! headquarters, and noticing that headquarters is out of sight.

use std::sync::atomic::Ordering;

use noroshi_provisioning::ledger::NodeWriter;
use noroshi_sync::id::{DeviceId, EntryId, UserId};

use crate::deeds::has_unwitnessed;
use crate::error::ServiceError;
use crate::node::Node;

/// Headquarters goes on with its time this often, milliseconds.
const TIME_MARK_MS: u64 = 24 * 3_600_000;

impl Node {
    /// Everything that is due now. Cheap when nothing is.
    pub(crate) async fn keep_up(&self) -> Result<(), ServiceError> {
        let inner = &self.inner;
        inner.isolation.note(self.is_isolated(), &*inner.clock);
        let now_ms = inner.clock.wall_ms();
        let directory = inner.directory();
        if directory.next_change_ms().is_some_and(|next| next <= now_ms) {
            inner.act(move |desk| Ok(desk.projection.advance(desk.writing, now_ms)?)).await?;
        }
        if directory.revoked_nodes().next().is_some() {
            let known = directory.clone();
            if inner.read(move |database| Ok(has_unwitnessed(database, &known)?)).await? {
                inner.act(|desk| desk.witness_revoked()).await?;
            }
        }
        self.mark_time(now_ms).await
    }

    async fn mark_time(&self, now_ms: u64) -> Result<(), ServiceError> {
        let directory = self.inner.directory();
        let Some((time, _)) = directory.headquarters_time() else { return Ok(()) };
        let due = now_ms.saturating_sub(time) >= TIME_MARK_MS;
        if !due || !directory.is_headquarters_node(self.id()) {
            return Ok(());
        }
        // A machine that was off for a week, or whose clock leapt: an administrator has to say that this is right.
        if now_ms.saturating_sub(time) > noroshi_provisioning::limits::TIME_MARK_STEP_MS_MAX {
            if !self.inner.time_is_behind.swap(true, Ordering::Relaxed) {
                tracing::warn!("the time of headquarters is far behind this clock: run `noroshi confirm-time`");
            }
            return Ok(());
        }
        self.inner.time_is_behind.store(false, Ordering::Relaxed);
        let writer = NodeWriter { directory: &directory, author: UserId::NIL, device: DeviceId::NIL };
        let id = EntryId::from_uuid(uuid::Uuid::now_v7());
        match writer.time_mark(id, now_ms) {
            Some(Ok(draft)) => self.append_ledger(vec![draft]).await,
            Some(Err(error)) => Err(crate::deeds::invalid(error)),
            None => Ok(()),
        }
    }
}
