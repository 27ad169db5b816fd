//! The public half of an administrator's key: asked for, named, ended.

use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::{EntryId, UserId};
use serde::{Deserialize, Serialize};

use crate::body::Body;
use crate::field::InvalidField;
use crate::ledger::kind;

/// Names a key with which `user` signs. Signed by the root key or by another administrator. The key gives a right only
/// while the person is a system administrator. One person may have several keys (several consoles).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AdministratorKeySet {
    pub user: UserId,
    /// Ed25519.
    pub key: [u8; 32],
}

impl Body for AdministratorKeySet {
    const KIND: u16 = kind::ADMINISTRATOR_KEY;
    const WHAT: &'static str = "key of an administrator";

    fn check(&self) -> Result<(), InvalidField> {
        if self.user.is_nil() { Err(InvalidField::new("user", "empty")) } else { Ok(()) }
    }
}

/// An administrator made a key on a console and asks another administrator to name it. Vouched for by a node; whoever
/// approves compares the [fingerprint](crate::Fingerprint) by voice, so that no node can slip in a key of its own. The
/// entry that names the key takes the id of the request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AdministratorKeyRequest {
    pub user: UserId,
    /// Ed25519.
    pub key: [u8; 32],
}

impl Body for AdministratorKeyRequest {
    const KIND: u16 = kind::ADMINISTRATOR_KEY_REQUEST;
    const WHAT: &'static str = "request for an administrator's key";

    fn check(&self) -> Result<(), InvalidField> {
        if self.user.is_nil() { Err(InvalidField::new("user", "empty")) } else { Ok(()) }
    }
}

/// Ends a key: the console was lost. Wins over everything concurrent and is never lifted; the person gets another key.
/// Signed like a removal of a role.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AdministratorKeyEnd {
    /// The entry that named the key.
    pub key: EntryId,
    /// What was signed with it with stamps up to here stands.
    pub acts_until: Hlc,
}

impl Body for AdministratorKeyEnd {
    const KIND: u16 = kind::ADMINISTRATOR_KEY_END;
    const WHAT: &'static str = "end of an administrator's key";

    fn check(&self) -> Result<(), InvalidField> {
        if self.key.is_nil() {
            return Err(InvalidField::new("key", "empty"));
        }
        if !self.acts_until.is_well_formed() {
            return Err(InvalidField::new("acts_until", "malformed"));
        }
        Ok(())
    }
}
