//! A key as two people compare it by voice.

/// Groups of four digits.
const GROUPS: usize = 5;

/// Twenty digits in five groups, of BLAKE3("noroshi/key-fingerprint/1" ‖ Ed25519 public key): 66 bits, so that nobody finds
/// another key with the same ones, and digits, so that nobody has to spell.
pub fn key_fingerprint(public_key: &[u8; 32]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"noroshi/key-fingerprint/1");
    hasher.update(public_key);
    let mut bytes = [0u8; 8 * GROUPS];
    hasher.finalize_xof().fill(&mut bytes);
    let groups = bytes.as_chunks::<8>().0.iter().map(|chunk| format!("{:04}", u64::from_be_bytes(*chunk) % 10_000));
    groups.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_golden_and_differ() {
        insta::assert_snapshot!(key_fingerprint(&[1; 32]));
        assert_ne!(key_fingerprint(&[1; 32]), key_fingerprint(&[2; 32]));
        assert!(key_fingerprint(&[3; 32]).chars().all(|c| c.is_ascii_digit() || c == ' '));
    }
}
