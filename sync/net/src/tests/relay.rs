//! A line between two nodes that can be cut silently, or lose packets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinHandle;

use crate::jitter::Jitter;
use crate::tests::node::loopback;

/// Passes packets between whoever dials it and its target. One dialler only.
pub(crate) struct Relay {
    pub address: SocketAddr,
    /// Of 100 packets so many are lost.
    loss: Arc<AtomicU64>,
    task: JoinHandle<()>,
    silent: tokio::sync::watch::Sender<bool>,
    accepting: Option<JoinHandle<()>>,
}

impl Relay {
    pub async fn to(target: SocketAddr) -> Self {
        let front = UdpSocket::bind(loopback()).await.unwrap();
        let back = UdpSocket::bind(loopback()).await.unwrap();
        back.connect(target).await.unwrap();
        let (address, loss) = (front.local_addr().unwrap(), Arc::new(AtomicU64::new(0)));
        let task = tokio::spawn(pass(front, back, loss.clone()));
        Self { address, loss, task, silent: tokio::sync::watch::Sender::new(false), accepting: None }
    }

    /// Passes TCP too, at the same port. A silent cut of that is [`Relay::set_silent`].
    pub async fn with_tcp(target: SocketAddr) -> Self {
        loop {
            let mut relay = Self::to(target).await;
            // The port may be in use for TCP.
            let Ok(listener) = TcpListener::bind(relay.address).await else { continue };
            let silent = relay.silent.clone();
            relay.accepting = Some(tokio::spawn(async move {
                let mut lines = tokio::task::JoinSet::new();
                while let Ok((front, _)) = listener.accept().await {
                    let Ok(back) = TcpStream::connect(target).await else { continue };
                    lines.spawn(pass_stream(front, back, silent.clone()));
                }
            }));
            return relay;
        }
    }

    /// Nothing passes over TCP, and nobody is told.
    pub fn set_silent(&self, silent: bool) {
        self.silent.send_replace(silent);
    }

    pub fn set_loss(&self, percent: u64) {
        self.loss.store(percent, Ordering::SeqCst);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
        self.accepting.iter().for_each(JoinHandle::abort);
    }
}

async fn pass(front: UdpSocket, back: UdpSocket, loss: Arc<AtomicU64>) {
    let (mut there, mut here) = (vec![0; 65_536], vec![0; 65_536]);
    let (mut dialler, mut random) = (None, Jitter::new(1));
    loop {
        let (socket, to, bytes) = tokio::select! {
            Ok((length, from)) = front.recv_from(&mut there) => {
                dialler = Some(from);
                (&back, None, &there[..length])
            }
            Ok(length) = back.recv(&mut here) => (&front, dialler, &here[..length]),
        };
        if random.between(1, 100) <= loss.load(Ordering::SeqCst) {
            continue;
        }
        // A target that is gone is what the test is about.
        _ = match to {
            Some(address) => socket.send_to(bytes, address).await,
            None => socket.send(bytes).await,
        };
    }
}

async fn pass_stream(front: TcpStream, back: TcpStream, silent: tokio::sync::watch::Sender<bool>) {
    let (front_in, front_out) = front.into_split();
    let (back_in, back_out) = back.into_split();
    tokio::join!(
        pass_one_way(front_in, back_out, silent.subscribe()),
        pass_one_way(back_in, front_out, silent.subscribe())
    );
}

async fn pass_one_way<R, W>(mut from: R, mut to: W, mut silent: tokio::sync::watch::Receiver<bool>)
where
    R: tokio::io::AsyncRead + Unpin,
    W: tokio::io::AsyncWrite + Unpin,
{
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut bytes).await {
        if silent.wait_for(|silent| !silent).await.is_err() || to.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
    _ = to.shutdown().await;
}
