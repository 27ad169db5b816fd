//! Who is in a room.

use axum::Json as Answer;
use axum::extract::State as Extracted;
use http::StatusCode;
use noroshi_node::view::{MemberView, RoomRole};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Items;
use super::paths::{MemberPath, RoomPath};
use crate::auth::Session;
use crate::extract::{Json, Path};
use crate::problem::Problem;
use crate::state::State;

/// The members of a room.
#[utoipa::path(
    get, path = "/api/v1/rooms/{room}/members", tag = "rooms", operation_id = "list_members", params(RoomPath),
    responses((status = 200, body = Items<MemberView>), (status = 404))
)]
pub async fn list(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<RoomPath>,
) -> Result<Answer<Items<MemberView>>, Problem> {
    Ok(Answer(Items::all(state.node.members(&session.actor, path.room.0).await?)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberRequest {
    pub role: RoomRole,
}

/// Add a member, or change the role of one. Room administrators only.
#[utoipa::path(
    put, path = "/api/v1/rooms/{room}/members/{user}", tag = "rooms", operation_id = "set_member", params(MemberPath),
    request_body = MemberRequest,
    responses(
        (status = 201, body = MemberView, description = "Added"),
        (status = 200, body = MemberView, description = "Was a member already"),
        (status = 404)
    )
)]
pub async fn set(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<MemberPath>,
    Json(request): Json<MemberRequest>,
) -> Result<(StatusCode, Answer<MemberView>), Problem> {
    let (created, view) = state.node.set_member(&session.actor, path.room.0, path.user.0, request.role).await?;
    Ok((super::created(created), Answer(view)))
}

/// Remove a member (room administrators), or leave.
#[utoipa::path(
    delete, path = "/api/v1/rooms/{room}/members/{user}", tag = "rooms", operation_id = "remove_member", params(MemberPath),
    responses((status = 204), (status = 404))
)]
pub async fn remove(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<MemberPath>,
) -> Result<StatusCode, Problem> {
    state.node.remove_member(&session.actor, path.room.0, path.user.0).await?;
    Ok(StatusCode::NO_CONTENT)
}
