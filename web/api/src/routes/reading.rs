//! What was read by whom, and where a message has arrived.

use axum::Json as Answer;
use axum::extract::State as Extracted;
use http::StatusCode;
use noroshi_node::view::ReceiptsView;
use noroshi_sync::id::EntryId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::paths::{MessagePath, RoomPath};
use crate::auth::Session;
use crate::extract::{Id, Json, Path};
use crate::problem::Problem;
use crate::state::State;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadRequest {
    #[schema(value_type = Uuid)]
    pub message: Id<EntryId>,
}

/// Move my read watermark to a message. It never goes back.
#[utoipa::path(
    put, path = "/api/v1/rooms/{room}/read", tag = "messages", operation_id = "mark_read", params(RoomPath), request_body = ReadRequest,
    responses((status = 204), (status = 404))
)]
pub async fn mark(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<RoomPath>,
    Json(request): Json<ReadRequest>,
) -> Result<StatusCode, Problem> {
    state.node.mark_read(&session.actor, path.room.0, request.message.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who has read a message, and which offices hold it.
#[utoipa::path(
    get, path = "/api/v1/rooms/{room}/messages/{message}/receipts", tag = "messages", operation_id = "receipts", params(MessagePath),
    responses((status = 200, body = ReceiptsView), (status = 404))
)]
pub async fn receipts(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<MessagePath>,
) -> Result<Answer<ReceiptsView>, Problem> {
    Ok(Answer(state.node.receipts(&session.actor, path.room.0, path.message.0).await?))
}
