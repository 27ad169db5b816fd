//! Passcodes: the digits that unlock a device which is logged in already. Checked at one node, never in a ledger: so few
//! digits would be found in minutes by whoever holds the verifier.

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::password::{MEMORY_KIB, PASSES, Verifier, hash_with};

/// Digits of a passcode.
pub const DIGITS: std::ops::RangeInclusive<usize> = 6..=12;

/// Why a passcode is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasscodeRefusal {
    #[error("a passcode has 6 to 12 digits")]
    NotDigits,
    #[error("the passcode is one digit repeated or a run")]
    TooSimple,
    #[error("the passcode could not be hashed")]
    Unhashable,
}

/// The digits as they are compared: what an input method made of them is undone.
pub fn normalise(passcode: &str) -> Option<Zeroizing<String>> {
    let digits = Zeroizing::new(passcode.chars().take(64).nfkc().filter(|c| !c.is_whitespace()).collect::<String>());
    let fits = DIGITS.contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    fits.then_some(digits)
}

/// Checks a new passcode and makes its verifier. Costs as much as a password.
pub fn make_verifier(passcode: &str) -> Result<Verifier, PasscodeRefusal> {
    let digits = normalise(passcode).ok_or(PasscodeRefusal::NotDigits)?;
    if is_simple(digits.as_bytes()) {
        return Err(PasscodeRefusal::TooSimple);
    }
    hash_with(&digits, MEMORY_KIB, PASSES).map_err(|_| PasscodeRefusal::Unhashable)
}

/// The same step between all digits: 000000, 123456, 654321.
fn is_simple(digits: &[u8]) -> bool {
    let mut steps = digits.iter().zip(digits.iter().skip(1)).map(|(a, b)| i16::from(*b) - i16::from(*a));
    let first = steps.next();
    matches!(first, Some(-1..=1)) && steps.all(|step| Some(step) == first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_any_width_are_the_same_passcode() {
        let verifier = make_verifier("４０８ ２７１").unwrap();
        assert!(verifier.check("408271"));
        assert!(!verifier.check("408272"));
    }

    #[test]
    fn what_everybody_tries_first_is_refused() {
        for simple in ["000000", "123456", "987654", "111111111111"] {
            assert_eq!(make_verifier(simple), Err(PasscodeRefusal::TooSimple), "{simple}");
        }
        for wrong in ["", "12345", "1234567890123", "12a456", "１２３４５"] {
            assert_eq!(make_verifier(wrong), Err(PasscodeRefusal::NotDigits), "{wrong}");
        }
    }
}
