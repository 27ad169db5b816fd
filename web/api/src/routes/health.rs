//! Is it alive, can it serve, and how is it doing: for supervisors and for whoever watches them.

use axum::Json;
use axum::extract::{Extension, Request, State as Extracted};
use axum::response::{IntoResponse, Response};
use axum::{RequestExt, http};
use http::header;
use noroshi_node::view::StorageState;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::{Session, origin};
use crate::problem::Problem;
use crate::server::Peer;
use crate::state::State;

#[derive(Serialize, ToSchema)]
pub struct Alive {
    pub alive: bool,
}

/// The process runs and answers.
#[utoipa::path(get, path = "/livez", tag = "health", operation_id = "livez", responses((status = 200, body = Alive)), security(()))]
pub async fn livez() -> Json<Alive> {
    Json(Alive { alive: true })
}

#[derive(Serialize, ToSchema)]
pub struct Ready {
    pub ready: bool,
    pub storage: StorageState,
    /// The web app is part of this program.
    pub app: bool,
}

/// Able to serve: the storage takes writes and the app is embedded. 503 or 507 otherwise.
#[utoipa::path(get, path = "/readyz", tag = "health", operation_id = "readyz", responses((status = 200, body = Ready)), security(()))]
pub async fn readyz(Extracted(state): Extracted<State>) -> Result<Json<Ready>, Problem> {
    let storage = state.node.node_view().await?.storage.state;
    match storage {
        StorageState::Full => Err(Problem::new("storage_full")),
        StorageState::Failed => Err(Problem::new("storage_failed")),
        StorageState::Ok if !state.app.is_embedded() => Err(Problem::new("app_missing")),
        StorageState::Ok => Ok(Json(Ready { ready: true, storage, app: true })),
    }
}

/// Figures as Prometheus text. For programs on this machine, and for `system_admin`.
#[utoipa::path(
    get, path = "/metrics", tag = "health", operation_id = "metrics",
    responses((status = 200, content_type = "text/plain", body = String), (status = 404))
)]
pub async fn metrics(
    Extracted(state): Extracted<State>,
    Extension(Peer(peer)): Extension<Peer>,
    request: Request,
) -> Result<Response, Problem> {
    // A page of another site can reach loopback through the browser, but not under a name of this machine.
    let is_local = peer.ip().to_canonical().is_loopback()
        && origin::host(request.headers()).is_some_and(|host| origin::is_loopback_name(&host));
    if !is_local {
        // Taking the session asks for the right.
        let _session: Session = request.extract_with_state::<Session, State, _>(&state).await?;
    }
    let figures = state.metrics.as_ref().ok_or(Problem::NOT_FOUND)?.render();
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], figures).into_response())
}
