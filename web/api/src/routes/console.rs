//! The administrator's key: is it here, is it unlocked.

use axum::Json as Answer;
use axum::extract::State as Extracted;
use http::StatusCode;
use noroshi_node::view::ConsoleView;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::auth::Session;
use crate::extract::Json;
use crate::problem::Problem;
use crate::state::State;

/// Whether a key of mine lies on this machine, and until when it is unlocked.
#[utoipa::path(
    get, path = "/api/v1/console", tag = "administration", operation_id = "console",
    responses((status = 200, body = ConsoleView))
)]
pub async fn get(Extracted(state): Extracted<State>, session: Session) -> Result<Answer<ConsoleView>, Problem> {
    Ok(Answer(state.node.console(&session.actor).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnlockRequest {
    /// The password that seals the key.
    pub password: String,
}

/// Unlock my key on this device, for 15 minutes after it signed last.
#[utoipa::path(
    post, path = "/api/v1/console", tag = "administration", operation_id = "unlock_console", request_body = UnlockRequest,
    responses((status = 200, body = ConsoleView), (status = 403), (status = 429))
)]
pub async fn unlock(
    Extracted(state): Extracted<State>,
    session: Session,
    Json(request): Json<UnlockRequest>,
) -> Result<Answer<ConsoleView>, Problem> {
    Ok(Answer(state.node.unlock_console(&session.actor, request.password).await?))
}

/// Lock it again.
#[utoipa::path(
    delete, path = "/api/v1/console", tag = "administration", operation_id = "lock_console", responses((status = 204))
)]
pub async fn lock(Extracted(state): Extracted<State>, session: Session) -> StatusCode {
    state.node.lock_console(&session.actor);
    StatusCode::NO_CONTENT
}
