//! Which addresses are near: on this machine, or on a network that it is attached to. Dialling those costs no thin line.

use std::net::IpAddr;

/// The networks of this machine.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Locality {
    /// Address and bits of its network.
    networks: Vec<(IpAddr, u8)>,
}

impl Locality {
    pub fn new(networks: Vec<(IpAddr, u8)>) -> Self {
        Self { networks }
    }

    /// As the system has them now; none when it does not tell.
    pub fn of_this_machine() -> Self {
        let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
        let network = |interface: if_addrs::Interface| match interface.addr {
            if_addrs::IfAddr::V4(v4) => (IpAddr::V4(v4.ip), v4.prefixlen),
            if_addrs::IfAddr::V6(v6) => (IpAddr::V6(v6.ip), v6.prefixlen),
        };
        Self::new(interfaces.into_iter().map(network).collect())
    }

    pub fn is_near(&self, address: IpAddr) -> bool {
        let is_link_local = match address {
            IpAddr::V4(v4) => v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_unicast_link_local(),
        };
        // A host route is no network.
        let has_others = |(own, bits): &(IpAddr, u8)| match own {
            IpAddr::V4(_) => (1..=30).contains(bits),
            IpAddr::V6(_) => (1..=126).contains(bits),
        };
        let networks = self.networks.iter().filter(|network| has_others(network));
        address.is_loopback() || is_link_local || networks.into_iter().any(|(own, bits)| shares(*own, address, *bits))
    }
}

/// Whether the first bits are the same.
fn shares(one: IpAddr, other: IpAddr, bits: u8) -> bool {
    let number = |address: IpAddr| match address {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()) << 96, true),
        IpAddr::V6(v6) => (v6.to_bits(), false),
    };
    let ((one, is_v4), (other, is_also_v4)) = (number(one), number(other));
    is_v4 == is_also_v4 && (one ^ other).checked_shr(128 - u32::from(bits)).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_is_what_shares_a_network() {
        let networks = [("192.168.10.7", 24), ("10.1.2.3", 32), ("2001:db8:1::7", 64), ("0.0.0.0", 0)];
        let locality = Locality::new(networks.map(|(address, bits)| (address.parse().unwrap(), bits)).to_vec());
        for (address, near) in [
            ("192.168.10.250", true),
            ("192.168.11.1", false),
            ("10.1.2.3", false),
            ("127.0.0.1", true),
            ("::1", true),
            ("169.254.3.4", true),
            ("fe80::1", true),
            ("2001:db8:1::9", true),
            ("2001:db8:2::9", false),
            ("203.0.113.9", false),
        ] {
            assert_eq!(locality.is_near(address.parse().unwrap()), near, "{address}");
        }
        assert!(!Locality::default().is_near("192.168.10.7".parse().unwrap()));
    }
}
