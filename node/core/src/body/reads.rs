//! What a node's people have read in a room, as it travels inside the node's signed register.
//!
//! A mark is a watermark in the order of the timeline *and* what was held when it was set: a message that arrives later
//! but sorts below the watermark has not been read.

use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::{EntryId, UserId};
use noroshi_sync::limits::HELD_RANGES_MAX;
use noroshi_sync::wire::{self, Malformed};
use serde::{Deserialize, Serialize};

use super::{BODY_VERSION, check_version};
use crate::limits::{READ_MARKS_BYTES_MAX, ROOM_MEMBERS_MAX};

/// Marks of one node in one room: as many people as a room has members, and those who left. Without detail of what was
/// held a mark is at most 60 bytes, so this many always fit.
const MARKS_MAX: usize = ROOM_MEMBERS_MAX + 500;
const _: () = assert!(MARKS_MAX * 60 < READ_MARKS_BYTES_MAX);

/// What of one log was held when a mark was set, where that is less than the register's `held` says now.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Seen {
    /// Index into the register's `held`.
    pub log: u16,
    /// The first entries, without a gap.
    pub length: u64,
    /// Ranges above them, ascending, both ends included.
    pub above: Vec<(u64, u64)>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ReadMark {
    pub user: UserId,
    /// The newest message read, and its place in the timeline.
    pub message: EntryId,
    pub hlc: Hlc,
    /// When the mark was set, milliseconds since 1970.
    pub at_ms: u64,
    /// Ascending by log. Logs that are not named: all the register says is held was held. `None`: not known any more,
    /// so the watermark alone counts.
    pub seen: Option<Vec<Seen>>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ReadMarks {
    pub version: u8,
    /// Ascending by user.
    pub marks: Vec<ReadMark>,
}

impl ReadMarks {
    pub fn new(mut marks: Vec<ReadMark>) -> Self {
        marks.sort_by_key(|mark| mark.user);
        Self { version: BODY_VERSION, marks }
    }

    /// Encodes within [`MARKS_MAX`] people and [`READ_MARKS_BYTES_MAX`]: where there is more, the marks that were set
    /// longest ago lose the detail of what was held, or themselves.
    pub fn encode(mut self) -> Vec<u8> {
        if self.marks.len() > MARKS_MAX {
            self.marks.sort_by_key(|mark| std::cmp::Reverse(mark.at_ms));
            self.marks.truncate(MARKS_MAX);
            self = Self::new(self.marks);
        }
        let bytes = wire::encode(&self);
        let mut excess = bytes.len().saturating_sub(READ_MARKS_BYTES_MAX);
        if excess == 0 {
            return bytes;
        }
        let mut oldest_first: Vec<&mut ReadMark> = self.marks.iter_mut().collect();
        oldest_first.sort_by_key(|mark| mark.at_ms);
        for mark in oldest_first {
            excess = excess.saturating_sub(wire::encode(&mark.seen).len().saturating_sub(1));
            mark.seen = None;
            if excess == 0 {
                break;
            }
        }
        wire::encode(&self)
    }

    /// Decodes the application's part of a register. No bytes at all are no marks; a later version is not understood.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.is_empty() || bytes.first().is_some_and(|version| *version > BODY_VERSION) {
            return Ok(Self::new(Vec::new()));
        }
        let marks: Self = wire::decode("read marks", bytes, READ_MARKS_BYTES_MAX)?;
        marks.check().map_err(|reason| Malformed::Invalid { what: "read marks", reason })?;
        Ok(marks)
    }

    fn check(&self) -> Result<(), &'static str> {
        check_version(self.version)?;
        if self.marks.len() > MARKS_MAX {
            return Err("too many people");
        }
        if self.marks.windows(2).any(|pair| matches!(pair, [a, b] if a.user >= b.user)) {
            return Err("the people are out of order");
        }
        if self.marks.iter().any(|mark| !mark.hlc.is_well_formed()) {
            return Err("a stamp is malformed");
        }
        let seen = || self.marks.iter().filter_map(|mark| mark.seen.as_deref());
        if seen().any(|seen| seen.windows(2).any(|pair| matches!(pair, [a, b] if a.log >= b.log))) {
            return Err("the logs are out of order");
        }
        if seen().flatten().any(|line| line.above.len() > HELD_RANGES_MAX || !is_ascending(line)) {
            return Err("the ranges are out of order or too many");
        }
        Ok(())
    }
}

fn is_ascending(line: &Seen) -> bool {
    let mut end = line.length;
    line.above.iter().all(|&(first, last)| {
        let good = first > end && last >= first;
        end = last;
        good
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(number: u32, seen: Option<Vec<Seen>>) -> ReadMark {
        let mut user = [0; 16];
        user[..4].copy_from_slice(&number.to_be_bytes());
        ReadMark {
            user: UserId::from_bytes(user),
            message: EntryId::from_bytes([9; 16]),
            hlc: Hlc::from_parts(1_790_000_000_000, 1),
            at_ms: 1_790_000_000_000 + u64::from(number),
            seen,
        }
    }

    #[test]
    fn marks_survive_their_encoding() {
        let seen = vec![Seen { log: 3, length: 17, above: vec![(20, 22), (30, 30)] }];
        let marks = ReadMarks::new(vec![mark(2, Some(seen)), mark(1, None)]);
        assert_eq!(ReadMarks::decode(&marks.clone().encode()), Ok(marks));
        assert_eq!(ReadMarks::decode(&[]), Ok(ReadMarks::new(vec![])));
        assert_eq!(ReadMarks::decode(&[9, 9, 9]), Ok(ReadMarks::new(vec![])));
    }

    #[test]
    fn too_much_detail_gives_way_oldest_first() {
        let seen = |count: u16| Some((0..count).map(|log| Seen { log, length: u64::MAX, above: vec![] }).collect());
        let encoded = ReadMarks::new((0..200).map(|number| mark(number, seen(100))).collect()).encode();
        assert!(encoded.len() <= READ_MARKS_BYTES_MAX);
        let decoded = ReadMarks::decode(&encoded).unwrap();
        assert_eq!(decoded.marks.len(), 200);
        assert!(decoded.marks.first().unwrap().seen.is_none() && decoded.marks.last().unwrap().seen.is_some());
    }

    #[test]
    fn more_people_than_a_room_has_lose_the_oldest_marks() {
        let marks = |count| ReadMarks::new((0..count).map(|number| mark(number, None)).collect());
        let most = u32::try_from(MARKS_MAX).unwrap();
        assert_eq!(ReadMarks::decode(&marks(most).encode()), Ok(marks(most)));
        let decoded = ReadMarks::decode(&marks(most + 1).encode()).unwrap();
        assert_eq!(decoded.marks.len(), MARKS_MAX);
        assert_eq!(decoded.marks.first(), Some(&mark(1, None)));
        assert!(ReadMarks::decode(&wire::encode(&marks(most + 1))).is_err());
    }

    #[test]
    fn disorder_is_malformed() {
        let mut marks = ReadMarks::new(vec![mark(1, None), mark(2, None)]);
        marks.marks.swap(0, 1);
        assert!(ReadMarks::decode(&wire::encode(&marks)).is_err());
        for above in [vec![(5, 4)], vec![(1, 2)], vec![(9, 9), (9, 10)], vec![(20, 20); 9]] {
            let line = Seen { log: 0, length: 3, above };
            let marks = ReadMarks::new(vec![mark(1, Some(vec![line.clone()]))]);
            assert!(ReadMarks::decode(&wire::encode(&marks)).is_err(), "{line:?}");
        }
    }
}
