//! Our own accept loop: axum's has no header timeout, no limits on connections and no end to a shutdown.
//!
//! Reading order: [`serve`] binds and starts one [`accept`] loop an address; each socket becomes a [`guarded_io`] with a
//! place of [`permits`], [`tls`] encrypts it where that is asked for, and [`connection`] speaks HTTP/1.1 on it until it ends,
//! grows too old, or the node shuts down.

mod accept;
mod connection;
mod guarded_io;
pub(crate) mod permits;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use noroshi_node::Node;
use tokio::net::TcpListener;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{ConnectionLimits, Listen, Transport, WebConfig};
use crate::helper;
use crate::routes;
use crate::state::State;
use permits::Permits;

pub use connection::Peer;
pub use tls::{ServedCertificate, UnusableCertificate};

/// Figures are folded into their histograms this often.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("cannot listen on {address}: {source}")]
    Bind { address: SocketAddr, source: std::io::Error },
    #[error("the node gives no account of itself: {0}")]
    Node(#[from] noroshi_node::error::ServiceError),
}

/// A running web server.
pub struct Bound {
    /// Where it listens, in the order of the configuration, with the ports the system chose.
    pub addresses: Vec<SocketAddr>,
    /// Where the helper page listens; an address that was taken is missing here.
    pub helper: Vec<SocketAddr>,
    /// Ends after the shutdown: every connection is closed then.
    pub task: JoinHandle<()>,
}

/// What every connection needs. Cheap to clone.
#[derive(Clone)]
struct Shared {
    limits: Arc<ConnectionLimits>,
    permits: Arc<Permits>,
    tasks: TaskTracker,
    /// Finish what runs, take nothing new.
    shutdown: CancellationToken,
    /// Let go of everything.
    abort: CancellationToken,
}

/// What is behind one address.
#[derive(Clone)]
struct Door {
    transport: Transport,
    router: Router,
}

/// Listens on all addresses or on none. A failed bind leaves nothing running.
pub async fn serve(config: WebConfig, node: Node, shutdown: CancellationToken) -> Result<Bound, ServeError> {
    let mut listeners = Vec::with_capacity(config.listen.len());
    for Listen { address, transport } in &config.listen {
        let (listener, bound) =
            bind(*address).await.map_err(|source| ServeError::Bind { address: *address, source })?;
        listeners.push((listener, transport.clone(), bound));
    }
    let tasks = TaskTracker::new();
    let state = State::new(node, &config, shutdown.clone(), tasks.clone()).await?;
    let (plain, encrypted) = (routes::router(state.clone()), routes::router(state.over_tls()));
    let shared = Shared {
        permits: Permits::new(&config.limits),
        limits: Arc::new(config.limits),
        tasks,
        shutdown,
        abort: CancellationToken::new(),
    };
    let addresses = listeners.iter().map(|(_, _, bound)| *bound).collect();
    for (listener, transport, bound) in listeners {
        let router = match transport {
            Transport::Plain => plain.clone(),
            Transport::Tls(_) => encrypted.clone(),
        };
        tracing::info!(address = %bound, "web server listens");
        shared.tasks.spawn(accept::accept(listener, Door { transport, router }, shared.clone()));
    }
    let helper = match config.helper {
        Some(helper) => start_helper(helper, &shared).await,
        None => Vec::new(),
    };
    if let Some(metrics) = config.metrics {
        shared.tasks.spawn(upkeep(metrics, shared.shutdown.clone()));
    }
    shared.tasks.spawn(end_sessions(state, shared.shutdown.clone()));
    let task = tokio::spawn(supervise(shared));
    Ok(Bound { addresses, helper, task })
}

/// Passes on who is stopped to whatever they have open.
async fn end_sessions(state: State, shutdown: CancellationToken) {
    let mut endings = state.node.endings();
    loop {
        let ending = tokio::select! {
            () = shutdown.cancelled() => return,
            ending = endings.recv() => ending,
        };
        match ending {
            Ok(ending) => state.log_outs.end_all(&ending),
            Err(RecvError::Lagged(_)) => state.log_outs.end_everybody(),
            Err(RecvError::Closed) => return,
        }
    }
}

async fn bind(address: SocketAddr) -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

/// A node whose port 80 is taken still serves: the helper is a convenience, and the log and `doctor` say that it is off.
async fn start_helper(helper: helper::HelperConfig, shared: &Shared) -> Vec<SocketAddr> {
    let listen = helper.listen.clone();
    let router = helper::router(helper);
    let mut addresses = Vec::new();
    for address in listen {
        match bind(address).await {
            Ok((listener, bound)) => {
                tracing::info!(address = %bound, "helper page listens");
                let door = Door { transport: Transport::Plain, router: router.clone() };
                shared.tasks.spawn(accept::accept(listener, door, shared.clone()));
                addresses.push(bound);
            }
            Err(error) => tracing::error!(%address, %error, "the helper page cannot listen"),
        }
    }
    addresses
}

/// Waits for the shutdown, then gives what runs a limited time.
async fn supervise(shared: Shared) {
    shared.shutdown.cancelled().await;
    shared.tasks.close();
    if tokio::time::timeout(shared.limits.shutdown_time, shared.tasks.wait()).await.is_err() {
        tracing::warn!(connections = shared.tasks.len(), "closing connections that did not end by themselves");
        shared.abort.cancel();
        shared.tasks.wait().await;
    }
}

async fn upkeep(metrics: metrics_exporter_prometheus::PrometheusHandle, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(UPKEEP_EVERY);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => metrics.run_upkeep(),
        }
    }
}
