//! A network laboratory on one machine: each office in a network namespace of its own, joined by one switch in this
//! process that delays, limits, loses, doubles and cuts what passes, each direction for itself and changed while running.
//!
//! ```text
//!   namespace    an office's own network stack, and how this process steps into it
//!   line         one direction between two offices: what becomes of a frame, and when (no sockets, no clock)
//!   switch       TAP devices of all offices, and the thread that moves frames between them
//!   door         lets this machine reach the web interface of an office without crossing the switch
//! ```
//!
//! Needs root and `/dev/net/tun`; nothing of the kernel's traffic control. Everything is gone with the [`Lab`], also when
//! a test panics; what a killed process left behind is removed by the next.

mod door;
mod line;
mod namespace;
mod switch;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};

pub use line::{Counts, Weather};

use door::Door;
use namespace::Namespace;
use switch::Switch;

/// One process may run several laboratories.
static LABS: AtomicU32 = AtomicU32::new(0);

/// See the module.
#[derive(Debug)]
pub struct Lab {
    // Dropped first, so that nothing moves while the namespaces go.
    switch: Switch,
    namespaces: Vec<Namespace>,
}

impl Lab {
    /// So many offices, joined by lines that lose and delay nothing. `seed` decides which frames are lost and doubled.
    pub fn new(offices: usize, seed: u64) -> Self {
        assert!((1..=200).contains(&offices), "one IPv4 network of 254 addresses");
        namespace::remove_abandoned();
        let name = format!("{}-{}", std::process::id(), LABS.fetch_add(1, Ordering::SeqCst));
        let devices: Vec<String> = (0..offices).map(|office| format!("nl{name}-{office}")).collect();
        let switch = Switch::start(&devices, seed);
        let namespaces = devices
            .iter()
            .enumerate()
            .map(|(office, device)| Namespace::new(&format!("noroshi-{name}-{office}"), device, office, offices))
            .collect();
        Self { switch, namespaces }
    }

    /// The address of an office on the lines.
    pub fn address(&self, office: usize) -> IpAddr {
        IpAddr::V4(ipv4(office))
    }

    /// What `ip netns exec` calls the namespace of an office.
    pub fn namespace(&self, office: usize) -> &str {
        self.namespaces[office].name()
    }

    /// An address of this machine's loopback interface that leads to a port of the office's loopback interface.
    pub fn door(&self, office: usize, port: u16) -> SocketAddr {
        let inside = SocketAddr::from(([127, 0, 0, 1], port));
        Door::open(self.namespaces[office].runtime(), inside)
    }

    /// The runtime whose sockets are made inside the office's namespace.
    pub fn inside(&self, office: usize) -> tokio::runtime::Handle {
        self.namespaces[office].runtime().clone()
    }

    /// Changes one direction, from now on.
    pub fn set(&self, from: usize, to: usize, weather: Weather) {
        self.switch.change(from, to, |now| *now = weather.clone());
    }

    /// Changes both directions between two offices.
    pub fn set_both(&self, one: usize, other: usize, weather: &Weather) {
        self.set(one, other, weather.clone());
        self.set(other, one, weather.clone());
    }

    /// Changes what is there, in both directions between all offices.
    pub fn everywhere(&self, change: impl Fn(&mut Weather)) {
        for from in 0..self.namespaces.len() {
            for to in 0..self.namespaces.len() {
                self.switch.change(from, to, &change);
            }
        }
    }

    /// What passed in one direction so far, and what did not.
    pub fn counts(&self, from: usize, to: usize) -> Counts {
        self.switch.counts(from, to)
    }
}

fn ipv4(office: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, 78, 0, u8::try_from(office + 1).unwrap())
}

/// The hardware address of an office's device; its last byte tells the switch where a frame goes.
fn hardware_address(office: usize) -> [u8; 6] {
    [0x02, 0x4e, 0, 0, 0, u8::try_from(office + 1).unwrap()]
}
