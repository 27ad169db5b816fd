//! The column encodings of Automerge, read with a hard cap on rows: a run says how long it is, and is not believed.
//!
//! Only canonical forms are read. Automerge stores a document and not its changes, and writes each change anew when it
//! is asked for; one that was spelled differently would come back with another hash and leave the document unloadable.

use super::reader::Reader;
use super::refusal::Refusal;

/// The kind of a run in a run-length encoded column.
#[derive(PartialEq, Eq)]
enum Run {
    /// `count` times no value: 0, count.
    Gap,
    /// `count` times the same value: count, value.
    Repeat,
    /// `count` different values: −count, values.
    Literal,
}

/// A run-length encoded column: one value a row, `None` where there is none.
pub(super) fn runs<'a, T: Copy + PartialEq>(
    bytes: &'a [u8],
    rows_max: usize,
    value: impl Fn(&mut Reader<'a>) -> Result<T, Refusal>,
) -> Result<Vec<Option<T>>, Refusal> {
    let mut reader = Reader::new(bytes);
    let mut rows: Vec<Option<T>> = Vec::new();
    let mut previous = None;
    while !reader.is_empty() {
        let (run, length) = match reader.signed()? {
            0 => (Run::Gap, reader.unsigned()?),
            count if count > 0 => (Run::Repeat, count.unsigned_abs()),
            count => (Run::Literal, count.unsigned_abs()),
        };
        let length = checked_length(length, rows.len(), rows_max)?;
        let is_shortest = length >= if run == Run::Repeat { 2 } else { 1 };
        let could_be_joined = run == Run::Literal && previous == Some(Run::Literal);
        if !is_shortest || could_be_joined {
            return Err(Refusal::NotCanonical("a run"));
        }
        match run {
            Run::Gap => {
                differs(&rows, None)?;
                rows.resize(rows.len() + length, None);
            }
            Run::Repeat => {
                let value = Some(value(&mut reader)?);
                differs(&rows, value)?;
                rows.resize(rows.len() + length, value);
            }
            Run::Literal => {
                for _ in 0..length {
                    let value = Some(value(&mut reader)?);
                    differs(&rows, value)?;
                    rows.push(value);
                }
            }
        }
        previous = Some(run);
    }
    Ok(rows)
}

/// A column of differences: each value is the one before plus what is written.
pub(super) fn deltas(bytes: &[u8], rows_max: usize) -> Result<Vec<Option<u64>>, Refusal> {
    let mut sum = 0i64;
    let mut rows = Vec::new();
    for difference in runs(bytes, rows_max, Reader::signed)? {
        let Some(difference) = difference else {
            rows.push(None);
            continue;
        };
        sum = sum.checked_add(difference).filter(|sum| *sum >= 0).ok_or(Refusal::OutOfRange("a counter"))?;
        rows.push(Some(sum.unsigned_abs()));
    }
    Ok(rows)
}

/// A column of yes and no: lengths of alternating runs, beginning with no.
pub(super) fn booleans(bytes: &[u8], rows_max: usize) -> Result<Vec<bool>, Refusal> {
    let mut reader = Reader::new(bytes);
    let mut rows = Vec::new();
    let mut value = false;
    while !reader.is_empty() {
        let length = checked_length(reader.unsigned()?, rows.len(), rows_max)?;
        let is_leading_no = rows.is_empty() && !value;
        if length == 0 && !is_leading_no {
            return Err(Refusal::NotCanonical("a run"));
        }
        rows.resize(rows.len() + length, value);
        value = !value;
    }
    Ok(rows)
}

/// The length of a run, if it fits below the cap. Compared, never added: a length may be 2^63.
fn checked_length(length: u64, rows: usize, rows_max: usize) -> Result<usize, Refusal> {
    let space = rows_max.saturating_sub(rows);
    match usize::try_from(length) {
        Ok(length) if length <= space => Ok(length),
        _ => Err(Refusal::TooMany { what: "rows", count: length, limit: rows_max }),
    }
}

fn differs<T: Copy + PartialEq>(rows: &[T], next: T) -> Result<(), Refusal> {
    if rows.last() == Some(&next) { Err(Refusal::NotCanonical("a run")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(bytes: &[u8]) -> Result<Vec<Option<u64>>, Refusal> {
        runs(bytes, 10, Reader::unsigned)
    }

    #[test]
    fn runs_gaps_and_literals() {
        let bytes = [0x03, 5, 0x00, 2, 0x7e, 1, 2];
        let rows = [Some(5), Some(5), Some(5), None, None, Some(1), Some(2)];
        assert_eq!(numbers(&bytes).unwrap(), rows);
        assert_eq!(booleans(&[0, 2, 1], 10).unwrap(), [true, true, false]);
        assert_eq!(deltas(&[0x03, 2, 0x7f, 0x7f], 10).unwrap(), [Some(2), Some(4), Some(6), Some(5)]);
    }

    #[test]
    fn a_run_is_not_believed() {
        assert_eq!(numbers(&[10, 1]).unwrap().len(), 10);
        for bytes in [&[11, 1][..], &[0, 11], &[9, 1, 0x7e, 2, 3], &[0x75]] {
            assert!(matches!(numbers(bytes), Err(Refusal::TooMany { .. })), "{bytes:?}");
        }
        let claims = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 1];
        assert!(matches!(numbers(&claims), Err(Refusal::TooMany { .. })));
        let smallest = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f];
        assert!(matches!(numbers(&smallest), Err(Refusal::TooMany { .. })));
        assert!(matches!(booleans(&[0, 11], 10), Err(Refusal::TooMany { .. })));
    }

    #[test]
    fn each_column_has_one_spelling() {
        for bytes in
            [&[1, 5][..], &[0, 0], &[2, 5, 2, 5], &[0x7f, 5, 2, 5], &[0x7f, 5, 0x7f, 6], &[0x7e, 5, 5], &[0, 1, 0, 1]]
        {
            assert_eq!(numbers(bytes), Err(Refusal::NotCanonical("a run")), "{bytes:?}");
        }
        assert!(booleans(&[2, 0, 1], 10).is_err());
    }

    #[test]
    fn counters_stay_in_range() {
        assert_eq!(deltas(&[0x7f, 0x7f], 10), Err(Refusal::OutOfRange("a counter")));
    }
}
