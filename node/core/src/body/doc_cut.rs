//! The act of an administrator that closes a shared document and starts its successor.

use noroshi_sync::wire;
use serde::{Deserialize, Serialize};

use super::doc_change::{CHANGE_BYTES_MAX, PAGE};
use super::{BODY_VERSION, DocChange, check_version};

/// Changes that a cut names as good, at most.
pub const GOOD_HEADS_MAX: usize = 512;

/// Signed by an administrator's key. Whatever was written into `document` after the good heads stays in the log and is no
/// part of the successor.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DocCut {
    pub version: u8,
    /// The document that is closed.
    pub document: String,
    /// The changes nothing built on when the successor was begun from them; ascending.
    pub heads: Vec<[u8; 32]>,
    /// The first change of the successor: what the page said. Empty for a page that said nothing.
    #[serde(with = "serde_bytes")]
    pub start: Vec<u8>,
}

impl DocCut {
    pub fn new(document: String, heads: Vec<[u8; 32]>, start: Vec<u8>) -> Self {
        Self { version: BODY_VERSION, document, heads, start }
    }

    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    pub(super) fn check(&self) -> Result<(), &'static str> {
        check_version(self.version)?;
        if !DocChange::is_of_page(&self.document) {
            return Err("there is no such document");
        }
        if self.heads.len() > GOOD_HEADS_MAX || self.heads.windows(2).any(|pair| matches!(pair, [a, b] if a >= b)) {
            return Err("the heads are too many or out of order");
        }
        if self.start.len() > CHANGE_BYTES_MAX {
            return Err("the first change is too large");
        }
        Ok(())
    }
}

/// The name of the document that a cut starts.
pub fn successor(cut: noroshi_sync::id::EntryId) -> String {
    format!("{PAGE}:{cut}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Body;
    use crate::kinds;

    fn good(cut: &DocCut) -> bool {
        matches!(Body::decode(kinds::DOC_CUT, &cut.encode()), Ok(Body::DocCut(_)))
    }

    #[test]
    fn a_cut_names_a_page_and_few_heads_in_order() {
        let heads = |count: usize| {
            let head = |number: usize| {
                let mut head = [0; 32];
                head[..2].copy_from_slice(&(number as u16).to_be_bytes());
                head
            };
            (0..count).map(head).collect::<Vec<_>>()
        };
        let cut = DocCut::new(PAGE.into(), heads(GOOD_HEADS_MAX), vec![7; CHANGE_BYTES_MAX - 20_000]);
        assert!(good(&cut));
        assert!(good(&DocCut { document: successor(noroshi_sync::id::EntryId::from_bytes([9; 16])), ..cut.clone() }));
        for bad in [
            DocCut { document: "note".into(), ..cut.clone() },
            DocCut { heads: heads(GOOD_HEADS_MAX + 1), ..cut.clone() },
            DocCut { heads: heads(2).into_iter().rev().collect(), ..cut.clone() },
            DocCut { start: vec![7; CHANGE_BYTES_MAX + 1], heads: vec![], ..cut.clone() },
            DocCut { version: 0, ..cut.clone() },
        ] {
            assert!(!good(&bad), "{}", bad.document);
        }
    }
}
