//! A node that was stolen or is not trusted any more, and what of its words is known to be older.

use noroshi_sync::entry::Lane;
use noroshi_sync::id::{Epoch, NodeId};
use serde::{Deserialize, Serialize};

use crate::body::Body;
use crate::field::{InvalidField, check_text};
use crate::ledger::kind;
use crate::limits::{REASON_CHARS_MAX, WITNESS_LOGS_MAX};

/// The node is out, for ever: nobody talks to it, and what it wrote counts only as far as a [`Witness`] goes. The
/// machine can join anew under another key. Signed by an administrator.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NodeRevoke {
    pub node: NodeId,
    /// For people; may be empty.
    pub reason: String,
}

impl Body for NodeRevoke {
    const KIND: u16 = kind::NODE_REVOKE;
    const WHAT: &'static str = "revocation of a node";

    fn check(&self) -> Result<(), InvalidField> {
        check_text("reason", &self.reason, REASON_CHARS_MAX)
    }
}

/// What the writing node held of a revoked node's logs in this room when it learned of the revocation. Written by the
/// revoker in the same transaction, by every other holder when the revocation arrives. It stands in the room itself, so
/// that nobody learns of rooms that are not theirs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Witness {
    pub node: NodeId,
    pub logs: Vec<WitnessedLog>,
}

/// One log of the revoked node, from its beginning.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WitnessedLog {
    pub epoch: Epoch,
    pub lane: Lane,
    /// The highest entry held.
    pub length: u64,
}

impl Body for Witness {
    const KIND: u16 = kind::WITNESS;
    const WHAT: &'static str = "witness of a revoked node";

    fn check(&self) -> Result<(), InvalidField> {
        if self.logs.is_empty() {
            return Err(InvalidField::new("logs", "empty"));
        }
        if self.logs.len() > WITNESS_LOGS_MAX {
            return Err(InvalidField::new("logs", "too_many"));
        }
        Ok(())
    }
}
