//! The question and the answer of joining, and what the joining side makes of them.

use noroshi_sync::checkpoint::{InvalidKey, Signature, verify_signature};
use noroshi_sync::id::{EntryId, NodeId};
use noroshi_sync::wire::{self, Malformed};
use serde::{Deserialize, Serialize};

use super::code::{JoinCode, invite_key};
use crate::address::NodeAddress;
use crate::authority::{IdentityError, InvalidCertificate, NodeIdentity, public_key};
use crate::field::{InvalidField, check_name};
use crate::id::{OfficeId, OrgId};
use crate::key::KeyPair;
use crate::ledger::enrol_statement;
use crate::limits::{ADDRESSES_MAX, JOIN_MESSAGE_BYTES_MAX, NAME_CHARS_MAX};

/// The version of both messages that this program speaks.
const VERSION: u8 = 1;
/// Intermediates and leaf in an answer.
const CHAIN_MAX: usize = 4;

/// "I was invited, this is my key."
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct JoinRequest {
    pub version: u8,
    pub organisation: OrgId,
    pub invite: EntryId,
    pub office: OfficeId,
    pub node: NodeId,
    /// Empty: as the administrator called it in the invitation.
    pub name: String,
    /// Where the new node thinks it can be reached.
    pub addresses: Vec<NodeAddress>,
    /// By the key of the invitation over [`enrol_statement`]: goes into the ledger.
    pub enrol_signature: Signature,
    /// By the key of the invitation over the whole question.
    pub invite_signature: Signature,
    /// By the key of the new node over the whole question.
    pub node_signature: Signature,
}

impl JoinRequest {
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    /// Checks limits and form; signatures are checked against the ledger ([`super::check_request`]).
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let request: Self = wire::decode("join request", bytes, JOIN_MESSAGE_BYTES_MAX)?;
        request.check().map_err(|error| Malformed::Invalid { what: "join request", reason: error.code })?;
        Ok(request)
    }

    pub(super) fn check(&self) -> Result<(), InvalidField> {
        if self.version != VERSION {
            return Err(InvalidField::new("version", "not_allowed"));
        }
        if !self.name.is_empty() {
            check_name("name", &self.name, NAME_CHARS_MAX)?;
        }
        if self.addresses.len() > ADDRESSES_MAX {
            return Err(InvalidField::new("addresses", "too_many"));
        }
        Ok(())
    }

    pub(super) fn is_signed_by_node(&self) -> bool {
        verify_signature(self.node.as_bytes(), &self.signed_bytes(), self.node_signature.as_bytes())
    }

    pub(super) fn is_signed_by_invite(&self, key: &[u8; 32]) -> bool {
        let enrol = enrol_statement(self.node, self.office, self.invite);
        verify_signature(key, &enrol, self.enrol_signature.as_bytes())
            && verify_signature(key, &self.signed_bytes(), self.invite_signature.as_bytes())
    }

    /// All but the two signatures over it.
    fn signed_bytes(&self) -> Vec<u8> {
        let Self { version, organisation, invite, office, node, name, addresses, enrol_signature, .. } = self;
        let fields = (version, organisation, invite, office, node, name, addresses, enrol_signature);
        [b"noroshi/join/1".as_slice(), &wire::encode(&fields)].concat()
    }
}

/// A node to dial after joining.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KnownNode {
    pub node: NodeId,
    pub addresses: Vec<NodeAddress>,
}

/// "You are one of us, these are your papers."
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct JoinResponse {
    pub version: u8,
    /// Root certificate, DER.
    pub root: Vec<u8>,
    /// Certificate of the new node and intermediates, DER.
    pub chain: Vec<Vec<u8>>,
    pub office: OfficeId,
    pub name: String,
    /// Nodes of headquarters, so that the new node finds its ledger.
    pub headquarters: Vec<KnownNode>,
}

impl JoinResponse {
    pub(crate) const VERSION: u8 = VERSION;

    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        wire::decode("join response", bytes, JOIN_MESSAGE_BYTES_MAX)
    }
}

/// Why no question could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    #[error(transparent)]
    Field(#[from] InvalidField),
    #[error(transparent)]
    Key(#[from] InvalidKey),
}

/// Asks to join with a key made for this node. `name` empty: as the administrator called it.
pub fn make_request(
    code: &JoinCode,
    key: &KeyPair,
    name: &str,
    addresses: Vec<NodeAddress>,
) -> Result<JoinRequest, JoinError> {
    let invite = invite_key(&code.secret)?;
    let unsigned = Signature::from_bytes([0; 64]);
    let mut request = JoinRequest {
        version: VERSION,
        organisation: code.organisation,
        invite: code.invite,
        office: code.office,
        node: key.node(),
        name: name.to_string(),
        addresses,
        enrol_signature: invite.sign(&enrol_statement(key.node(), code.office, code.invite)),
        invite_signature: unsigned,
        node_signature: unsigned,
    };
    request.check()?;
    let bytes = request.signed_bytes();
    request.invite_signature = invite.sign(&bytes);
    request.node_signature = key.sign(&bytes);
    Ok(request)
}

/// What a node has after joining.
#[derive(Clone, Debug)]
pub struct Joined {
    pub identity: NodeIdentity,
    pub office: OfficeId,
    pub name: String,
    pub headquarters: Vec<KnownNode>,
}

/// Why an answer is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidResponse {
    #[error("the answer is of another version of the program")]
    Version,
    #[error("the answer holds an impossible value: {0}")]
    Field(#[from] InvalidField),
    #[error("the root certificate: {0}")]
    Root(InvalidCertificate),
    #[error("the answer comes from another organisation than the join code names; somebody may sit on the line")]
    OtherOrganisation,
    #[error("the answer is for another office than the join code names")]
    OtherOffice,
    #[error("the certificates do not make an identity: {0}")]
    Identity(#[from] IdentityError),
}

/// Believes an answer, or not: the root must have the code's fingerprint, the chain under it must be for `key`.
pub fn accept_response(code: &JoinCode, key: KeyPair, response: JoinResponse) -> Result<Joined, InvalidResponse> {
    let office = response.office;
    let joined = check_response(key, response)?;
    if joined.identity.organisation() != code.organisation {
        return Err(InvalidResponse::OtherOrganisation);
    }
    if office != code.office {
        return Err(InvalidResponse::OtherOffice);
    }
    Ok(joined)
}

/// Limits and form of an answer, and that its certificates are for `key`. Whose root it is, is for the caller to know.
pub(super) fn check_response(key: KeyPair, response: JoinResponse) -> Result<Joined, InvalidResponse> {
    if response.version != VERSION {
        return Err(InvalidResponse::Version);
    }
    check_name("name", &response.name, NAME_CHARS_MAX)?;
    if response.chain.len() > CHAIN_MAX {
        return Err(InvalidField::new("chain", "too_many").into());
    }
    let many = response.headquarters.len() > ADDRESSES_MAX
        || response.headquarters.iter().any(|known| known.addresses.len() > ADDRESSES_MAX);
    if many {
        return Err(InvalidField::new("headquarters", "too_many").into());
    }
    public_key(&response.root).map_err(InvalidResponse::Root)?;
    let identity = NodeIdentity::new(key, response.chain, response.root)?;
    Ok(Joined { identity, office: response.office, name: response.name, headquarters: response.headquarters })
}
