//! Logging in and out, and who I am.

use std::time::Instant;

use axum::extract::{Extension, State as Extracted};
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64URL_NOPAD;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use noroshi_node::Credentials;
use noroshi_node::error::ServiceError;
use noroshi_node::view::{LogIn, MeView, PasswordChanged};
use noroshi_sync::id::DeviceId;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::auth::cookie::Found;
use crate::auth::{Session, origin};
use crate::events::log_outs::Over;
use crate::extract::{Id, Json};
use crate::observe::names;
use crate::problem::Problem;
use crate::server::Peer;
use crate::state::State;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogInRequest {
    #[schema(example = "tanaka")]
    pub login: String,
    pub password: String,
    /// For a new device, from an administrator: ten characters, however they are typed.
    pub device_code: Option<String>,
    /// Public key of the new device: ECDSA P-256, 65 bytes uncompressed, base64url without padding.
    pub device_key: Option<String>,
    /// What the person will recognise the new device by.
    pub device_name: Option<String>,
    /// For programs without cookies: the device as an earlier log-in gave it, and its secret.
    #[schema(value_type = Option<Uuid>)]
    pub device: Option<Id<DeviceId>>,
    pub device_secret: Option<String>,
}

/// Log in. The token comes in the answer and as a cookie; a browser needs only the cookie.
#[utoipa::path(
    post, path = "/api/v1/session", tag = "session", operation_id = "log_in", request_body = LogInRequest,
    responses((status = 201, body = LogIn, headers(("Set-Cookie" = String, description = "`noroshi_<short node id>`")))),
    security(())
)]
pub async fn log_in(
    Extracted(state): Extracted<State>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    Json(request): Json<LogInRequest>,
) -> Result<Response, Problem> {
    // Another site must not log a person in as somebody else.
    origin::check(&headers)?;
    let attempt = match state.login_limit.begin(peer.ip(), Instant::now()) {
        Ok(attempt) => attempt,
        Err(problem) => {
            refused("address");
            state.node.note_address_refused(peer.ip()).await;
            return Err(problem);
        }
    };
    let mut credentials = credentials(&state, &headers, request)?;
    credentials.address = Some(peer.ip().to_canonical());
    let log_in = match state.node.log_in_with(credentials).await {
        Ok(log_in) => log_in,
        Err(ServiceError::Unauthenticated) => {
            refused("credentials");
            return Err(Problem::new("wrong_credentials"));
        }
        Err(error) => return Err(error.into()),
    };
    attempt.succeeded();
    end_former(&state, &headers).await;
    let cookies = [state.cookies.set_login(&log_in.token), set_device(&state, &headers, &log_in)];
    Ok((StatusCode::CREATED, with_cookies(cookies), axum::Json(log_in)).into_response())
}

fn credentials(state: &State, headers: &HeaderMap, request: LogInRequest) -> Result<Credentials, Problem> {
    let (known, secret) = state.cookies.device(headers);
    let malformed = || Problem::invalid("device_key", "invalid");
    let key = request.device_key.map(|text| BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| malformed()));
    Ok(Credentials {
        login: request.login,
        password: request.password,
        device: request.device.map(|device| device.0).or(known),
        device_secret: request.device_secret.or(secret),
        device_code: request.device_code,
        device_key: key.transpose()?,
        device_name: request.device_name.unwrap_or_default(),
        address: None,
    })
}

/// The cookie of the device, with its secret where it has one.
fn set_device(state: &State, headers: &HeaderMap, log_in: &LogIn) -> Option<HeaderValue> {
    let (known, secret) = state.cookies.device(headers);
    let same = known.is_some_and(|known| known.as_uuid() == log_in.device.id);
    let kept = secret.filter(|_| same && log_in.device.enrolled);
    let secret = log_in.device_secret.clone().or(kept);
    state.cookies.set_device(&log_in.device.id.to_string(), secret.as_deref())
}

/// The cookie that is about to be replaced belonged to a login that nobody could end any more.
async fn end_former(state: &State, headers: &HeaderMap) {
    let Found::One(token) = state.cookies.token(headers) else { return };
    match state.node.log_out(token).await {
        Ok(()) => state.log_outs.end(token, Over::Ended),
        Err(error) => tracing::debug!(%error, "the former login of this browser was not ended"),
    }
}

/// Log out. Event streams of the session end at once.
#[utoipa::path(delete, path = "/api/v1/session", tag = "session", operation_id = "log_out", responses((status = 204)))]
pub async fn log_out(Extracted(state): Extracted<State>, session: Session) -> Result<Response, Problem> {
    state.node.log_out(&session.token).await?;
    state.log_outs.end(&session.token, Over::Ended);
    Ok((StatusCode::NO_CONTENT, with_cookies([state.cookies.clear_login()])).into_response())
}

/// Who am I, with my roles and this device.
#[utoipa::path(get, path = "/api/v1/me", tag = "session", operation_id = "me", responses((status = 200, body = MeView)))]
pub async fn me(Extracted(state): Extracted<State>, session: Session) -> Result<axum::Json<MeView>, Problem> {
    Ok(axum::Json(state.node.me(&session.actor, &session.token).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasscodeRequest {
    /// 6–12 digits.
    pub passcode: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPasscodeRequest {
    /// 6–12 digits, not one repeated and no run.
    pub passcode: String,
    /// The present one, if there is one.
    pub current: Option<String>,
}

/// Set the passcode of this device at this node.
#[utoipa::path(
    put, path = "/api/v1/session/passcode", tag = "session", operation_id = "set_passcode",
    request_body = NewPasscodeRequest, responses((status = 204))
)]
pub async fn set_passcode(
    Extracted(state): Extracted<State>,
    session: Session,
    Json(request): Json<NewPasscodeRequest>,
) -> Result<StatusCode, Problem> {
    state.node.set_passcode(&session.actor, request.passcode, request.current).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lock the session until the passcode is given; its event streams end (WebSocket code 4001).
#[utoipa::path(
    post, path = "/api/v1/session/lock", tag = "session", operation_id = "lock_session", responses((status = 204))
)]
pub async fn lock(Extracted(state): Extracted<State>, session: Session) -> Result<StatusCode, Problem> {
    state.node.lock(&session.actor, &session.token).await?;
    state.log_outs.end(&session.token, Over::Locked);
    Ok(StatusCode::NO_CONTENT)
}

/// Unlock it. After ten wrong passcodes the device is stopped.
#[utoipa::path(
    post, path = "/api/v1/session/unlock", tag = "session", operation_id = "unlock_session",
    request_body = PasscodeRequest, responses((status = 204))
)]
pub async fn unlock(
    Extracted(state): Extracted<State>,
    session: Session,
    Json(request): Json<PasscodeRequest>,
) -> Result<StatusCode, Problem> {
    state.node.unlock(&session.actor, &session.token, request.passcode).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordRequest {
    pub current: String,
    /// At least 8 characters, or 15 where the organisation asks for no device; at most 128 bytes. Nothing else is asked of
    /// it than not to be one that everybody tries first.
    pub new: String,
}

/// Change my own password. My other log-ins end, this one goes on.
#[utoipa::path(
    put, path = "/api/v1/me/password", tag = "session", operation_id = "change_password", request_body = PasswordRequest,
    responses((status = 200, body = PasswordChanged), (status = 403), (status = 422), (status = 429))
)]
pub async fn change_password(
    Extracted(state): Extracted<State>,
    session: Session,
    Json(request): Json<PasswordRequest>,
) -> Result<axum::Json<PasswordChanged>, Problem> {
    let changed = state.node.change_password(&session.actor, &session.token, request.current, request.new).await?;
    Ok(axum::Json(changed))
}

fn with_cookies(cookies: impl IntoIterator<Item = Option<HeaderValue>>) -> HeaderMap {
    cookies.into_iter().flatten().map(|cookie| (header::SET_COOKIE, cookie)).collect()
}

fn refused(reason: &'static str) {
    metrics::counter!(names::LOGINS_REFUSED, "reason" => reason).increment(1);
}
