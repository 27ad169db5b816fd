//! What an entry of the audit log says. The order of the fields is the encoding.

use noroshi_sync::entry::{Draft, Lane};
use noroshi_sync::id::{DeviceId, EntryId, NodeId, RoomId, UserId};
use serde::{Deserialize, Serialize};

use super::kind::{AUDIT_EVENT, AuditKind};
use crate::body::Body;
use crate::field::{self, InvalidField};
use crate::id::{OfficeId, PostId};
use crate::limits::{AUDIT_DETAILS_MAX, AUDIT_KEY_CHARS_MAX, AUDIT_VALUE_CHARS_MAX};

/// An event. Who did it on which device are author and device of the entry; the nil author: nobody known, or the node by
/// itself. It never holds passwords, codes, tokens, or what people write to each other.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AuditEvent {
    /// Number of an [`AuditKind`], perhaps of a later program.
    pub kind: u16,
    /// How often it happened: more than once where many of the same are one entry.
    pub count: u32,
    pub subject: Option<Subject>,
    /// Words for programs, and what they say here.
    pub detail: Vec<(String, String)>,
}

/// Whom or what it was done to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Subject {
    User(UserId),
    /// A device of that person.
    Device(DeviceId, UserId),
    Office(OfficeId),
    Node(NodeId),
    Post(PostId),
    /// By the entry that invited.
    Invitation(EntryId),
    /// A staff list.
    Import([u8; 16]),
}

impl Subject {
    /// The person it is about.
    pub const fn user(self) -> Option<UserId> {
        match self {
            Self::User(user) | Self::Device(_, user) => Some(user),
            _ => None,
        }
    }
}

impl AuditEvent {
    pub fn new(kind: AuditKind, subject: Option<Subject>) -> Self {
        Self { kind: kind.number(), count: 1, subject, detail: Vec::new() }
    }

    /// Adds a detail, made to fit: one line, of bounded length. An empty one is left out.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        let fits = |character: &char| !field::is_forbidden(*character);
        let value: String = value.chars().filter(fits).take(AUDIT_VALUE_CHARS_MAX).collect();
        if !value.trim().is_empty() && self.detail.len() < AUDIT_DETAILS_MAX {
            self.detail.push((key.to_owned(), value.trim().to_owned()));
        }
        self
    }

    #[must_use]
    pub fn times(mut self, count: u32) -> Self {
        self.count = count;
        self
    }

    /// The entry that a node vouches for.
    pub fn draft(&self, room: RoomId, id: EntryId, author: UserId, device: DeviceId) -> Result<Draft, InvalidField> {
        let body = self.encode()?;
        Ok(Draft::attested(room, Lane::Normal, id, AUDIT_EVENT, author, device, EntryId::NIL, body))
    }
}

impl Body for AuditEvent {
    const KIND: u16 = AUDIT_EVENT;
    const WHAT: &'static str = "audit event";

    fn check(&self) -> Result<(), InvalidField> {
        if self.kind == 0 || self.count == 0 {
            return Err(InvalidField::new("kind", "empty"));
        }
        if self.detail.len() > AUDIT_DETAILS_MAX {
            return Err(InvalidField::new("detail", "too_many"));
        }
        for (key, value) in &self.detail {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
            if key.is_empty() || key.len() > AUDIT_KEY_CHARS_MAX || !key.bytes().all(plain) {
                return Err(InvalidField::new("detail", "characters"));
            }
            field::check_name("detail", value, AUDIT_VALUE_CHARS_MAX)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use noroshi_sync::limits::ENTRY_BODY_BYTES_MAX;
    use proptest::prelude::*;

    use super::*;

    fn event() -> AuditEvent {
        let device = DeviceId::from_bytes([2; 16]);
        let subject = Subject::Device(device, UserId::from_bytes([1; 16]));
        AuditEvent::new(AuditKind::DeviceSuspended, Some(subject)).with("reason", "紛失")
    }

    #[test]
    fn the_encoding_is_golden() {
        insta::assert_snapshot!(data_encoding::HEXLOWER.encode(&event().encode().unwrap()));
        assert_eq!(AuditEvent::decode(&event().encode().unwrap()), Ok(event()));
    }

    #[test]
    fn limits_hold_inside_and_outside() {
        let most = (0..AUDIT_DETAILS_MAX).fold(event(), |event, _| event.with("reason", &"長".repeat(500)));
        assert_eq!(most.detail.len(), AUDIT_DETAILS_MAX);
        assert!(most.encode().unwrap().len() < ENTRY_BODY_BYTES_MAX / 8);
        let mut more = most.clone();
        more.detail.push(("reason".into(), "x".into()));
        assert_eq!(more.encode(), Err(InvalidField::new("detail", "too_many")));
        for (key, value) in [("", "x"), ("Reason", "x"), ("reason", ""), ("reason", "a\nb"), ("reason", " x")] {
            let wrong = AuditEvent { detail: vec![(key.into(), value.into())], ..event() };
            assert!(wrong.encode().is_err(), "{key} {value:?}");
        }
        assert!(AuditEvent { kind: 0, ..event() }.encode().is_err());
        assert!(event().times(0).encode().is_err());
    }

    #[test]
    fn a_detail_is_made_to_fit() {
        let event = event().with("name", " \u{202e}行\n頭\t ").with("empty", " \n ");
        assert_eq!(event.detail.last(), Some(&("name".into(), "行頭".into())));
        assert!(event.encode().is_ok());
    }

    #[test]
    fn an_event_of_a_later_program_can_be_read() {
        let later = AuditEvent { kind: 60_000, ..event() };
        assert_eq!(AuditEvent::decode(&later.encode().unwrap()), Ok(later));
    }

    proptest! {
        #[test]
        fn bytes_from_outside_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = AuditEvent::decode(&bytes);
        }
    }
}
