//! How far people have read, and what they have not read yet.
//!
//! A message is read when it stands at or below a mark *and* was held when the mark was set. What arrives later below the
//! mark is late: unread, however old its stamp.

use std::collections::BTreeSet;

use noroshi_sync::frontier::LogState;
use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::{EntryId, NodeId, UserId};
use noroshi_sync::limits::HELD_RANGES_MAX;
use noroshi_sync::store::StoreError;
use noroshi_sync::wire;
use rusqlite::{Result as SqlResult, Row};
use serde::{Deserialize, Serialize};

use super::codes::{entry_id, hlc, hlc_number, node_id, unsigned, user_id};
use super::timeline::{Place, ShownMessage};
use crate::store::rows::decode_above;
use crate::store::{Database, EntryPk, LogPk, RoomPk};

/// A mark of one person, from one node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReadRow {
    pub user: UserId,
    pub node: NodeId,
    pub place: Place,
    pub at_ms: u64,
    /// `None`: not known, so the place alone counts.
    pub seen: Option<SeenLogs>,
}

/// What of each log was held when a mark was set; ascending by log. A log that is not named was not held.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SeenLogs(pub Vec<SeenLog>);

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SeenLog {
    pub log: i64,
    pub length: u64,
    /// Both ends included, ascending.
    pub above: Vec<(u64, u64)>,
}

/// What a person has not read in a room.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Unread {
    pub count: u32,
    /// The one that stands first in the timeline.
    pub first: Option<Place>,
    /// How many of them arrived late: below a mark that was set before.
    pub late: u32,
}

impl SeenLogs {
    /// In any order; logs of which nothing was held are left out.
    pub fn of(mut logs: Vec<SeenLog>) -> Self {
        logs.retain(|seen| seen.length > 0 || !seen.above.is_empty());
        logs.sort_unstable_by_key(|seen| seen.log);
        Self(logs)
    }

    pub fn log(&self, log: LogPk) -> Option<&SeenLog> {
        self.0.binary_search_by_key(&log.0, |seen| seen.log).ok().and_then(|index| self.0.get(index))
    }

    pub fn holds(&self, entry: EntryPk) -> bool {
        let seq = entry.seq();
        self.log(entry.log()).is_some_and(|seen| {
            seq <= seen.length || seen.above.iter().any(|(first, last)| (*first..=*last).contains(&seq))
        })
    }

    /// The end of a log became a branch: what was held of it is named there too. `None` when nothing was held of the log.
    pub(in crate::store) fn branched(&self, from: LogPk, to: LogPk) -> Option<Self> {
        let seen = self.log(from)?;
        let branch = SeenLog { log: to.0, ..seen.clone() };
        Some(Self::of(self.0.iter().cloned().chain([branch]).collect()))
    }

    pub(in crate::store) fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }
}

impl SeenLog {
    /// The same without some places. What does not fit into as many ranges as a register has room for is left out, too.
    pub fn without(&self, unseen: &BTreeSet<u64>) -> Self {
        let mut runs = std::iter::once((1, self.length)).chain(self.above.iter().copied()).collect::<Vec<_>>();
        for seq in unseen {
            let Some(place) = runs.iter().position(|(first, last)| first <= seq && seq <= last) else { continue };
            let (first, last) = runs.remove(place);
            runs.insert(place, (seq.saturating_add(1), last));
            runs.insert(place, (first, seq.saturating_sub(1)));
        }
        let mut runs = runs.into_iter().filter(|(first, last)| first <= last).peekable();
        let length = runs.next_if(|(first, _)| *first == 1).map_or(0, |(_, last)| last);
        Self { log: self.log, length, above: runs.take(HELD_RANGES_MAX).collect() }
    }

    pub fn nothing(log: LogPk) -> Self {
        Self { log: log.0, length: 0, above: Vec::new() }
    }

    pub fn of(log: LogPk, state: &LogState) -> Self {
        let above = state.above.iter().map(|range| (range.first, range.last)).collect();
        Self { log: log.0, length: state.length, above }
    }

    /// The runs of entries that were not held, up to any length: both ends included.
    fn missing(&self) -> Vec<(u64, u64)> {
        let mut missing = Vec::with_capacity(self.above.len() + 1);
        let mut next = self.length.saturating_add(1);
        for (first, last) in &self.above {
            if *first > next {
                missing.push((next, *first - 1));
            }
            next = last.saturating_add(1);
        }
        missing.push((next, crate::store::SEQ_MAX));
        missing
    }
}

impl ReadRow {
    /// Whether the person has read the message.
    pub fn covers(&self, entry: EntryPk, place: Place) -> bool {
        place <= self.place && self.seen.as_ref().is_none_or(|seen| seen.holds(entry))
    }
}

/// A message at or below a mark that was not there when the mark was set.
pub(in crate::store) struct Late {
    pub entry: EntryPk,
    pub place: Place,
    pub author: UserId,
}

macro_rules! columns {
    () => {
        "SELECT user, nodes.id, message, hlc, at_ms, seen FROM reads JOIN nodes USING (node_pk) WHERE room_pk = ?"
    };
}

impl Database {
    /// All marks in a room.
    pub fn reads_in(&self, room: RoomPk) -> Result<Vec<ReadRow>, StoreError> {
        self.rows(columns!(), [room], read)
    }

    /// The marks of one person: usually one, more for those who work at several offices.
    pub fn reads_of(&self, room: RoomPk, user: &UserId) -> Result<Vec<ReadRow>, StoreError> {
        self.rows(concat!(columns!(), " AND user = ?"), (room, user.as_bytes()), read)
    }

    /// What `user` has not read; without any mark, what was written after `added`. Own and redacted messages do not count.
    pub fn unread(&self, room: RoomPk, user: &UserId, marks: &[ReadRow], added: Hlc) -> Result<Unread, StoreError> {
        let Some(highest) = marks.iter().max_by_key(|mark| mark.place) else {
            return self.unread_after(room, user, Place { hlc: added, id: EntryId::NIL });
        };
        let mut unread = self.unread_after(room, user, highest.place)?;
        for Late { place, .. } in self.late_of(room, user, marks)? {
            unread.count += 1;
            unread.late += 1;
            unread.first = Some(unread.first.map_or(place, |first| first.min(place)));
        }
        Ok(unread)
    }

    /// What arrived late for a person: below one of their marks, and covered by none. Costs what arrived since.
    pub(in crate::store) fn late_of(
        &self,
        room: RoomPk,
        user: &UserId,
        marks: &[ReadRow],
    ) -> Result<Vec<Late>, StoreError> {
        let Some(highest) = marks.iter().max_by_key(|mark| mark.place) else { return Ok(Vec::new()) };
        let mut late = self.late(room, user, highest)?;
        late.retain(|late| !marks.iter().any(|mark| mark.covers(late.entry, late.place)));
        Ok(late)
    }

    /// The oldest messages that arrived late for a person, after a place; oldest first.
    pub fn late_after(
        &self,
        room: RoomPk,
        user: &UserId,
        after: Option<Place>,
        limit: u32,
    ) -> Result<Vec<ShownMessage>, StoreError> {
        let marks = self.reads_of(room, user)?;
        let mut late = self.late_of(room, user, &marks)?;
        late.retain(|late| after.is_none_or(|after| late.place > after));
        late.sort_unstable_by_key(|late| late.place);
        late.truncate(limit as usize);
        let mut shown = Vec::with_capacity(late.len());
        for late in late {
            shown.extend(self.message_at(late.entry)?);
        }
        Ok(shown)
    }

    fn unread_after(&self, room: RoomPk, user: &UserId, place: Place) -> Result<Unread, StoreError> {
        let values = (room, hlc_number(place.hlc), place.id.as_bytes(), user.as_bytes());
        let count = self.row(
            "SELECT count(*) FROM messages INDEXED BY messages_timeline
             WHERE room_pk = ? AND state = 2 AND (hlc, id) > (?, ?) AND author <> ? AND redacted = 0",
            values,
            |row| row.get(0),
        )?;
        let count = count.unwrap_or(0);
        if count == 0 {
            return Ok(Unread::default());
        }
        let first = self.row(
            "SELECT hlc, id FROM messages INDEXED BY messages_timeline
             WHERE room_pk = ? AND state = 2 AND (hlc, id) > (?, ?) AND author <> ? AND redacted = 0
             ORDER BY hlc, id LIMIT 1",
            values,
            |row| Ok(Place { hlc: hlc(row, 0)?, id: entry_id(row, 1)? }),
        )?;
        Ok(Unread { count, first, late: 0 })
    }

    /// Messages of others at or below a mark that were not held when it was set.
    pub(in crate::store) fn late(&self, room: RoomPk, user: &UserId, mark: &ReadRow) -> Result<Vec<Late>, StoreError> {
        let Some(seen) = &mark.seen else { return Ok(Vec::new()) };
        let mut late = Vec::new();
        for (log, state) in self.talk_logs(room)? {
            let unseen = SeenLog::nothing(log);
            let seen = seen.log(log).unwrap_or(&unseen);
            if state.last() <= seen.length {
                continue;
            }
            for (first, last) in seen.missing().into_iter().filter(|(first, _)| *first <= state.last()) {
                late.extend(self.rows(
                    "SELECT entry_pk, hlc, id, author FROM messages WHERE entry_pk BETWEEN ? AND ?
                     AND state = 2 AND redacted = 0 AND author <> ? AND (hlc, id) <= (?, ?)",
                    (
                        EntryPk::new(log, first),
                        EntryPk::new(log, last),
                        user.as_bytes(),
                        hlc_number(mark.place.hlc),
                        mark.place.id.as_bytes(),
                    ),
                    |row| {
                        let place = Place { hlc: hlc(row, 1)?, id: entry_id(row, 2)? };
                        Ok(Late { entry: row.get(0)?, place, author: user_id(row, 3)? })
                    },
                )?);
            }
        }
        Ok(late)
    }

    /// What is held of the logs in which people talk: lanes urgent and normal.
    pub fn talk_logs(&self, room: RoomPk) -> Result<Vec<(LogPk, LogState)>, StoreError> {
        let rows = self.read(|database| {
            database.rows(
                "SELECT log_pk, length, hash, above FROM logs WHERE room_pk = ? AND lane > 0 ORDER BY log_pk",
                [room],
                |row| {
                    let hash = noroshi_sync::log::Hash::from_bytes(row.get(2)?);
                    let state = LogState { length: unsigned(row, 1)?, hash, above: Vec::new() };
                    Ok((row.get(0)?, state, row.get::<_, Vec<u8>>(3)?))
                },
            )
        })?;
        rows.into_iter()
            .map(|(log, state, above)| Ok((log, LogState { above: decode_above(&above)?.0, ..state })))
            .collect()
    }
}

fn read(row: &Row<'_>) -> SqlResult<ReadRow> {
    let seen: Option<Vec<u8>> = row.get(5)?;
    let seen = seen.map(|bytes| wire::decode("seen logs", &bytes, usize::MAX)).transpose();
    Ok(ReadRow {
        user: user_id(row, 0)?,
        node: node_id(row, 1)?,
        place: Place { id: entry_id(row, 2)?, hlc: hlc(row, 3)? },
        at_ms: unsigned(row, 4)?,
        seen: seen.map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(5, rusqlite::types::Type::Blob, Box::new(error))
        })?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(length: u64, above: &[(u64, u64)]) -> SeenLogs {
        SeenLogs(vec![SeenLog { log: 7, length, above: above.to_vec() }])
    }

    #[test]
    fn what_was_held_is_seen() {
        let seen = seen(3, &[(6, 8)]);
        let held = |seq| seen.holds(EntryPk::new(LogPk(7), seq));
        assert_eq!((1..=9).filter(|seq| held(*seq)).collect::<Vec<_>>(), vec![1, 2, 3, 6, 7, 8]);
        assert!(!seen.holds(EntryPk::new(LogPk(8), 1)));
    }

    #[test]
    fn places_that_were_not_shown_are_taken_out() {
        let without = |unseen: &[u64]| {
            let seen = seen(3, &[(6, 8)]).0[0].without(&unseen.iter().copied().collect());
            (seen.length, seen.above)
        };
        assert_eq!(without(&[]), (3, vec![(6, 8)]));
        assert_eq!(without(&[3, 7]), (2, vec![(6, 6), (8, 8)]));
        assert_eq!(without(&[1]), (0, vec![(2, 3), (6, 8)]));
        assert_eq!(without(&[1, 2, 3, 4, 6, 7, 8]), (0, vec![]));
        let long = SeenLog { log: 7, length: 40, above: vec![] }.without(&(1..=20).map(|half| half * 2).collect());
        assert_eq!((long.length, long.above.len()), (1, HELD_RANGES_MAX));
    }

    #[test]
    fn what_was_missing_is_the_rest() {
        let missing = |length, above: &[(u64, u64)]| seen(length, above).0[0].missing();
        let end = crate::store::SEQ_MAX;
        assert_eq!(missing(3, &[(6, 8), (10, 10)]), vec![(4, 5), (9, 9), (11, end)]);
        assert_eq!(missing(0, &[]), vec![(1, end)]);
    }
}
