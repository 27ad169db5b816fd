//! Secrets at rest: sealed under a password (Argon2id, then ChaCha20-Poly1305), in a versioned file.

use noroshi_sync::id::{EntryId, UserId};
use noroshi_sync::wire;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::browser::BrowserAuthority;
use crate::key::{KeyPair, NoRandomness, random_bytes};
use crate::limits::SEALED_BYTES_MAX;
use crate::password::{self, Owner, PasswordRefusal};
use crate::signer::{AdministratorKey, RootKey};

/// The only version so far.
const VERSION: u8 = 1;
/// Most memory a file may ask for, KiB.
const MEMORY_KIB_MAX: u32 = 256 * 1024;
/// Most passes a file may ask for.
const PASSES_MAX: u32 = 16;
/// Most lanes a file may ask for.
const LANES_MAX: u32 = 8;

/// Why nothing was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error(transparent)]
    Password(#[from] PasswordRefusal),
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    #[error("the secret could not be encrypted")]
    Encryption,
}

/// Why a sealed secret stays sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnsealError {
    #[error("this is not a sealed secret, or it is damaged")]
    Malformed,
    #[error("the secret was sealed by a later version of the program")]
    LaterVersion,
    /// The password, or the file is another one's, or it was tampered with: cryptography cannot tell these apart.
    #[error("the password is wrong, or the secret is not the one expected")]
    WrongPassword,
}

/// The file. Everything before the ciphertext is authenticated with it.
#[derive(Serialize, Deserialize)]
struct File {
    version: u8,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: [u8; 16],
    nonce: [u8; 12],
    ciphertext: Vec<u8>,
}

/// Seals `secret` under a password of at least 8 characters. `purpose` must be given again to open it.
pub fn seal(password: &str, purpose: &[u8], secret: &[u8]) -> Result<Vec<u8>, SealError> {
    let password = password::accept(password, &Owner::with_device("", &[]))?;
    let mut file = File {
        version: VERSION,
        memory_kib: password::MEMORY_KIB,
        passes: password::PASSES,
        lanes: password::LANES,
        salt: random_bytes()?,
        nonce: random_bytes()?,
        ciphertext: Vec::new(),
    };
    let key = file.key(&password).ok_or(SealError::Encryption)?;
    // With room for the tag, so that no copy of the secret is left behind by growing.
    let mut bytes = Vec::with_capacity(secret.len() + CHACHA20_POLY1305.tag_len());
    bytes.extend_from_slice(secret);
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(file.nonce), Aad::from(file.header(purpose)), &mut bytes)
        .map_err(|_| SealError::Encryption)?;
    file.ciphertext = bytes;
    Ok(wire::encode(&file))
}

/// Opens what [`seal`] made for the same purpose.
pub fn unseal(password: &str, purpose: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
    if sealed.first().is_some_and(|version| *version > VERSION) {
        return Err(UnsealError::LaterVersion);
    }
    let file: File = wire::decode("sealed secret", sealed, SEALED_BYTES_MAX).map_err(|_| UnsealError::Malformed)?;
    let affordable = file.memory_kib <= MEMORY_KIB_MAX && file.passes <= PASSES_MAX && file.lanes <= LANES_MAX;
    if file.version != VERSION || !affordable {
        return Err(UnsealError::Malformed);
    }
    let password = password::normalise(password).ok_or(UnsealError::WrongPassword)?;
    let key = file.key(&password).ok_or(UnsealError::Malformed)?;
    let mut bytes = Zeroizing::new(file.ciphertext.clone());
    let nonce = Nonce::assume_unique_for_key(file.nonce);
    let secret = key
        .open_in_place(nonce, Aad::from(file.header(purpose)), &mut bytes)
        .map_err(|_| UnsealError::WrongPassword)?;
    Ok(Zeroizing::new(secret.to_vec()))
}

impl File {
    /// The key that the password gives with this file's salt. The salt is fresh for every file, so a key is used once.
    fn key(&self, normal_password: &str) -> Option<LessSafeKey> {
        let params = argon2::Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).ok()?;
        let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
        let mut key = Zeroizing::new([0u8; 32]);
        argon2.hash_password_into(normal_password.as_bytes(), &self.salt, key.as_mut()).ok()?;
        UnboundKey::new(&CHACHA20_POLY1305, key.as_ref()).ok().map(LessSafeKey::new)
    }

    fn header(&self, purpose: &[u8]) -> Vec<u8> {
        let fields = (self.version, self.memory_kib, self.passes, self.lanes, self.salt, self.nonce);
        [b"noroshi/sealed/1".as_slice(), &wire::encode(&fields), purpose].concat()
    }
}

const ROOT_PURPOSE: &[u8] = b"root key";

/// Seals the root key under the organisation's passphrase.
pub fn seal_root(passphrase: &str, root: &RootKey) -> Result<Vec<u8>, SealError> {
    seal(passphrase, ROOT_PURPOSE, root.key().seed())
}

pub fn unseal_root(passphrase: &str, sealed: &[u8]) -> Result<RootKey, UnsealError> {
    let seed = unseal(passphrase, ROOT_PURPOSE, sealed)?;
    let seed = Zeroizing::new(<[u8; 32]>::try_from(seed.as_slice()).map_err(|_| UnsealError::Malformed)?);
    KeyPair::from_seed(&seed).map(RootKey::new).map_err(|_| UnsealError::Malformed)
}

const BROWSER_PURPOSE: &[u8] = b"browser authority";

/// Seals the key of the browser authority under the organisation's passphrase.
pub fn seal_browser_authority(passphrase: &str, authority: &BrowserAuthority) -> Result<Vec<u8>, SealError> {
    seal(passphrase, BROWSER_PURPOSE, &authority.pkcs8())
}

/// `certificate`: the one that belongs to the sealed key.
pub fn unseal_browser_authority(
    passphrase: &str,
    sealed: &[u8],
    certificate: Vec<u8>,
) -> Result<BrowserAuthority, UnsealError> {
    let pkcs8 = unseal(passphrase, BROWSER_PURPOSE, sealed)?;
    BrowserAuthority::from_pkcs8(&pkcs8, certificate).map_err(|_| UnsealError::Malformed)
}

/// Seals an administrator's key under the administrator's password.
pub fn seal_administrator(password: &str, administrator: &AdministratorKey) -> Result<Vec<u8>, SealError> {
    let mut secret = Zeroizing::new(Vec::with_capacity(48));
    secret.extend_from_slice(administrator.entry().as_bytes());
    secret.extend_from_slice(administrator.key().seed());
    seal(password, &administrator_purpose(administrator.user()), &secret)
}

pub fn unseal_administrator(password: &str, user: UserId, sealed: &[u8]) -> Result<AdministratorKey, UnsealError> {
    let secret = unseal(password, &administrator_purpose(user), sealed)?;
    let (entry, seed) = secret.split_first_chunk::<16>().ok_or(UnsealError::Malformed)?;
    let seed = Zeroizing::new(<[u8; 32]>::try_from(seed).map_err(|_| UnsealError::Malformed)?);
    let key = KeyPair::from_seed(&seed).map_err(|_| UnsealError::Malformed)?;
    Ok(AdministratorKey::new(user, EntryId::from_bytes(*entry), key))
}

fn administrator_purpose(user: UserId) -> Vec<u8> {
    [b"administrator key".as_slice(), user.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &str = "kamome no uta";

    #[test]
    fn only_the_password_opens_it() {
        let sealed = seal(PASSWORD, b"purpose", b"secret").unwrap();
        assert_eq!(unseal(PASSWORD, b"purpose", &sealed).unwrap().as_slice(), b"secret");
        // The same password, typed with an input method.
        assert_eq!(unseal("ｋａｍｏｍｅ　ｎｏ　ｕｔａ", b"purpose", &sealed).unwrap().as_slice(), b"secret");
        assert_eq!(unseal("kamome no utb", b"purpose", &sealed).unwrap_err(), UnsealError::WrongPassword);
        assert_eq!(unseal(PASSWORD, b"another purpose", &sealed).unwrap_err(), UnsealError::WrongPassword);
        assert_ne!(sealed, seal(PASSWORD, b"purpose", b"secret").unwrap());
        assert!(!sealed.windows(6).any(|bytes| bytes == b"secret"));
    }

    #[test]
    fn damage_anywhere_is_noticed() {
        let sealed = seal(PASSWORD, b"purpose", b"secret").unwrap();
        for position in 0..sealed.len() {
            // A flipped cost could take long and is authenticated like the rest; positions 1–5 hold the costs.
            if (1..=5).contains(&position) {
                continue;
            }
            let mut damaged = sealed.clone();
            damaged[position] ^= 1;
            assert!(unseal(PASSWORD, b"purpose", &damaged).is_err(), "{position}");
        }
        assert_eq!(unseal(PASSWORD, b"purpose", &sealed[..20]).unwrap_err(), UnsealError::Malformed);
        assert_eq!(unseal(PASSWORD, b"purpose", &[]).unwrap_err(), UnsealError::Malformed);
        assert_eq!(unseal(PASSWORD, b"purpose", &[2, 0]).unwrap_err(), UnsealError::LaterVersion);
    }

    #[test]
    fn a_file_cannot_ask_for_all_the_memory() {
        let sealed = seal(PASSWORD, b"purpose", b"secret").unwrap();
        let mut file: File = wire::decode("sealed secret", &sealed, SEALED_BYTES_MAX).unwrap();
        file.memory_kib = MEMORY_KIB_MAX + 1;
        assert_eq!(unseal(PASSWORD, b"purpose", &wire::encode(&file)).unwrap_err(), UnsealError::Malformed);
    }

    #[test]
    fn a_short_passphrase_seals_nothing() {
        assert_eq!(seal("short", b"purpose", b"secret"), Err(SealError::Password(PasswordRefusal::TooShort)));
    }

    #[test]
    fn keys_come_back_as_they_were() {
        let root = RootKey::new(KeyPair::from_seed(&[1; 32]).unwrap());
        let again = unseal_root(PASSWORD, &seal_root(PASSWORD, &root).unwrap()).unwrap();
        assert_eq!(again.key().public(), root.key().public());

        let user = UserId::from_bytes([2; 16]);
        let key = KeyPair::from_seed(&[3; 32]).unwrap();
        let administrator = AdministratorKey::new(user, EntryId::from_bytes([4; 16]), key);
        let sealed = seal_administrator(PASSWORD, &administrator).unwrap();
        let again = unseal_administrator(PASSWORD, user, &sealed).unwrap();
        assert_eq!((again.user(), again.entry()), (user, EntryId::from_bytes([4; 16])));
        assert_eq!(again.key().public(), administrator.key().public());
        let other = UserId::from_bytes([9; 16]);
        assert_eq!(unseal_administrator(PASSWORD, other, &sealed).unwrap_err(), UnsealError::WrongPassword);
        assert!(unseal_root(PASSWORD, &sealed).is_err());
    }
}
