//! Tells our own page from another site's: the `Origin` of a browser must be the `Host` it talks to.

use http::uri::Authority;
use http::{HeaderMap, header};

use crate::problem::Problem;

/// # Errors
/// 403 when an `Origin` is there and is not this host. Programs send none, which is fine: only browsers act for others.
pub fn check(headers: &HeaderMap) -> Result<(), Problem> {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else { return Ok(()) };
    let same = origins.next().is_none() && origin.to_str().is_ok_and(|origin| Some(origin) == own(headers, origin));
    if same { Ok(()) } else { Err(Problem::new("wrong_origin")) }
}

/// The origin back, when its host is ours.
fn own<'a>(headers: &HeaderMap, origin: &'a str) -> Option<&'a str> {
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"))?;
    let host = host(headers)?;
    authority.eq_ignore_ascii_case(host.as_str()).then_some(origin)
}

/// The one valid `Host` of a request.
pub fn host(headers: &HeaderMap) -> Option<Authority> {
    let mut values = headers.get_all(header::HOST).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() || value.contains('@') {
        return None;
    }
    value.parse().ok()
}

/// A name of this very machine: what a page of another site that points its name at us cannot claim.
pub fn is_loopback_name(host: &Authority) -> bool {
    let name = host.host().trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(host: &str, origins: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        for origin in origins {
            headers.append(header::ORIGIN, origin.parse().unwrap());
        }
        check(&headers).is_ok()
    }

    #[test]
    fn our_own_page_and_programs_may() {
        assert!(checked("127.0.0.1:8780", &[]));
        assert!(checked("127.0.0.1:8780", &["http://127.0.0.1:8780"]));
        assert!(checked("Node.example.home.arpa", &["https://node.example.home.arpa"]));
        assert!(checked("[::1]:8780", &["http://[::1]:8780"]));
    }

    #[test]
    fn other_sites_may_not() {
        for origin in ["http://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1:8781", "", "127.0.0.1:8780"]
        {
            assert!(!checked("127.0.0.1:8780", &[origin]), "{origin}");
        }
        assert!(!checked("127.0.0.1:8780", &["http://127.0.0.1:8780.evil.example"]));
        assert!(!checked("127.0.0.1:8780", &["http://127.0.0.1:8780", "http://evil.example"]));
    }

    #[test]
    fn loopback_names_are_known() {
        for (host, expected) in [
            ("localhost:1", true),
            ("127.0.0.1", true),
            ("[::1]:80", true),
            ("evil.example", false),
            ("10.0.0.1", false),
        ] {
            assert_eq!(is_loopback_name(&host.parse().unwrap()), expected, "{host}");
        }
    }
}
