//! An Ed25519 key pair that can be kept in a file: of the root, of the issuer, of an administrator, of an invitation.

use std::fmt;

use noroshi_sync::checkpoint::{InvalidKey, NodeKey, Signature};
use noroshi_sync::id::NodeId;
use ring::rand::SecureRandom;
use zeroize::Zeroizing;

/// A secret 32-byte seed (RFC 8032). Wiped when dropped.
pub type Seed = Zeroizing<[u8; 32]>;

/// The operating system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct NoRandomness;

/// `N` bytes from the operating system.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0u8; N];
    ring::rand::SystemRandom::new().fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// A key pair that remembers its seed. `Debug` shows the public half.
pub struct KeyPair {
    seed: Seed,
    key: NodeKey,
}

impl KeyPair {
    pub fn generate() -> Result<Self, NoRandomness> {
        Self::from_seed(&random_bytes()?).map_err(|_| NoRandomness)
    }

    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, InvalidKey> {
        Ok(Self { seed: Zeroizing::new(*seed), key: NodeKey::from_seed(seed)? })
    }

    /// The Ed25519 public key.
    pub fn public(&self) -> [u8; 32] {
        *self.key.node().as_bytes()
    }

    /// The public key as the name of a node.
    pub fn node(&self) -> NodeId {
        self.key.node()
    }

    /// What signs checkpoints and registers, when this is the key of a node.
    pub const fn node_key(&self) -> &NodeKey {
        &self.key
    }

    pub fn seed(&self) -> &[u8; 32] {
        &self.seed
    }

    pub fn sign(&self, message: &[u8]) -> Signature {
        self.key.sign(message)
    }

    /// PKCS#8 version 1 (RFC 8410): what rustls and openssl read. 48 bytes.
    pub fn pkcs8(&self) -> Zeroizing<Vec<u8>> {
        let mut der = Zeroizing::new(Vec::with_capacity(PKCS8_HEAD.len() + 32));
        der.extend_from_slice(&PKCS8_HEAD);
        der.extend_from_slice(self.seed.as_ref());
        der
    }

    /// The reverse of [`KeyPair::pkcs8`]; other forms of PKCS#8 are refused.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, InvalidKey> {
        let seed = der.strip_prefix(&PKCS8_HEAD).ok_or(InvalidKey)?;
        Self::from_seed(seed.try_into().map_err(|_| InvalidKey)?)
    }
}

/// SEQUENCE { version 0, AlgorithmIdentifier { 1.3.101.112 }, OCTET STRING { OCTET STRING of 32 bytes follows.
const PKCS8_HEAD: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPair({})", self.key.node().short())
    }
}

#[cfg(test)]
mod tests {
    use noroshi_sync::checkpoint::verify_signature;

    use super::*;

    #[test]
    fn a_key_survives_its_file_form() {
        let key = KeyPair::from_seed(&[7; 32]).unwrap();
        let again = KeyPair::from_pkcs8(&key.pkcs8()).unwrap();
        assert_eq!(again.public(), key.public());
        assert!(verify_signature(&key.public(), b"text", again.sign(b"text").as_bytes()));
        assert!(ring::signature::Ed25519KeyPair::from_pkcs8_maybe_unchecked(&key.pkcs8()).is_ok());
    }

    #[test]
    fn other_bytes_are_no_key() {
        let pkcs8 = KeyPair::from_seed(&[7; 32]).unwrap().pkcs8();
        for bytes in [&[][..], &[0; 48], &pkcs8[..47], &[&pkcs8[..], &[0]].concat()] {
            assert!(KeyPair::from_pkcs8(bytes).is_err());
        }
    }

    #[test]
    fn a_key_does_not_show_its_seed() {
        assert!(!format!("{:?}", KeyPair::from_seed(&[7; 32]).unwrap()).contains("7, 7"));
    }
}
