//! What this store tells peers about itself: greetings, changes, lists and frontiers. Nothing here reads an entry.

use noroshi_sync::digest::Digest;
use noroshi_sync::frontier::{Frontier, LogState};
use noroshi_sync::id::{NodeId, RoomId, StorageId};
use noroshi_sync::limits::{CHANGES_LINES_MAX, CHANGES_ROOMS_MAX, LIST_ROOMS_MAX};
use noroshi_sync::log::Hash;
use noroshi_sync::store::{Admission, ChangePage, Cursor, Greeting, Holding, RoomLines, StoreError};

use super::audience::room_is_shared;
use super::database::Database;
use super::keys::RoomPk;
use super::names::log_id;
use super::rows::{Ledger, decode_above};

/// Rooms that changed, the oldest change first.
const CHANGED: &str = concat!(
    "SELECT room_pk, id, change, ledger FROM rooms WHERE change > ?3 AND ",
    room_is_shared!(),
    " ORDER BY change LIMIT ?4"
);
/// Rooms with something in them, ascending.
const LISTED: &str = concat!(
    "SELECT id, digest FROM rooms WHERE id > ?3 AND digest <> zeroblob(32) AND ",
    room_is_shared!(),
    " ORDER BY id LIMIT ?4"
);

impl Database {
    pub(in crate::store) fn greet(&self, peer: &NodeId) -> Result<Greeting, StoreError> {
        let (shared, ledger) = self.shared_sums(peer)?;
        Ok(Greeting {
            storage: self.storage()?,
            latest_change: self.latest_change()?,
            cursor: self.cursor(peer)?,
            shared,
            ledger,
        })
    }

    /// How much of a peer's changes is applied here.
    pub fn cursor(&self, peer: &NodeId) -> Result<Cursor, StoreError> {
        let never = Cursor { storage: StorageId::NIL, change: 0 };
        let Some(peer) = self.node_pk(peer)? else { return Ok(never) };
        let cursor = self.row("SELECT storage, change FROM cursors WHERE node_pk = ?", [peer], |row| {
            let change = row.get::<_, i64>(1)?.cast_unsigned();
            Ok(Cursor { storage: StorageId::from_bytes(row.get(0)?), change })
        })?;
        Ok(cursor.unwrap_or(never))
    }

    pub(in crate::store) fn changed(&self, peer: &NodeId, after: u64) -> Result<ChangePage, StoreError> {
        let mut page = ChangePage { rooms: Vec::new(), up_to: self.latest_change()?, more: false };
        let after = after.min(page.up_to);
        // One more than fits, to know whether there is more.
        let changed = self.rows(
            CHANGED,
            (self.own_pk(), self.peer_pk(peer)?, after.cast_signed(), CHANGES_ROOMS_MAX as i64 + 1),
            |row| {
                let change = row.get::<_, i64>(2)?.cast_unsigned();
                Ok((row.get::<_, RoomPk>(0)?, RoomId::from_bytes(row.get(1)?), change, row.get::<_, i64>(3)?))
            },
        )?;
        let (mut lines, mut up_to) = (0, after);
        let mut rooms = Vec::with_capacity(changed.len());
        for (room_pk, room, change, ledger) in changed {
            if rooms.len() == CHANGES_ROOMS_MAX || lines >= CHANGES_LINES_MAX {
                (page.more, page.up_to) = (true, up_to);
                break;
            }
            let offer = self.lines(room_pk, room, after)?;
            up_to = change;
            let count = offer.logs.len() + offer.registers.len();
            if count > 0 {
                lines += count;
                rooms.push((ledger == Ledger::No.number(), offer));
            }
        }
        rooms.sort_by_key(|(ordinary, _)| *ordinary);
        page.rooms = rooms.into_iter().map(|(_, offer)| offer).collect();
        Ok(page)
    }

    pub(in crate::store) fn listed(
        &self,
        peer: &NodeId,
        after: Option<RoomId>,
    ) -> Result<Vec<(RoomId, Digest)>, StoreError> {
        // No id sorts before the empty one.
        let after = after.as_ref().map_or(&[][..], |room| room.as_bytes());
        self.rows(LISTED, (self.own_pk(), self.peer_pk(peer)?, after, LIST_ROOMS_MAX as i64), |row| {
            Ok((RoomId::from_bytes(row.get(0)?), Digest::from_bytes(row.get(1)?)))
        })
    }

    pub(in crate::store) fn offered(&self, peer: &NodeId, rooms: &[RoomId]) -> Result<Vec<RoomLines>, StoreError> {
        let mut offers = Vec::with_capacity(rooms.len());
        for room in rooms {
            let Some(pk) = self.shared_room(room, peer)? else { continue };
            let offer = self.lines(pk, *room, 0)?;
            if !(offer.logs.is_empty() && offer.registers.is_empty()) {
                offers.push(offer);
            }
        }
        Ok(offers)
    }

    pub(in crate::store) fn held_of(&self, peer: &NodeId, rooms: &[RoomId]) -> Result<Vec<Holding>, StoreError> {
        let holding = |room: &RoomId| {
            let shared = self.shared_room(room, peer)?.is_some();
            let admission = if shared { Admission::Everything } else { Admission::PolicyOnly };
            let Some(pk) = self.room_pk(room)? else {
                let lines = RoomLines { room: *room, logs: Frontier::new(), registers: Default::default() };
                return Ok(Holding { lines, admission, ledger: false });
            };
            let ledger = self.row("SELECT ledger FROM rooms WHERE room_pk = ?", [pk], |row| row.get::<_, i64>(0))?;
            let ledger = ledger.is_some_and(|ledger| ledger != Ledger::No.number());
            Ok(Holding { lines: self.lines(pk, *room, 0)?, admission, ledger })
        };
        rooms.iter().map(holding).collect()
    }

    /// Lines of a room that changed after `after`.
    fn lines(&self, room_pk: RoomPk, room: RoomId, after: u64) -> Result<RoomLines, StoreError> {
        let mut logs = Frontier::new();
        let found = self.rows(
            "SELECT rooms.id, nodes.id, epoch, lane, branch_first, branch_hash, length, hash, above
             FROM logs JOIN nodes USING (node_pk) JOIN rooms USING (room_pk)
             WHERE room_pk = ? AND logs.change > ? AND (length > 0 OR above <> x'') AND NOT aside",
            (room_pk, after.cast_signed()),
            |row| {
                let length = row.get::<_, i64>(6)?.cast_unsigned();
                Ok((log_id(row, 0)?, length, Hash::from_bytes(row.get(7)?), row.get::<_, Vec<u8>>(8)?))
            },
        )?;
        for (log, length, hash, above) in found {
            logs.insert(log, LogState { length, hash, above: decode_above(&above)?.0 });
        }
        Ok(RoomLines { room, logs, registers: self.register_versions(room_pk, after)? })
    }

    /// Exactly what is held of a room.
    pub fn frontier(&self, room: &RoomId) -> Result<Frontier, StoreError> {
        self.read(|database| match database.room_pk(room)? {
            Some(pk) => Ok(database.lines(pk, *room, 0)?.logs),
            None => Ok(Frontier::new()),
        })
    }
}

#[cfg(test)]
mod tests {
    use noroshi_sync::store::conformance::room;

    use super::*;
    use crate::store::testing::in_memory;

    #[test]
    fn the_cost_follows_what_changed_and_not_what_is_stored() {
        let database = in_memory(1, room(1));
        let plan = |sql: &str| {
            let steps =
                database.rows(&format!("EXPLAIN QUERY PLAN {sql}"), (1, 2, 3, 4), |row| row.get::<_, String>(3));
            steps.unwrap().join("\n")
        };
        let changed = plan(CHANGED);
        assert!(changed.contains("SEARCH rooms USING INDEX rooms_by_change (change>?)"), "{changed}");
        let listed = plan(LISTED);
        assert!(listed.contains("SEARCH rooms USING INDEX sqlite_autoindex_rooms_1 (id>?)"), "{listed}");
        for plan in [changed, listed] {
            assert!(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{plan}");
        }
    }
}
