//! What every request passes before it reaches a handler, and what every answer carries.

use std::time::Duration;

use axum::extract::{MatchedPath, Request, State as Extracted};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, Method, header};

use super::attachments::UPLOADS;
use crate::auth::credential::Credential;
use crate::auth::origin;
use crate::events::log_outs::Over;
use crate::limits::{UPLOAD_TIME, URI_MAX};
use crate::problem::Problem;
use crate::state::State;

/// Seconds after which a request that took too long is worth another try.
const RETRY_SLOW_S: u32 = 5;

/// One valid `Host`, an address of sane length, and an answer in time. Files may take longer to come.
///
/// A write that is answered too late may still be stored; its id makes a second try harmless.
pub async fn admit(Extracted(state): Extracted<State>, request: Request, next: Next) -> Response {
    if request.uri().path_and_query().is_some_and(|target| target.as_str().len() > URI_MAX) {
        return Problem::new("uri_too_long").into_response();
    }
    if origin::host(request.headers()).is_none() {
        return Problem::new("bad_host").into_response();
    }
    let is_upload = request.method() == Method::POST && request.uri().path() == UPLOADS;
    let answer_time = if is_upload { UPLOAD_TIME } else { state.answer_time };
    match tokio::time::timeout(answer_time, next.run(request)).await {
        Ok(response) => response,
        Err(_elapsed) => Problem::retry("answer_timeout", RETRY_SLOW_S).into_response(),
    }
}

/// How long a request that is running when its session ends may take to finish: the answer to the very request that
/// ended it is given.
const GRACE: Duration = Duration::from_millis(500);

/// Ends requests of a session that is over: a lost phone gets and sends nothing more, whatever was under way. Who asks for
/// what is not theirs is noted in the audit log.
pub async fn guard(Extracted(state): Extracted<State>, request: Request, next: Next) -> Response {
    let token = Credential::of(request.headers(), &state.cookies).ok().map(|credential| credential.token.to_owned());
    let Some(token) = token else { return next.run(request).await };
    let Ok((actor, _gate)) = state.node.authenticate_gated(&token).await else { return next.run(request).await };
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let call = format!("{} {path}", request.method());
    let watch = state.log_outs.watch_request(&token, &actor);
    let mut running = std::pin::pin!(next.run(request));
    let response = tokio::select! {
        response = &mut running => response,
        over = watch.ended() => match tokio::time::timeout(GRACE, running).await {
            Ok(response) => response,
            Err(_elapsed) => Problem::new(refusal(over)).into_response(),
        },
    };
    if response.extensions().get::<Problem>().is_some_and(|problem| problem.code == "forbidden") {
        state.node.note_forbidden(&actor, &call).await;
    }
    response
}

const fn refusal(over: Over) -> &'static str {
    match over {
        Over::Ended | Over::Stopped => "unauthenticated",
        Over::Locked => "locked",
        Over::PasscodeDue => "passcode_required",
    }
}

/// Headers for browsers: nothing is guessed, framed, leaked or kept.
pub async fn harden(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in DEFAULTS {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}

/// For what sets nothing of its own: the API. The app's files name their own policy and caching.
const DEFAULTS: [(HeaderName, HeaderValue); 7] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];
