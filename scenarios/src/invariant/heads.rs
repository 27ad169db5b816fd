//! What a node holds of a log only grows, and what was held stays what it was.

use std::collections::BTreeMap;

use noroshi_sync::frontier::{Frontier, LogState};
use noroshi_sync::log::LogId;

/// The heads of one node as last seen.
#[derive(Debug, Default)]
pub(crate) struct Heads {
    seen: BTreeMap<LogId, LogState>,
}

impl Heads {
    /// A log of the node is like this now.
    pub fn observe(&mut self, log: &LogId, now: &LogState) -> Result<(), String> {
        let before = self.seen.insert(*log, now.clone());
        match before {
            Some(before) => grown(&before, now).map_err(|reason| format!("{log}: {reason}")),
            None => Ok(()),
        }
    }

    /// These are all logs of a room that the node has.
    pub fn observe_room(&mut self, frontier: &Frontier, room: noroshi_sync::id::RoomId) -> Result<(), String> {
        let gone =
            self.seen.iter().find(|(log, state)| log.room == room && state.last() > 0 && !frontier.contains_key(log));
        if let Some((log, _)) = gone {
            return Err(format!("{log}: is gone"));
        }
        frontier.iter().try_for_each(|(log, state)| self.observe(log, state))
    }

    pub fn rooms(&self) -> std::collections::BTreeSet<noroshi_sync::id::RoomId> {
        self.seen.keys().map(|log| log.room).collect()
    }
}

fn grown(before: &LogState, now: &LogState) -> Result<(), String> {
    if let Some((first, last)) = now.missing_from(before).first() {
        return Err(format!("entries {first} to {last} were held and are not"));
    }
    if now.length < before.length {
        return Err(format!("the length falls from {} to {}", before.length, now.length));
    }
    if now.length == before.length && now.hash != before.hash {
        return Err(format!("another history of the same length {}", now.length));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use noroshi_sync::entry::Lane;
    use noroshi_sync::frontier::HeldRange;
    use noroshi_sync::id::{Epoch, NodeId, RoomId};
    use noroshi_sync::log::Hash;

    use super::*;

    fn log() -> LogId {
        LogId::new(RoomId::from_bytes([1; 16]), NodeId::from_bytes([2; 32]), Epoch(1), Lane::Normal)
    }

    fn state(length: u64, hash: u8, above: &[(u64, u64)]) -> LogState {
        let range = |&(first, last): &(u64, u64)| HeldRange { first, last, hash: Hash::from_bytes([9; 32]) };
        LogState { length, hash: Hash::from_bytes([hash; 32]), above: above.iter().map(range).collect() }
    }

    #[test]
    fn growth_is_good() {
        let mut heads = Heads::default();
        for now in [state(2, 2, &[]), state(2, 2, &[]), state(2, 2, &[(5, 6)]), state(6, 6, &[])] {
            assert_eq!(heads.observe(&log(), &now), Ok(()));
        }
    }

    #[test]
    fn every_loss_is_found() {
        for (name, before, now) in [
            ("shorter", state(5, 5, &[]), state(4, 4, &[])),
            ("another history", state(5, 5, &[]), state(5, 6, &[])),
            ("a run above is lost", state(2, 2, &[(5, 6)]), state(3, 3, &[])),
            ("the contiguous part is only a run now", state(2, 2, &[]), state(0, 0, &[(1, 3)])),
        ] {
            let mut heads = Heads::default();
            heads.observe(&log(), &before).unwrap();
            assert!(heads.observe(&log(), &now).is_err(), "{name}");
        }
    }

    #[test]
    fn a_log_that_vanished_is_found() {
        let mut heads = Heads::default();
        heads.observe(&log(), &state(1, 1, &[])).unwrap();
        assert!(heads.observe_room(&Frontier::new(), log().room).is_err());
        assert!(heads.observe_room(&Frontier::new(), RoomId::from_bytes([7; 16])).is_ok());
    }
}
