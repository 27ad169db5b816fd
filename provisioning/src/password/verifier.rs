//! What is kept to check a password: a PHC string, accepted only when checking against it costs a bounded amount.

use std::fmt;

use argon2::password_hash::phc::{Output, PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};

use super::memory::with_blocks;
use crate::field::InvalidField;
use crate::limits::VERIFIER_BYTES_MAX;

/// Bytes of the hash.
const OUTPUT_BYTES: usize = 32;
/// Most memory a verifier from elsewhere may ask for, KiB: later versions may raise the cost, nobody may exhaust a node.
const MEMORY_KIB_MAX: u32 = 64 * 1024;
/// Most passes a verifier from elsewhere may ask for.
const PASSES_MAX: u32 = 6;
/// Most lanes a verifier from elsewhere may ask for.
const LANES_MAX: u32 = 4;

/// An Argon2id hash in PHC form. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Verifier(String);

impl Verifier {
    /// For a row of a database.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the password. About 15 ms and 19 MiB; the comparison takes constant time.
    pub fn check(&self, password: &str) -> bool {
        let Some(normal) = super::normalise(password) else { return false };
        let Ok(hash) = PasswordHash::new(&self.0) else { return false };
        let (Some(salt), Some(expected), Ok(params)) = (&hash.salt, &hash.hash, Params::try_from(&hash)) else {
            return false;
        };
        let (blocks, is_light) = (params.block_count(), params.m_cost() < super::MEMORY_KIB);
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut computed = [0u8; OUTPUT_BYTES];
        let done = with_blocks(blocks, |memory| {
            argon2.hash_password_into_with_memory(normal.as_bytes(), salt, &mut computed, memory)
        });
        let right = done.is_ok() && Output::new(&computed).is_ok_and(|computed| computed == *expected);
        if !right && is_light {
            // A wrong answer that comes at once would tell who still has an initial password.
            super::check_nobody(password);
        }
        right
    }
}

impl Verifier {
    /// Whether it is of a password that was drawn at random and handed over on paper: those cost less to check than what
    /// people choose ([`super::InitialPassword`]).
    pub fn is_initial(&self) -> bool {
        let params = PasswordHash::new(&self.0).ok().and_then(|hash| Params::try_from(&hash).ok());
        params.is_some_and(|params| params.m_cost() < super::MEMORY_KIB)
    }
}

impl TryFrom<String> for Verifier {
    type Error = InvalidField;

    fn try_from(text: String) -> Result<Self, InvalidField> {
        let invalid = |code| InvalidField::new("verifier", code);
        if text.len() > VERIFIER_BYTES_MAX {
            return Err(invalid("too_long"));
        }
        let hash = PasswordHash::new(&text).map_err(|_| invalid("malformed"))?;
        let params = Params::try_from(&hash).map_err(|_| invalid("malformed"))?;
        let complete = hash.salt.is_some() && hash.hash.as_ref().is_some_and(|output| output.len() == OUTPUT_BYTES);
        let known = hash.algorithm == Algorithm::Argon2id.ident() && hash.version == Some(0x13);
        if !complete || !known {
            return Err(invalid("malformed"));
        }
        if params.m_cost() > MEMORY_KIB_MAX || params.t_cost() > PASSES_MAX || params.p_cost() > LANES_MAX {
            return Err(invalid("not_allowed"));
        }
        Ok(Self(text))
    }
}

impl From<Verifier> for String {
    fn from(verifier: Verifier) -> Self {
        verifier.0
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT_AND_HASH: &str = "$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn verifier(head: &str) -> Result<Verifier, InvalidField> {
        Verifier::try_from(format!("{head}{SALT_AND_HASH}"))
    }

    #[test]
    fn costs_up_to_the_caps_are_accepted() {
        assert!(verifier("$argon2id$v=19$m=19456,t=2,p=1").is_ok());
        assert!(verifier("$argon2id$v=19$m=65536,t=6,p=4").is_ok());
    }

    #[test]
    fn other_hashes_and_costs_are_refused() {
        for head in [
            "",
            "$argon2id$v=19$m=65537,t=2,p=1",
            "$argon2id$v=19$m=19456,t=7,p=1",
            "$argon2id$v=19$m=19456,t=2,p=5",
            "$argon2id$v=19$m=4294967295,t=2,p=1",
            "$argon2i$v=19$m=19456,t=2,p=1",
            "$argon2id$v=16$m=19456,t=2,p=1",
            "$argon2id$m=19456,t=2,p=1",
            "$2b$10",
            "plaintext",
        ] {
            assert!(verifier(head).is_err(), "{head:?}");
        }
        assert!(Verifier::try_from("$argon2id$v=19$m=19456,t=2,p=1".to_string()).is_err());
        assert!(Verifier::try_from("a".repeat(257)).is_err());
    }
}
