//! Where a node may be reached: `host:port`, in one spelling.

use std::fmt;
use std::net::{Ipv6Addr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::field::InvalidField;
use crate::limits::HOST_BYTES_MAX;

/// `192.0.2.7:7450`, `[2001:db8::7]:7450` or `kita.asanagi.example:7450`. A hint only: the certificate decides.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeAddress(String);

impl NodeAddress {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host without brackets, and the port.
    pub fn host_and_port(&self) -> (&str, u16) {
        let (host, port) = self.0.rsplit_once(':').unwrap_or((&self.0, "0"));
        (host.trim_start_matches('[').trim_end_matches(']'), port.parse().unwrap_or(0))
    }
}

impl FromStr for NodeAddress {
    type Err = InvalidField;

    /// Upper case and other spellings of an IP address are accepted and normalised.
    fn from_str(text: &str) -> Result<Self, InvalidField> {
        let invalid = |code| InvalidField::new("address", code);
        if text.len() > HOST_BYTES_MAX + 6 {
            return Err(invalid("too_long"));
        }
        let (host, port) = text.rsplit_once(':').ok_or(invalid("malformed"))?;
        let port = parse_port(port).ok_or(invalid("malformed"))?;
        let host = parse_host(host).ok_or(invalid("malformed"))?;
        Ok(Self(format!("{host}:{port}")))
    }
}

impl From<SocketAddr> for NodeAddress {
    fn from(address: SocketAddr) -> Self {
        match address {
            SocketAddr::V4(v4) => Self(v4.to_string()),
            // Without the zone: it means nothing on another machine.
            SocketAddr::V6(v6) => Self(format!("[{}]:{}", v6.ip(), v6.port())),
        }
    }
}

/// For entries: what is stored must already be in the one spelling, or its hash would differ from its meaning.
impl TryFrom<String> for NodeAddress {
    type Error = InvalidField;
    fn try_from(text: String) -> Result<Self, InvalidField> {
        text.parse()
    }
}

impl From<NodeAddress> for String {
    fn from(address: NodeAddress) -> Self {
        address.0
    }
}

impl fmt::Display for NodeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for NodeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "address({})", self.0)
    }
}

/// 1–65535, digits only, no leading zero.
fn parse_port(text: &str) -> Option<u16> {
    let canonical = !text.starts_with('0') && text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    if canonical { text.parse().ok() } else { None }
}

fn parse_host(text: &str) -> Option<String> {
    if let Some(inner) = text.strip_prefix('[') {
        let ip: Ipv6Addr = inner.strip_suffix(']')?.parse().ok()?;
        return Some(format!("[{ip}]"));
    }
    // A last label of digits alone is an IPv4 address or nothing (WHATWG URL, "ends in a number").
    if text.rsplit('.').next()?.bytes().all(|byte| byte.is_ascii_digit()) {
        let ip: std::net::Ipv4Addr = text.parse().ok()?;
        return Some(ip.to_string());
    }
    let valid = !text.is_empty() && text.len() <= HOST_BYTES_MAX && text.split('.').all(is_label);
    valid.then(|| text.to_ascii_lowercase())
}

/// RFC 1123: 1–63 letters, digits and inner hyphens.
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_spelling() {
        for (text, one) in [
            ("192.0.2.7:7450", "192.0.2.7:7450"),
            ("[2001:DB8:0::7]:7450", "[2001:db8::7]:7450"),
            ("Kita.Asanagi.Example:1", "kita.asanagi.example:1"),
            ("localhost:65535", "localhost:65535"),
            ("1a.example:7450", "1a.example:7450"),
        ] {
            assert_eq!(text.parse::<NodeAddress>().unwrap().as_str(), one);
        }
        assert_eq!("[::1]:7450".parse::<NodeAddress>().unwrap().host_and_port(), ("::1", 7450));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}:1", "a.".repeat(127));
        for text in [
            "",
            ":",
            "host",
            "host:",
            ":7450",
            "host:0",
            "host:65536",
            "host:070",
            "host:+80",
            "ho st:1",
            "host\n:1",
            "ホスト:1",
            "-a.example:1",
            "a..b:1",
            "a.example.:1",
            "300.1.1.1:1",
            "1.2.3:1",
            "::1:7450",
            "[::1:7450",
            "[fe80::1%eth0]:1",
            "https://a.example:1",
            &long,
        ] {
            assert!(text.parse::<NodeAddress>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_dns_name_of_253_bytes_is_the_longest() {
        let label = "a".repeat(63);
        let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        assert_eq!(longest.len(), 253);
        assert!(format!("{longest}:65535").parse::<NodeAddress>().is_ok());
        assert!(format!("{longest}a:65535").parse::<NodeAddress>().is_err());
    }
}
