//! Logging in and out, and who I am.

use std::time::Instant;

use axum::extract::{Extension, State as Extracted};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use noroshi_node::error::ServiceError;
use noroshi_node::view::{LogIn, MeView};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::auth::cookie::Found;
use crate::auth::{Session, origin};
use crate::extract::Json;
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
    /// For organisations that enrol devices; this version knows none.
    pub device_code: Option<String>,
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
    if request.device_code.is_some_and(|code| !code.is_empty()) {
        return Err(Problem::invalid("device_code", "device_code_not_used"));
    }
    let attempt = state.login_limit.begin(peer.ip(), Instant::now()).inspect_err(|_| refused("address"))?;
    let device = state.cookies.device(&headers);
    let log_in = match state.node.log_in(&request.login, &request.password, device).await {
        Ok(log_in) => log_in,
        Err(ServiceError::Unauthenticated) => {
            refused("credentials");
            return Err(Problem::new("wrong_credentials"));
        }
        Err(error) => return Err(error.into()),
    };
    attempt.succeeded();
    end_former(&state, &headers).await;
    let cookies = [state.cookies.set_login(&log_in.token), state.cookies.set_device(&log_in.device.id.to_string())];
    Ok((StatusCode::CREATED, with_cookies(cookies), axum::Json(log_in)).into_response())
}

/// The cookie that is about to be replaced belonged to a login that nobody could end any more.
async fn end_former(state: &State, headers: &HeaderMap) {
    let Found::One(token) = state.cookies.token(headers) else { return };
    match state.node.log_out(token).await {
        Ok(()) => state.log_outs.end(token),
        Err(error) => tracing::debug!(%error, "the former login of this browser was not ended"),
    }
}

/// Log out. Event streams of the session end at once.
#[utoipa::path(delete, path = "/api/v1/session", tag = "session", operation_id = "log_out", responses((status = 204)))]
pub async fn log_out(Extracted(state): Extracted<State>, session: Session) -> Result<Response, Problem> {
    state.node.log_out(&session.token).await?;
    state.log_outs.end(&session.token);
    Ok((StatusCode::NO_CONTENT, with_cookies([state.cookies.clear_login()])).into_response())
}

/// Who am I, with my roles and this device.
#[utoipa::path(get, path = "/api/v1/me", tag = "session", operation_id = "me", responses((status = 200, body = MeView)))]
pub async fn me(Extracted(state): Extracted<State>, session: Session) -> Result<axum::Json<MeView>, Problem> {
    Ok(axum::Json(state.node.me(&session.actor).await?))
}

fn with_cookies(cookies: impl IntoIterator<Item = Option<HeaderValue>>) -> HeaderMap {
    cookies.into_iter().flatten().map(|cookie| (header::SET_COOKIE, cookie)).collect()
}

fn refused(reason: &'static str) {
    metrics::counter!(names::LOGINS_REFUSED, "reason" => reason).increment(1);
}
