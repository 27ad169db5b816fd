//! What replication asks of a disk. Two implementations pass the same suite ([`conformance`]): one in memory
//! ([`memory`]), one on SQLite in `node/core`.
//!
//! A store numbers its changes: every transaction that touches a log or a register gives the touched rows the next
//! `change`. A peer remembers the highest change of ours that it has applied, its *cursor*, so the cost of catching up
//! follows what changed and not what is stored.

pub mod conformance;
pub mod ledger_only;
pub mod memory;

pub use ledger_only::Scope;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::blob::{BlobId, Groups};
use crate::digest::Digest;
use crate::entry::Draft;
use crate::frontier::{Frontier, LogState};
use crate::hlc::Hlc;
use crate::id::{EntryId, NodeId, RoomId, StorageId};
use crate::log::LogId;
use crate::register::{RegisterVersion, SignedRegister, VerifiedRegister};
use crate::window::{VerifiedWindow, Window};

/// How far into the changes of one storage somebody has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Serialize, Deserialize)]
pub struct Cursor {
    pub storage: StorageId,
    pub change: u64,
}

/// What a greeting to a peer says about the store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Greeting {
    pub storage: StorageId,
    pub latest_change: u64,
    /// How much of the peer's changes is applied here; change 0 when the peer was never met.
    pub cursor: Cursor,
    /// Sum of the audiences that name the peer.
    pub shared: Digest,
    /// The part of `shared` that is ledger.
    pub ledger: Digest,
}

/// Lines of one room: all of them, or those that changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoomLines {
    pub room: RoomId,
    pub logs: Frontier,
    pub registers: BTreeMap<NodeId, RegisterVersion>,
}

/// One page of changes, in the order ledger rooms first, then oldest change first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChangePage {
    pub rooms: Vec<RoomLines>,
    /// Everything shared with the peer up to this change is in this page or in earlier ones.
    pub up_to: u64,
    pub more: bool,
}

/// What may be taken from a peer for a room, by the policy held here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Admission {
    /// This node and the peer are both in the audience.
    Everything,
    /// The policy held here does not (yet) name both: only lane `policy` is taken, which may tell otherwise.
    PolicyOnly,
}

/// What this store holds of a room, to find out what is missing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Holding {
    pub lines: RoomLines,
    pub admission: Admission,
    /// A room of the organisation about itself: goes before the others.
    pub ledger: bool,
}

/// Entries `first ..= last` of a log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash, Serialize, Deserialize)]
pub struct LogRange {
    pub log: LogId,
    pub first: u64,
    pub last: u64,
}

/// The answer to a request for ranges.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct WindowPage {
    /// Each ends at a checkpoint, so the last entries may be more than were asked for.
    pub windows: Vec<Window>,
    /// Not read yet, because the page is full.
    pub rest: Vec<LogRange>,
    /// Not held here, or not to be given to this peer.
    pub unavailable: Vec<LogRange>,
}

/// What is stored in one transaction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Batch {
    pub peer: NodeId,
    pub windows: Vec<VerifiedWindow>,
    pub registers: Vec<VerifiedRegister>,
    /// The peer's cursor after this batch; stored only when no window of the batch is refused.
    pub cursor: Option<Cursor>,
}

/// What became of one window of a batch. The others of the batch are not touched by a refusal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WindowOutcome {
    /// On disk, or was already. The state is that of the log now; of a log that forks, the history up to the last entry
    /// of the window, which is held without a gap.
    Stored {
        log: LogId,
        state: LogState,
    },
    Refused {
        log: LogId,
        first: u64,
        last: u64,
        refusal: Refusal,
    },
}

/// Why a verified window is not stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    #[error("this node or the sender is not in the audience of the room")]
    NotAdmitted,
    #[error("the writer is not a node of the organisation")]
    UnknownWriter,
    /// What is held of the log forks, or this is another history of it, and the window does not begin behind anything
    /// that is held: a history is taken from where it joins.
    #[error("the entries do not follow what is held of the log")]
    Unjoined,
    #[error("the node signed more histories of the log than are kept")]
    TooManyBranches,
    #[error("the log has too many gaps; only its contiguous end is taken")]
    TooManyGaps,
    #[error("an entry is erased without an act of erasure known here")]
    ErasedWithoutGrounds,
    #[error("the node did not begin the epoch of this log")]
    UnknownLog,
}

/// What became of a batch. It is on disk (fsynced) when this is returned.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Applied {
    pub latest_change: u64,
    pub windows: Vec<WindowOutcome>,
    /// Rooms with something new in them.
    pub rooms: Vec<RoomId>,
    /// Logs of which a further history became known with this batch.
    pub forks: Vec<LogId>,
}

/// How a line on offer stands to what is held here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Standing {
    /// What is held of the line, as far as that can be told without its entries.
    pub held: LogState,
    /// `false`: the line is of a history that leaves what is held here at a place that is not known yet.
    pub agrees: bool,
}

/// A local entry that has been given its place and is on disk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Appended {
    pub log: LogId,
    pub seq: u64,
    pub id: EntryId,
    pub hlc: Hlc,
    pub wall_ms: u64,
}

/// The writer's clock at an append.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct WallClock {
    /// Milliseconds since 1970 by this machine.
    pub now_ms: u64,
    /// This machine's clock minus its peers', when that is known to be wrong.
    pub offset_ms: Option<i64>,
}

impl WallClock {
    /// The time with the known error taken out; what stamps are made of.
    pub fn corrected_ms(&self) -> u64 {
        self.now_ms.saturating_add_signed(self.offset_ms.unwrap_or(0).saturating_neg())
    }
}

/// Why a store cannot do it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StoreError {
    /// Refused before anything was written: the disk is full.
    #[error("the disk is full")]
    Full,
    /// The outcome of a write is unknown; the store must be opened again.
    #[error("the disk failed: {0}")]
    Io(String),
    /// What is stored is not what was stored.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// The store is closing.
    #[error("the store is closed")]
    Closed,
    /// A bug or a value over a limit; nothing was written.
    #[error("not a valid request: {0}")]
    Invalid(String),
}

/// A durable set of logs and registers. All answers are about what is on disk.
pub trait Store {
    fn greeting(&self, peer: &NodeId) -> Result<Greeting, StoreError>;

    /// What changed after `after` in rooms whose audience names the peer; at most
    /// [`CHANGES_ROOMS_MAX`](crate::limits::CHANGES_ROOMS_MAX) rooms and about
    /// [`CHANGES_LINES_MAX`](crate::limits::CHANGES_LINES_MAX) lines.
    fn changes(&self, peer: &NodeId, after: u64) -> Result<ChangePage, StoreError>;

    /// Rooms shared with the peer and their digests, ascending, after `after`; at most
    /// [`LIST_ROOMS_MAX`](crate::limits::LIST_ROOMS_MAX).
    fn list(&self, peer: &NodeId, after: Option<RoomId>) -> Result<Vec<(RoomId, Digest)>, StoreError>;

    /// All lines of those of the rooms that are shared with the peer.
    fn offers(&self, peer: &NodeId, rooms: &[RoomId]) -> Result<Vec<RoomLines>, StoreError>;

    /// What is held of each of the rooms, known or not, in the order asked.
    fn holdings(&self, peer: &NodeId, rooms: &[RoomId]) -> Result<Vec<Holding>, StoreError>;

    /// How lines that a peer offers stand to what is held, in the order asked.
    fn standings(&self, offered: &[(LogId, LogState)]) -> Result<Vec<Standing>, StoreError>;

    /// Entries for the peer, about `bytes_max` bytes of them, at least one window if any is available.
    fn windows(&self, peer: &NodeId, ranges: &[LogRange], bytes_max: usize) -> Result<WindowPage, StoreError>;

    /// Register batches for the peer; those not held or not shared are left out.
    fn registers(&self, peer: &NodeId, wanted: &[(RoomId, NodeId)]) -> Result<Vec<SignedRegister>, StoreError>;

    /// Stores verified windows and registers in one transaction. Idempotent.
    fn apply(&mut self, batch: Batch) -> Result<Applied, StoreError>;

    /// Appends entries of this node, gives each log touched its checkpoint, all in one transaction.
    fn append(&mut self, drafts: Vec<Draft>, clock: WallClock) -> Result<Vec<Appended>, StoreError>;
}

/// A question of a session to the store, as data: the driver asks it, where and when it likes, and brings the [`Answer`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Query {
    Greeting {
        peer: NodeId,
    },
    Changes {
        peer: NodeId,
        after: u64,
    },
    List {
        peer: NodeId,
        after: Option<RoomId>,
    },
    Offers {
        peer: NodeId,
        rooms: Vec<RoomId>,
    },
    Holdings {
        peer: NodeId,
        rooms: Vec<RoomId>,
        /// The lines of these rooms that the peer offers.
        offered: Vec<(LogId, LogState)>,
    },
    Windows {
        peer: NodeId,
        ranges: Vec<LogRange>,
        bytes_max: usize,
    },
    Registers {
        peer: NodeId,
        wanted: Vec<(RoomId, NodeId)>,
    },
    Apply(Batch),
    /// Attachments that are wanted here and that a message of a room shared with the peer shows; at most
    /// [`BLOBS_PAGE_MAX`](crate::limits::BLOBS_PAGE_MAX), those in `except` left out.
    BlobsWanted {
        peer: NodeId,
        except: Vec<BlobId>,
    },
    /// A part of an attachment for the peer, with its proof.
    BlobSlice {
        peer: NodeId,
        room: RoomId,
        blob: BlobId,
        groups: Groups,
    },
    /// A part from the peer: kept if it is proved and wanted.
    BlobStore {
        peer: NodeId,
        room: RoomId,
        blob: BlobId,
        groups: Groups,
        slice: Vec<u8>,
    },
    /// The peer says that it has these on disk.
    BlobsHeld {
        peer: NodeId,
        blobs: Vec<BlobId>,
    },
    /// The same, of the ledger alone ([`ledger_only`]).
    LedgerOnly(Box<Query>),
}

/// An attachment to be fetched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlobWanted {
    /// Shows it, and is shared with the peer.
    pub room: RoomId,
    pub blob: BlobId,
    /// What is not here.
    pub missing: Vec<Groups>,
}

/// A part of an attachment for a peer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BlobPart {
    Slice(Vec<u8>),
    NotHere,
    /// No message shows it in a room shared with the peer.
    NotShared,
}

/// What became of a part from a peer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BlobStored {
    Kept {
        /// It is here now, whole and on disk.
        complete: bool,
    },
    /// Not wanted any more, or there is no room.
    Unwanted,
    /// Not a part of that attachment.
    Forged,
}

impl Query {
    /// Whether the query needs the writer.
    pub fn is_write(&self) -> bool {
        match self {
            Self::LedgerOnly(inner) => inner.is_write(),
            other => matches!(other, Self::Apply(_) | Self::BlobStore { .. } | Self::BlobsHeld { .. }),
        }
    }

    /// The peer for whom it is asked.
    pub fn peer(&self) -> &NodeId {
        match self {
            Self::Greeting { peer }
            | Self::Changes { peer, .. }
            | Self::List { peer, .. }
            | Self::Offers { peer, .. }
            | Self::Holdings { peer, .. }
            | Self::Windows { peer, .. }
            | Self::Registers { peer, .. }
            | Self::BlobsWanted { peer, .. }
            | Self::BlobSlice { peer, .. }
            | Self::BlobStore { peer, .. }
            | Self::BlobsHeld { peer, .. } => peer,
            Self::Apply(batch) => &batch.peer,
            Self::LedgerOnly(inner) => inner.peer(),
        }
    }
}

/// The answer to a [`Query`], of the kind of the same name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    Greeting(Greeting),
    Changes(ChangePage),
    List(Vec<(RoomId, Digest)>),
    Offers(Vec<RoomLines>),
    /// … and how the offered lines stand, in the order asked.
    Holdings(Vec<Holding>, Vec<Standing>),
    Windows(WindowPage),
    Registers(Vec<SignedRegister>),
    Applied(Applied),
    BlobsWanted(Vec<BlobWanted>),
    BlobSlice(BlobPart),
    BlobStored(BlobStored),
    BlobsNoted,
}

/// Answers a reading query.
pub fn read<S: Store + ?Sized>(store: &S, query: &Query) -> Result<Answer, StoreError> {
    Ok(match query {
        Query::Greeting { peer } => Answer::Greeting(store.greeting(peer)?),
        Query::Changes { peer, after } => Answer::Changes(store.changes(peer, *after)?),
        Query::List { peer, after } => Answer::List(store.list(peer, *after)?),
        Query::Offers { peer, rooms } => Answer::Offers(store.offers(peer, rooms)?),
        Query::Holdings { peer, rooms, offered } => {
            Answer::Holdings(store.holdings(peer, rooms)?, store.standings(offered)?)
        }
        Query::Windows { peer, ranges, bytes_max } => Answer::Windows(store.windows(peer, ranges, *bytes_max)?),
        Query::Registers { peer, wanted } => Answer::Registers(store.registers(peer, wanted)?),
        Query::LedgerOnly(inner) => ledger_only::read(store, inner)?,
        Query::BlobsWanted { .. } | Query::BlobSlice { .. } | Query::BlobStore { .. } | Query::BlobsHeld { .. } => {
            without_blobs(query)?
        }
        Query::Apply(_) => return Err(StoreError::Invalid("a write was asked of a reader".into())),
    })
}

/// A store of logs has no attachments, wants none and gives none; who has some answers these questions before they come
/// here.
fn without_blobs(query: &Query) -> Result<Answer, StoreError> {
    Ok(match query {
        Query::BlobsWanted { .. } => Answer::BlobsWanted(Vec::new()),
        Query::BlobSlice { .. } => Answer::BlobSlice(BlobPart::NotShared),
        Query::BlobStore { .. } => Answer::BlobStored(BlobStored::Unwanted),
        Query::BlobsHeld { .. } => Answer::BlobsNoted,
        _ => return Err(StoreError::Invalid("no question about attachments".into())),
    })
}

/// Answers any query.
pub fn execute<S: Store + ?Sized>(store: &mut S, query: Query) -> Result<Answer, StoreError> {
    match query {
        Query::Apply(batch) => Ok(Answer::Applied(store.apply(batch)?)),
        Query::LedgerOnly(inner) => match *inner {
            Query::Apply(batch) => Ok(Answer::Applied(ledger_only::apply(store, batch)?)),
            reading => ledger_only::read(store, &reading),
        },
        reading => read(store, &reading),
    }
}
