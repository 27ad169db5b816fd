//! From bytes to text. Strict: what cannot be decoded becomes U+FFFD here, and every cell with one is refused later, so
//! that a row and a column can be named and nothing is replaced by a guess.

use encoding_rs::{EUC_JP, SHIFT_JIS, UTF_16BE, UTF_16LE};
use serde::{Deserialize, Serialize};

/// Stands where bytes could not be decoded. No genuine name contains it; in a UTF-8 file it is the scar of an earlier,
/// careless conversion, which is just as bad.
pub(super) const UNDECODABLE: char = '\u{fffd}';

/// What the person who sends the file says about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum EncodingChoice {
    /// A byte order mark decides; otherwise strict UTF-8, otherwise CP932. The preview shows whether it is right.
    #[default]
    Auto,
    Utf8,
    Cp932,
}

/// How a file was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Encoding {
    Utf8,
    /// Shift_JIS with the extensions of NEC and IBM, as Excel writes it.
    Cp932,
    Utf16Le,
    Utf16Be,
    /// A workbook has no encoding of its own to choose.
    Workbook,
}

impl Encoding {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Cp932 => "cp932",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Workbook => "xlsx",
        }
    }
}

pub(super) fn decode(bytes: &[u8], choice: EncodingChoice) -> (String, Encoding) {
    match choice {
        EncodingChoice::Utf8 => (decode_utf8(bytes), Encoding::Utf8),
        EncodingChoice::Cp932 => (decode_cp932(bytes), Encoding::Cp932),
        EncodingChoice::Auto => decode_unknown(bytes),
    }
}

fn decode_unknown(bytes: &[u8]) -> (String, Encoding) {
    if let Some(rest) = bytes.strip_prefix(b"\xff\xfe") {
        return (UTF_16LE.decode_without_bom_handling(rest).0.into_owned(), Encoding::Utf16Le);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xfe\xff") {
        return (UTF_16BE.decode_without_bom_handling(rest).0.into_owned(), Encoding::Utf16Be);
    }
    if bytes.starts_with(UTF8_MARK) || is_rather_utf8(bytes) {
        return (decode_utf8(bytes), Encoding::Utf8);
    }
    (decode_cp932(bytes), Encoding::Cp932)
}

const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// Where two encodings are mixed the one of most lines is that of the file, and the other lines are the wrong ones.
fn is_rather_utf8(bytes: &[u8]) -> bool {
    if std::str::from_utf8(bytes).is_ok() {
        return true;
    }
    let foreign = lines(bytes).filter(|line| !line.is_ascii());
    let (utf8, other): (Vec<_>, Vec<_>) = foreign.partition(|line| std::str::from_utf8(line).is_ok());
    utf8.len() > other.len()
}

fn decode_utf8(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(UTF8_MARK).unwrap_or(bytes);
    String::from_utf8_lossy(bytes).into_owned()
}

/// Line by line: the bytes of line ends never are part of another character, and a line in UTF-8 within the file would
/// decode into other kanji without a complaint.
fn decode_cp932(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + bytes.len() / 2);
    for line in lines(bytes) {
        if is_utf8_japanese(line) {
            text.extend(line.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { UNDECODABLE }));
        } else {
            let decoded = SHIFT_JIS.decode_without_bom_handling(line).0;
            // The byte 0x80 is no character of Windows; the table of the web lets it through as a control character.
            text.extend(decoded.chars().map(|c| if c == '\u{80}' { UNDECODABLE } else { c }));
        }
    }
    text
}

/// Whether a line is UTF-8 with Japanese characters of three bytes. In CP932 the same bytes are rows of rare kanji that no
/// list of names contains.
fn is_utf8_japanese(line: &[u8]) -> bool {
    let is_japanese =
        |c: char| matches!(c, '\u{3000}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}');
    !line.is_ascii() && std::str::from_utf8(line).is_ok_and(|text| text.chars().any(is_japanese))
}

/// The lines with their ends.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\r'))
}

/// The text, if the bytes are sound EUC-JP: to be able to tell a person what is wrong with the file.
pub(super) fn as_euc_jp(bytes: &[u8]) -> Option<String> {
    if bytes.is_ascii() {
        return None;
    }
    EUC_JP.decode_without_bom_handling_and_without_replacement(bytes).map(|text| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auto(bytes: &[u8]) -> (String, Encoding) {
        decode(bytes, EncodingChoice::Auto)
    }

    #[test]
    fn a_byte_order_mark_decides() {
        assert_eq!(auto(b"\xef\xbb\xbf\xe5\xb1\xb1"), ("山".into(), Encoding::Utf8));
        assert_eq!(auto(b"\xff\xfe\x71\x5c"), ("山".into(), Encoding::Utf16Le));
        assert_eq!(auto(b"\xfe\xff\x5c\x71"), ("山".into(), Encoding::Utf16Be));
        // A surrogate alone, and half a character at the end.
        assert_eq!(auto(b"\xff\xfe\x00\xd8a\0").0, "\u{fffd}a");
        assert_eq!(auto(b"\xff\xfea\0b").0, "a\u{fffd}");
    }

    #[test]
    fn without_a_mark_strict_utf8_comes_before_cp932() {
        assert_eq!(auto("山,1".as_bytes()), ("山,1".into(), Encoding::Utf8));
        assert_eq!(auto(b"\x8eR,1"), ("山,1".into(), Encoding::Cp932));
        assert_eq!(auto(b"abc"), ("abc".into(), Encoding::Utf8));
        assert_eq!(auto(b""), (String::new(), Encoding::Utf8));
    }

    #[test]
    fn what_is_told_is_done() {
        assert_eq!(decode(b"\x8eR", EncodingChoice::Utf8), ("\u{fffd}R".into(), Encoding::Utf8));
        assert_eq!(decode("山\n".as_bytes(), EncodingChoice::Cp932).0, "\u{fffd}\u{fffd}\u{fffd}\n");
        assert_eq!(decode(b"\xef\xbb\xbfa", EncodingChoice::Utf8).0, "a");
    }

    #[test]
    fn characters_of_windows_are_decoded_as_windows_shows_them() {
        for (bytes, text) in [
            (&b"\xfb\xfc"[..], "髙"),
            (b"\xfa\xb1", "﨑"),
            // Twice in the table: as NEC row 13 and as IBM extension; either way one character.
            (b"\x87\x56", "Ⅲ"),
            (b"\xfa\x4c", "Ⅲ"),
            (b"\x87\x8a", "㈱"),
            (b"\xfa\x58", "㈱"),
            (b"\x87\x84", "℡"),
            (b"\xfa\x5a", "℡"),
            (b"\x87\x40", "①"),
            // NEC's selection of IBM's kanji and IBM's own row.
            (b"\xee\xe0", "髙"),
            (b"\x81\x60", "～"),
            (b"\x81\x7c", "－"),
            (b"\x81\x61", "∥"),
            (b"\x81\x91\x81\x92\x81\xca", "￠￡￢"),
            // The second byte of these is the backslash, the yen sign of old.
            (b"\x95\x5c\x83\x5c\x94\x5c\x97\x5c", "表ソ能予"),
            (b"\xb6\xde", "ｶﾞ"),
            (b"\xf0\x40", "\u{e000}"),
        ] {
            assert_eq!(decode(bytes, EncodingChoice::Cp932).0, text, "{bytes:02x?}");
        }
    }

    #[test]
    fn what_is_no_character_is_never_guessed() {
        for bytes in [&b"\x80"[..], b"\xa0", b"\xfd", b"\xfe", b"\xff", b"\x8e", b"\x85\x40", b"\x81\x20"] {
            let text = decode(bytes, EncodingChoice::Cp932).0;
            assert!(text.contains(UNDECODABLE) && !text.contains('?'), "{bytes:02x?} {text:?}");
        }
        // The comma behind half a character is still a comma.
        assert_eq!(decode(b"\x8e,\x8eR", EncodingChoice::Cp932).0, "\u{fffd},山");
    }

    #[test]
    fn lines_of_another_encoding_are_marked_and_keep_their_cells() {
        let (cp932, utf8) = (b"1,\x8eR\x93c\r\n".to_vec(), "2,山田\r\n".as_bytes().to_vec());
        let mixed = [cp932.clone(), cp932.clone(), utf8.clone()].concat();
        let marks = "\u{fffd}".repeat(6);
        assert_eq!(auto(&mixed), (format!("1,山田\r\n1,山田\r\n2,{marks}\r\n"), Encoding::Cp932));
        let (text, encoding) = auto(&[cp932, utf8.clone(), utf8].concat());
        assert_eq!(encoding, Encoding::Utf8);
        assert!(text.starts_with("1,\u{fffd}") && text.ends_with("2,山田\r\n2,山田\r\n"), "{text}");
    }

    #[test]
    fn euc_jp_is_recognised() {
        assert_eq!(as_euc_jp(b"\xbb\xb3\xc5\xc4").as_deref(), Some("山田"));
        assert_eq!(as_euc_jp(b"\x8eR\x93c"), None);
        assert_eq!(as_euc_jp(b"ascii"), None);
    }
}
