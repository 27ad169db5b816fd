//! What a message says now: its edits, redactions and reactions resolved, in whatever order they came.

use std::collections::BTreeMap;

use noroshi_sync::entry::Entry;
use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::{EntryId, UserId};

use super::cell::{self, Write};
use crate::body::{Body, Edit, Reaction};
use crate::store::EntryPk;

/// The visible entries about one message.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Marks {
    edits: Vec<Stamped<Edit>>,
    redactions: Vec<Redaction>,
    reactions: Vec<Stamped<Reaction>>,
}

/// Who took a message back, and when.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Redaction {
    hlc: Hlc,
    id: EntryId,
    pub by: UserId,
    /// Milliseconds since 1970 by the writer's clock.
    pub at_ms: u64,
}

/// What a message says since it was edited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Edited<'a> {
    pub pk: EntryPk,
    /// The author's device signed it.
    pub signed: bool,
    pub text: &'a str,
    /// Milliseconds since 1970 by the writer's clock.
    pub at_ms: u64,
}

/// A body with what its entry says about it.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Stamped<B> {
    pk: EntryPk,
    signed: bool,
    id: EntryId,
    hlc: Hlc,
    author: UserId,
    at_ms: u64,
    /// Encoded body: orders entries that share everything else.
    content: Vec<u8>,
    body: B,
}

impl Marks {
    /// Takes in one entry; `signed`: the author's device did, with the key that is enrolled. What is no mark is left out.
    pub fn add(&mut self, pk: EntryPk, signed: bool, entry: &Entry) {
        let at_ms = written_ms(entry);
        match Body::decode(entry.kind, &entry.body) {
            Ok(Body::Edit(body)) => self.edits.push(stamped(pk, signed, entry, body)),
            Ok(Body::Reaction(body)) => self.reactions.push(stamped(pk, signed, entry, body)),
            Ok(Body::Redact(_)) => {
                self.redactions.push(Redaction { hlc: entry.hlc, id: entry.id, by: entry.author, at_ms });
            }
            _ => {}
        }
    }

    /// The edit that counts.
    pub fn edit(&self) -> Option<Edited<'_>> {
        let winner = cell::winner(&self.edits)?;
        // Another office may have written down the same edit without its signature.
        let same = |edit: &&Stamped<Edit>| edit.id == winner.id && edit.body.text == winner.body.text;
        let signed = self.edits.iter().filter(same).any(|edit| edit.signed);
        Some(Edited { pk: winner.pk, signed, text: &winner.body.text, at_ms: winner.at_ms })
    }

    /// The first redaction. It beats every edit, also later ones.
    pub fn redaction(&self) -> Option<Redaction> {
        self.redactions.iter().min().copied()
    }

    /// Stamps that are on, with the people who set them, in the order of their setting.
    pub fn reactions(&self) -> Vec<(String, Vec<UserId>)> {
        let mut stamps: BTreeMap<&str, Vec<(Hlc, UserId)>> = BTreeMap::new();
        for ((stamp, user), writes) in &self.reaction_cells() {
            if let Some(winner) = cell::winner(writes.iter().copied()).filter(|winner| winner.body.on) {
                stamps.entry(stamp).or_default().push((winner.hlc, *user));
            }
        }
        let mut stamps: Vec<_> = stamps.into_iter().collect();
        for (_, people) in &mut stamps {
            people.sort_unstable();
        }
        stamps.sort_by_key(|(stamp, people)| (people.first().copied(), *stamp));
        stamps
            .into_iter()
            .map(|(stamp, people)| (stamp.to_owned(), people.into_iter().map(|p| p.1).collect()))
            .collect()
    }

    /// Whether this person's stamp is on.
    pub fn is_on(&self, user: UserId, stamp: &str) -> bool {
        cell::winner(self.reactions_of(user, stamp)).is_some_and(|winner| winner.body.on)
    }

    /// What a new edit should say it replaces.
    pub fn replaceable_edits(&self) -> Vec<EntryId> {
        cell::replaceable(&self.edits)
    }

    /// What a new reaction of this person with this stamp should say it replaces.
    pub fn replaceable_reactions(&self, user: UserId, stamp: &str) -> Vec<EntryId> {
        cell::replaceable(self.reactions_of(user, stamp))
    }

    fn reactions_of<'a>(&'a self, user: UserId, stamp: &'a str) -> impl Iterator<Item = &'a Stamped<Reaction>> {
        self.reactions.iter().filter(move |write| write.author == user && write.body.stamp == stamp)
    }

    fn reaction_cells(&self) -> BTreeMap<(&str, UserId), Vec<&Stamped<Reaction>>> {
        let mut cells: BTreeMap<(&str, UserId), Vec<&Stamped<Reaction>>> = BTreeMap::new();
        for write in &self.reactions {
            cells.entry((&write.body.stamp, write.author)).or_default().push(write);
        }
        cells
    }
}

/// When an entry was written: the writer's clock with its measured error taken out, milliseconds since 1970.
pub fn written_ms(entry: &Entry) -> u64 {
    entry.wall_ms.saturating_add_signed(entry.clock_offset_ms.unwrap_or(0).saturating_neg())
}

fn stamped<B>(pk: EntryPk, signed: bool, entry: &Entry, body: B) -> Stamped<B> {
    Stamped {
        pk,
        signed,
        id: entry.id,
        hlc: entry.hlc,
        author: entry.author,
        at_ms: written_ms(entry),
        content: entry.body.clone(),
        body,
    }
}

impl Write for Stamped<Edit> {
    fn id(&self) -> EntryId {
        self.id
    }
    fn hlc(&self) -> Hlc {
        self.hlc
    }
    fn replaces(&self) -> &[EntryId] {
        &self.body.replaces
    }
    fn content(&self) -> &[u8] {
        &self.content
    }
}

impl Write for Stamped<Reaction> {
    fn id(&self) -> EntryId {
        self.id
    }
    fn hlc(&self) -> Hlc {
        self.hlc
    }
    fn replaces(&self) -> &[EntryId] {
        &self.body.replaces
    }
    fn content(&self) -> &[u8] {
        &self.content
    }
}

#[cfg(test)]
mod tests {
    use noroshi_sync::entry::{Draft, Lane};
    use noroshi_sync::id::{DeviceId, RoomId};

    use super::*;
    use crate::body::Redact;
    use crate::kinds;

    fn id(number: u8) -> EntryId {
        EntryId::from_bytes([number; 16])
    }
    fn user(number: u8) -> UserId {
        UserId::from_bytes([number; 16])
    }

    fn entry(number: u8, author: u8, ms: u64, kind: u16, body: Vec<u8>) -> Entry {
        let device = DeviceId::from_bytes([0; 16]);
        Draft::attested(RoomId::NIL, Lane::Normal, id(number), kind, user(author), device, EntryId::NIL, body)
            .into_entry(1, Hlc::from_parts(ms, 0), ms, None)
    }

    fn edit(number: u8, ms: u64, replaces: &[u8], text: &str) -> Entry {
        let replaces = replaces.iter().map(|n| id(*n)).collect();
        entry(number, 1, ms, kinds::EDIT, Edit::new(id(9), replaces, text.into()).encode())
    }

    fn reaction(number: u8, author: u8, ms: u64, stamp: &str, on: bool, replaces: &[u8]) -> Entry {
        let replaces = replaces.iter().map(|n| id(*n)).collect();
        let body = Reaction::new(id(9), user(1), stamp.into(), on, replaces);
        entry(number, author, ms, kinds::REACTION, body.encode())
    }

    fn marks(entries: &[Entry]) -> Marks {
        let mut marks = Marks::default();
        entries.iter().for_each(|entry| marks.add(EntryPk(1), false, entry));
        marks
    }

    #[test]
    fn the_edit_that_replaces_wins_over_the_faster_clock() {
        let marks = marks(&[edit(1, 9_000, &[], "a"), edit(2, 100, &[1], "b")]);
        assert_eq!(marks.edit().map(|edit| (edit.text, edit.at_ms)), Some(("b", 100)));
        assert_eq!(marks.replaceable_edits(), vec![id(2)]);
    }

    #[test]
    fn the_first_redaction_is_the_one_shown() {
        let redact =
            |number, author, ms| entry(number, author, ms, kinds::REDACT, Redact::new(id(9), user(1)).encode());
        let marks = marks(&[redact(2, 5, 200), redact(1, 4, 100)]);
        assert_eq!(marks.redaction().map(|redaction| (redaction.by, redaction.at_ms)), Some((user(4), 100)));
    }

    #[test]
    fn stamps_are_cells_of_their_own() {
        let marks = marks(&[
            reaction(1, 2, 100, "ryokai", true, &[]),
            reaction(2, 3, 90, "ryokai", true, &[]),
            reaction(3, 2, 80, "kanryo", true, &[]),
            reaction(4, 3, 120, "kanryo", true, &[]),
            reaction(5, 3, 110, "kanryo", false, &[4]),
        ]);
        assert_eq!(
            marks.reactions(),
            vec![("kanryo".to_string(), vec![user(2)]), ("ryokai".to_string(), vec![user(3), user(2)])]
        );
        assert!(marks.is_on(user(2), "ryokai") && !marks.is_on(user(3), "kanryo"));
        assert_eq!(marks.replaceable_reactions(user(3), "kanryo"), vec![id(5)]);
    }

    #[test]
    fn the_error_of_a_clock_is_taken_out() {
        let mut late = entry(1, 1, 10_000, kinds::REDACT, vec![]);
        late.clock_offset_ms = Some(-5_000);
        assert_eq!(written_ms(&late), 15_000);
        late.clock_offset_ms = Some(i64::MAX);
        assert_eq!(written_ms(&late), 0);
        late.clock_offset_ms = Some(i64::MIN);
        assert!(written_ms(&late) > 0);
    }
}
