//! New text of a message. Only its author can write one, since a message is named together with its author.

use noroshi_sync::id::EntryId;
use noroshi_sync::wire;
use serde::{Deserialize, Serialize};

use super::{BODY_VERSION, check_version};
use crate::limits::REPLACES_MAX;
use crate::text::is_message_text;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Edit {
    pub version: u8,
    /// The message, by the author of this entry.
    pub target: EntryId,
    /// The edits that the author had seen and that this one takes the place of.
    pub replaces: Vec<EntryId>,
    pub text: String,
}

impl Edit {
    pub fn new(target: EntryId, replaces: Vec<EntryId>, text: String) -> Self {
        Self { version: BODY_VERSION, target, replaces, text }
    }

    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    pub(super) fn check(&self) -> Result<(), &'static str> {
        check_version(self.version)?;
        if self.replaces.len() > REPLACES_MAX {
            return Err("it replaces too many entries");
        }
        if !is_message_text(&self.text) {
            return Err("the text is empty, too long, untrimmed or has control characters");
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
    fn the_number_of_replaced_entries_is_limited() {
        let edit = |count| Edit::new(EntryId::NIL, vec![EntryId::NIL; count], "訂正".into()).encode();
        assert!(matches!(Body::decode(kinds::EDIT, &edit(REPLACES_MAX)), Ok(Body::Edit(_))));
        assert!(Body::decode(kinds::EDIT, &edit(REPLACES_MAX + 1)).is_err());
    }
}
