//! One browser's WebSocket: events out, typing and pings in, and a clear reason when it ends.

use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use noroshi_node::error::ServiceError;
use noroshi_node::view::Actor;
use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite;

use super::feed::{Feed, FeedError};
use super::log_outs::{Over, Watch};
use super::wire::{ClientEvent, ServerEvent};
use crate::limits::{CLIENT_EVENTS_BURST, CLIENT_EVENTS_PER_SECOND, LINGER_TIME, PINGS_MISSED_MAX};
use crate::state::State;

/// Answers to pings that may wait while the socket is busy.
const REPLIES_MAX: usize = 16;

/// Why a socket ends: the code and a word for the log of the browser. None when there is nobody left to tell.
type Ending = Option<(u16, &'static str)>;

pub struct Connection {
    pub state: State,
    pub actor: Actor,
    pub token: String,
    pub feed: Feed,
    pub watch: Watch,
}

impl Connection {
    pub async fn run(self, socket: WebSocket) {
        let Self { state, actor, token, feed, watch } = self;
        let (mut sink, source) = socket.split();
        let (replies, replies_out) = mpsc::channel(REPLIES_MAX);
        let unanswered = AtomicU32::new(0);
        let ending = tokio::select! {
            biased;
            () = state.shutdown.cancelled() => Some((close_code::AWAY, "shutdown")),
            over = watch.ended() => Some(ending_of(over)),
            over = expired(&state, &token) => Some(ending_of(reason(&watch, over).await)),
            ending = listen(source, &state, &actor, &replies, &unanswered) => ending,
            ending = speak(&mut sink, feed, replies_out, &unanswered, interval(state.ping_every)) => ending,
        };
        tracing::debug!(?ending, "event socket ended");
        if let Some((code, reason)) = ending {
            let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
            // A browser that does not take even this learns it from the closed connection.
            let _ = timeout(LINGER_TIME, sink.send(close)).await;
        }
    }
}

/// From the commit that ends a session until everybody here has been told, at most.
const REASON_TIME: Duration = Duration::from_millis(500);

/// Closed by us because the passcode is to be given; the app shows its lock screen.
const LOCKED: u16 = 4001;
/// Closed by us because a passcode is to be set; the app asks for one.
const PASSCODE_DUE: u16 = 4002;

const fn ending_of(over: Over) -> (u16, &'static str) {
    match over {
        Over::Ended => (close_code::POLICY, "session_ended"),
        Over::Stopped => (close_code::POLICY, "suspended"),
        Over::Locked => (LOCKED, "locked"),
        Over::PasscodeDue => (PASSCODE_DUE, "passcode_required"),
    }
}

/// A session whose row is gone may have been stopped a moment ago: then the word of it is on its way.
async fn reason(watch: &Watch, over: Over) -> Over {
    match over {
        Over::Ended => timeout(REASON_TIME, watch.ended()).await.unwrap_or(over),
        known => known,
    }
}

/// Completes when the node no longer lets the session in: it ran out, was left alone for long, or was ended while
/// nobody watched.
pub async fn expired(state: &State, token: &str) -> Over {
    let mut ticks = interval(state.ping_every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match state.node.look_at_session(token).await {
            Err(ServiceError::Unauthenticated) => return Over::Ended,
            Err(ServiceError::Denied("locked")) => return Over::Locked,
            Err(ServiceError::Denied("passcode_required")) => return Over::PasscodeDue,
            Err(ServiceError::Denied(_)) => return Over::Stopped,
            Ok(()) | Err(_) => {}
        }
    }
}

async fn listen(
    mut source: SplitStream<WebSocket>,
    state: &State,
    actor: &Actor,
    replies: &mpsc::Sender<ServerEvent>,
    unanswered: &AtomicU32,
) -> Ending {
    let pace = pace();
    loop {
        let message = match source.next().await {
            Some(Ok(message)) => message,
            Some(Err(error)) => return reason_of(error),
            None => return None,
        };
        unanswered.store(0, Ordering::Relaxed);
        if pace.check().is_err() {
            return Some((close_code::POLICY, "too_many"));
        }
        match message {
            Message::Text(text) => match serde_json::from_str(&text) {
                Ok(event) => {
                    if let Some(ending) = take(event, state, actor, replies).await {
                        return Some(ending);
                    }
                }
                Err(_) => return Some((close_code::INVALID, "malformed")),
            },
            Message::Binary(_) => return Some((close_code::UNSUPPORTED, "text_only")),
            Message::Close(_) => return None,
            // Pings are answered below us.
            Message::Ping(_) | Message::Pong(_) => {}
        }
    }
}

async fn take(event: ClientEvent, state: &State, actor: &Actor, replies: &mpsc::Sender<ServerEvent>) -> Ending {
    match event {
        // The browser asks faster than it reads the answers.
        ClientEvent::Ping {} => replies.try_send(ServerEvent::PONG).err().map(|_full| (close_code::POLICY, "too_many")),
        ClientEvent::Typing { room } => {
            // Momentary: a room one is not in, or a busy node, is no reason to end the stream.
            if let Err(error) = state.node.typing(actor, room.0).await {
                tracing::debug!(%error, "typing was not passed on");
            }
            None
        }
    }
}

async fn speak(
    sink: &mut SplitSink<WebSocket, Message>,
    mut feed: Feed,
    mut replies: mpsc::Receiver<ServerEvent>,
    unanswered: &AtomicU32,
    mut pings: Interval,
) -> Ending {
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pings.reset();
    loop {
        // The feed must not be interrupted, so one future of it lives until it is done.
        let mut next = pin!(feed.next());
        let event = loop {
            let other = tokio::select! {
                event = next.as_mut() => break event,
                Some(reply) = replies.recv() => Message::text(reply.to_json()),
                _ = pings.tick() => {
                    if unanswered.fetch_add(1, Ordering::Relaxed) >= PINGS_MISSED_MAX {
                        return Some((close_code::POLICY, "silent"));
                    }
                    Message::Ping(bytes::Bytes::new())
                }
            };
            if sink.send(other).await.is_err() {
                return None;
            }
        };
        let text = match event {
            Ok(event) => event.to_json(),
            Err(FeedError::Stopped) => return Some((close_code::AWAY, "shutdown")),
            Err(FeedError::Service(error)) => {
                tracing::warn!(%error, "events cannot be read");
                return Some((close_code::AGAIN, "try_again"));
            }
        };
        if sink.send(Message::text(text)).await.is_err() {
            return None;
        }
    }
}

/// How fast a browser may talk.
fn pace() -> DefaultDirectRateLimiter {
    let per_second = NonZeroU32::new(CLIENT_EVENTS_PER_SECOND).unwrap_or(NonZeroU32::MIN);
    let burst = NonZeroU32::new(CLIENT_EVENTS_BURST).unwrap_or(NonZeroU32::MIN);
    RateLimiter::direct(Quota::per_second(per_second).allow_burst(burst))
}

/// What a failed read tells the browser.
fn reason_of(error: axum::Error) -> Ending {
    match error.into_inner().downcast::<tungstenite::Error>().map(|error| *error) {
        Ok(tungstenite::Error::Capacity(_)) => Some((close_code::SIZE, "too_large")),
        Ok(tungstenite::Error::Utf8(_)) => Some((close_code::INVALID, "not_utf8")),
        Ok(tungstenite::Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake)) => None,
        Ok(tungstenite::Error::Protocol(_)) => Some((close_code::PROTOCOL, "protocol")),
        _ => None,
    }
}
