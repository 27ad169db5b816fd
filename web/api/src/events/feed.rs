//! The events of one reader, in order, from a cursor on.
//!
//! It reads the node's live channel, and the store where it resumes. The channel itself is the reader's queue: when more
//! than [`EVENT_QUEUE_MAX`] events wait there, they are dropped and the reader is told to fetch again. So a slow browser
//! costs a position in a shared buffer and no memory of its own.

use std::collections::VecDeque;
use std::sync::Arc;

use noroshi_node::error::ServiceError;
use noroshi_node::view::NodeEvent;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::reader::Reader;
use super::wire::{EventBody, ServerEvent};
use crate::limits::{EVENT_PAGE, EVENT_QUEUE_MAX};
use crate::observe::names;
use crate::state::State;

/// After everything: asks for the latest position and no events. The store counts in signed integers.
pub const PRESENT: u64 = i64::MAX as u64;

type Numbered = Arc<(u64, NodeEvent)>;

pub struct Feed {
    state: State,
    reader: Reader,
    live: Receiver<Numbered>,
    /// Everything up to here was delivered, or is none of the reader's business.
    position: u64,
    source: Source,
    /// To be sent before anything else.
    first: VecDeque<ServerEvent>,
}

enum Source {
    /// Events after the position may be in the store only; these were read from there.
    Store(VecDeque<Numbered>),
    /// The live channel holds all events after the position.
    Live,
}

/// Why no more events come.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    #[error("the node has stopped")]
    Stopped,
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl Feed {
    /// Opens after the cursor of an earlier stream, or at the present.
    pub async fn open(state: State, reader: Reader, cursor: Option<u64>) -> Result<Self, ServiceError> {
        // Listening begins before looking, so that nothing falls in between.
        let live = state.node.events();
        let page = state.node.events_after(cursor.unwrap_or(PRESENT), EVENT_PAGE).await?;
        let resumed = cursor.filter(|cursor| !page.refetch && *cursor <= page.latest);
        let position = resumed.unwrap_or(page.latest);
        let hello = EventBody::Hello { node: Box::new(state.node.node_ref()) };
        let mut feed = Self { state, reader, live, position, source: Source::Live, first: VecDeque::new() };
        feed.first.push_back(ServerEvent::at(position, hello));
        if resumed.is_some() {
            feed.source = Source::Store(page.events.into_iter().map(Arc::new).collect());
        } else if cursor.is_some() {
            // The cursor is too old, or of another life of the database.
            feed.first.push_back(ServerEvent::at(position, EventBody::Refetch));
        }
        Ok(feed)
    }

    /// The next event for this reader. Not safe to cancel: an event in hand would be lost.
    pub async fn next(&mut self) -> Result<ServerEvent, FeedError> {
        if let Some(first) = self.first.pop_front() {
            return Ok(first);
        }
        loop {
            let Some(event) = self.take().await? else { return self.start_over().await };
            let (cursor, event) = event.as_ref();
            if *cursor <= self.position && !is_momentary(event) {
                continue;
            }
            let seen = self.reader.see(&self.state, event).await?;
            self.position = self.position.max(*cursor);
            if let Some(body) = seen {
                metrics::counter!(names::EVENTS_SENT).increment(1);
                return Ok(ServerEvent::at(self.position, body));
            }
        }
    }

    /// The next event in order, or None when too many wait.
    async fn take(&mut self) -> Result<Option<Numbered>, FeedError> {
        loop {
            match &mut self.source {
                Source::Live if self.live.len() > EVENT_QUEUE_MAX => return Ok(None),
                Source::Live => match self.live.recv().await {
                    Ok(event) => return Ok(Some(event)),
                    Err(RecvError::Lagged(_)) => return Ok(None),
                    Err(RecvError::Closed) => return Err(FeedError::Stopped),
                },
                Source::Store(events) => {
                    if let Some(event) = events.pop_front() {
                        return Ok(Some(event));
                    }
                    if !self.read_store().await? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Fetches the next page, or goes over to the live channel at the end. False when the store no longer has it.
    async fn read_store(&mut self) -> Result<bool, ServiceError> {
        // What came in while we were reading is in the store; what comes from here on will be in the channel.
        self.live = self.live.resubscribe();
        let page = self.state.node.events_after(self.position, EVENT_PAGE).await?;
        self.source = match page.events.is_empty() {
            true => Source::Live,
            false => Source::Store(page.events.into_iter().map(Arc::new).collect()),
        };
        Ok(!page.refetch)
    }

    /// Drops what waits, and says so.
    async fn start_over(&mut self) -> Result<ServerEvent, FeedError> {
        metrics::counter!(names::EVENT_REFETCHES).increment(1);
        self.live = self.live.resubscribe();
        self.source = Source::Live;
        self.position = self.state.node.events_after(PRESENT, 1).await?.latest;
        Ok(ServerEvent::at(self.position, EventBody::Refetch))
    }
}

/// Events that are not kept: they have no place of their own in the stream, only the one where they were seen.
fn is_momentary(event: &NodeEvent) -> bool {
    matches!(event, NodeEvent::Typing { .. } | NodeEvent::Peer { .. } | NodeEvent::Attachment { .. })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use noroshi_node::blobs::Quota;
    use noroshi_node::clock::SystemClock;
    use noroshi_node::fixture::Fixture;
    use noroshi_node::view::{Actor, RoomKind};
    use noroshi_node::{NewMessage, NewRoom, Node, OpenOptions};
    use noroshi_sync::id::{EntryId, Epoch, RoomId};
    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;

    use super::*;
    use crate::config::WebConfig;

    /// A feed that nobody reads yet, and the room it is about.
    struct Slow {
        node: Node,
        actor: Actor,
        room: RoomId,
        feed: Feed,
        _folder: tempfile::TempDir,
    }

    impl Slow {
        async fn new() -> Self {
            let city = Fixture::city(1, 1).unwrap();
            let folder = tempfile::tempdir().unwrap();
            let clock = Arc::new(SystemClock::default());
            let options = OpenOptions {
                folder: folder.path().to_owned(),
                clock,
                epoch: Epoch(1),
                readers: 1,
                demo: false,
                quota: Quota::default(),
            };
            let node = Node::open(options, city.offices[0].identity.clone()).unwrap();
            node.append_ledger(city.ledger.clone()).await.unwrap();
            let actor = city.actor(0, 0).unwrap();
            let new = NewRoom {
                id: None,
                name: "本部".into(),
                topic: String::new(),
                purpose: String::new(),
                kind: RoomKind::Group,
                members: Vec::new(),
                offices: Vec::new(),
            };
            let room = RoomId::from_uuid(node.create_room(&actor, new).await.unwrap().1.id);
            let config = WebConfig::new(Vec::new());
            let state = State::new(node.clone(), &config, CancellationToken::new(), TaskTracker::new()).await.unwrap();
            let feed = Feed::open(state, Reader { actor: actor.clone() }, None).await.unwrap();
            let mut slow = Self { node, actor, room, feed, _folder: folder };
            // What the making of the room had to tell is out of the way.
            slow.post(0).await;
            while !matches!(slow.feed.next().await.unwrap().body, EventBody::Message { .. }) {}
            slow
        }

        /// Posts, and returns when the message waits for the reader.
        async fn post(&self, number: usize) {
            let mut live = self.node.events();
            let id = EntryId::from_uuid(uuid::Uuid::now_v7());
            let new = NewMessage { text: number.to_string(), ..NewMessage::default() };
            self.node.post(&self.actor, self.room, id, new).await.unwrap();
            while !matches!(live.recv().await.unwrap().as_ref(), (_, NodeEvent::Message { .. })) {}
        }

        async fn texts(&mut self, count: usize) -> Vec<String> {
            let mut texts = Vec::new();
            for _ in 0..count {
                match self.feed.next().await.unwrap().body {
                    EventBody::Message { message, .. } => texts.push(message.text),
                    other => texts.push(format!("{other:?}")),
                }
            }
            texts
        }
    }

    #[tokio::test]
    async fn as_many_events_as_the_queue_has_places_are_delivered_and_one_more_is_too_many() {
        let mut slow = Slow::new().await;
        for number in 0..EVENT_QUEUE_MAX {
            slow.post(number).await;
        }
        assert_eq!(slow.feed.live.len(), EVENT_QUEUE_MAX);
        let all: Vec<String> = (0..EVENT_QUEUE_MAX).map(|number| number.to_string()).collect();
        assert_eq!(slow.texts(EVENT_QUEUE_MAX).await, all);
        for number in 0..=EVENT_QUEUE_MAX {
            slow.post(number).await;
        }
        assert_eq!(slow.feed.live.len(), EVENT_QUEUE_MAX + 1);
        assert!(matches!(slow.feed.next().await.unwrap().body, EventBody::Refetch));
        slow.post(1_000).await;
        assert_eq!(slow.texts(1).await, ["1000"], "nothing from before the refetch comes after it");
    }
}
