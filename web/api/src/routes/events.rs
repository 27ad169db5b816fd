//! Opening the stream of events.

use axum::extract::ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection};
use axum::extract::{Extension, State as Extracted};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::auth::credential::PROTOCOL;
use crate::auth::{Session, origin};
use crate::events::feed::{Feed, PRESENT};
use crate::events::reader::Reader;
use crate::events::socket::Connection;
use crate::events::stream as carrier;
use crate::events::wire::ServerEvent;
use crate::extract::Query;
use crate::limits::FRAME_MAX;
use crate::problem::Problem;
use crate::server::Peer;
use crate::state::State;

/// Both buffers of a socket, bytes. There may be ten thousand sockets.
const BUFFER: usize = 4 * 1024;
/// More than this waits nowhere: the feed stops being read first.
const WRITE_BUFFER_MAX: usize = 4 * 1024 * 1024;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct EventsQuery {
    /// `cursor` of the last event that was taken in; without it the stream begins now.
    pub cursor: Option<String>,
}

impl EventsQuery {
    fn position(&self) -> Result<Option<u64>, Problem> {
        self.cursor.as_deref().map(position).transpose()
    }
}

/// Any number is a position, one of the future too: the database may have been restored since.
fn position(text: &str) -> Result<u64, Problem> {
    text.parse().map(|cursor: u64| cursor.min(PRESENT)).map_err(|_| Problem::malformed("cursor"))
}

/// Events by WebSocket: text frames, each a `ServerEvent`; the client may send a `ClientEvent`.
///
/// The cookie logs in, or the subprotocols `noroshi, bearer.<token>`. The server pings every 20 s.
#[utoipa::path(
    get, path = "/api/v1/events", tag = "events", operation_id = "events", params(EventsQuery),
    responses((status = 101, description = "Goes on as a WebSocket"), (status = 426))
)]
pub async fn socket(
    Extracted(state): Extracted<State>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    query: Result<Query<EventsQuery>, Problem>,
    session: Result<Session, Problem>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    origin::check(&headers)?;
    let cursor = query?.0.position()?;
    let session = session?;
    let mut upgrade = upgrade.map_err(|_| Problem::new("upgrade_required"))?;
    if upgrade.requested_protocols().any(|protocol| protocol == PROTOCOL) {
        upgrade.set_selected_protocol(HeaderValue::from_static(PROTOCOL));
    }
    state.admission.admit(peer.port())?;
    // Opened before the answer, so that everything from here on is in the stream.
    let (session, feed) = open(&state, session, cursor).await?;
    let running = state.tasks.token();
    let connection = Connection {
        watch: state.log_outs.watch(&session.token, &session.actor),
        actor: session.actor,
        token: session.token,
        state,
        feed,
    };
    let upgrade = upgrade
        .max_frame_size(FRAME_MAX)
        .max_message_size(FRAME_MAX)
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER)
        .max_write_buffer_size(WRITE_BUFFER_MAX);
    Ok(upgrade.on_upgrade(|socket| async move {
        connection.run(socket).await;
        drop(running);
    }))
}

/// The same events as server-sent events; `id` of each is its cursor.
#[utoipa::path(
    get, path = "/api/v1/events/stream", tag = "events", operation_id = "event_stream", params(EventsQuery),
    responses((status = 200, content_type = "text/event-stream", body = ServerEvent))
)]
pub async fn stream(
    Extracted(state): Extracted<State>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    query: Query<EventsQuery>,
    session: Session,
) -> Result<Response, Problem> {
    let cursor = match headers.get("last-event-id").and_then(|value| value.to_str().ok()) {
        // A browser that comes back by itself knows more than the address it first asked for.
        Some(last) => Some(position(last)?),
        None => query.0.position()?,
    };
    state.admission.admit(peer.port())?;
    let (session, feed) = open(&state, session, cursor).await?;
    let watch = state.log_outs.watch(&session.token, &session.actor);
    let mut response = carrier::answer(state, session.token, feed, watch).into_response();
    // Reverse proxies must not collect events.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn open(state: &State, session: Session, cursor: Option<u64>) -> Result<(Session, Feed), Problem> {
    let reader = Reader { actor: session.actor.clone() };
    let feed = Feed::open(state.clone(), reader, cursor).await?;
    Ok((session, feed))
}
