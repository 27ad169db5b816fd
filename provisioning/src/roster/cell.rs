//! What one cell may hold, whatever its column: text on one line that a person can read and a spreadsheet does not execute.

use unicode_normalization::UnicodeNormalization;

use super::column::Column;
use super::decoding::UNDECODABLE;
use super::limits::CELL_CHARS_MAX;
use super::problem::ProblemCode;
use crate::field::check_text;

/// The text of a cell without the spaces around it, or why it cannot be taken.
pub(super) fn clean(cell: &str, column: Column) -> Result<String, ProblemCode> {
    if cell.contains(UNDECODABLE) {
        return Err(ProblemCode::Undecodable);
    }
    let text = unwrap_formula(cell.trim()).trim();
    if text.chars().nth(CELL_CHARS_MAX).is_some() {
        return Err(ProblemCode::TooLong);
    }
    if text.chars().any(is_private) {
        return Err(ProblemCode::Gaiji);
    }
    if ERRORS.contains(&text) {
        return Err(ProblemCode::CellError);
    }
    let text = join_lines(text, column)?;
    if check_text("cell", &text, CELL_CHARS_MAX).is_err() || text.chars().any(is_invisible) {
        return Err(ProblemCode::ControlCharacters);
    }
    if is_formula(&text, column) {
        return Err(ProblemCode::Formula);
    }
    Ok(text)
}

/// `="0012"` is how zeros survive a spreadsheet, and `'=…` how our own lists keep a spreadsheet from executing a name.
fn unwrap_formula(text: &str) -> &str {
    let quoted = text.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
    if let Some(inner) = quoted.filter(|inner| !inner.contains('"')) {
        return inner;
    }
    match text.strip_prefix('\'') {
        Some(rest) if rest.starts_with(FORMULA_STARTS) => rest,
        _ => text,
    }
}

const FORMULA_STARTS: [char; 4] = ['=', '+', '-', '@'];

/// What a spreadsheet would compute when the list is exported and opened again. Telephone numbers may begin with +.
fn is_formula(text: &str, column: Column) -> bool {
    let first = text.chars().next().and_then(|first| first.nfkc().next());
    first.is_some_and(|first| FORMULA_STARTS.contains(&first) && !(first == '+' && column == Column::Phone))
}

/// Qualifications may stand on lines of their own. Anywhere else a line break is the trace of a quotation mark that was
/// left open and has swallowed the rows below; there would be cells of others in the text then.
fn join_lines(text: &str, column: Column) -> Result<String, ProblemCode> {
    if !text.contains(['\n', '\r']) {
        return Ok(text.to_owned());
    }
    if column != Column::Qualifications || text.contains([',', '\t']) {
        return Err(ProblemCode::LineBreak);
    }
    let lines: Vec<&str> = text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty()).collect();
    Ok(lines.join("、"))
}

/// 外字: characters that each machine shows as it likes.
pub(super) fn is_private(character: char) -> bool {
    matches!(character, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}')
}

/// Characters that nobody sees and that make equal names differ. Variation selectors are not among them.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{e0001}'..='\u{e007f}')
}

/// What a spreadsheet writes where a formula failed.
const ERRORS: [&str; 8] = ["#N/A", "#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "#NUM!", "#NULL!", "####"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_kept_by_a_formula_and_our_own_marks_are_taken_off() {
        assert_eq!(clean("=\"0012\"", Column::Number).as_deref(), Ok("0012"));
        assert_eq!(clean("　山田　太郎\t", Column::Name).as_deref(), Ok("山田　太郎"));
        assert_eq!(clean("+81-90-1234-5678", Column::Phone).as_deref(), Ok("+81-90-1234-5678"));
        assert_eq!(clean("'+81901234", Column::Phone).as_deref(), Ok("+81901234"));
        assert_eq!(clean("O'Brien", Column::Name).as_deref(), Ok("O'Brien"));
        assert_eq!(clean("防災士\r\n危険物", Column::Qualifications).as_deref(), Ok("防災士、危険物"));
        assert_eq!(clean("葛\u{e0100}城", Column::Name).as_deref(), Ok("葛\u{e0100}城"));
    }

    #[test]
    fn each_bad_cell_has_its_reason() {
        for (cell, code) in [
            ("山\u{fffd}", ProblemCode::Undecodable),
            ("\u{e000}田", ProblemCode::Gaiji),
            ("\u{f8ff}", ProblemCode::Gaiji),
            ("#N/A", ProblemCode::CellError),
            ("山\0田", ProblemCode::ControlCharacters),
            ("山\t田", ProblemCode::ControlCharacters),
            ("山\u{202e}田", ProblemCode::ControlCharacters),
            ("山\u{200b}田", ProblemCode::ControlCharacters),
            ("山\u{1b}[31m田", ProblemCode::ControlCharacters),
            ("山田\n太郎", ProblemCode::LineBreak),
            ("=cmd|' /C calc'!A0", ProblemCode::Formula),
            ("'=1+1", ProblemCode::Formula),
            ("=\"=1+1\"", ProblemCode::Formula),
            ("=\"a\"&\"b\"", ProblemCode::Formula),
            ("＝１＋１", ProblemCode::Formula),
            ("+81", ProblemCode::Formula),
            ("@SUM(1)", ProblemCode::Formula),
            ("-2+3", ProblemCode::Formula),
            (&"あ".repeat(1_001), ProblemCode::TooLong),
        ] {
            assert_eq!(clean(cell, Column::Name), Err(code), "{cell:?}");
        }
        assert_eq!(clean("防災士\n5,鈴木", Column::Qualifications), Err(ProblemCode::LineBreak));
        assert_eq!(clean("-1", Column::Phone), Err(ProblemCode::Formula));
    }
}
