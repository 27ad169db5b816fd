//! What SQLite's errors mean for whoever waits for the answer.

use noroshi_sync::store::StoreError;
use rusqlite::ErrorCode;

/// Full: nothing was written, space may return. Io: the outcome is unknown. Damaged: the file is not what it was.
pub(in crate::store) fn store_error(error: &rusqlite::Error) -> StoreError {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DiskFull => StoreError::Full,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Damaged(error.to_string()),
            ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::NoLargeFileSupport
            | ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::OutOfMemory => StoreError::Io(error.to_string()),
            _ => StoreError::Invalid(error.to_string()),
        },
        // A value of another type or size than the schema allows can only be damage.
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..) => StoreError::Damaged(error.to_string()),
        _ => StoreError::Invalid(error.to_string()),
    }
}

/// Something stored that no version of this program stores.
pub(in crate::store) fn damaged(what: impl std::fmt::Display) -> StoreError {
    StoreError::Damaged(what.to_string())
}
