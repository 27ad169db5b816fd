//! How the bodies of ledger and policy entries become bytes and back: a version, then the fields, checked both ways.

use noroshi_sync::entry::Entry;
use noroshi_sync::limits::ENTRY_BODY_BYTES_MAX;
use noroshi_sync::wire::{self, Malformed};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::field::InvalidField;

/// The version of all bodies that this program writes.
pub const BODY_VERSION: u8 = 1;

/// What an entry of one kind says.
pub trait Body: Serialize + DeserializeOwned {
    /// The entry kind; see [`crate::ledger::kind`] and [`crate::membership::kind`].
    const KIND: u16;
    /// For error messages.
    const WHAT: &'static str;

    /// The limits of the fields.
    fn check(&self) -> Result<(), InvalidField>;

    /// One byte of version, then the fields in order (postcard).
    fn encode(&self) -> Result<Vec<u8>, InvalidField> {
        self.check()?;
        Ok(wire::encode(&(BODY_VERSION, self)))
    }

    /// Refuses other versions, other spellings, and values over a limit.
    fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        match bytes.first() {
            Some(&BODY_VERSION) => {}
            Some(&version) if version > BODY_VERSION => return Err(Unreadable::LaterVersion(version)),
            _ => return Err(Malformed::Undecodable { what: Self::WHAT }.into()),
        }
        let (_, body): (u8, Self) = wire::decode(Self::WHAT, bytes, ENTRY_BODY_BYTES_MAX)?;
        body.check()?;
        Ok(body)
    }
}

/// Why a body says nothing to this program. The entry is stored and relayed all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("kind {0} is not known here")]
    UnknownKind(u16),
    #[error("version {0} is not known here")]
    LaterVersion(u8),
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error(transparent)]
    Field(#[from] InvalidField),
}

impl Unreadable {
    /// A later program may understand it; everything else is wrong for ever.
    pub fn is_of_the_future(&self) -> bool {
        matches!(self, Self::UnknownKind(_) | Self::LaterVersion(_))
    }
}

/// The body of an entry, if it is of this kind.
pub fn body_of<B: Body>(entry: &Entry) -> Result<B, Unreadable> {
    if entry.kind == B::KIND { B::decode(&entry.body) } else { Err(Unreadable::UnknownKind(entry.kind)) }
}
