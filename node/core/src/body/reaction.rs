//! One person's stamp under a message: a cell of its own for each (message, person, stamp), on or off.

use noroshi_sync::id::{EntryId, UserId};
use noroshi_sync::wire;
use serde::{Deserialize, Serialize};

use super::{BODY_VERSION, check_version};
use crate::limits::REPLACES_MAX;
use crate::text::is_stamp;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Reaction {
    pub version: u8,
    pub target: EntryId,
    pub target_author: UserId,
    /// Key of the stamp, `[a-z0-9_-]{1,32}`; unknown ones are shown as text.
    pub stamp: String,
    pub on: bool,
    /// The entries of this cell that the person had seen.
    pub replaces: Vec<EntryId>,
}

impl Reaction {
    pub fn new(target: EntryId, target_author: UserId, stamp: String, on: bool, replaces: Vec<EntryId>) -> Self {
        Self { version: BODY_VERSION, target, target_author, stamp, on, replaces }
    }

    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    pub(super) fn check(&self) -> Result<(), &'static str> {
        check_version(self.version)?;
        if !is_stamp(&self.stamp) {
            return Err("not the key of a stamp");
        }
        if self.replaces.len() > REPLACES_MAX {
            return Err("it replaces too many entries");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Body;
    use crate::kinds;

    #[test]
    fn stamps_and_counts_are_limited() {
        let decode = |stamp: &str, count| {
            let reaction = Reaction::new(EntryId::NIL, UserId::NIL, stamp.into(), true, vec![EntryId::NIL; count]);
            Body::decode(kinds::REACTION, &reaction.encode())
        };
        assert!(matches!(decode(&"a".repeat(32), REPLACES_MAX), Ok(Body::Reaction(_))));
        assert!(decode(&"a".repeat(33), 0).is_err());
        assert!(decode("", 0).is_err());
        assert!(decode("ok", REPLACES_MAX + 1).is_err());
    }
}
