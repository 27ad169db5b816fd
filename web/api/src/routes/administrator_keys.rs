//! Administrators' keys: asking for one, naming one after comparing it by voice, ending one, getting one back from paper.

use axum::Json as Answer;
use axum::extract::State as Extracted;
use http::StatusCode;
use noroshi_node::view::{AdministratorKeyView, ConsoleView, RequestedKeyView};
use noroshi_sync::id::EntryId;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::Items;
use crate::auth::Session;
use crate::extract::{Id, Json, Path};
use crate::problem::Problem;
use crate::state::State;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct KeyPath {
    #[param(value_type = Uuid)]
    pub key: Id<EntryId>,
}

/// Keys that wait to be named, and those that count.
#[utoipa::path(
    get, path = "/api/v1/administrator-keys", tag = "administration", operation_id = "list_administrator_keys",
    responses((status = 200, body = Items<AdministratorKeyView>), (status = 403))
)]
pub async fn list(
    Extracted(state): Extracted<State>,
    session: Session,
) -> Result<Answer<Items<AdministratorKeyView>>, Problem> {
    Ok(Answer(Items::all(state.node.administrator_keys(&session.actor)?)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyRequest {
    /// The password of the log-in: it seals the key.
    pub password: String,
}

/// Make a key for myself on this machine and ask for it to be named. The recovery sheet comes in this answer and never again.
#[utoipa::path(
    post, path = "/api/v1/administrator-keys", tag = "administration", operation_id = "request_administrator_key",
    request_body = KeyRequest, responses((status = 201, body = RequestedKeyView), (status = 403), (status = 429))
)]
pub async fn request(
    Extracted(state): Extracted<State>,
    session: Session,
    Json(request): Json<KeyRequest>,
) -> Result<(StatusCode, Answer<RequestedKeyView>), Problem> {
    let made = state.node.request_key(&session.actor, request.password).await?;
    Ok((StatusCode::CREATED, Answer(made)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRequest {
    /// The sixteen characters, as they were heard.
    pub fingerprint: String,
}

/// Name a key that another administrator asked for. Signed.
#[utoipa::path(
    post, path = "/api/v1/administrator-keys/{key}/approval", tag = "administration",
    operation_id = "approve_administrator_key", params(KeyPath), request_body = ApprovalRequest,
    responses((status = 201, body = AdministratorKeyView), (status = 404), (status = 422))
)]
pub async fn approve(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<KeyPath>,
    Json(request): Json<ApprovalRequest>,
) -> Result<(StatusCode, Answer<AdministratorKeyView>), Problem> {
    let named = state.node.approve_key(&session.actor, path.key.0, &request.fingerprint).await?;
    Ok((StatusCode::CREATED, Answer(named)))
}

/// End a key for ever (its console was lost), or decline one that waits. Signed.
#[utoipa::path(
    delete, path = "/api/v1/administrator-keys/{key}", tag = "administration", operation_id = "end_administrator_key",
    params(KeyPath), responses((status = 204), (status = 404), (status = 409))
)]
pub async fn end(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<KeyPath>,
) -> Result<StatusCode, Problem> {
    state.node.end_key(&session.actor, path.key.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RestorationRequest {
    /// The groups of the recovery sheet, as typed.
    pub sheet: String,
    /// The password of the log-in: it seals the key.
    pub password: String,
}

/// Put my key from its recovery sheet on this machine.
#[utoipa::path(
    post, path = "/api/v1/administrator-keys/restoration", tag = "administration",
    operation_id = "restore_administrator_key", request_body = RestorationRequest,
    responses((status = 200, body = ConsoleView), (status = 403), (status = 422), (status = 429))
)]
pub async fn restore(
    Extracted(state): Extracted<State>,
    session: Session,
    Json(request): Json<RestorationRequest>,
) -> Result<Answer<ConsoleView>, Problem> {
    let RestorationRequest { sheet, password } = request;
    Ok(Answer(state.node.restore_key(&session.actor, &sheet, password).await?))
}
