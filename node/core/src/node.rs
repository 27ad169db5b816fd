//! The node of an office: everything the web layer, the daemon and the drills ask of it.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use noroshi_provisioning::{Directory, NodeIdentity};
use noroshi_sync::blob::BlobId;
use noroshi_sync::checkpoint::{InvalidKey, NodeKey};
use noroshi_sync::entry::Draft;
use noroshi_sync::id::{EntryId, Epoch, NodeId, StorageId};
use noroshi_sync::store::{StoreError, WallClock};
use tokio::sync::{Semaphore, broadcast, watch};
use uuid::Uuid;

use crate::background::{self, Received};
use crate::blobs::{Quota, Shelf};
use crate::clock::Clock;
use crate::deeds::Desk;
use crate::error::ServiceError;
use crate::hub::{Ending, Hub, LooksChanged};
use crate::peers::{CLOCK_SUSPECT_MS, LinkState, Links, PeerBoard};
use crate::people::{Attempts, CodeClocks, Consoles, Folds, Isolation, PasswordQueue, Sessions};
use crate::services::{Directories, Gaps, Health, Sight, Signals, Uploads, saved_links};
use crate::store::projection::Projection;
use crate::store::{Database, DatabaseOptions, Storage};

/// Name of the database in the data folder.
pub const DATABASE_FILE: &str = "noroshi.db";
/// The node that a store belongs to.
const OWNER_SETTING: &str = "owner";

/// How a node is opened.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// The data folder; holds or will hold [`DATABASE_FILE`].
    pub folder: PathBuf,
    pub clock: Arc<dyn Clock>,
    /// Random, fresh at every start.
    pub epoch: Epoch,
    /// Reading threads; four are enough for an office.
    pub readers: usize,
    /// Shown to everybody: nothing of this is real.
    pub demo: bool,
    /// Room for the files that go with messages.
    pub quota: Quota,
}

/// Why a node does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the node's key: {0}")]
    Key(#[from] InvalidKey),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0} belongs to another node than the keys beside it: put the right keys back, or join with a new folder")]
    OtherNode(String),
    #[error("the folder of attachments: {0}")]
    Attachments(std::io::Error),
    #[error("a thread cannot start: {0}")]
    Thread(std::io::Error),
}

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct Node {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub storage: Storage,
    pub projection: Arc<Projection>,
    pub hub: Arc<Hub>,
    pub clock: Arc<dyn Clock>,
    pub identity: NodeIdentity,
    pub folder: PathBuf,
    pub demo: bool,
    /// Milliseconds since 1970.
    pub started_ms: u64,
    pub links: Arc<Links>,
    pub board: PeerBoard,
    pub attempts: Attempts,
    pub code_clocks: CodeClocks,
    pub passwords: PasswordQueue,
    pub shelf: Arc<Shelf>,
    pub uploads: Uploads,
    /// One staff list at a time.
    pub imports: Arc<Semaphore>,
    /// One file for or of other offices at a time.
    pub bundles: Semaphore,
    /// One change of a password, and of the key that it seals, at a time.
    pub key_changes: Semaphore,
    pub sessions: Sessions,
    pub consoles: Consoles,
    pub isolation: Isolation,
    pub suspensions: Attempts,
    pub folds: Folds,
    pub sight: Sight,
    pub gaps: Gaps,
    pub signals: Signals,
    pub directories: Directories,
    pub health: Health,
    /// Said once, not every minute.
    pub time_is_behind: AtomicBool,
    background: Mutex<Option<JoinHandle<()>>>,
}

impl Node {
    /// Opens or creates the store in the folder and starts the background work. Blocks while the schema or the rows that
    /// people see are brought up to date.
    pub fn open(options: OpenOptions, identity: NodeIdentity) -> Result<Self, OpenError> {
        let root = identity.root_public_key();
        let (hub, momentary) = Hub::new(Arc::new(Directory::empty(identity.organisation())));
        let projection = Arc::new(Projection::new(root, hub.clone()));
        let database_options = database_options(&options, &identity, projection.clone())?;
        let path = options.folder.join(DATABASE_FILE);
        let shelf = Arc::new(Shelf::open(&options.folder, options.quota).map_err(OpenError::Attachments)?);
        let opening = prepare(&path, database_options.clone(), &projection, &shelf)?;
        let storage = Storage::open(&path, &database_options, options.readers)?;
        let links = Arc::new(Links::new(opening.links));
        let looks = Box::new(LooksChanged(hub.looks.clone()));
        let inner = Arc::new(Inner {
            storage,
            projection,
            board: PeerBoard::new(options.clock.clone(), links.clone(), looks),
            started_ms: options.clock.wall_ms(),
            clock: options.clock,
            identity,
            folder: options.folder,
            demo: options.demo,
            links,
            attempts: Attempts::default(),
            passwords: PasswordQueue::new(std::thread::available_parallelism().map_or(1, usize::from)),
            shelf,
            uploads: Uploads::default(),
            imports: Arc::new(Semaphore::new(1)),
            bundles: Semaphore::new(1),
            key_changes: Semaphore::new(1),
            sessions: Sessions::default(),
            consoles: Consoles::default(),
            isolation: Isolation::default(),
            suspensions: Attempts::default(),
            code_clocks: CodeClocks::default(),
            folds: Folds::default(),
            sight: Sight::default(),
            gaps: Gaps::default(),
            signals: Signals::default(),
            directories: Directories::default(),
            health: Health::default(),
            time_is_behind: AtomicBool::new(false),
            background: Mutex::default(),
            hub,
        });
        let received = Received { momentary, cursor: opening.cursor };
        let thread = background::start(&inner, received).map_err(OpenError::Thread)?;
        *inner.background.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(Self { inner })
    }

    /// Refuses new work, finishes what was begun, and closes the store.
    pub async fn close(&self) {
        self.inner.hub.stop.send_replace(true);
        let thread = self.inner.background.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && !matches!(tokio::task::spawn_blocking(move || thread.join()).await, Ok(Ok(())))
        {
            tracing::error!("the background work of the node panicked");
        }
        if let Err(error) = self.inner.write_folds(true).await {
            tracing::warn!(%error, "counts of refusals are missing in the audit log");
        }
        self.inner.storage.close().await;
    }

    pub fn id(&self) -> NodeId {
        self.inner.identity.node()
    }

    /// The directory as of the last commit.
    pub fn directory(&self) -> Arc<Directory> {
        self.inner.directory()
    }

    /// Follows log-ins that end before their time: people and devices that are stopped, passwords that changed.
    pub fn endings(&self) -> broadcast::Receiver<Ending> {
        self.inner.hub.endings.subscribe()
    }

    /// Follows the directory.
    pub fn directory_changes(&self) -> watch::Receiver<Arc<Directory>> {
        self.inner.hub.directory.subscribe()
    }
}

pub(crate) fn database_options(
    options: &OpenOptions,
    identity: &NodeIdentity,
    projector: Arc<Projection>,
) -> Result<DatabaseOptions, InvalidKey> {
    let wall = options.clock.clone();
    Ok(DatabaseOptions {
        key: Arc::new(NodeKey::from_seed(identity.key().seed())?),
        epoch: options.epoch,
        fresh_storage: StorageId::from_uuid(Uuid::now_v7()),
        wall_ms: Arc::new(move || wall.wall_ms()),
        projector,
    })
}

/// What is read before the threads start.
struct Opening {
    links: LinkState,
    /// Of the newest event.
    cursor: u64,
}

fn prepare(
    path: &Path,
    options: DatabaseOptions,
    projection: &Projection,
    shelf: &Shelf,
) -> Result<Opening, OpenError> {
    let mut database = Database::open(path, options)?;
    if !is_own(&mut database)? {
        return Err(OpenError::OtherNode(path.display().to_string()));
    }
    let mut damages = database.check_tails()?;
    damages.extend(database.check_audit_held()?);
    for damage in &damages {
        tracing::error!(%damage, "the store is not what it was");
    }
    projection.begin(&mut database)?;
    look_at_shelf(&mut database, shelf)?;
    database.write(|writing| projection.note_damages(writing, &damages))?;
    let now_ms = database.wall_ms();
    database.write(|writing| projection.advance(writing, now_ms))?;
    Ok(Opening { links: saved_links(&database)?, cursor: database.event_bounds()?.1 })
}

/// The files say what is here, not the rows: a backup of the one may be older than the other.
fn look_at_shelf(database: &mut Database, shelf: &Shelf) -> Result<(), OpenError> {
    let found: BTreeSet<BlobId> = shelf.all().map_err(OpenError::Attachments)?.into_iter().collect();
    let noted: BTreeSet<BlobId> = database.blobs_here()?.into_iter().collect();
    let whole: Vec<BlobId> = found.iter().filter(|blob| shelf.has(blob)).copied().collect();
    let lost: Vec<BlobId> = noted.iter().filter(|blob| !shelf.has(blob)).copied().collect();
    database.write(|writing| {
        for blob in whole.iter().filter(|blob| !noted.contains(blob)) {
            let pk = writing.ensure_blob(blob)?;
            writing.set_blob_here(pk, true)?;
        }
        for blob in &lost {
            let pk = writing.ensure_blob(blob)?;
            writing.set_blob_here(pk, false)?;
        }
        Ok::<_, StoreError>(())
    })?;
    if !lost.is_empty() {
        tracing::warn!(files = lost.len(), "attachments are missing on disk; they are fetched again");
    }
    Ok(())
}

/// Whether the store is this node's. It belongs to one for ever: under another key two histories would be mixed.
fn is_own(database: &mut Database) -> Result<bool, StoreError> {
    let own = database.node();
    match database.setting(OWNER_SETTING)? {
        Some(owner) => Ok(owner == own.as_bytes()),
        None => database.write(|writing| writing.set_setting(OWNER_SETTING, own.as_bytes())).map(|()| true),
    }
}

impl Inner {
    pub fn directory(&self) -> Arc<Directory> {
        self.hub.directory.borrow().clone()
    }

    /// The clock for entries: a clock known to be wrong is corrected, and says so in the entry.
    pub fn wall_clock(&self) -> WallClock {
        let (now_ms, offset_ms) = (self.clock.wall_ms(), self.board.own_clock_offset_ms());
        let wrong = offset_ms.unsigned_abs() > CLOCK_SUSPECT_MS.unsigned_abs();
        WallClock { now_ms, offset_ms: wrong.then_some(offset_ms) }
    }

    /// Does something at the desk, in a transaction of its own. On disk when it returns `Ok`.
    pub async fn act<T: Send + 'static>(
        &self,
        deed: impl FnOnce(&Desk<'_>) -> Result<T, ServiceError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        let (projection, clock) = (self.projection.clone(), self.wall_clock());
        let result = self
            .storage
            .write(move |writing| deed(&Desk { projection: &projection, writing, clock, mint: &mint }))
            .await;
        self.health.note(result.as_ref().err());
        result
    }

    /// Reads one state of the store.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, ServiceError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        self.storage.read(work).await
    }
}

impl Node {
    /// Appends entries of the ledger that were signed elsewhere: founding, people, invitations, enrolments, addresses.
    ///
    /// # Errors
    /// `Invalid` when one of them belongs into no ledger room; nothing is written then.
    pub async fn append_ledger(&self, drafts: Vec<Draft>) -> Result<(), ServiceError> {
        self.inner.act(move |desk| desk.append_ledger(drafts)).await
    }
}

fn mint() -> EntryId {
    EntryId::from_uuid(Uuid::now_v7())
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("id", &self.id()).field("folder", &self.inner.folder).finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // A node that was not closed: its background work ends by itself.
        self.hub.stop.send_replace(true);
    }
}
