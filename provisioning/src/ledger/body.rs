//! What the entries of the ledger say. The order of the fields is the encoding.

mod administrators;
mod nodes;
mod offices;
mod people;
mod verifier;

pub use administrators::AdministratorKeySet;
pub use nodes::{NodeAddresses, NodeEnrol, NodeInvite, enrol_statement};
pub use offices::OfficeSet;
pub use people::{RoleGrant, RoleRemove, UserSet};
pub use verifier::PasswordVerifier;

use super::kind;
use crate::body::{Body, Unreadable};

/// Any body of the ledger.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LedgerBody {
    OfficeSet(OfficeSet),
    NodeInvite(NodeInvite),
    NodeEnrol(NodeEnrol),
    NodeAddresses(NodeAddresses),
    AdministratorKeySet(AdministratorKeySet),
    UserSet(UserSet),
    RoleGrant(RoleGrant),
    RoleRemove(RoleRemove),
    PasswordVerifier(PasswordVerifier),
}

impl LedgerBody {
    pub fn decode(kind: u16, bytes: &[u8]) -> Result<Self, Unreadable> {
        Ok(match kind {
            kind::OFFICE_SET => Self::OfficeSet(Body::decode(bytes)?),
            kind::NODE_INVITE => Self::NodeInvite(Body::decode(bytes)?),
            kind::NODE_ENROL => Self::NodeEnrol(Body::decode(bytes)?),
            kind::NODE_ADDRESSES => Self::NodeAddresses(Body::decode(bytes)?),
            kind::ADMINISTRATOR_KEY => Self::AdministratorKeySet(Body::decode(bytes)?),
            kind::USER_SET => Self::UserSet(Body::decode(bytes)?),
            kind::ROLE_GRANT => Self::RoleGrant(Body::decode(bytes)?),
            kind::ROLE_REMOVE => Self::RoleRemove(Body::decode(bytes)?),
            kind::PASSWORD_VERIFIER => Self::PasswordVerifier(Body::decode(bytes)?),
            unknown => return Err(Unreadable::UnknownKind(unknown)),
        })
    }
}
