//! Passwords: what may be one, and what is kept to check it (Argon2id).
//!
//! The rules are those of NIST SP 800-63B-4: length and nothing else, no composition rules, no forced change. Fifteen
//! characters where the password is the only factor ([`Owner::alone`]), eight where a device is the second one. Refused is
//! what everybody tries first ([`common`]) and what can be seen of the person: the log-in name and the parts of the name.
//! Text is normalised with NFKC, so that ＡＢＣ typed with an input method is ABC; nothing is ever cut off.
//!
//! One check costs 19 MiB and about 15 ms of one core: callers bound how many run at once.

mod common;
mod initial;
mod memory;
mod verifier;

pub use initial::{InitialPassword, NotMade};
pub use verifier::Verifier;

use std::sync::OnceLock;

use argon2::password_hash::PasswordHasher;
use argon2::{Algorithm, Argon2, Params, Version};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::limits::{PASSWORD_ALONE_CHARS_MIN, PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN};

/// Memory of one computation, KiB (19 MiB; OWASP Password Storage Cheat Sheet, 2024).
pub(crate) const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over the memory.
pub(crate) const PASSES: u32 = 2;
/// Lanes.
pub(crate) const LANES: u32 = 1;

/// Why a password is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRefusal {
    /// Than [`PASSWORD_CHARS_MIN`], or [`PASSWORD_ALONE_CHARS_MIN`] without a second factor.
    #[error("the password is too short")]
    TooShort,
    #[error("the password is longer than {PASSWORD_BYTES_MAX} bytes")]
    TooLong,
    #[error("the password contains a control character")]
    ControlCharacters,
    #[error("the password is the log-in name")]
    IsTheLogin,
    /// Of words that can be seen of the person, or of everybody's.
    #[error("the password is one that everybody tries first")]
    TooCommon,
    #[error("the password could not be hashed")]
    Unhashable,
}

/// Whose password it will be, and what else stands before the account.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    pub login: &'a str,
    /// Name, reading, office: what others know of the person.
    pub names: &'a [&'a str],
    /// Whether nothing but the password is asked.
    pub alone: bool,
}

impl<'a> Owner<'a> {
    /// Somebody who also needs an enrolled device, or a key file.
    pub const fn with_device(login: &'a str, names: &'a [&'a str]) -> Self {
        Self { login, names, alone: false }
    }
    /// Somebody who needs nothing else.
    pub const fn alone(login: &'a str, names: &'a [&'a str]) -> Self {
        Self { login, names, alone: true }
    }

    const fn chars_min(&self) -> usize {
        if self.alone { PASSWORD_ALONE_CHARS_MIN } else { PASSWORD_CHARS_MIN }
    }
}

/// Checks a new password of the person with this log-in name and makes its verifier with a fresh salt.
pub fn make_verifier(password: &str, login: &str) -> Result<Verifier, PasswordRefusal> {
    make_verifier_of(password, &Owner::with_device(login, &[]))
}

/// Checks a new password of this person and makes its verifier with a fresh salt.
pub fn make_verifier_of(password: &str, owner: &Owner<'_>) -> Result<Verifier, PasswordRefusal> {
    let password = accept(password, owner)?;
    hash_with(&password, MEMORY_KIB, PASSES)
}

/// Costs as much as a real check: for log-in names that do not exist, so that time does not tell which do.
pub fn check_nobody(password: &str) {
    static NOBODY: OnceLock<Option<Verifier>> = OnceLock::new();
    if let Some(verifier) = NOBODY.get_or_init(|| hash_with("nobody has this password", MEMORY_KIB, PASSES).ok()) {
        let _ = verifier.check(password);
    }
}

/// The rules for a new password; returns it normalised.
pub(crate) fn accept(password: &str, owner: &Owner<'_>) -> Result<Zeroizing<String>, PasswordRefusal> {
    let password = normalise(password).ok_or(PasswordRefusal::TooLong)?;
    if password.chars().count() < owner.chars_min() {
        return Err(PasswordRefusal::TooShort);
    }
    if password.chars().any(char::is_control) {
        return Err(PasswordRefusal::ControlCharacters);
    }
    let folded = Zeroizing::new(password.to_lowercase());
    if !owner.login.is_empty() && *folded == owner.login.to_lowercase() {
        return Err(PasswordRefusal::IsTheLogin);
    }
    if common::is_common(&folded, owner) {
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

pub(crate) fn hash_with(normal: &str, memory_kib: u32, passes: u32) -> Result<Verifier, PasswordRefusal> {
    let params = Params::new(memory_kib, passes, LANES, Some(32)).map_err(|_| PasswordRefusal::Unhashable)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash = argon2.hash_password(normal.as_bytes()).map_err(|_| PasswordRefusal::Unhashable)?;
    Verifier::try_from(hash.to_string()).map_err(|_| PasswordRefusal::Unhashable)
}

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
            ("passwordpassword", PasswordRefusal::TooCommon),
            ("!!Password!!2026", PasswordRefusal::TooCommon),
            ("パスワード１２３", PasswordRefusal::TooCommon),
            ("防災防災防災防災", PasswordRefusal::TooCommon),
            ("市役所防災課2026", PasswordRefusal::TooCommon),
            ("佐藤敏夫2026!", PasswordRefusal::TooCommon),
            ("さとうとしお1985", PasswordRefusal::TooCommon),
            ("北支所-佐藤-01", PasswordRefusal::TooCommon),
            ("t.satou-72026", PasswordRefusal::TooCommon),
            ("tsatou7tsatou7", PasswordRefusal::TooCommon),
            ("19850401", PasswordRefusal::TooCommon),
            ("1985/04/01", PasswordRefusal::TooCommon),
            (&"あ".repeat(43), PasswordRefusal::TooLong),
            // 42 three-byte ligatures that become 18 characters each.
            (&"\u{fdfa}".repeat(42), PasswordRefusal::TooLong),
        ] {
            let owner = Owner::with_device("t.satou-7", &["佐藤 敏夫", "さとう としお", "北支所"]);
            assert_eq!(accept(password, &owner).map(|_| ()), Err(refusal), "{password:?}");
        }
    }

    #[test]
    fn the_limits_themselves_are_accepted() {
        let (with_device, alone) = (Owner::with_device("sato", &[]), Owner::alone("sato", &[]));
        assert!(accept("kamome77", &with_device).is_ok());
        assert_eq!(accept("fourteen chars", &alone).map(|_| ()), Err(PasswordRefusal::TooShort));
        assert!(accept("fifteen charact", &alone).is_ok());
        let longest = "かもめとうみねこ".repeat(6).chars().take(42).collect::<String>() + "ab";
        assert_eq!(longest.len(), PASSWORD_BYTES_MAX);
        assert!(accept(&longest, &alone).is_ok());
        // Not a byte of it is cut off.
        let verifier = make_verifier_of(&longest, &alone).unwrap();
        assert!(verifier.check(&longest) && !verifier.check(&longest[..longest.len() - 1]));
    }

    #[test]
    fn length_is_all_that_is_asked() {
        let owner = Owner::alone("t.satou", &["佐藤 敏夫"]);
        for password in [
            "朝凪の港に灯がともるころに帰る人",
            "correct horse battery staple",
            "7 3 9 1 4 8 2 6 5 0",
            "佐藤さんちの犬は夜に吠えないらしい",
        ] {
            assert!(accept(password, &owner).is_ok(), "{password}");
        }
    }

    #[test]
    fn nobody_can_be_checked() {
        check_nobody("anything");
        check_nobody(&"a".repeat(1_000));
    }
}
