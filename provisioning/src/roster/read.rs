//! From the bytes of a file to rows of people.

use serde::{Deserialize, Serialize};

use super::column::Header;
use super::decoding::{Encoding, EncodingChoice, as_euc_jp, decode};
use super::delimited;
use super::limits::{COLUMNS_MAX, FILE_BYTES_MAX, PREVIEW_ROWS, PROBLEMS_MAX};
use super::problem::{Problem, ProblemCode};
use super::row::RosterRow;
use super::table::{Record, Table};
use super::workbook::{self, WorkbookError};

/// A file as it was understood.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Roster {
    pub encoding: Encoding,
    /// The first row.
    pub headings: Vec<String>,
    /// The first rows below it, as they are: whoever sees them knows whether the encoding is right.
    pub preview: Vec<Vec<String>>,
    /// Rows below the header that are not blank.
    pub count: usize,
    /// Those without a problem.
    pub rows: Vec<RosterRow>,
    /// At most [`PROBLEMS_MAX`] and a last one that counts the rest.
    pub problems: Vec<Problem>,
}

/// A file of which nothing can be shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unreadable {
    #[error("the file is larger than {FILE_BYTES_MAX} bytes")]
    TooLarge,
    #[error("the file is empty")]
    Empty,
    #[error("the workbook is damaged")]
    BrokenWorkbook,
    #[error("the workbook is of an old format or has a password")]
    OldWorkbook,
    #[error("the workbook unpacks to too much")]
    WorkbookTooLarge,
}

/// Reads a staff list. What it is, a workbook or text, is seen from its bytes. Costs up to a second of one core and up
/// to ten times the memory of the file: not for a thread that others wait for.
pub fn read(bytes: &[u8], choice: EncodingChoice) -> Result<Roster, Unreadable> {
    if bytes.len() > FILE_BYTES_MAX {
        return Err(Unreadable::TooLarge);
    }
    if workbook::is_compound_file(bytes) {
        return Err(Unreadable::OldWorkbook);
    }
    let (table, encoding) = if workbook::is_archive(bytes) {
        let table = workbook::read(bytes).map_err(|error| match error {
            WorkbookError::Broken => Unreadable::BrokenWorkbook,
            WorkbookError::TooLarge => Unreadable::WorkbookTooLarge,
        })?;
        (table, Encoding::Workbook)
    } else {
        let (text, encoding) = decode(bytes, choice);
        (delimited::read(&text), encoding)
    };
    let mut roster = understand(table, encoding).ok_or(Unreadable::Empty)?;
    if encoding == Encoding::Cp932 {
        explain_euc_jp(bytes, &mut roster);
    }
    limit(&mut roster.problems);
    Ok(roster)
}

/// `None` when there is not even a first row.
fn understand(table: Table, encoding: Encoding) -> Option<Roster> {
    let mut problems = Vec::new();
    if let Some(row) = table.open_quote {
        problems.push(Problem::of_row(row, ProblemCode::UnclosedQuote));
    }
    if table.cut_off {
        problems.push(Problem::of_file(ProblemCode::TooManyRows));
    }
    let mut records = table.records.into_iter();
    let Some(first) = records.next() else {
        return (!problems.is_empty()).then(|| Roster::without_rows(encoding, problems));
    };
    let records: Vec<Record> = records.collect();
    if first.cells.len() > COLUMNS_MAX {
        problems.push(Problem::of_file(ProblemCode::TooManyColumns));
    }
    let mut rows = Vec::new();
    if let Some(header) = Header::read(&first, &mut problems) {
        if records.is_empty() {
            problems.push(Problem::of_file(ProblemCode::NoRows));
        }
        // Of a file without the necessary columns every row would be wrong in the same way.
        if !problems.iter().any(|problem| problem.row.is_none() && problem.prevents()) {
            rows.extend(records.iter().filter_map(|record| RosterRow::of(record, &header, &mut problems)));
        }
    }
    Some(Roster {
        encoding,
        headings: shown(&first),
        preview: records.iter().take(PREVIEW_ROWS).map(shown).collect(),
        count: records.len(),
        rows,
        problems,
    })
}

impl Roster {
    fn without_rows(encoding: Encoding, problems: Vec<Problem>) -> Self {
        Self { encoding, headings: Vec::new(), preview: Vec::new(), count: 0, rows: Vec::new(), problems }
    }
}

/// Characters of a cell in the preview.
const PREVIEW_CHARS: usize = 60;

fn shown(record: &Record) -> Vec<String> {
    let cells = record.cells.iter().take(COLUMNS_MAX);
    cells.map(|cell| cell.chars().take(PREVIEW_CHARS).collect()).collect()
}

/// A file in EUC-JP looks like rows of half-width katakana without a header; it is kinder to say what it is.
fn explain_euc_jp(bytes: &[u8], roster: &mut Roster) {
    let Some(problem) = roster.problems.iter_mut().find(|problem| problem.code == ProblemCode::NoHeader) else {
        return;
    };
    let records = as_euc_jp(bytes).map(|text| delimited::read(&text).records).unwrap_or_default();
    if records.first().is_some_and(Header::is_in) {
        problem.code = ProblemCode::EucJp;
    }
}

/// Of a file that is wrong everywhere a person reads the first lines.
pub(super) fn limit(problems: &mut Vec<Problem>) {
    // In the order of the file; what concerns all of it comes first.
    problems.sort_by_key(|problem| problem.row);
    let more = problems.len().saturating_sub(PROBLEMS_MAX);
    if more > 0 {
        problems.truncate(PROBLEMS_MAX);
        problems.push(Problem::of_file(ProblemCode::MoreProblems).about(&more.to_string()));
    }
}
