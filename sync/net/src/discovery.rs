//! Finds nodes on the local network by mDNS, and lets them find this one (RFC 6762, 6763).
//!
//! An announcement carries the protocol and the short node id, no names. What is heard is a hint where to dial, nothing
//! more: anybody on the network can announce anything.

use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use mdns_sd::{
    DaemonEvent, IfKind, Receiver, RecvTimeoutError, ResolvedService, ScopedIp, ServiceDaemon, ServiceEvent,
    ServiceInfo,
};
use noroshi_sync::id::NodeId;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::limits::SHUTDOWN_STEP_TIMEOUT;

/// The service that nodes announce.
pub const SERVICE: &str = "_noroshi._udp.local.";
const PROTOCOL: &str = "noroshi/1";
/// How often the thread looks whether it is to stop.
const TICK: Duration = Duration::from_millis(250);
/// Before a daemon that failed is started anew.
const RESTART_PAUSE: Duration = Duration::from_secs(5);
/// Announcements are asked for again at most this often.
const AGAIN_PAUSE: Duration = Duration::from_secs(10);
/// Addresses taken from one announcement.
const ADDRESSES_MAX: usize = 8;

/// What was heard.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Hint {
    Found {
        address: SocketAddr,
        short: String,
    },
    Withdrawn {
        short: String,
    },
    /// This machine has another address than before.
    NetworkChanged,
}

/// The thread that announces and listens.
pub(crate) struct Discovery {
    stop: Arc<AtomicBool>,
    again: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Discovery {
    /// `listening`: the addresses to announce. `interfaces`: names of network interfaces; none means all but loopback.
    pub fn start(
        own: NodeId,
        listening: Vec<SocketAddr>,
        interfaces: Vec<String>,
        hints: mpsc::Sender<Hint>,
    ) -> std::io::Result<Self> {
        let (stop, again) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let watch = Watch { own: own.short(), listening, interfaces, hints, stop: stop.clone(), again: again.clone() };
        let thread = thread::Builder::new().name("noroshi-mdns".into()).spawn(move || watch.run())?;
        Ok(Self { stop, again, thread })
    }

    /// Something heard found no place: hear it again later.
    pub fn ask_again(&self) {
        self.again.store(true, Ordering::Relaxed);
    }

    /// Withdraws the announcement and ends.
    pub async fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        let joined = tokio::task::spawn_blocking(move || self.thread.join());
        match timeout(SHUTDOWN_STEP_TIMEOUT, joined).await {
            Ok(Ok(Ok(()))) => {}
            _ => tracing::warn!("the discovery did not end in order"),
        }
    }
}

/// The state of the thread.
struct Watch {
    own: String,
    listening: Vec<SocketAddr>,
    interfaces: Vec<String>,
    hints: mpsc::Sender<Hint>,
    stop: Arc<AtomicBool>,
    again: Arc<AtomicBool>,
}

impl Watch {
    fn run(self) {
        while !self.is_stopped() {
            match self.open() {
                Ok((daemon, names)) => {
                    if let Err(error) = self.serve(&daemon) {
                        tracing::warn!(%error, "discovery on the local network stopped; starting it anew");
                    }
                    close(&daemon, &names);
                }
                Err(error) => tracing::warn!(%error, "no discovery on the local network"),
            }
            let until = Instant::now() + RESTART_PAUSE;
            while !self.is_stopped() && Instant::now() < until {
                thread::sleep(TICK);
            }
        }
    }

    /// Starts the daemon and announces. Returns the names announced.
    fn open(&self) -> Result<(ServiceDaemon, Vec<String>), mdns_sd::Error> {
        let daemon = ServiceDaemon::new()?;
        if self.interfaces.is_empty() {
            daemon.disable_interface(vec![IfKind::LoopbackV4, IfKind::LoopbackV6])?;
        } else {
            daemon.disable_interface(IfKind::All)?;
            let named: Vec<IfKind> = self.interfaces.iter().map(IfKind::from).collect();
            daemon.enable_interface(named)?;
        }
        let mut names = Vec::new();
        for (index, address) in self.listening.iter().enumerate() {
            let service = self.service(index, *address)?;
            names.push(service.get_fullname().to_owned());
            daemon.register(service)?;
        }
        Ok((daemon, names))
    }

    /// One listening address as an announcement.
    fn service(&self, index: usize, address: SocketAddr) -> Result<ServiceInfo, mdns_sd::Error> {
        let name = if index == 0 { self.own.clone() } else { format!("{}-{}", self.own, index + 1) };
        let host = format!("noroshi-{name}.local.");
        let properties = [("p", PROTOCOL), ("id", self.own.as_str())];
        let mut service = if address.ip().is_unspecified() {
            ServiceInfo::new(SERVICE, &name, &host, "", address.port(), &properties[..])?.enable_addr_auto()
        } else {
            ServiceInfo::new(SERVICE, &name, &host, address.ip(), address.port(), &properties[..])?
        };
        service.set_interfaces(vec![if address.is_ipv4() { IfKind::IPv4 } else { IfKind::IPv6 }]);
        Ok(service)
    }

    /// Until told to stop, or until the daemon is gone.
    fn serve(&self, daemon: &ServiceDaemon) -> Result<(), mdns_sd::Error> {
        let changes = daemon.monitor()?;
        let mut found = daemon.browse(SERVICE)?;
        let mut asked = Instant::now();
        while !self.is_stopped() {
            match found.recv_timeout(TICK) {
                Ok(event) => self.tell(event),
                Err(RecvTimeoutError::Timeout) => {}
                // We were too slow, and the daemon has given us up.
                Err(RecvTimeoutError::Disconnected) => {
                    thread::sleep(TICK);
                    found = daemon.browse(SERVICE)?;
                }
            }
            self.tell_changes(&changes);
            if asked.elapsed() >= AGAIN_PAUSE && self.again.swap(false, Ordering::Relaxed) {
                asked = Instant::now();
                daemon.stop_browse(SERVICE)?;
                found = daemon.browse(SERVICE)?;
            }
        }
        Ok(())
    }

    fn tell(&self, event: ServiceEvent) {
        match event {
            ServiceEvent::ServiceResolved(service) => self.found(&service),
            ServiceEvent::ServiceRemoved(_, name) => {
                if let Some(short) = short_of_name(&name).filter(|short| *short != self.own) {
                    self.hint(Hint::Withdrawn { short });
                }
            }
            _ => {}
        }
    }

    fn found(&self, service: &ResolvedService) {
        let short = service.get_property_val_str("id").filter(|short| is_short(short) && *short != self.own);
        let speaks_ours = service.get_property_val_str("p") == Some(PROTOCOL);
        let Some(short) = short.filter(|_| speaks_ours && service.get_port() != 0) else { return };
        let mut addresses: Vec<SocketAddr> =
            service.get_addresses().iter().filter_map(|ip| socket_address(ip, service.get_port())).collect();
        addresses.sort_unstable();
        for address in addresses.into_iter().filter(|address| self.can_reach(address.ip())).take(ADDRESSES_MAX) {
            self.hint(Hint::Found { address, short: short.to_owned() });
        }
    }

    /// Whether this node has an address to dial it from. Loopback is of use only to who listens there.
    fn can_reach(&self, ip: IpAddr) -> bool {
        self.listening.iter().map(SocketAddr::ip).any(|local| {
            local.is_ipv4() == ip.is_ipv4() && if ip.is_loopback() { local.is_loopback() } else { !local.is_loopback() }
        })
    }

    fn tell_changes(&self, changes: &Receiver<DaemonEvent>) {
        for event in changes.try_iter() {
            match event {
                DaemonEvent::IpAdd(_) | DaemonEvent::IpDel(_) => self.hint(Hint::NetworkChanged),
                DaemonEvent::Error(error) => tracing::debug!(%error, "mDNS"),
                _ => {}
            }
        }
    }

    /// A driver that is behind hears it again later.
    fn hint(&self, hint: Hint) {
        if self.hints.try_send(hint).is_err() {
            self.again.store(true, Ordering::Relaxed);
        }
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.hints.is_closed()
    }
}

/// Says goodbye, so that others need not wait until the announcement is too old.
fn close(daemon: &ServiceDaemon, names: &[String]) {
    for name in names {
        if let Ok(done) = daemon.unregister(name) {
            _ = done.recv_timeout(TICK);
        }
    }
    if let Ok(done) = daemon.shutdown() {
        _ = done.recv_timeout(TICK);
    }
}

fn is_short(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The short id at the start of an instance name, whatever was put behind it to make it unique.
fn short_of_name(name: &str) -> Option<String> {
    name.get(..8).filter(|short| is_short(short)).map(str::to_owned)
}

fn socket_address(ip: &ScopedIp, port: u16) -> Option<SocketAddr> {
    match ip {
        ScopedIp::V4(v4) => Some(SocketAddr::new(IpAddr::V4(*v4.addr()), port)),
        ScopedIp::V6(v6) => {
            let scope = if v6.addr().is_unicast_link_local() { v6.scope_id().index } else { 0 };
            Some(SocketAddr::V6(SocketAddrV6::new(*v6.addr(), port, 0, scope)))
        }
        _ => None,
    }
}
