//! Where everything that was committed is made known: to replication, to browsers, to the node's own background work.
//!
//! Nothing here waits: the writer calls it between two commits.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use noroshi_provisioning::Directory;
use noroshi_sync::id::{DeviceId, RoomId, UserId};
use tokio::sync::{Notify, broadcast, mpsc, watch};

use crate::events::Happening;
use crate::limits::{EVENTS_QUEUE, SIGNALS_QUEUE};
use crate::peers::Wake;
use crate::store::Committed;
use crate::store::projection::Listener;
use crate::view::NodeEvent;

/// Something that peers must be told of: a local append or register, or an audience. Without rooms: other attachments are
/// wanted than before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoreChange {
    pub latest_change: u64,
    pub rooms: Vec<RoomId>,
}

/// Log-ins of a person that are over: all of them, or those on one device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ending {
    pub user: UserId,
    pub device: Option<DeviceId>,
    /// The person or the device was stopped, and should forget what it holds; false: another password is needed.
    pub stopped: bool,
}

/// Endings that may wait for who holds streams open; who misses some looks at every stream.
const ENDINGS_QUEUE: usize = 1_024;
/// Changes that may wait for replication; who misses some asks the store for everything since.
const CHANGES_QUEUE: usize = 1_024;

#[derive(Debug)]
pub(crate) struct Hub {
    pub changes: broadcast::Sender<StoreChange>,
    pub events: broadcast::Sender<Arc<(u64, NodeEvent)>>,
    pub directory: watch::Sender<Arc<Directory>>,
    /// Events that are not kept: who is typing.
    pub momentary: mpsc::Sender<NodeEvent>,
    /// There are new rows in `events`.
    pub news: Notify,
    /// There may be registers to write.
    pub due: Notify,
    /// A line may have gone up or down.
    pub lines: Notify,
    /// The same, for those who tell the other nodes.
    pub lines_changed: Notify,
    /// Log-ins that are over before their time.
    pub endings: broadcast::Sender<Ending>,
    /// Peers may look different.
    pub looks: Arc<Notify>,
    /// Told once, when the node closes.
    pub stop: watch::Sender<bool>,
    /// Who may see what may have changed: answers given before this number are forgotten.
    rights: AtomicU64,
    touched: Mutex<HashSet<RoomId>>,
}

impl Hub {
    /// The second value receives what is momentary.
    pub fn new(directory: Arc<Directory>) -> (Arc<Self>, mpsc::Receiver<NodeEvent>) {
        let (momentary, received) = mpsc::channel(SIGNALS_QUEUE);
        let hub = Self {
            changes: broadcast::Sender::new(CHANGES_QUEUE),
            events: broadcast::Sender::new(EVENTS_QUEUE),
            directory: watch::Sender::new(directory),
            momentary,
            news: Notify::new(),
            due: Notify::new(),
            lines: Notify::new(),
            lines_changed: Notify::new(),
            endings: broadcast::Sender::new(ENDINGS_QUEUE),
            looks: Arc::new(Notify::new()),
            stop: watch::Sender::new(false),
            rights: AtomicU64::new(0),
            touched: Mutex::default(),
        };
        (Arc::new(hub), received)
    }

    /// The number of the present rights.
    pub fn rights(&self) -> u64 {
        self.rights.load(Ordering::Acquire)
    }

    /// Rooms in which something changed since the last call.
    pub fn take_touched(&self) -> HashSet<RoomId> {
        std::mem::take(&mut *self.touched.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Passes on what is not kept; when too much waits it is dropped, as such things may be.
    pub fn tell(&self, event: NodeEvent) {
        if self.momentary.try_send(event).is_err() {
            tracing::debug!("a momentary event was dropped");
        }
    }
}

impl Listener for Hub {
    fn committed(&self, committed: &Committed, happenings: Vec<(u64, Happening)>) {
        let changes_rights = |happening: &Happening| {
            matches!(happening, Happening::Room { .. } | Happening::RoomRemoved { .. } | Happening::Directory { .. })
        };
        if happenings.iter().any(|(_, happening)| changes_rights(happening)) {
            self.rights.fetch_add(1, Ordering::AcqRel);
        }
        for (_, happening) in &happenings {
            let ending = match happening {
                Happening::SessionsEnded { user, device } => Ending { user: *user, device: *device, stopped: true },
                Happening::PasswordChanged { user, device } => {
                    Ending { user: *user, device: Some(*device), stopped: false }
                }
                _ => continue,
            };
            // Nobody listens where no browser can come.
            let _ = self.endings.send(ending);
        }
        let rooms = committed.local.iter().chain(&committed.applied).copied();
        self.touched.lock().unwrap_or_else(PoisonError::into_inner).extend(rooms);
        if !committed.local.is_empty() {
            let change = StoreChange { latest_change: committed.latest_change, rooms: committed.local.clone() };
            // Nobody listens while the node is not connected to a network.
            let _ = self.changes.send(change);
        }
        if happenings.iter().any(|(_, happening)| matches!(happening, Happening::Attachment { .. })) {
            // Other attachments may be wanted than before: the sessions with peers look again.
            let _ = self.changes.send(StoreChange { latest_change: committed.latest_change, rooms: Vec::new() });
        }
        if !happenings.is_empty() {
            self.news.notify_one();
        }
        self.due.notify_one();
        self.looks.notify_one();
    }

    fn directory_changed(&self, directory: &Arc<Directory>) {
        self.directory.send_replace(directory.clone());
    }
}

/// The peer board wakes the background work when a peer looks different.
#[derive(Debug)]
pub(crate) struct LooksChanged(pub Arc<Notify>);

impl Wake for LooksChanged {
    fn wake(&self) {
        self.0.notify_one();
    }
}
