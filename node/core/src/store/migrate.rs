//! Brings a database to the schema of this program: numbered steps, forward only, all of them or none.

use noroshi_sync::store::StoreError;
use refinery::{Migration, Runner};
use rusqlite::Connection;

use super::error::store_error;

/// Every step ever released, in order. A released step is never edited.
const STEPS: &[(&str, &str)] = &[
    ("V1__store", include_str!("../../migrations/V1__store.sql")),
    ("V10__rooms", include_str!("../../migrations/V10__rooms.sql")),
    ("V11__rights", include_str!("../../migrations/V11__rights.sql")),
    ("V12__imports", include_str!("../../migrations/V12__imports.sql")),
    ("V13__audit", include_str!("../../migrations/V13__audit.sql")),
    ("V14__signatures", include_str!("../../migrations/V14__signatures.sql")),
    ("V15__branches", include_str!("../../migrations/V15__branches.sql")),
    ("V16__blobs", include_str!("../../migrations/V16__blobs.sql")),
    ("V17__erasure", include_str!("../../migrations/V17__erasure.sql")),
    ("V18__links", include_str!("../../migrations/V18__links.sql")),
];

/// Applies what is missing in one transaction. A database of a newer program is refused and not touched.
pub(in crate::store) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let steps = STEPS
        .iter()
        .map(|(name, sql)| Migration::unapplied(name, sql))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| StoreError::Invalid(error.to_string()))?;
    // Grouped: refinery would otherwise commit a step and the note that it was done one after the other.
    let runner = Runner::new(&steps).set_grouped(true).set_abort_missing(true).set_abort_divergent(true);
    // A step may make a table anew to which others refer; the names stay the same. Without effect inside a transaction.
    connection.pragma_update(None, "foreign_keys", false).map_err(|error| store_error(&error))?;
    let done = runner.run(connection);
    connection.pragma_update(None, "foreign_keys", true).map_err(|error| store_error(&error))?;
    done.map(|_| ()).map_err(|error| match error.kind() {
        refinery::error::Kind::MissingVersion(step) => {
            StoreError::Invalid(format!("the database is of a newer version of this program (it knows step {step})"))
        }
        refinery::error::Kind::DivergentVersion(step, _) => {
            StoreError::Damaged(format!("step {step} of the schema is not the one this program knows"))
        }
        refinery::error::Kind::Connection(_, cause) if cause.is::<rusqlite::Error>() => {
            cause.downcast_ref().map_or(StoreError::Io(error.to_string()), store_error)
        }
        _ => StoreError::Io(format!("the schema could not be brought up to date: {error}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_database_is_refused_and_not_touched() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        migrate(&mut connection).unwrap();
        let note = "INSERT INTO refinery_schema_history SELECT 999, 'future', applied_on, checksum \
                    FROM refinery_schema_history LIMIT 1";
        connection.execute(note, []).unwrap();
        let error = migrate(&mut connection).unwrap_err();
        assert!(error.to_string().contains("newer version"), "{error}");
    }

    #[test]
    fn an_interrupted_step_leaves_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        // The last step fails, because its first table exists already with another shape.
        connection.execute_batch("CREATE TABLE events (nonsense)").unwrap();
        assert!(migrate(&mut connection).is_err());
        let tables: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'logs'", [], |row| row.get(0))
            .unwrap();
        assert_eq!(tables, 0);
    }
}
