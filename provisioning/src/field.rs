//! What may stand in the fields that people fill in. The same checks hold for a form and for an entry from a peer.

use noroshi_sync::id::EntryId;

use crate::limits::{LOGIN_BYTES_MAX, REFERENCES_MAX};

/// A value that a field cannot take. Both words are stable and meant for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {code}")]
pub struct InvalidField {
    pub field: &'static str,
    /// `empty`, `too_long`, `too_many`, `untrimmed`, `control_characters`, `characters`, `malformed`, `duplicate` or `not_allowed`.
    pub code: &'static str,
}

impl InvalidField {
    pub(crate) const fn new(field: &'static str, code: &'static str) -> Self {
        Self { field, code }
    }
}

/// A text that must not be empty.
pub fn check_name(field: &'static str, text: &str, chars_max: usize) -> Result<(), InvalidField> {
    if text.is_empty() {
        return Err(InvalidField::new(field, "empty"));
    }
    check_text(field, text, chars_max)
}

/// A text of one line that may be empty.
pub fn check_text(field: &'static str, text: &str, chars_max: usize) -> Result<(), InvalidField> {
    if text.chars().count() > chars_max {
        return Err(InvalidField::new(field, "too_long"));
    }
    if text.chars().any(is_forbidden) {
        return Err(InvalidField::new(field, "control_characters"));
    }
    if text.trim() != text {
        return Err(InvalidField::new(field, "untrimmed"));
    }
    Ok(())
}

/// A log-in name: 1–64 of `[a-z0-9._@-]`.
pub fn check_login(login: &str) -> Result<(), InvalidField> {
    let invalid = |code| Err(InvalidField::new("login", code));
    if login.is_empty() {
        return invalid("empty");
    }
    if login.len() > LOGIN_BYTES_MAX {
        return invalid("too_long");
    }
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._@-".contains(&byte);
    if !login.bytes().all(allowed) {
        return invalid("characters");
    }
    Ok(())
}

/// Entries named by an entry: few, none twice, none nil.
pub fn check_references(field: &'static str, entries: &[EntryId]) -> Result<(), InvalidField> {
    if entries.len() > REFERENCES_MAX {
        return Err(InvalidField::new(field, "too_many"));
    }
    let mut seen = std::collections::BTreeSet::new();
    if !entries.iter().all(|entry| seen.insert(*entry)) {
        return Err(InvalidField::new(field, "duplicate"));
    }
    if entries.iter().any(EntryId::is_nil) {
        return Err(InvalidField::new(field, "empty"));
    }
    Ok(())
}

/// Control characters, line separators, and the marks that make a name read in another order than it is stored.
pub(crate) fn is_forbidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_people_and_places_pass() {
        for name in ["朝凪 太郎", "山田　花子", "髙﨑", "北支所", "葛\u{e0100}城", "O’Brien", "𠮷野", &"あ".repeat(100)]
        {
            assert_eq!(check_name("name", name, 100), Ok(()), "{name}");
        }
    }

    #[test]
    fn each_bad_name_has_its_word() {
        for (name, code) in [
            ("", "empty"),
            (" 太郎", "untrimmed"),
            ("太郎　", "untrimmed"),
            ("   ", "untrimmed"),
            ("太\n郎", "control_characters"),
            ("太\0郎", "control_characters"),
            ("\u{1b}[31m太郎", "control_characters"),
            ("太\u{202e}郎", "control_characters"),
            ("太\u{2028}郎", "control_characters"),
            (&"あ".repeat(101), "too_long"),
        ] {
            assert_eq!(check_name("name", name, 100), Err(InvalidField::new("name", code)), "{name:?}");
        }
    }

    #[test]
    fn log_in_names_have_one_spelling() {
        for login in ["a", "sato.taro", "t-sato@asanagi", "0123_".trim_end_matches('_'), &"a".repeat(64)] {
            assert_eq!(check_login(login), Ok(()), "{login}");
        }
        for (login, code) in [
            ("", "empty"),
            ("Sato", "characters"),
            ("さとう", "characters"),
            ("a b", "characters"),
            ("a/b", "characters"),
            ("a\0", "characters"),
            (&"a".repeat(65), "too_long"),
        ] {
            assert_eq!(check_login(login), Err(InvalidField::new("login", code)), "{login:?}");
        }
    }

    #[test]
    fn references_are_few_and_different() {
        let many = |n: u16| -> Vec<EntryId> {
            (1..=n)
                .map(|i| {
                    let mut bytes = [0u8; 16];
                    bytes[..2].copy_from_slice(&i.to_be_bytes());
                    EntryId::from_bytes(bytes)
                })
                .collect()
        };
        assert_eq!(check_references("lifts", &many(1_000)), Ok(()));
        assert_eq!(check_references("lifts", &many(1_001)), Err(InvalidField::new("lifts", "too_many")));
        assert_eq!(check_references("lifts", &[EntryId::NIL]), Err(InvalidField::new("lifts", "empty")));
        let one = EntryId::from_bytes([1; 16]);
        assert_eq!(check_references("lifts", &[one, one]), Err(InvalidField::new("lifts", "duplicate")));
    }
}
