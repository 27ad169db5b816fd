//! The public half of an administrator's key.

use noroshi_sync::id::UserId;
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
