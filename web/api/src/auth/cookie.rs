//! The cookies of one node: the login and the device.
//!
//! Cookies ignore ports, so their names carry the short node id: two offices of the demo in one browser must not log each
//! other out. Over HTTPS the names begin with `__Host-` and only those are believed: browsers take such cookies from
//! nobody but this very host over HTTPS, so what another site or the unencrypted network planted never counts.

use http::{HeaderMap, HeaderValue, header};
use noroshi_sync::id::DeviceId;

/// How long a browser keeps its login, seconds. The node ends sessions on its own account, usually earlier.
const LOGIN_AGE_S: u32 = 90 * 24 * 3600;
/// How long a browser keeps the name of its device, seconds: the most that browsers allow.
const DEVICE_AGE_S: u32 = 400 * 24 * 3600;

pub struct CookieNames {
    login: String,
    device: String,
    channel: Channel,
}

/// How the request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    Plain,
    Tls,
}

/// What a request's cookies say about a name.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<'a> {
    Nothing,
    One(&'a str),
    /// The same name with different values: somebody planted one of them.
    Ambiguous,
}

impl CookieNames {
    pub fn new(short_node_id: &str, channel: Channel) -> Self {
        let prefix = match channel {
            Channel::Plain => "",
            Channel::Tls => "__Host-",
        };
        Self {
            login: format!("{prefix}noroshi_{short_node_id}"),
            device: format!("{prefix}noroshi_device_{short_node_id}"),
            channel,
        }
    }

    pub fn token<'a>(&self, headers: &'a HeaderMap) -> Found<'a> {
        find(headers, &self.login)
    }

    /// The device this browser was given before, and what proves it if the organisation knows the device.
    pub fn device(&self, headers: &HeaderMap) -> (Option<DeviceId>, Option<String>) {
        let Found::One(text) = find(headers, &self.device) else { return (None, None) };
        let (device, secret) = text.split_once('.').map_or((text, None), |(device, secret)| (device, Some(secret)));
        (device.parse().ok(), secret.map(str::to_owned))
    }

    /// None when a value cannot stand in a header, which neither a token nor an id can be.
    pub fn set_login(&self, token: &str) -> Option<HeaderValue> {
        self.set(&self.login, token, LOGIN_AGE_S)
    }

    pub fn set_device(&self, device: &str, secret: Option<&str>) -> Option<HeaderValue> {
        let value = secret.map_or_else(|| device.to_owned(), |secret| format!("{device}.{secret}"));
        self.set(&self.device, &value, DEVICE_AGE_S)
    }

    pub fn clear_login(&self) -> Option<HeaderValue> {
        self.set(&self.login, "", 0)
    }

    fn set(&self, name: &str, value: &str, age_s: u32) -> Option<HeaderValue> {
        let secure = match self.channel {
            Channel::Plain => "",
            Channel::Tls => "; Secure",
        };
        HeaderValue::try_from(format!("{name}={value}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Strict{secure}"))
            .ok()
    }
}

fn find<'a>(headers: &'a HeaderMap, name: &str) -> Found<'a> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let values = pairs
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value);
    values.fold(Found::Nothing, |found, value| match found {
        Found::Nothing => Found::One(value),
        Found::One(first) if first == value => Found::One(first),
        Found::One(_) | Found::Ambiguous => Found::Ambiguous,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, line.parse().unwrap());
        }
        headers
    }

    #[test]
    fn only_the_cookie_of_this_node_counts() {
        let names = CookieNames::new("abcd1234", Channel::Plain);
        assert_eq!(names.token(&headers(&["noroshi_ffff0000=other; noroshi_abcd1234=mine; x=1"])), Found::One("mine"));
        assert_eq!(names.token(&headers(&["noroshi_ffff0000=other"])), Found::Nothing);
        assert_eq!(names.token(&headers(&[])), Found::Nothing);
    }

    #[test]
    fn the_same_name_twice_is_believed_only_when_it_says_the_same() {
        let names = CookieNames::new("abcd1234", Channel::Plain);
        assert_eq!(names.token(&headers(&["noroshi_abcd1234=a", "noroshi_abcd1234=a"])), Found::One("a"));
        assert_eq!(names.token(&headers(&["noroshi_abcd1234=a", "noroshi_abcd1234=b"])), Found::Ambiguous);
    }

    #[test]
    fn over_https_only_cookies_that_browsers_guard_are_believed() {
        let names = CookieNames::new("abcd1234", Channel::Tls);
        assert_eq!(names.token(&headers(&["noroshi_abcd1234=planted"])), Found::Nothing);
        let both = headers(&["noroshi_abcd1234=planted; __Host-noroshi_abcd1234=mine"]);
        assert_eq!(names.token(&both), Found::One("mine"));
        for cookie in [names.set_login("T"), names.set_device("D", Some("S")), names.clear_login()] {
            let text = cookie.unwrap().to_str().unwrap().to_owned();
            let guarded = text.starts_with("__Host-noroshi_") && text.ends_with("; Secure");
            assert!(guarded && text.contains("; Path=/;") && !text.contains("Domain"), "{text}");
        }
    }

    #[test]
    fn cookies_are_out_of_reach_for_scripts_and_other_sites() {
        let names = CookieNames::new("abcd1234", Channel::Plain);
        for cookie in [names.set_login("T"), names.set_device("D", Some("S")), names.clear_login()] {
            let text = cookie.unwrap().to_str().unwrap().to_owned();
            assert!(text.contains("; HttpOnly") && text.contains("; SameSite=Strict") && text.contains("; Path=/;"));
        }
    }
}
