//! What one node says about itself in one room, outside the logs: what it holds, and what its people have read.
//!
//! A batch replaces the whole earlier batch of the same node and room when its version is higher. Relays carry batches
//! but cannot forge them. Held values may fall after a restore, because the batch says what is held now.

use serde::{Deserialize, Serialize};

use crate::checkpoint::{NodeKey, Signature, verify_signature};
use crate::digest::Digest;
use crate::entry::Lane;
use crate::frontier::{Frontier, HeldRange, LogState};
use crate::hlc::Hlc;
use crate::id::{Epoch, NodeId, RoomId};
use crate::limits::REGISTER_BYTES_MAX;
use crate::log::{Branch, Hash, LogId};
use crate::wire::{self, Malformed};

/// Orders the batches of one node: the clock at its process start, then a counter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash, Default, Serialize, Deserialize)]
pub struct RegisterVersion {
    pub start: Hlc,
    pub counter: u64,
}

/// One line of the held frontier; the writing node is an index into [`Register::nodes`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HeldLog {
    pub node: u16,
    pub epoch: Epoch,
    pub lane: Lane,
    pub branch: Option<Branch>,
    pub length: u64,
    pub hash: Hash,
    pub above: Vec<HeldRange>,
}

impl HeldLog {
    /// The log that the line speaks of.
    pub const fn log(&self, room: RoomId, node: NodeId) -> LogId {
        LogId { room, node, epoch: self.epoch, lane: self.lane, branch: self.branch }
    }
}

/// The content of a batch.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Register {
    pub room: RoomId,
    pub node: NodeId,
    pub version: RegisterVersion,
    /// Writers named by [`Self::held`], ascending.
    pub nodes: Vec<NodeId>,
    /// Ascending by (node, epoch, lane, branch).
    pub held: Vec<HeldLog>,
    /// Read watermarks of the node's people; their form is the application's (it may name logs by their index in `held`).
    #[serde(with = "serde_bytes")]
    pub reads: Vec<u8>,
}

impl Register {
    /// Puts the frontier of a room into the compact form. A room has fewer than 65,536 writing nodes.
    pub fn new(room: RoomId, node: NodeId, version: RegisterVersion, frontier: &Frontier, reads: Vec<u8>) -> Self {
        let mut nodes: Vec<NodeId> = frontier.keys().map(|log| log.node).collect();
        nodes.dedup();
        let held = frontier
            .iter()
            .filter_map(|(log, state)| {
                let node = u16::try_from(nodes.binary_search(&log.node).ok()?).ok()?;
                let LogState { length, hash, above } = state.clone();
                Some(HeldLog { node, epoch: log.epoch, lane: log.lane, branch: log.branch, length, hash, above })
            })
            .collect();
        Self { room, node, version, nodes, held, reads }
    }

    /// The held frontier in its ordinary form.
    pub fn frontier(&self) -> Frontier {
        self.held
            .iter()
            .filter_map(|held| {
                let node = *self.nodes.get(usize::from(held.node))?;
                let log = held.log(self.room, node);
                Some((log, LogState { length: held.length, hash: held.hash, above: held.above.clone() }))
            })
            .collect()
    }

    pub fn sign(self, key: &NodeKey) -> SignedRegister {
        let body = wire::encode(&self);
        let signature = key.sign(&message(&body));
        SignedRegister { body, signature }
    }

    fn check(&self) -> Result<(), Malformed> {
        let invalid = |reason| Err(Malformed::Invalid { what: "register", reason });
        if !self.version.start.is_well_formed() {
            return invalid("the version is malformed");
        }
        if self.nodes.windows(2).any(|pair| pair.first() >= pair.last()) {
            return invalid("the nodes are out of order");
        }
        if self.held.iter().any(|held| usize::from(held.node) >= self.nodes.len()) {
            return invalid("a line names no node");
        }
        let place = |held: &HeldLog| (held.node, held.epoch, held.lane, held.branch);
        if self.held.windows(2).any(|pair| matches!(pair, [a, b] if place(a) >= place(b))) {
            return invalid("the lines are out of order");
        }
        self.frontier().iter().try_for_each(|(log, state)| state.check_line(log.branch.as_ref()))
    }
}

fn message(body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(body.len() + 32);
    bytes.extend_from_slice(b"noroshi/register/1");
    bytes.extend_from_slice(body);
    bytes
}

/// A batch as it travels and as it is stored; not yet verified when it comes from a peer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SignedRegister {
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
    pub signature: Signature,
}

impl SignedRegister {
    /// Decodes the batch and checks the signature of the node it speaks for.
    pub fn verify(self) -> Result<VerifiedRegister, Malformed> {
        let register: Register = wire::decode("register", &self.body, REGISTER_BYTES_MAX)?;
        register.check()?;
        if !verify_signature(register.node.as_bytes(), &message(&self.body), self.signature.as_bytes()) {
            return Err(Malformed::Invalid { what: "register", reason: "the signature is not by its node" });
        }
        Ok(VerifiedRegister { register, signed: self })
    }
}

/// A batch its node signed. Made by [`SignedRegister::verify`] alone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifiedRegister {
    register: Register,
    signed: SignedRegister,
}

impl VerifiedRegister {
    pub fn register(&self) -> &Register {
        &self.register
    }
    pub fn signed(&self) -> &SignedRegister {
        &self.signed
    }
    /// This batch's part of the room's digest.
    pub fn digest(&self) -> Digest {
        register_digest(&self.signed)
    }
}

/// A stored batch's part of the room's digest.
pub fn register_digest(signed: &SignedRegister) -> Digest {
    Digest::of("noroshi/digest/register/1", &[blake3::hash(&signed.body).as_bytes(), signed.signature.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::tests::sample_key;
    use crate::log::tests::sample_log;

    fn sample() -> Register {
        let key = sample_key(1);
        let mut frontier = Frontier::new();
        for node in [3, 1, 2] {
            let log = LogId { node: sample_key(node).node(), ..sample_log() };
            frontier.insert(log, LogState::empty(&log));
        }
        let version = RegisterVersion { start: Hlc::from_parts(1, 0), counter: 1 };
        Register::new(sample_log().room, key.node(), version, &frontier, vec![1, 2, 3])
    }

    #[test]
    fn a_frontier_survives_the_compact_form() {
        let register = sample();
        assert_eq!(register.frontier().len(), 3);
        let again = Register::new(register.room, register.node, register.version, &register.frontier(), vec![1, 2, 3]);
        assert_eq!(again, register);
    }

    #[test]
    fn a_register_of_256_kib_is_the_largest() {
        let sized = |bytes: usize| {
            let empty = Register { reads: Vec::new(), ..sample() };
            // The length of so many reads takes two bytes more than that of none.
            let reads = vec![7; bytes - wire::encode(&empty).len() - 2];
            let signed = Register { reads, ..empty }.sign(&sample_key(1));
            assert_eq!(signed.body.len(), bytes);
            signed.verify()
        };
        assert!(sized(REGISTER_BYTES_MAX).is_ok());
        assert!(matches!(sized(REGISTER_BYTES_MAX + 1), Err(Malformed::TooLarge { .. })));
    }

    #[test]
    fn only_its_node_can_sign_a_batch() {
        let signed = sample().sign(&sample_key(1));
        assert_eq!(signed.clone().verify().unwrap().register(), &sample());
        assert!(sample().sign(&sample_key(2)).verify().is_err());
        let mut damaged = signed;
        damaged.body.push(0);
        assert!(damaged.verify().is_err());
    }

    #[test]
    fn lines_out_of_order_or_without_node_are_refused() {
        let key = sample_key(1);
        let mut register = sample();
        register.held.swap(0, 1);
        assert!(register.sign(&key).verify().is_err());
        let mut register = sample();
        register.held[0].node = 9;
        assert!(register.sign(&key).verify().is_err());
        let mut register = sample();
        register.nodes.swap(0, 1);
        assert!(register.sign(&key).verify().is_err());
    }
}
