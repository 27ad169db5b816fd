//! The addresses this node listens on, and dials from: one QUIC endpoint each, built anew when its socket fails, and the
//! TCP port of the same number.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use metrics::counter;
use quinn::{Endpoint, Incoming};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::endpoint::{Settings, TcpSettings, listen_tcp};
use crate::limits::{REBUILD_PAUSE, TCP_LISTEN_PAUSE};
use crate::metric;

/// One address.
pub(crate) struct Listener {
    /// As bound: with the port the system chose, if it was to choose.
    address: SocketAddr,
    settings: Mutex<Settings>,
    current: watch::Sender<Option<Endpoint>>,
    /// Until somebody accepts from it.
    tcp: Mutex<Option<TcpListener>>,
}

/// So often the system is asked for a port that is free for both UDP and TCP.
const PORT_ATTEMPTS_MAX: usize = 8;

impl Listener {
    pub fn open(settings: Settings, address: SocketAddr) -> io::Result<Self> {
        let attempts = if address.port() == 0 { PORT_ATTEMPTS_MAX } else { 1 };
        let mut endpoint = settings.open(address)?;
        let mut tcp = listen_tcp(endpoint.local_addr()?);
        for _ in 1..attempts {
            if tcp.is_ok() {
                break;
            }
            endpoint = settings.open(address)?;
            tcp = listen_tcp(endpoint.local_addr()?);
        }
        let address = endpoint.local_addr()?;
        let current = watch::Sender::new(Some(endpoint));
        Ok(Self { address, settings: Mutex::new(settings), current, tcp: Mutex::new(tcp.ok()) })
    }

    fn settings(&self) -> Settings {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Connections from now on are made by these settings.
    fn replace(&self, settings: &Settings) {
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = settings.clone();
        self.current.send_if_modified(|endpoint| endpoint.as_mut().map(|endpoint| settings.apply(endpoint)).is_some());
    }

    /// `None` while the endpoint is being rebuilt.
    pub fn endpoint(&self) -> Option<Endpoint> {
        self.current.borrow().clone()
    }

    /// What connections over TCP are made of now.
    pub fn tcp(&self) -> TcpSettings {
        self.settings().tcp().clone()
    }

    /// Hands over everybody who connects over TCP, until told to stop. A port that is taken is tried again: QUIC works
    /// without it.
    pub async fn run_tcp(self: Arc<Self>, stop: CancellationToken, take: impl Fn(TcpStream, SocketAddr, TcpSettings)) {
        let serve = async {
            loop {
                let opened = self.tcp.lock().unwrap_or_else(PoisonError::into_inner).take();
                let listener = match opened.map_or_else(|| listen_tcp(self.address), Ok) {
                    Ok(listener) => listener,
                    Err(error) => {
                        tracing::warn!(address = %self.address, %error, "cannot listen on TCP; where UDP is blocked nobody reaches this node");
                        sleep(TCP_LISTEN_PAUSE).await;
                        continue;
                    }
                };
                loop {
                    match listener.accept().await {
                        Ok((socket, from)) => take(socket, from, self.tcp()),
                        // Who connected is gone already, or there are too many open files: not a reason to stop.
                        Err(error) => {
                            tracing::debug!(%error, "an attempt to connect over TCP");
                            sleep(REBUILD_PAUSE).await;
                        }
                    }
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = serve => {}
        }
    }

    /// Hands over every attempt to connect, until told to stop.
    pub async fn run(self: Arc<Self>, stop: CancellationToken, take: impl Fn(Incoming)) {
        while !stop.is_cancelled() {
            if let Some(endpoint) = self.endpoint() {
                tokio::select! {
                    () = stop.cancelled() => return,
                    incoming = endpoint.accept() => if let Some(incoming) = incoming {
                        take(incoming);
                        continue;
                    },
                }
                if stop.is_cancelled() {
                    return;
                }
                // The endpoint's task is gone, and with it its socket and all its connections.
                tracing::warn!(address = %self.address, "the socket failed; opening it anew");
                self.current.send_replace(None);
            }
            match self.settings().open(self.address) {
                Ok(endpoint) => {
                    counter!(metric::REBUILT).increment(1);
                    self.current.send_replace(Some(endpoint));
                }
                Err(error) => {
                    tracing::warn!(address = %self.address, %error, "cannot listen");
                    tokio::select! {
                        () = stop.cancelled() => return,
                        () = sleep(REBUILD_PAUSE) => {}
                    }
                }
            }
        }
    }
}

/// All of them.
#[derive(Clone)]
pub(crate) struct Listeners(pub Arc<Vec<Arc<Listener>>>);

impl Listeners {
    /// The endpoint from which an address is dialled: of the same family, and on loopback only what is on loopback.
    pub fn towards(&self, remote: IpAddr) -> Option<Endpoint> {
        self.suitable(remote).find_map(Listener::endpoint)
    }

    /// How an address is dialled over TCP, if it can be reached from one of these.
    pub fn tcp_towards(&self, remote: IpAddr) -> Option<TcpSettings> {
        self.suitable(remote).map(Listener::tcp).next()
    }

    fn suitable(&self, remote: IpAddr) -> impl Iterator<Item = &Listener> {
        self.0.iter().map(|listener| &**listener).filter(move |listener| {
            let local = listener.address.ip();
            local.is_ipv4() == remote.is_ipv4()
                && (local.is_unspecified() || local.is_loopback() == remote.is_loopback())
        })
    }

    pub fn replace(&self, settings: &Settings) {
        self.0.iter().for_each(|listener| listener.replace(settings));
    }

    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.0.iter().map(|listener| listener.address).collect()
    }

    pub fn endpoints(&self) -> Vec<Endpoint> {
        self.0.iter().filter_map(|listener| listener.endpoint()).collect()
    }
}
