//! Text that people type: what is refused, and how two spellings of a name are found to be the same.

use unicode_normalization::UnicodeNormalization;

use crate::error::ServiceError;

/// Trims outer white space and refuses what nobody can have meant to say: nothing, too much, or control characters.
///
/// Nothing inside the text is changed. Line breaks and tabs are allowed.
pub fn message_text(text: &str) -> Result<String, ServiceError> {
    let text = required("text", text, crate::limits::TEXT_CHARS_MAX)?;
    Ok(text.to_owned())
}

/// A trimmed text of 1 to `chars_max` characters.
pub fn required<'a>(field: &'static str, text: &'a str, chars_max: usize) -> Result<&'a str, ServiceError> {
    let text = optional(field, text, chars_max)?;
    if is_blank(text) {
        return Err(ServiceError::Invalid { field, code: "empty" });
    }
    Ok(text)
}

/// A trimmed text of at most `chars_max` characters, perhaps none.
pub fn optional<'a>(field: &'static str, text: &'a str, chars_max: usize) -> Result<&'a str, ServiceError> {
    let text = text.trim();
    if text.chars().any(is_refused_control) {
        return Err(ServiceError::Invalid { field, code: "control_characters" });
    }
    // Counting stops early: a body of a mebibyte costs no more than one of the limit.
    if text.chars().nth(chars_max).is_some() {
        return Err(ServiceError::Invalid { field, code: "too_long" });
    }
    Ok(text)
}

/// As [`optional`], for a text of one line.
pub fn one_line<'a>(field: &'static str, text: &'a str, chars_max: usize) -> Result<&'a str, ServiceError> {
    let text = optional(field, text, chars_max)?;
    if text.contains(['\n', '\t']) {
        return Err(ServiceError::Invalid { field, code: "control_characters" });
    }
    Ok(text)
}

/// The key of a stamp: 1 to 32 of `[a-z0-9_-]`.
pub fn is_stamp(stamp: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
    (1..=crate::limits::STAMP_CHARS_MAX).contains(&stamp.len()) && stamp.bytes().all(allowed)
}

/// Whether a text from another node is one that [`message_text`] would have let through unchanged.
pub fn is_message_text(text: &str) -> bool {
    message_text(text).is_ok_and(|trimmed| trimmed.len() == text.len())
}

/// For searching people: width, case and kana folded, spaces left out, so that 「ﾀﾅｶ」「タナカ」「たなか」 are one.
pub fn fold(text: &str) -> String {
    text.nfkc().flat_map(char::to_lowercase).filter(|char| !char.is_whitespace()).map(hiragana).collect()
}

/// The beginning of a text, for where it is quoted.
pub fn excerpt(text: &str) -> String {
    text.chars().take(crate::limits::EXCERPT_CHARS).collect()
}

fn is_refused_control(char: char) -> bool {
    char.is_control() && char != '\n' && char != '\t'
}

/// Only spaces and characters without width (zero-width space and joiners, direction marks, word joiner, byte order mark).
fn is_blank(text: &str) -> bool {
    text.chars().all(|char| {
        char.is_whitespace()
            || matches!(char, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}' | '\u{3164}')
    })
}

/// Katakana to hiragana; everything else unchanged.
fn hiragana(char: char) -> char {
    match char {
        'ァ'..='ヶ' | 'ヽ' | 'ヾ' => char::from_u32(u32::from(char) - 0x60).unwrap_or(char),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::TEXT_CHARS_MAX;

    fn code(result: Result<String, ServiceError>) -> &'static str {
        result.map_or_else(|error| error.code(), |_| "ok")
    }

    #[test]
    fn a_text_of_10000_characters_is_the_longest() {
        assert_eq!(code(message_text(&"災".repeat(TEXT_CHARS_MAX))), "ok");
        assert_eq!(code(message_text(&"災".repeat(TEXT_CHARS_MAX + 1))), "too_long");
        // What is trimmed does not count.
        assert_eq!(code(message_text(&format!("  {}\n", "𠮷".repeat(TEXT_CHARS_MAX)))), "ok");
    }

    #[test]
    fn control_characters_are_refused_not_dropped() {
        for bad in ["\0", "a\u{1b}[31mb", "a\rb", "a\u{7f}b", "a\u{85}b"] {
            assert_eq!(code(message_text(bad)), "control_characters", "{bad:?}");
        }
        assert_eq!(message_text(" 一行目\n\t二行目\u{3000}\n").unwrap(), "一行目\n\t二行目");
    }

    #[test]
    fn a_text_without_anything_to_see_is_empty() {
        for blank in ["", " \n\t", "\u{3000}", "\u{200b}\u{200d}", "\u{feff}\u{202e}"] {
            assert_eq!(code(message_text(blank)), "empty", "{blank:?}");
        }
        assert_eq!(code(message_text("👨\u{200d}👩\u{200d}👧")), "ok");
    }

    #[test]
    fn stamps_have_a_narrow_alphabet() {
        assert!(is_stamp("ryokai") && is_stamp("a-b_9") && is_stamp(&"a".repeat(32)));
        for bad in ["", "Ryokai", "了解", "a b", "a/b", &"a".repeat(33)] {
            assert!(!is_stamp(bad), "{bad:?}");
        }
    }

    #[test]
    fn spellings_of_a_name_fold_to_one() {
        for other in ["たなか　はな", "ﾀﾅｶ ﾊﾅ", "タナカハナ", " タナカ ハナ "] {
            assert_eq!(fold(other), "たなかはな", "{other}");
        }
        assert_eq!(fold("ＡＢＣ第１班"), "abc第1班");
        assert_eq!(fold("ヴ"), "ゔ");
    }

    #[test]
    fn names_have_one_line() {
        assert!(one_line("name", "本部", 100).is_ok());
        assert!(one_line("name", "本\n部", 100).is_err());
    }
}
