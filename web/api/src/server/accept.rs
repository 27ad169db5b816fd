//! Takes sockets from one listener, as long as there is a place for them.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use super::guarded_io::GuardedIo;
use super::{Door, Shared, connection, tls};
use crate::config::Transport;
use crate::observe::names;

/// After a failed accept (no file descriptor is free), so that the loop does not spin.
const PAUSE: Duration = Duration::from_millis(50);

/// What a client hears for which there is no place. Written without reading a byte of its request.
const NO_PLACE: &str = "HTTP/1.1 503 Service Unavailable\r\n\
    Content-Type: application/problem+json\r\nConnection: close\r\nCache-Control: no-store\r\n";
const NO_PLACE_BODY: &str = r#"{"type":"about:blank#busy","title":"混み合っています","status":503,"code":"busy","detail":"接続が多すぎます。少し待ってからもう一度お試しください。"}"#;
/// The times to come again are spread over so many seconds.
const RETRY_SPREAD_S: u16 = 30;

pub async fn accept(listener: TcpListener, door: Door, shared: Shared) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = shared.shutdown.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => admit(socket, peer, &door, &shared),
            Err(error) => {
                tracing::warn!(%error, "no connection could be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn admit(socket: TcpStream, peer: SocketAddr, door: &Door, shared: &Shared) {
    let Some(permit) = shared.permits.take(peer.ip()) else {
        metrics::counter!(names::CONNECTIONS_REFUSED).increment(1);
        refuse(&socket, peer);
        return;
    };
    // Without it an event waits for the acknowledgement of the one before; a socket that refuses is about to fail anyway.
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY was refused");
    }
    let io = GuardedIo::new(socket, permit, shared.limits.stall_time, shared.tasks.clone());
    let (router, own) = (door.router.clone(), shared.clone());
    match &door.transport {
        Transport::Plain => shared.tasks.spawn(connection::run(io, peer, router, own)),
        Transport::Tls(certificate) => shared.tasks.spawn(tls::run(io, peer, certificate.clone(), router, own)),
    };
}

/// The send buffer of a new socket has room for this; if the client is gone already, nobody misses it.
fn refuse(socket: &TcpStream, peer: SocketAddr) {
    let retry_after = peer.port() % RETRY_SPREAD_S + 1;
    let length = NO_PLACE_BODY.len();
    let answer = format!("{NO_PLACE}Retry-After: {retry_after}\r\nContent-Length: {length}\r\n\r\n{NO_PLACE_BODY}");
    if let Err(error) = socket.try_write(answer.as_bytes()) {
        tracing::debug!(%error, "a refused client did not wait for the reason");
    }
}
