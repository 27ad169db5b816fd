//! What the same entries cost without a network: verified, projected and committed by the store alone, in one process.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use noroshi_node::store::projection::{NoListener, Projection};
use noroshi_node::store::{Database, DatabaseOptions};
use noroshi_provisioning::{KeyFolder, NodeIdentity};
use noroshi_sync::checkpoint::NodeKey;
use noroshi_sync::entry::Lane;
use noroshi_sync::id::{Epoch, NodeId, StorageId};
use noroshi_sync::store::{Batch, LogRange, Store};
use noroshi_sync::window::Window;

/// Uncompressed bytes a transaction, as a session asks for them.
const BATCH_BYTES: usize = 192 * 1024;

/// Stores everything that `writer` (the folder of a stopped office) wrote into a fresh store of `reader`; how long the
/// messages took. Ledger and policies go before, unmeasured.
pub fn measure(writer: &Path, reader: &Path, scratch: &Path) -> Duration {
    let (source, theirs) = open(writer, &writer.join("noroshi.db"), 1);
    let (mut target, ours) = open(reader, &scratch.join("baseline.db"), 2);
    let peer = theirs.node();
    let (first, then) = windows(&source, ours.node(), peer);
    for batch in first {
        apply(&mut target, peer, batch);
    }
    let start = Instant::now();
    for batch in then {
        apply(&mut target, peer, batch);
    }
    start.elapsed()
}

fn open(folder: &Path, database: &Path, number: u64) -> (Database, NodeIdentity) {
    let identity = KeyFolder::in_data_folder(folder).load_node().unwrap();
    let projection = Arc::new(Projection::new(identity.root_public_key(), Arc::new(NoListener)));
    let options = DatabaseOptions {
        key: Arc::new(NodeKey::from_seed(identity.key().seed()).unwrap()),
        epoch: Epoch(number),
        fresh_storage: StorageId::from_uuid(uuid::Uuid::now_v7()),
        wall_ms: Arc::new(|| 1_790_000_000_000),
        projector: projection.clone(),
    };
    let mut database = Database::open(database, options).unwrap();
    projection.begin(&mut database).unwrap();
    (database, identity)
}

type Batches = Vec<Vec<Window>>;

/// All policies that the source holds, and the messages that its own node wrote, in batches.
fn windows(source: &Database, peer: NodeId, writer: NodeId) -> (Batches, Batches) {
    let (mut policies, mut messages) = (Vec::new(), Vec::new());
    let mut after = 0;
    loop {
        let page = source.changes(&peer, after).unwrap();
        for (log, state) in page.rooms.iter().flat_map(|room| &room.logs) {
            let range = LogRange { log: *log, first: 1, last: state.length };
            if state.length > 0 && log.lane == Lane::Policy {
                policies.push(range);
            } else if state.length > 0 && log.node == writer {
                messages.push(range);
            }
        }
        after = page.up_to;
        if !page.more {
            break;
        }
    }
    (read(source, peer, policies), read(source, peer, messages))
}

fn read(source: &Database, peer: NodeId, mut ranges: Vec<LogRange>) -> Batches {
    let mut batches = Vec::new();
    while !ranges.is_empty() {
        let page = source.windows(&peer, &ranges, BATCH_BYTES).unwrap();
        ranges = page.rest;
        batches.push(page.windows);
    }
    batches
}

fn apply(target: &mut Database, peer: NodeId, windows: Vec<Window>) {
    let windows = windows.into_iter().map(|window| window.verify().unwrap()).collect();
    let applied = target.apply(Batch { peer, windows, registers: Vec::new(), cursor: None }).unwrap();
    assert!(!applied.windows.is_empty());
}
