//! Keys with which the devices of people sign what is said on them: ECDSA P-256 with SHA-256, the one kind that every
//! browser makes, keeps and never gives away.

use ring::digest::{SHA256, digest};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

/// A public key: SEC 1, uncompressed, which begins with 4.
pub const DEVICE_KEY_BYTES: usize = 65;
/// A signature: r and s, as browsers give it (IEEE P1363). Who has one can make another that is as good (n − s for s);
/// that changes nothing, since the chain of the log fixes which one stands in it, and nobody tells entries apart by it.
pub const DEVICE_SIGNATURE_BYTES: usize = 64;

/// Whether these bytes have the form of a public key.
pub fn is_device_key(bytes: &[u8]) -> bool {
    bytes.len() == DEVICE_KEY_BYTES && bytes.first() == Some(&4)
}

/// Whether the device with this public key signed the statement. Costs about 0.1 ms. A key that is no point of the curve
/// has signed nothing.
pub fn is_signed_by_device(key: &[u8], statement: &[u8], signature: &[u8]) -> bool {
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key);
    is_device_key(key.as_ref()) && signature.len() == DEVICE_SIGNATURE_BYTES && key.verify(statement, signature).is_ok()
}

/// A short name by which a browser finds out whether the key it has is the one that was enrolled: the first 8 bytes of
/// the SHA-256 of the public key, in hexadecimal.
pub fn device_key_id(key: &[u8]) -> String {
    let hash = digest(&SHA256, key);
    data_encoding::HEXLOWER.encode(hash.as_ref().get(..8).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};

    use super::*;

    fn signed(statement: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
        let signature = pair.sign(&random, statement).unwrap();
        (pair.public_key().as_ref().to_vec(), signature.as_ref().to_vec())
    }

    #[test]
    fn a_signature_is_good_for_its_key_and_statement_alone() {
        let (key, signature) = signed(b"statement");
        assert!(is_signed_by_device(&key, b"statement", &signature));
        assert!(!is_signed_by_device(&key, b"statemenT", &signature));
        assert!(!is_signed_by_device(&signed(b"statement").0, b"statement", &signature));
        for spoilt in [0, 31, 32, 63] {
            let mut other = signature.clone();
            other[spoilt] ^= 1;
            assert!(!is_signed_by_device(&key, b"statement", &other), "byte {spoilt}");
        }
        assert!(!is_signed_by_device(&key, b"statement", &signature[..63]));
        assert!(!is_signed_by_device(&key, b"statement", &[signature.as_slice(), &[0]].concat()));
        assert!(!is_signed_by_device(&key, b"statement", &[0; 64]));
        assert!(!is_signed_by_device(&[4; 65], b"statement", &signature), "not a point of the curve");
        assert!(!is_signed_by_device(&key[..64], b"statement", &signature));
    }

    proptest! {
        #[test]
        fn garbage_never_panics(key in proptest::collection::vec(any::<u8>(), 0..80), signature in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = (is_signed_by_device(&key, b"", &signature), device_key_id(&key));
        }
    }
}
