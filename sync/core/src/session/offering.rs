//! Says what this node holds: first what changed since the peer's cursor, then whatever changes while connected.

use std::collections::BTreeMap;

use super::serving::PAGE_BYTES;
use super::{Context, Purpose, Session};
use crate::entry::Lane;
use crate::frame::{Changes, Class, Data, Frame, Payload};
use crate::frontier::LogState;
use crate::id::{NodeId, RoomId};
use crate::log::LogId;
use crate::register::RegisterVersion;
use crate::store::{ChangePage, LogRange, Query, RoomLines, WindowPage};

/// An urgent log that grew by no more than this is pushed without being asked for.
const PUSH_ENTRIES_MAX: u64 = 16;

#[derive(Debug, Default)]
pub(super) struct Offering {
    begun: bool,
    /// Our changes up to here were offered to the peer.
    pub announced: u64,
    /// A question for changes is at the store.
    asked: bool,
    /// A page was sent and the peer has to ask for the next.
    waiting: bool,
    /// There may be changes beyond `announced`.
    pub dirty: bool,
    /// What the peer showed it holds of logs we got from it, so that they are not offered back.
    known: BTreeMap<LogId, LogState>,
    known_registers: BTreeMap<(RoomId, NodeId), RegisterVersion>,
    /// How far urgent logs were pushed.
    pushed: BTreeMap<LogId, u64>,
}

impl Offering {
    pub fn begin(&mut self, announced: u64) {
        self.begun = true;
        self.announced = announced;
    }

    /// Everything that changed here was offered.
    pub fn is_quiet(&self) -> bool {
        !self.asked && !self.waiting && !self.dirty
    }

    /// The peer holds these lines.
    pub fn remember(&mut self, lines: &RoomLines) {
        for (log, state) in &lines.logs {
            self.known.insert(*log, state.clone());
        }
        for (node, version) in &lines.registers {
            self.known_registers.insert((lines.room, *node), *version);
        }
    }

    /// Takes out what the peer is known to hold. What it holds completely need not be remembered any longer.
    fn without_echo(&mut self, mut lines: RoomLines) -> Option<RoomLines> {
        lines.logs.retain(|log, state| {
            let Some(theirs) = self.known.get(log) else { return true };
            let is_other = theirs.length == state.length && theirs.hash != state.hash;
            let lacks = is_other || !theirs.missing_from(state).is_empty();
            if lacks || state.missing_from(theirs).is_empty() {
                self.known.remove(log);
            }
            lacks
        });
        let room = lines.room;
        lines
            .registers
            .retain(|node, version| self.known_registers.remove(&(room, *node)).is_none_or(|theirs| theirs < *version));
        (!lines.logs.is_empty() || !lines.registers.is_empty()).then_some(lines)
    }

    /// The ranges of urgent logs to push with this page.
    fn urgent(&mut self, rooms: &[RoomLines]) -> Vec<LogRange> {
        let mut ranges = Vec::new();
        for (log, state) in rooms.iter().flat_map(|room| &room.logs).filter(|(log, _)| log.lane == Lane::Urgent) {
            let before = self.pushed.insert(*log, state.length).unwrap_or_else(|| log.before());
            if state.length > before && state.length - before <= PUSH_ENTRIES_MAX {
                ranges.push(LogRange { log: *log, first: before + 1, last: state.length });
            }
        }
        ranges
    }
}

impl Session {
    /// Asks the store for more changes, unless that is under way or the peer has to speak first.
    pub(super) fn offer_more(&mut self, context: &mut Context) {
        let offering = &mut self.offering;
        if offering.begun && offering.dirty && !offering.asked && !offering.waiting {
            offering.dirty = false;
            offering.asked = true;
            context.ask(Purpose::Offer, Query::Changes { peer: self.peer, after: offering.announced });
        }
    }

    pub(super) fn offer(&mut self, context: &mut Context, page: ChangePage) {
        self.offering.asked = false;
        self.offering.announced = page.up_to;
        let rooms: Vec<RoomLines> =
            page.rooms.into_iter().filter_map(|lines| self.offering.without_echo(lines)).collect();
        let ranges = self.offering.urgent(&rooms);
        if !ranges.is_empty() {
            context.ask(Purpose::Push, Query::Windows { peer: self.peer, ranges, bytes_max: PAGE_BYTES });
        }
        if rooms.is_empty() {
            self.offering.dirty |= page.more;
        } else {
            self.offering.waiting = page.more;
            for changes in Changes::pages(rooms, Some(page.up_to), page.more) {
                self.send(context, Class::Control, &Frame::Changes(changes));
            }
        }
        self.offer_more(context);
        self.check_drained(context);
    }

    /// Sends urgent windows at once; what is left over is asked for by the peer, who was offered it.
    pub(super) fn push(&mut self, context: &mut Context, page: WindowPage) {
        if page.windows.is_empty() {
            return;
        }
        let payload = Payload { windows: page.windows, ..Payload::default() };
        for payload in payload.into_parts().unwrap_or_default() {
            self.send(context, Class::Urgent, &Frame::Data(Data { request: 0, last: true, payload }));
        }
    }

    pub(super) fn handle_next(&mut self, context: &mut Context) {
        self.offering.waiting = false;
        self.offering.dirty = true;
        self.offer_more(context);
    }

    /// Answers `RoomsWanted`, and shows our side of rooms that differ.
    pub(super) fn offer_rooms(&mut self, context: &mut Context, rooms: Vec<RoomLines>) {
        if rooms.is_empty() {
            return;
        }
        for changes in Changes::pages(rooms, None, false) {
            self.send(context, Class::Control, &Frame::Changes(changes));
        }
    }
}
