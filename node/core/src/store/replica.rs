//! [`Database`] as the store of replication.

use noroshi_sync::digest::Digest;
use noroshi_sync::entry::Draft;
use noroshi_sync::frontier::LogState;
use noroshi_sync::id::{NodeId, RoomId};
use noroshi_sync::log::LogId;
use noroshi_sync::register::SignedRegister;
use noroshi_sync::store::{
    Appended, Applied, Batch, ChangePage, Greeting, Holding, LogRange, RoomLines, Standing, Store, StoreError,
    WallClock, WindowPage,
};

use super::database::Database;

impl Store for Database {
    fn greeting(&self, peer: &NodeId) -> Result<Greeting, StoreError> {
        self.read(|database| database.greet(peer))
    }

    fn changes(&self, peer: &NodeId, after: u64) -> Result<ChangePage, StoreError> {
        self.read(|database| database.changed(peer, after))
    }

    fn list(&self, peer: &NodeId, after: Option<RoomId>) -> Result<Vec<(RoomId, Digest)>, StoreError> {
        self.read(|database| database.listed(peer, after))
    }

    fn offers(&self, peer: &NodeId, rooms: &[RoomId]) -> Result<Vec<RoomLines>, StoreError> {
        self.read(|database| database.offered(peer, rooms))
    }

    fn holdings(&self, peer: &NodeId, rooms: &[RoomId]) -> Result<Vec<Holding>, StoreError> {
        self.read(|database| database.held_of(peer, rooms))
    }

    fn standings(&self, offered: &[(LogId, LogState)]) -> Result<Vec<Standing>, StoreError> {
        self.read(|database| offered.iter().map(|(log, theirs)| database.line_stands(log, theirs)).collect())
    }

    fn windows(&self, peer: &NodeId, ranges: &[LogRange], bytes_max: usize) -> Result<WindowPage, StoreError> {
        self.read(|database| database.windows_for(peer, ranges, bytes_max))
    }

    fn registers(&self, peer: &NodeId, wanted: &[(RoomId, NodeId)]) -> Result<Vec<SignedRegister>, StoreError> {
        self.read(|database| {
            let mut found = Vec::with_capacity(wanted.len());
            for (room, node) in wanted {
                if database.shared_room(room, peer)?.is_some() {
                    found.extend(database.signed_register(room, node)?);
                }
            }
            Ok(found)
        })
    }

    fn apply(&mut self, batch: Batch) -> Result<Applied, StoreError> {
        self.write(|writing| writing.apply(&batch))
    }

    fn append(&mut self, drafts: Vec<Draft>, clock: WallClock) -> Result<Vec<Appended>, StoreError> {
        self.write(|writing| writing.append(drafts, clock))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use noroshi_sync::checkpoint::NodeKey;
    use noroshi_sync::id::Epoch;
    use noroshi_sync::log::{Hash, LogId};
    use noroshi_sync::register::RegisterVersion;
    use noroshi_sync::store::conformance::Fixture;

    use super::*;
    use crate::store::testing::{everyone, options};

    fn admit(mut database: Database) -> Database {
        database.write(|writing| writing.set_writers(&everyone())).unwrap();
        database
    }

    struct OnDisk(tempfile::TempDir);
    struct InMemory;

    impl Fixture for InMemory {
        type Store = Database;
        fn open(&self, key: NodeKey, epoch: Epoch) -> Database {
            admit(Database::in_memory(options(key, epoch)).unwrap())
        }
        fn restart(&self, store: Database, epoch: Epoch) -> Database {
            store.restart(epoch).unwrap()
        }
        fn set_audience(&self, store: &mut Database, room: RoomId, nodes: &BTreeSet<NodeId>) {
            store.write(|writing| writing.set_audience(&room, &nodes.clone().into())).unwrap();
        }
        fn erase(&self, store: &mut Database, log: LogId, seq: u64, hash: Hash) {
            store.write(|writing| writing.erase(&log, seq, &hash)).unwrap();
        }
        fn write_register(&self, store: &mut Database, room: RoomId, version: RegisterVersion, reads: &[u8]) {
            store.write(|writing| writing.write_register_as(&room, version, reads.to_vec())).unwrap();
        }
    }

    impl Fixture for OnDisk {
        type Store = Database;
        fn open(&self, key: NodeKey, epoch: Epoch) -> Database {
            let folder = tempfile::tempdir_in(self.0.path()).unwrap().keep();
            admit(Database::open(&folder.join("noroshi.db"), options(key, epoch)).unwrap())
        }
        fn restart(&self, store: Database, epoch: Epoch) -> Database {
            InMemory.restart(store, epoch)
        }
        fn set_audience(&self, store: &mut Database, room: RoomId, nodes: &BTreeSet<NodeId>) {
            InMemory.set_audience(store, room, nodes);
        }
        fn erase(&self, store: &mut Database, log: LogId, seq: u64, hash: Hash) {
            InMemory.erase(store, log, seq, hash);
        }
        fn write_register(&self, store: &mut Database, room: RoomId, version: RegisterVersion, reads: &[u8]) {
            InMemory.write_register(store, room, version, reads);
        }
    }

    mod in_memory {
        use super::InMemory;
        noroshi_sync::store_conformance!(InMemory);
    }

    mod on_disk {
        use super::OnDisk;
        noroshi_sync::store_conformance!(OnDisk(tempfile::tempdir().unwrap()));
    }
}
