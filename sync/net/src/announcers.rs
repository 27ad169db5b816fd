//! How many new addresses each IP address may announce: announcements on a local network can be forged and repeated.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::limits::{ANNOUNCED_PER_ADDRESS_PER_MINUTE, ANNOUNCERS_MAX};

const MINUTE_MS: u64 = 60_000;

/// Counts by IP address within a minute from the first.
#[derive(Debug, Default)]
pub(crate) struct Announcers {
    counts: BTreeMap<IpAddr, (u64, u32)>,
}

impl Announcers {
    /// Whether one more new address of this IP address may be taken. When too many announce at once to be counted,
    /// nobody new may.
    pub fn admit(&mut self, announcer: IpAddr, now_ms: u64) -> bool {
        if self.counts.len() >= ANNOUNCERS_MAX {
            self.counts.retain(|_, (since_ms, _)| now_ms.saturating_sub(*since_ms) < MINUTE_MS);
        }
        if self.counts.len() >= ANNOUNCERS_MAX && !self.counts.contains_key(&announcer) {
            return false;
        }
        let (since_ms, count) = self.counts.entry(announcer).or_insert((now_ms, 0));
        if now_ms.saturating_sub(*since_ms) >= MINUTE_MS {
            (*since_ms, *count) = (now_ms, 0);
        }
        *count += 1;
        *count <= ANNOUNCED_PER_ADDRESS_PER_MINUTE
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn the_fifth_within_a_minute_is_refused() {
        let mut announcers = Announcers::default();
        let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let admitted = (0..5).filter(|_| announcers.admit(ip, 1_000)).count();
        assert_eq!(admitted, 4);
        assert!(!announcers.admit(ip, 60_999));
        assert!(announcers.admit(ip, 61_000));
        assert!(announcers.admit(IpAddr::V4(Ipv4Addr::BROADCAST), 1_000));
    }

    #[test]
    fn the_table_of_announcers_is_bounded() {
        let mut announcers = Announcers::default();
        for number in 0..10_000u32 {
            announcers.admit(IpAddr::V4(Ipv4Addr::from(number)), 1_000);
        }
        assert_eq!(announcers.counts.len(), ANNOUNCERS_MAX);
        assert!(announcers.admit(IpAddr::V4(Ipv4Addr::BROADCAST), 61_000));
    }
}
