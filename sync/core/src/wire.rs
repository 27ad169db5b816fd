//! One way to turn values into bytes and back: postcard, canonical, with the length checked before anything is decoded.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes that are not what they should be. Carries no data of the sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("{what} of {bytes} bytes is over the limit of {limit}")]
    TooLarge { what: &'static str, bytes: usize, limit: usize },
    #[error("{what} cannot be decoded")]
    Undecodable { what: &'static str },
    #[error("{what} is not in canonical form")]
    NotCanonical { what: &'static str },
    #[error("{what}: {reason}")]
    Invalid { what: &'static str, reason: &'static str },
}

/// Encodes a value of ours. Serialising our own types into memory cannot fail.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_stdvec(value).unwrap_or_default()
}

/// Decodes all of `bytes`, refusing more than `limit` bytes, trailing bytes and other spellings of the same value
/// (postcard reads over-long integers; one meaning must have one encoding, because encodings are hashed).
pub fn decode<T: DeserializeOwned + Serialize>(what: &'static str, bytes: &[u8], limit: usize) -> Result<T, Malformed> {
    if bytes.len() > limit {
        return Err(Malformed::TooLarge { what, bytes: bytes.len(), limit });
    }
    let value: T = postcard::from_bytes(bytes).map_err(|_| Malformed::Undecodable { what })?;
    if encode(&value) != bytes {
        return Err(Malformed::NotCanonical { what });
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_has_one_encoding() {
        assert_eq!(decode::<u64>("number", &[1], 8), Ok(1));
        assert_eq!(decode::<u64>("number", &[0x81, 0x00], 8), Err(Malformed::NotCanonical { what: "number" }));
        assert_eq!(decode::<u64>("number", &[1, 1], 8), Err(Malformed::NotCanonical { what: "number" }));
        assert_eq!(decode::<u64>("number", &[], 8), Err(Malformed::Undecodable { what: "number" }));
        assert!(matches!(decode::<u64>("number", &[1; 9], 8), Err(Malformed::TooLarge { .. })));
    }
}
