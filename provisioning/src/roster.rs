//! Staff lists (職員名簿) from the personnel system: read strictly, compared with the directory, applied whole or not at all.
//!
//! # The way of a file
//!
//! 1. [`read`] turns bytes into rows: the encoding is found or told, cells are put into their columns, every value is
//!    brought into the one form the directory keeps. What cannot be read is a [`Problem`] with its row and column; no
//!    character is ever replaced by a guess.
//! 2. [`Plan::of`] compares the rows with a [`Directory`](crate::Directory) at a moment: who is new, who changes now or on
//!    a day to come, who leaves. It is a pure function, so that it can be shown first and computed again before it is
//!    carried out. Who is not in the file is only counted: absence ends nobody.
//! 3. [`Plan::carry_out`] makes the signed entries of the ledger, to be written in one transaction, with initial passwords
//!    for the people who are new, and an [`Undo`].
//! 4. [`Undo::carry_out`] takes back what is still as the list made it and names the rest.
//!
//! A plan with a problem that concerns a row carries nothing out: half a list is worse than yesterday's.

mod cell;
mod column;
mod date;
mod decoding;
mod delimited;
mod limits;
mod plan;
mod problem;
mod read;
mod row;
mod sentence;
mod table;
mod value;
mod workbook;

#[cfg(test)]
mod tests;

pub use column::Column;
pub use decoding::{Encoding, EncodingChoice};
pub use limits::{FILE_BYTES_MAX, PREVIEW_ROWS, PROBLEMS_MAX, ROWS_MAX};
pub use plan::{
    Addition, FieldChange, FieldValue, Letter, NotCarriedOut, Outcome, Person, Plan, Planned, Profile, Revision,
    Snapshot, Undo, UndoOutcome,
};
pub use problem::{Problem, ProblemCode};
pub use read::{Roster, Unreadable, read};
pub use row::RosterRow;
pub use value::employment_word;
