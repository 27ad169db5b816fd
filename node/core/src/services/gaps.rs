//! How much each peer lacks of what is here, and the reverse, summed over all rooms. Only rooms that changed are counted
//! again.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use noroshi_sync::id::{NodeId, RoomId};
use noroshi_sync::store::StoreError;

use crate::node::Inner;
use crate::store::query::Gap;

#[derive(Debug, Default)]
pub(crate) struct Gaps {
    counted: Mutex<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    /// All rooms were counted once.
    complete: bool,
    rooms: HashMap<RoomId, BTreeMap<NodeId, Gap>>,
    totals: BTreeMap<NodeId, Gap>,
    /// Of an average entry.
    entry_bytes: u64,
}

impl Counted {
    fn set(&mut self, room: RoomId, gaps: BTreeMap<NodeId, Gap>) {
        for (node, gap) in self.rooms.remove(&room).unwrap_or_default() {
            *self.totals.entry(node).or_default() -= gap;
        }
        for (node, gap) in &gaps {
            *self.totals.entry(*node).or_default() += *gap;
        }
        if gaps.values().any(|gap| *gap != Gap::default()) {
            self.rooms.insert(room, gaps);
        }
    }
}

impl Inner {
    /// Bytes of an average entry, as of the last count.
    pub(super) fn entry_bytes(&self) -> u64 {
        self.gaps.counted.lock().unwrap_or_else(PoisonError::into_inner).entry_bytes
    }

    /// The gaps towards every peer as of now.
    pub(super) async fn gaps(&self) -> Result<BTreeMap<NodeId, Gap>, StoreError> {
        let touched: Vec<RoomId> = self.hub.take_touched().into_iter().collect();
        let complete = self.gaps.counted.lock().unwrap_or_else(PoisonError::into_inner).complete;
        if complete && touched.is_empty() {
            let totals = self.gaps.counted.lock().unwrap_or_else(PoisonError::into_inner).totals.clone();
            // Also where nothing moves: that is a rate, too.
            self.board.note_waiting(&totals);
            return Ok(totals);
        }
        let counted = self
            .storage
            .read(move |database| {
                let rooms = if complete { touched } else { database.rooms_known()? };
                let gaps = rooms.into_iter().map(|room| Ok((room, database.gaps(&room)?)));
                Ok((gaps.collect::<Result<Vec<_>, StoreError>>()?, database.entry_bytes()?))
            })
            .await;
        let mut known = self.gaps.counted.lock().unwrap_or_else(PoisonError::into_inner);
        match counted {
            Ok((counted, entry_bytes)) => {
                known.complete = true;
                known.entry_bytes = entry_bytes;
                counted.into_iter().for_each(|(room, gaps)| known.set(room, gaps));
                self.board.note_waiting(&known.totals);
                Ok(known.totals.clone())
            }
            Err(error) => {
                // What was touched is not known any more: count all rooms next time.
                known.complete = false;
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_counted_again_replaces_its_former_count() {
        let (a, b) = (NodeId::from_bytes([1; 32]), NodeId::from_bytes([2; 32]));
        let (one, two) = (RoomId::from_bytes([1; 16]), RoomId::from_bytes([2; 16]));
        let gap = |here, there| Gap { here, there, ..Gap::default() };
        let mut counted = Counted::default();
        counted.set(one, BTreeMap::from([(a, gap(1, 2)), (b, gap(0, 5))]));
        counted.set(two, BTreeMap::from([(a, gap(10, 0))]));
        assert_eq!(counted.totals, BTreeMap::from([(a, gap(11, 2)), (b, gap(0, 5))]));
        counted.set(one, BTreeMap::from([(a, gap(0, 0))]));
        assert_eq!(counted.totals, BTreeMap::from([(a, gap(10, 0)), (b, gap(0, 0))]));
        assert!(!counted.rooms.contains_key(&one), "rooms without a gap cost nothing");
    }
}
