//! A message taken back. The bytes stay in the log; the text is shown to nobody any more.

use noroshi_sync::id::{EntryId, UserId};
use noroshi_sync::wire;
use serde::{Deserialize, Serialize};

use super::{BODY_VERSION, check_version};

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Redact {
    pub version: u8,
    pub target: EntryId,
    /// Whose message it is: the identity of a message has its author in it.
    pub target_author: UserId,
}

impl Redact {
    pub fn new(target: EntryId, target_author: UserId) -> Self {
        Self { version: BODY_VERSION, target, target_author }
    }

    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    pub(super) fn check(&self) -> Result<(), &'static str> {
        check_version(self.version)
    }
}
