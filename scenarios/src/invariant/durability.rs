//! Nothing acknowledged is lost: every entry that a node vouched for is on its disk, byte for byte.

use std::collections::BTreeMap;

use noroshi_sync::log::{Hash, LogId};
use noroshi_sync::window::VerifiedWindow;

/// The promises of one node.
#[derive(Debug, Default)]
pub(crate) struct Promises {
    /// By log: how many entries were acknowledged, and the chain hash there.
    acknowledged: BTreeMap<LogId, (u64, Hash)>,
}

impl Promises {
    /// The node told somebody, a person or a peer, that it has the first `length` entries of a log.
    pub fn acknowledge(&mut self, log: &LogId, length: u64, hash: Hash) {
        let known = self.acknowledged.entry(*log).or_insert((length, hash));
        if known.0 < length {
            *known = (length, hash);
        }
    }

    pub fn logs(&self) -> impl Iterator<Item = (&LogId, u64)> {
        self.acknowledged.iter().map(|(log, (length, _))| (log, *length))
    }

    /// `windows` are all entries of the log that can be read now, ascending.
    pub fn check(&self, log: &LogId, windows: &[VerifiedWindow]) -> Result<(), String> {
        let Some((length, promised)) = self.acknowledged.get(log) else { return Ok(()) };
        let mut next = 1;
        let mut hash = log.genesis();
        for window in windows {
            for item in window.items() {
                if item.seq < next {
                    continue;
                }
                if item.seq > next || (item.seq == window.first() && window.base() != hash) {
                    break;
                }
                hash = item.chain_hash;
                if next == *length {
                    return if hash == *promised { Ok(()) } else { Err(format!("{log}: entry {next} is another one")) };
                }
                next += 1;
            }
        }
        Err(format!("{log}: {length} entries were acknowledged, entry {next} is missing"))
    }
}

#[cfg(test)]
mod tests {
    use noroshi_sync::checkpoint::NodeKey;
    use noroshi_sync::entry::{Draft, Lane};
    use noroshi_sync::id::{DeviceId, EntryId, Epoch, NodeId, RoomId, StorageId, UserId};
    use noroshi_sync::store::memory::MemoryStore;
    use noroshi_sync::store::{LogRange, Store, WallClock};

    use super::*;

    /// A log with `length` entries, its head, and its windows of at most ten entries.
    fn history(length: u64) -> (LogId, Hash, Vec<VerifiedWindow>) {
        let room = RoomId::from_bytes([1; 16]);
        let key = NodeKey::from_seed(&[1; 32]).unwrap();
        let node = key.node();
        let mut store = MemoryStore::new(key, Epoch(1), StorageId::from_bytes([1; 16]));
        let peer = NodeId::from_bytes([9; 32]);
        store.set_audience(room, [node, peer].into());
        for number in 1..=length {
            let id = EntryId::from_bytes([u8::try_from(number).unwrap(); 16]);
            let (author, device) = (UserId::from_bytes([3; 16]), DeviceId::from_bytes([4; 16]));
            let draft = Draft::attested(room, Lane::Normal, id, 1, author, device, EntryId::NIL, vec![]);
            store.append(vec![draft], WallClock { now_ms: 1_790_000_000_000, offset_ms: None }).unwrap();
        }
        let frontier = store.frontier(room);
        let (log, state) = frontier.first_key_value().unwrap();
        let windows =
            store.windows(&peer, &[LogRange { log: *log, first: 1, last: length }], 1_000_000).unwrap().windows;
        (*log, state.hash, windows.into_iter().map(|window| window.verify().unwrap()).collect())
    }

    fn promises(log: LogId, length: u64, hash: Hash) -> Promises {
        let mut promises = Promises::default();
        promises.acknowledge(&log, length, hash);
        promises
    }

    #[test]
    fn what_is_there_is_there() {
        let (log, hash, windows) = history(5);
        assert_eq!(promises(log, 5, hash).check(&log, &windows), Ok(()));
    }

    #[test]
    fn more_than_was_acknowledged_is_good() {
        let (log, hash, _) = history(3);
        let (_, _, windows) = history(5);
        assert_eq!(promises(log, 3, hash).check(&log, &windows), Ok(()));
    }

    #[test]
    fn a_lost_entry_and_another_history_are_found() {
        let (log, hash, windows) = history(5);
        let (_, _, short) = history(4);
        assert!(promises(log, 5, hash).check(&log, &short).is_err());
        assert!(promises(log, 5, hash).check(&log, &[]).is_err());
        assert!(promises(log, 5, Hash::from_bytes([0; 32])).check(&log, &windows).is_err());
        assert!(promises(log, 4, hash).check(&log, &windows).is_err());
    }

    #[test]
    fn an_earlier_promise_does_not_weaken_a_later_one() {
        let (log, hash, _) = history(5);
        let (_, early, short) = history(4);
        let mut promises = promises(log, 5, hash);
        promises.acknowledge(&log, 4, early);
        assert!(promises.check(&log, &short).is_err());
    }
}
