//! Names of files from outside: what is left of one is safe in a folder, in a header and before people's eyes.

use unicode_normalization::UnicodeNormalization;

use crate::limits::ATTACHMENT_NAME_BYTES_MAX;

/// For a file without any name.
const NAMELESS: &str = "file";
/// Longest extension that is kept when a name is shortened, bytes with the dot.
const EXTENSION_BYTES_MAX: usize = 12;
/// Windows opens a device for these, whatever the extension.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// The last part of a path, in NFC, without what hides, turns or controls text, and not longer than
/// [`ATTACHMENT_NAME_BYTES_MAX`]. What file systems do not take becomes `_`.
pub fn clean_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).find(|part| !part.trim().is_empty()).unwrap_or_default();
    let kept: String =
        last.nfc().filter(|char| !is_hidden(*char)).map(|char| if is_special(char) { '_' } else { char }).collect();
    let trimmed = kept.trim_matches(|char: char| char.is_whitespace() || char == '.');
    let named = match trimmed {
        "" => NAMELESS.to_owned(),
        name if is_device(name) => format!("_{name}"),
        name => name.to_owned(),
    };
    shortened(named)
}

/// Whether [`clean_name`] leaves it as it is.
pub fn is_clean_name(name: &str) -> bool {
    name.len() <= ATTACHMENT_NAME_BYTES_MAX && clean_name(name) == name
}

/// The name with another extension; the present one stays when it means the same.
pub fn with_extension(name: &str, same: &[&str]) -> String {
    let (stem, extension) = split(name);
    let Some(first) = same.first() else { return name.to_owned() };
    let lower = extension.to_lowercase();
    if same.contains(&lower.trim_start_matches('.')) {
        return name.to_owned();
    }
    clean_name(&format!("{stem}.{first}"))
}

/// In small letters, without the dot; empty for none.
pub(super) fn extension(name: &str) -> String {
    split(name).1.trim_start_matches('.').to_lowercase()
}

/// Stem, and extension with its dot.
fn split(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(place) if place > 0 => name.split_at(place),
        _ => (name, ""),
    }
}

fn shortened(name: String) -> String {
    if name.len() <= ATTACHMENT_NAME_BYTES_MAX {
        return name;
    }
    let (stem, extension) = match split(&name) {
        (stem, extension) if extension.len() <= EXTENSION_BYTES_MAX => (stem, extension),
        _ => (name.as_str(), ""),
    };
    let mut room = ATTACHMENT_NAME_BYTES_MAX.saturating_sub(extension.len());
    while !stem.is_char_boundary(room) {
        room -= 1;
    }
    let stem = stem.get(..room).unwrap_or_default().trim_end_matches(|char: char| char.is_whitespace() || char == '.');
    format!("{stem}{extension}")
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim().to_lowercase();
    let port = |prefix: &str| {
        let rest = stem.strip_prefix(prefix);
        rest.is_some_and(|rest| {
            rest.chars().count() == 1 && rest.chars().all(|char| matches!(char, '0'..='9' | '¹' | '²' | '³'))
        })
    };
    DEVICES.contains(&stem.as_str()) || port("com") || port("lpt")
}

/// Controls, and what shows a name other than it is: marks of direction, characters without width, unassigned ends.
fn is_hidden(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(char, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{ffff}' | '\u{e0000}'..='\u{e007f}')
}

const fn is_special(char: char) -> bool {
    matches!(char, '<' | '>' | ':' | '"' | '|' | '?' | '*' | '/' | '\\')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_as_attackers_and_cameras_give_them() {
        for (given, kept) in [
            ("写真 1.jpg", "写真 1.jpg"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\田中\\図面.pdf", "図面.pdf"),
            ("a/b/", "b"),
            ("..", "file"),
            ("", "file"),
            (" . ", "file"),
            (".htaccess", "htaccess"),
            ("CON", "_CON"),
            ("com1.txt", "_com1.txt"),
            ("Lpt¹.txt", "_Lpt¹.txt"),
            ("console.txt", "console.txt"),
            ("\u{202e}gpj.exe", "gpj.exe"),
            ("a\0b\r\nc.txt", "abc.txt"),
            ("a\u{200b}\u{feff}.txt", "a.txt"),
            ("what?<b>\"x\":|*.txt", "what__b__x____.txt"),
            ("か\u{3099}.txt", "が.txt"),
            ("trailing. . ", "trailing"),
        ] {
            assert_eq!(clean_name(given), kept, "{given:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_extension() {
        let name = clean_name(&format!("{}.pdf", "災".repeat(200)));
        assert!(name.len() <= ATTACHMENT_NAME_BYTES_MAX && name.ends_with("災.pdf"));
        let exact = format!("{}.txt", "a".repeat(ATTACHMENT_NAME_BYTES_MAX - 4));
        assert!(is_clean_name(&exact) && !is_clean_name(&format!("a{exact}")));
        assert!(clean_name(&format!("a.{}", "x".repeat(300))).len() <= ATTACHMENT_NAME_BYTES_MAX);
    }

    #[test]
    fn an_extension_follows_what_is_stored() {
        assert_eq!(with_extension("a.webp", &["jpg", "jpeg"]), "a.jpg");
        assert_eq!(with_extension("a.JPEG", &["jpg", "jpeg"]), "a.JPEG");
        assert_eq!(with_extension("photo", &["jpg", "jpeg"]), "photo.jpg");
        assert_eq!(extension("a.tar.GZ"), "gz");
        assert_eq!(extension("gz"), "");
    }

    proptest! {
        #[test]
        fn cleaning_twice_changes_nothing(name in "\\PC{0,300}|[./\\\\ \u{0}-\u{20}a\u{202e}]{0,20}") {
            let once = clean_name(&name);
            prop_assert!(is_clean_name(&once), "{:?}", once);
            prop_assert!(!once.is_empty() && !once.contains(['/', '\\', '\0', '\n']));
            prop_assert!(is_clean_name(&with_extension(&once, &["jpg", "jpeg"])));
        }
    }
}
