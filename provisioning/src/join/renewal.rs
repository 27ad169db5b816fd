//! How a node's certificate is renewed over the line: a signed question where joining nodes ask, and headquarters' answer.
//!
//! The key stays the same; only its holder can ask. Whoever repeats a question on the line gets a certificate for a key
//! that they do not have.

use noroshi_sync::checkpoint::{Signature, verify_signature};
use noroshi_sync::id::NodeId;
use noroshi_sync::wire::{self, Malformed};
use serde::{Deserialize, Serialize};

use crate::authority::{IdentityError, InvalidCertificate, IssueError, IssuingKey, NodeIdentity, validity};
use crate::id::OrgId;
use crate::key::KeyPair;
use crate::ledger::Directory;
use crate::limits::JOIN_MESSAGE_BYTES_MAX;

const VERSION: u8 = 1;
/// Begins every question, to tell it from that of a node which joins.
const TAG: &[u8] = b"noroshi-renew\n";
/// Intermediates and leaf in an answer.
const CHAIN_MAX: usize = 4;
/// A clock this far behind the time that headquarters signed would make certificates that are over too early, ms.
const BEHIND_MS_MAX: u64 = 24 * 3_600_000;
/// A clock this far ahead of it would make certificates that nobody accepts yet, ms. Headquarters may have been off for
/// some weeks.
const AHEAD_MS_MAX: u64 = 30 * 24 * 3_600_000;

/// "This is my key, give it a new certificate."
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RenewalRequest {
    pub version: u8,
    pub organisation: OrgId,
    pub node: NodeId,
    /// By the node over everything before.
    pub signature: Signature,
}

/// "Here it is."
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RenewalResponse {
    pub version: u8,
    /// Certificate of the node and intermediates, DER.
    pub chain: Vec<Vec<u8>>,
}

/// Why a certificate is not renewed.
#[derive(Debug, thiserror::Error)]
pub enum RenewalRefusal {
    #[error("this node belongs to another organisation")]
    OtherOrganisation,
    #[error("only a node of headquarters renews certificates")]
    NotHeadquarters,
    #[error("the question is not signed by the node it speaks of")]
    BadSignature,
    #[error("the node was shut out")]
    Revoked,
    #[error("the node is not enrolled")]
    Unknown,
    #[error("the clock of headquarters is wrong: it is before the time that headquarters signed last")]
    ClockBehind,
    #[error("the clock of headquarters is far ahead of the time that headquarters signed last; `noroshi confirm-time`")]
    ClockAhead,
    #[error("no certificate could be issued: {0}")]
    Issue(#[from] IssueError),
}

impl RenewalRefusal {
    /// Stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::OtherOrganisation => "other_organisation",
            Self::NotHeadquarters => "not_headquarters",
            Self::BadSignature => "bad_signature",
            Self::Revoked => "revoked",
            Self::Unknown => "unknown_node",
            Self::ClockBehind => "clock_behind",
            Self::ClockAhead => "clock_ahead",
            Self::Issue(_) => "cannot_issue",
        }
    }
}

/// Why an answer is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRenewal {
    #[error("the answer is of another version of the program")]
    Version,
    #[error("the answer holds too many certificates")]
    TooMany,
    #[error("the certificates do not make an identity: {0}")]
    Identity(#[from] IdentityError),
    #[error("the node's certificate: {0}")]
    Certificate(#[from] InvalidCertificate),
    #[error("the new certificate is not valid for longer than the old one")]
    NotLonger,
}

impl RenewalRequest {
    pub fn new(node: &KeyPair, organisation: OrgId) -> Self {
        let signature = node.sign(&signed_bytes(organisation, node.node()));
        Self { version: VERSION, organisation, node: node.node(), signature }
    }

    /// Whether these bytes are such a question, whole or not.
    pub fn is_one(bytes: &[u8]) -> bool {
        bytes.starts_with(TAG)
    }

    pub fn encode(&self) -> Vec<u8> {
        [TAG, &wire::encode(self)].concat()
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let body = bytes.strip_prefix(TAG).unwrap_or_default();
        let request: Self = wire::decode("request for renewal", body, JOIN_MESSAGE_BYTES_MAX)?;
        if request.version != VERSION {
            return Err(Malformed::Invalid { what: "request for renewal", reason: "not_allowed" });
        }
        Ok(request)
    }
}

/// Headquarters' side: judges the question by the ledger held at `here`.
pub fn renew(
    request: &RenewalRequest,
    directory: &Directory,
    here: NodeId,
    issuing: &IssuingKey,
    now_ms: u64,
) -> Result<RenewalResponse, RenewalRefusal> {
    if request.organisation != directory.organisation() {
        return Err(RenewalRefusal::OtherOrganisation);
    }
    if !directory.is_headquarters_node(here) {
        return Err(RenewalRefusal::NotHeadquarters);
    }
    let signed = signed_bytes(request.organisation, request.node);
    if !verify_signature(request.node.as_bytes(), &signed, request.signature.as_bytes()) {
        return Err(RenewalRefusal::BadSignature);
    }
    if directory.revoked(request.node).is_some() {
        return Err(RenewalRefusal::Revoked);
    }
    if directory.node(request.node).is_none() {
        return Err(RenewalRefusal::Unknown);
    }
    if let Some((mark_ms, _)) = directory.headquarters_time() {
        if now_ms.saturating_add(BEHIND_MS_MAX) < mark_ms {
            return Err(RenewalRefusal::ClockBehind);
        }
        if now_ms > mark_ms.saturating_add(AHEAD_MS_MAX) {
            return Err(RenewalRefusal::ClockAhead);
        }
    }
    Ok(RenewalResponse { version: VERSION, chain: issuing.issue(request.node, now_ms)? })
}

impl RenewalResponse {
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        wire::decode("renewed certificate", bytes, JOIN_MESSAGE_BYTES_MAX)
    }

    /// The asking side: the same node under the same root, for longer than before.
    pub fn accept(self, old: &NodeIdentity) -> Result<NodeIdentity, InvalidRenewal> {
        if self.version != VERSION {
            return Err(InvalidRenewal::Version);
        }
        if self.chain.len() > CHAIN_MAX {
            return Err(InvalidRenewal::TooMany);
        }
        let key = KeyPair::from_seed(old.key().seed()).map_err(|_| IdentityError::Mismatch)?;
        let renewed = NodeIdentity::new(key, self.chain, old.root_certificate().to_vec())?;
        if Life::of(&renewed)?.until_ms <= Life::of(old)?.until_ms {
            return Err(InvalidRenewal::NotLonger);
        }
        Ok(renewed)
    }
}

/// From when and until when an identity is valid, milliseconds since 1970: all of its chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Life {
    pub from_ms: u64,
    pub until_ms: u64,
}

impl Life {
    pub fn of(identity: &NodeIdentity) -> Result<Self, InvalidCertificate> {
        let mut life = Self { from_ms: 0, until_ms: u64::MAX };
        for (place, certificate) in identity.chain().iter().enumerate() {
            let (from_ms, until_ms) = validity(certificate)?;
            // The life of the node's own certificate begins with it, whenever the authority above was made.
            life.from_ms = if place == 0 { from_ms } else { life.from_ms };
            life.until_ms = life.until_ms.min(until_ms);
        }
        Ok(life)
    }

    /// At two thirds, and up to a fiftieth of the life later, so that not all nodes ask on one day.
    pub fn renew_at_ms(&self, node: NodeId) -> u64 {
        let life_ms = self.until_ms.saturating_sub(self.from_ms);
        let share = node.as_bytes().first().copied().map_or(0, u64::from);
        self.from_ms.saturating_add(life_ms / 3 * 2).saturating_add(life_ms / 50 * share / 255)
    }
}

fn signed_bytes(organisation: OrgId, node: NodeId) -> Vec<u8> {
    [b"noroshi/renew/1".as_slice(), &wire::encode(&(VERSION, organisation, node))].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::root_certificate;
    use crate::id::OrgId;
    use crate::testing::*;

    const DAY_MS: u64 = 86_400_000;

    fn issuing() -> (Vec<u8>, IssuingKey) {
        let root = root_certificate(&key(200), "朝凪市", NOW_MS).unwrap();
        let issuing = IssuingKey::create(&key(200), &root, key(201), NOW_MS).unwrap();
        (root, issuing)
    }

    fn identity(n: u8, now_ms: u64) -> NodeIdentity {
        let (root, issuing) = issuing();
        NodeIdentity::new(key(n), issuing.issue(key(n).node(), now_ms).unwrap(), root).unwrap()
    }

    fn request(n: u8) -> RenewalRequest {
        RenewalRequest::new(&key(n), OrgId::of_root(&Town::root_public()))
    }

    #[test]
    fn the_holder_of_the_key_gets_a_longer_life() {
        let town = Town::new();
        let old = identity(2, NOW_MS);
        let question = RenewalRequest::decode(&request(2).encode()).unwrap();
        assert!(RenewalRequest::is_one(&question.encode()));
        let later = NOW_MS + 265 * DAY_MS;
        let answer = renew(&question, &town.directory(), Town::node(1), &issuing().1, later).unwrap();
        let renewed = RenewalResponse::decode(&answer.encode()).unwrap().accept(&old).unwrap();
        assert_eq!(renewed.node(), old.node());
        assert_eq!(Life::of(&renewed).unwrap().until_ms - Life::of(&old).unwrap().until_ms, 265 * DAY_MS);
        assert_eq!(answer.clone().accept(&renewed).unwrap_err(), InvalidRenewal::NotLonger);
        assert_eq!(answer.accept(&identity(3, NOW_MS)).unwrap_err(), InvalidRenewal::Identity(IdentityError::Mismatch));
    }

    #[test]
    fn nobody_else_gets_anything() {
        let mut town = Town::new();
        let issuing = issuing().1;
        let refusal = |town: &Town, request: &RenewalRequest, here: u8, now_ms: u64| {
            renew(request, &town.directory(), Town::node(here), &issuing, now_ms).unwrap_err().code()
        };
        let forged = RenewalRequest { node: Town::node(3), ..request(2) };
        let elsewhere = RenewalRequest::new(&key(2), OrgId::from_bytes([9; 32]));
        assert_eq!(refusal(&town, &forged, 1, NOW_MS), "bad_signature");
        assert_eq!(refusal(&town, &elsewhere, 1, NOW_MS), "other_organisation");
        assert_eq!(refusal(&town, &request(2), 2, NOW_MS), "not_headquarters");
        assert_eq!(refusal(&town, &request(66), 1, NOW_MS), "unknown_node");
        town.by_administrator(|admin, id| admin.time_mark(id, NOW_MS));
        assert_eq!(refusal(&town, &request(2), 1, NOW_MS - 2 * DAY_MS), "clock_behind");
        assert_eq!(refusal(&town, &request(2), 1, NOW_MS + 3_000 * DAY_MS), "clock_ahead");
        assert!(renew(&request(2), &town.directory(), Town::node(1), &issuing, NOW_MS + 20 * DAY_MS).is_ok());
        town.by_administrator(|admin, id| admin.revoke(id, Town::node(2), "盗難"));
        assert_eq!(refusal(&town, &request(2), 1, NOW_MS), "revoked");
    }

    #[test]
    fn renewal_is_due_after_two_thirds_and_not_everywhere_on_one_day() {
        let life = Life::of(&identity(2, NOW_MS)).unwrap();
        let day = |node: u8| (life.renew_at_ms(NodeId::from_bytes([node; 32])) - life.from_ms) / DAY_MS;
        assert_eq!((day(0), day(255)), (264, 272), "of 397 days");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            let _ = RenewalRequest::decode(&bytes);
            let _ = RenewalRequest::decode(&[TAG, &bytes].concat());
            let _ = RenewalResponse::decode(&bytes);
        }
    }
}
