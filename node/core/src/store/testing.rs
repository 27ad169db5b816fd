//! Databases, keys and drafts for the store's own tests.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use noroshi_sync::checkpoint::NodeKey;
use noroshi_sync::entry::{Draft, Lane};
use noroshi_sync::id::{DeviceId, EntryId, Epoch, NodeId, RoomId, StorageId, UserId};
use noroshi_sync::log::LogId;
use noroshi_sync::store::conformance::key;
use noroshi_sync::store::{LogRange, Store, WallClock};
use noroshi_sync::window::VerifiedWindow;

use super::{Database, DatabaseOptions, NoProjector, Writing};

pub const NOW_MS: u64 = 1_790_000_000_000;
pub const CLOCK: WallClock = WallClock { now_ms: NOW_MS, offset_ms: None };

pub fn options(key: NodeKey, epoch: Epoch) -> DatabaseOptions {
    DatabaseOptions {
        fresh_storage: StorageId::from_bytes(*key.node().as_bytes().first_chunk().unwrap()),
        key: Arc::new(key),
        epoch,
        wall_ms: Arc::new(|| NOW_MS),
        projector: Arc::new(NoProjector),
    }
}

/// The options of node `number` in its epoch `number`.
pub fn options_of(number: u8) -> DatabaseOptions {
    options(key(number), Epoch(number.into()))
}

/// Nodes 1 to 4.
pub fn everyone() -> BTreeSet<NodeId> {
    (1..=4).map(|number| key(number).node()).collect()
}

/// Enrols everyone, and opens the room to them.
pub fn admit(writing: &Writing<'_>, room: RoomId) {
    writing.set_writers(&everyone()).unwrap();
    writing.set_audience(&room, &everyone().into()).unwrap();
}

pub fn in_memory(number: u8, room: RoomId) -> Database {
    opened(Database::in_memory(options_of(number)).unwrap(), room)
}

pub fn on_disk(path: &Path, number: u8, room: RoomId) -> Database {
    opened(Database::open(path, options_of(number)).unwrap(), room)
}

fn opened(mut database: Database, room: RoomId) -> Database {
    database
        .write(|writing| {
            admit(writing, room);
            Ok::<_, noroshi_sync::store::StoreError>(())
        })
        .unwrap();
    database
}

pub fn draft(room: RoomId, lane: Lane, number: u64, body_bytes: usize) -> Draft {
    let mut id = [0x70; 16];
    id[8..16].copy_from_slice(&number.to_be_bytes());
    let (author, device) = (UserId::from_bytes([3; 16]), DeviceId::from_bytes([4; 16]));
    Draft::attested(room, lane, EntryId::from_bytes(id), 1, author, device, EntryId::NIL, vec![b'a'; body_bytes])
}

/// Windows of a range as a peer would get them.
pub fn windows(store: &impl Store, log: LogId, first: u64, last: u64) -> Vec<VerifiedWindow> {
    let range = LogRange { log, first, last };
    let page = store.windows(&key(4).node(), &[range], usize::MAX).unwrap();
    page.windows.into_iter().map(|window| window.verify().unwrap()).collect()
}
