//! The same events as server-sent events, for networks that break WebSockets.

use std::convert::Infallible;

use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;

use super::feed::Feed;
use super::log_outs::Watch;
use super::socket::expired;
use crate::state::State;

/// How soon a browser comes back after the stream ended.
const RETRY: std::time::Duration = std::time::Duration::from_secs(2);

struct Carrier {
    state: State,
    token: String,
    feed: Feed,
    watch: Watch,
    is_first: bool,
}

/// A stream that ends with the session, or with the node.
pub fn answer(
    state: State,
    token: String,
    feed: Feed,
    watch: Watch,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let keep_alive = KeepAlive::new().interval(state.ping_every);
    let carrier = Carrier { state, token, feed, watch, is_first: true };
    let events = futures_util::stream::unfold(carrier, |mut carrier| async move {
        let event = carrier.next().await?;
        Some((Ok(event), carrier))
    });
    Sse::new(events).keep_alive(keep_alive)
}

impl Carrier {
    async fn next(&mut self) -> Option<Event> {
        let event = tokio::select! {
            biased;
            () = self.state.shutdown.cancelled() => return None,
            _over = self.watch.ended() => return None,
            _over = expired(&self.state, &self.token) => return None,
            event = self.feed.next() => event,
        };
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                tracing::warn!(%error, "events cannot be read");
                return None;
            }
        };
        let sse = Event::default().data(event.to_json());
        let sse = if std::mem::take(&mut self.is_first) { sse.retry(RETRY) } else { sse };
        Some(match event.cursor {
            Some(cursor) => sse.id(cursor),
            None => sse,
        })
    }
}
