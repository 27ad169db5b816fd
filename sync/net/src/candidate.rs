//! One address at which a peer may be reached, and what became of the attempts.

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;

use noroshi_sync::id::NodeId;

use crate::close::{Ended, Redial};
use crate::dial::Ways;
use crate::jitter::Jitter;
use crate::limits::{
    ANNOUNCED_ATTEMPTS_EAGER, HURRIED_FAR_ATTEMPTS, REDIAL_FAR_MAX_MS, REDIAL_FAR_MIN_MS, REDIAL_MAX_MS, REDIAL_MIN_MS,
    REDIAL_NOISE_MS, REDIAL_REFUSED_MS, REDIAL_TROUBLE_MS, TCP_AFTER_FAILURES,
};
use crate::link::Via;

/// What is dialled.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Target {
    Address(SocketAddr),
    /// `host:port`, looked up at every attempt.
    Host(String),
}

impl Target {
    /// Text of a configuration: `192.0.2.1:7400`, `[2001:db8::1]:7400` or `hq.example:7400`.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse() {
            return Some(Self::Address(address));
        }
        let (host, port) = text.rsplit_once(':')?;
        let port_is_valid = port.parse::<u16>().is_ok_and(|port| port != 0);
        let host_is_valid = !host.is_empty()
            && host.len() <= 253
            && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'));
        (port_is_valid && host_is_valid).then(|| Self::Host(text.to_ascii_lowercase()))
    }
}

impl From<SocketAddr> for Target {
    fn from(address: SocketAddr) -> Self {
        Self::Address(address)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Host(host) => f.write_str(host),
        }
    }
}

/// Who told of the address, who was there, when it is next tried.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub configured: bool,
    /// Nodes that the directory has at this address.
    pub listed: BTreeSet<NodeId>,
    /// Place of the most important of them.
    pub listed_at: usize,
    /// The short id last announced for this address.
    pub announced: Option<String>,
    /// When a peer last spoke to us from there.
    pub heard_ms: Option<u64>,
    /// The peer that proved to be there last.
    pub found: Option<NodeId>,
    /// This node itself answered.
    pub itself: bool,
    pub attempt: Attempt,
    /// When the last attempt began.
    pub begun_ms: Option<u64>,
    /// Attempts in a row that came to nothing.
    pub failures: u32,
    /// The peer was last reached over TCP.
    pub needs_tcp: bool,
}

/// How soon an address that does not answer is dialled again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pace {
    Hurried,
    /// Far away, and not among the most important.
    Unhurried,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Attempt {
    Waiting { until_ms: u64, refused: bool },
    Running,
}

impl Candidate {
    pub fn new(now_ms: u64) -> Self {
        Self {
            configured: false,
            listed: BTreeSet::new(),
            listed_at: usize::MAX,
            announced: None,
            heard_ms: None,
            found: None,
            itself: false,
            attempt: Attempt::Waiting { until_ms: now_ms, refused: false },
            begun_ms: None,
            failures: 0,
            needs_tcp: false,
        }
    }

    pub fn is_running(&self) -> bool {
        self.attempt == Attempt::Running
    }

    /// Over what it is dialled while nobody is connected there.
    pub fn ways(&self) -> Ways {
        if self.needs_tcp || self.failures >= TCP_AFTER_FAILURES { Ways::QuicThenTcp } else { Ways::QuicOnly }
    }

    pub fn begin(&mut self, now_ms: u64) {
        self.attempt = Attempt::Running;
        self.begun_ms = Some(now_ms);
    }

    /// The most trusted of those who told of it; `None` when nobody does any more.
    pub fn via(&self) -> Option<Via> {
        if self.configured {
            Some(Via::Configured)
        } else if !self.listed.is_empty() {
            Some(Via::Directory)
        } else if self.announced.is_some() {
            Some(Via::Mdns)
        } else {
            self.heard_ms.map(|_| Via::Heard)
        }
    }

    /// Known only from an announcement, and never a peer: anybody on the local network can make such.
    pub fn is_unproven(&self) -> bool {
        self.via() == Some(Via::Mdns) && self.found.is_none()
    }

    /// The peer that is there, if only one can be.
    pub fn owner(&self) -> Option<NodeId> {
        self.found.or_else(|| self.listed.first().copied().filter(|_| self.listed.len() == 1))
    }

    /// Whether it can be the address of this peer, as far as is known.
    pub fn is_of(&self, peer: &NodeId) -> bool {
        self.found.map_or_else(|| self.listed.contains(peer), |found| found == *peer)
    }

    /// Whether somebody may be reached there who is not served already.
    pub fn is_wanted(&self, is_served: impl Fn(&NodeId) -> bool) -> bool {
        if self.itself {
            return false;
        }
        match &self.found {
            Some(peer) => !is_served(peer),
            None => self.listed.is_empty() || self.listed.iter().any(|peer| !is_served(peer)),
        }
    }

    /// Tries again now, unless an attempt runs or was refused.
    pub fn hurry(&mut self, now_ms: u64) {
        if let Attempt::Waiting { until_ms, refused: false } = self.attempt {
            self.wait(until_ms.min(now_ms));
        }
    }

    /// Tries again at a time counted from the start of the last attempt.
    fn failed(&mut self, now_ms: u64, pace: Pace, jitter: &mut Jitter) {
        self.failures = self.failures.saturating_add(1);
        let is_noise =
            self.failures > ANNOUNCED_ATTEMPTS_EAGER && (self.is_unproven() || self.via() == Some(Via::Heard));
        let pause_ms = if is_noise {
            jitter.between(REDIAL_NOISE_MS / 2, REDIAL_NOISE_MS)
        } else if pace == Pace::Unhurried && self.failures > HURRIED_FAR_ATTEMPTS {
            jitter.between(REDIAL_FAR_MIN_MS, REDIAL_FAR_MAX_MS)
        } else {
            let doubled = REDIAL_MIN_MS << self.failures.min(8);
            jitter.between(REDIAL_MIN_MS, doubled.min(REDIAL_MAX_MS))
        };
        self.wait(now_ms.max(self.begun_ms.unwrap_or(now_ms) + pause_ms));
    }

    /// Was in use or tried; tries again as suits how it ended.
    pub fn ended(&mut self, ended: &Ended, now_ms: u64, pace: Pace, jitter: &mut Jitter) {
        match ended.redial() {
            Redial::Soon => self.failed(now_ms, pace, jitter),
            Redial::Later => {
                let pause_ms = jitter.between(REDIAL_TROUBLE_MS / 2, REDIAL_TROUBLE_MS);
                self.attempt = Attempt::Waiting { until_ms: now_ms + pause_ms, refused: false };
            }
            Redial::Late => {
                self.failures = self.failures.saturating_add(1);
                let pause_ms = jitter.between(REDIAL_REFUSED_MS - REDIAL_REFUSED_MS / 10, REDIAL_REFUSED_MS);
                self.attempt = Attempt::Waiting { until_ms: now_ms + pause_ms, refused: true };
            }
        }
    }

    /// Was of use: what went wrong before is forgotten. `pause_ms` until the next attempt, if one is then wanted.
    pub fn settled(&mut self, now_ms: u64, pause_ms: u64) {
        self.failures = 0;
        self.wait(now_ms + pause_ms);
    }

    /// Whatever happens, the same address is not tried more often than allowed.
    fn wait(&mut self, until_ms: u64) {
        let earliest_ms = self.begun_ms.map_or(0, |begun_ms| begun_ms + REDIAL_MIN_MS);
        self.attempt = Attempt::Waiting { until_ms: until_ms.max(earliest_ms), refused: false };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configured_addresses_are_read_or_refused() {
        let address = |text: &str| matches!(Target::parse(text), Some(Target::Address(_)));
        assert!(address("192.0.2.1:7400") && address("[2001:db8::1]:7400"));
        assert_eq!(Target::parse("HQ.Example:7400"), Some(Target::Host("hq.example:7400".into())));
        for wrong in
            ["", ":", "host", "host:", "host:0", "host:65536", ":7400", "a b:1", "2001:db8::1:7400x", "本庁:7400"]
        {
            assert_eq!(Target::parse(wrong), None, "{wrong}");
        }
    }
}
