//! Erasing messages for good: administrators only, signed with their key.

use axum::Json as Answer;
use axum::extract::State as Extracted;
use noroshi_node::NewErasure;
use noroshi_node::view::{ErasureCounts, ErasureView, Grounds};
use noroshi_sync::id::EntryId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Items;
use super::paths::RoomPath;
use crate::auth::Session;
use crate::extract::{Id, Json, Path};
use crate::problem::Problem;
use crate::state::State;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ErasureRequest {
    /// 1–200 messages of the room. Their edits and every copy go with them.
    #[schema(value_type = Vec<Uuid>, min_items = 1, max_items = 200)]
    pub messages: Vec<Id<EntryId>>,
    pub grounds: Grounds,
    /// 1–200 characters, shown where the messages were.
    pub reason: String,
    /// Only say what would go.
    #[serde(default)]
    pub dry_run: bool,
}

/// Erase messages, here at once and at every other office as soon as it hears of it. Needs an unlocked administrator's key,
/// but for a dry run.
#[utoipa::path(
    post, path = "/api/v1/rooms/{room}/erasures", tag = "rooms", operation_id = "erase_messages", params(RoomPath),
    request_body = ErasureRequest, responses((status = 200, body = ErasureCounts), (status = 403), (status = 404), (status = 422))
)]
pub async fn erase(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<RoomPath>,
    Json(request): Json<ErasureRequest>,
) -> Result<Answer<ErasureCounts>, Problem> {
    let messages = request.messages.into_iter().map(|id| id.0).collect();
    let new = NewErasure { messages, grounds: request.grounds.into(), reason: request.reason };
    let counts = match request.dry_run {
        true => state.node.plan_erasure(&session.actor, path.room.0, new).await?,
        false => state.node.erase(&session.actor, path.room.0, new).await?,
    };
    Ok(Answer(counts))
}

/// What was erased in a room, when, by whom and why; the newest first.
#[utoipa::path(
    get, path = "/api/v1/rooms/{room}/erasures", tag = "rooms", operation_id = "list_erasures", params(RoomPath),
    responses((status = 200, body = Items<ErasureView>), (status = 403), (status = 404))
)]
pub async fn list(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<RoomPath>,
) -> Result<Answer<Items<ErasureView>>, Problem> {
    Ok(Answer(Items::all(state.node.erasures(&session.actor, path.room.0).await?)))
}
