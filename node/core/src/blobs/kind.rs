//! Which files are taken: those of a short list whose content is what their name says, and nothing that can run.
//!
//! Archives are refused since nobody sees what is in them, Office files of before 2007 since they do not tell whether they
//! carry macros, films and sound since a line of an office has no room for them, HEIC since there is no decoder to trust.

use std::borrow::Cow;
use std::io::{Read, Seek};

use zip::ZipArchive;

use super::name::extension;

/// What a file is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Decoded and made anew.
    Picture,
    Pdf,
    /// Of Office since 2007, by the part that it begins with.
    Office {
        mime: &'static str,
        begins: &'static str,
    },
    /// Of OpenDocument, by its type.
    OpenDocument {
        mime: &'static str,
    },
    Text,
    Csv,
}

/// Why a file is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KindError {
    #[error("not a kind of file that is taken")]
    Refused,
    #[error("the content is not what the name says")]
    Disagrees,
    #[error("it carries macros")]
    Macros,
}

const PDF: &str = "application/pdf";
const TEXT: &str = "text/plain";
const CSV: &str = "text/csv";
const DOCX: Kind =
    office("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "word/document.xml");
const XLSX: Kind = office("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xl/workbook.xml");
const PPTX: Kind =
    office("application/vnd.openxmlformats-officedocument.presentationml.presentation", "ppt/presentation.xml");
const ODT: Kind = Kind::OpenDocument { mime: "application/vnd.oasis.opendocument.text" };
const ODS: Kind = Kind::OpenDocument { mime: "application/vnd.oasis.opendocument.spreadsheet" };
const ODP: Kind = Kind::OpenDocument { mime: "application/vnd.oasis.opendocument.presentation" };

/// Extension and what such a file has to be.
const KINDS: [(&str, Kind); 14] = [
    ("jpg", Kind::Picture),
    ("jpeg", Kind::Picture),
    ("png", Kind::Picture),
    ("webp", Kind::Picture),
    ("gif", Kind::Picture),
    ("pdf", Kind::Pdf),
    ("docx", DOCX),
    ("xlsx", XLSX),
    ("pptx", PPTX),
    ("odt", ODT),
    ("ods", ODS),
    ("odp", ODP),
    ("txt", Kind::Text),
    ("csv", Kind::Csv),
];

/// Parts that an Office or OpenDocument file may have; real ones have some hundred.
const PARTS_MAX: usize = 10_000;
/// Longest type of a file, bytes.
const MIME_BYTES_MAX: usize = 100;
/// How much of a file tells what it is.
pub const HEAD_BYTES: usize = 8 * 1024;

const fn office(mime: &'static str, begins: &'static str) -> Kind {
    Kind::Office { mime, begins }
}

impl Kind {
    /// What a file of this clean name has to be, by its extension and its first bytes. A name without an extension is good
    /// enough for a picture.
    pub fn of(name: &str, head: &[u8]) -> Result<Self, KindError> {
        let extension = extension(name);
        let named = KINDS.iter().find(|(of, _)| *of == extension).map(|(_, kind)| *kind);
        let picture = is_picture(head);
        match named {
            None if extension.is_empty() && picture => Ok(Self::Picture),
            None => Err(KindError::Refused),
            Some(Self::Picture) if picture => Ok(Self::Picture),
            Some(kind) if !picture && kind.begins_like(head) => Ok(kind),
            Some(_) => Err(KindError::Disagrees),
        }
    }

    fn begins_like(self, head: &[u8]) -> bool {
        match self {
            Self::Picture => false,
            Self::Pdf => head.starts_with(b"%PDF-"),
            Self::Office { .. } | Self::OpenDocument { .. } => head.starts_with(b"PK\x03\x04"),
            // What has a shape of its own is no text, whatever it is called.
            Self::Text | Self::Csv => is_text(head) && infer::get(head).is_none(),
        }
    }

    /// Looks at all of a file that is not a picture.
    pub fn check<F: Read + Seek>(self, mut file: F) -> Result<(), KindError> {
        match self {
            Self::Picture | Self::Pdf => Ok(()),
            Self::Text | Self::Csv => check_text(&mut file),
            Self::Office { begins, .. } => {
                let names = part_names(file)?;
                if names.iter().any(|name| is_macro(name)) {
                    return Err(KindError::Macros);
                }
                let has = |wanted: &str| names.iter().any(|name| name == wanted);
                if has("[Content_Types].xml") && has(begins) { Ok(()) } else { Err(KindError::Disagrees) }
            }
            Self::OpenDocument { mime } => {
                let names = part_names(&mut file)?;
                if names.iter().any(|name| name.starts_with("Basic/") || name.starts_with("Scripts/")) {
                    return Err(KindError::Macros);
                }
                if declared(file).as_deref() == Some(mime.as_bytes()) { Ok(()) } else { Err(KindError::Disagrees) }
            }
        }
    }

    /// `None` for a picture, whose type depends on how it is made anew.
    pub const fn mime(self) -> Option<&'static str> {
        match self {
            Self::Picture => None,
            Self::Pdf => Some(PDF),
            Self::Office { mime, .. } | Self::OpenDocument { mime } => Some(mime),
            Self::Text => Some(TEXT),
            Self::Csv => Some(CSV),
        }
    }

    /// Whether a type from another office may stand in a header. Later programs may take more kinds than this one.
    pub fn is_mime(text: &str) -> bool {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$&^_.+-".contains(&byte);
        let is_part = |part: &str| !part.is_empty() && part.bytes().all(allowed);
        text.len() <= MIME_BYTES_MAX && text.split_once('/').is_some_and(|(kind, sub)| is_part(kind) && is_part(sub))
    }
}

/// Of the four that are decoded.
fn is_picture(head: &[u8]) -> bool {
    use infer::image::{is_gif, is_jpeg, is_png, is_webp};
    is_jpeg(head) || is_png(head) || is_gif(head) || is_webp(head)
}

/// Text in any encoding that Japanese offices use has no such bytes; UTF-16 does, and is saved as UTF-8 instead.
fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| !matches!(byte, 0..=8 | 11 | 14..=26 | 28..=31 | 127))
}

fn check_text<F: Read>(file: &mut F) -> Result<(), KindError> {
    let mut buffer = vec![0; HEAD_BYTES];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) if buffer.get(..count).is_some_and(is_text) => {}
            _ => return Err(KindError::Disagrees),
        }
    }
}

/// The names of the parts, which are not unpacked: a bomb costs nothing.
fn part_names<F: Read + Seek>(file: F) -> Result<Vec<String>, KindError> {
    let archive = ZipArchive::new(file).map_err(|_| KindError::Disagrees)?;
    if archive.len() > PARTS_MAX {
        return Err(KindError::Refused);
    }
    let names = archive.file_names().map(|name| name.map(Cow::into_owned));
    names.collect::<Result<_, _>>().map_err(|_| KindError::Disagrees)
}

fn is_macro(part: &str) -> bool {
    let part = part.to_ascii_lowercase();
    part.ends_with("vbaproject.bin") || part.contains("/activex/") || part.contains("macrosheets/")
}

/// What an OpenDocument file says it is.
fn declared<F: Read + Seek>(file: F) -> Option<Vec<u8>> {
    let mut archive = ZipArchive::new(file).ok()?;
    let part = archive.by_name("mimetype").ok()?;
    let mut text = Vec::new();
    part.take(MIME_BYTES_MAX as u64 + 1).read_to_end(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use proptest::prelude::*;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn archive(parts: &[(&str, &str)]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in parts {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(content.as_bytes()).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn judge(name: &str, bytes: &[u8]) -> Result<(), KindError> {
        let head = &bytes[..bytes.len().min(HEAD_BYTES)];
        Kind::of(name, head)?.check(Cursor::new(bytes))
    }

    const JPEG: &[u8] = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00";
    const EXE: &[u8] = b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00";

    #[test]
    fn files_of_the_list_are_taken() {
        let word = archive(&[("[Content_Types].xml", ""), ("word/document.xml", "")]);
        let sheet = archive(&[("mimetype", "application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", "")]);
        for (name, bytes) in [
            ("a.jpg", JPEG),
            ("A.JPEG", JPEG),
            // Cameras and browsers get it wrong; it is made anew anyway.
            ("a.png", JPEG),
            ("photo", JPEG),
            ("a.pdf", b"%PDF-1.7\n"),
            ("a.txt", "避難者 42 名\r\n".as_bytes()),
            ("a.csv", b"\x96\xbc\x91O,1\n"),
            ("a.docx", &word),
            ("a.ods", &sheet),
        ] {
            assert_eq!(judge(name, bytes), Ok(()), "{name}");
        }
    }

    #[test]
    fn what_is_not_what_it_says_is_refused() {
        let word = archive(&[("[Content_Types].xml", ""), ("word/document.xml", "")]);
        let with_macro =
            archive(&[("[Content_Types].xml", ""), ("word/document.xml", ""), ("word/vbaProject.bin", "")]);
        let basic = archive(&[("mimetype", "application/vnd.oasis.opendocument.text"), ("Basic/script.xlb", "")]);
        let text = archive(&[("mimetype", "application/vnd.oasis.opendocument.text")]);
        use KindError::{Disagrees, Macros, Refused};
        for (name, bytes, expected) in [
            ("a.exe", EXE, Refused),
            ("a.jpg.exe", EXE, Refused),
            ("a.txt", EXE, Disagrees),
            ("a.jpg", EXE, Disagrees),
            ("a.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>".as_slice(), Disagrees),
            ("a.png", b"<html><script>", Disagrees),
            ("a.svg", b"<svg/>", Refused),
            ("a.html", b"<html>", Refused),
            ("a.txt", b"<html><script>alert(1)</script></html>", Disagrees),
            ("a.heic", b"\0\0\0\x18ftypheic", Refused),
            ("a.jpg", b"\0\0\0\x18ftypheic", Disagrees),
            ("a.zip", &word, Refused),
            ("a.xlsx", &word, Disagrees),
            ("a.docx", b"PK\x03\x04 and no more", Disagrees),
            ("a.docm", &with_macro, Refused),
            ("a.docx", &with_macro, Macros),
            ("a.odt", &basic, Macros),
            ("a.ods", &text, Disagrees),
            ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Refused),
            ("a.pdf", JPEG, Disagrees),
            ("a.txt", JPEG, Disagrees),
            ("a.txt", b"a\0b", Disagrees),
            ("data", b"text", Refused),
        ] {
            assert_eq!(
                judge(name, bytes),
                Err(expected),
                "{name} {:?}",
                String::from_utf8_lossy(&bytes[..8.min(bytes.len())])
            );
        }
        // Behind what the first look sees.
        let mut late = vec![b'a'; 3 * HEAD_BYTES];
        late.push(0);
        assert_eq!(judge("a.txt", &late), Err(Disagrees));
    }

    #[test]
    fn a_type_is_fit_for_a_header() {
        assert!(Kind::is_mime("image/jpeg") && Kind::is_mime(PDF));
        for (_, kind) in KINDS {
            assert!(kind.mime().is_none_or(Kind::is_mime));
        }
        for bad in [
            "",
            "image",
            "image/",
            "/jpeg",
            "a/b/c",
            "image/jpeg; x",
            "image/JPEG",
            "a/b\r\nx: y",
            &format!("a/{}", "b".repeat(99)),
        ] {
            assert!(!Kind::is_mime(bad), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn garbage_never_panics(which in 0..KINDS.len(), mut bytes in proptest::collection::vec(any::<u8>(), 0..300), zip in any::<bool>()) {
            if zip {
                bytes.splice(0..0, *b"PK\x03\x04");
            }
            _ = judge(&format!("a.{}", KINDS[which].0), &bytes);
            _ = KINDS[which].1.check(Cursor::new(&bytes));
        }
    }
}
