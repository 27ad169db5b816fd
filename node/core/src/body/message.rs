//! Something a person said.

use noroshi_sync::id::{EntryId, UserId};
use noroshi_sync::wire;
use serde::{Deserialize, Serialize};

use super::{BODY_VERSION, check_version};
use crate::limits::MENTIONS_MAX;
use crate::text::is_message_text;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Message {
    pub version: u8,
    pub text: String,
    /// The message this one answers, in the same room; it may not be here yet.
    pub reply_to: Option<EntryId>,
    /// People named, in the order given, each once.
    pub mentions: Vec<UserId>,
    pub urgent: bool,
}

impl Message {
    pub fn new(text: String, reply_to: Option<EntryId>, mentions: Vec<UserId>, urgent: bool) -> Self {
        Self { version: BODY_VERSION, text, reply_to, mentions, urgent }
    }

    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    pub(super) fn check(&self) -> Result<(), &'static str> {
        check_version(self.version)?;
        if !is_message_text(&self.text) {
            return Err("the text is empty, too long, untrimmed or has control characters");
        }
        if self.mentions.len() > MENTIONS_MAX {
            return Err("too many people are mentioned");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Body;
    use crate::kinds;
    use crate::limits::TEXT_CHARS_MAX;

    fn decode(message: &Message) -> bool {
        match Body::decode(kinds::MESSAGE, &message.encode()) {
            Ok(Body::Message(decoded)) => decoded == *message,
            _ => false,
        }
    }

    #[test]
    fn the_encoding_is_golden() {
        let message =
            Message::new("停電".into(), Some(EntryId::from_bytes([1; 16])), vec![UserId::from_bytes([2; 16])], true);
        assert_eq!(
            data_encoding::HEXLOWER.encode(&message.encode()),
            format!("01 06e5819ce99bbb 01{} 01{} 01", "01".repeat(16), "02".repeat(16)).replace(' ', "")
        );
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
    fn what_our_own_services_refuse_is_malformed_from_others_too() {
        for text in ["", " a", "a\0", &"x".repeat(TEXT_CHARS_MAX + 1)] {
            assert!(!decode(&Message::new(text.into(), None, vec![], false)), "{:?}", text.get(..4));
        }
    }
}
