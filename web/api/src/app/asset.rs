//! One file of the app, ready to be sent.

use std::io::Write;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, StatusCode, header};

pub struct Asset {
    mime: HeaderValue,
    plain: Form,
    /// Only where it is smaller.
    gzip: Option<Form>,
}

/// One form of the content, with its own tag.
struct Form {
    bytes: Bytes,
    etag: HeaderValue,
}

impl Asset {
    pub fn new(path: &str, bytes: Vec<u8>) -> Self {
        let hash = blake3::hash(&bytes).to_hex();
        let gzip = compress(&bytes).filter(|small| small.len() < bytes.len());
        let form = |bytes: Vec<u8>, tag: String| {
            HeaderValue::try_from(tag).ok().map(|etag| Form { bytes: Bytes::from(bytes), etag })
        };
        Self {
            mime: mime(path),
            gzip: gzip.and_then(|small| form(small, format!("\"{hash}-gzip\""))),
            plain: Form {
                etag: HeaderValue::try_from(format!("\"{hash}\"")).unwrap_or(EMPTY_TAG),
                bytes: bytes.into(),
            },
        }
    }

    /// The form this browser can read, or 304 when it has it.
    pub fn answer(&self, headers: &HeaderMap) -> Response {
        let zipped = self.gzip.as_ref().filter(|_| accepts_gzip(headers));
        let form = zipped.unwrap_or(&self.plain);
        let mut response = if has_it(headers, &form.etag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let mut response = Response::new(Body::from(form.bytes.clone()));
            response.headers_mut().insert(header::CONTENT_TYPE, self.mime.clone());
            if zipped.is_some() {
                response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            response
        };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, form.etag.clone());
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    }
}

const EMPTY_TAG: HeaderValue = HeaderValue::from_static("\"\"");

fn compress(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

fn mime(path: &str) -> HeaderValue {
    let guess = mime_guess::from_path(path).first_or_octet_stream();
    let essence = guess.essence_str();
    let is_text = essence.starts_with("text/") || essence.ends_with("json") || essence.ends_with("javascript");
    let text = if is_text { format!("{essence}; charset=utf-8") } else { essence.to_owned() };
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("application/octet-stream"))
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|wish| {
        let (coding, parameters) = wish.split_once(';').unwrap_or((wish, ""));
        let weight = parameters.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
        coding.trim().eq_ignore_ascii_case("gzip") && weight.is_ok_and(|weight| weight > 0.0)
    })
}

fn has_it(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let lines = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = lines.flat_map(|line| line.split(',')).map(|tag| tag.trim().trim_start_matches("W/"));
    tags.any(|tag| tag == "*" || tag.as_bytes() == etag.as_bytes())
}
