//! One question of a node that has no certificate yet, and its answer. What they say is for others to know.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use metrics::counter;
use noroshi_sync::id::NodeId;
use quinn::ReadToEndError;
use tokio::net::lookup_host;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::candidate::Target;
use crate::certificate::node_of;
use crate::clock::{CertificateTime, Clock};
use crate::close::{CloseCode, Ended};
use crate::connection::{Closer, canonical};
use crate::endpoint::{JoinEndpointError, open_for_join};
use crate::limits::{JOIN_BYTES_MAX, JOIN_TIMEOUT, JOINS_MAX, RESOLVE_TIMEOUT, SILENCE};
use crate::metric;
use crate::tls::{SERVER_NAME, certificates, join_client};

/// Answers those who join. `from` is for rate limits and logs.
pub trait JoinPort: Send + Sync + 'static {
    fn answer(&self, request: Vec<u8>, from: SocketAddr) -> Pin<Box<dyn Future<Output = Vec<u8>> + Send>>;
}

impl<F, A> JoinPort for F
where
    F: Fn(Vec<u8>, SocketAddr) -> A + Send + Sync + 'static,
    A: Future<Output = Vec<u8>> + Send + 'static,
{
    fn answer(&self, request: Vec<u8>, from: SocketAddr) -> Pin<Box<dyn Future<Output = Vec<u8>> + Send>> {
        Box::pin(self(request, from))
    }
}

/// What a join exchange brought.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JoinAnswer {
    pub response: Vec<u8>,
    /// The node that answered; its certificate ends at the root below.
    pub node: NodeId,
    /// The organisation's root certificate (DER), whose key has the fingerprint that was asked for.
    pub root: Vec<u8>,
}

/// Why a join exchange failed.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    #[error("not an address: {0}")]
    Address(String),
    #[error("cannot open a socket: {0}")]
    Socket(String),
    #[error("the request has more than {JOIN_BYTES_MAX} bytes")]
    RequestTooLarge,
    #[error("the answer has more than {JOIN_BYTES_MAX} bytes")]
    ResponseTooLarge,
    #[error("no answer in time")]
    TimedOut,
    /// Another organisation, a bad certificate, a busy node, an unreachable one.
    #[error(transparent)]
    Ended(#[from] Ended),
}

/// Asks the node at `address` (`host:port`), if it belongs to the organisation of this fingerprint.
pub async fn join(
    address: &str,
    organisation: [u8; 32],
    request: &[u8],
    clock: Arc<dyn Clock>,
) -> Result<JoinAnswer, JoinError> {
    if request.len() > JOIN_BYTES_MAX {
        return Err(JoinError::RequestTooLarge);
    }
    let time = Arc::new(CertificateTime(clock));
    let crypto = join_client(organisation, time).map_err(|error| JoinError::Socket(error.to_string()))?;
    let mut last = JoinError::Address(address.to_owned());
    for remote in resolve(address).await? {
        match timeout(JOIN_TIMEOUT, ask(crypto.clone(), remote, request)).await {
            Ok(Ok(answer)) => return Ok(answer),
            // Somebody was there; another address of the same host would say the same.
            Ok(Err(error @ JoinError::Ended(Ended::ByPeer(_) | Ended::ByUs(_) | Ended::Handshake(_)))) => {
                return Err(error);
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = JoinError::TimedOut,
        }
    }
    Err(last)
}

async fn resolve(address: &str) -> Result<Vec<SocketAddr>, JoinError> {
    match Target::parse(address) {
        Some(Target::Address(address)) => Ok(vec![address]),
        Some(Target::Host(host)) => match timeout(RESOLVE_TIMEOUT, lookup_host(&host)).await {
            Ok(Ok(addresses)) => Ok(addresses.collect()),
            Ok(Err(error)) => Err(JoinError::Address(format!("{address}: {error}"))),
            Err(_) => Err(JoinError::Address(format!("{address}: the name server does not answer"))),
        },
        None => Err(JoinError::Address(address.to_owned())),
    }
}

async fn ask(crypto: rustls::ClientConfig, remote: SocketAddr, request: &[u8]) -> Result<JoinAnswer, JoinError> {
    let local: SocketAddr = if remote.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
    let endpoint = open_for_join(crypto, local, SILENCE)
        .map_err(|error: JoinEndpointError| JoinError::Socket(error.to_string()))?;
    let connecting = endpoint.connect(remote, SERVER_NAME).map_err(|error| JoinError::Address(error.to_string()))?;
    let quic = connecting.await.map_err(Ended::from)?;
    let closer = Closer::new(quic.clone());
    let answer = exchange(&quic, request).await;
    let reason = quic.close_reason();
    closer.close(CloseCode::JoinDone);
    // The listener frees its place at once when it hears this.
    _ = timeout(SILENCE, endpoint.wait_idle()).await;
    let response = match (answer, reason) {
        (Ok(response), _) => response,
        // What a stream says of a lost connection is less than the connection itself says.
        (Err(JoinError::Ended(_)), Some(reason)) => return Err(Ended::from(reason).into()),
        (Err(error), _) => return Err(error),
    };
    let chain = certificates(&quic);
    let (Some(leaf), Some(root)) = (chain.first(), chain.last()) else {
        return Err(Ended::Handshake("no certificate".into()).into());
    };
    let node = node_of(leaf).map_err(|error| Ended::Handshake(error.to_string()))?;
    Ok(JoinAnswer { response, node, root: root.to_vec() })
}

async fn exchange(quic: &quinn::Connection, request: &[u8]) -> Result<Vec<u8>, JoinError> {
    let transport = |error: &dyn std::fmt::Display| JoinError::Ended(Ended::Transport(error.to_string()));
    let (mut sending, mut receiving) = quic.open_bi().await.map_err(Ended::from)?;
    sending.write_all(request).await.map_err(|error| transport(&error))?;
    sending.finish().map_err(|error| transport(&error))?;
    receiving.read_to_end(JOIN_BYTES_MAX).await.map_err(|error| match error {
        ReadToEndError::TooLong => JoinError::ResponseTooLarge,
        ReadToEndError::Read(error) => transport(&error),
    })
}

/// The listening side.
#[derive(Clone)]
pub(crate) struct JoinDesk {
    port: Arc<dyn JoinPort>,
    places: Arc<Semaphore>,
    limit: std::time::Duration,
}

impl JoinDesk {
    pub fn new(port: Arc<dyn JoinPort>) -> Self {
        Self { port, places: Arc::new(Semaphore::new(JOINS_MAX)), limit: JOIN_TIMEOUT }
    }

    /// One exchange, from the end of the handshake.
    pub async fn serve(&self, quic: quinn::Connection) {
        let closer = Closer::new(quic.clone());
        let Ok(_place) = self.places.try_acquire() else {
            counter!(metric::JOINS, "outcome" => "busy").increment(1);
            return closer.close(CloseCode::Busy);
        };
        let outcome = match timeout(self.limit, self.answer(&quic)).await {
            Ok(Ok(())) => "answered",
            Ok(Err(code)) => {
                closer.close(code);
                "refused"
            }
            Err(_) => {
                closer.close(CloseCode::Silent);
                "timeout"
            }
        };
        counter!(metric::JOINS, "outcome" => outcome).increment(1);
        closer.close(CloseCode::JoinDone);
    }

    async fn answer(&self, quic: &quinn::Connection) -> Result<(), CloseCode> {
        let (mut sending, mut receiving) = quic.accept_bi().await.map_err(|_| CloseCode::Protocol)?;
        let request = receiving.read_to_end(JOIN_BYTES_MAX).await.map_err(|error| match error {
            ReadToEndError::TooLong => CloseCode::TooLarge,
            ReadToEndError::Read(_) => CloseCode::Protocol,
        })?;
        let response = self.port.answer(request, canonical(quic.remote_address())).await;
        if response.len() > JOIN_BYTES_MAX {
            tracing::error!(bytes = response.len(), "the answer to a join is over the limit");
            return Err(CloseCode::Store);
        }
        sending.write_all(&response).await.map_err(|_| CloseCode::Protocol)?;
        sending.finish().map_err(|_| CloseCode::Protocol)?;
        // The joining side closes when it has read everything.
        quic.closed().await;
        Ok(())
    }
}
