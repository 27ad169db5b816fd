//! A way from this machine to an office's loopback interface, past the switch: how a test, or a browser, uses the web
//! interface of an office as somebody sitting there would.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;

pub(super) struct Door;

impl Door {
    /// Open until the runtime, whose threads are inside the namespace, ends. The address on this machine's loopback
    /// interface.
    pub fn open(runtime: &Handle, inside: SocketAddr) -> SocketAddr {
        // A socket stays in the namespace in which it was made: this one is outside.
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((outside, _)) = listener.accept().await {
                tokio::spawn(pass(outside, inside));
            }
        });
        address
    }
}

/// Nobody inside: the connection ends, as it would there.
async fn pass(mut outside: TcpStream, inside: SocketAddr) {
    if let Ok(mut inside) = TcpStream::connect(inside).await {
        let _ = (outside.set_nodelay(true), inside.set_nodelay(true));
        let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
    }
}
