//! Bytes as text that survives mail and text editors: a line that says what it is, base64, a line that ends it.
//!
//! Inside the base64 stand the version, the content and a checksum; what is cut off, added or changed on the way is
//! noticed. Lines before, between and after that are for people only.

use std::fmt::Write as _;

use crate::limits::{JOIN_CERTIFICATE_FILE_BYTES_MAX, JOIN_FILE_BYTES_MAX};

const VERSION: u8 = 1;
const SUM_BYTES: usize = 16;
/// 64 characters of base64.
const LINE_BYTES: usize = 48;

/// Which of the three files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileKind {
    Request,
    Approval,
    Certificate,
}

/// Why a file is not read. The sentences are for the person at the keyboard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFile {
    #[error("the file is empty")]
    Empty,
    #[error("the file is larger than any {0}")]
    TooLarge(&'static str),
    #[error("the file is not text")]
    NotText,
    #[error("this is no {0}: the line -----BEGIN NOROSHI …----- is missing")]
    NoBegin(&'static str),
    #[error("this is a {found}; a {wanted} is needed here")]
    OtherKind { found: &'static str, wanted: &'static str },
    #[error("the file is cut off: its last line -----END NOROSHI …----- is missing")]
    CutOff,
    #[error("the file contains the character {0:?}, which does not belong there")]
    Character(char),
    #[error("the file is damaged or was changed on the way; copy it again, as a file, not as text")]
    Damaged,
    #[error("the file was written by a later version of the program; update this node first")]
    LaterVersion,
    #[error("the file holds an impossible value: {0}")]
    Value(String),
}

impl FileKind {
    const ALL: [Self; 3] = [Self::Request, Self::Approval, Self::Certificate];

    const fn label(self) -> &'static str {
        match self {
            Self::Request => "NOROSHI JOIN REQUEST",
            Self::Approval => "NOROSHI JOIN APPROVAL",
            Self::Certificate => "NOROSHI JOIN CERTIFICATE",
        }
    }

    /// For sentences.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "join request",
            Self::Approval => "join approval",
            Self::Certificate => "join certificate",
        }
    }

    /// Largest text, bytes.
    pub const fn bytes_max(self) -> usize {
        match self {
            Self::Request | Self::Approval => JOIN_FILE_BYTES_MAX,
            Self::Certificate => JOIN_CERTIFICATE_FILE_BYTES_MAX,
        }
    }
}

/// The text of a file. `notes`: lines for people, shown above the base64 as `Name: value`.
pub(super) fn write(kind: FileKind, notes: &[(&str, String)], content: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(1 + content.len() + SUM_BYTES);
    bytes.push(VERSION);
    bytes.extend_from_slice(content);
    let sum = checksum(kind, &bytes);
    bytes.extend_from_slice(&sum);
    let mut text = String::with_capacity(bytes.len() * 3 / 2 + 512);
    // Writing to a string cannot fail.
    _ = writeln!(text, "-----BEGIN {}-----", kind.label());
    for (name, value) in notes {
        _ = writeln!(text, "{name}: {}", one_line(value));
    }
    text.push('\n');
    for line in bytes.chunks(LINE_BYTES) {
        data_encoding::BASE64.encode_append(line, &mut text);
        text.push('\n');
    }
    _ = writeln!(text, "-----END {}-----", kind.label());
    text
}

/// The content of a file of this kind, whatever mail programs and editors did to its lines.
pub(super) fn read(kind: FileKind, file: &[u8]) -> Result<Vec<u8>, InvalidFile> {
    if file.len() > kind.bytes_max() {
        return Err(InvalidFile::TooLarge(kind.name()));
    }
    let text = text_of(file)?;
    if text.trim().is_empty() {
        return Err(InvalidFile::Empty);
    }
    let encoded = base64_of(kind, &text)?;
    let bytes = data_encoding::BASE64.decode(encoded.as_bytes()).map_err(|_| InvalidFile::Damaged)?;
    let (body, sum) = bytes.split_last_chunk::<SUM_BYTES>().ok_or(InvalidFile::Damaged)?;
    if checksum(kind, body) != *sum {
        return Err(InvalidFile::Damaged);
    }
    match body.split_first() {
        Some((&VERSION, content)) => Ok(content.to_vec()),
        Some((version, _)) if *version > VERSION => Err(InvalidFile::LaterVersion),
        _ => Err(InvalidFile::Damaged),
    }
}

/// The text of a file: UTF-8 with or without its mark, or UTF-16 with one ("Unicode" in Notepad).
pub fn text_of(file: &[u8]) -> Result<String, InvalidFile> {
    let (encoding, rest) = match file {
        [0xff, 0xfe, rest @ ..] => (Some(encoding_rs::UTF_16LE), rest),
        [0xfe, 0xff, rest @ ..] => (Some(encoding_rs::UTF_16BE), rest),
        [0xef, 0xbb, 0xbf, rest @ ..] => (None, rest),
        rest => (None, rest),
    };
    match encoding {
        Some(encoding) => {
            let decoded = encoding.decode_without_bom_handling_and_without_replacement(rest);
            decoded.map(std::borrow::Cow::into_owned).ok_or(InvalidFile::NotText)
        }
        None => std::str::from_utf8(rest).map(str::to_owned).map_err(|_| InvalidFile::NotText),
    }
}

/// What stands between the two lines, without the notes, white space and the marks of quoted mail.
fn base64_of(kind: FileKind, text: &str) -> Result<String, InvalidFile> {
    let mut lines = text.lines().map(unquoted);
    let found = lines.find_map(|line| label(line, "BEGIN")).ok_or(InvalidFile::NoBegin(kind.name()))?;
    match found {
        Some(found) if found == kind => {}
        Some(found) => return Err(InvalidFile::OtherKind { found: found.name(), wanted: kind.name() }),
        None => return Err(InvalidFile::LaterVersion),
    }
    let mut encoded = String::with_capacity(text.len());
    let mut in_notes = true;
    for line in lines {
        if label(line, "END").is_some() {
            return Ok(encoded);
        }
        // The notes end with an empty line. Mail that wraps them makes lines without a colon; that line still follows.
        if in_notes {
            in_notes = !line.is_empty();
            continue;
        }
        for character in line.chars().filter(|c| !c.is_whitespace()) {
            if !character.is_ascii_alphanumeric() && !matches!(character, '+' | '/' | '=') {
                return Err(InvalidFile::Character(character));
            }
            encoded.push(character);
        }
    }
    Err(InvalidFile::CutOff)
}

fn unquoted(line: &str) -> &str {
    line.trim_matches(|c: char| c == '>' || c.is_whitespace() || c == '\u{feff}')
}

/// `None`: no such line. `Some(None)`: one of a kind unknown here.
fn label(line: &str, word: &str) -> Option<Option<FileKind>> {
    let label = line.strip_prefix("-----")?.strip_suffix("-----")?.strip_prefix(word)?.trim();
    label.starts_with("NOROSHI ").then(|| FileKind::ALL.into_iter().find(|kind| kind.label() == label))
}

/// Names are people's text; a line stays a line.
fn one_line(value: &str) -> String {
    value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn checksum(kind: FileKind, body: &[u8]) -> [u8; SUM_BYTES] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"noroshi/join-file/1");
    hasher.update(kind.label().as_bytes());
    hasher.update(body);
    let mut sum = [0; SUM_BYTES];
    hasher.finalize_xof().fill(&mut sum);
    sum
}
