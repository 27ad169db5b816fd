//! The rows that people see, kept up to date with every entry and register that is stored.
//!
//! All of them are functions of the *set* of what is stored, in any order: an edit before its message, a message before
//! the right to write it, the same message written down by two offices. What is not (yet) entitled is kept hidden and
//! looked at again when rights change.
//!
//! ```text
//! ledger entries ─▶ directory ─┐
//! policy entries ──────────────┴▶ members, grants, audience ─▶ messages, marks, page changes: visible or hidden ─▶ page
//! ```
//!
//! Nothing here remembers what a rollback would make wrong: the resolved directory is named by a number in its table,
//! and what an item must still bring up to date is noted in the table `unsettled`.

mod audit;
mod directory;
mod erasures;
mod judging;
mod marks;
mod messages;
mod pages;
mod policy;
mod reads;
mod reindex;
mod signatures;
#[cfg(test)]
mod tests;
mod work;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use noroshi_provisioning::{Directory, Ledger};
use noroshi_sync::entry::{ENTRY_VERSION, Lane};
use noroshi_sync::id::RoomId;
use noroshi_sync::register::Register;
use noroshi_sync::store::StoreError;

use super::{Committed, Database, EntryPk, Projector, RoomPk, StoredEntry, Writing};
use crate::body::{Body, DocChange};
use crate::events::Happening;
pub use directory::Current;
use pages::Pages;
pub use reads::{LateShown, SHOWN_EVENTS_MAX, Shown};
use signatures::Checked;
use work::Work;

/// What an item has to bring up to date before it ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Unsettled {
    LedgerEntry(EntryPk),
    Policy(RoomPk),
    Page(RoomPk),
}

/// Hears of everything that became durable. Must not block.
pub trait Listener: Send + Sync {
    fn committed(&self, committed: &Committed, happenings: Vec<(u64, Happening)>);

    /// The directory that readers see from now on.
    fn directory_changed(&self, _directory: &Arc<Directory>) {}
}

/// Hears nothing: for tests and simulations that look at the tables.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoListener;

impl Listener for NoListener {
    fn committed(&self, _: &Committed, _: Vec<(u64, Happening)>) {}
}

/// Keeps the tables of `V10__rooms.sql`. One per database.
pub struct Projection {
    /// Public half of the organisation's root key.
    root: [u8; 32],
    resolved: Mutex<Resolved>,
    pages: Mutex<Pages>,
    /// There may be rows in `unsettled`.
    unsettled: AtomicBool,
    /// A peer has sent entries of an earlier run of this node.
    returned: AtomicBool,
    /// The directory of the last commit, for readers.
    published: RwLock<Arc<Directory>>,
    /// Signatures of devices that were checked before the writer needs them.
    checked: Checked,
    listener: Arc<dyn Listener>,
}

/// The ledger as the writer has resolved it.
struct Resolved {
    ledger: Ledger,
    current: Arc<Current>,
    /// Resolved in the running transaction and not yet published.
    unpublished: Vec<Arc<Current>>,
}

impl Projection {
    /// For the organisation with this root key (Ed25519 public). [`Projection::begin`] must run before anything else.
    pub fn new(root: [u8; 32], listener: Arc<dyn Listener>) -> Self {
        let ledger = Ledger::new(root);
        let empty = Directory::empty(ledger.rooms().organisation);
        let current = Arc::new(Current::of(0, empty.clone()));
        Self {
            root,
            resolved: Mutex::new(Resolved { ledger, current, unpublished: Vec::new() }),
            pages: Mutex::default(),
            unsettled: AtomicBool::new(true),
            returned: AtomicBool::new(false),
            published: RwLock::new(Arc::new(empty)),
            checked: Checked::default(),
            listener,
        }
    }

    /// Loads the directory of a database that was just opened, and rebuilds the rows if another version of this program
    /// computed them.
    pub fn begin(&self, database: &mut Database) -> Result<(), StoreError> {
        if !database.read(reindex::is_current)? {
            database.write(|writing| self.rebuild(writing, &mut |_, _| {}))?;
        }
        let current = database.write(|writing| {
            writing.forget_learned()?;
            let current = self.current(writing)?;
            audit::name_rooms(writing, &current.directory)?;
            Ok::<_, StoreError>(current)
        })?;
        self.publish(&current);
        Ok(())
    }

    /// The directory as of the last commit.
    pub fn directory(&self) -> Arc<Directory> {
        self.published.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn publish(&self, current: &Current) {
        *self.published.write().unwrap_or_else(PoisonError::into_inner) = current.directory.clone();
        self.listener.directory_changed(&current.directory);
    }

    fn resolved(&self) -> MutexGuard<'_, Resolved> {
        // What a panic left half done does not match the number in the table and is thrown away.
        self.resolved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unsettle(&self, writing: &Writing<'_>, what: Unsettled) -> Result<(), StoreError> {
        let (kind, pk) = what.columns();
        writing.execute("INSERT OR IGNORE INTO unsettled (what, pk) VALUES (?, ?)", (kind, pk))?;
        self.unsettled.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn work<'w, 'a>(&self, writing: &'w Writing<'a>) -> Result<Work<'w, 'a>, StoreError> {
        Ok(Work { writing, current: self.current(writing)?, quiet: false })
    }
}

impl Unsettled {
    const LEDGER_ENTRIES: i64 = 0;
    const POLICIES: i64 = 1;
    const PAGES: i64 = 2;

    const fn columns(self) -> (i64, i64) {
        match self {
            Self::LedgerEntry(entry) => (Self::LEDGER_ENTRIES, entry.0),
            Self::Policy(room) => (Self::POLICIES, room.0),
            Self::Page(room) => (Self::PAGES, room.0),
        }
    }
}

/// Takes the rows of one sort out of `unsettled`.
fn take_unsettled(writing: &Writing<'_>, what: i64) -> Result<Vec<i64>, StoreError> {
    let keys = writing.rows("SELECT pk FROM unsettled WHERE what = ? ORDER BY pk", [what], |row| row.get(0))?;
    if !keys.is_empty() {
        writing.execute("DELETE FROM unsettled WHERE what = ?", [what])?;
    }
    Ok(keys)
}

/// Notes that the register of this node about a room is out of date.
fn register_due(writing: &Writing<'_>, room: RoomPk) -> Result<(), StoreError> {
    writing.execute("INSERT OR IGNORE INTO register_due (room_pk) VALUES (?)", [room]).map(|_| ())
}

impl Projector for Projection {
    fn entry(&self, writing: &Writing<'_>, stored: &StoredEntry<'_>) -> Result<(), StoreError> {
        register_due(writing, stored.room)?;
        if stored.log.node == writing.node() && stored.log.epoch != writing.epoch() {
            self.returned.store(true, Ordering::Relaxed);
        }
        self.project(&self.work(writing)?, stored)
    }

    fn register(&self, writing: &Writing<'_>, room: RoomPk, register: &Register) -> Result<(), StoreError> {
        reads::take_register(&self.work(writing)?, room, register)
    }

    fn settle(&self, writing: &Writing<'_>) -> Result<(), StoreError> {
        if self.returned.swap(false, Ordering::Relaxed) {
            self.note_returned(writing)?;
        }
        if !self.unsettled.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.settle_ledger(writing)?;
        self.settle_rooms(&self.work(writing)?)?;
        self.unsettled.store(false, Ordering::Relaxed);
        Ok(())
    }

    fn committed(&self, committed: &Committed) {
        let happenings: Vec<(u64, Happening)> = committed
            .events
            .iter()
            .filter_map(|(cursor, event)| Some((*cursor, Happening::decode(event).ok()?)))
            .collect();
        let newest = happenings.iter().rev().find_map(|(_, happening)| match happening {
            Happening::Directory { version } => Some(*version),
            _ => None,
        });
        if let Some(version) = newest {
            let mut resolved = self.resolved();
            let found = resolved.unpublished.iter().rfind(|current| current.version == version).cloned();
            resolved.unpublished.clear();
            drop(resolved);
            if let Some(current) = found {
                self.publish(&current);
            }
        }
        self.listener.committed(committed, happenings);
    }
}

impl Projection {
    fn settle_rooms(&self, work: &Work<'_, '_>) -> Result<(), StoreError> {
        for room in take_unsettled(work, Unsettled::POLICIES)? {
            self.settle_policy(work, RoomPk(room))?;
        }
        for room in take_unsettled(work, Unsettled::PAGES)? {
            self.settle_page(work, RoomPk(room))?;
        }
        Ok(())
    }

    /// Everything an entry means by itself; what it means for others is noted as unsettled.
    fn project(&self, work: &Work<'_, '_>, stored: &StoredEntry<'_>) -> Result<(), StoreError> {
        if work.current.is_ledger(&stored.log.room) {
            return self.unsettle(work, Unsettled::LedgerEntry(stored.entry_pk));
        }
        if work.current.is_audit(&stored.log.room) && stored.log.lane != Lane::Policy {
            return audit::insert(work, stored);
        }
        if stored.log.lane == Lane::Policy {
            return self.unsettle(work, Unsettled::Policy(stored.room));
        }
        if stored.entry.version > ENTRY_VERSION {
            return Ok(());
        }
        // A body that cannot be read is not shown, today or ever.
        let body = Body::decode(stored.entry.kind, &stored.entry.body);
        if stored.entry.is_by_device() && body.is_ok() {
            self.insert_signature(work, stored)?;
        }
        match body {
            Ok(body @ Body::Message(_)) => messages::insert(work, stored, &body),
            Ok(body @ (Body::Edit(_) | Body::Redact(_) | Body::Reaction(_))) => marks::insert(work, stored, &body),
            Ok(Body::DocChange(change)) if DocChange::is_of_page(&change.document) => {
                pages::insert(work, stored, &Body::DocChange(change))?;
                self.unsettle(work, Unsettled::Page(stored.room))
            }
            Ok(Body::DocCut(cut)) => {
                pages::insert_cut(work, stored, &cut)?;
                self.unsettle(work, Unsettled::Page(stored.room))
            }
            Ok(Body::DocChange(_) | Body::Unknown) | Err(_) => Ok(()),
        }
    }

    /// Whether a room is of the organisation about itself, as far as known at the last commit.
    pub fn is_ledger(&self, room: &RoomId) -> bool {
        self.directory().ledger_audience(*room).is_some()
    }
}

impl fmt::Debug for Projection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Projection").finish_non_exhaustive()
    }
}
