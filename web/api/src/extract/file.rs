//! A file as the whole body: of a known type, within size and time.

use axum::body::Body;
use axum::extract::Request;
use http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::problem::Problem;
use crate::state::State;

/// The bytes of a file of one of these types and at most `limit` bytes. Refused before a byte is read where the client
/// says how much it wants to send.
pub async fn read_file(state: &State, request: Request, types: &[&str], limit: usize) -> Result<Vec<u8>, Problem> {
    let (parts, body) = request.into_parts();
    check_type(&parts.headers, types)?;
    let said = parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if said.is_some_and(|length| length > limit as u64) {
        return Err(Problem::too_large(limit));
    }
    let read = tokio::time::timeout(state.body_time, read(body, limit));
    read.await.map_err(|_elapsed| Problem::new("request_timeout"))?
}

fn check_type(headers: &HeaderMap, types: &[&str]) -> Result<(), Problem> {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    let plain = headers.get(header::CONTENT_ENCODING).is_none_or(|encoding| encoding == "identity");
    let known = types.iter().any(|known| known.eq_ignore_ascii_case(essence));
    if known && plain { Ok(()) } else { Err(Problem::new("unsupported_file_type")) }
}

async fn read(body: Body, limit: usize) -> Result<Vec<u8>, Problem> {
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::too_large(limit)),
        Err(_broken_off) => Err(Problem::malformed("the body ended early")),
    }
}
