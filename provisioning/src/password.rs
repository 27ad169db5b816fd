//! Passwords: what may be one, and what is kept to check it (Argon2id).
//!
//! The rules are those of NIST SP 800-63B-4 where they help people: no composition rules, no forced change, a small
//! list of passwords that everyone tries first, and a hint ([`strength`]) below 15 characters, which is the length the
//! same text asks for where the password is the only factor; a device is the second one here. Text is normalised with
//! NFKC, so that ＡＢＣ typed with an input method is ABC.
//!
//! One check costs 19 MiB and about 15 ms of one core: callers bound how many run at once.

mod verifier;

pub use verifier::Verifier;

use std::sync::OnceLock;

use argon2::password_hash::PasswordHasher;
use argon2::{Algorithm, Argon2, Params, Version};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::limits::{PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN};

/// Memory of one computation, KiB (19 MiB; OWASP Password Storage Cheat Sheet, 2024).
pub(crate) const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over the memory.
pub(crate) const PASSES: u32 = 2;
/// Lanes.
pub(crate) const LANES: u32 = 1;
/// From this length, in characters, a password is strong enough to stand alone.
const STRONG_CHARS_MIN: usize = 15;

/// Why a password is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRefusal {
    #[error("the password is shorter than {PASSWORD_CHARS_MIN} characters")]
    TooShort,
    #[error("the password is longer than {PASSWORD_BYTES_MAX} bytes")]
    TooLong,
    #[error("the password contains a control character")]
    ControlCharacters,
    #[error("the password is the log-in name")]
    IsTheLogin,
    #[error("the password is one that everybody tries first")]
    TooCommon,
    #[error("the password could not be hashed")]
    Unhashable,
}

/// What to tell a person who chooses a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strength {
    /// Accepted; longer would be better.
    Acceptable,
    Strong,
}

/// Checks a new password of the person with this log-in name and makes its verifier with a fresh salt.
pub fn make_verifier(password: &str, login: &str) -> Result<Verifier, PasswordRefusal> {
    let password = accept(password, login)?;
    hash(&password)
}

/// How good an accepted password is.
pub fn strength(password: &str) -> Strength {
    let long = normalise(password).is_some_and(|password| password.chars().count() >= STRONG_CHARS_MIN);
    if long { Strength::Strong } else { Strength::Acceptable }
}

/// Costs as much as a real check: for log-in names that do not exist, so that time does not tell which do.
pub fn check_nobody(password: &str) {
    static NOBODY: OnceLock<Option<Verifier>> = OnceLock::new();
    if let Some(verifier) = NOBODY.get_or_init(|| hash("nobody has this password").ok()) {
        let _ = verifier.check(password);
    }
}

/// The rules for a new password; returns it normalised.
pub(crate) fn accept(password: &str, login: &str) -> Result<Zeroizing<String>, PasswordRefusal> {
    let password = normalise(password).ok_or(PasswordRefusal::TooLong)?;
    if password.chars().count() < PASSWORD_CHARS_MIN {
        return Err(PasswordRefusal::TooShort);
    }
    if password.chars().any(char::is_control) {
        return Err(PasswordRefusal::ControlCharacters);
    }
    let folded = Zeroizing::new(password.to_lowercase());
    if !login.is_empty() && *folded == login.to_lowercase() {
        return Err(PasswordRefusal::IsTheLogin);
    }
    if is_common(&folded) {
        return Err(PasswordRefusal::TooCommon);
    }
    Ok(password)
}

/// NFKC; `None` when over the limit, before or after. NFKC can grow a text eighteenfold, so the input is bounded first.
pub(crate) fn normalise(password: &str) -> Option<Zeroizing<String>> {
    if password.len() > PASSWORD_BYTES_MAX {
        return None;
    }
    let normal = Zeroizing::new(password.nfkc().collect::<String>());
    (normal.len() <= PASSWORD_BYTES_MAX).then_some(normal)
}

/// Argon2id with the parameters of this program.
pub(crate) fn argon2() -> Option<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(32)).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(normal: &str) -> Result<Verifier, PasswordRefusal> {
    let argon2 = argon2().ok_or(PasswordRefusal::Unhashable)?;
    let hash = argon2.hash_password(normal.as_bytes()).map_err(|_| PasswordRefusal::Unhashable)?;
    Verifier::try_from(hash.to_string()).map_err(|_| PasswordRefusal::Unhashable)
}

/// Patterns of one or two characters, runs along the keyboard or the digits, and words known to everyone here.
fn is_common(folded: &str) -> bool {
    let mut characters: Vec<char> = folded.chars().collect();
    characters.sort_unstable();
    characters.dedup();
    if characters.len() <= 2 || RUNS.iter().any(|run| run.contains(folded)) {
        return true;
    }
    // A common word with up to four digits or signs behind it: password1234, noroshi2026!
    let word = folded.trim_end_matches(|c: char| c.is_ascii_digit() || c.is_ascii_punctuation());
    let tail = folded.chars().count() - word.chars().count();
    WORDS.contains(&folded) || (tail <= 5 && WORDS.contains(&word))
}

const RUNS: [&str; 7] = [
    "01234567890123456789",
    "09876543210987654321",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn",
    "1q2w3e4r5t6y7u8i9o0p",
    "qazwsxedcrfvtgbyhnujm",
];

/// Lower case. The heads of public lists of leaked passwords, and what an office of this trade would come up with.
const WORDS: [&str; 53] = [
    "password",
    "passw0rd",
    "p@ssword",
    "p@ssw0rd",
    "pass",
    "passpass",
    "admin",
    "administrator",
    "adminadmin",
    "root",
    "user",
    "guest",
    "test",
    "testtest",
    "welcome",
    "letmein",
    "iloveyou",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "superman",
    "trustno1",
    "qwerty",
    "qwerty123",
    "asdfghjkl",
    "abc123",
    "abcd1234",
    "a1b2c3d4",
    "aa123456",
    "changeme",
    "default",
    "secret",
    "computer",
    "internet",
    "starwars",
    "whatever",
    "dragon",
    "monkey",
    "master",
    "sakura",
    "sakurasakura",
    "nippon",
    "japan",
    "tokyo",
    "yakusho",
    "shiyakusho",
    "bousai",
    "saigai",
    "hinan",
    "shoubou",
    "noroshi",
    "noroshinoroshi",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_checked_against_its_verifier() {
        let verifier = make_verifier("朝凪の港に灯がともる", "sato").unwrap();
        assert!(verifier.check("朝凪の港に灯がともる"));
        assert!(!verifier.check("朝凪の港に灯がともった"));
        assert!(!verifier.check(""));
        assert!(!verifier.check(&"あ".repeat(100)));
        assert!(verifier.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_ne!(verifier, make_verifier("朝凪の港に灯がともる", "sato").unwrap(), "the salt is fresh");
    }

    #[test]
    fn full_width_and_half_width_are_one_password() {
        let verifier = make_verifier("ｋａｍｏｍｅー３７８", "sato").unwrap();
        assert!(verifier.check("kamomeー378"));
    }

    #[test]
    fn each_bad_password_has_its_reason() {
        for (password, refusal) in [
            ("", PasswordRefusal::TooShort),
            ("kamome7", PasswordRefusal::TooShort),
            ("🦭🦭🦭🦭🦭🦭🦭", PasswordRefusal::TooShort),
            ("kamome\n77", PasswordRefusal::ControlCharacters),
            ("kamome\0\0\0", PasswordRefusal::ControlCharacters),
            ("T.SATOU-7", PasswordRefusal::IsTheLogin),
            ("12345678", PasswordRefusal::TooCommon),
            ("７６５４３２１０", PasswordRefusal::TooCommon),
            ("aaaaaaaaaa", PasswordRefusal::TooCommon),
            ("abababab", PasswordRefusal::TooCommon),
            ("PassWord", PasswordRefusal::TooCommon),
            ("noroshi2026!", PasswordRefusal::TooCommon),
            ("qwertyuiop", PasswordRefusal::TooCommon),
            (&"あ".repeat(43), PasswordRefusal::TooLong),
            // 42 three-byte ligatures that become 18 characters each.
            (&"\u{fdfa}".repeat(42), PasswordRefusal::TooLong),
        ] {
            assert_eq!(accept(password, "t.satou-7").map(|_| ()), Err(refusal), "{password:?}");
        }
    }

    #[test]
    fn the_limits_themselves_are_accepted() {
        assert!(accept("kamome77", "sato").is_ok());
        let longest = "かもめとうみねこ".repeat(6).chars().take(42).collect::<String>() + "ab";
        assert_eq!(longest.len(), PASSWORD_BYTES_MAX);
        assert!(accept(&longest, "sato").is_ok());
    }

    #[test]
    fn long_passwords_are_called_strong() {
        assert_eq!(strength("kamome77"), Strength::Acceptable);
        assert_eq!(strength("fourteen chars"), Strength::Acceptable);
        assert_eq!(strength("fifteen charact"), Strength::Strong);
    }

    #[test]
    fn nobody_can_be_checked() {
        check_nobody("anything");
        check_nobody(&"a".repeat(1_000));
    }
}
