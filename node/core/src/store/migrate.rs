//! Brings a database to the schema of this program: numbered steps, forward only, all of them or none.

use noroshi_sync::store::StoreError;
use refinery::{Migration, Runner};
use rusqlite::Connection;

/// Every step ever released, in order. A released step is never edited.
const STEPS: &[(&str, &str)] = &[
    ("V1__store", include_str!("../../migrations/V1__store.sql")),
    ("V10__rooms", include_str!("../../migrations/V10__rooms.sql")),
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
    runner.run(connection).map(|_| ()).map_err(|error| match error.kind() {
        refinery::error::Kind::MissingVersion(step) => {
            StoreError::Invalid(format!("the database is of a newer version of this program (it knows step {step})"))
        }
        refinery::error::Kind::DivergentVersion(step, _) => {
            StoreError::Damaged(format!("step {step} of the schema is not the one this program knows"))
        }
        _ => StoreError::Io(format!("the schema could not be brought up to date: {error}")),
    })
}
