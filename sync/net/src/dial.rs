//! One attempt at one address, up to the certificate of who is there.

use std::net::SocketAddr;
use std::time::Duration;

use noroshi_sync::id::NodeId;
use tokio::net::lookup_host;
use tokio::time::{Instant, timeout, timeout_at};

use crate::candidate::Target;
use crate::close::{CloseCode, Ended};
use crate::connection::Closer;
use crate::limits::RESOLVE_TIMEOUT;
use crate::listener::Listeners;
use crate::tls::{Accepted, SERVER_NAME, accepted};

/// Addresses of one host name that are tried, one after the other.
const ADDRESSES_PER_HOST_MAX: usize = 4;

/// How long an attempt may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DialLimits {
    /// Until anything is heard from the address.
    pub first_answer: Duration,
    /// Until the handshake is complete.
    pub handshake: Duration,
}

/// Who is at the target.
pub(crate) async fn dial(
    listeners: &Listeners,
    target: &Target,
    limits: DialLimits,
) -> Result<(NodeId, quinn::Connection), Ended> {
    let mut last = Ended::Address("the name has no address".into());
    for address in addresses_of(target).await? {
        match dial_address(listeners, address, limits).await {
            Ok(reached) => return Ok(reached),
            Err(ended) => last = ended,
        }
    }
    Err(last)
}

async fn addresses_of(target: &Target) -> Result<Vec<SocketAddr>, Ended> {
    let host = match target {
        Target::Address(address) => return Ok(vec![*address]),
        Target::Host(host) => host,
    };
    match timeout(RESOLVE_TIMEOUT, lookup_host(host)).await {
        Ok(Ok(addresses)) => Ok(addresses.take(ADDRESSES_PER_HOST_MAX).collect()),
        Ok(Err(error)) => Err(Ended::Address(error.to_string())),
        Err(_) => Err(Ended::Address("the name server does not answer".into())),
    }
}

async fn dial_address(
    listeners: &Listeners,
    address: SocketAddr,
    limits: DialLimits,
) -> Result<(NodeId, quinn::Connection), Ended> {
    let endpoint =
        listeners.towards(address.ip()).ok_or_else(|| Ended::Address("no local address reaches there".into()))?;
    let begun = Instant::now();
    let mut connecting = endpoint.connect(address, SERVER_NAME).map_err(|error| Ended::Address(error.to_string()))?;
    // Dropping `connecting` ends the attempt.
    timeout(limits.first_answer, connecting.handshake_data()).await.map_err(|_| Ended::TimedOut)??;
    let connection = timeout_at(begun + limits.handshake, connecting).await.map_err(|_| Ended::TimedOut)??;
    let closer = Closer::new(connection.clone());
    match accepted(&connection) {
        Ok(Accepted::Peer(peer)) => Ok((peer, connection)),
        Ok(Accepted::Joiner) => {
            closer.close(CloseCode::Protocol);
            Err(Ended::ByUs(CloseCode::Protocol))
        }
        Err(code) => {
            closer.close(code);
            Err(Ended::ByUs(code))
        }
    }
}
