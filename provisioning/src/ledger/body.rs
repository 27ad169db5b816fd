//! What the entries of the ledger say. The order of the fields is the encoding.

mod administrators;
mod details;
mod devices;
mod nodes;
mod offices;
mod people;
mod policy;
mod posts;
mod revocation;
mod roaming;
mod suspensions;
mod time_mark;
mod verifier;

pub use administrators::{AdministratorKeyEnd, AdministratorKeyRequest, AdministratorKeySet};
pub use details::{Details, Employment, UserDetail, UserTransfer};
pub use devices::{DeviceEnrol, DeviceRequest, DeviceRequestEnd, RequestOutcome};
pub use nodes::{InviteCancel, NodeAddresses, NodeEnrol, NodeInvite, enrol_statement};
pub use offices::OfficeSet;
pub use people::{RoleGrant, RoleRemove, UserSet};
pub use policy::{Policy, PolicySet, RulesAccepted, RulesSet};
pub use posts::{PostKind, PostSet};
pub use revocation::{NodeRevoke, Witness, WitnessedLog};
pub use roaming::RoamingSet;
pub use suspensions::{DeviceLift, DeviceSuspend, UserLift, UserSuspend};
pub use time_mark::TimeMark;
pub use verifier::PasswordVerifier;

use noroshi_sync::id::EntryId;

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
    TimeMark(TimeMark),
    NodeRevoke(NodeRevoke),
    Witness(Witness),
    AdministratorKeyEnd(AdministratorKeyEnd),
    InviteCancel(InviteCancel),
    PolicySet(PolicySet),
    RulesSet(RulesSet),
    AdministratorKeyRequest(AdministratorKeyRequest),
    UserSet(UserSet),
    RoleGrant(RoleGrant),
    RoleRemove(RoleRemove),
    UserSuspend(UserSuspend),
    UserLift(UserLift),
    DeviceEnrol(DeviceEnrol),
    DeviceSuspend(DeviceSuspend),
    DeviceLift(DeviceLift),
    PostSet(PostSet),
    UserDetail(UserDetail),
    UserTransfer(UserTransfer),
    DeviceRequest(DeviceRequest),
    DeviceRequestEnd(DeviceRequestEnd),
    RulesAccepted(RulesAccepted),
    PasswordVerifier(PasswordVerifier),
    RoamingSet(RoamingSet),
}

impl LedgerBody {
    pub fn decode(kind: u16, bytes: &[u8]) -> Result<Self, Unreadable> {
        Ok(match kind {
            kind::OFFICE_SET => Self::OfficeSet(Body::decode(bytes)?),
            kind::NODE_INVITE => Self::NodeInvite(Body::decode(bytes)?),
            kind::NODE_ENROL => Self::NodeEnrol(Body::decode(bytes)?),
            kind::NODE_ADDRESSES => Self::NodeAddresses(Body::decode(bytes)?),
            kind::ADMINISTRATOR_KEY => Self::AdministratorKeySet(Body::decode(bytes)?),
            kind::TIME_MARK => Self::TimeMark(Body::decode(bytes)?),
            kind::NODE_REVOKE => Self::NodeRevoke(Body::decode(bytes)?),
            kind::WITNESS => Self::Witness(Body::decode(bytes)?),
            kind::ADMINISTRATOR_KEY_END => Self::AdministratorKeyEnd(Body::decode(bytes)?),
            kind::INVITE_CANCEL => Self::InviteCancel(Body::decode(bytes)?),
            kind::POLICY_SET => Self::PolicySet(Body::decode(bytes)?),
            kind::RULES_SET => Self::RulesSet(Body::decode(bytes)?),
            kind::ADMINISTRATOR_KEY_REQUEST => Self::AdministratorKeyRequest(Body::decode(bytes)?),
            kind::USER_SET => Self::UserSet(Body::decode(bytes)?),
            kind::ROLE_GRANT => Self::RoleGrant(Body::decode(bytes)?),
            kind::ROLE_REMOVE => Self::RoleRemove(Body::decode(bytes)?),
            kind::USER_SUSPEND => Self::UserSuspend(Body::decode(bytes)?),
            kind::USER_LIFT => Self::UserLift(Body::decode(bytes)?),
            kind::DEVICE_ENROL => Self::DeviceEnrol(Body::decode(bytes)?),
            kind::DEVICE_SUSPEND => Self::DeviceSuspend(Body::decode(bytes)?),
            kind::DEVICE_LIFT => Self::DeviceLift(Body::decode(bytes)?),
            kind::POST_SET => Self::PostSet(Body::decode(bytes)?),
            kind::USER_DETAIL => Self::UserDetail(Body::decode(bytes)?),
            kind::USER_TRANSFER => Self::UserTransfer(Body::decode(bytes)?),
            kind::DEVICE_REQUEST => Self::DeviceRequest(Body::decode(bytes)?),
            kind::DEVICE_REQUEST_END => Self::DeviceRequestEnd(Body::decode(bytes)?),
            kind::RULES_ACCEPTED => Self::RulesAccepted(Body::decode(bytes)?),
            kind::PASSWORD_VERIFIER => Self::PasswordVerifier(Body::decode(bytes)?),
            kind::ROAMING_SET => Self::RoamingSet(Body::decode(bytes)?),
            unknown => return Err(Unreadable::UnknownKind(unknown)),
        })
    }

    /// The removals and suspensions that this lifts: whoever names them has seen them.
    pub fn lifts(&self) -> &[EntryId] {
        match self {
            Self::RoleGrant(body) => &body.lifts,
            Self::UserLift(body) => &body.lifts,
            Self::DeviceLift(body) => &body.lifts,
            _ => &[],
        }
    }
}
