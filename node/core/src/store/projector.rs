//! What the store tells the domain: each entry and register that is new, inside the transaction that stores it.

use noroshi_sync::entry::Entry;
use noroshi_sync::id::RoomId;
use noroshi_sync::log::LogId;
use noroshi_sync::register::Register;
use noroshi_sync::store::StoreError;

use super::keys::{EntryPk, LogPk, RoomPk};
use super::writing::Writing;

/// An entry that was just stored, by this node or from a peer.
#[derive(Debug, Clone, Copy)]
pub struct StoredEntry<'a> {
    pub room: RoomPk,
    pub log_pk: LogPk,
    pub entry_pk: EntryPk,
    pub log: &'a LogId,
    pub entry: &'a Entry,
    /// When it was stored here, milliseconds since 1970.
    pub received_ms: u64,
}

/// What became durable with one COMMIT.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    pub latest_change: u64,
    /// Rooms changed by this node: appends, own registers, audiences. What peers must be told of.
    pub local: Vec<RoomId>,
    /// Rooms changed by what a peer sent.
    pub applied: Vec<RoomId>,
    /// Events with their cursors, in order.
    pub events: Vec<(u64, Vec<u8>)>,
}

/// Keeps the rows that people see. Every method but [`Projector::committed`] runs inside the transaction; what it
/// writes through [`Writing`] commits or rolls back with the entries. An error fails the item it belongs to, so content
/// from outside must never cause one: a body that cannot be read is a row that is not shown.
///
/// A projector keeps no state of its own that a rollback would make wrong.
pub trait Projector: Send + Sync {
    /// Each newly stored entry, once in the life of the database, whatever the order of arrival. The log's head already
    /// counts the whole append or window.
    fn entry(&self, writing: &Writing<'_>, stored: &StoredEntry<'_>) -> Result<(), StoreError>;

    /// Each register batch that replaced an older one. `held` rows are written already.
    fn register(&self, writing: &Writing<'_>, room: RoomPk, register: &Register) -> Result<(), StoreError>;

    /// After the last entry of an append or window, before the next one is judged: the place to resolve policies once
    /// for many entries. Cheap when there is nothing to do.
    fn settle(&self, writing: &Writing<'_>) -> Result<(), StoreError>;

    /// After COMMIT: the place to broadcast. Must not block.
    fn committed(&self, committed: &Committed);
}

/// Keeps nothing: for stores that only replicate.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProjector;

impl Projector for NoProjector {
    fn entry(&self, _: &Writing<'_>, _: &StoredEntry<'_>) -> Result<(), StoreError> {
        Ok(())
    }
    fn register(&self, _: &Writing<'_>, _: RoomPk, _: &Register) -> Result<(), StoreError> {
        Ok(())
    }
    fn settle(&self, _: &Writing<'_>) -> Result<(), StoreError> {
        Ok(())
    }
    fn committed(&self, _: &Committed) {}
}
