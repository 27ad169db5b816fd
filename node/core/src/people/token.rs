//! Session tokens: 256 random bits for the browser, a hash for the disk.

use data_encoding::BASE64URL_NOPAD;
use ring::rand::{SecureRandom, SystemRandom};

/// What the browser keeps. Never written down here.
pub(crate) struct Token(String);

/// What is stored; whoever reads the database cannot log in with it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct TokenHash(pub [u8; 32]);

/// Characters of a token: 32 bytes in base64url without padding.
const TOKEN_CHARS: usize = 43;

impl Token {
    /// A fresh token; `None` when the machine gives no random bytes.
    pub fn random() -> Option<Self> {
        let mut bytes = [0u8; 32];
        SystemRandom::new().fill(&mut bytes).ok()?;
        Some(Self(BASE64URL_NOPAD.encode(&bytes)))
    }

    pub fn into_text(self) -> String {
        self.0
    }

    pub fn hash(&self) -> TokenHash {
        TokenHash::of_bytes(self.0.as_bytes())
    }
}

impl TokenHash {
    /// The hash of a token as a browser sends it; `None` for what can be no token.
    pub fn of(token: &str) -> Option<Self> {
        (token.len() == TOKEN_CHARS).then(|| Self::of_bytes(token.as_bytes()))
    }

    fn of_bytes(token: &[u8]) -> Self {
        // The token has 256 random bits, so a fast hash is as good as a slow one.
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"noroshi/session/1");
        hasher.update(token);
        Self(*hasher.finalize().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_by_its_hash() {
        let token = Token::random().unwrap();
        let hash = token.hash();
        let text = token.into_text();
        assert_eq!(text.len(), TOKEN_CHARS);
        assert_eq!(TokenHash::of(&text), Some(hash));
        assert_ne!(Token::random().unwrap().hash(), hash);
        assert_eq!(TokenHash::of("short"), None);
        assert_eq!(TokenHash::of(&"a".repeat(100_000)), None);
    }
}
