//! Which names and addresses the browser authority may certify at all: its name constraints.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rcgen::{CidrSubnet, GeneralSubtree, NameConstraints};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::name::WebName;
use crate::authority::InvalidCertificate;

/// What every organisation has: mDNS names and this machine.
const COMMON_DOMAINS: [&str; 2] = ["local", "localhost"];
/// Private use (RFC 1918), link-local (RFC 3927), loopback.
const PERMITTED_V4: [(Ipv4Addr, u8); 5] = [
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
];
/// Unique local (RFC 4193), link-local, loopback.
const PERMITTED_V6: [(Ipv6Addr, u8); 3] = [
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
    (Ipv6Addr::LOCALHOST, 128),
];

/// The domains of a browser authority; the address ranges are the same for all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reach {
    domains: Vec<String>,
}

impl Reach {
    /// The organisation's own domain, `local` and `localhost`. `None` for what is no domain, or one so short (`jp`) that
    /// it would hold other people's sites.
    pub fn new(domain: &str) -> Option<Self> {
        let Ok(WebName::Dns(domain)) = domain.parse() else { return None };
        if !domain.contains('.') && domain != "internal" {
            return None;
        }
        let common = COMMON_DOMAINS.map(str::to_owned);
        Some(Self { domains: std::iter::once(domain).chain(common).collect() })
    }

    /// As an authority's certificate says.
    pub fn of_certificate(der: &[u8]) -> Result<Self, InvalidCertificate> {
        let Ok(([], certificate)) = X509Certificate::from_der(der) else { return Err(InvalidCertificate::Malformed) };
        let constraints = certificate.name_constraints().ok().flatten().ok_or(InvalidCertificate::NotTrusted)?;
        let subtrees = constraints.value.permitted_subtrees.iter().flatten();
        let domains = subtrees.filter_map(|subtree| match &subtree.base {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            _ => None,
        });
        Ok(Self { domains: domains.collect() })
    }

    /// The organisation's own domain.
    pub fn domain(&self) -> &str {
        self.domains.first().map_or("", String::as_str)
    }

    pub fn permits(&self, name: &WebName) -> bool {
        match name {
            WebName::Dns(name) => self.domains.iter().any(|domain| is_within(name, domain)),
            WebName::Ip(IpAddr::V4(ip)) => PERMITTED_V4.iter().any(|(net, bits)| {
                let shift = 32 - u32::from(*bits);
                u32::from(*ip) >> shift == u32::from(*net) >> shift
            }),
            WebName::Ip(IpAddr::V6(ip)) => PERMITTED_V6.iter().any(|(net, bits)| {
                let shift = 128 - u32::from(*bits);
                u128::from(*ip) >> shift == u128::from(*net) >> shift
            }),
        }
    }

    pub(super) fn constraints(&self) -> NameConstraints {
        let domains = self.domains.iter().map(|domain| GeneralSubtree::DnsName(domain.clone()));
        let v4 = PERMITTED_V4.iter().map(|(net, bits)| (IpAddr::V4(*net), *bits));
        let v6 = PERMITTED_V6.iter().map(|(net, bits)| (IpAddr::V6(*net), *bits));
        let ranges = v4.chain(v6).map(|(net, bits)| GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(net, bits)));
        NameConstraints { permitted_subtrees: domains.chain(ranges).collect(), excluded_subtrees: Vec::new() }
    }
}

fn is_within(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(text: &str) -> bool {
        Reach::new("asanagi.home.arpa").unwrap().permits(&text.parse().unwrap())
    }

    #[test]
    fn only_own_names_and_private_addresses_are_in_reach() {
        for text in [
            "asanagi.home.arpa",
            "hq.asanagi.home.arpa",
            "noroshi-12345678.local",
            "localhost",
            "10.0.0.1",
            "10.255.255.255",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "169.254.3.4",
            "127.0.0.1",
            "127.255.0.1",
            "::1",
            "fd00::1",
            "fe80::1",
        ] {
            assert!(permits(text), "{text}");
        }
        for text in [
            "home.arpa",
            "evil-asanagi.home.arpa",
            "www.example.co.jp",
            "local.example",
            "9.255.255.255",
            "11.0.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "128.0.0.1",
            "203.0.113.1",
            "::2",
            "fe00::1",
            "2001:db8::1",
        ] {
            assert!(!permits(text), "{text}");
        }
    }

    #[test]
    fn a_domain_of_the_whole_world_is_none() {
        for domain in ["", "jp", "com", "10.0.0.1", "*.lg.jp", "本庁"] {
            assert_eq!(Reach::new(domain), None, "{domain}");
        }
        assert!(Reach::new("home.arpa").is_some() && Reach::new("internal").is_some());
    }
}
