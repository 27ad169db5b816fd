//! Our own accept loop: axum's has no header timeout, no limits on connections and no end to a shutdown.
//!
//! Reading order: [`serve`] binds and starts one [`accept`] loop an address; each socket becomes a [`guarded_io`] with a
//! place of [`permits`], and [`connection`] speaks HTTP/1.1 on it until it ends, grows too old, or the node shuts down.

mod accept;
mod connection;
mod guarded_io;
pub(crate) mod permits;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use noroshi_node::Node;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{ConnectionLimits, Listen, WebConfig};
use crate::routes;
use crate::state::State;
use permits::Permits;

pub use connection::Peer;

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
    /// Ends after the shutdown: every connection is closed then.
    pub task: JoinHandle<()>,
}

/// What every connection needs. Cheap to clone.
#[derive(Clone)]
struct Shared {
    router: Router,
    limits: Arc<ConnectionLimits>,
    permits: Arc<Permits>,
    tasks: TaskTracker,
    /// Finish what runs, take nothing new.
    shutdown: CancellationToken,
    /// Let go of everything.
    abort: CancellationToken,
}

/// Listens on all addresses or on none. A failed bind leaves nothing running.
pub async fn serve(config: WebConfig, node: Node, shutdown: CancellationToken) -> Result<Bound, ServeError> {
    let mut listeners = Vec::with_capacity(config.listen.len());
    for Listen { address, transport } in &config.listen {
        let bind = |source| ServeError::Bind { address: *address, source };
        let listener = TcpListener::bind(address).await.map_err(bind)?;
        let bound = listener.local_addr().map_err(bind)?;
        listeners.push((listener, *transport, bound));
    }
    let tasks = TaskTracker::new();
    let state = State::new(node, &config, shutdown.clone(), tasks.clone()).await?;
    let shared = Shared {
        router: routes::router(state),
        permits: Permits::new(&config.limits),
        limits: Arc::new(config.limits),
        tasks,
        shutdown,
        abort: CancellationToken::new(),
    };
    let addresses = listeners.iter().map(|(_, _, bound)| *bound).collect();
    for (listener, transport, bound) in listeners {
        tracing::info!(address = %bound, "web server listens");
        shared.tasks.spawn(accept::accept(listener, transport, shared.clone()));
    }
    if let Some(metrics) = config.metrics {
        shared.tasks.spawn(upkeep(metrics, shared.shutdown.clone()));
    }
    let task = tokio::spawn(supervise(shared));
    Ok(Bound { addresses, task })
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
