//! A socket that keeps its place in the count, gives up on clients that never read, and closes without losing the last
//! answer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};
use tokio_util::task::TaskTracker;

use super::permits::Permit;
use crate::limits::{LINGER_BYTES, LINGER_TIME};

/// Wraps the accepted socket. Everything above (TLS, HTTP, WebSocket) reads and writes through it.
pub struct GuardedIo {
    /// None only while dropping.
    socket: Option<(TcpStream, Permit)>,
    stall_time: Duration,
    /// Runs while a write waits for the client.
    stalled: Option<Pin<Box<Sleep>>>,
    /// The client closed its side: nothing can be lost, no need to linger.
    ended: bool,
    tasks: TaskTracker,
}

impl GuardedIo {
    pub fn new(socket: TcpStream, permit: Permit, stall_time: Duration, tasks: TaskTracker) -> Self {
        Self { socket: Some((socket, permit)), stall_time, stalled: None, ended: false, tasks }
    }

    /// The first byte that came, still to be read.
    pub async fn first_byte(&self) -> io::Result<Option<u8>> {
        let Some((socket, _)) = &self.socket else { return Err(io::ErrorKind::NotConnected.into()) };
        let mut byte = [0];
        Ok((socket.peek(&mut byte).await? == 1).then_some(byte[0]))
    }

    fn socket(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        match &mut self.socket {
            Some((socket, _)) => Ok(Pin::new(socket)),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Passes a result on, and turns a wait that lasts too long into an error.
    fn watch<T>(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.stalled = None;
            return result;
        }
        let deadline = Instant::now() + self.stall_time;
        let sleep = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        ready!(sleep.as_mut().poll(cx));
        self.ended = true;
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for GuardedIo {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = ready!(self.socket()?.poll_read(cx, buf));
        if result.is_err() || buf.filled().len() == before {
            self.ended = true;
        }
        Poll::Ready(result)
    }
}

impl AsyncWrite for GuardedIo {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = self.socket()?.poll_write(cx, bytes);
        self.watch(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = self.socket()?.poll_write_vectored(cx, slices);
        self.watch(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket()?.poll_shutdown(cx)
    }
}

impl Drop for GuardedIo {
    /// Closing a socket that still has unread bytes sends a reset, which destroys the answer (413, close 1009) on its
    /// way. So the rest is read and thrown away for a moment, as other servers do.
    fn drop(&mut self) {
        let Some((socket, permit)) = self.socket.take() else { return };
        if self.ended || tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        self.tasks.spawn(async move {
            // However it ends, the socket is closed after it; there is nobody to tell.
            let _ = tokio::time::timeout(LINGER_TIME, linger(socket)).await;
            drop(permit);
        });
    }
}

async fn linger(mut socket: TcpStream) -> io::Result<()> {
    socket.shutdown().await?;
    let mut scratch = [0; 4096];
    let mut left = LINGER_BYTES;
    while left > 0 {
        match socket.read(&mut scratch).await? {
            0 => break,
            read => left = left.saturating_sub(read),
        }
    }
    Ok(())
}
