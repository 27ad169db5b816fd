//! Attachments: named by what they contain, fetched in chunk groups, each of which is proved by itself.
//!
//! What the proofs look like (bao, 16 KiB chunk groups) is for the store to know; here a slice is bytes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::InvalidId;
use crate::limits::{BLOB_BYTES_MAX, BLOB_GROUP_BYTES};

/// BLAKE3 of the content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BlobHash([u8; 32]);

impl BlobHash {
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
    pub fn of(content: &[u8]) -> Self {
        Self(*blake3::hash(content).as_bytes())
    }
}

impl fmt::Display for BlobHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for BlobHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "blob({self})")
    }
}

impl FromStr for BlobHash {
    type Err = InvalidId;
    /// 64 small hexadecimal digits: one name, one spelling.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).ok();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| InvalidId { kind: "blob hash", text: text.chars().take(64).collect() })
    }
}

/// An attachment: its hash, and its size as the message says that shows it. The size belongs to the name because proofs
/// depend on it: who lies about a size names something that nobody has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct BlobId {
    pub hash: BlobHash,
    /// Bytes, 1 to [`BLOB_BYTES_MAX`].
    pub size: u64,
}

impl BlobId {
    pub fn of(content: &[u8]) -> Self {
        Self { hash: BlobHash::of(content), size: content.len() as u64 }
    }

    pub const fn is_well_formed(&self) -> bool {
        1 <= self.size && self.size <= BLOB_BYTES_MAX
    }

    /// Chunk groups it has.
    pub const fn groups(&self) -> u64 {
        self.size.div_ceil(BLOB_GROUP_BYTES)
    }

    /// Bytes in the groups `first ..= last`.
    pub fn bytes_of(&self, groups: Groups) -> u64 {
        let end = groups.last.saturating_add(1).saturating_mul(BLOB_GROUP_BYTES).min(self.size);
        end.saturating_sub(groups.first.saturating_mul(BLOB_GROUP_BYTES))
    }

    /// Whether these are groups of this attachment.
    pub const fn has(&self, groups: Groups) -> bool {
        groups.first <= groups.last && groups.last < self.groups()
    }
}

/// The chunk groups `first ..= last`, counted from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Groups {
    pub first: u64,
    pub last: u64,
}

impl Groups {
    pub const fn count(&self) -> u64 {
        self.last.saturating_sub(self.first).saturating_add(1)
    }

    /// The first `count` of them, and the others.
    pub fn split(self, count: u64) -> (Self, Option<Self>) {
        match self.first.saturating_add(count) {
            next if next <= self.last && count > 0 => {
                (Self { last: next - 1, ..self }, Some(Self { first: next, ..self }))
            }
            _ => (self, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_hash_has_one_spelling() {
        let hash = BlobHash::of(b"photo");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        let upper = hash.to_string().to_uppercase();
        for bad in ["", "00", &upper, &hash.to_string()[1..], &format!("{hash}0"), &"g".repeat(64)] {
            assert!(bad.parse::<BlobHash>().is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_have_a_floor_and_a_ceiling() {
        let of = |size| BlobId { hash: BlobHash::of(b""), size };
        assert!(!of(0).is_well_formed() && of(1).is_well_formed());
        assert!(of(BLOB_BYTES_MAX).is_well_formed() && !of(BLOB_BYTES_MAX + 1).is_well_formed());
        assert_eq!([1, 16 * 1024, 16 * 1024 + 1].map(|size| of(size).groups()), [1, 1, 2]);
        assert!(of(1).has(Groups { first: 0, last: 0 }) && !of(1).has(Groups { first: 0, last: 1 }));
        assert!(!of(u64::MAX).has(Groups { first: 1, last: 0 }));
    }

    proptest! {
        #[test]
        fn groups_cover_every_byte_once(size in 1..BLOB_BYTES_MAX, cuts in proptest::collection::vec(1u64..100, 1..20)) {
            let blob = BlobId { hash: BlobHash::of(b""), size };
            let mut rest = Some(Groups { first: 0, last: blob.groups() - 1 });
            let mut bytes = 0;
            for count in cuts.into_iter().chain([u64::MAX]) {
                let Some(groups) = rest else { break };
                let (part, left) = groups.split(count);
                prop_assert!(part.count() <= count && blob.has(part));
                bytes += blob.bytes_of(part);
                rest = left;
            }
            prop_assert_eq!((bytes, rest), (size, None));
        }
    }
}
