//! Looks at every frame on the wire: no byte about a room goes to, or comes from, an office that may not hold it.
//!
//! What an office may hold is known here from the story, not from the program: the offices of everybody who ever was to
//! be a member, headquarters and hubs.

use std::collections::{BTreeMap, BTreeSet};

use noroshi_sync::frame::{Frame, Payload};
use noroshi_sync::id::{NodeId, RoomId};
use noroshi_sync::register::Register;
use noroshi_sync::{limits, wire};

/// Which nodes may ever hold which room.
#[derive(Debug, Default)]
pub(crate) struct Placement {
    rooms: BTreeMap<RoomId, BTreeSet<NodeId>>,
}

/// Data in one frame, for other checkers.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    pub windows: Vec<(noroshi_sync::log::LogId, u64, u64)>,
    /// The rooms that the frame is about.
    rooms: BTreeSet<RoomId>,
}

impl Placement {
    pub fn allow(&mut self, room: RoomId, nodes: impl IntoIterator<Item = NodeId>) {
        self.rooms.entry(room).or_default().extend(nodes);
    }

    pub fn check(&self, from: &NodeId, to: &NodeId, contents: &Contents) -> Result<(), String> {
        for room in &contents.rooms {
            let allowed = self.rooms.get(room);
            let stranger = [from, to].into_iter().find(|node| !allowed.is_some_and(|nodes| nodes.contains(*node)));
            if let Some(stranger) = stranger {
                return Err(format!(
                    "a frame about room {room} passes between {from:?} and {to:?}; {stranger:?} may not hold it"
                ));
            }
        }
        Ok(())
    }
}

/// Reads a frame as somebody on the wire could.
pub(crate) fn read(bytes: &[u8]) -> Result<Contents, String> {
    let mut contents = Contents::default();
    let frame = Frame::decode(bytes).map_err(|malformed| format!("a malformed frame was sent: {malformed}"))?;
    match frame {
        Frame::Changes(changes) => contents.rooms.extend(changes.rooms.iter().map(|offer| offer.room)),
        Frame::Want(want) => {
            contents.rooms.extend(want.ranges.iter().map(|range| range.log.room));
            contents.rooms.extend(want.registers.iter().map(|(room, _)| *room));
        }
        Frame::Data(data) => read_data(&data.payload, &mut contents)?,
        Frame::Held(held) => contents.rooms.extend(held.logs.iter().map(|(log, _)| log.room)),
        Frame::List(list) => contents.rooms.extend(list.rooms.iter().map(|(room, _)| *room)),
        Frame::RoomsWanted(rooms) => contents.rooms.extend(rooms),
        Frame::Signal { room, .. } => contents.rooms.extend([room]),
        Frame::BlobWant(want) => contents.rooms.extend([want.room]),
        // Which room an attachment is of was said by the request.
        Frame::BlobData(_) | Frame::BlobUnavailable { .. } | Frame::BlobHave(_) => {}
        Frame::Hello(_) | Frame::Next | Frame::Done(_) | Frame::Ping { .. } | Frame::Pong(_) | Frame::Busy { .. } => {}
    }
    Ok(contents)
}

fn read_data(payload: &[u8], contents: &mut Contents) -> Result<(), String> {
    let payload = Payload::decompress(payload).map_err(|malformed| format!("malformed data: {malformed}"))?;
    for window in &payload.windows {
        contents.rooms.insert(window.log.room);
        contents.windows.push((window.log, window.first, window.last()));
    }
    for signed in &payload.registers {
        let register: Register = wire::decode("register", &signed.body, limits::REGISTER_BYTES_MAX)
            .map_err(|malformed| format!("a malformed register: {malformed}"))?;
        contents.rooms.insert(register.room);
    }
    contents.rooms.extend(payload.unavailable.iter().map(|range| range.log.room));
    Ok(())
}

#[cfg(test)]
mod tests {
    use noroshi_sync::entry::Lane;
    use noroshi_sync::frame::{Changes, Data, Held, List, Want};
    use noroshi_sync::id::Epoch;
    use noroshi_sync::log::{Hash, LogId};
    use noroshi_sync::store::{LogRange, RoomLines};
    use noroshi_sync::window::Window;

    use super::*;

    const ROOM: RoomId = RoomId::from_bytes([5; 16]);

    fn node(number: u8) -> NodeId {
        NodeId::from_bytes([number; 32])
    }

    fn frames() -> Vec<Frame> {
        let log = LogId::new(ROOM, node(1), Epoch(1), Lane::Normal);
        let range = LogRange { log, first: 1, last: 1 };
        let lines = RoomLines { room: ROOM, logs: BTreeMap::new(), registers: BTreeMap::new() };
        let window = Window { log, first: 1, base: Hash::from_bytes([0; 32]), items: vec![], checkpoints: vec![] };
        let data =
            |payload: Payload| Frame::Data(Data { request: 1, last: true, payload: payload.compress().unwrap() });
        vec![
            Frame::Changes(Changes::pack(&[lines], None, false)),
            Frame::Want(Want { request: 1, class: 0, ranges: vec![range], registers: vec![] }),
            Frame::Want(Want { request: 1, class: 0, ranges: vec![], registers: vec![(ROOM, node(1))] }),
            data(Payload { windows: vec![window], ..Payload::default() }),
            data(Payload { unavailable: vec![range], ..Payload::default() }),
            Frame::Held(Held { logs: vec![(log, 1)] }),
            Frame::List(List { nonce: [0; 16], rooms: vec![(ROOM, [0; 8])], after: None, more: false }),
            Frame::RoomsWanted(vec![ROOM]),
            Frame::Signal { room: ROOM, body: vec![] },
        ]
    }

    #[test]
    fn every_frame_that_names_a_room_is_seen() {
        let mut placement = Placement::default();
        placement.allow(ROOM, [node(1), node(2)]);
        for frame in frames() {
            let contents = read(&frame.encode()).unwrap();
            assert_eq!(placement.check(&node(1), &node(2), &contents), Ok(()), "{frame:?}");
            assert!(placement.check(&node(1), &node(3), &contents).is_err(), "to a stranger: {frame:?}");
            assert!(placement.check(&node(3), &node(1), &contents).is_err(), "from a stranger: {frame:?}");
        }
    }

    #[test]
    fn a_room_of_which_nobody_knows_is_nobodys() {
        let contents = read(&Frame::RoomsWanted(vec![ROOM]).encode()).unwrap();
        assert!(Placement::default().check(&node(1), &node(2), &contents).is_err());
        assert!(read(&[0xff; 40]).is_err());
    }
}
