//! One person as the list says it, in the form of the directory.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::cell::clean;
use super::column::{Column, Header};
use super::date::Day;
use super::problem::{Problem, ProblemCode};
use super::table::Record;
use super::value;
use crate::ledger::Employment;
use crate::limits::{DETAIL_CHARS_MAX, NAME_CHARS_MAX, SECTION_CHARS_MAX};
use crate::role::Role;

/// `None`: the list does not speak of it, and what is known stays. An empty text empties.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct RosterRow {
    /// As a spreadsheet numbers it.
    pub row: u32,
    pub number: Option<String>,
    pub login: Option<String>,
    pub name: String,
    pub kana: Option<String>,
    /// Name of an office.
    pub office: Option<String>,
    pub section_code: Option<String>,
    pub section: Option<String>,
    pub post: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub muster_class: Option<String>,
    pub muster_place: Option<String>,
    pub qualifications: Option<String>,
    pub employment: Option<Employment>,
    pub roles: Option<BTreeSet<Role>>,
    /// Begin of the first day, milliseconds since 1970: for somebody new of the account, otherwise of what the row says.
    pub starts_ms: Option<u64>,
    /// End of the last day; `Some(None)`: there is none.
    pub ends_ms: Option<Option<u64>>,
}

impl RosterRow {
    /// What a record says. Every problem of it is noted; with one there is no row.
    pub(super) fn of(record: &Record, header: &Header, problems: &mut Vec<Problem>) -> Option<Self> {
        let before = problems.len();
        check_width(record, header, problems);
        let mut reading = Reading { row: Self { row: record.row, ..Self::default() }, shared: None };
        for (column, place) in header.columns() {
            let cell = record.cells.get(place).map(String::as_str).unwrap_or_default();
            if let Err(code) = clean(cell, column).and_then(|text| reading.take(column, &text)) {
                problems.push(Problem::of_row(record.row, code).in_column(column).about(cell.trim()));
            }
        }
        if problems.len() > before {
            return None;
        }
        let row = reading.finish();
        if let Err(code) = row.check() {
            problems.push(Problem::of_row(row.row, code).about(&row.name));
            return None;
        }
        Some(row)
    }

    fn check(&self) -> Result<(), ProblemCode> {
        if self.number.is_none() && self.login.is_none() {
            return Err(ProblemCode::NoKey);
        }
        match (self.starts_ms, self.ends_ms.flatten()) {
            (Some(starts), Some(ends)) if ends <= starts => Err(ProblemCode::EndBeforeStart),
            _ => Ok(()),
        }
    }
}

/// A record with fewer or more cells than the header has lost or won a comma, and its cells stand in wrong columns.
fn check_width(record: &Record, header: &Header, problems: &mut Vec<Problem>) {
    if record.cells.len() < header.width {
        problems.push(Problem::of_row(record.row, ProblemCode::MissingCells));
    }
    if record.cells.iter().skip(header.width).any(|cell| !cell.trim().is_empty()) {
        problems.push(Problem::of_row(record.row, ProblemCode::ExtraCells));
    }
}

/// A row of which some columns are read.
struct Reading {
    row: RosterRow,
    shared: Option<bool>,
}

impl Reading {
    fn take(&mut self, column: Column, text: &str) -> Result<(), ProblemCode> {
        let row = &mut self.row;
        let filled = !text.is_empty();
        let of_day = |day: fn(Day) -> Option<u64>| -> Result<Option<u64>, ProblemCode> {
            let parsed = Day::parse(text).ok_or(ProblemCode::Date)?;
            Ok(if parsed.is_never() { None } else { Some(day(parsed).unwrap_or(0)) })
        };
        match column {
            Column::Number if filled => row.number = Some(value::number(text)?),
            Column::Login if filled => row.login = Some(value::login(text)?),
            Column::Name if !filled => return Err(ProblemCode::EmptyName),
            Column::Name => row.name = short(value::written(text), NAME_CHARS_MAX)?,
            Column::Kana => row.kana = Some(short(value::kana(text)?, NAME_CHARS_MAX)?),
            Column::Office if filled => row.office = Some(short(value::written(text), NAME_CHARS_MAX)?),
            Column::SectionCode => row.section_code = Some(short(value::number(text)?, SECTION_CHARS_MAX)?),
            Column::Section => row.section = Some(short(value::written(text), SECTION_CHARS_MAX)?),
            Column::Post => row.post = Some(short(value::written(text), SECTION_CHARS_MAX)?),
            Column::Email => row.email = Some(if filled { value::email(text)? } else { String::new() }),
            Column::Phone => row.phone = Some(if filled { value::phone(text)? } else { String::new() }),
            Column::MusterClass => row.muster_class = Some(short(value::written(text), DETAIL_CHARS_MAX)?),
            Column::MusterPlace => row.muster_place = Some(short(value::written(text), DETAIL_CHARS_MAX)?),
            Column::Qualifications => row.qualifications = Some(short(value::written(text), DETAIL_CHARS_MAX)?),
            Column::Roles if filled => row.roles = Some(value::roles(text)?).filter(|roles| !roles.is_empty()),
            Column::Employment if filled => row.employment = Some(value::employment(text)?),
            Column::AccountKind if filled => self.shared = Some(value::is_shared(text)?),
            Column::ValidFrom if filled => row.starts_ms = Some(of_day(Day::begins_ms)?.ok_or(ProblemCode::Date)?),
            Column::ValidUntil => row.ends_ms = Some(if filled { of_day(Day::ends_ms)? } else { None }),
            _ => {}
        }
        Ok(())
    }

    fn finish(self) -> RosterRow {
        let mut row = self.row;
        match self.shared {
            Some(true) => row.employment = Some(Employment::SectionAccount),
            Some(false) if row.employment.is_none() => row.employment = Some(Employment::Regular),
            _ => {}
        }
        row
    }
}

fn short(text: String, chars_max: usize) -> Result<String, ProblemCode> {
    if text.chars().count() > chars_max { Err(ProblemCode::TooLong) } else { Ok(text) }
}
