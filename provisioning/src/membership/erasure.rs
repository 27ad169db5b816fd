//! The act by which an administrator has content of a room erased for good, on every node.
//!
//! It stands in the policy of the room and names exactly what goes: places of logs with the hash e(n) of what stands there,
//! and the messages that people will find erased. It counts when a key signed it that was ever an administrator's
//! ([`Directory::was_signed_by_administrator`](crate::Directory::was_signed_by_administrator)): what is erased cannot be
//! brought back when a right ends later, so the answer must never turn from yes to no.

use noroshi_sync::entry::Lane;
use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::{EntryId, Epoch, NodeId, UserId};
use noroshi_sync::log::Hash;
use serde::{Deserialize, Serialize};

use super::kind;
use crate::body::Body;
use crate::field::{InvalidField, check_name};
use crate::limits::{ERASED_ENTRIES_MAX, ERASED_MESSAGES_MAX, REASON_CHARS_MAX};

/// Why content may be erased. The words are those of the HTTP interface.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grounds {
    /// Personal data that must not be kept.
    PersonalData,
    /// A drill is removed as a whole.
    Drill,
    /// The time for which it had to be kept is over.
    Retention,
}

impl Grounds {
    pub const ALL: [Self; 3] = [Self::PersonalData, Self::Drill, Self::Retention];

    pub const fn word(self) -> &'static str {
        match self {
            Self::PersonalData => "personal_data",
            Self::Drill => "drill",
            Self::Retention => "retention",
        }
    }
}

/// Places of one log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ErasedPlaces {
    pub node: NodeId,
    pub epoch: Epoch,
    /// Never `policy`.
    pub lane: Lane,
    /// (seq, e(seq)), ascending; a log that forks may have two at one place.
    pub entries: Vec<(u64, Hash)>,
}

/// A message that people find erased. Its identity and its place in the timeline stay known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct ErasedMessage {
    pub id: EntryId,
    pub author: UserId,
    pub hlc: Hlc,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Erasure {
    pub grounds: Grounds,
    /// For people; one line.
    pub reason: String,
    /// Ascending by (id, author).
    pub messages: Vec<ErasedMessage>,
    /// Ascending by (node, epoch, lane).
    pub places: Vec<ErasedPlaces>,
}

impl Body for Erasure {
    const KIND: u16 = kind::ERASURE;
    const WHAT: &'static str = "erasure";

    fn check(&self) -> Result<(), InvalidField> {
        check_name("reason", &self.reason, REASON_CHARS_MAX)?;
        if self.messages.len() > ERASED_MESSAGES_MAX {
            return Err(InvalidField::new("messages", "too_many"));
        }
        let in_order = |pair: &[ErasedMessage]| matches!(pair, [a, b] if (a.id, a.author) < (b.id, b.author));
        let sound = |message: &ErasedMessage| !message.id.is_nil() && message.hlc.is_well_formed();
        if !self.messages.windows(2).all(in_order) || !self.messages.iter().all(sound) {
            return Err(InvalidField::new("messages", "malformed"));
        }
        let count: usize = self.places.iter().map(|places| places.entries.len()).sum();
        if count == 0 {
            return Err(InvalidField::new("places", "empty"));
        }
        if count > ERASED_ENTRIES_MAX {
            return Err(InvalidField::new("places", "too_many"));
        }
        let name = |places: &ErasedPlaces| (places.node, places.epoch, places.lane.number());
        let in_order = |pair: &[ErasedPlaces]| matches!(pair, [a, b] if name(a) < name(b));
        if !self.places.windows(2).all(in_order) || !self.places.iter().all(is_sound) {
            return Err(InvalidField::new("places", "malformed"));
        }
        Ok(())
    }
}

fn is_sound(places: &ErasedPlaces) -> bool {
    let ascending = places.entries.windows(2).all(|pair| matches!(pair, [a, b] if a < b));
    ascending && places.lane != Lane::Policy && places.entries.first().is_some_and(|(seq, _)| *seq > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(lane: Lane, seqs: impl IntoIterator<Item = u64>) -> ErasedPlaces {
        let entries = seqs.into_iter().map(|seq| (seq, Hash::from_bytes([7; 32]))).collect();
        ErasedPlaces { node: NodeId::from_bytes([1; 32]), epoch: Epoch(5), lane, entries }
    }

    fn messages(count: u64) -> Vec<ErasedMessage> {
        let message = |number: u64| {
            let id = EntryId::from_uuid(uuid::Uuid::from_u64_pair(7 << 12, number));
            ErasedMessage { id, author: UserId::from_bytes([3; 16]), hlc: Hlc::from_parts(1_790_000_000_000, 1) }
        };
        (1..=count).map(message).collect()
    }

    fn act(places: Vec<ErasedPlaces>) -> Erasure {
        Erasure { grounds: Grounds::PersonalData, reason: "誤送信".into(), messages: messages(1), places }
    }

    #[test]
    fn the_largest_act_fits_into_an_entry_and_one_more_is_too_much() {
        let full = Erasure {
            messages: messages(ERASED_MESSAGES_MAX as u64),
            places: vec![places(Lane::Normal, 1..=ERASED_ENTRIES_MAX as u64)],
            ..act(vec![])
        };
        let bytes = full.encode().unwrap();
        assert_eq!(Erasure::decode(&bytes).unwrap(), full);
        let more = Erasure { places: vec![places(Lane::Normal, 1..=ERASED_ENTRIES_MAX as u64 + 1)], ..full.clone() };
        assert!(more.encode().is_err());
        assert!(Erasure { messages: messages(ERASED_MESSAGES_MAX as u64 + 1), ..full }.encode().is_err());
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert!(act(vec![places(Lane::Urgent, [1, 2])]).encode().is_ok());
        for wrong in [
            vec![],
            vec![places(Lane::Normal, [])],
            vec![places(Lane::Policy, [1])],
            vec![places(Lane::Normal, [0])],
            vec![places(Lane::Normal, [2, 2])],
            vec![places(Lane::Normal, [3, 2])],
            vec![places(Lane::Normal, [1]), places(Lane::Normal, [2])],
        ] {
            assert!(act(wrong.clone()).encode().is_err(), "{wrong:?}");
        }
        let sound = act(vec![places(Lane::Normal, [1])]);
        assert!(Erasure { reason: String::new(), ..sound.clone() }.encode().is_err());
        assert!(Erasure { messages: [messages(1), messages(1)].concat(), ..sound }.encode().is_err());
    }
}
