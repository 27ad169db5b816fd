//! Reads the entries of a log as a peer would get them: from the disk, with their signatures.

use noroshi_node::store::Database;
use noroshi_sync::log::LogId;
use noroshi_sync::store::{Admission, LogRange, Store, StoreError};
use noroshi_sync::window::VerifiedWindow;

/// Bytes of one page.
const PAGE_BYTES: usize = 1024 * 1024;

/// What there is of a log.
#[derive(Debug)]
pub(crate) enum LogRead {
    /// Ascending. Less than was asked for, if that is all there is.
    Windows(Vec<VerifiedWindow>),
    /// The node itself may not hold the room any more.
    NotShared,
}

/// Entries 1 to `length`.
pub(crate) fn read_log(database: &Database, log: &LogId, length: u64) -> Result<LogRead, StoreError> {
    let me = database.node();
    let is_admitted =
        database.holdings(&me, &[log.room])?.iter().any(|holding| holding.admission == Admission::Everything);
    if !is_admitted {
        return Ok(LogRead::NotShared);
    }
    let mut ranges = vec![LogRange { log: *log, first: 1, last: length }];
    let mut windows = Vec::new();
    while !ranges.is_empty() {
        let page = database.windows(&me, &ranges, PAGE_BYTES)?;
        if page.windows.is_empty() {
            break;
        }
        for window in page.windows {
            let verified = window.verify().map_err(|refused| StoreError::Damaged(refused.to_string()))?;
            windows.push(verified);
        }
        ranges = page.rest;
    }
    Ok(LogRead::Windows(windows))
}
