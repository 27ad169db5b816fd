//! The SQLite store: the only place that knows SQL.
//!
//! [`Database`] is one synchronous connection; it implements [`noroshi_sync::store::Store`]. Writes happen inside a
//! [`Group`] (one transaction, one fsync, many items), through [`Writing`], which only exists there. The [`Projector`]
//! is called for every new entry and register inside the transaction, so that what people see never disagrees with the
//! logs. [`Writer`] owns the writing connection on a thread of its own and forms groups from what waits;
//! [`Readers`] answer on read-only connections; [`Storage`] is both together.
//!
//! Code of the domain that needs SQL lives in the `projection` and `query` folders here; it runs statements through
//! [`Database`]'s `row`, `rows`, `each`, `execute` and `insert`, which keep prepared statements and classify errors.

mod append;
mod apply;
mod audience;
mod audit;
mod branches;
mod cache;
mod check;
mod check_audit;
mod check_log;
mod database;
mod erasing;
mod error;
mod events;
mod group;
mod heads;
mod keys;
mod marks;
pub mod metrics;
mod migrate;
mod names;
mod offers;
pub mod projection;
mod projector;
pub mod query;
mod queue;
mod readers;
mod registers;
mod replica;
mod rows;
mod salvage;
mod settings;
mod snapshot;
mod state;
mod storage;
mod storage_id;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod wal;
mod windows;
mod writer;
mod writing;

pub use audience::Audience;
pub use audit::{AuditProof, AuditRow, UNREADABLE};
pub use check::{CheckReport, Damage, TAILS_MAX};
pub use database::{Database, DatabaseOptions, WallMs};
pub use events::EVENTS_KEPT;
pub use group::Group;
pub use keys::{AudiencePk, BlobPk, EntryPk, LogPk, NodePk, RoomPk, SEQ_MAX};
pub use projector::{Committed, NoProjector, Projector, StoredEntry};
pub use queue::Caller;
pub use readers::Readers;
pub use rows::Ledger;
pub use salvage::{Lost, Salvaged};
pub use snapshot::snapshot;
pub use storage::Storage;
pub use writer::{GROUP_ITEMS_MAX, Writer};
pub use writing::Writing;
