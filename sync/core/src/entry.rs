//! One immutable item of a log, its encoding and its limits. What a body means is not known here.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::hlc::Hlc;
use crate::id::{DeviceId, EntryId, InvalidId, RoomId, UserId};
use crate::limits::{ENTRY_BODY_BYTES_MAX, ENTRY_BYTES_MAX, SIGNATURE_BYTES_MAX, TIME_MS_MAX};
use crate::wire::{self, Malformed};

/// The version of [`Entry`] that this program writes. Higher ones are stored and relayed, but shown as unknown.
pub const ENTRY_VERSION: u8 = 1;

/// Separate logs, so that rights come first and an alarm never waits behind chat.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[repr(u8)]
pub enum Lane {
    Policy = 0,
    Urgent = 1,
    Normal = 2,
}

impl Lane {
    pub const ALL: [Self; 3] = [Self::Policy, Self::Urgent, Self::Normal];

    pub const fn number(self) -> u8 {
        self as u8
    }
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Policy),
            1 => Some(Self::Urgent),
            2 => Some(Self::Normal),
            _ => None,
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Policy => "policy",
            Self::Urgent => "urgent",
            Self::Normal => "normal",
        })
    }
}

impl FromStr for Lane {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::ALL
            .into_iter()
            .find(|lane| lane.to_string() == text)
            .ok_or_else(|| InvalidId { kind: "lane", text: text.chars().take(16).collect() })
    }
}

/// Who vouches for the author of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SignatureKind {
    /// The node: its office checked the log-in. No signature in the entry.
    AttestedByNode,
    /// An administrator's key, over the [`statement`].
    Administrator,
    /// The author's device key, over the [`device_statement`].
    Device,
}

impl SignatureKind {
    pub const fn number(self) -> u8 {
        match self {
            Self::AttestedByNode => 0,
            Self::Administrator => 1,
            Self::Device => 2,
        }
    }
    /// `None` for kinds of later versions: such entries are stored and relayed like any other.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::AttestedByNode),
            1 => Some(Self::Administrator),
            2 => Some(Self::Device),
            _ => None,
        }
    }
}

/// One immutable item. The field order is the encoding (postcard); see docs/protocol.md for the bytes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Entry {
    pub version: u8,
    /// Place in its log, from 1.
    pub seq: u64,
    /// Minted by the client before its first attempt (UUIDv7), so that retries are one entry.
    pub id: EntryId,
    pub hlc: Hlc,
    /// The writer's wall clock, milliseconds since 1970.
    pub wall_ms: u64,
    /// The writer's measured clock error in milliseconds (its clock minus its peers'), when it was known to be wrong.
    pub clock_offset_ms: Option<i64>,
    pub kind: u16,
    pub author: UserId,
    pub device: DeviceId,
    /// The entry that gave the author the right relied on; nil for none.
    pub auth_ref: EntryId,
    pub sig_alg: u8,
    #[serde(with = "serde_bytes")]
    pub sig: Option<Vec<u8>>,
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
}

impl Entry {
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    /// Decodes and checks all that can be checked without context: limits, canonical form, stamps.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let entry: Self = wire::decode("entry", bytes, ENTRY_BYTES_MAX)?;
        entry.check()?;
        Ok(entry)
    }

    /// The checks of [`Entry::decode`], for an entry about to be written.
    pub fn check(&self) -> Result<(), Malformed> {
        let invalid = |reason| Err(Malformed::Invalid { what: "entry", reason });
        if self.body.len() > ENTRY_BODY_BYTES_MAX {
            return Err(Malformed::TooLarge {
                what: "entry body",
                bytes: self.body.len(),
                limit: ENTRY_BODY_BYTES_MAX,
            });
        }
        if self.sig.as_ref().is_some_and(|sig| sig.len() > SIGNATURE_BYTES_MAX) {
            return invalid("the signature is too long");
        }
        if self.version == 0 {
            return invalid("there is no version 0");
        }
        if self.seq == 0 {
            return invalid("sequence numbers start at 1");
        }
        if !self.hlc.is_well_formed() || self.wall_ms > TIME_MS_MAX {
            return invalid("the stamp is after the year 2100 or missing");
        }
        if self.id.is_nil() {
            return invalid("the id is nil");
        }
        Ok(())
    }

    /// Whether it says that the author's device signed it.
    pub fn is_by_device(&self) -> bool {
        self.sig_alg == SignatureKind::Device.number()
    }

    /// The bytes an administrator's key signs for this entry in `room`.
    pub fn statement(&self, room: RoomId) -> [u8; 32] {
        statement(room, self.id, self.kind, self.author, &self.body)
    }
}

/// What an administrator's key signs: what is said, by whom and where, but not the place in a log, which the node gives
/// later.
pub fn statement(room: RoomId, id: EntryId, kind: u16, author: UserId, body: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"noroshi/statement/1");
    hasher.update(room.as_bytes());
    hasher.update(id.as_bytes());
    hasher.update(&kind.to_be_bytes());
    hasher.update(author.as_bytes());
    hasher.update(blake3::hash(body).as_bytes());
    *hasher.finalize().as_bytes()
}

/// What a device's key signs with ECDSA P-256 and SHA-256: the same things as in [`statement`], but unhashed, since
/// signing hashes them and a browser has no BLAKE3. `content` is what a person says in an entry of this kind; all before
/// it has a fixed length, so one sequence of bytes has one meaning.
pub fn device_statement(room: RoomId, id: EntryId, kind: u16, author: UserId, content: &[u8]) -> Vec<u8> {
    [
        b"noroshi/device-statement/1".as_slice(),
        room.as_bytes(),
        id.as_bytes(),
        &kind.to_be_bytes(),
        author.as_bytes(),
        content,
    ]
    .concat()
}

/// An entry that has no place in a log yet: what a service hands to the writer, which adds seq, stamps and chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Draft {
    pub room: RoomId,
    pub lane: Lane,
    pub id: EntryId,
    pub kind: u16,
    pub author: UserId,
    pub device: DeviceId,
    pub auth_ref: EntryId,
    pub sig_alg: u8,
    pub sig: Option<Vec<u8>>,
    pub body: Vec<u8>,
}

impl Draft {
    /// A draft vouched for by the node alone.
    #[expect(clippy::too_many_arguments, reason = "these are the fields of an entry, each of a type of its own")]
    pub fn attested(
        room: RoomId,
        lane: Lane,
        id: EntryId,
        kind: u16,
        author: UserId,
        device: DeviceId,
        auth_ref: EntryId,
        body: Vec<u8>,
    ) -> Self {
        Self {
            room,
            lane,
            id,
            kind,
            author,
            device,
            auth_ref,
            sig_alg: SignatureKind::AttestedByNode.number(),
            sig: None,
            body,
        }
    }

    /// The same with the signature of the author's device.
    pub fn signed_by_device(self, signature: Option<Vec<u8>>) -> Self {
        match signature {
            Some(_) => Self { sig_alg: SignatureKind::Device.number(), sig: signature, ..self },
            None => self,
        }
    }

    /// Gives the draft its place and time.
    pub fn into_entry(self, seq: u64, hlc: Hlc, wall_ms: u64, clock_offset_ms: Option<i64>) -> Entry {
        Entry {
            version: ENTRY_VERSION,
            seq,
            id: self.id,
            hlc,
            wall_ms: wall_ms.min(TIME_MS_MAX),
            clock_offset_ms,
            kind: self.kind,
            author: self.author,
            device: self.device,
            auth_ref: self.auth_ref,
            sig_alg: self.sig_alg,
            sig: self.sig,
            body: self.body,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub fn sample(seq: u64) -> Entry {
        Draft::attested(
            RoomId::from_bytes([1; 16]),
            Lane::Normal,
            EntryId::from_bytes([2; 16]),
            1,
            UserId::from_bytes([3; 16]),
            DeviceId::from_bytes([4; 16]),
            EntryId::from_bytes([5; 16]),
            "北支所、停電です".as_bytes().to_vec(),
        )
        .into_entry(seq, Hlc::from_parts(1_790_000_000_000, 1), 1_790_000_000_000, None)
    }

    #[test]
    fn a_body_of_64_kib_is_the_largest() {
        let mut entry = sample(1);
        entry.body = vec![b'a'; ENTRY_BODY_BYTES_MAX];
        assert_eq!(Entry::decode(&entry.encode()).unwrap(), entry);
        entry.body.push(b'a');
        assert!(matches!(Entry::decode(&entry.encode()), Err(Malformed::TooLarge { .. })));
    }

    #[test]
    fn a_signature_of_128_bytes_is_the_largest() {
        let signed = |bytes| Entry { sig: Some(vec![7; bytes]), ..sample(1) };
        assert!(Entry::decode(&signed(SIGNATURE_BYTES_MAX).encode()).is_ok());
        assert!(Entry::decode(&signed(SIGNATURE_BYTES_MAX + 1).encode()).is_err());
    }

    #[test]
    fn impossible_values_are_refused() {
        for (name, spoil) in [
            ("seq", (|entry: &mut Entry| entry.seq = 0) as fn(&mut Entry)),
            ("hlc", |entry| entry.hlc = Hlc::from_raw(u64::MAX)),
            ("wall", |entry| entry.wall_ms = u64::MAX),
            ("id", |entry| entry.id = EntryId::NIL),
            ("version", |entry| entry.version = 0),
            ("signature", |entry| entry.sig = Some(vec![0; SIGNATURE_BYTES_MAX + 1])),
        ] {
            let mut entry = sample(1);
            spoil(&mut entry);
            assert!(Entry::decode(&entry.encode()).is_err(), "{name}");
        }
    }

    #[test]
    fn an_unknown_kind_and_version_decode() {
        let mut entry = sample(1);
        entry.kind = 60_000;
        entry.version = 9;
        entry.sig_alg = 77;
        assert_eq!(Entry::decode(&entry.encode()).unwrap(), entry);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Entry::decode(&bytes);
        }

        #[test]
        fn a_damaged_entry_is_another_entry_or_none(position in 0usize..100, bit in 0u8..8) {
            let bytes = sample(1).encode();
            let mut damaged = bytes.clone();
            let position = position % damaged.len();
            damaged[position] ^= 1 << bit;
            if let Ok(entry) = Entry::decode(&damaged) {
                prop_assert_ne!(entry.encode(), bytes);
            }
        }
    }
}
