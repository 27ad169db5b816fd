//! What operators see: one event and two figures for every request, and the names of all figures of this crate.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;

/// Names of figures; each is documented where it is described.
pub mod names {
    pub const CONNECTIONS: &str = "noroshi_web_connections";
    pub const CONNECTIONS_REFUSED: &str = "noroshi_web_connections_refused_total";
    pub const HANDSHAKES_FAILED: &str = "noroshi_web_tls_handshakes_failed_total";
    pub const REQUESTS: &str = "noroshi_web_requests_total";
    pub const REQUEST_SECONDS: &str = "noroshi_web_request_seconds";
    pub const EVENT_STREAMS: &str = "noroshi_web_event_streams";
    pub const EVENTS_SENT: &str = "noroshi_web_events_sent_total";
    pub const EVENT_REFETCHES: &str = "noroshi_web_event_refetches_total";
    pub const LOGINS_REFUSED: &str = "noroshi_web_logins_refused_total";
}

/// Says once what each figure means. Without a recorder this does nothing.
pub fn describe() {
    use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
    describe_gauge!(names::CONNECTIONS, "Open connections of browsers and programs, WebSockets included");
    describe_counter!(names::CONNECTIONS_REFUSED, "Connections refused because every place was taken");
    describe_counter!(
        names::HANDSHAKES_FAILED,
        "TLS handshakes that came to nothing: browsers that do not trust the certificate yet, and scanners"
    );
    describe_counter!(names::REQUESTS, "Requests by method, route and status");
    describe_histogram!(names::REQUEST_SECONDS, Unit::Seconds, "Time to the beginning of the answer, by route");
    describe_gauge!(names::EVENT_STREAMS, "Open event streams, WebSockets and server-sent events");
    describe_counter!(names::EVENTS_SENT, "Events sent to browsers");
    describe_counter!(names::EVENT_REFETCHES, "Times a browser was told to fetch again because it was too far behind");
    describe_counter!(names::LOGINS_REFUSED, "Log-ins refused, by reason");
}

/// Middleware around everything. Routes appear as their pattern: no id, no text, no secret reaches a figure or the log.
pub async fn observe(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("other".into(), |path| path.as_str().to_owned());
    let response = next.run(request).await;
    let elapsed = started.elapsed();
    let status = response.status().as_u16();
    tracing::debug!(%method, route, status, elapsed_us = elapsed.as_micros(), "request");
    let method = match method.as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => known.to_owned(),
        _ => "other".to_owned(),
    };
    metrics::histogram!(names::REQUEST_SECONDS, "route" => route.clone()).record(elapsed.as_secs_f64());
    metrics::counter!(names::REQUESTS, "method" => method, "route" => route, "status" => status.to_string())
        .increment(1);
    response
}
