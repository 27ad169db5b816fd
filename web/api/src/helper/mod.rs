//! The page over plain HTTP that leads people to HTTPS: what to install, how, and whether it worked.
//!
//! It serves nothing else: no log-in, no message, no cookie. Whoever controls the network could show another page in its
//! place, so it asks people to compare the fingerprint with the poster that headquarters printed.

mod page;
mod profile;
mod template;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use http::uri::Authority;
use http::{HeaderName, HeaderValue, StatusCode, header};
use tokio::sync::watch;

use crate::auth::origin;
use crate::problem::Language;
use page::Visit;

/// Longer than any of these answers takes.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

const STYLE: &str = include_str!("assets/helper.css");
const SCRIPT: &str = include_str!("assets/helper.js");

/// What the helper page tells.
#[derive(Clone, Debug)]
pub struct HelperConfig {
    /// Port 0 takes any free port.
    pub listen: Vec<SocketAddr>,
    pub organisation: String,
    /// Where HTTPS is spoken, on the same names.
    pub https_port: u16,
    /// Names and addresses as they stand in a URL, the best for people first.
    pub names: Vec<String>,
    /// The certificate that people install (DER). `None`: not here yet, or issued by somebody else, who hands out theirs.
    pub authority: watch::Receiver<Option<Vec<u8>>>,
}

pub fn router(config: HelperConfig) -> Router {
    Router::new()
        .route("/", get(help))
        .route("/poster", get(poster))
        .route("/ca.crt", get(certificate))
        .route("/ca.mobileconfig", get(mobile_profile))
        .route("/helper.css", get(|| async { file("text/css; charset=utf-8", STYLE) }))
        .route("/helper.js", get(|| async { file("text/javascript; charset=utf-8", SCRIPT) }))
        .fallback(elsewhere)
        .layer(from_fn(harden))
        .with_state(Arc::new(config))
}

type Shared = State<Arc<HelperConfig>>;

async fn help(State(config): Shared, request: Request) -> Response {
    show(&config, &request, page::help)
}

async fn poster(State(config): Shared, request: Request) -> Response {
    show(&config, &request, page::poster)
}

fn show(config: &HelperConfig, request: &Request, page: fn(&HelperConfig, &Visit) -> String) -> Response {
    let Some(host) = host(request) else { return StatusCode::BAD_REQUEST.into_response() };
    let visit = Visit::new(config, &host, language(request));
    let mut response = Html(page(config, &visit)).into_response();
    // Only our own files, and the one picture that tells whether the certificate is trusted.
    let policy = format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src {}; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
        visit.https
    );
    match HeaderValue::try_from(policy) {
        Ok(policy) => _ = response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy),
        Err(_) => return StatusCode::BAD_REQUEST.into_response(),
    }
    let tag = HeaderValue::from_static(visit.language.tag());
    response.headers_mut().insert(header::CONTENT_LANGUAGE, tag);
    response
}

/// A file that every system takes for what it is: a certificate of an authority.
async fn certificate(State(config): Shared) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/x-x509-ca-cert"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"noroshi-ca.crt\""),
    ];
    match config.authority.borrow().clone() {
        Some(der) => (headers, der).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn mobile_profile(State(config): Shared) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/x-apple-aspen-config"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"noroshi.mobileconfig\""),
    ];
    match config.authority.borrow().as_deref() {
        Some(der) => (headers, profile::xml(&config.organisation, der)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// People who typed the address of a page of the app come to the start.
async fn elsewhere(request: Request) -> Response {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    if accept.contains("text/html") { Redirect::to("/").into_response() } else { StatusCode::NOT_FOUND.into_response() }
}

fn file(mime: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static(mime))], text).into_response()
}

/// The host that the browser knows us by, in characters that mean nothing in HTML or in a policy.
fn host(request: &Request) -> Option<Authority> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    origin::host(request.headers()).filter(|host| host.as_str().bytes().all(plain))
}

/// `?lang=en` from the switch on the page, else what the browser says.
fn language(request: &Request) -> Language {
    match request.uri().query() {
        Some("lang=en") => Language::English,
        Some("lang=ja") => Language::Japanese,
        _ => Language::of(request.headers()),
    }
}

async fn harden(request: Request, next: Next) -> Response {
    let Ok(mut response) = tokio::time::timeout(ANSWER_LIMIT, next.run(request)).await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}

/// No `Strict-Transport-Security` anywhere: a person whose browser does not trust us yet must be able to come back here.
const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];
