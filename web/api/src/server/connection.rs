//! Speaks HTTP/1.1 on one socket, within the limits of time and size.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tower::ServiceExt;

use super::Shared;
use crate::limits::HEADER_MAX;

/// Who is at the other end of the socket; every request carries it.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

pub async fn run<Io>(io: Io, peer: SocketAddr, router: Router, shared: Shared)
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let router = router.clone();
        async move {
            let mut request: Request = request.map(Body::new);
            request.extensions_mut().insert(Peer(peer));
            Ok::<_, Infallible>(router.oneshot(request).await.unwrap_or_else(|never| match never {}))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(shared.limits.header_time)
        .max_header_size(HEADER_MAX)
        .max_buf_size(HEADER_MAX * 2)
        .serve_connection(TokioIo::new(io), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = shared.shutdown.cancelled() => None,
        () = tokio::time::sleep(shared.limits.age) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection.as_mut() => ended,
                () = shared.abort.cancelled() => Ok(()),
            }
        }
    };
    if let Err(error) = ended {
        // Clients that vanish, send garbage or are too slow: their affair, and too many for a louder level.
        tracing::debug!(%peer, %error, "connection ended early");
    }
}
