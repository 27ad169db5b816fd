//! One attempt at one address, up to the certificate of who is there: over QUIC, and where that does not get through over
//! TCP beside it.

use std::net::SocketAddr;
use std::time::Duration;

use noroshi_sync::id::NodeId;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::candidate::Target;
use crate::carrier::Carrier;
use crate::close::{CloseCode, Ended};
use crate::connection::Closer;
use crate::limits::{QUIC_LAST_CHANCE, RESOLVE_TIMEOUT, TCP_HEAD_START};
use crate::listener::Listeners;
use crate::tcp::Line;
use crate::tls::{Accepted, SERVER_NAME};

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

/// Over what an address is dialled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ways {
    QuicOnly,
    /// QUIC, and TCP if QUIC has not answered by then.
    QuicThenTcp,
}

/// Who is at the target.
pub(crate) async fn dial(
    listeners: &Listeners,
    target: &Target,
    ways: Ways,
    limits: DialLimits,
) -> Result<(NodeId, Carrier), Ended> {
    let mut last = Ended::Address("the name has no address".into());
    for address in addresses_of(target).await? {
        match dial_address(listeners, address, ways, limits).await.and_then(identify) {
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
    ways: Ways,
    limits: DialLimits,
) -> Result<Carrier, Ended> {
    let quic = dial_quic(listeners, address, limits);
    if ways == Ways::QuicOnly {
        return quic.await;
    }
    tokio::pin!(quic);
    let tcp = dial_tcp(listeners, address, limits);
    tokio::pin!(tcp);
    tokio::select! {
        reached = &mut quic => match reached {
            // Somebody is there and says no, or nobody is: TCP may know better only in the second case.
            Err(Ended::TimedOut) => tcp.await,
            reached => reached,
        },
        reached = &mut tcp => match (reached, &mut quic) {
            (Ok(line), _) => Ok(line),
            // A refusal says more than silence.
            (Err(refused), quic) => match quic.await {
                Err(Ended::TimedOut) if refused.is_refusal() => Err(refused),
                reached => reached,
            },
        },
    }
}

async fn dial_quic(listeners: &Listeners, address: SocketAddr, limits: DialLimits) -> Result<Carrier, Ended> {
    let endpoint =
        listeners.towards(address.ip()).ok_or_else(|| Ended::Address("no local address reaches there".into()))?;
    let begun = Instant::now();
    let mut connecting = endpoint.connect(address, SERVER_NAME).map_err(|error| Ended::Address(error.to_string()))?;
    // Dropping `connecting` ends the attempt.
    timeout(limits.first_answer, connecting.handshake_data()).await.map_err(|_| Ended::TimedOut)??;
    let connection = timeout_at(begun + limits.handshake, connecting).await.map_err(|_| Ended::TimedOut)??;
    Ok(Carrier::Quic(connection))
}

/// Connects over TCP, and then gives QUIC a last chance: the line may have come back this moment, and TCP may merely have
/// sent again sooner.
async fn dial_tcp(listeners: &Listeners, address: SocketAddr, limits: DialLimits) -> Result<Carrier, Ended> {
    sleep(TCP_HEAD_START).await;
    let settings =
        listeners.tcp_towards(address.ip()).ok_or_else(|| Ended::Address("no local address reaches there".into()))?;
    let begun = Instant::now();
    let connecting = timeout(limits.first_answer, TcpStream::connect(address));
    let socket = connecting.await.map_err(|_| Ended::TimedOut)?.map_err(|error| Ended::of_tls(&error))?;
    let last_chance = DialLimits { first_answer: QUIC_LAST_CHANCE + 4 * begun.elapsed(), ..limits };
    let handshake = Line::connect(socket, address, settings.client, &settings.manner);
    let (quic, line) = tokio::join!(dial_quic(listeners, address, last_chance), timeout(limits.handshake, handshake));
    match (quic, line) {
        (Ok(quic), line) => {
            if let Ok(Ok(line)) = line {
                line.close(CloseCode::Redundant);
            }
            Ok(quic)
        }
        (Err(_), Ok(Ok(line))) => Ok(Carrier::Tcp(line)),
        (Err(_), Ok(Err(error))) => Err(Ended::of_tls(&error)),
        (Err(_), Err(_)) => Err(Ended::TimedOut),
    }
}

fn identify(carrier: Carrier) -> Result<(NodeId, Carrier), Ended> {
    let closer = Closer::new(carrier.clone());
    match carrier.accepted() {
        Ok(Accepted::Peer(peer)) => Ok((peer, carrier)),
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
