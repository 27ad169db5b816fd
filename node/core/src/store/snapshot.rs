//! A copy of the database as it is at one moment, taken beside a node that may be running and goes on writing.

use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use noroshi_sync::store::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::store_error;

/// Copies the database into a new file that only its owner can read, without what is free in it. Readers and the writer of
/// a running node are not held up; the write-ahead log cannot be cut down until the copy is done.
///
/// Needs as much free space as the database has content. What was written is not fsynced: the copy is for reading now.
pub fn snapshot(database: &Path, copy: &Path) -> Result<(), StoreError> {
    let new = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(copy);
    new.map_err(|error| StoreError::Io(format!("{}: {error}", copy.display())))?;
    // With the right to write, since after a crash the log of the last process has to be read in.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let name = copy.to_str().ok_or_else(|| StoreError::Invalid("the name of the copy is no UTF-8".into()))?;
    let run = || {
        let connection = Connection::open_with_flags(database, flags)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.execute("VACUUM INTO ?1", [name]).map(|_| ())
    };
    run().map_err(|error| store_error(&error))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use noroshi_sync::store::conformance::room;

    use super::*;
    use crate::store::testing::on_disk;

    #[test]
    fn a_copy_is_one_moment_of_a_database_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let (path, copy) = (folder.path().join("noroshi.db"), folder.path().join("copy.db"));
        let mut writer = on_disk(&path, 1, room(1));
        writer.write(|writing| writing.set_setting("name", b"before")).unwrap();
        snapshot(&path, &copy).unwrap();
        writer.write(|writing| writing.set_setting("name", b"after")).unwrap();
        assert_eq!(std::fs::metadata(&copy).unwrap().mode() & 0o777, 0o600);
        let copied = Connection::open(&copy).unwrap();
        let name: Vec<u8> =
            copied.query_row("SELECT value FROM settings WHERE name = 'name'", [], |row| row.get(0)).unwrap();
        assert_eq!(name, b"before");
        assert!(matches!(snapshot(&path, &copy), Err(StoreError::Io(_))), "nothing is written over");
        assert!(snapshot(&folder.path().join("none.db"), &folder.path().join("new.db")).is_err());
    }
}
