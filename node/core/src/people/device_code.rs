//! Device codes: ten characters that an administrator hands over, and what of them is stored.

use noroshi_provisioning::device_code;
use ring::rand::{SecureRandom, SystemRandom};

/// A fresh code in the form that people read; `None` when the machine gives no random bytes.
pub(crate) fn random_code() -> Option<String> {
    let mut bytes = [0u8; device_code::RANDOM_BYTES];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(device_code::format(&bytes))
}

/// What is stored of a code, however it was typed; `None` for what can be none.
pub(crate) fn code_hash(typed: &str) -> Option<[u8; 32]> {
    let code = device_code::parse(typed)?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"noroshi/device-code/1");
    hasher.update(code.as_bytes());
    Some(*hasher.finalize().as_bytes())
}

/// A secret for a browser, and what the ledger keeps of it.
pub(crate) fn device_secret() -> Option<(String, [u8; 32])> {
    let mut bytes = [0u8; 32];
    SystemRandom::new().fill(&mut bytes).ok()?;
    let secret = data_encoding::BASE64URL_NOPAD.encode(&bytes);
    let hash = secret_hash(&secret);
    Some((secret, hash))
}

/// BLAKE3 of a device's secret under a key of its own.
pub(crate) fn secret_hash(secret: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"noroshi/device-secret/1");
    hasher.update(secret.as_bytes());
    *hasher.finalize().as_bytes()
}
