//! The password somebody new gets on paper.

use std::fmt;

use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::{PasswordRefusal, Verifier, hash_with};

/// No 0 o, 1 l i, 2 z, 5 s, 8 b, g q 9, u v: read from paper and typed on a telephone, each can be taken for another.
const ALPHABET: &[u8; 22] = b"acdefhjkmnprtuwxy34679";
const GROUPS: usize = 3;
const GROUP_CHARS: usize = 6;

/// Memory of one computation, KiB, and one pass over it.
///
/// Stretching makes up for what people choose badly. Eighteen characters drawn at random from 22 hold 80 bits: at 10¹²
/// guesses a second, without any stretching, half of them take 19,000 years. So these verifiers cost 1 MiB and a third of
/// a millisecond, and a list of 900 people is imported while its administrator looks on. The cost stands in the verifier
/// itself; whatever a person chooses afterwards gets the full one.
const MEMORY_KIB: u32 = 1024;

/// Three groups of six characters with hyphens between them. `Debug` does not show it.
pub struct InitialPassword(Zeroizing<String>);

/// Why there is no password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotMade {
    #[error("this machine gives no random bytes")]
    NoRandomness,
    #[error(transparent)]
    Refused(#[from] PasswordRefusal),
}

impl InitialPassword {
    pub fn random() -> Result<Self, NotMade> {
        let random = SystemRandom::new();
        // Bytes from here on would make the first letters more frequent.
        let fair = u8::try_from(256 - 256 % ALPHABET.len()).unwrap_or(u8::MAX);
        let mut text = Zeroizing::new(String::with_capacity(GROUPS * (GROUP_CHARS + 1)));
        let mut drawn = 0;
        while drawn < GROUPS * GROUP_CHARS {
            let mut bytes = Zeroizing::new([0u8; 32]);
            random.fill(bytes.as_mut()).map_err(|_| NotMade::NoRandomness)?;
            for byte in bytes.iter().filter(|byte| **byte < fair).take(GROUPS * GROUP_CHARS - drawn) {
                if drawn > 0 && drawn % GROUP_CHARS == 0 {
                    text.push('-');
                }
                text.extend(ALPHABET.get(usize::from(*byte) % ALPHABET.len()).map(|letter| char::from(*letter)));
                drawn += 1;
            }
        }
        Ok(Self(text))
    }

    /// For the letter.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn verifier(&self) -> Result<Verifier, NotMade> {
        Ok(hash_with(&self.0, MEMORY_KIB, 1)?)
    }
}

impl fmt::Debug for InitialPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InitialPassword(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::{Owner, accept};
    use std::collections::BTreeSet;

    #[test]
    fn it_can_be_read_typed_and_checked() {
        let password = InitialPassword::random().unwrap();
        let groups: Vec<&str> = password.as_str().split('-').collect();
        assert_eq!(groups.len(), GROUPS);
        assert!(groups.iter().all(|group| group.len() == GROUP_CHARS && group.bytes().all(|b| ALPHABET.contains(&b))));
        let verifier = password.verifier().unwrap();
        assert!(verifier.as_str().starts_with("$argon2id$v=19$m=1024,t=1,p=1$"));
        assert!(verifier.check(password.as_str()));
        assert!(verifier.is_initial());
        assert!(!crate::password::make_verifier("朝凪の港に灯がともる", "").unwrap().is_initial());
        assert!(!verifier.check(&password.as_str().replace('-', "")));
        assert_eq!(format!("{password:?}"), "InitialPassword(…)");
    }

    #[test]
    fn it_has_eighty_bits_and_passes_the_rules_for_a_password_that_stands_alone() {
        let bits = (GROUPS * GROUP_CHARS) as f64 * (ALPHABET.len() as f64).log2();
        assert!(bits > 80.0, "{bits}");
        assert_eq!(ALPHABET.iter().collect::<BTreeSet<_>>().len(), ALPHABET.len());
        let many: BTreeSet<String> = (0..200).map(|_| InitialPassword::random().unwrap().as_str().to_owned()).collect();
        assert_eq!(many.len(), 200);
        for password in &many {
            assert!(accept(password, &Owner::alone("0012", &["山田 太郎"])).is_ok(), "{password}");
        }
        let used: BTreeSet<char> = many.iter().flat_map(|password| password.chars()).collect();
        assert_eq!(used.len(), ALPHABET.len() + 1, "every letter comes up");
    }
}
