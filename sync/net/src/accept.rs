//! Attempts of others to connect: bounded in number, each in its own task with a time limit, up to their greeting.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrics::{counter, gauge};
use noroshi_sync::id::NodeId;
use quinn::Incoming;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::carrier::Carrier;
use crate::close::{CloseCode, Ended};
use crate::connection::{Closer, Wiring};
use crate::endpoint::TcpSettings;
use crate::greeting::hear;
use crate::join::JoinDesk;
use crate::limits::{HANDSHAKES_BEFORE_RETRY, HANDSHAKES_INCOMING_MAX, HANDSHAKES_PER_ADDRESS_MAX};
use crate::metric;
use crate::report::Report;
use crate::tcp::Line;
use crate::tls::Accepted;

/// Looks at attempts to connect.
#[derive(Clone)]
pub(crate) struct Acceptor {
    pub own: NodeId,
    pub wiring: Wiring,
    pub joins: Option<JoinDesk>,
    pub handshake: Duration,
    running: Arc<Mutex<Running>>,
}

/// Handshakes under way.
#[derive(Debug, Default)]
struct Running {
    total: usize,
    by_address: BTreeMap<IpAddr, usize>,
}

impl Acceptor {
    pub fn new(own: NodeId, wiring: Wiring, joins: Option<JoinDesk>, handshake: Duration) -> Self {
        Self { own, wiring, joins, handshake, running: Arc::default() }
    }

    /// Begins the handshake in a task of its own, or makes the attempt come again.
    pub fn take(&self, incoming: Incoming) {
        let address = incoming.remote_address().ip();
        let total = self.running().total;
        if total >= HANDSHAKES_BEFORE_RETRY && !incoming.remote_address_validated() {
            counter!(metric::ACCEPTS, "outcome" => "retry").increment(1);
            if let Err(error) = incoming.retry() {
                error.into_incoming().ignore();
            }
            return;
        }
        let Some(permit) = self.permit(address) else {
            // Silence makes an honest dialler come again soon; a refusal would send it away.
            counter!(metric::ACCEPTS, "outcome" => "overload").increment(1);
            incoming.ignore();
            return;
        };
        let (acceptor, limit) = (self.clone(), self.handshake);
        self.spawn(address, async move {
            let carrier = match incoming.accept() {
                Ok(connecting) => match timeout(limit, connecting).await {
                    Ok(Ok(connection)) => Carrier::Quic(connection),
                    Ok(Err(error)) => return Some(error.into()),
                    Err(_) => return Some(Ended::TimedOut),
                },
                Err(error) => return Some(error.into()),
            };
            acceptor.accept(carrier, permit).await
        });
    }

    /// The same over TCP. Whoever finds no place is cut off, which makes an honest dialler come again soon.
    pub fn take_tcp(&self, socket: TcpStream, from: SocketAddr, settings: TcpSettings) {
        let Some(permit) = self.permit(from.ip()) else {
            counter!(metric::ACCEPTS, "outcome" => "overload").increment(1);
            return;
        };
        let (acceptor, limit) = (self.clone(), self.handshake);
        self.spawn(from.ip(), async move {
            let line = match timeout(limit, Line::accept(socket, from, settings.server, &settings.manner)).await {
                Ok(Ok(line)) => line,
                Ok(Err(error)) => return Some(Ended::of_tls(&error)),
                Err(_) => return Some(Ended::TimedOut),
            };
            acceptor.accept(Carrier::Tcp(line), permit).await
        });
    }

    fn spawn(&self, address: IpAddr, accepting: impl Future<Output = Option<Ended>> + Send + 'static) {
        self.wiring.tasks.spawn(async move {
            let ended = accepting.await;
            let outcome = ended.as_ref().map_or("accepted", |ended| ended.label());
            counter!(metric::ACCEPTS, "outcome" => outcome).increment(1);
            if let Some(ended) = ended {
                tracing::debug!(%address, %ended, "an attempt to connect came to nothing");
            }
        });
    }

    /// From the end of the handshake; `None` when it was handed over.
    async fn accept(self, carrier: Carrier, permit: Permit) -> Option<Ended> {
        let refuse = |code: CloseCode| {
            Closer::new(carrier.clone()).close(code);
            Some(Ended::ByUs(code))
        };
        match (carrier.accepted(), &self.joins) {
            (Ok(Accepted::Peer(peer)), _) if peer == self.own => refuse(CloseCode::Itself),
            (Ok(Accepted::Peer(peer)), _) => {
                let (greeting, control_in) = match hear(&carrier, self.handshake).await {
                    Ok(heard) => heard,
                    Err(ended) => return Some(ended),
                };
                drop(permit);
                // A driver that is gone closes all connections.
                _ = self.wiring.reports.send(Report::Arrived { peer, greeting, carrier, control_in }).await;
                None
            }
            (Ok(Accepted::Joiner), Some(joins)) => {
                drop(permit);
                joins.serve(carrier).await;
                None
            }
            (Ok(Accepted::Joiner), None) => refuse(CloseCode::Protocol),
            (Err(code), _) => refuse(code),
        }
    }

    fn permit(&self, address: IpAddr) -> Option<Permit> {
        let mut running = self.running();
        let here = running.by_address.get(&address).copied().unwrap_or(0);
        if running.total >= HANDSHAKES_INCOMING_MAX || here >= HANDSHAKES_PER_ADDRESS_MAX {
            return None;
        }
        running.total += 1;
        running.by_address.insert(address, here + 1);
        gauge!(metric::HANDSHAKES_INCOMING).set(running.total as f64);
        Some(Permit { address, running: self.running.clone() })
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One handshake under way.
struct Permit {
    address: IpAddr,
    running: Arc<Mutex<Running>>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.total = running.total.saturating_sub(1);
        gauge!(metric::HANDSHAKES_INCOMING).set(running.total as f64);
        match running.by_address.get_mut(&self.address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => _ = running.by_address.remove(&self.address),
        }
    }
}
