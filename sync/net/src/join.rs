//! One question of a node that has no certificate yet, and its answer. What they say is for others to know.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use metrics::counter;
use noroshi_sync::frame::Class;
use noroshi_sync::id::NodeId;
use quinn::ReadToEndError;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::candidate::Target;
use crate::carrier::{Carrier, Incoming, Outgoing};
use crate::certificate::node_of;
use crate::clock::{CertificateTime, Clock};
use crate::close::{CloseCode, Ended};
use crate::connection::Closer;
use crate::endpoint::{JoinEndpointError, open_for_join};
use crate::limits::{FIRST_ANSWER_TIMEOUT, JOIN_BYTES_MAX, JOIN_TIMEOUT, JOINS_MAX, RESOLVE_TIMEOUT, SILENCE};
use crate::metric;
use crate::stream::{opening, read_class};
use crate::tcp::{Line, Manner};
use crate::tls::{SERVER_NAME, join_client};

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
    let crypto_of_tcp = Arc::new(crypto.clone());
    let endpoint = open_for_join(crypto, local, SILENCE)
        .map_err(|error: JoinEndpointError| JoinError::Socket(error.to_string()))?;
    let carrier = reach(&endpoint, crypto_of_tcp, remote).await?;
    let closer = Closer::new(carrier.clone());
    let answer = match &carrier {
        Carrier::Quic(quic) => exchange(quic, request).await,
        Carrier::Tcp(_) => exchange_framed(&carrier, request).await,
    };
    let reason = carrier.close_reason();
    closer.close(CloseCode::JoinDone);
    // The listener frees its place at once when it hears this.
    _ = timeout(SILENCE, endpoint.wait_idle()).await;
    let response = match (answer, reason) {
        (Ok(response), _) => response,
        // What a stream says of a lost connection is less than the connection itself says.
        (Err(JoinError::Ended(_)), Some(reason)) => return Err(reason.into()),
        (Err(error), _) => return Err(error),
    };
    let chain = carrier.certificates();
    let (Some(leaf), Some(root)) = (chain.first(), chain.last()) else {
        return Err(Ended::Handshake("no certificate".into()).into());
    };
    let node = node_of(leaf).map_err(|error| Ended::Handshake(error.to_string()))?;
    Ok(JoinAnswer { response, node, root: root.to_vec() })
}

/// Over QUIC; over TCP, if that has not answered for a moment.
async fn reach(
    endpoint: &quinn::Endpoint,
    crypto: Arc<rustls::ClientConfig>,
    remote: SocketAddr,
) -> Result<Carrier, JoinError> {
    let mut connecting =
        endpoint.connect(remote, SERVER_NAME).map_err(|error| JoinError::Address(error.to_string()))?;
    if timeout(FIRST_ANSWER_TIMEOUT, connecting.handshake_data()).await.is_err() {
        let tcp = async {
            let socket = TcpStream::connect(remote).await?;
            let manner = Manner { silence: SILENCE, tasks: TaskTracker::new() };
            Line::connect(socket, remote, crypto, &manner).await
        };
        return tokio::select! {
            Ok(line) = tcp => Ok(Carrier::Tcp(line)),
            connected = connecting => Ok(Carrier::Quic(connected.map_err(Ended::from)?)),
        };
    }
    Ok(Carrier::Quic(connecting.await.map_err(Ended::from)?))
}

/// Over TCP: each side opens one stream of class control, on which a frame each way travels.
async fn exchange_framed(carrier: &Carrier, request: &[u8]) -> Result<Vec<u8>, JoinError> {
    let lost = || JoinError::Ended(Ended::Reset);
    let mut sending = carrier.open_now().ok_or_else(lost)?;
    write_framed(&mut sending, request).await.ok_or_else(lost)?;
    let mut receiving = carrier.accept().await.ok_or_else(lost)?;
    read_framed(&mut receiving).await.map_err(|code| match code {
        CloseCode::TooLarge => JoinError::ResponseTooLarge,
        _ => lost(),
    })
}

async fn write_framed(stream: &mut Outgoing, bytes: &[u8]) -> Option<()> {
    let length = u32::try_from(bytes.len()).ok()?;
    stream.write_all(&opening(Class::Control)).await?;
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(bytes).await
}

async fn read_framed(stream: &mut Incoming) -> Result<Vec<u8>, CloseCode> {
    if read_class(stream).await.map_err(|error| error.close_code())? != Class::Control {
        return Err(CloseCode::Protocol);
    }
    let length = stream.read_u32().await.map_err(|_| CloseCode::Protocol)?;
    let length = usize::try_from(length).ok().filter(|length| *length <= JOIN_BYTES_MAX).ok_or(CloseCode::TooLarge)?;
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await.map_err(|_| CloseCode::Protocol)?;
    Ok(bytes)
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
    pub async fn serve(&self, carrier: Carrier) {
        let closer = Closer::new(carrier.clone());
        let Ok(_place) = self.places.try_acquire() else {
            counter!(metric::JOINS, "outcome" => "busy").increment(1);
            return closer.close(CloseCode::Busy);
        };
        let outcome = match timeout(self.limit, self.answer(&carrier)).await {
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

    async fn answer(&self, carrier: &Carrier) -> Result<(), CloseCode> {
        match carrier {
            Carrier::Quic(quic) => self.answer_over_quic(quic, carrier.remote_address()).await?,
            Carrier::Tcp(_) => {
                let mut receiving = carrier.accept().await.ok_or(CloseCode::Protocol)?;
                let request = read_framed(&mut receiving).await?;
                let response = self.respond(request, carrier.remote_address()).await?;
                let mut sending = carrier.open_now().ok_or(CloseCode::Protocol)?;
                write_framed(&mut sending, &response).await.ok_or(CloseCode::Protocol)?;
            }
        }
        // The joining side closes when it has read everything.
        carrier.closed().await;
        Ok(())
    }

    async fn answer_over_quic(&self, quic: &quinn::Connection, from: SocketAddr) -> Result<(), CloseCode> {
        let (mut sending, mut receiving) = quic.accept_bi().await.map_err(|_| CloseCode::Protocol)?;
        let request = receiving.read_to_end(JOIN_BYTES_MAX).await.map_err(|error| match error {
            ReadToEndError::TooLong => CloseCode::TooLarge,
            ReadToEndError::Read(_) => CloseCode::Protocol,
        })?;
        let response = self.respond(request, from).await?;
        sending.write_all(&response).await.map_err(|_| CloseCode::Protocol)?;
        sending.finish().map_err(|_| CloseCode::Protocol)
    }

    async fn respond(&self, request: Vec<u8>, from: SocketAddr) -> Result<Vec<u8>, CloseCode> {
        let response = self.port.answer(request, from).await;
        if response.len() > JOIN_BYTES_MAX {
            tracing::error!(bytes = response.len(), "the answer to a join is over the limit");
            return Err(CloseCode::Store);
        }
        Ok(response)
    }
}
