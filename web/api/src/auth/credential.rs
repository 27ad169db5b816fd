//! Finds the one session token of a request, wherever it came from.

use http::{HeaderMap, header};

use super::cookie::{CookieNames, Found};
use crate::limits::TOKEN_MAX;
use crate::problem::Problem;

/// The subprotocol that a browser asks for on the event WebSocket …
pub const PROTOCOL: &str = "noroshi";
/// … and the one that carries a token, where there is no cookie: browsers cannot set headers there.
const PROTOCOL_BEARER: &str = "bearer.";

/// A token and how it came: only a cookie is sent by a browser without being asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credential<'a> {
    pub token: &'a str,
    pub by_cookie: bool,
}

impl<'a> Credential<'a> {
    /// # Errors
    /// 401 when there is none, when it cannot be one, or when two of them disagree.
    pub fn of(headers: &'a HeaderMap, names: &CookieNames) -> Result<Self, Problem> {
        let explicit = match (bearer(headers)?, protocol(headers)) {
            (Some(bearer), Some(protocol)) if bearer != protocol => return Err(Self::disagree()),
            (bearer, protocol) => bearer.or(protocol),
        };
        let credential = match (explicit, names.token(headers)) {
            (_, Found::Ambiguous) => return Err(Self::disagree()),
            (Some(token), Found::One(cookie)) if token != cookie => return Err(Self::disagree()),
            (Some(token), _) => Self { token, by_cookie: false },
            (None, Found::One(token)) => Self { token, by_cookie: true },
            (None, Found::Nothing) => return Err(Problem::UNAUTHENTICATED),
        };
        let possible = !credential.token.is_empty()
            && credential.token.len() <= TOKEN_MAX
            && credential.token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if possible { Ok(credential) } else { Err(Problem::UNAUTHENTICATED) }
    }

    const fn disagree() -> Problem {
        Problem::new("credentials_disagree")
    }
}

fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Credential::disagree());
    }
    let text = value.to_str().map_err(|_| Problem::UNAUTHENTICATED)?;
    let (scheme, token) = text.split_once(' ').ok_or(Problem::UNAUTHENTICATED)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(Some(token.trim())) } else { Err(Problem::UNAUTHENTICATED) }
}

fn protocol(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).find_map(|name| name.trim().strip_prefix(PROTOCOL_BEARER))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[(&str, &str)]) -> Result<(String, bool), &'static str> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(http::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        Credential::of(&headers, &CookieNames::new("n", crate::auth::cookie::Channel::Plain))
            .map(|found| (found.token.to_owned(), found.by_cookie))
            .map_err(|problem| problem.code)
    }

    #[test]
    fn a_token_comes_by_header_cookie_or_subprotocol() {
        assert_eq!(of(&[("authorization", "Bearer abc")]), Ok(("abc".into(), false)));
        assert_eq!(of(&[("authorization", "bearer abc")]), Ok(("abc".into(), false)));
        assert_eq!(of(&[("cookie", "noroshi_n=abc")]), Ok(("abc".into(), true)));
        assert_eq!(of(&[("sec-websocket-protocol", "noroshi, bearer.abc")]), Ok(("abc".into(), false)));
        let twice = [("authorization", "Bearer abc"), ("cookie", "noroshi_n=abc")];
        assert_eq!(of(&twice), Ok(("abc".into(), false)));
    }

    #[test]
    fn two_logins_in_one_request_are_none() {
        for lines in [
            [("authorization", "Bearer abc"), ("cookie", "noroshi_n=xyz")],
            [("authorization", "Bearer abc"), ("authorization", "Bearer xyz")],
            [("authorization", "Bearer abc"), ("sec-websocket-protocol", "bearer.xyz")],
            [("cookie", "noroshi_n=abc"), ("cookie", "noroshi_n=xyz")],
        ] {
            assert_eq!(of(&lines), Err("credentials_disagree"), "{lines:?}");
        }
    }

    #[test]
    fn what_cannot_be_a_token_is_not_looked_up() {
        let long = format!("Bearer {}", "a".repeat(TOKEN_MAX + 1));
        for value in [long.as_str(), "Basic abc", "Bearer", "Bearer ", "Bearer a b", "Bearer ../x", "abc"] {
            assert_eq!(of(&[("authorization", value)]), Err("unauthenticated"), "{value}");
        }
        let longest = format!("Bearer {}", "a".repeat(TOKEN_MAX));
        assert!(of(&[("authorization", &longest)]).is_ok());
        assert_eq!(of(&[]), Err("unauthenticated"));
    }
}
