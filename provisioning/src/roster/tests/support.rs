//! Small lists, in bytes as other programs write them.

use encoding_rs::{EUC_JP, SHIFT_JIS};

use crate::roster::{EncodingChoice, Problem, Roster, RosterRow, read};

pub const HEADER: &str =
    "職員番号,氏名,氏名カナ,所属コード,所属,役職,メール,電話,参集区分,参集場所,資格,権限,有効開始,有効終了";

pub fn cp932(text: &str) -> Vec<u8> {
    let (bytes, _, unmappable) = SHIFT_JIS.encode(text);
    assert!(!unmappable, "{text}");
    bytes.into_owned()
}

pub fn euc_jp(text: &str) -> Vec<u8> {
    EUC_JP.encode(text).0.into_owned()
}

pub fn utf16(text: &str) -> Vec<u8> {
    [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
}

/// Read with the encoding found out.
pub fn roster(bytes: &[u8]) -> Roster {
    read(bytes, EncodingChoice::Auto).unwrap()
}

/// The rows of a sound list in UTF-8.
pub fn rows(text: &str) -> Vec<RosterRow> {
    let roster = roster(text.as_bytes());
    assert_eq!(roster.problems, [], "{text}");
    roster.rows
}

/// (row, column, code, Japanese) of each problem.
pub fn told(problems: &[Problem]) -> Vec<(Option<u32>, Option<&str>, &'static str, String)> {
    problems.iter().map(|p| (p.row, p.column.as_deref(), p.code.word(), p.japanese())).collect()
}

/// That a list in UTF-8 has exactly this one problem.
#[track_caller]
pub fn is_told(text: &str, row: Option<u32>, column: Option<&str>, code: &str, japanese: &str) {
    bytes_are_told(text.as_bytes(), row, column, code, japanese);
}

#[track_caller]
pub fn bytes_are_told(bytes: &[u8], row: Option<u32>, column: Option<&str>, code: &str, japanese: &str) {
    let problems = roster(bytes).problems;
    let told = told(&problems);
    assert_eq!(told.len(), 1, "{told:?}");
    let (r, c, word, sentence) = &told[0];
    assert_eq!((*r, *c, *word, sentence.as_str()), (row, column, code, japanese));
    let english = problems[0].english();
    assert!(english.ends_with(['.', '?']), "{english}");
}
