//! The web app inside the binary: loaded, hashed and compressed once, then served from memory.

mod asset;
mod placeholder;

use std::collections::HashMap;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, header};
use rust_embed::RustEmbed;

use crate::auth::origin;
use crate::problem::Problem;
use asset::Asset;

/// The committed build of the app. Missing files make a page that says so, never a silent 404.
#[derive(RustEmbed)]
#[folder = "../app/dist"]
#[allow_missing = true]
struct Files;

const ENTRY: &str = "index.html";

/// Nothing but our own files runs or loads. The event stream is named by host, since not every browser counts a
/// WebSocket of the same host as `'self'`.
const POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; connect-src 'self'";

pub struct App {
    assets: HashMap<String, Asset>,
}

impl App {
    pub fn load() -> Self {
        let files = Files::iter().filter_map(|path| {
            let file = Files::get(&path)?;
            Some((path.into_owned(), file.data.into_owned()))
        });
        Self::of(files)
    }

    fn of(files: impl Iterator<Item = (String, Vec<u8>)>) -> Self {
        Self { assets: files.map(|(path, bytes)| (path.clone(), Asset::new(&path, bytes))).collect() }
    }

    /// Whether there is an app to show.
    pub fn is_embedded(&self) -> bool {
        self.assets.contains_key(ENTRY)
    }

    /// Answers whatever is not of the API.
    pub fn answer(&self, request: &Request) -> Response {
        let path = request.uri().path().trim_start_matches('/');
        if path == "api" || path.starts_with("api/") {
            return Problem::NOT_FOUND.into_response();
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut refused = Problem::new("method_not_allowed").into_response();
            refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return refused;
        }
        let path = if path.is_empty() { ENTRY } else { path };
        match self.assets.get(path) {
            Some(asset) => page(asset, request.headers()),
            None if !is_navigation(path, request.headers()) => Problem::NOT_FOUND.into_response(),
            None => match self.assets.get(ENTRY) {
                Some(entry) => page(entry, request.headers()),
                None => placeholder::page(),
            },
        }
    }
}

fn page(asset: &Asset, headers: &HeaderMap) -> Response {
    let mut response = asset.answer(headers);
    if let Some(policy) = policy(headers) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// A path inside the app, asked for by a person's browser and not by a page that misses a file.
fn is_navigation(path: &str, headers: &HeaderMap) -> bool {
    let accepts_page = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    let is_file = path.rsplit('/').next().is_some_and(|name| name.contains('.'));
    path == ENTRY || (accepts_page && !is_file && !path.starts_with("assets/"))
}

fn policy(headers: &HeaderMap) -> Option<HeaderValue> {
    let sockets = match origin::host(headers) {
        Some(host) => format!(" ws://{host} wss://{host}"),
        None => String::new(),
    };
    HeaderValue::try_from(format!("{POLICY}{sockets}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use http::StatusCode;

    fn app() -> App {
        let files = [
            (ENTRY, "<!doctype html><title>Noroshi</title>".repeat(20)),
            ("assets/app.js", "export const one = 1;".repeat(50)),
            ("sw.js", "self.skip".to_owned()),
            ("manifest.webmanifest", "{}".to_owned()),
        ];
        App::of(files.into_iter().map(|(path, text)| (path.to_owned(), text.into_bytes())))
    }

    fn ask(app: &App, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = Request::get(path).header("host", "127.0.0.1:8780");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        app.answer(&request.body(Body::empty()).unwrap())
    }

    fn header<'a>(response: &'a Response, name: &str) -> &'a str {
        response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[test]
    fn files_have_their_type_and_are_asked_for_again() {
        let app = app();
        for (path, mime) in [
            ("/", "text/html; charset=utf-8"),
            ("/assets/app.js", "text/javascript; charset=utf-8"),
            ("/sw.js", "text/javascript; charset=utf-8"),
            ("/manifest.webmanifest", "application/manifest+json; charset=utf-8"),
        ] {
            let response = ask(&app, path, &[]);
            assert_eq!((response.status(), header(&response, "content-type")), (StatusCode::OK, mime), "{path}");
            assert_eq!(header(&response, "cache-control"), "no-cache");
        }
    }

    #[test]
    fn an_unchanged_file_is_not_sent_twice() {
        let app = app();
        for headers in [&[][..], &[("accept-encoding", "gzip, br")]] {
            let first = ask(&app, "/assets/app.js", headers);
            let tag = header(&first, "etag").to_owned();
            let mut again = headers.to_vec();
            let list = format!("\"other\", W/{tag}");
            again.push(("if-none-match", &list));
            assert_eq!(ask(&app, "/assets/app.js", &again).status(), StatusCode::NOT_MODIFIED);
        }
        assert_eq!(ask(&app, "/", &[("if-none-match", "\"other\"")]).status(), StatusCode::OK);
    }

    #[test]
    fn browsers_that_can_get_the_compressed_form() {
        let app = app();
        let plain = ask(&app, "/assets/app.js", &[]);
        let small = ask(&app, "/assets/app.js", &[("accept-encoding", "br, gzip")]);
        assert_eq!((header(&plain, "content-encoding"), header(&small, "content-encoding")), ("", "gzip"));
        assert_ne!(header(&plain, "etag"), header(&small, "etag"));
        let refused = ask(&app, "/assets/app.js", &[("accept-encoding", "gzip;q=0")]);
        assert_eq!(header(&refused, "content-encoding"), "");
        assert_eq!(header(&plain, "vary"), "accept-encoding");
    }

    #[test]
    fn paths_of_the_app_lead_to_its_page_and_missing_files_do_not() {
        let app = app();
        let navigate = [("accept", "text/html,application/xhtml+xml")];
        assert_eq!(ask(&app, "/rooms/0190-42", &navigate).status(), StatusCode::OK);
        for (path, headers) in [
            ("/rooms/0190-42", &[("accept", "application/json")][..]),
            ("/assets/missing.js", &navigate),
            ("/assets/missing", &navigate),
            ("/favicon.ico", &navigate),
            ("/api/v1/unknown", &navigate),
            ("/api", &navigate),
            ("/..%2f..%2fetc/passwd.txt", &navigate),
        ] {
            assert_eq!(ask(&app, path, headers).status(), StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[test]
    fn the_policy_names_our_own_sockets_only() {
        let response = ask(&app(), "/", &[]);
        let policy = header(&response, "content-security-policy");
        assert!(policy.ends_with("connect-src 'self' ws://127.0.0.1:8780 wss://127.0.0.1:8780"), "{policy}");
        assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"));
    }

    #[test]
    fn without_the_app_people_are_told() {
        let app = App::of(std::iter::empty());
        assert!(!app.is_embedded());
        let response = ask(&app, "/", &[("accept", "text/html")]);
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
