//! The proof that a request comes from somebody logged in; a handler that takes one cannot run without.

use axum::extract::FromRequestParts;
use http::Method;
use http::request::Parts;
use noroshi_node::error::ServiceError;
use noroshi_node::view::Actor;

use super::credential::Credential;
use super::origin;
use super::rules::Rule;
use crate::problem::Problem;
use crate::state::State;

/// The header that only our own page can set on a request with a cookie.
pub const OWN_PAGE_HEADER: &str = "x-noroshi";

/// A valid login that may do such a thing as the request asks ([`Rule`]). For requests that write, a cookie alone is not enough: the page must prove that it is ours.
pub struct Session {
    pub actor: Actor,
    pub token: String,
}

impl FromRequestParts<State> for Session {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Problem> {
        let credential = Credential::of(&parts.headers, &state.cookies)?;
        let reads = matches!(parts.method, Method::GET | Method::HEAD);
        if credential.by_cookie && !reads {
            if parts.headers.get(OWN_PAGE_HEADER).is_none_or(|value| value != "1") {
                return Err(Problem::new("csrf"));
            }
            origin::check(&parts.headers)?;
        }
        let token = credential.token.to_owned();
        let authenticated = state.node.authenticate_gated(&token).await;
        if authenticated == Err(ServiceError::Unauthenticated)
            && let (Some(device), Some(secret)) = state.cookies.device(&parts.headers)
            && state.node.is_stopped_device(device, &secret)
        {
            return Err(Problem::new("device_suspended"));
        }
        let (actor, gate) = authenticated?;
        let rule = Rule::of(parts).ok_or(Problem::new("internal"))?;
        if let Some(code) = gate.refusal()
            && !rule.is_open_at(gate, parts)
        {
            return Err(Problem::new(code));
        }
        rule.admit(&state.node, &actor, parts).await?;
        Ok(Self { actor, token })
    }
}
