//! A node's signature over the head of its log: it vouches for everything before it.

use std::fmt;

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use crate::id::NodeId;
use crate::log::{Hash, LogId};

/// An Ed25519 signature (RFC 8032).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 64]);

impl Signature {
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start: String = data_encoding::HEXLOWER.encode(&self.0).chars().take(8).collect();
        write!(f, "signature({start}…)")
    }
}

impl Serialize for Signature {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_bytes::Bytes::new(&self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = <&serde_bytes::Bytes>::deserialize(deserializer)?;
        Self::from_slice(bytes).ok_or_else(|| serde::de::Error::custom("a signature has 64 bytes"))
    }
}

/// The private half of a node's identity.
pub struct NodeKey {
    pair: Ed25519KeyPair,
    node: NodeId,
}

/// Bytes that are no private key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid Ed25519 private key")]
pub struct InvalidKey;

impl NodeKey {
    /// From the 32-byte seed of RFC 8032.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, InvalidKey> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| InvalidKey)?;
        let node = NodeId::from_slice(pair.public_key().as_ref()).map_err(|_| InvalidKey)?;
        Ok(Self { pair, node })
    }

    pub fn node(&self) -> NodeId {
        self.node
    }

    pub fn sign(&self, message: &[u8]) -> Signature {
        let mut bytes = [0u8; 64];
        bytes.copy_from_slice(self.pair.sign(message).as_ref());
        Signature(bytes)
    }
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeKey({:?})", self.node)
    }
}

/// Whether `signature` over `message` is by the Ed25519 key `public_key` (a node, an administrator, an invitation).
pub fn verify_signature(public_key: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, public_key).verify(message, signature).is_ok()
}

/// The bytes a node signs for the first `seq` entries of a log: domain, log, seq (big endian), h(seq). 117 bytes.
fn message(log: &LogId, seq: u64, hash: &Hash) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128);
    bytes.extend_from_slice(b"noroshi/checkpoint/1");
    bytes.extend_from_slice(&log.to_bytes());
    bytes.extend_from_slice(&seq.to_be_bytes());
    bytes.extend_from_slice(hash.as_bytes());
    bytes
}

/// Signs the first `seq` entries of a log of this node.
pub fn sign(key: &NodeKey, log: &LogId, seq: u64, hash: &Hash) -> Signature {
    key.sign(&message(log, seq, hash))
}

/// Whether the log's node signed that its first `seq` entries chain up to `hash`.
pub fn is_signed(log: &LogId, seq: u64, hash: &Hash, signature: &Signature) -> bool {
    verify_signature(log.node.as_bytes(), &message(log, seq, hash), signature.as_bytes())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::log::tests::sample_log;

    pub fn sample_key(number: u8) -> NodeKey {
        NodeKey::from_seed(&[number; 32]).unwrap()
    }

    #[test]
    fn a_checkpoint_binds_everything() {
        let key = sample_key(1);
        let log = LogId { node: key.node(), ..sample_log() };
        let signature = sign(&key, &log, 3, &log.genesis());
        assert!(is_signed(&log, 3, &log.genesis(), &signature));
        assert!(!is_signed(&log, 4, &log.genesis(), &signature));
        assert!(!is_signed(&log, 3, &Hash::from_bytes([0; 32]), &signature));
        assert!(!is_signed(&sample_log(), 3, &log.genesis(), &signature));
        let other = sign(&sample_key(2), &log, 3, &log.genesis());
        assert!(!is_signed(&log, 3, &log.genesis(), &other));
    }
}
