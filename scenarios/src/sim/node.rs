//! One office's node: the real replica, the real database and the real projections, with everything volatile in one
//! place, so that it can die.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use noroshi_node::deeds::Desk;
use noroshi_node::error::ServiceError;
use noroshi_node::peers::{CLOCK_SUSPECT_MS, own_offset_ms};
use noroshi_node::store::projection::{NoListener, Projection};
use noroshi_node::store::{Committed, Database, DatabaseOptions, Projector, RoomPk, StoredEntry, Writing};
use noroshi_sync::checkpoint::NodeKey;
use noroshi_sync::entry::Lane;
use noroshi_sync::event::Ticket;
use noroshi_sync::frontier::LogState;
use noroshi_sync::id::{EntryId, Epoch, NodeId, RoomId, StorageId};
use noroshi_sync::log::LogId;
use noroshi_sync::register::Register;
use noroshi_sync::replica::Replica;
use noroshi_sync::store::{Applied, Batch, Cursor, StoreError, WallClock};

use super::deed::Request;
use super::founding::mint;
use super::random::Random;
use crate::invariant::durability::Promises;
use crate::invariant::heads::Heads;
use crate::scenario::CrashMoment;

/// Items of one transaction, as in the node's writer.
const GROUP_MAX: usize = 512;
/// Registers written in one transaction.
const REGISTERS_AT_ONCE: u32 = 1_000;

/// The projector of the database for the life of one process.
struct Seat(RwLock<Arc<Projection>>);

impl Seat {
    fn holder(&self) -> Arc<Projection> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace(&self, projection: Arc<Projection>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = projection;
    }
}

impl Projector for Seat {
    fn entry(&self, writing: &Writing<'_>, stored: &StoredEntry<'_>) -> Result<(), StoreError> {
        self.holder().entry(writing, stored)
    }
    fn register(&self, writing: &Writing<'_>, room: RoomPk, register: &Register) -> Result<(), StoreError> {
        self.holder().register(writing, room, register)
    }
    fn settle(&self, writing: &Writing<'_>) -> Result<(), StoreError> {
        self.holder().settle(writing)
    }
    fn committed(&self, committed: &Committed) {
        self.holder().committed(committed);
    }
}

/// Work for the writer.
#[derive(Debug)]
pub(crate) enum Job {
    Apply {
        ticket: Ticket,
        batch: Batch,
    },
    Person(Request),
    /// The registers that are due.
    Registers,
}

/// What became of one job, once it is on disk.
#[derive(Debug)]
pub(crate) enum Done {
    Applied { ticket: Ticket, peer: NodeId, cursor: Option<Cursor>, result: Result<Applied, StoreError> },
    Person { request: Request, result: Result<(), ServiceError>, logs: Vec<(LogId, LogState)> },
    Registers(Result<(), StoreError>),
}

/// What a commit came to.
#[derive(Debug)]
pub(crate) enum Commit {
    Done(Vec<Done>, Committed),
    /// The process died just before or just after it.
    Died(CrashMoment),
}

/// Everything that a crash destroys.
#[derive(Debug)]
pub(crate) struct Process {
    pub number: u64,
    pub replica: Replica,
    pub jobs: VecDeque<Job>,
    /// The writer is about to commit.
    pub writing: bool,
    pub registers_planned: bool,
    /// Dies at the next commit.
    pub armed: Option<CrashMoment>,
    /// Questions not answered yet.
    pub questions: usize,
    /// Measured clocks of the peers minus this one's.
    pub offsets_ms: BTreeMap<NodeId, i64>,
    pub in_sync: BTreeSet<NodeId>,
}

/// See the module.
pub(crate) struct Node {
    pub name: String,
    pub id: NodeId,
    root: [u8; 32],
    clock: Arc<AtomicU64>,
    pub clock_error_ms: i64,
    seat: Arc<Seat>,
    /// Missing only while it is opened again.
    database: Option<Database>,
    pub process: Option<Process>,
    pub started: u64,
    random: Random,
    /// Requests whose outcome nobody knows.
    pub outbox: BTreeMap<u64, Request>,
    pub heads: Heads,
    pub promises: Promises,
    /// A deliberate fault of the node, to see whether it is found.
    pub sabotage: Option<Sabotage>,
}

/// Faults that a node of this kind must never have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sabotage {
    /// Acknowledges people's work and does not commit it.
    AcknowledgesTooEarly,
    /// Moves its cursor over data that it threw away.
    SkipsData,
}

impl Node {
    pub fn new(
        name: &str,
        seed: &[u8; 32],
        root: [u8; 32],
        wall_ms: u64,
        mut random: Random,
    ) -> Result<Self, StoreError> {
        let key = NodeKey::from_seed(seed).map_err(|error| StoreError::Invalid(error.to_string()))?;
        let id = key.node();
        let clock = Arc::new(AtomicU64::new(wall_ms));
        let seat = Arc::new(Seat(RwLock::new(Arc::new(Projection::new(root, Arc::new(NoListener))))));
        let time = clock.clone();
        let options = DatabaseOptions {
            key: Arc::new(key),
            epoch: Epoch(u64::from_be_bytes(random.bytes())),
            fresh_storage: StorageId::from_bytes(random.bytes()),
            wall_ms: Arc::new(move || time.load(Ordering::Relaxed)),
            projector: seat.clone(),
        };
        let mut database = Database::in_memory(options)?;
        seat.holder().begin(&mut database)?;
        Ok(Self {
            name: name.to_owned(),
            id,
            root,
            clock,
            clock_error_ms: 0,
            seat,
            database: Some(database),
            process: Some(Process::new(1, id)),
            started: 1,
            random,
            outbox: BTreeMap::new(),
            heads: Heads::default(),
            promises: Promises::default(),
            sabotage: None,
        })
    }

    pub fn database(&self) -> Result<&Database, StoreError> {
        self.database.as_ref().ok_or(StoreError::Closed)
    }

    pub fn set_wall_ms(&self, wall_ms: u64) {
        self.clock.store(wall_ms, Ordering::Relaxed);
    }

    /// All that is volatile is gone.
    pub fn die(&mut self) -> Option<Process> {
        self.process.take()
    }

    /// A new process over what is on the disk.
    pub fn start(&mut self) -> Result<(), StoreError> {
        let epoch = Epoch(u64::from_be_bytes(self.random.bytes()));
        let projection = Arc::new(Projection::new(self.root, Arc::new(NoListener)));
        self.seat.replace(projection.clone());
        let mut database = self.database.take().ok_or(StoreError::Closed)?.restart(epoch)?;
        projection.begin(&mut database)?;
        self.database = Some(database);
        self.started += 1;
        self.process = Some(Process::new(self.started, self.id));
        Ok(())
    }

    pub fn has_due_registers(&self) -> Result<bool, StoreError> {
        self.database()?.has_due_registers()
    }

    /// An empty database of the same node, for the proof that the order of arrival does not matter.
    pub fn twin(&mut self) -> Result<(Database, Arc<Projection>), StoreError> {
        let projection = Arc::new(Projection::new(self.root, Arc::new(NoListener)));
        let options = DatabaseOptions {
            epoch: Epoch(u64::from_be_bytes(self.random.bytes())),
            fresh_storage: StorageId::from_bytes(self.random.bytes()),
            projector: projection.clone(),
            ..self.database()?.options().clone()
        };
        let mut database = Database::in_memory(options)?;
        projection.begin(&mut database)?;
        Ok((database, projection))
    }

    /// Computes everything people see anew from the entries.
    pub fn reindex(&mut self) -> Result<(), StoreError> {
        let projection = self.seat.holder();
        projection.reindex(self.database.as_mut().ok_or(StoreError::Closed)?, |_, _| {})
    }

    /// One transaction over the work that waits.
    pub fn commit(&mut self) -> Result<Commit, StoreError> {
        let Some(process) = &mut self.process else { return Ok(Commit::Done(Vec::new(), Committed::default())) };
        process.writing = false;
        let armed = process.armed.take();
        let clock = process.clock(self.clock.load(Ordering::Relaxed));
        let jobs: Vec<Job> = process.jobs.drain(..process.jobs.len().min(GROUP_MAX)).collect();
        let projection = self.seat.holder();
        let database = self.database.as_mut().ok_or(StoreError::Closed)?;
        let mut bench = Bench { projection: &projection, clock, random: &mut self.random, sabotage: self.sabotage };
        let mut done = Vec::with_capacity(jobs.len());
        let mut group = database.begin()?;
        for job in jobs {
            let result = match &job {
                Job::Apply { batch, .. } => {
                    group.item(|writing| bench.apply(writing, batch)).map(Some).map_err(Trouble::Store)
                }
                Job::Person(request) => {
                    group.item(|writing| bench.perform(writing, request)).map(|()| None).map_err(Trouble::Service)
                }
                Job::Registers => group
                    .item(|writing| writing.write_due_registers(REGISTERS_AT_ONCE))
                    .map(|_| None)
                    .map_err(Trouble::Store),
            };
            done.push(job.done(result));
        }
        if armed == Some(CrashMoment::BeforeCommit) {
            return Ok(Commit::Died(CrashMoment::BeforeCommit));
        }
        let forgets = self.sabotage == Some(Sabotage::AcknowledgesTooEarly)
            && done.iter().any(|done| matches!(done, Done::Person { .. }));
        if forgets {
            let lost = Committed::default();
            for done in &mut done {
                done.pretend(self.id);
            }
            return Ok(Commit::Done(done, lost));
        }
        let committed = group.commit()?;
        if armed == Some(CrashMoment::AfterCommit) {
            return Ok(Commit::Died(CrashMoment::AfterCommit));
        }
        for done in &mut done {
            done.look_up(self.database.as_ref().ok_or(StoreError::Closed)?)?;
        }
        Ok(Commit::Done(done, committed))
    }
}

/// What the items of a group share.
struct Bench<'a> {
    projection: &'a Projection,
    clock: WallClock,
    random: &'a mut Random,
    sabotage: Option<Sabotage>,
}

impl Bench<'_> {
    fn apply(&self, writing: &Writing<'_>, batch: &Batch) -> Result<Applied, StoreError> {
        if self.sabotage == Some(Sabotage::SkipsData) && batch.cursor.is_some() {
            let nothing = Batch { windows: Vec::new(), registers: Vec::new(), ..batch.clone() };
            return writing.apply(&nothing);
        }
        writing.apply(batch)
    }

    fn perform(&mut self, writing: &Writing<'_>, request: &Request) -> Result<(), ServiceError> {
        let random = std::cell::RefCell::new(self.random.split());
        let now_ms = self.clock.now_ms;
        let mint = || EntryId::from_uuid(mint(&mut random.borrow_mut(), now_ms));
        let desk = Desk { projection: self.projection, writing, clock: self.clock, mint: &mint };
        request.deed.perform(&desk, &request.actor)
    }
}

enum Trouble {
    Store(StoreError),
    Service(ServiceError),
}

impl From<Trouble> for StoreError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Store(error) => error,
            Trouble::Service(error) => Self::Invalid(error.to_string()),
        }
    }
}

impl Job {
    fn done(self, result: Result<Option<Applied>, Trouble>) -> Done {
        match self {
            Self::Apply { ticket, batch } => Done::Applied {
                ticket,
                peer: batch.peer,
                cursor: batch.cursor,
                result: result.map(Option::unwrap_or_default).map_err(StoreError::from),
            },
            Self::Person(request) => Done::Person {
                request,
                result: result.map(drop).map_err(|trouble| match trouble {
                    Trouble::Store(error) => error.into(),
                    Trouble::Service(error) => error,
                }),
                logs: Vec::new(),
            },
            Self::Registers => Done::Registers(result.map(drop).map_err(StoreError::from)),
        }
    }
}

impl Done {
    /// Notes how far the node's own logs have come with what a person wrote.
    fn look_up(&mut self, database: &Database) -> Result<(), StoreError> {
        if let Self::Person { request, result: Ok(()), logs } = self
            && let Some(room) = request.deed.room()
        {
            for log in own_logs(room, database.node(), database.epoch()) {
                let state = database.log_state(&log)?;
                if state.length > 0 {
                    logs.push((log, state));
                }
            }
        }
        Ok(())
    }

    /// Claims that something was written.
    fn pretend(&mut self, node: NodeId) {
        if let Self::Person { request, result: Ok(()), logs } = self
            && let Some(room) = request.deed.room()
        {
            let log = LogId::new(room, node, Epoch(0), Lane::Normal);
            logs.push((log, LogState { length: 1, ..LogState::empty(&log) }));
        }
    }
}

fn own_logs(room: RoomId, node: NodeId, epoch: Epoch) -> impl Iterator<Item = LogId> {
    Lane::ALL.into_iter().map(move |lane| LogId::new(room, node, epoch, lane))
}

impl Process {
    fn new(number: u64, node: NodeId) -> Self {
        Self {
            number,
            replica: Replica::new(node),
            jobs: VecDeque::new(),
            writing: false,
            registers_planned: false,
            armed: None,
            questions: 0,
            offsets_ms: BTreeMap::new(),
            in_sync: BTreeSet::new(),
        }
    }

    fn clock(&self, now_ms: u64) -> WallClock {
        let offset_ms = own_offset_ms(self.offsets_ms.values().copied());
        WallClock { now_ms, offset_ms: (offset_ms.abs() > CLOCK_SUSPECT_MS).then_some(offset_ms) }
    }
}
