//! The picture by which the helper page finds out whether a browser trusts this node's certificate.

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, header};

/// Where it is, on the HTTPS side.
pub const PATH: &str = "/trust.gif";

/// One transparent pixel (GIF89a).
const PIXEL: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

/// Everybody may load it, from the plain-HTTP page too, which is another origin. It says nothing but that we are here.
pub async fn pixel() -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("image/gif")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin")),
    ];
    (headers, PIXEL).into_response()
}
