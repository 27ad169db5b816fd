//! The storage id's copy beside the database: tells a database put back from a copy from the one that was here before.
//!
//! The file `storage-id` holds the id and the number of the latest change when the store was last opened or closed. A
//! database that names another id, or has seen fewer changes, is not the one that peers know; it takes a new id, and
//! every cursor into the old one counts for nothing.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use noroshi_sync::id::StorageId;
use noroshi_sync::store::StoreError;

/// The content of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct Claim {
    pub storage: StorageId,
    /// The database has seen at least this change.
    pub change: u64,
}

fn file_of(database: &Path) -> PathBuf {
    database.with_file_name("storage-id")
}

/// `None` when there is no file, or none that makes sense.
pub(in crate::store) fn read(database: &Path) -> Result<Option<Claim>, StoreError> {
    match fs::read_to_string(file_of(database)) {
        Ok(text) => Ok(parse(&text)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidData) => Ok(None),
        Err(error) => Err(StoreError::Io(format!("storage-id cannot be read: {error}"))),
    }
}

fn parse(text: &str) -> Option<Claim> {
    let (storage, change) = text.trim_end().split_once(' ')?;
    Some(Claim { storage: storage.parse().ok()?, change: change.parse().ok()? })
}

/// Replaces the file; on disk when this returns.
pub(in crate::store) fn write(database: &Path, claim: Claim) -> Result<(), StoreError> {
    let path = file_of(database);
    let written = || {
        let new = path.with_extension("new");
        let mut file = File::create(&new)?;
        writeln!(file, "{} {}", claim.storage, claim.change)?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    };
    written().map_err(|error: std::io::Error| match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::Full,
        _ => StoreError::Io(format!("storage-id cannot be written: {error}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_survives_and_nonsense_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("noroshi.db");
        assert_eq!(read(&database).unwrap(), None);
        let claim = Claim { storage: StorageId::from_bytes([7; 16]), change: 42 };
        write(&database, claim).unwrap();
        assert_eq!(read(&database).unwrap(), Some(claim));
        for text in ["", "x", "07070707-0707-0707-0707-070707070707", "07070707-0707-0707-0707-070707070707 -1"] {
            fs::write(file_of(&database), text).unwrap();
            assert_eq!(read(&database).unwrap(), None, "{text:?}");
        }
    }
}
