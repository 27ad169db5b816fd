//! Workbooks (.xlsx): the cells of the first sheet that is shown. What they unpack to is bounded before they are read.

use std::io::{Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{Cell, DataRef, Reader, SheetType, SheetVisible, Xlsx, XlsxError};
use zip::ZipArchive;

use super::limits::{COLUMNS_MAX, ROWS_MAX, WORKBOOK_BYTES_MAX, WORKBOOK_PARTS_MAX};
use super::table::{Record, Table};

/// Why a workbook cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum WorkbookError {
    Broken,
    /// It unpacks to more than [`WORKBOOK_BYTES_MAX`].
    TooLarge,
}

/// Whether these are bytes of a ZIP archive, which text never begins with.
pub(super) fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

/// Whether this is a workbook of before 2007, or one with a password: both come in Microsoft's compound files.
pub(super) fn is_compound_file(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
}

/// The records of the first sheet. Takes as long as unpacking the file twice.
pub(super) fn read(bytes: &[u8]) -> Result<Table, WorkbookError> {
    // Parsers of foreign formats may fail in ways their authors did not foresee; nobody else is to notice.
    let guarded = catch_unwind(AssertUnwindSafe(|| {
        check_size(bytes)?;
        read_cells(bytes).map_err(|_| WorkbookError::Broken)
    }));
    guarded.unwrap_or(Err(WorkbookError::Broken))
}

/// Unpacks every part once, counting. What the archive says of itself is not believed.
fn check_size(bytes: &[u8]) -> Result<(), WorkbookError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| WorkbookError::Broken)?;
    if archive.len() > WORKBOOK_PARTS_MAX {
        return Err(WorkbookError::TooLarge);
    }
    let mut left = WORKBOOK_BYTES_MAX;
    for part in 0..archive.len() {
        let part = archive.by_index(part).map_err(|_| WorkbookError::Broken)?;
        let unpacked = std::io::copy(&mut part.take(left + 1), &mut std::io::sink());
        left = left.checked_sub(unpacked.map_err(|_| WorkbookError::Broken)?).ok_or(WorkbookError::TooLarge)?;
    }
    Ok(())
}

fn read_cells(bytes: &[u8]) -> Result<Table, XlsxError> {
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes))?;
    let sheets = workbook.sheets_metadata().iter();
    let shown = |sheet: &&calamine::Sheet| sheet.visible == SheetVisible::Visible && sheet.typ == SheetType::WorkSheet;
    let Some(name) = sheets.clone().find(shown).map(|sheet| sheet.name.clone()) else { return Ok(Table::default()) };
    let mut cells = workbook.worksheet_cells_reader(&name)?;
    let mut table = Table::default();
    let mut record = Record { row: 1, cells: Vec::new() };
    while let Some(cell) = cells.next_cell()? {
        let (row, column) = place(&cell);
        if row != record.row {
            push(&mut table, std::mem::replace(&mut record, Record { row, cells: Vec::new() }));
            if table.cut_off {
                return Ok(table);
            }
        }
        let text = text(cell.get_value());
        // Cells far to the right without anything in them are formatting.
        if column < COLUMNS_MAX && !text.is_empty() {
            record.cells.resize(column.max(record.cells.len()), String::new());
            record.cells.push(text);
        } else if !text.trim().is_empty() {
            record.cells.resize(COLUMNS_MAX, String::new());
            record.cells.push(text);
        }
    }
    push(&mut table, record);
    fill(&mut table);
    Ok(table)
}

fn place(cell: &Cell<DataRef<'_>>) -> (u32, usize) {
    let (row, column) = cell.get_position();
    (row.saturating_add(1), usize::try_from(column).unwrap_or(usize::MAX))
}

fn push(table: &mut Table, record: Record) {
    if Record::is_blank(&record.cells) {
        return;
    }
    if table.records.len() > ROWS_MAX {
        table.cut_off = true;
        return;
    }
    table.records.push(record);
}

/// Empty cells at the end of a row are not stored in a workbook; a row of a text file has them.
fn fill(table: &mut Table) {
    let width = table.records.first().map_or(0, |header| header.cells.len());
    for record in &mut table.records {
        record.cells.resize(width.max(record.cells.len()), String::new());
    }
}

/// A cell as a person reads it. Numbers have no zeros in front: where those count they are compared without.
fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        // Whole numbers print without a fraction, and none is ever shown with an exponent.
        DataRef::Float(number) => number.to_string(),
        DataRef::Bool(yes) => yes.to_string().to_uppercase(),
        DataRef::DateTime(moment) => {
            let (year, month, day, ..) = moment.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02}")
        }
        DataRef::Error(error) => error.to_string(),
        DataRef::Empty => String::new(),
    }
}
