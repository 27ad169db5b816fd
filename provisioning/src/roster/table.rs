//! A list before its meaning is known: records of cells, numbered as a spreadsheet numbers them.

/// One record. Blank records are left out, but keep their number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Record {
    /// From 1, as a spreadsheet shows it: a line break inside a cell begins no new row.
    pub row: u32,
    pub cells: Vec<String>,
}

/// The records of a file, up to a limit.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Table {
    pub records: Vec<Record>,
    /// There are more than the limit.
    pub cut_off: bool,
    /// The row in which a quotation mark opens that is never closed.
    pub open_quote: Option<u32>,
}

impl Record {
    pub fn is_blank(cells: &[String]) -> bool {
        cells.iter().all(|cell| cell.trim().is_empty())
    }
}
