//! Whom to dial and when: a state machine without sockets or clocks.
//!
//! All addresses are hints. What is dialled is an address; who answers is known from the certificate alone. An address
//! is left alone while everybody it can belong to is connected or cut.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use noroshi_sync::id::NodeId;

use crate::announcers::Announcers;
use crate::candidate::{Attempt, Candidate, Pace, Target};
use crate::carrier::Transport;
use crate::close::{CloseCode, Ended, Redial};
use crate::dial::Ways;
use crate::jitter::Jitter;
use crate::limits::{
    CANDIDATES_ANNOUNCED_MAX, CANDIDATES_HEARD_MAX, CANDIDATES_MAX, DIALS_ANNOUNCED_MAX, DIALS_MAX, HURRIED_FAR_MAX,
    QUIC_PROBE_MS, REDIAL_MIN_MS,
};
use crate::link::{LinkState, Via};
use crate::locality::Locality;

/// See the module. All times are monotonic milliseconds.
#[derive(Debug)]
pub(crate) struct Dialler {
    own: NodeId,
    candidates: BTreeMap<Target, Candidate>,
    connected: BTreeMap<NodeId, Transport>,
    links: LinkState,
    locality: Locality,
    announcers: Announcers,
    jitter: Jitter,
    /// What [`wake_at`](Self::wake_at) said, until something changes: it is asked after every frame.
    wake: Option<Option<u64>>,
}

/// An attempt to begin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Dial {
    pub target: Target,
    pub via: Via,
    pub ways: Ways,
}

/// What became of an attempt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// This peer is there, and connected now or before.
    Peer(NodeId),
    Failed {
        /// Who was there, if it came so far.
        peer: Option<NodeId>,
        ended: Ended,
    },
}

/// What became of an announcement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Hinted {
    Own,
    Known,
    Taken,
    /// Too many from there within a minute.
    Limited,
    /// The table is full of addresses that had no attempt yet.
    Full,
}

impl Dialler {
    pub fn new(own: NodeId, seed: u64, configured: Vec<Target>, links: LinkState, now_ms: u64) -> Self {
        let mut dialler = Self {
            own,
            candidates: BTreeMap::new(),
            connected: BTreeMap::new(),
            links,
            locality: Locality::default(),
            announcers: Announcers::default(),
            jitter: Jitter::new(seed),
            wake: None,
        };
        for target in configured.into_iter().take(CANDIDATES_MAX) {
            dialler.candidates.entry(target).or_insert_with(|| Candidate::new(now_ms)).configured = true;
        }
        dialler
    }

    // ---- What others tell ------------------------------------------------------------------------------------------

    /// Replaces the addresses of the directory, the most important nodes first. Returns how many found no place.
    pub fn set_directory(&mut self, nodes: Vec<(NodeId, Vec<Target>)>, now_ms: u64) -> usize {
        self.wake = None;
        for candidate in self.candidates.values_mut() {
            candidate.listed.clear();
            candidate.listed_at = usize::MAX;
        }
        let mut left_out = 0;
        for (place, (node, addresses)) in nodes.into_iter().enumerate() {
            if node == self.own {
                continue;
            }
            for address in addresses {
                match self.place(address, now_ms) {
                    Some(candidate) => {
                        candidate.listed.insert(node);
                        candidate.listed_at = candidate.listed_at.min(place);
                    }
                    None => left_out += 1,
                }
            }
        }
        self.forget_untold();
        left_out
    }

    /// An announcement on the local network: a node with this short id says that it is at this address.
    pub fn hint(&mut self, address: SocketAddr, short: &str, now_ms: u64) -> Hinted {
        self.wake = None;
        if short == self.own.short() || address.port() == 0 || address.ip().is_unspecified() {
            return Hinted::Own;
        }
        let target = Target::Address(address);
        if let Some(candidate) = self.candidates.get_mut(&target) {
            let contradicts = candidate.itself || candidate.found.is_some_and(|found| found.short() != short);
            if contradicts && !self.announcers.admit(address.ip(), now_ms) {
                return Hinted::Limited;
            }
            if contradicts {
                (candidate.found, candidate.itself) = (None, false);
            }
            candidate.announced = Some(short.to_owned());
            candidate.hurry(now_ms);
            return Hinted::Known;
        }
        if !self.announcers.admit(address.ip(), now_ms) {
            return Hinted::Limited;
        }
        if self.count(|candidate| candidate.via() == Some(Via::Mdns)) >= CANDIDATES_ANNOUNCED_MAX
            && !self.evict_unproven()
        {
            return Hinted::Full;
        }
        match self.place(target, now_ms) {
            Some(candidate) => {
                candidate.announced = Some(short.to_owned());
                Hinted::Taken
            }
            None => Hinted::Full,
        }
    }

    /// The announcement was withdrawn. That can be forged too, so an address where a peer was found is kept.
    pub fn withdrawn(&mut self, short: &str) {
        self.wake = None;
        for candidate in self.candidates.values_mut() {
            if candidate.found.is_none() && candidate.announced.as_deref() == Some(short) {
                candidate.announced = None;
            }
        }
        self.forget_untold();
    }

    /// The network of this machine changed: whatever failed may work now.
    pub fn network_changed(&mut self, now_ms: u64) {
        self.wake = None;
        for candidate in self.candidates.values_mut() {
            candidate.itself = false;
            candidate.hurry(now_ms);
        }
    }

    /// On which networks this machine is.
    pub fn set_locality(&mut self, locality: Locality) {
        self.locality = locality;
    }

    /// The link switch was used: lines that are no longer cut are dialled now, also those that were refused.
    pub fn set_links(&mut self, links: LinkState, now_ms: u64) {
        self.wake = None;
        self.links = links;
        for candidate in self.candidates.values_mut() {
            if !candidate.is_running() {
                candidate.settled(now_ms, 0);
            }
        }
    }

    // ---- What became of connections --------------------------------------------------------------------------------

    /// A connection dialled by the peer is up: it can be dialled there.
    pub fn heard(&mut self, peer: NodeId, address: SocketAddr, now_ms: u64) {
        self.wake = None;
        let target = Target::Address(address);
        if !self.candidates.contains_key(&target)
            && self.count(|candidate| candidate.via() == Some(Via::Heard)) >= CANDIDATES_HEARD_MAX
        {
            self.evict_heard();
        }
        if let Some(candidate) = self.place(target, now_ms) {
            candidate.heard_ms = Some(now_ms);
            candidate.found = Some(peer);
        }
    }

    /// A session with the peer begins. While it runs over TCP, QUIC is tried from time to time.
    pub fn connected(&mut self, peer: NodeId, transport: Transport, now_ms: u64) {
        self.wake = None;
        self.connected.insert(peer, transport);
        for candidate in self.candidates.values_mut().filter(|candidate| candidate.is_of(&peer)) {
            candidate.needs_tcp = transport == Transport::Tcp;
            if candidate.needs_tcp && !candidate.is_running() {
                candidate.settled(now_ms, self.jitter.between(QUIC_PROBE_MS / 2, QUIC_PROBE_MS));
            }
        }
    }

    pub fn disconnected(&mut self, peer: NodeId, ended: &Ended, now_ms: u64) {
        self.wake = None;
        self.connected.remove(&peer);
        let hurried = self.hurried();
        for (target, candidate) in self.candidates.iter_mut().filter(|(_, candidate)| candidate.is_of(&peer)) {
            if candidate.is_running() {
                continue;
            }
            if ended.redial() > Redial::Soon {
                candidate.ended(ended, now_ms, pace_of(target, &hurried), &mut self.jitter);
            } else {
                // Both sides notice at once; the pause keeps them from always dialling at once too.
                let pause_ms = self.jitter.between(0, REDIAL_MIN_MS);
                candidate.settled(now_ms, pause_ms);
            }
        }
    }

    /// The attempt at this target is over.
    pub fn finished(&mut self, target: &Target, outcome: Outcome, now_ms: u64) {
        self.wake = None;
        let hurried = self.hurried();
        let Some(candidate) = self.candidates.get_mut(target) else { return };
        let is_probe = candidate.owner().is_some_and(|peer| self.connected.contains_key(&peer));
        match outcome {
            // The peer is connected over TCP, and QUIC still does not get through.
            Outcome::Failed { .. } if is_probe => {
                candidate.settled(now_ms, self.jitter.between(QUIC_PROBE_MS / 2, QUIC_PROBE_MS));
            }
            Outcome::Peer(peer) => {
                candidate.found = Some(peer);
                candidate.settled(now_ms, 0);
            }
            Outcome::Failed { ended: Ended::ByUs(CloseCode::Itself), .. } => {
                candidate.itself = true;
                candidate.settled(now_ms, 0);
            }
            Outcome::Failed { peer, ended } => {
                candidate.found = peer.or(candidate.found);
                candidate.ended(&ended, now_ms, pace_of(target, &hurried), &mut self.jitter);
            }
        }
        self.forget_untold();
    }

    // ---- What to do ------------------------------------------------------------------------------------------------

    /// Attempts to begin now. Each must be reported by [`finished`](Self::finished).
    pub fn due(&mut self, now_ms: u64) -> Vec<Dial> {
        if self.wake_at().is_none_or(|wake_ms| wake_ms > now_ms) {
            return Vec::new();
        }
        self.wake = None;
        let mut running = self.running(|_| true);
        let mut running_unproven = self.running(Candidate::is_unproven);
        let mut waiting: Vec<(bool, u64, Target, Via)> = self
            .candidates
            .iter()
            .filter_map(|(target, candidate)| {
                let until_ms = self.waits_until(candidate).filter(|until_ms| *until_ms <= now_ms)?;
                Some((candidate.is_unproven(), until_ms, target.clone(), candidate.via()?))
            })
            .collect();
        // Addresses that anybody can announce come last, whoever has waited longest first.
        waiting.sort();
        let mut dials = Vec::new();
        for (unproven, _, target, via) in waiting {
            if running >= DIALS_MAX || (unproven && running_unproven >= DIALS_ANNOUNCED_MAX) {
                continue;
            }
            running += 1;
            running_unproven += usize::from(unproven);
            if let Some(candidate) = self.candidates.get_mut(&target) {
                candidate.begin(now_ms);
                let is_probe = candidate.owner().is_some_and(|peer| self.connected.contains_key(&peer));
                let ways = if is_probe { Ways::QuicOnly } else { candidate.ways() };
                dials.push(Dial { target, via, ways });
            }
        }
        dials
    }

    /// When [`due`](Self::due) has something next, unless something else happens before.
    pub fn wake_at(&mut self) -> Option<u64> {
        let wake = self.wake.unwrap_or_else(|| self.soonest());
        self.wake = Some(wake);
        wake
    }

    fn soonest(&self) -> Option<u64> {
        let full = self.running(|_| true) >= DIALS_MAX;
        let full_unproven = self.running(Candidate::is_unproven) >= DIALS_ANNOUNCED_MAX;
        self.candidates
            .values()
            .filter(|candidate| !(full || full_unproven && candidate.is_unproven()))
            .filter_map(|candidate| self.waits_until(candidate))
            .min()
    }

    /// How the address of a peer is known.
    pub fn via(&self, peer: &NodeId) -> Via {
        let known = self.candidates.values().filter(|candidate| candidate.is_of(peer)).filter_map(Candidate::via).min();
        known.unwrap_or(Via::Heard)
    }

    /// The peers a target can belong to, as far as is known.
    pub fn owners(&self, target: &Target) -> Vec<NodeId> {
        let candidate = self.candidates.get(target);
        candidate.map_or_else(Vec::new, |candidate| match candidate.found {
            Some(peer) => vec![peer],
            None => candidate.listed.iter().copied().collect(),
        })
    }

    /// Peers for which an address is known.
    pub fn known_peers(&self) -> BTreeSet<NodeId> {
        self.candidates.values().flat_map(|candidate| candidate.listed.iter().copied().chain(candidate.found)).collect()
    }

    pub fn candidate_count(&self) -> usize {
        self.candidates.len()
    }

    pub fn running_count(&self) -> usize {
        self.running(|_| true)
    }

    /// The addresses that are dialled as often as may be: all that are near, and the most important of the others.
    fn hurried(&self) -> BTreeSet<Target> {
        let is_near = |target: &Target, candidate: &Candidate| {
            let is_near = |address: &SocketAddr| self.locality.is_near(address.ip());
            candidate.announced.is_some() || matches!(target, Target::Address(address) if is_near(address))
        };
        let (near, mut far): (Vec<_>, Vec<_>) =
            self.candidates.iter().partition(|(target, candidate)| is_near(target, candidate));
        far.sort_by_key(|(target, candidate)| (!candidate.configured, candidate.listed_at, (*target).clone()));
        near.into_iter().chain(far.into_iter().take(HURRIED_FAR_MAX)).map(|(target, _)| target.clone()).collect()
    }

    // ---- The table -------------------------------------------------------------------------------------------------

    fn waits_until(&self, candidate: &Candidate) -> Option<u64> {
        let is_served = |peer: &NodeId| self.connected.get(peer) == Some(&Transport::Quic) || self.links.is_cut(peer);
        match candidate.attempt {
            Attempt::Waiting { until_ms, .. } if !self.links.all && candidate.is_wanted(is_served) => Some(until_ms),
            _ => None,
        }
    }

    fn running(&self, which: impl Fn(&Candidate) -> bool) -> usize {
        self.count(|candidate| candidate.is_running() && which(candidate))
    }

    fn count(&self, which: impl Fn(&Candidate) -> bool) -> usize {
        self.candidates.values().filter(|candidate| which(candidate)).count()
    }

    /// The candidate of a target, made if there is room for it.
    fn place(&mut self, target: Target, now_ms: u64) -> Option<&mut Candidate> {
        if !self.candidates.contains_key(&target)
            && self.candidates.len() >= CANDIDATES_MAX
            && !self.evict_unproven()
            && !self.evict_heard()
        {
            return None;
        }
        Some(self.candidates.entry(target).or_insert_with(|| Candidate::new(now_ms)))
    }

    /// Makes room by what was announced and has failed most often. What had no attempt yet stays, or a flood of
    /// announcements would wash out the one that is real.
    fn evict_unproven(&mut self) -> bool {
        let worst = self
            .candidates
            .iter()
            .filter(|(_, candidate)| candidate.is_unproven() && candidate.failures > 0 && !candidate.is_running())
            .max_by_key(|(_, candidate)| candidate.failures)
            .map(|(target, _)| target.clone());
        worst.is_some_and(|target| self.candidates.remove(&target).is_some())
    }

    /// Makes room by the address from which a peer spoke longest ago.
    fn evict_heard(&mut self) -> bool {
        let oldest = self
            .candidates
            .iter()
            .filter(|(_, candidate)| candidate.via() == Some(Via::Heard) && !candidate.is_running())
            .min_by_key(|(_, candidate)| candidate.heard_ms)
            .map(|(target, _)| target.clone());
        oldest.is_some_and(|target| self.candidates.remove(&target).is_some())
    }

    /// Drops addresses that nobody tells of any more. Running attempts keep theirs until they end.
    fn forget_untold(&mut self) {
        self.candidates.retain(|_, candidate| candidate.via().is_some() || candidate.is_running());
    }
}

fn pace_of(target: &Target, hurried: &BTreeSet<Target>) -> Pace {
    if hurried.contains(target) { Pace::Hurried } else { Pace::Unhurried }
}

#[cfg(test)]
mod tests;
