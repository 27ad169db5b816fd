//! What the bodies of entries in rooms mean: decoded with limits, checked like input of our own people, never trusted.

mod attachment;
mod doc_change;
mod doc_cut;
mod edit;
mod message;
mod reaction;
mod reads;
mod redact;

pub use attachment::{Attachment, Named, Picture, Place};
pub use doc_change::DocChange;
pub use doc_cut::{DocCut, GOOD_HEADS_MAX, successor};
pub use edit::Edit;
pub use message::{Message, signed};
pub use reaction::Reaction;
pub use reads::{ReadMark, ReadMarks, Seen};
pub use redact::Redact;

use std::borrow::Cow;

use noroshi_sync::limits::ENTRY_BODY_BYTES_MAX;
use noroshi_sync::wire::{self, Malformed};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::kinds;

/// The version of the bodies that this program writes; messages with attachments have the next one.
pub const BODY_VERSION: u8 = 1;

/// The content of one entry of the lanes `urgent` and `normal`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Body {
    Message(Message),
    Edit(Edit),
    Redact(Redact),
    Reaction(Reaction),
    DocChange(DocChange),
    DocCut(DocCut),
    /// A kind or version of a later program: stored and relayed, not shown.
    Unknown,
}

impl Body {
    /// Decodes the body of an entry of this kind. What our own services would refuse to write is malformed.
    pub fn decode(kind: u16, bytes: &[u8]) -> Result<Self, Malformed> {
        // postcard writes a u8 as itself, so the version can be read without knowing the rest.
        let latest = if kind == kinds::MESSAGE { message::WITH_ATTACHMENTS } else { BODY_VERSION };
        if !matches!(kind, kinds::MESSAGE..=kinds::REACTION | kinds::DOC_CHANGE | kinds::DOC_CUT)
            || bytes.first().is_some_and(|version| *version > latest)
        {
            return Ok(Self::Unknown);
        }
        Ok(match kind {
            kinds::MESSAGE => Self::Message(Message::decode(bytes)?),
            kinds::EDIT => Self::Edit(checked("edit", bytes, Edit::check)?),
            kinds::REDACT => Self::Redact(checked("redact", bytes, Redact::check)?),
            kinds::REACTION => Self::Reaction(checked("reaction", bytes, Reaction::check)?),
            kinds::DOC_CUT => Self::DocCut(checked("doc cut", bytes, DocCut::check)?),
            _ => Self::DocChange(checked("doc change", bytes, DocChange::check)?),
        })
    }
}

/// What a device signs of an entry: what the person says, without what the node adds to it. `None` for kinds that no
/// device signs, and for bodies that cannot be read.
pub fn signed_content(kind: u16, body: &[u8]) -> Option<Cow<'_, [u8]>> {
    match Body::decode(kind, body).ok()? {
        Body::Message(message) if message.attachments.is_empty() => Some(Cow::Borrowed(body)),
        Body::Message(message) => Some(Cow::Owned(message.signed_content())),
        // Which edits a new one takes the place of is for the node to know.
        Body::Edit(edit) => Some(Cow::Owned(Edit::new(edit.target, Vec::new(), edit.text).encode())),
        Body::Redact(_) | Body::Reaction(_) | Body::DocChange(_) | Body::DocCut(_) | Body::Unknown => None,
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
    use noroshi_provisioning::device_key::{device_key_id, is_signed_by_device};
    use noroshi_sync::blob::{BlobHash, BlobId};
    use noroshi_sync::entry::device_statement;
    use noroshi_sync::id::{EntryId, RoomId, UserId};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn later_kinds_and_versions_are_unknown_not_malformed() {
        assert_eq!(Body::decode(999, b"anything"), Ok(Body::Unknown));
        assert_eq!(Body::decode(kinds::MESSAGE, &[3, 255, 255]), Ok(Body::Unknown));
        assert!(Body::decode(kinds::MESSAGE, &[0]).is_err());
        assert!(Body::decode(kinds::MESSAGE, &[]).is_err());
    }

    /// What a browser signs is fixed by docs/protocol.md; the app is tested against the same lines.
    #[test]
    fn what_a_device_signs_is_golden() {
        let page = include_str!("../../../docs/protocol.md");
        let block = page.split("```device-vectors\n").nth(1).unwrap().split("```").next().unwrap();
        let vector = |name: &str| {
            let line = block.lines().find(|line| line.starts_with(&format!("{name}  "))).unwrap();
            data_encoding::HEXLOWER.decode(line[name.len()..].trim().as_bytes()).unwrap()
        };
        let (room, author) = (RoomId::from_bytes([1; 16]), UserId::from_bytes([3; 16]));
        let mentions = vec![UserId::from_bytes([7; 16]), UserId::from_bytes([8; 16])];
        let message =
            Message::new("北支所、停電です".into(), Some(EntryId::from_bytes([6; 16])), mentions, true).encode();
        let replaces = vec![EntryId::from_bytes([5; 16])];
        let edit = Edit::new(EntryId::from_bytes([2; 16]), replaces, "北支所、復電しました".into()).encode();
        let key = vector("device key");
        assert_eq!(device_key_id(&key).as_bytes(), data_encoding::HEXLOWER.encode(&vector("device key id")).as_bytes());
        for (name, kind, id, body) in [("message", kinds::MESSAGE, 2, message), ("edit", kinds::EDIT, 9, edit)] {
            let content = signed_content(kind, &body).unwrap();
            assert_eq!(*content, vector(&format!("{name} content")), "{name}");
            let statement = device_statement(room, EntryId::from_bytes([id; 16]), kind, author, &content);
            assert_eq!(statement, vector(&format!("{name} device statement")), "{name}");
            assert!(is_signed_by_device(&key, &statement, &vector(&format!("{name} device signature"))), "{name}");
        }
        let file = |hash, name: &str| Attachment {
            blob: BlobId { hash: BlobHash::from_bytes([hash; 32]), size: 1 },
            name: name.into(),
            mime: "application/pdf".into(),
            picture: None,
        };
        let files = Message {
            attachments: vec![file(4, "堤防.jpg"), file(5, "図面.pdf")],
            ..Message::new("写真です".into(), None, Vec::new(), false)
        };
        let files = files.encode();
        let content = signed_content(kinds::MESSAGE, &files).unwrap();
        assert_eq!(*content, vector("files content"));
        let statement = device_statement(room, EntryId::from_bytes([10; 16]), kinds::MESSAGE, author, &content);
        assert_eq!(statement, vector("files device statement"));
        for kind in [kinds::REDACT, kinds::REACTION, kinds::DOC_CHANGE, 999] {
            assert_eq!(signed_content(kind, &Redact::new(EntryId::NIL, UserId::NIL).encode()), None);
        }
    }

    proptest! {
        #[test]
        fn garbage_never_panics(kind in 0u16..20, bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Body::decode(kind, &bytes);
            let mut first = bytes;
            first.insert(0, BODY_VERSION);
            let _ = Body::decode(kind, &first);
            first[0] = message::WITH_ATTACHMENTS;
            let _ = Body::decode(kind, &first);
            let _ = ReadMarks::decode(&first);
        }
    }
}
