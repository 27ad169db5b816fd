//! Devices: which there are, codes and requests for them, stopping a lost one.

use axum::Json as Answer;
use axum::extract::State as Extracted;
use http::StatusCode;
use noroshi_node::deeds::Stopped;
use noroshi_node::view::{DeviceRequestView, KnownDeviceView, RequestState, Time};
use noroshi_sync::id::{DeviceId, EntryId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Items;
use crate::auth::Session;
use crate::extract::{Id, Json, Path, Query};
use crate::problem::Problem;
use crate::state::State;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DevicesQuery {
    #[param(value_type = Option<Uuid>)]
    pub user: Option<Id<UserId>>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct DevicePath {
    #[param(value_type = Uuid)]
    pub device: Id<DeviceId>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct RequestPath {
    #[param(value_type = Uuid)]
    pub request: Id<EntryId>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonRequest {
    #[serde(default)]
    pub reason: String,
}

/// My devices and, for administrators, those of the people they look after.
#[utoipa::path(
    get, path = "/api/v1/devices", tag = "devices", operation_id = "list_devices", params(DevicesQuery),
    responses((status = 200, body = Items<KnownDeviceView>), (status = 403), (status = 404))
)]
pub async fn list(
    Extracted(state): Extracted<State>,
    session: Session,
    Query(query): Query<DevicesQuery>,
) -> Result<Answer<Items<KnownDeviceView>>, Problem> {
    Ok(Answer(Items::all(state.node.devices(&session.actor, query.user.map(|user| user.0)).await?)))
}

/// Stop a device: one's own, or of a person one looks after. Whatever it has open at this node ends within a second.
#[utoipa::path(
    post, path = "/api/v1/devices/{device}/suspension", tag = "devices", operation_id = "suspend_device",
    params(DevicePath), request_body = ReasonRequest,
    responses((status = 201, body = KnownDeviceView), (status = 404))
)]
pub async fn suspend(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<DevicePath>,
    Json(request): Json<ReasonRequest>,
) -> Result<(StatusCode, Answer<KnownDeviceView>), Problem> {
    let device = path.device.0;
    let owners = state.node.owners_of(&session.actor, device)?;
    // Seen before: who stops the device they sit at has no session afterwards.
    let mut shown = None;
    for user in owners {
        let stopped = Stopped::Device(device, user);
        state.node.suspend(&session.actor, stopped, request.reason.clone()).await?;
        let devices = state.node.devices(&session.actor, Some(user)).await?;
        shown = devices.into_iter().find(|known| known.id == device.as_uuid());
    }
    Ok((StatusCode::CREATED, Answer(shown.ok_or(Problem::NOT_FOUND)?)))
}

/// Let a device in again. Signed.
#[utoipa::path(
    delete, path = "/api/v1/devices/{device}/suspension", tag = "devices", operation_id = "lift_device",
    params(DevicePath), responses((status = 204), (status = 404))
)]
pub async fn lift(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<DevicePath>,
) -> Result<StatusCode, Problem> {
    for user in state.node.owners_of(&session.actor, path.device.0)? {
        state.node.lift(&session.actor, Stopped::Device(path.device.0, user)).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct RequestsQuery {
    pub state: Option<RequestState>,
}

/// Requests for device codes: mine and, for administrators, those of the people they look after.
#[utoipa::path(
    get, path = "/api/v1/device-requests", tag = "devices", operation_id = "list_device_requests", params(RequestsQuery),
    responses((status = 200, body = Items<DeviceRequestView>))
)]
pub async fn requests(
    Extracted(state): Extracted<State>,
    session: Session,
    Query(query): Query<RequestsQuery>,
) -> Result<Answer<Items<DeviceRequestView>>, Problem> {
    let mut requests = state.node.device_requests(&session.actor).await?;
    requests.retain(|request| query.state.is_none_or(|state| state == request.state));
    Ok(Answer(Items::all(requests)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceRequestRequest {
    #[schema(value_type = Uuid)]
    pub user: Id<UserId>,
    pub reason: String,
}

/// Ask for a device code for a colleague, or for oneself.
#[utoipa::path(
    post, path = "/api/v1/device-requests", tag = "devices", operation_id = "request_device",
    request_body = DeviceRequestRequest, responses((status = 201, body = DeviceRequestView), (status = 404))
)]
pub async fn request(
    Extracted(state): Extracted<State>,
    session: Session,
    Json(request): Json<DeviceRequestRequest>,
) -> Result<(StatusCode, Answer<DeviceRequestView>), Problem> {
    let view = state.node.request_device(&session.actor, request.user.0, request.reason).await?;
    Ok((StatusCode::CREATED, Answer(view)))
}

/// Decline a request.
#[utoipa::path(
    post, path = "/api/v1/device-requests/{request}/decline", tag = "devices", operation_id = "decline_device_request",
    params(RequestPath), responses((status = 204), (status = 404), (status = 409))
)]
pub async fn decline(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<RequestPath>,
) -> Result<StatusCode, Problem> {
    state.node.decline_device_request(&session.actor, path.request.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceCodeRequest {
    #[schema(value_type = Uuid)]
    pub user: Id<UserId>,
    /// The request that the code answers.
    #[schema(value_type = Option<Uuid>)]
    pub request: Option<Id<EntryId>>,
}

/// A device code to hand over; it is shown once.
#[derive(Serialize, ToSchema)]
pub struct IssuedCode {
    #[schema(example = "ABCDE-FGHJK")]
    pub code: String,
    pub expires_at: Time,
    /// The code as a QR picture: an SVG.
    #[schema(nullable = false)]
    pub qr_svg: Option<String>,
}

/// Make a device code for a person: good once, at this node, for 24 hours. Earlier unused ones end.
#[utoipa::path(
    post, path = "/api/v1/device-codes", tag = "devices", operation_id = "issue_device_code",
    request_body = DeviceCodeRequest, responses((status = 201, body = IssuedCode), (status = 404), (status = 409))
)]
pub async fn issue(
    Extracted(state): Extracted<State>,
    session: Session,
    Json(request): Json<DeviceCodeRequest>,
) -> Result<(StatusCode, Answer<IssuedCode>), Problem> {
    let answered = request.request.map_or(EntryId::NIL, |request| request.0);
    let made = state.node.issue_device_code(&session.actor, request.user.0, answered).await?;
    let qr_svg = crate::qr::svg(&made.code);
    Ok((StatusCode::CREATED, Answer(IssuedCode { code: made.code, expires_at: made.expires_at, qr_svg })))
}
