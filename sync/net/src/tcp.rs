//! What QUIC gives, on one TCP connection with TLS, for networks that let no UDP pass: streams of their own pace and
//! priority, credit for each, a keep-alive, and a reason at the end.
//!
//! ```text
//!   segment    the bytes between the two sides
//!   lanes      the streams: what waits, whose turn it is, who may send how much (no sockets, no clock)
//!   wire       the two tasks that read and write
//! ```
//!
//! Frames are cut into segments of at most [`TCP_SEGMENT_BYTES`], and little waits in the kernel, so history never stands
//! long before an urgent entry.

mod lanes;
mod segment;
mod wire;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use socket2::SockRef;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};
use tokio_util::task::TaskTracker;

use crate::close::{CloseCode, Ended};
use crate::limits::TCP_UNSENT_BYTES;
use crate::tls::{Accepted, SERVER_NAME, judge};

use lanes::Lanes;

/// One connection. Its copies are the same connection; it ends with [`Line::close`], or when the peer ends it.
#[derive(Clone)]
pub(crate) struct Line(Arc<Shared>);

struct Shared {
    remote: SocketAddr,
    certificates: Vec<CertificateDer<'static>>,
    protocol: Option<Vec<u8>>,
    lanes: Mutex<Lanes>,
    /// The writing task has something to do.
    to_write: Notify,
    /// The peer opened a stream.
    opened: Notify,
    ended: watch::Sender<Option<Ended>>,
    sent: AtomicU64,
    received: AtomicU64,
    round_trip_us: AtomicU64,
}

/// How long a connection waits for its peer, and where its tasks are counted.
#[derive(Clone, Debug)]
pub(crate) struct Manner {
    /// Without a byte for so long the line is cut.
    pub silence: Duration,
    pub tasks: TaskTracker,
}

impl Line {
    /// The dialling side, up to the end of the handshake.
    pub async fn connect(
        socket: TcpStream,
        remote: SocketAddr,
        crypto: Arc<rustls::ClientConfig>,
        manner: &Manner,
    ) -> io::Result<Self> {
        prepare(&socket);
        let name = SERVER_NAME.try_into().map_err(io::Error::other)?;
        let stream = TlsConnector::from(crypto).connect(name, socket).await?;
        Ok(Self::begin(stream.into(), remote, manner))
    }

    /// The listening side, up to the end of the handshake.
    pub async fn accept(
        socket: TcpStream,
        remote: SocketAddr,
        crypto: Arc<rustls::ServerConfig>,
        manner: &Manner,
    ) -> io::Result<Self> {
        prepare(&socket);
        let stream = TlsAcceptor::from(crypto).accept(socket).await?;
        Ok(Self::begin(stream.into(), remote, manner))
    }

    fn begin(stream: TlsStream<TcpStream>, remote: SocketAddr, manner: &Manner) -> Self {
        let (_, tls) = stream.get_ref();
        let certificates =
            tls.peer_certificates().unwrap_or_default().iter().map(|certificate| certificate.clone().into_owned());
        let line = Self(Arc::new(Shared {
            remote,
            certificates: certificates.collect(),
            protocol: tls.alpn_protocol().map(<[u8]>::to_vec),
            lanes: Mutex::default(),
            to_write: Notify::new(),
            opened: Notify::new(),
            ended: watch::Sender::new(None),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            round_trip_us: AtomicU64::new(0),
        }));
        wire::spawn(&line, stream, manner);
        line
    }

    pub fn accepted(&self) -> Result<Accepted, CloseCode> {
        judge(self.0.protocol.as_deref(), self.0.certificates.first())
    }

    pub fn certificates(&self) -> Vec<CertificateDer<'static>> {
        self.0.certificates.clone()
    }

    pub fn remote_address(&self) -> SocketAddr {
        self.0.remote
    }

    /// Smoothed; zero until one was measured.
    pub fn round_trip(&self) -> Duration {
        Duration::from_micros(self.0.round_trip_us.load(Ordering::Relaxed))
    }

    /// Bytes of TLS records sent and received, about.
    pub fn bytes(&self) -> (u64, u64) {
        (self.0.sent.load(Ordering::Relaxed), self.0.received.load(Ordering::Relaxed))
    }

    /// The first reason counts, also that of the peer.
    pub fn close(&self, code: CloseCode) {
        self.end(Ended::ByUs(code));
    }

    pub fn close_reason(&self) -> Option<Ended> {
        self.0.ended.borrow().clone()
    }

    pub async fn closed(&self) -> Ended {
        let mut ended = self.0.ended.subscribe();
        let reason = ended.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
        reason.unwrap_or(Ended::Reset)
    }

    /// Opens a stream; `None` when there are as many as may be.
    pub fn open(&self) -> Option<Sending> {
        let number = self.lanes().open()?;
        Some(Sending { line: self.clone(), number })
    }

    /// The next stream that the peer opens; `None` when the connection has ended.
    pub async fn incoming(&self) -> Option<Receiving> {
        let mut ended = self.0.ended.subscribe();
        loop {
            let opened = self.0.opened.notified();
            if let Some(number) = self.lanes().accept() {
                return Some(Receiving { line: self.clone(), number });
            }
            tokio::select! {
                () = opened => {}
                _ = ended.wait_for(Option::is_some) => return None,
            }
        }
    }

    fn end(&self, reason: Ended) {
        let is_first = self.0.ended.send_if_modified(|ended| {
            let is_first = ended.is_none();
            ended.get_or_insert(reason);
            is_first
        });
        if is_first {
            self.0.to_write.notify_one();
            self.lanes().wake_all();
        }
    }

    fn has_ended(&self) -> bool {
        self.0.ended.borrow().is_some()
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.0.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line({})", self.0.remote)
    }
}

/// Small segments leave at once, and the kernel keeps little that is not yet sent, so that what is urgent overtakes the
/// rest here and not behind it. Where the kernel has BBR, it also keeps the queues of modems short.
fn prepare(socket: &TcpStream) {
    let reference = SockRef::from(socket);
    let results = [
        socket.set_nodelay(true),
        reference.set_tcp_notsent_lowat(TCP_UNSENT_BYTES),
        reference.set_tcp_congestion(b"bbr"),
    ];
    for error in results.into_iter().filter_map(Result::err) {
        tracing::debug!(%error, "a setting of a TCP socket stays as it is");
    }
}

/// The sending end of a stream.
#[derive(Debug)]
pub(crate) struct Sending {
    line: Line,
    number: usize,
}

/// The connection has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Gone;

impl Sending {
    /// Streams of a higher number go first.
    pub fn set_priority(&self, priority: i32) {
        self.line.lanes().set_priority(self.number, priority);
    }

    /// Takes as much as there is room for, once there is some.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<usize, Gone> {
        std::future::poll_fn(|context| self.poll_write(context, bytes)).await
    }

    fn poll_write(&self, context: &Context<'_>, bytes: &[u8]) -> Poll<Result<usize, Gone>> {
        let mut lanes = self.line.lanes();
        if self.line.has_ended() {
            return Poll::Ready(Err(Gone));
        }
        match lanes.write(self.number, bytes, context.waker()) {
            Some(taken) => {
                self.line.0.to_write.notify_one();
                Poll::Ready(Ok(taken))
            }
            None => Poll::Pending,
        }
    }
}

/// The receiving end of a stream of the peer.
#[derive(Debug)]
pub(crate) struct Receiving {
    line: Line,
    number: usize,
}

impl AsyncRead for Receiving {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut lanes = self.line.lanes();
        let before = into.filled().len();
        let has_credit_to_tell = lanes.read(self.number, into, context.waker());
        if has_credit_to_tell {
            self.line.0.to_write.notify_one();
        }
        if into.filled().len() > before || into.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        // What arrived before the end is still read.
        if self.line.has_ended() { Poll::Ready(Err(io::ErrorKind::NotConnected.into())) } else { Poll::Pending }
    }
}
