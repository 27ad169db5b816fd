//! A line between two nodes that can be cut silently, or lose packets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

use crate::jitter::Jitter;
use crate::tests::node::loopback;

/// Passes packets between whoever dials it and its target. One dialler only.
pub(crate) struct Relay {
    pub address: SocketAddr,
    /// Of 100 packets so many are lost.
    loss: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Relay {
    pub async fn to(target: SocketAddr) -> Self {
        let front = UdpSocket::bind(loopback()).await.unwrap();
        let back = UdpSocket::bind(loopback()).await.unwrap();
        back.connect(target).await.unwrap();
        let (address, loss) = (front.local_addr().unwrap(), Arc::new(AtomicU64::new(0)));
        let task = tokio::spawn(pass(front, back, loss.clone()));
        Self { address, loss, task }
    }

    pub fn set_loss(&self, percent: u64) {
        self.loss.store(percent, Ordering::SeqCst);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
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
