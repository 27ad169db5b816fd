//! Who belongs to an organisation, and who may do what in it.

mod address;
pub mod authority;
mod base32;
pub mod body;
mod cell;
pub mod field;
mod id;
pub mod join;
pub mod key;
pub mod ledger;
pub mod limits;
pub mod membership;
mod office_kind;
pub mod organisation;
pub mod password;
pub mod recovery;
mod role;
pub mod sealed;
mod signer;
#[cfg(test)]
mod testing;

pub use address::NodeAddress;
pub use authority::{IssuingKey, KeyFolder, NodeIdentity};
pub use field::InvalidField;
pub use id::{OfficeId, OrgId};
pub use join::JoinCode;
pub use ledger::{Directory, Ledger};
pub use membership::Membership;
pub use office_kind::OfficeKind;
pub use role::Role;
pub use signer::{AdministratorKey, RootKey, Signer};
