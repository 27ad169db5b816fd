//! One connection to the SQLite file (or to a database in memory): its settings, and the only way to run a statement.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use noroshi_sync::checkpoint::NodeKey;
use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::{Epoch, NodeId, StorageId};
use noroshi_sync::store::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::hooks::Wal;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Params, Row};

use super::error::{damaged, store_error};
use super::keys::NodePk;
use super::migrate::migrate;
use super::projector::Projector;
use super::state::State;
use super::storage_id;

/// The first SQLite without the bug that could damage a WAL while it was reset.
const SQLITE_VERSION_MIN: i32 = 3_051_003;
/// How long a connection waits for another one; only a backup or a person's sqlite3 can make it wait.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Prepared statements kept; the node has about 200 different ones.
const STATEMENTS_MAX: usize = 512;
/// Page cache of one connection, KiB.
const CACHE_KIB: i64 = 16 * 1024;
/// What the WAL file is cut down to after a checkpoint, bytes.
const WAL_BYTES_KEPT: i64 = 16 * 1024 * 1024;

/// Gives the wall clock, milliseconds since 1970.
pub type WallMs = Arc<dyn Fn() -> u64 + Send + Sync>;

/// What a database needs to know about the node it belongs to.
#[derive(Clone)]
pub struct DatabaseOptions {
    pub key: Arc<NodeKey>,
    /// Fresh at every process start.
    pub epoch: Epoch,
    /// Random; becomes the storage id when the database is new or is not the one that its folder knows.
    pub fresh_storage: StorageId,
    /// Stamps `received_ms`, and the start of register versions.
    pub wall_ms: WallMs,
    pub projector: Arc<dyn Projector>,
}

impl fmt::Debug for DatabaseOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseOptions").field("key", &self.key).field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

/// A synchronous store on one connection. Reads are methods of the [`Store`](noroshi_sync::store::Store) trait and of
/// the query modules; writes go through [`Database::write`] or a [`Group`](super::group::Group).
pub struct Database {
    connection: Connection,
    epoch: Cell<Epoch>,
    options: DatabaseOptions,
    path: Option<PathBuf>,
    own: NodePk,
    /// This process's part of register versions.
    register_start: Hlc,
    pub(in crate::store) register_counter: Cell<u64>,
    pub(in crate::store) state: RefCell<State>,
    /// The last error that may have ended the transaction behind our back.
    failure: RefCell<Option<StoreError>>,
    /// Pages in the write-ahead log after the last commit.
    pub(in crate::store) wal_pages: Arc<AtomicU64>,
    /// Something was erased, and its bytes may still be in the write-ahead log.
    pub(in crate::store) erasing: Cell<bool>,
}

impl Database {
    /// Opens or creates the file for writing. There is one writing connection to a file at a time.
    pub fn open(path: &Path, options: DatabaseOptions) -> Result<Self, StoreError> {
        // SQLite would ask the mask of the process, and gives the files beside it the mode of this one.
        let file = std::fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
        drop(file.map_err(|error| StoreError::Io(error.to_string()))?);
        let connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )
        .map_err(|error| store_error(&error))?;
        Self::writing(connection, options, Some(path.to_owned()))
    }

    /// A database that lives as long as the value: for the simulator and for tests.
    pub fn in_memory(options: DatabaseOptions) -> Result<Self, StoreError> {
        Self::writing(Connection::open_in_memory().map_err(|error| store_error(&error))?, options, None)
    }

    /// A second connection that can only read. The file must exist and be of this version.
    pub fn open_reader(path: &Path, options: DatabaseOptions) -> Result<Self, StoreError> {
        let database = Self::open_damaged(path, options)?;
        let own = database.node_pk(&database.node())?.ok_or_else(|| damaged("the node does not know itself"))?;
        Ok(Self { own, ..database })
    }

    /// A connection to what may be left of a database: nothing is asked of it yet.
    pub(in crate::store) fn open_damaged(path: &Path, options: DatabaseOptions) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|error| store_error(&error))?;
        configure(&connection)?;
        Ok(Self::new(connection, options, Some(path.to_owned())))
    }

    /// As a process start does: what was written stays and is never continued, since the epoch is new.
    pub fn restart(self, epoch: Epoch) -> Result<Self, StoreError> {
        let options = DatabaseOptions { epoch, ..self.options.clone() };
        match self.path.clone() {
            Some(path) => {
                drop(self);
                Self::open(&path, options)
            }
            None => Self::writing(self.connection, options, None),
        }
    }

    fn writing(
        mut connection: Connection,
        options: DatabaseOptions,
        path: Option<PathBuf>,
    ) -> Result<Self, StoreError> {
        configure(&connection)?;
        configure_writer(&connection, path.is_some())?;
        migrate(&mut connection)?;
        let mut database = Self::new(connection, options, path);
        let claimed = match &database.path {
            Some(path) => Some(storage_id::read(path)?),
            None => None,
        };
        let begun = database.write(|writing| writing.begin_process(claimed))?;
        (database.own, database.register_start) = begun;
        database.watch_wal()?;
        database.note_storage()?;
        Ok(database)
    }

    fn new(connection: Connection, options: DatabaseOptions, path: Option<PathBuf>) -> Self {
        Self {
            connection,
            epoch: Cell::new(options.epoch),
            options,
            path,
            own: NodePk(0),
            register_start: Hlc::ZERO,
            register_counter: Cell::new(0),
            state: RefCell::default(),
            failure: RefCell::default(),
            wal_pages: Arc::default(),
            erasing: Cell::new(false),
        }
    }

    pub fn node(&self) -> NodeId {
        self.options.key.node()
    }
    /// The epoch in which this node writes. It changes while the program runs when somebody else turns out to write in it.
    pub fn epoch(&self) -> Epoch {
        self.epoch.get()
    }

    /// From now on every entry of this node goes to logs that nobody else has begun.
    pub(in crate::store) fn renew_epoch(&self, epoch: Epoch) {
        self.epoch.set(epoch);
    }
    pub fn key(&self) -> &NodeKey {
        &self.options.key
    }
    pub fn options(&self) -> &DatabaseOptions {
        &self.options
    }
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }
    /// Milliseconds since 1970.
    pub fn wall_ms(&self) -> u64 {
        (self.options.wall_ms)()
    }
    pub(in crate::store) fn own_pk(&self) -> NodePk {
        self.own
    }
    pub(in crate::store) fn register_start(&self) -> Hlc {
        self.register_start
    }

    /// Runs a statement that returns no rows; the number of rows changed.
    pub(in crate::store) fn execute(&self, sql: &str, values: impl Params) -> Result<usize, StoreError> {
        let run = || self.connection.prepare_cached(sql)?.execute(values);
        run().map_err(|error| self.failed(&error))
    }

    /// Inserts one row; its integer key.
    pub(in crate::store) fn insert(&self, sql: &str, values: impl Params) -> Result<i64, StoreError> {
        let run = || self.connection.prepare_cached(sql)?.insert(values);
        run().map_err(|error| self.failed(&error))
    }

    /// The first row, if there is one.
    pub(in crate::store) fn row<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        let run = || self.connection.prepare_cached(sql)?.query_row(values, read).optional();
        run().map_err(|error| self.failed(&error))
    }

    /// All rows.
    pub(in crate::store) fn rows<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let run = || self.connection.prepare_cached(sql)?.query_map(values, read)?.collect::<Result<Vec<T>, _>>();
        run().map_err(|error| self.failed(&error))
    }

    /// Visits rows one by one until `visit` says false: for results that should not be held in memory.
    pub(in crate::store) fn each(
        &self,
        sql: &str,
        values: impl Params,
        mut visit: impl FnMut(&Row<'_>) -> rusqlite::Result<bool>,
    ) -> Result<(), StoreError> {
        let run = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut rows = statement.query(values)?;
            while let Some(row) = rows.next()? {
                if !visit(row)? {
                    break;
                }
            }
            Ok(())
        };
        run().map_err(|error| self.failed(&error))
    }

    /// Runs fixed statements that take no values.
    pub(in crate::store) fn batch(&self, sql: &str) -> Result<(), StoreError> {
        self.connection.execute_batch(sql).map_err(|error| self.failed(&error))
    }

    /// Runs `work` on one unchanging view of the database. Inside a write it is the view of that write.
    pub fn read<T, E: From<StoreError>>(&self, work: impl FnOnce(&Self) -> Result<T, E>) -> Result<T, E> {
        if !self.connection.is_autocommit() {
            self.flush()?;
            return work(self);
        }
        self.state.borrow_mut().trim();
        self.execute("BEGIN", [])?;
        let result = work(self);
        // Nothing was written, so ending it either way is the same.
        let ended = self.execute("ROLLBACK", []);
        let value = result?;
        ended?;
        Ok(value)
    }

    fn watch_wal(&mut self) -> Result<(), StoreError> {
        let pages = self.wal_pages.clone();
        let note = move |_: &mut Wal, now: std::ffi::c_int| {
            pages.store(u64::try_from(now).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        };
        self.connection.wal_hook(Some(note)).map_err(|error| store_error(&error))
    }

    pub(in crate::store) fn in_transaction(&self) -> bool {
        !self.connection.is_autocommit()
    }
    pub(in crate::store) fn take_failure(&self) -> Option<StoreError> {
        self.failure.take()
    }

    fn failed(&self, error: &rusqlite::Error) -> StoreError {
        let error = store_error(error);
        if !matches!(error, StoreError::Invalid(_)) {
            self.failure.replace(Some(error.clone()));
        }
        error
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("path", &self.path).field("epoch", &self.epoch.get()).finish_non_exhaustive()
    }
}

/// What every connection needs.
fn configure(connection: &Connection) -> Result<(), StoreError> {
    let version = rusqlite::version_number();
    if version < SQLITE_VERSION_MIN {
        return Err(StoreError::Invalid(format!(
            "SQLite {version} is too old, at least {SQLITE_VERSION_MIN} is needed"
        )));
    }
    let set = || {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        // Otherwise a statement whose plan may depend on a bound value is prepared anew at every use: clearing the values
        // of a cached statement expires it. Measured in the simulator: half of all time.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        Ok(())
    };
    set().map_err(|error| store_error(&error))
}

/// What only the writing connection sets: it alone moves the WAL into the file, when it has time.
fn configure_writer(connection: &Connection, on_disk: bool) -> Result<(), StoreError> {
    let set = || {
        let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        // What is deleted is overwritten in its page: erased content must not stay in the file. It has to be so from the
        // first write on, since pages that split leave copies behind.
        connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
        connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
        connection.pragma_update_and_check(None, "journal_size_limit", WAL_BYTES_KEPT, |_| Ok(()))?;
        Ok(mode)
    };
    let mode = set().map_err(|error| store_error(&error))?;
    if on_disk && mode != "wal" {
        return Err(StoreError::Io(format!("the file system does not allow a write-ahead log (mode {mode})")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use noroshi_sync::store::conformance::room;

    use super::*;
    use crate::store::testing::{in_memory, on_disk, options_of};

    #[test]
    fn every_connection_is_set_up_to_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("noroshi.db");
        let writer = on_disk(&path, 1, room(1));
        let pragma = |database: &Database, name: &str| {
            let sql = format!("PRAGMA {name}");
            database.row(&sql, [], |row| row.get::<_, rusqlite::types::Value>(0)).unwrap().unwrap()
        };
        let full = rusqlite::types::Value::Integer(2);
        assert_eq!(pragma(&writer, "journal_mode"), rusqlite::types::Value::Text("wal".into()));
        assert_eq!(pragma(&writer, "synchronous"), full);
        let reader = Database::open_reader(&path, options_of(1)).unwrap();
        for database in [&writer, &reader] {
            assert_eq!(pragma(database, "foreign_keys"), rusqlite::types::Value::Integer(1));
            assert_eq!(pragma(database, "trusted_schema"), rusqlite::types::Value::Integer(0));
            assert!(database.connection.db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE).unwrap());
        }
        assert_eq!(reader.own_pk(), writer.own_pk());
    }

    #[test]
    fn a_reader_needs_a_file_and_a_file_needs_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(Database::open_reader(&folder.path().join("none.db"), options_of(1)), Err(StoreError::Io(_))));
        assert!(matches!(Database::open(&folder.path().join("no/such.db"), options_of(1)), Err(StoreError::Io(_))));
    }

    #[test]
    fn a_read_is_one_view() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("noroshi.db");
        let mut writer = on_disk(&path, 1, room(1));
        let reader = Database::open_reader(&path, options_of(1)).unwrap();
        reader
            .read(|reader| {
                let before = reader.setting("name")?;
                writer.write(|writing| writing.set_setting("name", b"new"))?;
                assert_eq!(reader.setting("name")?, before);
                Ok::<_, StoreError>(())
            })
            .unwrap();
        assert_eq!(reader.setting("name").unwrap(), Some(b"new".to_vec()));
        assert_eq!(in_memory(1, room(1)).setting("name").unwrap(), None);
    }
}
