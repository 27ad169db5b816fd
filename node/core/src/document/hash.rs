//! The name of a change: the SHA-256 that Automerge computes over its chunk.

use std::fmt;

use ring::digest::{Context, SHA256};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChangeHash([u8; 32]);

impl ChangeHash {
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The hash of a chunk, from what follows its checksum: type, length as written, content.
    pub(super) fn of_chunk(typed_content: &[u8]) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(typed_content);
        let mut hash = [0; 32];
        hash.copy_from_slice(context.finish().as_ref());
        Self(hash)
    }

    /// The four bytes that a chunk carries as its checksum.
    pub(super) fn checksum(&self) -> &[u8] {
        self.0.split_at(4).0
    }
}

impl From<automerge::ChangeHash> for ChangeHash {
    fn from(hash: automerge::ChangeHash) -> Self {
        Self(hash.0)
    }
}

impl fmt::Display for ChangeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for ChangeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "change({}…)", self.to_string().chars().take(8).collect::<String>())
    }
}
