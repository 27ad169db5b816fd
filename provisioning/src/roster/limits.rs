//! Limits of staff lists.

/// Largest file, bytes. A list of 10,000 people with every column filled has about 3 MB.
pub const FILE_BYTES_MAX: usize = 20 * 1024 * 1024;
/// Rows of people in one file. A larger city imports its list in parts: absence ends nobody, so a part is a list.
pub const ROWS_MAX: usize = 10_000;
/// Columns of a file; the format has 18.
pub const COLUMNS_MAX: usize = 100;
/// Characters of one cell; longer ones are refused before they are understood.
pub const CELL_CHARS_MAX: usize = 1_000;
/// Problems that are told one by one.
pub const PROBLEMS_MAX: usize = 200;
/// Rows shown as they are in the file, so that a person sees whether the encoding is right.
pub const PREVIEW_ROWS: usize = 5;
/// All parts of a workbook unpacked, bytes. 10,000 rows have about 12 MB; what grows beyond this is a bomb.
pub const WORKBOOK_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Files inside a workbook; an ordinary one has about a dozen.
pub const WORKBOOK_PARTS_MAX: usize = 1_000;
/// Characters of an employee number; numbers have up to ten.
pub const NUMBER_CHARS_MAX: usize = 32;
