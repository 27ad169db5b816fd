//! The text of a device code: ten characters without look-alikes, 50 bits, in two groups.

use zeroize::Zeroizing;

use crate::base32;

/// Random bytes of a code; the last six bits are not used.
pub const RANDOM_BYTES: usize = 7;
/// Characters of a code, without the hyphen.
pub const CODE_CHARS: usize = 10;
/// Longest text that is looked at, characters.
const TYPED_CHARS_MAX: usize = 64;

/// `ABCDE-FGHJK`.
pub fn format(random: &[u8; RANDOM_BYTES]) -> String {
    let text: String = base32::encode(random).chars().take(CODE_CHARS).collect();
    let (first, second) = text.split_at(CODE_CHARS / 2);
    format!("{first}-{second}")
}

/// The code in one spelling, however it was typed: lower case, full width, with or without hyphens, O for 0, I for 1.
pub fn parse(typed: &str) -> Option<Zeroizing<String>> {
    if typed.chars().count() > TYPED_CHARS_MAX {
        return None;
    }
    let code = base32::canonical(typed);
    let fits = code.chars().count() == CODE_CHARS && code.chars().all(base32::is_symbol);
    fits.then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = format(&[0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde]);
        assert_eq!(code.chars().count(), 11);
        let plain = code.replace('-', "");
        for typed in [code.clone(), plain.to_lowercase(), format!(" {plain} "), code.replace('-', "ー")] {
            assert_eq!(parse(&typed).unwrap().as_str(), plain, "{typed}");
        }
        let wide: String = plain.chars().map(|c| char::from_u32(c as u32 + 0xfee0).unwrap()).collect();
        assert_eq!(parse(&wide).unwrap().as_str(), plain);
    }

    #[test]
    fn what_can_be_no_code_is_none() {
        for typed in ["", "ABCDE", "ABCDE-FGHJKX", "ABCDE-FGH!K", "あいうえおかきくけこ", &"A".repeat(65)] {
            assert!(parse(typed).is_none(), "{typed}");
        }
    }

    #[test]
    fn all_random_bits_are_used() {
        assert_ne!(format(&[0; 7]), format(&[0, 0, 0, 0, 0, 0, 0x40]));
        assert_ne!(format(&[0; 7]), format(&[0x80, 0, 0, 0, 0, 0, 0]));
    }
}
