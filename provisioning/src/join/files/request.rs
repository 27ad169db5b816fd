//! The first file: "this is my key, this is how to write to me".

use std::fmt;

use crypto_box::{PublicKey, SecretKey};
use noroshi_sync::checkpoint::{Signature, verify_signature};
use noroshi_sync::id::NodeId;
use noroshi_sync::wire;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::armour::{self, FileKind, InvalidFile};
use crate::address::NodeAddress;
use crate::field::{InvalidField, check_name};
use crate::fingerprint::Fingerprint;
use crate::key::{KeyPair, NoRandomness, random_bytes};
use crate::limits::{ADDRESSES_MAX, JOIN_FILE_BYTES_MAX, JOIN_REQUEST_MS_MAX, NAME_CHARS_MAX};

const VERSION: u8 = 1;

/// What a machine asks that wants to become a node. No secret is in it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OfflineRequest {
    pub version: u8,
    pub node: NodeId,
    /// X25519: the answer is encrypted to it.
    pub sealing_key: [u8; 32],
    /// What the machine is called.
    pub name: String,
    /// Where the machine thinks it can be reached.
    pub addresses: Vec<NodeAddress>,
    /// By the machine's clock, milliseconds since 1970.
    pub made_ms: u64,
    /// By the key of the machine over all of the above.
    pub signature: Signature,
}

/// The private halves, kept by the new machine until its certificate comes.
pub struct RequestKeys {
    pub node: KeyPair,
    sealing: SecretKey,
}

/// Why a request is not approved. The sentences are for the administrator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestRefusal {
    #[error(transparent)]
    File(#[from] InvalidFile),
    #[error("the request is not signed by the machine it speaks of")]
    BadSignature,
    #[error("the request is {days} days old; make a new one at the new machine with `noroshi join --request`")]
    Old { days: u64 },
}

impl RequestKeys {
    pub fn generate() -> Result<Self, NoRandomness> {
        let sealing = Zeroizing::new(random_bytes::<32>()?);
        Ok(Self { node: KeyPair::generate()?, sealing: SecretKey::from(*sealing) })
    }

    /// From the parts that were kept.
    pub fn from_parts(node: KeyPair, sealing: &[u8; 32]) -> Self {
        Self { node, sealing: SecretKey::from(*sealing) }
    }

    /// To be kept with the node's key until the certificate comes.
    pub fn sealing_secret(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.sealing.to_bytes())
    }

    pub(super) fn open(&self, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.sealing.unseal(sealed).ok().map(Zeroizing::new)
    }
}

impl fmt::Debug for RequestKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestKeys({:?})", self.node.node())
    }
}

impl OfflineRequest {
    pub fn make(
        keys: &RequestKeys,
        name: &str,
        addresses: Vec<NodeAddress>,
        made_ms: u64,
    ) -> Result<Self, InvalidField> {
        let mut request = Self {
            version: VERSION,
            node: keys.node.node(),
            sealing_key: *keys.sealing.public_key().as_bytes(),
            name: name.to_owned(),
            addresses,
            made_ms,
            signature: Signature::from_bytes([0; 64]),
        };
        request.check()?;
        request.signature = keys.node.sign(&request.signed_bytes());
        Ok(request)
    }

    /// The file.
    pub fn to_text(&self) -> String {
        let notes = [("Machine", self.name.clone()), ("Fingerprint", self.fingerprint().to_string())];
        armour::write(FileKind::Request, &notes, &self.encode())
    }

    /// Reads a file and checks its signature.
    pub fn from_text(file: &[u8]) -> Result<Self, RequestRefusal> {
        Self::decode(&armour::read(FileKind::Request, file)?)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, RequestRefusal> {
        let request: Self =
            wire::decode("join request", bytes, JOIN_FILE_BYTES_MAX).map_err(|_| InvalidFile::Damaged)?;
        request.check().map_err(|error| InvalidFile::Value(error.to_string()))?;
        if !verify_signature(request.node.as_bytes(), &request.signed_bytes(), request.signature.as_bytes()) {
            return Err(RequestRefusal::BadSignature);
        }
        Ok(request)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    /// Refuses one that lay about for a month. A clock that is before the request is not believed.
    pub fn check_age(&self, now_ms: u64) -> Result<(), RequestRefusal> {
        let age_ms = now_ms.saturating_sub(self.made_ms);
        // A new machine whose clock was never set says 1970; that is no age.
        let clock_was_set = self.made_ms > CLOCK_SET_MS;
        if clock_was_set && age_ms > JOIN_REQUEST_MS_MAX {
            return Err(RequestRefusal::Old { days: age_ms / 86_400_000 });
        }
        Ok(())
    }

    /// Read aloud by the new office, compared by the administrator.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of("noroshi/join-request-fingerprint/1", &self.encode())
    }

    /// Names the request in the answer to it.
    pub(super) fn hash(&self) -> [u8; 32] {
        *blake3::Hasher::new().update(b"noroshi/join-request/1").update(&self.encode()).finalize().as_bytes()
    }

    /// Encrypts to the machine that made the request; nobody else can read it, the writer included.
    pub(super) fn seal(&self, bytes: &[u8]) -> Result<Vec<u8>, crypto_box::aead::Error> {
        PublicKey::from(self.sealing_key).seal(&mut crypto_box::aead::OsRng, bytes)
    }

    fn check(&self) -> Result<(), InvalidField> {
        if self.version != VERSION {
            return Err(InvalidField::new("version", "not_allowed"));
        }
        check_name("name", &self.name, NAME_CHARS_MAX)?;
        if self.addresses.len() > ADDRESSES_MAX {
            return Err(InvalidField::new("addresses", "too_many"));
        }
        Ok(())
    }

    fn signed_bytes(&self) -> Vec<u8> {
        let Self { version, node, sealing_key, name, addresses, made_ms, .. } = self;
        [
            b"noroshi/join-file-request/1".as_slice(),
            &wire::encode(&(version, node, sealing_key, name, addresses, made_ms)),
        ]
        .concat()
    }
}

/// 2020: a clock that says less was never set.
const CLOCK_SET_MS: u64 = 1_577_836_800_000;
