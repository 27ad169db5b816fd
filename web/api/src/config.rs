//! What the daemon decides about the web server: where it listens, and how much it bears.

use std::net::SocketAddr;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;

use crate::helper::HelperConfig;
use crate::server::ServedCertificate;

#[derive(Clone, Debug)]
pub struct WebConfig {
    pub listen: Vec<Listen>,
    /// The page that helps people trust this node's certificate.
    pub helper: Option<HelperConfig>,
    pub limits: ConnectionLimits,
    /// Renders `GET /metrics`. Without it the page says that there are no figures.
    pub metrics: Option<PrometheusHandle>,
}

impl WebConfig {
    pub fn new(listen: Vec<Listen>) -> Self {
        Self { listen, helper: None, limits: ConnectionLimits::default(), metrics: None }
    }
}

/// One address and how it speaks. Port 0 takes any free port.
#[derive(Clone, Debug)]
pub struct Listen {
    pub address: SocketAddr,
    pub transport: Transport,
}

impl Listen {
    pub const fn plain(address: SocketAddr) -> Self {
        Self { address, transport: Transport::Plain }
    }

    pub const fn tls(address: SocketAddr, certificate: ServedCertificate) -> Self {
        Self { address, transport: Transport::Tls(certificate) }
    }
}

/// How bytes travel between the browser and us.
#[derive(Clone, Debug)]
pub enum Transport {
    /// HTTP without TLS: for loopback, and where an administrator opted in.
    Plain,
    /// HTTPS with whatever certificate is in force when a connection begins.
    Tls(ServedCertificate),
}

/// Connections and times. Change one only when you see what its comment says.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// Connections in all. Raise with the file limit of the service when clients get 503 while memory is free.
    pub total: usize,
    /// Connections of one address. Raise when many people share one address (terminal server, NAT) and get 503.
    pub per_address: usize,
    /// The same for loopback, where a reverse proxy or a test sits.
    pub per_loopback: usize,
    /// From the connection's start to the end of the TLS handshake.
    pub handshake_time: Duration,
    /// From the end of one answer (or the connection's start) to the end of the next request's headers.
    pub header_time: Duration,
    /// From the headers to the end of a JSON body.
    pub body_time: Duration,
    /// From the headers to the beginning of the answer.
    pub answer_time: Duration,
    /// A client that takes none of our bytes for so long is dropped.
    pub stall_time: Duration,
    /// A connection is not used for another request after this age, so that no one keeps a place for ever.
    pub age: Duration,
    /// A ping goes to each WebSocket, and a comment to each event stream, this often.
    pub ping_every: Duration,
    /// How long running requests may go on after the shutdown began.
    pub shutdown_time: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            total: 12_000,
            per_address: 64,
            per_loopback: 4_096,
            handshake_time: Duration::from_secs(10),
            header_time: Duration::from_secs(10),
            body_time: Duration::from_secs(30),
            answer_time: Duration::from_secs(60),
            stall_time: Duration::from_secs(30),
            age: Duration::from_secs(3_600),
            ping_every: Duration::from_secs(20),
            shutdown_time: Duration::from_secs(10),
        }
    }
}
