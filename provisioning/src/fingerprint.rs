//! What people read aloud over the telephone: sixteen characters that stand for a request, an organisation or a key.

use std::fmt;
use std::str::FromStr;

use crate::base32;
use crate::id::OrgId;

/// 80 bits of a hash as `XXXX-XXXX-XXXX-XXXX`; nobody finds a second thing with the same.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 10]);

/// Why a typed text is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint has sixteen characters, like 7K2M-0XQD-9RTW-4HBC")]
pub struct InvalidFingerprint;

impl Fingerprint {
    /// Of these bytes, for this purpose.
    pub(crate) fn of(purpose: &str, bytes: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(purpose.as_bytes());
        hasher.update(bytes);
        let mut short = [0; 10];
        hasher.finalize_xof().fill(&mut short);
        Self(short)
    }

    /// Of an organisation: of its root key.
    pub fn of_organisation(organisation: OrgId) -> Self {
        Self::of("noroshi/organisation-fingerprint/1", organisation.as_bytes())
    }

    /// Of an administrator's key (Ed25519 public).
    pub fn of_administrator_key(key: &[u8; 32]) -> Self {
        Self::of("noroshi/administrator-key-fingerprint/1", key)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, character) in base32::encode(&self.0).chars().enumerate() {
            if place > 0 && place % 4 == 0 {
                f.write_str("-")?;
            }
            write!(f, "{character}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = InvalidFingerprint;

    /// Case, width, hyphens and white space do not matter, nor O for 0 and I for 1.
    fn from_str(text: &str) -> Result<Self, InvalidFingerprint> {
        if text.len() > 200 {
            return Err(InvalidFingerprint);
        }
        let bytes = base32::decode(&base32::canonical(text)).ok_or(InvalidFingerprint)?;
        bytes.as_slice().try_into().map(Self).map_err(|_| InvalidFingerprint)
    }
}
