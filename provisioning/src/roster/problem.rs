//! What is wrong with a staff list, and where.

use serde::{Deserialize, Serialize};

use super::column::Column;

/// One thing to put right. [`Problem::japanese`] and [`Problem::english`] say it to a person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Problem {
    /// As a spreadsheet numbers it, from 1; `None` when it concerns the file.
    pub row: Option<u32>,
    /// The heading of the column.
    pub column: Option<String>,
    pub code: ProblemCode,
    /// What was found there, or whom it concerns; shortened.
    pub value: String,
}

/// Characters of a value that are repeated in a sentence.
const VALUE_CHARS: usize = 40;

/// The words of [`ProblemCode::word`] are stable.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum ProblemCode {
    // of the file
    NoHeader,
    EucJp,
    MissingColumn,
    DuplicateColumn,
    ColumnIgnored,
    TooManyRows,
    TooManyColumns,
    NoRows,
    UnclosedQuote,
    MoreProblems,
    // of a row, as read
    MissingCells,
    ExtraCells,
    Undecodable,
    Gaiji,
    ControlCharacters,
    LineBreak,
    Formula,
    CellError,
    TooLong,
    EmptyName,
    NoKey,
    NumberCharacters,
    LoginCharacters,
    NotKana,
    Email,
    Phone,
    Date,
    EndBeforeStart,
    UnknownRole,
    UnknownEmployment,
    // of a row, compared with others and with the directory
    DuplicateNumber,
    DuplicateLogin,
    NumberAndLoginDiffer,
    NumberShared,
    NumberReused,
    LoginTaken,
    UnknownOffice,
    UnknownSection,
    EndInPast,
    LastAdministrator,
    Reinstated,
    NotPlanned,
    // of what cannot be taken back
    ChangedSince,
}

impl ProblemCode {
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoHeader => "no_header",
            Self::EucJp => "euc_jp",
            Self::MissingColumn => "missing_column",
            Self::DuplicateColumn => "duplicate_column",
            Self::ColumnIgnored => "column_ignored",
            Self::TooManyRows => "too_many_rows",
            Self::TooManyColumns => "too_many_columns",
            Self::NoRows => "no_rows",
            Self::UnclosedQuote => "unclosed_quote",
            Self::MoreProblems => "more_problems",
            Self::MissingCells => "missing_cells",
            Self::ExtraCells => "extra_cells",
            Self::Undecodable => "undecodable",
            Self::Gaiji => "gaiji",
            Self::ControlCharacters => "control_characters",
            Self::LineBreak => "line_break",
            Self::Formula => "formula",
            Self::CellError => "cell_error",
            Self::TooLong => "too_long",
            Self::EmptyName => "empty_name",
            Self::NoKey => "no_key",
            Self::NumberCharacters => "number_characters",
            Self::LoginCharacters => "login_characters",
            Self::NotKana => "not_kana",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Date => "date",
            Self::EndBeforeStart => "end_before_start",
            Self::UnknownRole => "unknown_role",
            Self::UnknownEmployment => "unknown_employment",
            Self::DuplicateNumber => "duplicate_number",
            Self::DuplicateLogin => "duplicate_login",
            Self::NumberAndLoginDiffer => "number_and_login_differ",
            Self::NumberShared => "number_shared",
            Self::NumberReused => "number_reused",
            Self::LoginTaken => "login_taken",
            Self::UnknownOffice => "unknown_office",
            Self::UnknownSection => "unknown_section",
            Self::EndInPast => "end_in_past",
            Self::LastAdministrator => "last_administrator",
            Self::Reinstated => "reinstated",
            Self::NotPlanned => "not_planned",
            Self::ChangedSince => "changed_since",
        }
    }
}

impl Problem {
    pub(super) fn of_file(code: ProblemCode) -> Self {
        Self { row: None, column: None, code, value: String::new() }
    }

    pub(super) fn of_row(row: u32, code: ProblemCode) -> Self {
        Self { row: Some(row), ..Self::of_file(code) }
    }

    /// Of a column that the format does not know.
    pub(super) fn of_heading(code: ProblemCode, heading: &str) -> Self {
        Self { column: Some(shorten(heading)), ..Self::of_file(code) }
    }

    pub(super) fn in_column(self, column: Column) -> Self {
        Self { column: Some(column.heading().to_owned()), ..self }
    }

    pub(super) fn about(self, value: &str) -> Self {
        Self { value: shorten(value), ..self }
    }

    /// Whether nothing may be applied because of it. The others are only told.
    pub fn prevents(&self) -> bool {
        !matches!(
            self.code,
            ProblemCode::ColumnIgnored | ProblemCode::Reinstated | ProblemCode::NotPlanned | ProblemCode::ChangedSince
        )
    }
}

/// What a sentence repeats of the file: short, on one line, and nothing invisible.
fn shorten(text: &str) -> String {
    let visible = |c: char| if c.is_control() { '\u{2423}' } else { c };
    let mut short: String = text.chars().take(VALUE_CHARS).map(visible).collect();
    if text.chars().nth(VALUE_CHARS).is_some() {
        short.push('…');
    }
    short
}
