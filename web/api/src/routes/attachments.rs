//! Files that go with messages: sending them, reading them, wanting them here.

mod range;

use std::io::SeekFrom;
use std::time::Duration;

use axum::Json as Answer;
use axum::body::Body;
use axum::extract::{Request, State as Extracted};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::BodyExt;
use noroshi_node::view::{AttachmentProgress, UploadView};
use noroshi_node::{OpenedAttachment, Upload};
use noroshi_sync::blob::BlobHash;
use noroshi_sync::limits::BLOB_BYTES_MAX;
use serde::Deserialize;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use utoipa::IntoParams;

use crate::auth::Session;
use crate::extract::{Id, Path, Query};
use crate::limits::{FILE_NAME_MAX, PIECE_BYTES};
use crate::problem::Problem;
use crate::state::State;
use range::{Part, part_of};

/// Where files are sent to: the one call that may take long.
pub const UPLOADS: &str = "/api/v1/attachments";

/// Nothing in a file runs, loads or shows anything else.
const POLICY: HeaderValue = HeaderValue::from_static("sandbox; default-src 'none'");

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct UploadQuery {
    /// The name of the file. What is not fit for a name is taken out of it.
    #[param(example = "堤防.jpg")]
    pub name: Option<String>,
    /// Tell where the photo was taken, if it says so; otherwise nobody learns.
    #[param(default = false)]
    pub keep_place: Option<bool>,
}

/// Send a file (at most 50 MiB). It is the body; its type follows from name and content. Pictures are made anew, without
/// what the camera wrote into them.
#[utoipa::path(
    post, path = "/api/v1/attachments", tag = "messages", operation_id = "upload_attachment", params(UploadQuery),
    request_body(content((Vec<u8> = "application/octet-stream"))),
    responses(
        (status = 201, body = UploadView, description = "On disk. Forgotten after a day, unless a message shows it"),
        (status = 429),
        (status = 507)
    )
)]
pub async fn upload(
    Extracted(state): Extracted<State>,
    session: Session,
    Query(query): Query<UploadQuery>,
    request: Request,
) -> Result<(StatusCode, Answer<UploadView>), Problem> {
    let name = query.name.unwrap_or_default();
    if name.len() > FILE_NAME_MAX {
        return Err(Problem::invalid("name", "too_long"));
    }
    let (parts, body) = request.into_parts();
    if parts.headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(Problem::new("attachment_kind_refused"));
    }
    let said = parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if said.is_some_and(|length| length > BLOB_BYTES_MAX) {
        return Err(Problem::new("attachment_too_large"));
    }
    let mut upload = state.node.begin_upload(&session.actor).await?;
    receive(&mut upload, body, state.body_time).await?;
    let view = upload.finish(&name, query.keep_place.unwrap_or(false)).await?;
    Ok((StatusCode::CREATED, Answer(view)))
}

/// Takes the body as it comes. A client may be slow, but not silent.
async fn receive(upload: &mut Upload, mut body: Body, silence: Duration) -> Result<(), Problem> {
    let mut piece = Vec::with_capacity(PIECE_BYTES);
    loop {
        let frame = tokio::time::timeout(silence, body.frame()).await.map_err(|_| Problem::new("request_timeout"))?;
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|_| Problem::malformed("the body ended early"))?;
        if let Some(bytes) = frame.data_ref() {
            piece.extend_from_slice(bytes);
        }
        if piece.len() >= PIECE_BYTES {
            upload.write(std::mem::replace(&mut piece, Vec::with_capacity(PIECE_BYTES))).await?;
        }
    }
    Ok(upload.write(piece).await?)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct AttachmentPath {
    /// BLAKE3 of the content, 64 hexadecimal digits.
    #[param(value_type = String, min_length = 64, max_length = 64)]
    pub hash: Id<BlobHash>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ReadQuery {
    /// Show a picture instead of saving it. Other files are always saved.
    #[param(default = false)]
    pub inline: Option<bool>,
}

/// A file, or one range of it. 404 `attachment_elsewhere`: it is not on this node, but can be asked for.
#[utoipa::path(
    get, path = "/api/v1/attachments/{hash}", tag = "messages", operation_id = "get_attachment", params(AttachmentPath, ReadQuery),
    responses(
        (status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 206, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 304, description = "As the client has it"),
        (status = 404),
        (status = 416)
    )
)]
pub async fn read(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<AttachmentPath>,
    Query(query): Query<ReadQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let opened = state.node.attachment(&session.actor, path.hash.0).await?;
    let etag = format!("\"{}\"", path.hash.0);
    let mut response = if names(&headers, header::IF_NONE_MATCH, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        content(&opened, &headers, &etag).await?
    };
    describe(response.headers_mut(), &opened, query.inline.unwrap_or(false), &etag);
    Ok(response)
}

async fn content(opened: &OpenedAttachment, headers: &HeaderMap, etag: &str) -> Result<Response, Problem> {
    let size = opened.attachment.blob.size;
    // A range of another version would be nothing; there is none under this hash.
    let is_same = !headers.contains_key(header::IF_RANGE) || names(headers, header::IF_RANGE, etag);
    let range = headers.get(header::RANGE).and_then(|range| range.to_str().ok()).filter(|_| is_same);
    let (status, first, last) = match part_of(range, size) {
        Part::Whole => (StatusCode::OK, 0, size.saturating_sub(1)),
        Part::Range { first, last } => (StatusCode::PARTIAL_CONTENT, first, last),
        Part::Outside => {
            let mut response = Problem::new("range_not_satisfiable").into_response();
            set(response.headers_mut(), header::CONTENT_RANGE, &format!("bytes */{size}"));
            return Ok(response);
        }
    };
    let file = opened.file.try_clone().map_err(|error| broken(&error))?;
    let mut response = (status, body(File::from_std(file), first, last).await?).into_response();
    let headers = response.headers_mut();
    set(headers, header::CONTENT_LENGTH, &(last - first + 1).to_string());
    if status == StatusCode::PARTIAL_CONTENT {
        set(headers, header::CONTENT_RANGE, &format!("bytes {first}-{last}/{size}"));
    }
    Ok(response)
}

/// The bytes `first ..= last`, read as the client takes them.
async fn body(mut file: File, first: u64, last: u64) -> Result<Body, Problem> {
    file.seek(SeekFrom::Start(first)).await.map_err(|error| broken(&error))?;
    let left = last - first + 1;
    let pieces = stream::try_unfold((file, left), |(mut file, left)| async move {
        if left == 0 {
            return Ok::<_, std::io::Error>(None);
        }
        let mut piece = vec![0; usize::try_from(left).unwrap_or(PIECE_BYTES).min(PIECE_BYTES)];
        file.read_exact(&mut piece).await?;
        let left = left.saturating_sub(piece.len() as u64);
        Ok(Some((Bytes::from(piece), (file, left))))
    });
    Ok(Body::from_stream(pieces))
}

fn broken(error: &std::io::Error) -> Problem {
    tracing::error!(%error, "an attachment cannot be read");
    Problem::new("storage_failed")
}

/// What every answer says of the file.
fn describe(headers: &mut HeaderMap, opened: &OpenedAttachment, inline: bool, etag: &str) {
    let shown = inline && opened.is_picture();
    let disposition = if shown { "inline" } else { "attachment" };
    set(headers, header::CONTENT_TYPE, &opened.attachment.mime);
    set(
        headers,
        header::CONTENT_DISPOSITION,
        &format!("{disposition}; filename*=UTF-8''{}", percent(&opened.attachment.name)),
    );
    set(headers, header::ETAG, etag);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private"));
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
}

fn set(headers: &mut HeaderMap, name: http::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

/// RFC 8187: everything but letters, digits and a few signs.
fn percent(name: &str) -> String {
    let mut text = String::with_capacity(name.len() * 3);
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// Whether a header names this tag.
fn names(headers: &HeaderMap, header: http::HeaderName, etag: &str) -> bool {
    let lines = headers.get_all(header).iter().filter_map(|value| value.to_str().ok());
    let mut tags = lines.flat_map(|line| line.split(',')).map(|tag| tag.trim().trim_start_matches("W/"));
    tags.any(|tag| tag == "*" || tag == etag)
}

/// Somebody wants the file on this node: it comes as soon as a node that holds it is reached.
#[utoipa::path(
    post, path = "/api/v1/attachments/{hash}/fetch", tag = "messages", operation_id = "fetch_attachment", params(AttachmentPath),
    responses((status = 202, body = AttachmentProgress), (status = 404))
)]
pub async fn fetch(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<AttachmentPath>,
) -> Result<(StatusCode, Answer<AttachmentProgress>), Problem> {
    let progress = state.node.fetch_attachment(&session.actor, path.hash.0).await?;
    Ok((StatusCode::ACCEPTED, Answer(progress)))
}

/// The file is no longer wanted here.
#[utoipa::path(
    delete, path = "/api/v1/attachments/{hash}/fetch", tag = "messages", operation_id = "leave_attachment", params(AttachmentPath),
    responses((status = 204), (status = 404))
)]
pub async fn leave(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<AttachmentPath>,
) -> Result<StatusCode, Problem> {
    state.node.leave_attachment(&session.actor, path.hash.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_fit_for_a_header() {
        assert_eq!(percent("a b;\"c\".jpg"), "a%20b%3B%22c%22.jpg");
        assert_eq!(percent("堤"), "%E5%A0%A4");
    }
}
