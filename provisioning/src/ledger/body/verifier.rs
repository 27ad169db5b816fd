//! What a password is checked against, in the secrets ledger of an office.

use noroshi_sync::id::{EntryId, UserId};
use serde::{Deserialize, Serialize};

use crate::body::Body;
use crate::field::{InvalidField, check_references};
use crate::ledger::kind;
use crate::password::Verifier;

/// Sets the password of `user`. Signed by an administrator, or attested by a node of the person's own office or of
/// headquarters when the author is the person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PasswordVerifier {
    pub user: UserId,
    pub verifier: Verifier,
    /// The verifiers of this person that the writer had seen in force.
    pub replaces: Vec<EntryId>,
}

impl Body for PasswordVerifier {
    const KIND: u16 = kind::PASSWORD_VERIFIER;
    const WHAT: &'static str = "password verifier";

    fn check(&self) -> Result<(), InvalidField> {
        if self.user.is_nil() {
            return Err(InvalidField::new("user", "empty"));
        }
        check_references("replaces", &self.replaces)
    }
}
