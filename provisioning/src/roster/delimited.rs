//! Text with commas or tabs between the cells (RFC 4180, and what spreadsheets make of it).

use csv::{ReaderBuilder, StringRecord};

use super::limits::ROWS_MAX;
use super::table::{Record, Table};

/// Put behind the text as a record of its own: when it does not come out as one, a quotation mark was left open. No text
/// contains it, for it is no character.
const END: &str = "\u{10ffff}";

/// The records of a text. Commas separate unless the first line has tabs and no comma.
pub(super) fn read(text: &str) -> Table {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let delimiter = if first.contains('\t') && !first.contains(',') { b'\t' } else { b',' };
    let bounded = format!("{text}\r\n{END}");
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(bounded.as_bytes());
    let mut rows = Rows { text: bounded.as_bytes(), row: 1, before: 0 };
    let mut table = Table::default();
    let mut record = StringRecord::new();
    // The reader only fails on what is not UTF-8.
    while reader.read_record(&mut record).unwrap_or(false) {
        let begins = record.position().map_or(0, csv::Position::byte);
        let row = rows.of(begins, reader.position().byte(), &record);
        if &record == [END].as_slice() {
            return table;
        }
        if record.iter().any(|cell| cell.ends_with(END)) {
            table.open_quote = Some(row);
            return table;
        }
        let cells: Vec<String> = record.iter().map(str::to_owned).collect();
        if Record::is_blank(&cells) {
            continue;
        }
        // One more for the header.
        if table.records.len() > ROWS_MAX {
            table.cut_off = true;
            return table;
        }
        table.records.push(Record { row, cells });
    }
    table
}

/// Counts rows as a spreadsheet does: the reader leaves blank lines out, and counts those inside of cells.
struct Rows<'a> {
    text: &'a [u8],
    row: u32,
    /// The last byte passed: LF after CR ends no second line.
    before: u8,
}

impl Rows<'_> {
    /// The number of the next record, whose bytes end at `ends`. They begin with the blank lines before it.
    fn of(&mut self, begins: u64, ends: u64, record: &StringRecord) -> u32 {
        let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        let bytes = self.text.get(place(begins)..place(ends)).unwrap_or_default();
        let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let (blank, own) = bytes.split_at(blank);
        self.row += self.pass(blank);
        let row = self.row;
        let inside: u32 = record.iter().map(|cell| Rows { text: &[], row: 0, before: 0 }.pass(cell.as_bytes())).sum();
        self.row += self.pass(own).saturating_sub(inside);
        row
    }

    /// How many lines end here. CR LF, CR or LF each end one.
    fn pass(&mut self, bytes: &[u8]) -> u32 {
        let mut count = 0;
        for byte in bytes {
            count += u32::from(*byte == b'\r' || (*byte == b'\n' && self.before != b'\r'));
            self.before = *byte;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<(u32, Vec<String>)> {
        read(text).records.into_iter().map(|record| (record.row, record.cells)).collect()
    }

    fn record(row: u32, cells: &[&str]) -> (u32, Vec<String>) {
        (row, cells.iter().map(|cell| (*cell).to_owned()).collect())
    }

    #[test]
    fn every_line_end_ends_a_row() {
        for text in ["a,b\r\nc,d\r\n", "a,b\nc,d", "a,b\rc,d\r", "a\tb\r\nc\td", "a,b\r\n\"c\",\"d\""] {
            assert_eq!(rows(text), [record(1, &["a", "b"]), record(2, &["c", "d"])], "{text:?}");
        }
    }

    #[test]
    fn quoted_cells_keep_commas_quotes_and_line_breaks() {
        let text = "a,\"b\r\nb\",c\r\n\"d \"\"e\"\", f\",g,h\r\n\r\ni,\"j\nj\nj\",k\nl,m,n";
        assert_eq!(
            rows(text),
            [
                record(1, &["a", "b\r\nb", "c"]),
                record(2, &["d \"e\", f", "g", "h"]),
                record(4, &["i", "j\nj\nj", "k"]),
                record(5, &["l", "m", "n"]),
            ]
        );
    }

    #[test]
    fn blank_lines_and_rows_of_nothing_keep_their_number() {
        assert_eq!(rows("\r\n\r\na\r\n,,\r\n  ,\r\nb\r\n"), [record(3, &["a"]), record(6, &["b"])]);
        assert_eq!(rows(""), []);
        assert_eq!(rows("\r\n\r\n"), []);
    }

    #[test]
    fn a_quote_that_is_never_closed_is_found() {
        let table = read("a,b\r\nc,\"d\r\ne,f\r\n");
        assert_eq!((table.open_quote, table.records.len()), (Some(2), 1));
        // In the middle of a cell a quotation mark is a character.
        assert_eq!(rows("a,b\"c\r\nd,e"), [record(1, &["a", "b\"c"]), record(2, &["d", "e"])]);
        assert_eq!(read("a,b\"c\r\nd,e").open_quote, None);
    }

    #[test]
    fn the_limit_of_rows_is_exact() {
        let header = "a\n".to_owned();
        let table = read(&(header.clone() + &"b\n".repeat(ROWS_MAX)));
        assert_eq!((table.records.len(), table.cut_off), (ROWS_MAX + 1, false));
        let table = read(&(header + &"b\n".repeat(100_000)));
        assert_eq!((table.records.len(), table.cut_off), (ROWS_MAX + 1, true));
    }
}
