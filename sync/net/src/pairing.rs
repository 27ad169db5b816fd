//! Which of two connections to one peer carries the session, decided alike on both sides.
//!
//! Both nodes may dial at the same moment. Then both connections stay, and the one dialled by the node with the smaller
//! id is used; the other waits, unused, and takes over if the first is lost. One over QUIC goes before one over TCP,
//! whoever dialled it: that is how a line returns to QUIC. A connection that carried a session before
//! is never used for another: what was under way on it would be taken for part of the new one.

use noroshi_sync::id::NodeId;

use crate::carrier::Transport;
use crate::close::CloseCode;
use crate::stream::Run;

/// Who dialled a connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Side {
    /// This node.
    Ours,
    /// The peer.
    Theirs,
}

/// Names a connection at this node, as long as the node runs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct ConnectionNumber(pub u64);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Member {
    pub number: ConnectionNumber,
    pub side: Side,
    pub transport: Transport,
    /// The run of the peer.
    pub run: Run,
}

/// The connections to one peer: at most one of each side.
#[derive(Clone, Debug)]
pub(crate) struct Pairing {
    preferred: Side,
    members: Vec<Member>,
    active: Option<ConnectionNumber>,
}

/// What follows from a change.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Verdict {
    pub close: Vec<(ConnectionNumber, CloseCode)>,
    /// Begins a session on this connection, afresh if there was one.
    pub activate: Option<ConnectionNumber>,
}

impl Pairing {
    pub fn new(own: &NodeId, peer: &NodeId) -> Self {
        let preferred = if own < peer { Side::Ours } else { Side::Theirs };
        Self { preferred, members: Vec::new(), active: None }
    }

    /// A connection is up.
    pub fn add(&mut self, member: Member) -> Verdict {
        // Connections of an earlier run of the peer are dead, and one side has but one: the newest.
        let mut close = self.take_out(|other| other.run != member.run || other.side == member.side);
        let active = self.members.iter().find(|other| Some(other.number) == self.active);
        if active.is_some_and(|active| self.rank(active) > self.rank(&member)) {
            self.members.push(member);
            return Verdict { close, activate: None };
        }
        // What carried the session until now is used up.
        let active = self.active.take();
        close.extend(self.take_out(|other| Some(other.number) == active));
        self.members.push(member);
        self.active = Some(member.number);
        Verdict { close, activate: Some(member.number) }
    }

    /// A connection is gone.
    pub fn remove(&mut self, number: ConnectionNumber) -> Verdict {
        self.members.retain(|member| member.number != number);
        if self.active != Some(number) {
            return Verdict::default();
        }
        self.active = self.members.first().map(|member| member.number);
        Verdict { close: Vec::new(), activate: self.active }
    }

    /// The session runs on this one.
    pub fn active(&self) -> Option<ConnectionNumber> {
        self.active
    }

    pub fn numbers(&self) -> impl Iterator<Item = ConnectionNumber> {
        self.members.iter().map(|member| member.number)
    }

    /// QUIC before TCP, then what the node with the smaller id dialled: both sides see it alike.
    fn rank(&self, member: &Member) -> (Transport, bool) {
        (member.transport, member.side == self.preferred)
    }

    fn take_out(&mut self, which: impl Fn(&Member) -> bool) -> Vec<(ConnectionNumber, CloseCode)> {
        let out = self.members.extract_if(.., |member| which(member));
        let out: Vec<_> = out.map(|member| (member.number, CloseCode::Superseded)).collect();
        if out.iter().any(|(number, _)| self.active == Some(*number)) {
            self.active = None;
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SMALL: NodeId = NodeId::from_bytes([1; 32]);
    const LARGE: NodeId = NodeId::from_bytes([2; 32]);

    fn member(number: u64, side: Side, run: u8) -> Member {
        Member { number: ConnectionNumber(number), side, transport: Transport::Quic, run: [run; 16] }
    }

    fn over_tcp(number: u64, side: Side) -> Member {
        Member { transport: Transport::Tcp, ..member(number, side, 1) }
    }

    fn superseded(number: u64) -> Vec<(ConnectionNumber, CloseCode)> {
        vec![(ConnectionNumber(number), CloseCode::Superseded)]
    }

    #[test]
    fn of_two_the_one_dialled_by_the_smaller_id_is_used() {
        for (own, peer, used) in [(SMALL, LARGE, Side::Ours), (LARGE, SMALL, Side::Theirs)] {
            for first in [Side::Ours, Side::Theirs] {
                let second = if first == Side::Ours { Side::Theirs } else { Side::Ours };
                let mut pairing = Pairing::new(&own, &peer);
                pairing.add(member(1, first, 1));
                pairing.add(member(2, second, 1));
                assert_eq!(pairing.active(), Some(ConnectionNumber(if first == used { 1 } else { 2 })));
            }
        }
    }

    #[test]
    fn the_unused_one_takes_over_and_the_used_one_is_never_used_again() {
        let mut pairing = Pairing::new(&SMALL, &LARGE);
        assert_eq!(pairing.add(member(1, Side::Ours, 1)).activate, Some(ConnectionNumber(1)));
        assert_eq!(pairing.add(member(2, Side::Theirs, 1)), Verdict::default());
        assert_eq!(pairing.remove(ConnectionNumber(1)).activate, Some(ConnectionNumber(2)));
        let verdict = pairing.add(member(3, Side::Ours, 1));
        assert_eq!(verdict, Verdict { close: superseded(2), activate: Some(ConnectionNumber(3)) });
        assert_eq!(pairing.remove(ConnectionNumber(3)), Verdict::default());
        assert_eq!(pairing.active(), None);
    }

    #[test]
    fn a_restarted_peer_takes_over_at_once() {
        let mut pairing = Pairing::new(&SMALL, &LARGE);
        pairing.add(member(1, Side::Ours, 1));
        let verdict = pairing.add(member(2, Side::Theirs, 2));
        assert_eq!(verdict, Verdict { close: superseded(1), activate: Some(ConnectionNumber(2)) });
    }

    #[test]
    fn the_newest_of_one_side_counts() {
        let mut pairing = Pairing::new(&LARGE, &SMALL);
        pairing.add(member(1, Side::Theirs, 1));
        let verdict = pairing.add(member(2, Side::Theirs, 1));
        assert_eq!(verdict, Verdict { close: superseded(1), activate: Some(ConnectionNumber(2)) });
    }

    #[test]
    fn quic_takes_over_from_tcp_and_never_the_other_way() {
        for (own, peer) in [(SMALL, LARGE), (LARGE, SMALL)] {
            for (tcp, quic) in [(Side::Ours, Side::Theirs), (Side::Theirs, Side::Ours)] {
                let mut pairing = Pairing::new(&own, &peer);
                pairing.add(over_tcp(1, tcp));
                let verdict = pairing.add(member(2, quic, 1));
                assert_eq!(verdict, Verdict { close: superseded(1), activate: Some(ConnectionNumber(2)) });
                assert_eq!(pairing.add(over_tcp(3, tcp)), Verdict::default());
                assert_eq!(pairing.active(), Some(ConnectionNumber(2)));
                assert_eq!(pairing.remove(ConnectionNumber(2)).activate, Some(ConnectionNumber(3)));
            }
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Up(Side, u8, Transport),
        Down(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        let side = prop_oneof![Just(Side::Ours), Just(Side::Theirs)];
        let transport = prop_oneof![Just(Transport::Quic), Just(Transport::Tcp)];
        let up = (side, 0..2u8, transport).prop_map(|(side, run, transport)| Step::Up(side, run, transport));
        prop_oneof![up, (0..4usize).prop_map(Step::Down)]
    }

    proptest! {
        #[test]
        fn there_is_one_session_while_there_is_a_connection(steps in proptest::collection::vec(step(), 0..60)) {
            let mut pairing = Pairing::new(&SMALL, &LARGE);
            let (mut open, mut used, mut number) = (Vec::new(), Vec::new(), 0);
            for step in steps {
                let verdict = match step {
                    Step::Up(side, run, transport) => {
                        number += 1;
                        open.push(ConnectionNumber(number));
                        pairing.add(Member { transport, ..member(number, side, run) })
                    }
                    Step::Down(which) if which < open.len() => {
                        let number = open.remove(which);
                        pairing.remove(number)
                    }
                    Step::Down(_) => continue,
                };
                for (closed, _) in &verdict.close {
                    open.retain(|number| number != closed);
                }
                if let Some(activated) = verdict.activate {
                    prop_assert!(!used.contains(&activated), "used twice");
                    used.push(activated);
                }
                prop_assert_eq!(pairing.numbers().collect::<Vec<_>>().len(), open.len());
                prop_assert!(open.len() <= 2);
                prop_assert_eq!(pairing.active().is_some(), !open.is_empty());
                prop_assert!(pairing.active().is_none_or(|active| open.contains(&active)));
            }
        }
    }
}
