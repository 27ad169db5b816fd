//! A cursor is never ahead of the data: whoever says «I have all your changes up to here» has them.

use std::collections::BTreeMap;

use noroshi_sync::frontier::LogState;
use noroshi_sync::id::RoomId;
use noroshi_sync::store::RoomLines;

/// What a peer shares with a node, as far as a cursor of the node into the peer's changes speaks of it.
pub(crate) struct Claim<'a> {
    /// All lines that the peer shares with this node …
    pub all: &'a [RoomLines],
    /// … and those of them that changed after the cursor: they say nothing about what they were at the cursor.
    pub later: &'a [RoomLines],
    /// What this node holds of the rooms.
    pub held: &'a BTreeMap<RoomId, RoomLines>,
}

impl Claim<'_> {
    /// No entry is missing that the cursor says is here.
    pub fn check_logs(&self) -> Result<(), String> {
        for lines in self.all {
            for (log, theirs) in &lines.logs {
                if self.later_of(&lines.room).is_some_and(|later| later.logs.contains_key(log)) {
                    continue;
                }
                let mine = self.held.get(&lines.room).and_then(|mine| mine.logs.get(log)).cloned();
                let mine = mine.unwrap_or_else(|| LogState::empty(log));
                if let Some((first, last)) = mine.missing_from(theirs).first() {
                    return Err(format!("entries {first} to {last} of {log} are said to be here and are not"));
                }
            }
        }
        Ok(())
    }

    /// Registers that the cursor says are here and that are older here. They lose nothing, since each replaces the one
    /// before it, but only a comparison of digests finds them.
    pub fn late_registers(&self) -> u64 {
        let mut late = 0;
        for lines in self.all {
            for (node, theirs) in &lines.registers {
                let changed = self.later_of(&lines.room).is_some_and(|later| later.registers.contains_key(node));
                let mine = self.held.get(&lines.room).and_then(|mine| mine.registers.get(node));
                late += u64::from(!changed && mine.is_none_or(|mine| mine < theirs));
            }
        }
        late
    }

    fn later_of(&self, room: &RoomId) -> Option<&RoomLines> {
        self.later.iter().find(|lines| lines.room == *room)
    }
}

#[cfg(test)]
mod tests {
    use noroshi_sync::entry::Lane;
    use noroshi_sync::hlc::Hlc;
    use noroshi_sync::id::{Epoch, NodeId};
    use noroshi_sync::log::{Hash, LogId};
    use noroshi_sync::register::RegisterVersion;

    use super::*;

    const ROOM: RoomId = RoomId::from_bytes([1; 16]);

    fn lines(length: u64, counter: u64) -> RoomLines {
        let node = NodeId::from_bytes([2; 32]);
        let log = LogId::new(ROOM, node, Epoch(1), Lane::Normal);
        let state = LogState { length, hash: Hash::from_bytes([0; 32]), above: vec![] };
        let version = RegisterVersion { start: Hlc::from_parts(1, 0), counter };
        RoomLines { room: ROOM, logs: [(log, state)].into(), registers: [(node, version)].into() }
    }

    fn held(lines: RoomLines) -> BTreeMap<RoomId, RoomLines> {
        [(lines.room, lines)].into()
    }

    fn check(all: &[RoomLines], later: &[RoomLines], held: &BTreeMap<RoomId, RoomLines>) -> (bool, u64) {
        let claim = Claim { all, later, held };
        (claim.check_logs().is_ok(), claim.late_registers())
    }

    #[test]
    fn a_cursor_over_data_that_is_here_is_good() {
        assert_eq!(check(&[lines(3, 1)], &[], &held(lines(3, 1))), (true, 0));
        assert_eq!(check(&[lines(3, 1)], &[], &held(lines(4, 2))), (true, 0));
        assert_eq!(check(&[lines(9, 9)], &[lines(9, 9)], &BTreeMap::new()), (true, 0), "it all changed later");
        assert_eq!(check(&[], &[], &BTreeMap::new()), (true, 0));
    }

    #[test]
    fn a_cursor_over_data_that_is_missing_is_found() {
        assert_eq!(check(&[lines(3, 1)], &[], &held(lines(2, 1))), (false, 0));
        assert_eq!(check(&[lines(3, 2)], &[], &held(lines(3, 1))), (true, 1));
        assert_eq!(check(&[lines(3, 1)], &[], &BTreeMap::new()), (false, 1));
        let only_logs = RoomLines { registers: BTreeMap::new(), ..lines(3, 1) };
        assert_eq!(check(&[lines(3, 2)], &[only_logs], &held(lines(3, 1))), (true, 1));
    }
}
