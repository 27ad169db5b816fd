//! Every message that was acknowledged is shown exactly once, as it was said; nothing is shown that nobody said.

use std::collections::BTreeMap;

use noroshi_sync::id::{EntryId, RoomId, UserId};

/// A message by the names that its author gave it.
pub(crate) type Identity = (RoomId, UserId, EntryId);

/// What is known of a message outside the program.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Said {
    text: String,
    /// The node said that it has it. Otherwise nobody knows: it may be there or not.
    acknowledged: bool,
}

/// Everything that was said in a run.
#[derive(Debug, Default)]
pub(crate) struct Talk {
    said: BTreeMap<Identity, Said>,
    /// Rights in these rooms were taken from somebody: a message may be hidden for that.
    disputed: std::collections::BTreeSet<RoomId>,
}

impl Talk {
    /// Somebody tries to say something.
    pub fn attempt(&mut self, message: Identity, text: &str) {
        self.said.entry(message).or_insert_with(|| Said { text: text.to_owned(), acknowledged: false });
    }

    pub fn acknowledge(&mut self, message: &Identity) {
        if let Some(said) = self.said.get_mut(message) {
            said.acknowledged = true;
        }
    }

    /// The node said that it did not take it.
    pub fn refuse(&mut self, message: &Identity) {
        self.said.remove(message);
    }

    /// Somebody lost a right in the room, or may have.
    pub fn dispute(&mut self, room: RoomId) {
        self.disputed.insert(room);
    }

    pub fn acknowledged(&self) -> usize {
        self.said.values().filter(|said| said.acknowledged).count()
    }

    /// `shown` are the messages of one room at one office, with their first words.
    pub fn check(&self, room: RoomId, shown: &[(UserId, EntryId, String)]) -> Result<(), String> {
        let mut found: BTreeMap<Identity, u32> = BTreeMap::new();
        for (author, id, text) in shown {
            let identity = (room, *author, *id);
            match self.said.get(&identity) {
                None => return Err(format!("nobody said {text:?} ({id})")),
                Some(said) if said.text != *text => return Err(format!("{text:?} was said as {:?} ({id})", said.text)),
                Some(_) => *found.entry(identity).or_default() += 1,
            }
        }
        if let Some(((_, _, id), count)) = found.iter().find(|(_, count)| **count > 1) {
            return Err(format!("message {id} is shown {count} times"));
        }
        let of_room = self.said.range((room, UserId::NIL, EntryId::NIL)..).take_while(|((of, ..), _)| *of == room);
        for (identity, said) in of_room {
            if said.acknowledged && !found.contains_key(identity) && !self.disputed.contains(&room) {
                return Err(format!("{:?} ({}) was acknowledged and is not shown", said.text, identity.2));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: RoomId = RoomId::from_bytes([2; 16]);

    fn id(number: u8) -> EntryId {
        EntryId::from_bytes([number; 16])
    }
    fn author() -> UserId {
        UserId::from_bytes([1; 16])
    }
    fn shown(numbers: &[u8]) -> Vec<(UserId, EntryId, String)> {
        numbers.iter().map(|number| (author(), id(*number), format!("発言{number}"))).collect()
    }

    /// Message 1 was acknowledged, message 2 may have been lost.
    fn talk() -> Talk {
        let mut talk = Talk::default();
        for number in 1..=2 {
            talk.attempt((ROOM, author(), id(number)), &format!("発言{number}"));
        }
        talk.acknowledge(&(ROOM, author(), id(1)));
        talk
    }

    #[test]
    fn an_unknown_outcome_may_be_there_or_not() {
        assert_eq!(talk().check(ROOM, &shown(&[1])), Ok(()));
        assert_eq!(talk().check(ROOM, &shown(&[1, 2])), Ok(()));
        assert_eq!(talk().check(RoomId::from_bytes([1; 16]), &[]), Ok(()));
        assert_eq!(talk().acknowledged(), 1);
    }

    #[test]
    fn loss_doubling_invention_and_falsification_are_found() {
        assert!(talk().check(ROOM, &shown(&[2])).is_err(), "lost");
        assert!(talk().check(ROOM, &shown(&[1, 1])).is_err(), "doubled");
        assert!(talk().check(ROOM, &shown(&[1, 2, 2])).is_err(), "doubled");
        assert!(talk().check(ROOM, &shown(&[1, 3])).is_err(), "invented");
        assert!(talk().check(ROOM, &[(author(), id(1), "別の言葉".into())]).is_err(), "falsified");
        let mut refused = talk();
        refused.refuse(&(ROOM, author(), id(2)));
        assert!(refused.check(ROOM, &shown(&[1, 2])).is_err(), "shown although refused");
    }

    #[test]
    fn who_lost_a_right_may_be_hidden_but_not_doubled() {
        let mut talk = talk();
        talk.dispute(ROOM);
        assert_eq!(talk.check(ROOM, &[]), Ok(()));
        assert!(talk.check(ROOM, &shown(&[1, 1])).is_err());
    }
}
