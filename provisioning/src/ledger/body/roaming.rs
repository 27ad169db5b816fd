//! Where people may log in away from their own office.

use noroshi_sync::id::EntryId;
use serde::{Deserialize, Serialize};

use crate::body::Body;
use crate::field::{InvalidField, check_references};
use crate::id::OfficeId;
use crate::ledger::kind;

/// The nodes of `host` may hold the password verifiers of the people of `home`, so that these log in there. Signed by an
/// administrator; the last word about the pair holds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RoamingSet {
    pub home: OfficeId,
    pub host: OfficeId,
    pub allowed: bool,
    pub replaces: Vec<EntryId>,
}

impl Body for RoamingSet {
    const KIND: u16 = kind::ROAMING_SET;
    const WHAT: &'static str = "permission to log in at another office";

    fn check(&self) -> Result<(), InvalidField> {
        if self.home.is_nil() || self.host.is_nil() || self.home == self.host {
            return Err(InvalidField::new("host", "malformed"));
        }
        check_references("replaces", &self.replaces)
    }
}
