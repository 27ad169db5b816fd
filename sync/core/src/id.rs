//! Names of things that travel between nodes; each is a newtype, so that one cannot be taken for another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Text that is not the id it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind}: {text:?}")]
pub struct InvalidId {
    pub kind: &'static str,
    pub text: String,
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name([u8; 16]);

        impl $name {
            pub const NIL: Self = Self([0; 16]);
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
                bytes.try_into().map(Self).map_err(|_| InvalidId { kind: $kind, text: format!("{bytes:02x?}") })
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
                // Only the hyphenated form: one name, one spelling.
                if text.len() != 36 {
                    return Err(InvalidId { kind: $kind, text: text.chars().take(64).collect() });
                }
                Uuid::try_parse(text)
                    .map(Self::from_uuid)
                    .map_err(|_| InvalidId { kind: $kind, text: text.chars().take(64).collect() })
            }
        }
    };
}

uuid_id!(
    /// A room: the unit of replication and of access.
    RoomId,
    "room id"
);
uuid_id!(
    /// The client-made UUIDv7 of an entry. Identity of a message is (room, author, id).
    EntryId,
    "entry id"
);
uuid_id!(
    /// A person.
    UserId,
    "user id"
);
uuid_id!(
    /// A browser or phone.
    DeviceId,
    "device id"
);
uuid_id!(
    /// One life of a database; renewed by `restore`, so that a peer's cursor into the old one counts for nothing.
    StorageId,
    "storage id"
);

/// A node: its Ed25519 public key. Whoever signs with the key is the node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId([u8; 32]);

impl NodeId {
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
    pub fn from_slice(bytes: &[u8]) -> Result<Self, InvalidId> {
        bytes.try_into().map(Self).map_err(|_| InvalidId { kind: "node id", text: format!("{bytes:02x?}") })
    }
    /// The first eight hexadecimal digits: for people, for cookie names and for mDNS. Not an identity.
    pub fn short(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.0).chars().take(8).collect()
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node({})", self.short())
    }
}

impl FromStr for NodeId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = || InvalidId { kind: "node id", text: text.chars().take(80).collect() };
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).map_err(|_| invalid())?;
        Self::from_slice(&bytes).map_err(|_| invalid())
    }
}

/// The random name of one run of a node, fresh at every process start, so that no log is ever continued after a restore.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Epoch(pub u64);

impl Epoch {
    /// The epoch that follows when somebody else turns out to write in this one: `ours` and `theirs` are where the two
    /// histories stand, so that each of two copies of a node takes another.
    #[must_use]
    pub fn renewed(self, ours: &[u8; 32], theirs: &[u8; 32]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"noroshi/epoch/1");
        hasher.update(&self.0.to_be_bytes());
        hasher.update(ours);
        hasher.update(theirs);
        Self(
            hasher
                .finalize()
                .as_bytes()
                .first_chunk()
                .map_or(self.0.wrapping_add(1), |bytes| u64::from_be_bytes(*bytes)),
        )
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "epoch({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_survive_their_text_form() {
        let room = RoomId::from_bytes([7; 16]);
        assert_eq!(room.to_string().parse::<RoomId>().unwrap(), room);
        let node = NodeId::from_bytes([0xab; 32]);
        assert_eq!(node.to_string().parse::<NodeId>().unwrap(), node);
        assert_eq!(node.short(), "abababab");
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in ["", "0", "07070707070707070707070707070707", "{07070707-0707-0707-0707-070707070707}", "../etc"] {
            assert!(text.parse::<RoomId>().is_err(), "{text}");
        }
        assert!("AB".repeat(32).parse::<NodeId>().is_err());
    }
}
