//! Names of an organisation and of its offices.

use std::fmt;
use std::str::FromStr;

use noroshi_sync::id::InvalidId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An organisation: the fingerprint of its root key, BLAKE3("noroshi/organisation/1" ‖ root public key).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OrgId([u8; 32]);

impl OrgId {
    /// The organisation whose root key has this Ed25519 public half.
    pub fn of_root(public_key: &[u8; 32]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"noroshi/organisation/1");
        hasher.update(public_key);
        Self(*hasher.finalize().as_bytes())
    }
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for OrgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for OrgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "organisation({}…)", self.to_string().chars().take(8).collect::<String>())
    }
}

impl FromStr for OrgId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = || InvalidId { kind: "organisation id", text: text.chars().take(80).collect() };
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).map_err(|_| invalid())?;
        bytes.try_into().map(Self).map_err(|_| invalid())
    }
}

macro_rules! uuid_name {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name([u8; 16]);

        impl $name {
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid.into_bytes())
            }
            pub const fn as_uuid(&self) -> Uuid {
                Uuid::from_bytes(self.0)
            }
            pub fn is_nil(&self) -> bool {
                self.0 == [0; 16]
            }
            /// For ids that come out of a database column; anything but 16 bytes is damage.
            pub fn from_slice(bytes: &[u8]) -> Result<Self, InvalidId> {
                let invalid = |_| InvalidId { kind: concat!($kind, " id"), text: format!("{bytes:02x?}") };
                bytes.try_into().map(Self).map_err(invalid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.as_uuid().hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($kind, "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let invalid = || InvalidId { kind: concat!($kind, " id"), text: text.chars().take(64).collect() };
                // Only the hyphenated form: one name, one spelling.
                if text.len() != 36 {
                    return Err(invalid());
                }
                Uuid::try_parse(text).map(Self::from_uuid).map_err(|_| invalid())
            }
        }
    };
}

uuid_name!(
    /// An office (拠点): headquarters, branch, shelter, fire station.
    OfficeId,
    "office"
);
uuid_name!(
    /// A post (職) or team (班), which people hold.
    PostId,
    "post"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_survive_their_text_form() {
        let office = OfficeId::from_bytes([7; 16]);
        assert_eq!(office.to_string().parse::<OfficeId>().unwrap(), office);
        let organisation = OrgId::of_root(&[1; 32]);
        assert_eq!(organisation.to_string().parse::<OrgId>().unwrap(), organisation);
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in
            ["", "07070707070707070707070707070707", "../../etc/passwd", "{07070707-0707-0707-0707-070707070707}"]
        {
            assert!(text.parse::<OfficeId>().is_err(), "{text}");
            assert!(text.parse::<OrgId>().is_err(), "{text}");
        }
        assert!("AB".repeat(32).parse::<OrgId>().is_err());
    }

    #[test]
    fn the_fingerprint_of_a_root_key_is_golden() {
        insta::assert_snapshot!(OrgId::of_root(&[1; 32]));
    }
}
