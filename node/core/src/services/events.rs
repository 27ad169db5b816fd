//! The events of this node: live, and from a cursor on.

use std::sync::Arc;

use noroshi_provisioning::Directory;
use noroshi_sync::store::StoreError;
use tokio::sync::broadcast;

use crate::error::ServiceError;
use crate::events::Happening;
use crate::limits::EVENTS_PAGE_MAX;
use crate::node::{Inner, Node};
use crate::render::Renderer;
use crate::store::Database;
use crate::view::NodeEvent;

/// Events from the store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventPage {
    /// Ascending by cursor. Empty: there are none after the cursor asked for.
    pub events: Vec<(u64, NodeEvent)>,
    /// The cursor of the newest event there is.
    pub latest: u64,
    /// Events after the cursor are gone, or it is from another life of the database: fetch everything afresh.
    pub refetch: bool,
}

/// Events rendered on one state of the database.
const RENDERED_AT_ONCE: u32 = 256;

impl Node {
    /// Events as they happen. Who falls too far behind asks [`Node::events_after`].
    pub fn events(&self) -> broadcast::Receiver<Arc<(u64, NodeEvent)>> {
        self.inner.hub.events.subscribe()
    }

    /// Events after a cursor, at most `limit` of them, as they look now.
    pub async fn events_after(&self, cursor: u64, limit: u32) -> Result<EventPage, ServiceError> {
        let directory = self.inner.directory();
        let limit = limit.clamp(1, EVENTS_PAGE_MAX);
        self.inner.read(move |database| Ok(page(database, &directory, cursor, limit)?)).await
    }
}

fn page(database: &Database, directory: &Directory, cursor: u64, limit: u32) -> Result<EventPage, StoreError> {
    let (oldest, latest) = database.event_bounds()?;
    let refetch = cursor > latest || cursor.saturating_add(1) < oldest;
    let mut found = EventPage { events: Vec::new(), latest, refetch };
    if refetch {
        return Ok(found);
    }
    let mut after = cursor;
    // Some happenings are nobody's business: a page must not be empty because of them.
    while found.events.is_empty() && after < latest {
        let (events, last) = rendered(database, directory, after, limit)?;
        found.events = events;
        after = last;
    }
    Ok(found)
}

/// The next events after a cursor, and the cursor of the last row looked at.
fn rendered(
    database: &Database,
    directory: &Directory,
    after: u64,
    limit: u32,
) -> Result<(Vec<(u64, NodeEvent)>, u64), StoreError> {
    let mut renderer = Renderer::new(database, directory);
    let rows = database.events_after(after, limit)?;
    let last = rows.last().map_or(u64::MAX, |(cursor, _)| *cursor);
    let mut events = Vec::with_capacity(rows.len());
    for (cursor, row) in rows {
        // A row of an older program that this one cannot read is nothing to stop for.
        let Ok(happening) = Happening::decode(&row) else { continue };
        events.extend(renderer.event(&happening)?.map(|event| (cursor, event)));
    }
    Ok((events, last))
}

impl Inner {
    /// Tells everybody who listens what happened after a cursor; returns the cursor of the last event.
    pub async fn tell_events_after(&self, mut cursor: u64) -> Result<u64, StoreError> {
        loop {
            if self.hub.events.receiver_count() == 0 {
                let (_, latest) = self.storage.read(|database| database.event_bounds()).await?;
                // Asked again after the look: who begins to listen from here on finds everything up to `latest` there.
                if self.hub.events.receiver_count() == 0 {
                    return Ok(latest.max(cursor));
                }
            }
            let directory = self.directory();
            let work = move |database: &Database| rendered(database, &directory, cursor, RENDERED_AT_ONCE);
            let (events, last) = self.storage.read(work).await?;
            if last == u64::MAX {
                return Ok(cursor);
            }
            for event in events {
                let _ = self.hub.events.send(Arc::new(event));
            }
            cursor = last;
        }
    }
}
