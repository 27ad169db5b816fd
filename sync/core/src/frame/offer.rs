//! Offers in the compact form that travels, cut into parts that fit into frames.

use std::collections::BTreeMap;

use super::{Changes, Line, RoomOffer};
use crate::frontier::Frontier;
use crate::id::{NodeId, RoomId};
use crate::limits::{CHANGES_LINES_MAX, CHANGES_ROOMS_MAX};
use crate::log::LogId;
use crate::store::RoomLines;
use crate::wire::Malformed;

impl Changes {
    /// Splits an offer so that each part fits into a frame. Only the last part moves the reader's place.
    pub fn pages(rooms: Vec<RoomLines>, up_to: Option<u64>, more: bool) -> Vec<Self> {
        let mut pages = Pages::default();
        for RoomLines { room, logs, registers } in rooms {
            for (log, state) in logs {
                pages.place(room, 1 + state.above.len()).logs.insert(log, state);
            }
            for (node, version) in registers {
                pages.place(room, 1).registers.insert(node, version);
            }
        }
        let last = Self::pack(&pages.page.into_values().collect::<Vec<_>>(), up_to, more);
        pages.full.into_iter().map(|page| Self::pack(&page, None, false)).chain([last]).collect()
    }

    /// Puts lines into the compact form.
    pub fn pack(rooms: &[RoomLines], up_to: Option<u64>, more: bool) -> Self {
        let mut nodes: Vec<NodeId> = rooms
            .iter()
            .flat_map(|room| room.logs.keys().map(|log| log.node).chain(room.registers.keys().copied()))
            .collect();
        nodes.sort_unstable();
        nodes.dedup();
        // A page has at most 4,000 lines, so an index always fits.
        let index =
            |node: &NodeId| nodes.binary_search(node).ok().and_then(|i| u16::try_from(i).ok()).unwrap_or(u16::MAX);
        let rooms = rooms
            .iter()
            .map(|room| RoomOffer {
                room: room.room,
                lines: room
                    .logs
                    .iter()
                    .map(|(log, state)| Line {
                        node: index(&log.node),
                        epoch: log.epoch,
                        lane: log.lane,
                        branch: log.branch,
                        state: state.clone(),
                    })
                    .collect(),
                registers: room.registers.iter().map(|(node, version)| (index(node), *version)).collect(),
            })
            .collect();
        Self { nodes, rooms, up_to, more }
    }

    /// The ordinary form; an index that names no node is malformed.
    pub fn unpack(&self) -> Result<Vec<RoomLines>, Malformed> {
        let node = |index: u16| {
            let missing = Malformed::Invalid { what: "changes", reason: "a line names no node" };
            self.nodes.get(usize::from(index)).copied().ok_or(missing)
        };
        self.rooms
            .iter()
            .map(|offer| {
                let mut logs = Frontier::new();
                for line in &offer.lines {
                    let log = LogId {
                        room: offer.room,
                        node: node(line.node)?,
                        epoch: line.epoch,
                        lane: line.lane,
                        branch: line.branch,
                    };
                    logs.insert(log, line.state.clone());
                }
                let registers = offer
                    .registers
                    .iter()
                    .map(|(index, version)| Ok((node(*index)?, *version)))
                    .collect::<Result<_, _>>()?;
                Ok(RoomLines { room: offer.room, logs, registers })
            })
            .collect()
    }
}

/// The parts of an offer while it is being cut.
#[derive(Default)]
struct Pages {
    full: Vec<Vec<RoomLines>>,
    page: BTreeMap<RoomId, RoomLines>,
    weight: usize,
}

impl Pages {
    /// Where a line of a room goes that weighs as much as so many plain ones.
    fn place(&mut self, room: RoomId, weight: usize) -> &mut RoomLines {
        let is_full = self.page.len() >= CHANGES_ROOMS_MAX && !self.page.contains_key(&room);
        if is_full || self.weight + weight > CHANGES_LINES_MAX {
            self.full.push(std::mem::take(&mut self.page).into_values().collect());
            self.weight = 0;
        }
        self.weight += weight;
        let empty = || RoomLines { room, logs: Frontier::new(), registers: BTreeMap::new() };
        self.page.entry(room).or_insert_with(empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::tests::sample_key;
    use crate::frame::Frame;
    use crate::frontier::LogState;
    use crate::id::Epoch;
    use crate::window::tests::sample_window;

    fn lines(number: u8, logs: u64) -> RoomLines {
        let log = LogId { room: RoomId::from_bytes([number; 16]), ..sample_window(&sample_key(1), 1, 1).log };
        let logs = (0..logs).map(|epoch| {
            let log = LogId { epoch: Epoch(epoch), ..log };
            (log, LogState { length: 1, ..LogState::empty(&log) })
        });
        RoomLines { room: log.room, logs: logs.collect(), registers: BTreeMap::new() }
    }

    #[test]
    fn an_offer_of_any_size_fits_into_frames() {
        let rooms = vec![lines(1, 10_000), lines(2, 1), lines(3, 3_000)];
        let pages = Changes::pages(rooms.clone(), Some(9), true);
        assert!(pages.len() > 6);
        let mut offered: BTreeMap<RoomId, Frontier> = BTreeMap::new();
        for (number, page) in pages.iter().enumerate() {
            let is_last = number + 1 == pages.len();
            assert_eq!((page.up_to, page.more), if is_last { (Some(9), true) } else { (None, false) });
            let Frame::Changes(page) = Frame::decode(&Frame::Changes(page.clone()).encode()).unwrap() else { panic!() };
            for lines in page.unpack().unwrap() {
                offered.entry(lines.room).or_default().extend(lines.logs);
            }
        }
        let all: BTreeMap<RoomId, Frontier> = rooms.into_iter().map(|lines| (lines.room, lines.logs)).collect();
        assert_eq!(offered, all);
        assert_eq!(Changes::pages(Vec::new(), Some(1), false).len(), 1);
    }

    #[test]
    fn an_offer_of_4000_lines_is_the_largest_that_is_taken() {
        let offer = |logs| Frame::decode(&Frame::Changes(Changes::pack(&[lines(1, logs)], None, false)).encode());
        assert!(offer(4_000).is_ok());
        assert!(matches!(offer(4_001), Err(Malformed::TooLarge { .. })));
    }
}
