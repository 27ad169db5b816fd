//! How a node enters the organisation, and where it can be found.

use noroshi_sync::checkpoint::Signature;
use noroshi_sync::id::{EntryId, NodeId};
use noroshi_sync::limits::TIME_MS_MAX;
use serde::{Deserialize, Serialize};

use crate::address::NodeAddress;
use crate::body::Body;
use crate::field::{InvalidField, check_name};
use crate::id::OfficeId;
use crate::ledger::kind;
use crate::limits::{ADDRESSES_MAX, NAME_CHARS_MAX};

/// A one-time permission to enrol one node for `office`. Signed by an administrator.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NodeInvite {
    pub office: OfficeId,
    /// Public half of the Ed25519 key derived from the secret of the join code.
    pub key: [u8; 32],
    /// Milliseconds since 1970. Judged when the code is redeemed, by the clock of the node that admits; the resolver
    /// has no clock.
    pub expires_ms: u64,
    /// What the administrator calls the node to come.
    pub node_name: String,
}

impl Body for NodeInvite {
    const KIND: u16 = kind::NODE_INVITE;
    const WHAT: &'static str = "invitation of a node";

    fn check(&self) -> Result<(), InvalidField> {
        if self.office.is_nil() {
            return Err(InvalidField::new("office", "empty"));
        }
        if self.expires_ms > TIME_MS_MAX {
            return Err(InvalidField::new("expires_ms", "malformed"));
        }
        check_name("node_name", &self.node_name, NAME_CHARS_MAX)
    }
}

/// A node belongs to an office. Either signed by an administrator or the root (then `invite_signature` is `None`), or
/// resting on the invitation that `auth_ref` names.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NodeEnrol {
    pub node: NodeId,
    pub office: OfficeId,
    pub name: String,
    /// By the key of the invitation, over [`enrol_statement`].
    pub invite_signature: Option<Signature>,
}

impl Body for NodeEnrol {
    const KIND: u16 = kind::NODE_ENROL;
    const WHAT: &'static str = "enrolment of a node";

    fn check(&self) -> Result<(), InvalidField> {
        if self.office.is_nil() {
            return Err(InvalidField::new("office", "empty"));
        }
        check_name("name", &self.name, NAME_CHARS_MAX)
    }
}

/// What the key of an invitation signs: "noroshi/enrol/1" ‖ node ‖ office ‖ id of the invitation. 79 bytes.
pub fn enrol_statement(node: NodeId, office: OfficeId, invite: EntryId) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(79);
    bytes.extend_from_slice(b"noroshi/enrol/1");
    bytes.extend_from_slice(node.as_bytes());
    bytes.extend_from_slice(office.as_bytes());
    bytes.extend_from_slice(invite.as_bytes());
    bytes
}

/// Where a node says it may be reached; counts only in a log of that node. The latest replaces all before.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NodeAddresses {
    pub node: NodeId,
    pub addresses: Vec<NodeAddress>,
}

impl Body for NodeAddresses {
    const KIND: u16 = kind::NODE_ADDRESSES;
    const WHAT: &'static str = "addresses of a node";

    fn check(&self) -> Result<(), InvalidField> {
        if self.addresses.len() > ADDRESSES_MAX {
            return Err(InvalidField::new("addresses", "too_many"));
        }
        Ok(())
    }
}

/// Withdraws an invitation that nobody used. Signed by an administrator.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InviteCancel {
    pub invite: EntryId,
}

impl Body for InviteCancel {
    const KIND: u16 = kind::INVITE_CANCEL;
    const WHAT: &'static str = "withdrawal of an invitation";

    fn check(&self) -> Result<(), InvalidField> {
        if self.invite.is_nil() { Err(InvalidField::new("invite", "empty")) } else { Ok(()) }
    }
}
