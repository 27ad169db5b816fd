//! The addresses this node listens on, and dials from: one QUIC endpoint each, built anew when its socket fails.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use metrics::counter;
use quinn::{Endpoint, Incoming};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::endpoint::Settings;
use crate::limits::REBUILD_PAUSE;
use crate::metric;

/// One address.
pub(crate) struct Listener {
    /// As bound: with the port the system chose, if it was to choose.
    address: SocketAddr,
    settings: Mutex<Settings>,
    current: watch::Sender<Option<Endpoint>>,
}

impl Listener {
    pub fn open(settings: Settings, address: SocketAddr) -> io::Result<Self> {
        let endpoint = settings.open(address)?;
        let address = endpoint.local_addr()?;
        Ok(Self { address, settings: Mutex::new(settings), current: watch::Sender::new(Some(endpoint)) })
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
        let suits = |listener: &&Arc<Listener>| {
            let local = listener.address.ip();
            local.is_ipv4() == remote.is_ipv4()
                && (local.is_unspecified() || local.is_loopback() == remote.is_loopback())
        };
        self.0.iter().filter(suits).find_map(|listener| listener.endpoint())
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
