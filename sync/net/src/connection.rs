//! One connection to a peer: a stream for each class of frames and direction, and the tasks that serve them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt;
use metrics::counter;
use noroshi_sync::frame::Class;
use noroshi_sync::id::NodeId;
use noroshi_sync::store::Scope;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_util::task::TaskTracker;

use crate::carrier::{Carrier, Incoming, Outgoing, Transport};
use crate::clock::milliseconds;
use crate::close::{CloseCode, Ended};
use crate::limits::OUTGOING_FRAMES_MAX;
use crate::metric;
use crate::pairing::{ConnectionNumber, Side};
use crate::report::{Inbound, Report};
use crate::stream::{Greeting, LENGTH_BYTES, Run, StreamError, greeting, length_of, opening, read_class, read_frame};

/// Where the tasks of connections send what they have, and how long a peer may take nothing.
#[derive(Clone)]
pub(crate) struct Wiring {
    pub reports: mpsc::Sender<Report>,
    /// Frames of class control and urgent.
    pub urgent: mpsc::Sender<Inbound>,
    /// The other frames.
    pub bulk: mpsc::Sender<Inbound>,
    pub tasks: TaskTracker,
    pub stall: Duration,
}

/// Closes a connection and remembers why.
#[derive(Clone, Debug)]
pub(crate) struct Closer {
    connection: Carrier,
    code: Arc<OnceLock<CloseCode>>,
}

impl Closer {
    pub fn new(connection: Carrier) -> Self {
        Self { connection, code: Arc::default() }
    }

    /// The first reason counts, also that of the peer: quinn would let a later one of ours hide it.
    pub fn close(&self, code: CloseCode) {
        if self.connection.close_reason().is_some() {
            return;
        }
        let code = *self.code.get_or_init(|| code);
        self.connection.close(code);
    }

    fn ended(&self, ended: Ended) -> Ended {
        match (ended, self.code.get()) {
            (Ended::EndpointClosed, Some(code)) => Ended::ByUs(*code),
            (ended, _) => ended,
        }
    }
}

/// A connection whose two sides have greeted each other. It carries frames once it is started.
pub(crate) struct Connection {
    pub number: ConnectionNumber,
    pub peer: NodeId,
    pub side: Side,
    pub run: Run,
    /// What both sides exchange.
    pub scope: Scope,
    pub carrier: Carrier,
    closer: Closer,
    control: Option<(Outgoing, Incoming)>,
    /// By class.
    queues: Vec<mpsc::Sender<Vec<u8>>>,
}

/// More frames wait for a peer than may.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Overrun;

/// How often the bytes of a connection are added to the counters.
const METER_EVERY: Duration = Duration::from_secs(1);

/// Counts what the connection costs on the wire, until it ends.
async fn metered(connection: &Carrier) -> Ended {
    let (sent_name, received_name) = match connection.transport() {
        Transport::Quic => (metric::UDP_SENT, metric::UDP_RECEIVED),
        Transport::Tcp => (metric::TCP_SENT, metric::TCP_RECEIVED),
    };
    let (mut sent, mut received) = (0, 0);
    let mut count = || {
        let (sent_now, received_now) = connection.bytes();
        counter!(sent_name).increment(sent_now.saturating_sub(sent));
        counter!(received_name).increment(received_now.saturating_sub(received));
        (sent, received) = (sent_now, received_now);
    };
    loop {
        let ended = tokio::time::timeout(METER_EVERY, connection.closed()).await;
        count();
        if let Ok(error) = ended {
            return error;
        }
    }
}

/// Opens the stream of class control and greets on it. Done without waiting: an honest peer gives room for it.
pub(crate) fn open_control(connection: &Carrier, words: &Greeting) -> Option<Outgoing> {
    let mut stream = connection.open_now()?;
    stream.set_priority(priority(Class::Control))?;
    stream.write_all(&greeting(words)).now_or_never()??;
    Some(stream)
}

impl Connection {
    pub fn new(
        number: ConnectionNumber,
        (peer, side, greeting): (NodeId, Side, Greeting),
        carrier: Carrier,
        control: (Outgoing, Incoming),
    ) -> Self {
        let closer = Closer::new(carrier.clone());
        Self {
            number,
            peer,
            side,
            run: greeting.run,
            scope: greeting.scope,
            carrier,
            closer,
            control: Some(control),
            queues: Vec::new(),
        }
    }

    pub fn close(&self, code: CloseCode) {
        self.closer.close(code);
    }

    pub fn address(&self) -> SocketAddr {
        self.carrier.remote_address()
    }

    /// Reports the end of the connection, started or not.
    pub fn watch(&self, wiring: &Wiring) {
        let (number, closer, reports) = (self.number, self.closer.clone(), wiring.reports.clone());
        wiring.tasks.spawn(async move {
            let ended = closer.ended(metered(&closer.connection).await);
            // A driver that is gone needs no report.
            _ = reports.send(Report::Closed { number, ended }).await;
        });
    }

    /// Begins to carry frames.
    pub fn start(&mut self, wiring: &Wiring) {
        let Some((control_out, control_in)) = self.control.take() else { return };
        let progress = Arc::new(Progress::new());
        let mut control_out = Some(control_out);
        self.queues = Class::ALL
            .map(|class| {
                let (queue, frames) = mpsc::channel(OUTGOING_FRAMES_MAX);
                let stream = if class == Class::Control { control_out.take() } else { None };
                let writer = self.writer(class, wiring, progress.clone());
                wiring.tasks.spawn(writer.run(stream, frames));
                queue
            })
            .into();
        let reader = Reader { number: self.number, closer: self.closer.clone(), wiring: wiring.clone() };
        wiring.tasks.spawn(reader.clone().read(Class::Control, control_in));
        wiring.tasks.spawn(reader.accept());
    }

    /// Puts a frame behind the others of its class.
    pub fn send(&self, class: Class, frame: Vec<u8>) -> Result<(), Overrun> {
        let queue = self.queues.get(usize::from(class.number()));
        match queue.map(|queue| queue.try_send(frame)) {
            Some(Err(mpsc::error::TrySendError::Full(_))) => Err(Overrun),
            // A writer that is gone, or was not begun: the end of the connection is being reported.
            Some(Ok(()) | Err(mpsc::error::TrySendError::Closed(_))) | None => Ok(()),
        }
    }

    fn writer(&self, class: Class, wiring: &Wiring, progress: Arc<Progress>) -> Writer {
        let (closer, reports) = (self.closer.clone(), wiring.reports.clone());
        Writer { number: self.number, class, closer, reports, progress, stall: wiring.stall }
    }
}

pub(crate) fn class_label(class: Class) -> &'static str {
    match class {
        Class::Control => "control",
        Class::Urgent => "urgent",
        Class::Newest => "newest",
        Class::Backfill => "backfill",
        Class::Blob => "blob",
    }
}

/// Streams of higher priority are sent first. An alarm goes before everything, also before a long list of what has changed.
fn priority(class: Class) -> i32 {
    match class {
        Class::Urgent => 1,
        class => -i32::from(class.number()),
    }
}

/// When the peer last took a byte, on any stream: while it takes some, a stream of low priority may wait for long.
#[derive(Debug)]
struct Progress {
    start: Instant,
    last_ms: AtomicU64,
}

impl Progress {
    fn new() -> Self {
        Self { start: Instant::now(), last_ms: AtomicU64::new(0) }
    }

    fn note(&self) {
        self.last_ms.store(milliseconds(self.start.elapsed()), Ordering::Relaxed);
    }

    fn idle(&self) -> Duration {
        self.start.elapsed().saturating_sub(Duration::from_millis(self.last_ms.load(Ordering::Relaxed)))
    }
}

/// Sends the frames of one class.
struct Writer {
    number: ConnectionNumber,
    class: Class,
    closer: Closer,
    reports: mpsc::Sender<Report>,
    progress: Arc<Progress>,
    stall: Duration,
}

impl Writer {
    /// Errors of the stream need no handling here: the connection is gone then, which is reported by its watcher.
    async fn run(self, mut stream: Option<Outgoing>, mut frames: mpsc::Receiver<Vec<u8>>) {
        while let Some(frame) = frames.recv().await {
            let opened = match stream.take() {
                Some(stream) => Some(stream),
                None => self.open().await,
            };
            let Some(mut opened) = opened else { return };
            if self.write_frame(&mut opened, &frame).await.is_none() {
                return;
            }
            stream = Some(opened);
            let (number, class) = (self.number, self.class);
            if self.reports.send(Report::Sent { number, class }).await.is_err() {
                return;
            }
        }
        // Dropped by the driver: what is written is not cut off, and nothing more comes.
    }

    async fn open(&self) -> Option<Outgoing> {
        let mut stream = self.guarded(self.closer.connection.open()).await??;
        stream.set_priority(priority(self.class))?;
        // Only the control stream carries the run.
        self.write(&mut stream, &opening(self.class)).await?;
        Some(stream)
    }

    async fn write_frame(&self, stream: &mut Outgoing, frame: &[u8]) -> Option<()> {
        let Some(length) = length_of(frame) else {
            tracing::error!(bytes = frame.len(), "a frame of this node is over the limit");
            self.closer.close(CloseCode::Protocol);
            return None;
        };
        self.write(stream, &length).await?;
        self.write(stream, frame).await?;
        counter!(metric::FRAMES_SENT, "class" => class_label(self.class)).increment(1);
        counter!(metric::BYTES_SENT, "class" => class_label(self.class)).increment((LENGTH_BYTES + frame.len()) as u64);
        Some(())
    }

    async fn write(&self, stream: &mut Outgoing, mut bytes: &[u8]) -> Option<()> {
        while !bytes.is_empty() {
            let taken = self.guarded(stream.write(bytes)).await??;
            self.progress.note();
            bytes = bytes.get(taken..)?;
        }
        Some(())
    }

    /// Waits for the peer to take something, but not for ever.
    async fn guarded<F: Future>(&self, waiting: F) -> Option<F::Output> {
        tokio::pin!(waiting);
        let mut limit = self.stall;
        loop {
            tokio::select! {
                output = &mut waiting => return Some(output),
                () = sleep(limit) => {
                    let idle = self.progress.idle();
                    if idle >= self.stall {
                        self.closer.close(CloseCode::Stalled);
                        return None;
                    }
                    limit = self.stall.saturating_sub(idle);
                }
            }
        }
    }
}

/// Takes frames from the streams of a peer.
#[derive(Clone)]
struct Reader {
    number: ConnectionNumber,
    closer: Closer,
    wiring: Wiring,
}

impl Reader {
    /// Takes the streams that the peer opens: one a class, none to both sides.
    async fn accept(self) {
        let connection = self.closer.connection.clone();
        let mut open = vec![Class::Control];
        loop {
            let mut stream = tokio::select! {
                stream = connection.accept() => match stream {
                    Some(stream) => stream,
                    None => return,
                },
                () = connection.accept_both_ways() => return self.closer.close(CloseCode::Protocol),
            };
            match read_class(&mut stream).await {
                Ok(class) if !open.contains(&class) => {
                    open.push(class);
                    self.wiring.tasks.spawn(self.clone().read(class, stream));
                }
                Ok(_) => return self.closer.close(CloseCode::Protocol),
                Err(error) => return self.close(&error),
            }
        }
    }

    async fn read(self, class: Class, mut stream: Incoming) {
        let queue = match class {
            Class::Control | Class::Urgent => &self.wiring.urgent,
            Class::Newest | Class::Backfill | Class::Blob => &self.wiring.bulk,
        };
        loop {
            let bytes = match read_frame(&mut stream).await {
                Ok(bytes) => bytes,
                Err(error) => return self.close(&error),
            };
            counter!(metric::FRAMES_RECEIVED, "class" => class_label(class)).increment(1);
            counter!(metric::BYTES_RECEIVED, "class" => class_label(class))
                .increment((LENGTH_BYTES + bytes.len()) as u64);
            if queue.send(Inbound { number: self.number, bytes }).await.is_err() {
                return;
            }
        }
    }

    /// A stream that ended with its connection says nothing: why is told by the watcher.
    fn close(&self, error: &StreamError) {
        if error.is_lost_connection() {
            return;
        }
        tracing::debug!(%error, "stream");
        self.closer.close(error.close_code());
    }
}
