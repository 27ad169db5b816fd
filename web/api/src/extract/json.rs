//! A JSON body: the right type, within size, time and depth, and nothing in it that we do not know.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use crate::limits::BODY_MAX;
use crate::problem::Problem;
use crate::state::State;

/// The parsed body. serde_json refuses more than 128 levels, so depth costs no stack.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest<State> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &State) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        check_type(&parts.headers)?;
        check_length(&parts.headers)?;
        let bytes = tokio::time::timeout(state.body_time, read(body))
            .await
            .map_err(|_elapsed| Problem::new("request_timeout"))??;
        check_object(&bytes)?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| Problem::malformed(&error))
    }
}

/// `application/json`, in UTF-8, not compressed.
fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let unsupported = Problem::new("unsupported_media_type");
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let mut parts = value.unwrap_or_default().split(';').map(str::trim);
    if !parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json")) {
        return Err(unsupported);
    }
    let foreign = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        name.eq_ignore_ascii_case("charset") && !value.trim_matches('"').eq_ignore_ascii_case("utf-8")
    };
    if parts.any(foreign) {
        return Err(unsupported);
    }
    match headers.get(header::CONTENT_ENCODING) {
        None => Ok(()),
        Some(encoding) if encoding == "identity" => Ok(()),
        Some(_) => Err(unsupported),
    }
}

/// The contract speaks of objects alone; serde would take a list of their parts as well.
fn check_object(bytes: &[u8]) -> Result<(), Problem> {
    match bytes.trim_ascii_start().first() {
        Some(b'{') => Ok(()),
        _ => Err(Problem::malformed("expected a JSON object")),
    }
}

/// Refuses before a byte is read, where the client says how much it wants to send.
fn check_length(headers: &HeaderMap) -> Result<(), Problem> {
    let said = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if said.is_some_and(|length| length > BODY_MAX as u64) { Err(Problem::too_large(BODY_MAX)) } else { Ok(()) }
}

async fn read(body: Body) -> Result<Bytes, Problem> {
    match Limited::new(body, BODY_MAX).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::too_large(BODY_MAX)),
        Err(_broken_off) => Err(Problem::malformed("the body ended early")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(headers: &[(&str, &str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(http::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        check_type(&map).is_ok()
    }

    #[test]
    fn only_plain_utf8_json_is_read() {
        assert!(accepted(&[("content-type", "application/json")]));
        assert!(accepted(&[("content-type", "Application/JSON; charset=UTF-8")]));
        assert!(accepted(&[("content-type", "application/json"), ("content-encoding", "identity")]));
        for headers in [
            &[][..],
            &[("content-type", "text/plain")],
            &[("content-type", "application/x-www-form-urlencoded")],
            &[("content-type", "application/json;charset=shift_jis")],
            &[("content-type", "application/jsonp")],
            &[("content-type", "application/json"), ("content-encoding", "gzip")],
        ] {
            assert!(!accepted(headers), "{headers:?}");
        }
    }

    #[test]
    fn the_announced_length_is_checked_at_its_edge() {
        let with = |length: usize| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_LENGTH, length.into());
            check_length(&headers)
        };
        assert_eq!(with(BODY_MAX), Ok(()));
        assert_eq!(with(BODY_MAX + 1), Err(Problem::too_large(BODY_MAX)));
    }
}
