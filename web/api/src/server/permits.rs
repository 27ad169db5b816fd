//! Counts connections, in all and by address, so that no one client can take every place.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::ConnectionLimits;
use crate::observe::names;

/// The places there are.
pub struct Permits {
    total: usize,
    per_address: usize,
    per_loopback: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One place, given back on drop. It lives inside the socket, so that an upgraded connection stays counted.
pub struct Permit {
    permits: Arc<Permits>,
    address: IpAddr,
}

impl Permits {
    pub fn new(limits: &ConnectionLimits) -> Arc<Self> {
        Arc::new(Self {
            total: limits.total,
            per_address: limits.per_address,
            per_loopback: limits.per_loopback,
            taken: Mutex::default(),
        })
    }

    /// None when all places, or those of this address, are taken.
    pub fn take(self: &Arc<Self>, address: IpAddr) -> Option<Permit> {
        let address = neighbourhood(address);
        let allowed = if address.is_loopback() { self.per_loopback } else { self.per_address };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= self.total {
            return None;
        }
        let here = taken.by_address.entry(address).or_default();
        if *here >= allowed {
            return None;
        }
        *here += 1;
        taken.all += 1;
        metrics::gauge!(names::CONNECTIONS).set(taken.all as f64);
        drop(taken);
        Some(Permit { permits: self.clone(), address })
    }

    fn give_back(&self, address: IpAddr) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(1);
        if let Some(here) = taken.by_address.get_mut(&address) {
            *here -= 1;
            if *here == 0 {
                taken.by_address.remove(&address);
            }
        }
        metrics::gauge!(names::CONNECTIONS).set(taken.all as f64);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.permits.give_back(self.address);
    }
}

/// What counts as one client: an IPv4 address, or the /64 that one IPv6 household has.
pub fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits() -> Arc<Permits> {
        Permits::new(&ConnectionLimits { total: 4, per_address: 2, per_loopback: 3, ..ConnectionLimits::default() })
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_gets_its_share_and_no_more() {
        let permits = permits();
        let _one = permits.take(address("192.0.2.1")).unwrap();
        let two = permits.take(address("192.0.2.1")).unwrap();
        assert!(permits.take(address("192.0.2.1")).is_none());
        assert!(permits.take(address("::ffff:192.0.2.1")).is_none(), "the same address in other clothes");
        drop(two);
        assert!(permits.take(address("192.0.2.1")).is_some());
    }

    #[test]
    fn loopback_has_a_limit_of_its_own_and_all_share_the_total() {
        let permits = permits();
        let held: Vec<_> = (0..3).map(|_| permits.take(address("127.0.0.1")).unwrap()).collect();
        assert!(permits.take(address("127.0.0.1")).is_none());
        let _last = permits.take(address("192.0.2.1")).unwrap();
        assert!(permits.take(address("192.0.2.2")).is_none(), "the total is reached");
        drop(held);
        assert!(permits.take(address("192.0.2.2")).is_some());
        assert_eq!(permits.taken.lock().unwrap().by_address.len(), 1, "addresses without connections are forgotten");
    }

    #[test]
    fn a_household_of_ipv6_is_one_client() {
        let permits = permits();
        let _one = permits.take(address("2001:db8::1")).unwrap();
        let _two = permits.take(address("2001:db8::2")).unwrap();
        assert!(permits.take(address("2001:db8::3")).is_none());
        assert!(permits.take(address("2001:db8:0:1::3")).is_some());
    }
}
