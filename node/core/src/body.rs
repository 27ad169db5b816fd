//! What the bodies of entries in rooms mean: decoded with limits, checked like input of our own people, never trusted.

mod doc_change;
mod edit;
mod message;
mod reaction;
mod reads;
mod redact;

pub use doc_change::DocChange;
pub use edit::Edit;
pub use message::Message;
pub use reaction::Reaction;
pub use reads::{ReadMark, ReadMarks, Seen};
pub use redact::Redact;

use noroshi_sync::limits::ENTRY_BODY_BYTES_MAX;
use noroshi_sync::wire::{self, Malformed};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::kinds;

/// The version of every body that this program writes.
pub const BODY_VERSION: u8 = 1;

/// The content of one entry of the lanes `urgent` and `normal`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Body {
    Message(Message),
    Edit(Edit),
    Redact(Redact),
    Reaction(Reaction),
    DocChange(DocChange),
    /// A kind or version of a later program: stored and relayed, not shown.
    Unknown,
}

impl Body {
    /// Decodes the body of an entry of this kind. What our own services would refuse to write is malformed.
    pub fn decode(kind: u16, bytes: &[u8]) -> Result<Self, Malformed> {
        // postcard writes a u8 as itself, so the version can be read without knowing the rest.
        if !matches!(kind, kinds::MESSAGE..=kinds::REACTION | kinds::DOC_CHANGE)
            || bytes.first().is_some_and(|version| *version > BODY_VERSION)
        {
            return Ok(Self::Unknown);
        }
        Ok(match kind {
            kinds::MESSAGE => Self::Message(checked("message", bytes, Message::check)?),
            kinds::EDIT => Self::Edit(checked("edit", bytes, Edit::check)?),
            kinds::REDACT => Self::Redact(checked("redact", bytes, Redact::check)?),
            kinds::REACTION => Self::Reaction(checked("reaction", bytes, Reaction::check)?),
            _ => Self::DocChange(checked("doc change", bytes, DocChange::check)?),
        })
    }
}

fn checked<T: Serialize + DeserializeOwned>(
    what: &'static str,
    bytes: &[u8],
    check: impl FnOnce(&T) -> Result<(), &'static str>,
) -> Result<T, Malformed> {
    let body: T = wire::decode(what, bytes, ENTRY_BODY_BYTES_MAX)?;
    check(&body).map_err(|reason| Malformed::Invalid { what, reason })?;
    Ok(body)
}

fn check_version(version: u8) -> Result<(), &'static str> {
    if version == BODY_VERSION { Ok(()) } else { Err("there is no such version") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn later_kinds_and_versions_are_unknown_not_malformed() {
        assert_eq!(Body::decode(999, b"anything"), Ok(Body::Unknown));
        assert_eq!(Body::decode(kinds::MESSAGE, &[2, 255, 255]), Ok(Body::Unknown));
        assert!(Body::decode(kinds::MESSAGE, &[0]).is_err());
        assert!(Body::decode(kinds::MESSAGE, &[]).is_err());
    }

    proptest! {
        #[test]
        fn garbage_never_panics(kind in 0u16..20, bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Body::decode(kind, &bytes);
            let mut first = bytes;
            first.insert(0, BODY_VERSION);
            let _ = Body::decode(kind, &first);
            let _ = ReadMarks::decode(&first);
        }
    }
}
