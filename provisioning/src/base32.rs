//! Text that people read aloud and type: base32 without look-alikes (Crockford's alphabet), forgiving to read.

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// No I, L, O, U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The characters of a typed text in one spelling: full width and lower case folded, I and L read as 1, O as 0, hyphens
/// of all sorts and white space left out. Other characters stay as they are.
pub(crate) fn canonical(text: &str) -> Zeroizing<String> {
    let folded = text.nfkc().filter(|c| !c.is_whitespace() && !is_hyphen(*c));
    Zeroizing::new(folded.map(|c| canonical_character(c.to_ascii_uppercase())).collect())
}

fn canonical_character(upper: char) -> char {
    match upper {
        'I' | 'L' => '1',
        'O' => '0',
        other => other,
    }
}

/// Hyphens, dashes, minus signs, and the long-vowel mark that Japanese keyboards give in their place.
fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | 'ー' | '\u{ad}' | '_')
}

/// Five bits a character, the last ones filled with zeros.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut bits, mut count) = (0u32, 0u32);
    for byte in bytes {
        bits = (bits << 8) | u32::from(*byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            text.push(symbol(bits >> count));
        }
        bits &= (1 << count) - 1;
    }
    if count > 0 {
        text.push(symbol(bits << (5 - count)));
    }
    text
}

/// The reverse, of a [`canonical`] text; `None` for other characters, impossible lengths or filling that is not zero.
pub(crate) fn decode(canonical: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(canonical.len() * 5 / 8 + 1));
    let (mut bits, mut count) = (0u32, 0u32);
    for character in canonical.bytes() {
        let value = ALPHABET.iter().position(|symbol| *symbol == character)?;
        bits = (bits << 5) | u32::try_from(value).ok()?;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count).ok()?);
            bits &= (1 << count) - 1;
        }
    }
    (count < 5 && bits == 0).then_some(bytes)
}

/// Whether a canonical character is one of the alphabet.
pub(crate) fn is_symbol(character: char) -> bool {
    u8::try_from(character).is_ok_and(|byte| ALPHABET.contains(&byte))
}

/// The symbol of the lowest five bits.
pub(crate) fn symbol(bits: u32) -> char {
    ALPHABET.get((bits & 31) as usize).map_or('0', |symbol| char::from(*symbol))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bytes_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let decoded = decode(&encode(&bytes)).unwrap().to_vec();
            prop_assert_eq!(decoded, bytes);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
            if let Some(bytes) = decode(&canonical(&text)) {
                prop_assert_eq!(encode(&bytes), canonical(&text).to_string());
            }
        }
    }

    #[test]
    fn what_looks_alike_is_alike() {
        assert_eq!(canonical("o0O il1IL ab-cd‐ef－gh ＸＹ９ー").as_str(), "00011111ABCDEFGHXY9");
        assert_eq!(decode("U"), None);
        assert_eq!(decode("01!"), None);
        assert_eq!(decode("0"), None);
        assert_eq!(decode("ZZ"), None);
    }
}
