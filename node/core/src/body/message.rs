//! Something a person said.
//!
//! Version 1 has no attachments, version 2 has some: one meaning, one encoding.

use noroshi_sync::id::{EntryId, UserId};
use noroshi_sync::limits::ENTRY_BODY_BYTES_MAX;
use noroshi_sync::wire::{self, Malformed};
use serde::{Deserialize, Serialize};

use super::attachment::{Attachment, Named};
use super::{BODY_VERSION, checked};
use crate::limits::{ATTACHMENTS_MAX, MENTIONS_MAX};
use crate::text::is_message_text;

/// The version with attachments.
pub(super) const WITH_ATTACHMENTS: u8 = 2;

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Message {
    /// May be empty when there are attachments.
    pub text: String,
    /// The message this one answers, in the same room; it may not be here yet.
    pub reply_to: Option<EntryId>,
    /// People named, in the order given, each once.
    pub mentions: Vec<UserId>,
    pub urgent: bool,
    pub attachments: Vec<Attachment>,
}

/// Version 1, and how every version begins.
#[derive(Clone, Serialize, Deserialize)]
struct Words {
    version: u8,
    text: String,
    reply_to: Option<EntryId>,
    mentions: Vec<UserId>,
    urgent: bool,
}

/// Version 2; with [`Named`] for attachments, what a device signs of it.
#[derive(Serialize, Deserialize)]
struct WordsAnd<A> {
    words: Words,
    attachments: Vec<A>,
}

impl Message {
    pub fn new(text: String, reply_to: Option<EntryId>, mentions: Vec<UserId>, urgent: bool) -> Self {
        Self { text, reply_to, mentions, urgent, attachments: Vec::new() }
    }

    pub fn encode(&self) -> Vec<u8> {
        match self.attachments.as_slice() {
            [] => wire::encode(&self.words(BODY_VERSION)),
            attachments => {
                let attachments = attachments.to_vec();
                wire::encode(&WordsAnd { words: self.words(WITH_ATTACHMENTS), attachments })
            }
        }
    }

    /// What the author's device signs: the words, and of each attachment its hash and its name. What the files look like is
    /// for the office to say, and what they contain stands in the hash.
    pub fn signed_content(&self) -> Vec<u8> {
        signed(self, self.attachments.iter().map(Attachment::named).collect())
    }

    fn words(&self, version: u8) -> Words {
        let Self { text, reply_to, mentions, urgent, .. } = self.clone();
        Words { version, text, reply_to, mentions, urgent }
    }

    fn of(words: Words, attachments: Vec<Attachment>) -> Self {
        let Words { text, reply_to, mentions, urgent, .. } = words;
        Self { text, reply_to, mentions, urgent, attachments }
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.first() == Some(&WITH_ATTACHMENTS) {
            let check = |body: &WordsAnd<Attachment>| match body.attachments.len() {
                1..=ATTACHMENTS_MAX => {
                    if !body.words.text.is_empty() {
                        check_text(&body.words)?;
                    }
                    check_mentions(&body.words)?;
                    body.attachments.iter().try_for_each(Attachment::check)
                }
                _ => Err("no attachments, or too many"),
            };
            let WordsAnd { words, attachments } = checked("message", bytes, check)?;
            return Ok(Self::of(words, attachments));
        }
        let check = |words: &Words| {
            super::check_version(words.version)?;
            check_text(words)?;
            check_mentions(words)
        };
        Ok(Self::of(checked("message", bytes, check)?, Vec::new()))
    }

    /// Takes smaller thumbnails, or none, until the body fits into an entry. `smaller` gives those of the attachment at a
    /// place, the largest first.
    pub fn fit(&mut self, smaller: &dyn Fn(usize) -> Vec<Vec<u8>>) {
        let choices: Vec<Vec<Vec<u8>>> = (0..self.attachments.len()).map(smaller).collect();
        let sizes = choices.iter().map(Vec::len).max().unwrap_or(0);
        for step in 0..=sizes {
            for (attachment, choices) in self.attachments.iter_mut().zip(&choices) {
                if let Some(picture) = &mut attachment.picture {
                    picture.thumbnail = choices.get(step).cloned().unwrap_or_default();
                }
            }
            if self.encode().len() <= ENTRY_BODY_BYTES_MAX {
                return;
            }
        }
    }
}

/// What the device signs of a message that has these attachments.
pub fn signed(message: &Message, attachments: Vec<Named>) -> Vec<u8> {
    if attachments.is_empty() {
        return wire::encode(&message.words(BODY_VERSION));
    }
    wire::encode(&WordsAnd { words: message.words(WITH_ATTACHMENTS), attachments })
}

fn check_text(words: &Words) -> Result<(), &'static str> {
    if is_message_text(&words.text) {
        Ok(())
    } else {
        Err("the text is empty, too long, untrimmed or has control characters")
    }
}

fn check_mentions(words: &Words) -> Result<(), &'static str> {
    if words.mentions.len() <= MENTIONS_MAX { Ok(()) } else { Err("too many people are mentioned") }
}

#[cfg(test)]
mod tests {
    use noroshi_sync::blob::BlobId;

    use super::*;
    use crate::body::{Body, Picture};
    use crate::kinds;
    use crate::limits::{ATTACHMENT_NAME_BYTES_MAX, TEXT_CHARS_MAX, THUMBNAIL_BYTES_MAX};

    fn decode(message: &Message) -> bool {
        match Body::decode(kinds::MESSAGE, &message.encode()) {
            Ok(Body::Message(decoded)) => decoded == *message,
            _ => false,
        }
    }

    fn photo(thumbnail: usize) -> Attachment {
        let mut bytes = vec![0xff, 0xd8, 0xff];
        bytes.resize(thumbnail.max(3), 7);
        let picture = Picture { width: 2560, height: 1920, thumbnail: bytes, place: None };
        let name = format!("{}.jpg", "a".repeat(ATTACHMENT_NAME_BYTES_MAX - 4));
        Attachment { blob: BlobId::of(b"photo"), name, mime: "image/jpeg".into(), picture: Some(picture) }
    }

    #[test]
    fn the_encoding_is_golden() {
        let mut message =
            Message::new("停電".into(), Some(EntryId::from_bytes([1; 16])), vec![UserId::from_bytes([2; 16])], true);
        let words = format!("06e5819ce99bbb 01{} 01{} 01", "01".repeat(16), "02".repeat(16)).replace(' ', "");
        assert_eq!(data_encoding::HEXLOWER.encode(&message.encode()), format!("01{words}"));
        assert_eq!(message.signed_content(), message.encode());
        assert!(decode(&message));
        let file = Attachment {
            blob: BlobId { hash: noroshi_sync::blob::BlobHash::from_bytes([3; 32]), size: 300 },
            name: "a.pdf".into(),
            mime: "application/pdf".into(),
            picture: None,
        };
        message.attachments = vec![file];
        let (hash, name) = ("03".repeat(32), "05612e706466");
        let mime = format!("0f{}", data_encoding::HEXLOWER.encode(b"application/pdf"));
        assert_eq!(data_encoding::HEXLOWER.encode(&message.encode()), format!("02{words}01{hash}ac02{name}{mime}00"));
        assert_eq!(data_encoding::HEXLOWER.encode(&message.signed_content()), format!("02{words}01{hash}{name}"));
        assert!(decode(&message));
    }

    #[test]
    fn the_largest_message_fits_into_an_entry() {
        let mut message = Message::new("𠮷".repeat(TEXT_CHARS_MAX), None, vec![UserId::NIL; MENTIONS_MAX], false);
        assert!(decode(&message));
        message.mentions.push(UserId::NIL);
        assert!(!decode(&message));
    }

    #[test]
    fn ten_photos_and_the_longest_text_fit_with_smaller_thumbnails() {
        let mut message = Message::new("𠮷".repeat(TEXT_CHARS_MAX), None, vec![UserId::NIL; MENTIONS_MAX], false);
        message.attachments = vec![photo(THUMBNAIL_BYTES_MAX); ATTACHMENTS_MAX];
        let sizes = |_| [THUMBNAIL_BYTES_MAX, 4_500, 1_500].map(|size| photo(size).picture.unwrap().thumbnail).to_vec();
        message.fit(&sizes);
        assert!(decode(&message));
        message.text = "火".into();
        message.fit(&sizes);
        assert!(message.attachments.iter().all(|it| it.picture.as_ref().unwrap().thumbnail.len() == 4_500));
        assert!(decode(&message));
        message.attachments.truncate(1);
        message.fit(&sizes);
        assert_eq!(message.attachments[0], photo(THUMBNAIL_BYTES_MAX));
    }

    #[test]
    fn what_our_own_services_refuse_is_malformed_from_others_too() {
        for text in ["", " a", "a\0", &"x".repeat(TEXT_CHARS_MAX + 1)] {
            assert!(!decode(&Message::new(text.into(), None, vec![], false)), "{:?}", text.get(..4));
        }
        let with = |text: &str, count| {
            let message = Message::new(text.into(), None, vec![], false);
            Message { attachments: vec![photo(3); count], ..message }
        };
        assert!(decode(&with("", 1)) && decode(&with("a", ATTACHMENTS_MAX)));
        assert!(!decode(&with(" a", 1)) && !decode(&with("a", ATTACHMENTS_MAX + 1)));
        // Version 2 without attachments would be another spelling of version 1.
        let mut none = wire::encode(&with("a", 0).words(WITH_ATTACHMENTS));
        none.push(0);
        assert!(Body::decode(kinds::MESSAGE, &none).is_err());
    }
}
