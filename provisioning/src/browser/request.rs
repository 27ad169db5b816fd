//! How a node gets its browser certificate: a signed question over the line, and headquarters' answer.
//!
//! The question travels where joining nodes ask: the listener proves that it is a node of the organisation, the asker
//! proves by its signature which node it is. So a node whose node certificate has expired still gets one.

use noroshi_sync::checkpoint::{Signature, verify_signature};
use noroshi_sync::id::NodeId;
use noroshi_sync::wire::{self, Malformed};
use serde::{Deserialize, Serialize};

use super::authority::{BrowserAuthority, BrowserIssueError};
use super::claims::{Claims, Holder};
use super::leaf::{LeafCertificate, LeafKey, UnusableLeaf, WebIdentity, check_leaf};
use super::name::WebName;
use crate::id::OrgId;
use crate::key::KeyPair;
use crate::ledger::Directory;
use crate::limits::{LEAF_MESSAGE_BYTES_MAX, WEB_NAMES_HELD_MAX, WEB_NAMES_MAX};

const VERSION: u8 = 1;
/// Begins every question, to tell it from that of a node which joins.
const TAG: &[u8] = b"noroshi-leaf\n";

/// "These are my names, this is my key."
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LeafRequest {
    pub version: u8,
    pub organisation: OrgId,
    pub node: NodeId,
    /// Subject public key info of the P-256 key to be certified, DER.
    pub public_key: Vec<u8>,
    pub names: Vec<WebName>,
    /// By the node over everything before.
    pub signature: Signature,
}

impl LeafRequest {
    pub fn new(node: &KeyPair, organisation: OrgId, public_key: Vec<u8>, names: Vec<WebName>) -> Self {
        let signature = Signature::from_bytes([0; 64]);
        let mut request = Self { version: VERSION, organisation, node: node.node(), public_key, names, signature };
        request.signature = node.sign(&request.signed_bytes());
        request
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
        let request: Self = wire::decode("request for a browser certificate", body, LEAF_MESSAGE_BYTES_MAX)?;
        if request.version != VERSION {
            return Err(Malformed::Invalid { what: "request for a browser certificate", reason: "not_allowed" });
        }
        Ok(request)
    }

    fn signed_bytes(&self) -> Vec<u8> {
        let Self { version, organisation, node, public_key, names, .. } = self;
        [b"noroshi/leaf/1".as_slice(), &wire::encode(&(version, organisation, node, public_key, names))].concat()
    }
}

/// "Here it is, and this is what people install."
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LeafResponse {
    pub version: u8,
    pub leaf: Vec<u8>,
    pub authority: Vec<u8>,
    /// Names asked for that are not in it: outside the constraints, or another node's.
    pub withheld: Vec<WebName>,
}

impl LeafResponse {
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        wire::decode("browser certificate", bytes, LEAF_MESSAGE_BYTES_MAX)
    }

    /// The asking side: takes the leaf when a browser would.
    pub fn accept(self, key: &LeafKey) -> Result<WebIdentity, Unbelievable> {
        if self.version != VERSION {
            return Err(Unbelievable::Version);
        }
        let names = LeafCertificate::read(&self.leaf).map_err(UnusableLeaf::from)?.names;
        let leaf = check_leaf(&self.authority, &self.leaf, &names)?;
        if leaf.public_key() != key.public_key() {
            return Err(Unbelievable::OtherKey);
        }
        Ok(WebIdentity { pkcs8: key.pkcs8(), leaf: self.leaf, authority: self.authority })
    }
}

/// Why an answer is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unbelievable {
    #[error("the answer is of another version of the program")]
    Version,
    #[error(transparent)]
    Leaf(#[from] UnusableLeaf),
    #[error("the certificate is for another key")]
    OtherKey,
}

/// Why a question is not granted.
#[derive(Debug, thiserror::Error)]
pub enum LeafRefusal {
    #[error("this node belongs to another organisation")]
    OtherOrganisation,
    /// Or its enrolment has not arrived here yet.
    #[error("the asking node is not enrolled")]
    UnknownNode,
    #[error("the request is not signed by the node")]
    BadSignature,
    #[error("more than {WEB_NAMES_MAX} names, or {WEB_NAMES_HELD_MAX} with those of certificates that are still valid")]
    TooManyNames,
    #[error("none of the names can be certified: give the node a name under {0}, see web.names")]
    NoName(String),
    #[error("no certificate could be issued: {0}")]
    Issue(#[from] BrowserIssueError),
}

impl LeafRefusal {
    /// Stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::OtherOrganisation => "other_organisation",
            Self::UnknownNode => "unknown_node",
            Self::BadSignature => "bad_signature",
            Self::TooManyNames => "too_many_names",
            Self::NoName(_) => "no_name",
            Self::Issue(_) => "cannot_issue",
        }
    }
}

/// The answering side: what headquarters judges by.
pub struct LeafRound<'a> {
    pub authority: &'a BrowserAuthority,
    pub directory: &'a Directory,
    pub claims: &'a mut Claims,
    /// Milliseconds since 1970.
    pub now_ms: u64,
}

impl LeafRound<'_> {
    /// Judges a question that came over the line.
    pub fn answer(&mut self, request: &LeafRequest) -> Result<LeafResponse, LeafRefusal> {
        if request.organisation != self.directory.organisation() {
            return Err(LeafRefusal::OtherOrganisation);
        }
        if self.directory.node(request.node).is_none() {
            return Err(LeafRefusal::UnknownNode);
        }
        if !verify_signature(request.node.as_bytes(), &request.signed_bytes(), request.signature.as_bytes()) {
            return Err(LeafRefusal::BadSignature);
        }
        self.issue(request.node, &request.public_key, &request.names)
    }

    /// For a node that is known to be what it says, such as this one.
    pub fn issue(&mut self, node: NodeId, public_key: &[u8], names: &[WebName]) -> Result<LeafResponse, LeafRefusal> {
        // Somebody may go through many names, so that others do not get them.
        let held = self.claims.held_besides(node, names) + names.len();
        if names.len() > WEB_NAMES_MAX || held > WEB_NAMES_HELD_MAX {
            return Err(LeafRefusal::TooManyNames);
        }
        let reach = self.authority.reach();
        let (granted, withheld): (Vec<WebName>, Vec<WebName>) =
            names.iter().cloned().partition(|name| reach.permits(name) && self.may_have(node, name));
        if granted.is_empty() {
            return Err(LeafRefusal::NoName(reach.domain().to_owned()));
        }
        let leaf = self.authority.issue(public_key, &granted, self.now_ms)?;
        let until_ms = LeafCertificate::read(&leaf).map_err(BrowserIssueError::from)?.not_after_ms;
        self.claims.note(node, &granted, until_ms, self.now_ms);
        let authority = self.authority.certificate().to_vec();
        Ok(LeafResponse { version: VERSION, leaf, authority, withheld })
    }

    fn may_have(&self, node: NodeId, name: &WebName) -> bool {
        let directory = self.directory;
        let who = |holder: NodeId| match directory.office_of(holder) {
            None => Holder::Friend,
            office if holder == node || office == directory.office_of(node) => Holder::Friend,
            _ if directory.is_headquarters_node(holder) => Holder::Headquarters,
            _ => Holder::Branch,
        };
        self.claims.may_have(name, self.now_ms, who)
    }
}
