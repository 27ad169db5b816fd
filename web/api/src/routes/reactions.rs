//! Stamps that people put on a message.

use axum::extract::State as Extracted;
use http::StatusCode;

use super::paths::ReactionPath;
use crate::auth::Session;
use crate::extract::Path;
use crate::problem::Problem;
use crate::state::State;

/// Put one's own stamp on a message.
#[utoipa::path(
    put, path = "/api/v1/rooms/{room}/messages/{message}/reactions/{stamp}", tag = "messages", operation_id = "add_reaction", params(ReactionPath),
    responses((status = 204), (status = 404), (status = 422))
)]
pub async fn add(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<ReactionPath>,
) -> Result<StatusCode, Problem> {
    react(&state, &session, &path, true).await
}

/// Take one's own stamp back.
#[utoipa::path(
    delete, path = "/api/v1/rooms/{room}/messages/{message}/reactions/{stamp}", tag = "messages", operation_id = "remove_reaction",
    params(ReactionPath), responses((status = 204), (status = 404), (status = 422))
)]
pub async fn remove(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<ReactionPath>,
) -> Result<StatusCode, Problem> {
    react(&state, &session, &path, false).await
}

async fn react(state: &State, session: &Session, path: &ReactionPath, on: bool) -> Result<StatusCode, Problem> {
    state.node.react(&session.actor, path.room.0, path.message.0, &path.stamp, on).await?;
    Ok(StatusCode::NO_CONTENT)
}
