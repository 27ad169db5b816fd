//! What carries a connection: QUIC, or TLS over TCP where no UDP passes. Nothing above this knows the difference.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, ReadBuf};

use crate::close::{CloseCode, Ended};
use crate::tcp;
use crate::tls::{self, Accepted};

/// How two nodes are connected, the better one last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Transport {
    /// TLS over TCP: used where QUIC does not pass, and left as soon as it does.
    Tcp,
    Quic,
}

impl Transport {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Quic => "quic",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A connection after its handshake. Copies are the same connection.
#[derive(Clone, Debug)]
pub(crate) enum Carrier {
    Quic(quinn::Connection),
    Tcp(tcp::Line),
}

impl Carrier {
    pub fn transport(&self) -> Transport {
        match self {
            Self::Quic(_) => Transport::Quic,
            Self::Tcp(_) => Transport::Tcp,
        }
    }

    pub fn remote_address(&self) -> SocketAddr {
        let address = match self {
            Self::Quic(connection) => connection.remote_address(),
            Self::Tcp(line) => line.remote_address(),
        };
        canonical(address)
    }

    /// The certificates the other side has shown and proved to own, leaf first.
    pub fn certificates(&self) -> Vec<CertificateDer<'static>> {
        match self {
            Self::Quic(connection) => tls::certificates(connection),
            Self::Tcp(line) => line.certificates(),
        }
    }

    /// What the other side is.
    pub fn accepted(&self) -> Result<Accepted, CloseCode> {
        match self {
            Self::Quic(connection) => tls::accepted(connection),
            Self::Tcp(line) => line.accepted(),
        }
    }

    /// Smoothed; zero until one was measured.
    pub fn round_trip(&self) -> Duration {
        match self {
            Self::Quic(connection) => connection.rtt(),
            Self::Tcp(line) => line.round_trip(),
        }
    }

    /// Bytes that the network carried, handshakes and retransmissions of QUIC included: sent, received.
    pub fn bytes(&self) -> (u64, u64) {
        match self {
            Self::Quic(connection) => {
                let stats = connection.stats();
                (stats.udp_tx.bytes, stats.udp_rx.bytes)
            }
            Self::Tcp(line) => line.bytes(),
        }
    }

    pub fn close(&self, code: CloseCode) {
        match self {
            Self::Quic(connection) => connection.close(code.var_int(), code.to_string().as_bytes()),
            Self::Tcp(line) => line.close(code),
        }
    }

    /// Why it has ended, as far as the carrier knows; `None` while it has not.
    pub fn close_reason(&self) -> Option<Ended> {
        match self {
            Self::Quic(connection) => connection.close_reason().map(Ended::from),
            Self::Tcp(line) => line.close_reason(),
        }
    }

    pub async fn closed(&self) -> Ended {
        match self {
            Self::Quic(connection) => Ended::from(connection.closed().await),
            Self::Tcp(line) => line.closed().await,
        }
    }

    /// Opens a stream, once the peer gives room for it; `None` when the connection has ended.
    pub async fn open(&self) -> Option<Outgoing> {
        match self {
            Self::Quic(connection) => connection.open_uni().await.ok().map(Outgoing::Quic),
            Self::Tcp(line) => line.open().map(Outgoing::Tcp),
        }
    }

    /// The same without waiting.
    pub fn open_now(&self) -> Option<Outgoing> {
        self.open().now_or_never()?
    }

    /// The next stream that the peer opens; `None` when the connection has ended.
    pub async fn accept(&self) -> Option<Incoming> {
        match self {
            Self::Quic(connection) => connection.accept_uni().await.ok().map(Incoming::Quic),
            Self::Tcp(line) => line.incoming().await.map(Incoming::Tcp),
        }
    }

    /// Waits for a stream that goes both ways, which no peer may open. Over TCP there are none.
    pub async fn accept_both_ways(&self) {
        match self {
            Self::Quic(connection) => {
                if connection.accept_bi().await.is_err() {
                    // The connection has ended, which is no breach.
                    std::future::pending::<()>().await;
                }
            }
            Self::Tcp(_) => std::future::pending().await,
        }
    }
}

/// Addresses of IPv4 inside IPv6 are shown and compared as what they are.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// The sending end of a stream.
#[derive(Debug)]
pub(crate) enum Outgoing {
    Quic(quinn::SendStream),
    Tcp(tcp::Sending),
}

impl Outgoing {
    /// Streams of a higher number go first. `None` when the connection has ended.
    pub fn set_priority(&self, priority: i32) -> Option<()> {
        match self {
            Self::Quic(stream) => stream.set_priority(priority).ok(),
            Self::Tcp(stream) => {
                stream.set_priority(priority);
                Some(())
            }
        }
    }

    /// Takes as much as there is room for, once there is some; `None` when the connection has ended.
    pub async fn write(&mut self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Quic(stream) => stream.write(bytes).await.ok(),
            Self::Tcp(stream) => stream.write(bytes).await.ok(),
        }
    }

    pub async fn write_all(&mut self, mut bytes: &[u8]) -> Option<()> {
        while !bytes.is_empty() {
            let taken = self.write(bytes).await?;
            bytes = bytes.get(taken..)?;
        }
        Some(())
    }
}

/// The receiving end of a stream of the peer.
#[derive(Debug)]
pub(crate) enum Incoming {
    Quic(quinn::RecvStream),
    Tcp(tcp::Receiving),
}

impl AsyncRead for Incoming {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Quic(stream) => AsyncRead::poll_read(Pin::new(stream), context, into),
            Self::Tcp(stream) => AsyncRead::poll_read(Pin::new(stream), context, into),
        }
    }
}
