//! What a person types to reach a node: a DNS name or an IP address, in one spelling.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::limits::HOST_BYTES_MAX;

/// A name or an address without a port.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum WebName {
    /// Lower case, no final dot, at least one label, no wildcard.
    Dns(String),
    Ip(IpAddr),
}

/// Not a name that a certificate could carry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither a host name nor an IP address")]
pub struct InvalidWebName(pub String);

impl WebName {
    /// As it stands in a URL: IPv6 in brackets.
    pub fn in_url(&self) -> String {
        match self {
            Self::Ip(IpAddr::V6(v6)) => format!("[{v6}]"),
            other => other.to_string(),
        }
    }

    /// Means this very machine, on every machine.
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Dns(name) => name == "localhost",
            Self::Ip(ip) => ip.is_loopback(),
        }
    }
}

impl FromStr for WebName {
    type Err = InvalidWebName;

    fn from_str(text: &str) -> Result<Self, InvalidWebName> {
        if let Ok(ip) = text.parse::<IpAddr>() {
            return Ok(Self::Ip(ip.to_canonical()));
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        // A last label of digits alone would be read as an IPv4 address (WHATWG URL, "ends in a number").
        let ends_in_number = name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
        let valid = name.len() <= HOST_BYTES_MAX && !ends_in_number && name.split('.').all(is_label);
        if valid { Ok(Self::Dns(name)) } else { Err(InvalidWebName(text.to_owned())) }
    }
}

/// RFC 1123: 1–63 letters, digits and inner hyphens.
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl TryFrom<String> for WebName {
    type Error = InvalidWebName;

    fn try_from(text: String) -> Result<Self, InvalidWebName> {
        text.parse()
    }
}

impl From<WebName> for String {
    fn from(name: WebName) -> Self {
        name.to_string()
    }
}

impl fmt::Display for WebName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => f.write_str(name),
            Self::Ip(ip) => ip.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_spelling() {
        for (text, expected, url) in [
            ("HQ.Asanagi.Home.Arpa.", "hq.asanagi.home.arpa", "hq.asanagi.home.arpa"),
            ("localhost", "localhost", "localhost"),
            ("::ffff:10.1.2.3", "10.1.2.3", "10.1.2.3"),
            ("FD00::0:1", "fd00::1", "[fd00::1]"),
        ] {
            let name: WebName = text.parse().unwrap();
            assert_eq!((name.to_string().as_str(), name.in_url().as_str()), (expected, url));
            assert_eq!(name.to_string().parse::<WebName>(), Ok(name));
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = format!("{}.jp", "a".repeat(64));
        let longer = vec!["abcdefgh"; 30].join(".");
        for text in [
            "",
            ".",
            "a..b",
            "*.example.jp",
            "-a.jp",
            "a-.jp",
            "本庁.jp",
            "a b",
            "1.2.3.999",
            "hq:443",
            "a_b",
            &long,
            &longer,
        ] {
            assert!(text.parse::<WebName>().is_err(), "{text}");
        }
    }
}
