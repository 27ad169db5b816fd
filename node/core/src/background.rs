//! What a node does by itself: writing its registers, telling browsers what happened, looking after its peers.
//!
//! One thread with a runtime of its own, so that a node can be opened anywhere. It holds no reference that would keep a
//! forgotten node alive.

use std::io;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use noroshi_sync::store::StoreError;
use tokio::sync::{mpsc, watch};

use crate::hub::Hub;
use crate::limits::{AUDIT_FOLD_MS, REGISTER_DELAY_MS};
use crate::node::{Inner, Node};
use crate::peers::Pace;
use crate::view::NodeEvent;

/// Registers written in one transaction.
const REGISTERS_AT_ONCE: u32 = 256;
/// After a failed write of registers the next attempt waits this long.
const REGISTERS_RETRY: Duration = Duration::from_secs(2);
/// Peers are looked at at most this often.
const LOOKS_DELAY: Duration = Duration::from_millis(500);
/// The day and the lines are looked at this often.
const KEEP_UP_INTERVAL: Duration = Duration::from_secs(60);
/// Housekeeping of the store.
const CARE_INTERVAL: Duration = Duration::from_secs(6 * 3_600);

/// What the background work begins with.
pub(crate) struct Received {
    pub momentary: mpsc::Receiver<NodeEvent>,
    /// Of the newest event at the start.
    pub cursor: u64,
}

pub(crate) fn start(inner: &Arc<Inner>, received: Received) -> io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let (hub, weak) = (inner.hub.clone(), Arc::downgrade(inner));
    std::thread::Builder::new().name("node-background".into()).spawn(move || {
        runtime.block_on(async {
            tokio::join!(
                until_stopped(&hub, write_registers(&hub, &weak)),
                until_stopped(&hub, tell_events(&hub, &weak, received)),
                until_stopped(&hub, look_at_peers(&hub, &weak)),
                until_stopped(&hub, tell_lines(&hub, &weak)),
                until_stopped(&hub, care(&weak)),
                until_stopped(&hub, write_folds(&weak)),
                until_stopped(&hub, keep_up(&hub, &weak)),
            )
        });
    })
}

async fn until_stopped(hub: &Hub, work: impl Future<Output = ()>) {
    let mut stop: watch::Receiver<bool> = hub.stop.subscribe();
    tokio::select! {
        () = work => {}
        _ = stop.wait_for(|stopped| *stopped) => {}
    }
}

/// Registers follow what is held and read, gathered for at most [`REGISTER_DELAY_MS`].
async fn write_registers(hub: &Hub, node: &Weak<Inner>) {
    // What was due when the process ended last time is due now.
    hub.due.notify_one();
    loop {
        hub.due.notified().await;
        tokio::time::sleep(Duration::from_millis(REGISTER_DELAY_MS)).await;
        loop {
            let Some(inner) = node.upgrade() else { return };
            let written = inner.write_registers(REGISTERS_AT_ONCE).await;
            drop(inner);
            match written {
                Ok(0) => break,
                Ok(_) => {}
                Err(StoreError::Closed) => return,
                Err(error) => {
                    tracing::warn!(%error, "registers could not be written");
                    tokio::time::sleep(REGISTERS_RETRY).await;
                }
            }
        }
    }
}

impl Inner {
    async fn write_registers(&self, limit: u32) -> Result<usize, StoreError> {
        if !self.storage.read(|database| database.has_due_registers()).await? {
            return Ok(0);
        }
        self.storage.write(move |writing| writing.write_due_registers(limit)).await
    }
}

/// Everything reaches the browsers in the order of the table `events`; what is momentary in between.
async fn tell_events(hub: &Hub, node: &Weak<Inner>, received: Received) {
    let Received { mut momentary, mut cursor } = received;
    loop {
        tokio::select! {
            () = hub.news.notified() => {
                let Some(inner) = node.upgrade() else { return };
                cursor = match inner.tell_events_after(cursor).await {
                    Ok(cursor) => cursor,
                    Err(error) => {
                        tracing::warn!(%error, "events could not be read");
                        cursor
                    }
                };
            }
            event = momentary.recv() => {
                let Some(event) = event else { return };
                // Nobody listens: it is gone, as such things may be.
                let _ = hub.events.send(Arc::new((cursor, event)));
            }
        }
    }
}

/// Peers whose state or gaps changed are told to browsers, not more often than people can read.
async fn look_at_peers(hub: &Hub, node: &Weak<Inner>) {
    loop {
        hub.looks.notified().await;
        tokio::time::sleep(LOOKS_DELAY).await;
        hub.lines.notify_one();
        let Some(inner) = node.upgrade() else { return };
        hub.lines_changed.notify_one();
        if let Err(error) = inner.write_cuts().await {
            tracing::warn!(%error, "the history of cut lines could not be written");
        }
        if let Err(error) = inner.raise_alarms().await {
            tracing::warn!(%error, "an alarm could not be kept");
        }
        if hub.events.receiver_count() == 0 {
            continue;
        }
        match inner.peers_that_look_different().await {
            Ok(peers) => peers.into_iter().for_each(|node| hub.tell(NodeEvent::Peer { node })),
            Err(error) => tracing::warn!(%error, "the peers could not be looked at"),
        }
    }
}

/// The other nodes are told of this one's lines, for the map; seldom, and nothing while nothing changes.
async fn tell_lines(hub: &Hub, node: &Weak<Inner>) {
    let mut pace = Pace::default();
    loop {
        hub.lines_changed.notified().await;
        let Some(mono_ms) = node.upgrade().map(|inner| inner.clock.mono_ms()) else { return };
        tokio::time::sleep(Duration::from_millis(pace.delay_ms(mono_ms))).await;
        let Some(inner) = node.upgrade() else { return };
        match inner.tell_lines().await {
            Ok(Some(bytes)) => pace.told(inner.clock.mono_ms(), bytes),
            Ok(None) => {}
            Err(StoreError::Closed) => return,
            Err(error) => tracing::warn!(%error, "the other offices could not be told of the lines"),
        }
    }
}

/// Rights change with the ledger, with the day and with the lines; all three are looked at.
async fn keep_up(hub: &Hub, node: &Weak<Inner>) {
    let mut directory = hub.directory.subscribe();
    loop {
        {
            let Some(inner) = node.upgrade() else { return };
            inner.count_blobs().await;
            match (Node { inner }).keep_up().await {
                Ok(()) => {}
                Err(error) => tracing::warn!(%error, "the upkeep of rights failed"),
            }
        }
        tokio::select! {
            changed = directory.changed() => if changed.is_err() { return },
            () = hub.lines.notified() => {}
            () = tokio::time::sleep(KEEP_UP_INTERVAL) => {}
        }
    }
}

async fn care(node: &Weak<Inner>) {
    loop {
        tokio::time::sleep(CARE_INTERVAL).await;
        let Some(inner) = node.upgrade() else { return };
        if let Err(error) = inner.storage.write(|writing| writing.forget_learned()).await {
            tracing::warn!(%error, "the store could not be tidied");
        }
        if let Err(error) = inner.tidy_blobs().await {
            tracing::warn!(%error, "attachments could not be tidied");
        }
    }
}

/// What was counted in the minute that is over goes into the audit log.
async fn write_folds(node: &Weak<Inner>) {
    loop {
        tokio::time::sleep(Duration::from_millis(AUDIT_FOLD_MS)).await;
        let Some(inner) = node.upgrade() else { return };
        if let Err(error) = inner.write_folds(false).await {
            tracing::warn!(%error, "refusals could not be written into the audit log");
        }
    }
}
