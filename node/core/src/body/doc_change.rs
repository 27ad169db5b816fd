//! One Automerge change of a shared document. Its bytes are opened only behind the gate of [`crate::document`].

use noroshi_sync::limits::ENTRY_BODY_BYTES_MAX;
use noroshi_sync::wire;
use serde::{Deserialize, Serialize};

use super::{BODY_VERSION, check_version};

/// The name of the document that every room has: name, topic, purpose, pins.
pub const PAGE: &str = "page";

/// Longest name of a document, bytes.
const DOCUMENT_NAME_BYTES_MAX: usize = 64;
/// Largest change, bytes: what is left of a body, rounded down (DESIGN.md §12).
pub const CHANGE_BYTES_MAX: usize = 60 * 1024;
const _: () = assert!(CHANGE_BYTES_MAX + DOCUMENT_NAME_BYTES_MAX + 16 < ENTRY_BODY_BYTES_MAX);

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DocChange {
    pub version: u8,
    /// [`PAGE`], or the id of a document.
    pub document: String,
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
}

impl DocChange {
    /// The name of the room page.
    pub const PAGE: &'static str = PAGE;

    pub fn new(document: String, bytes: Vec<u8>) -> Self {
        Self { version: BODY_VERSION, document, bytes }
    }

    /// Whether a document is the room page or one of its successors.
    pub fn is_of_page(document: &str) -> bool {
        let later = document.strip_prefix(PAGE).and_then(|rest| rest.strip_prefix(':'));
        document == PAGE || later.is_some_and(|id| id.parse::<noroshi_sync::id::EntryId>().is_ok())
    }

    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    pub(super) fn check(&self) -> Result<(), &'static str> {
        check_version(self.version)?;
        if self.document.is_empty() || self.document.len() > DOCUMENT_NAME_BYTES_MAX {
            return Err("the name of the document is empty or too long");
        }
        if self.bytes.len() > CHANGE_BYTES_MAX {
            return Err("the change is too large");
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
    fn a_change_of_60_kib_is_the_largest() {
        let change = |bytes| DocChange::new(PAGE.into(), vec![7; bytes]).encode();
        assert!(matches!(Body::decode(kinds::DOC_CHANGE, &change(CHANGE_BYTES_MAX)), Ok(Body::DocChange(_))));
        assert!(Body::decode(kinds::DOC_CHANGE, &change(CHANGE_BYTES_MAX + 1)).is_err());
    }

    #[test]
    fn a_document_has_a_short_name() {
        for (bytes, good) in [(0, false), (1, true), (64, true), (65, false)] {
            let change = DocChange::new("a".repeat(bytes), vec![1]).encode();
            assert_eq!(Body::decode(kinds::DOC_CHANGE, &change).is_ok(), good, "{bytes}");
        }
    }
}
