//! Membership judged as a whole: islands that disagree, people without rights, and that the order of arrival never matters.

mod golden;
mod hostile;
mod order;

use noroshi_sync::entry::Entry;
use noroshi_sync::id::{DeviceId, EntryId, NodeId, RoomId, UserId};
use noroshi_sync::log::LogId;

use super::*;
use crate::ledger::Directory;
use crate::testing::*;

/// A room as one island sees it, and the means to write in it.
#[derive(Clone)]
struct Island {
    directory: Directory,
    room: RoomId,
    entries: Vec<Written>,
    now_ms: u64,
    /// Makes ids of different islands different.
    mark: u8,
    written: u64,
}

impl Island {
    /// A group created by user 1 at headquarters.
    fn new() -> Self {
        let mut island = Self::empty(RoomId::from_bytes([0x51; 16]));
        island.create(1, 1, RoomKind::Group, None);
        island
    }

    fn empty(room: RoomId) -> Self {
        let directory = Town::new().directory();
        Self { directory, room, entries: Vec::new(), now_ms: NOW_MS, mark: 1, written: 0 }
    }

    /// The same room, cut off from here on; its clock is `ahead_ms` ahead.
    fn cut(&self, mark: u8, ahead_ms: u64) -> Self {
        Self { mark, now_ms: self.now_ms + ahead_ms, ..self.clone() }
    }

    /// Both islands after the line is back.
    fn heal(&self, other: &Self) -> Membership {
        let mut entries = self.entries.clone();
        entries.extend(other.entries.iter().filter(|entry| !self.entries.contains(entry)).cloned());
        resolve(self.room, &entries, &self.directory)
    }

    fn seen(&self) -> Membership {
        resolve(self.room, &self.entries, &self.directory)
    }

    fn id(&mut self) -> EntryId {
        self.written += 1;
        entry_id(self.now_ms + self.written, self.mark)
    }

    fn create(&mut self, node: u8, author: u8, kind: RoomKind, created_for: Option<UserId>) -> EntryId {
        let membership = Membership::default();
        let id = self.id();
        let writer = self.writer(author, EntryId::NIL, &membership);
        self.write(node, writer.create(id, kind, created_for).unwrap())
    }

    /// `author` writes at `node`, relying on the grant in force for them (or on nothing).
    fn act(
        &mut self,
        node: u8,
        author: u8,
        draft: impl FnOnce(PolicyWriter<'_>, EntryId) -> Result<noroshi_sync::entry::Draft, crate::InvalidField>,
    ) -> EntryId {
        let membership = self.seen();
        let grant = membership.grant_for(user(author)).unwrap_or(EntryId::NIL);
        let id = self.id();
        let draft = draft(self.writer(author, grant, &membership), id).unwrap();
        self.write(node, draft)
    }

    fn set(&mut self, node: u8, author: u8, who: u8, role: RoomRole) -> EntryId {
        self.act(node, author, |writer, id| writer.set_member(id, user(who), role))
    }

    fn remove(&mut self, node: u8, author: u8, who: u8) -> EntryId {
        self.act(node, author, |writer, id| writer.remove_member(id, user(who)))
    }

    fn writer<'a>(&self, author: u8, auth_ref: EntryId, membership: &'a Membership) -> PolicyWriter<'a> {
        PolicyWriter { room: self.room, author: user(author), device: DeviceId::NIL, auth_ref, membership }
    }

    fn write(&mut self, node: u8, draft: noroshi_sync::entry::Draft) -> EntryId {
        self.now_ms += 1;
        // Of each island's own logs: the epoch is the mark.
        let mut written = Scribe::default().write_at(Town::node(node), draft, self.now_ms);
        written.0.epoch = noroshi_sync::id::Epoch(u64::from(self.mark));
        written.1.seq = self.written;
        let id = written.1.id;
        self.entries.push(written);
        id
    }
}

fn resolve<'a>(room: RoomId, entries: impl IntoIterator<Item = &'a Written>, directory: &Directory) -> Membership {
    Membership::resolve(room, entries.into_iter().map(|(log, entry): &(LogId, Entry)| (log, entry)), directory)
}

fn members(membership: &Membership) -> Vec<(u8, RoomRole)> {
    membership.members().iter().map(|(id, member)| (id.as_bytes()[0], member.role)).collect()
}

use RoomRole::{Admin, Member as Plain};

#[test]
fn the_creator_adds_and_removes() {
    let mut island = Island::new();
    island.set(1, 1, 2, Plain);
    island.set(1, 1, 4, Admin);
    assert_eq!(members(&island.seen()), [(1, Admin), (2, Plain), (4, Admin)]);
    island.remove(1, 1, 2);
    assert_eq!(members(&island.seen()), [(1, Admin), (4, Admin)]);
    assert_eq!(island.seen().kind(), Some(RoomKind::Group));
    assert_eq!(island.seen().created().unwrap().1, user(1));
    assert_eq!(island.seen().hidden(), 0);
}

#[test]
fn two_islands_that_add_different_people_have_both() {
    let mut north = Island::new();
    north.set(1, 1, 2, Admin);
    north.set(1, 1, 4, Admin);
    let mut south = north.cut(2, 0);
    north.set(2, 2, 3, Plain);
    south.set(3, 4, 5, Plain);
    assert_eq!(members(&north.heal(&south)), [(1, Admin), (2, Admin), (3, Plain), (4, Admin), (5, Plain)]);
}

#[test]
fn removed_here_and_promoted_there_is_removed() {
    for ahead_ms in [0, 1_000] {
        let mut one = Island::new();
        one.set(1, 1, 2, Plain);
        one.set(1, 1, 4, Admin);
        let mut other = one.cut(2, ahead_ms);
        one.remove(1, 1, 2);
        other.set(3, 4, 2, Admin);
        let healed = one.heal(&other);
        assert_eq!(members(&healed), [(1, Admin), (4, Admin)], "{ahead_ms} ms ahead");
        assert_eq!(healed.hidden(), 0, "the promotion counts, and gives nothing");
    }
}

#[test]
fn added_again_after_the_removal_was_seen_is_a_member() {
    let mut island = Island::new();
    let first = island.set(1, 1, 2, Admin);
    let removal = island.remove(1, 1, 2);
    assert_eq!(island.seen().removals_to_lift(user(2)), [removal]);
    assert!(island.seen().ever_granted(first, user(2)) && island.seen().was_ever_member(user(2)));
    let second = island.set(1, 1, 2, Plain);
    assert_eq!(island.seen().role(user(2)), Some(Plain));
    assert_eq!(island.seen().grant_for(user(2)), Some(second));
    assert!(island.seen().ever_granted(first, user(2)) && !island.seen().ever_granted(first, user(3)));
}

#[test]
fn a_removal_that_the_new_grant_had_not_seen_still_removes() {
    let mut one = Island::new();
    one.set(1, 1, 2, Plain);
    one.set(1, 1, 4, Admin);
    let mut other = one.cut(2, 0);
    other.remove(3, 4, 2);
    one.remove(1, 1, 2);
    one.set(1, 1, 2, Plain);
    assert_eq!(one.heal(&other).role(user(2)), None);
    assert_eq!(one.heal(&other).removals_to_lift(user(2)).len(), 2);
}

#[test]
fn of_two_administrators_who_remove_each_other_none_remains() {
    for ahead_ms in [0, 5_000] {
        let mut one = Island::new();
        one.set(1, 1, 2, Admin);
        one.set(1, 1, 4, Admin);
        let mut other = one.cut(2, ahead_ms);
        one.remove(2, 2, 4);
        other.remove(3, 4, 2);
        assert_eq!(members(&one.heal(&other)), [(1, Admin)]);
    }
}

#[test]
fn what_a_removed_administrator_added_before_stays() {
    let mut island = Island::new();
    island.set(1, 1, 2, Admin);
    island.set(2, 2, 3, Plain);
    island.remove(1, 1, 2);
    assert_eq!(members(&island.seen()), [(1, Admin), (3, Plain)]);
}

#[test]
fn what_a_removed_administrator_added_meanwhile_depends_on_the_stamp() {
    let mut one = Island::new();
    one.set(1, 1, 2, Admin);
    let mut before = one.cut(2, 0);
    let mut after = one.cut(3, 1_000);
    one.now_ms += 500;
    one.remove(1, 1, 2);
    before.set(2, 2, 3, Plain);
    after.set(2, 2, 4, Plain);
    assert_eq!(members(&one.heal(&before)), [(1, Admin), (3, Plain)]);
    assert_eq!(members(&one.heal(&after)), [(1, Admin)]);
    // But a removal by the removed counts.
    let mut remover = one.cut(4, 1_000);
    remover.entries.retain(|(_, entry)| entry.kind != kind::MEMBER_REMOVE);
    remover.remove(2, 2, 1);
    assert_eq!(members(&one.heal(&remover)), []);
}

#[test]
fn an_administrator_made_by_a_removed_one_too_late_is_none() {
    let mut one = Island::new();
    one.set(1, 1, 2, Admin);
    let mut other = one.cut(2, 1_000);
    one.remove(1, 1, 2);
    other.set(2, 2, 4, Admin);
    other.set(3, 4, 5, Plain);
    other.remove(3, 4, 1);
    let healed = one.heal(&other);
    assert_eq!(members(&healed), [(1, Admin)]);
    assert_eq!(healed.hidden(), 3);
}

#[test]
fn a_member_leaves_alone_and_comes_back_only_when_added() {
    let mut island = Island::new();
    island.set(1, 1, 2, Plain);
    island.remove(2, 2, 2);
    assert_eq!(members(&island.seen()), [(1, Admin)]);
    island.set(2, 2, 2, Plain);
    assert_eq!(members(&island.seen()), [(1, Admin)]);
    island.set(1, 1, 2, Plain);
    assert_eq!(members(&island.seen()), [(1, Admin), (2, Plain)]);
}

#[test]
fn the_role_is_the_last_word_and_concurrent_words_go_by_stamp() {
    let mut one = Island::new();
    let first = one.set(1, 1, 2, Plain);
    let promotion = one.set(1, 1, 2, Admin);
    assert_eq!(one.seen().sets_to_replace(user(2)), [promotion]);
    assert_eq!(one.seen().grant_for(user(2)), Some(promotion));
    assert!(one.seen().ever_granted(first, user(2)));
    one.set(1, 1, 4, Admin);
    let mut other = one.cut(2, 1_000);
    one.set(1, 1, 3, Plain);
    other.set(3, 4, 3, Admin);
    let healed = one.heal(&other);
    assert_eq!(healed.role(user(3)), Some(Admin));
    assert_eq!(healed.sets_to_replace(user(3)).len(), 2);
}

#[test]
fn who_was_made_a_plain_member_cannot_use_the_old_grant() {
    let mut island = Island::new();
    let old = island.set(1, 1, 2, Admin);
    island.set(1, 1, 2, Admin);
    island.set(1, 1, 2, Plain);
    let membership = island.seen();
    for auth_ref in [old, membership.grant_for(user(2)).unwrap()] {
        let id = island.id();
        let draft = island.writer(2, auth_ref, &membership).set_member(id, user(3), Plain).unwrap();
        island.write(2, draft);
    }
    assert_eq!(members(&island.seen()), [(1, Admin), (2, Plain)]);
    assert_eq!(island.seen().hidden(), 2);
    // The creator can be made a plain member too.
    island.set(1, 1, 4, Admin);
    island.set(3, 4, 1, Plain);
    assert_eq!(island.seen().role(user(1)), Some(Plain));
}

#[test]
fn the_audience_follows_members_headquarters_and_hubs() {
    let mut island = Island::new();
    let offices = |membership: &Membership| -> Vec<u8> {
        membership.audience_offices().iter().map(|office| office.as_bytes()[0]).collect()
    };
    assert_eq!(offices(&island.seen()), [1, 4]);
    island.set(1, 1, 2, Plain);
    assert_eq!(offices(&island.seen()), [1, 2, 4]);
    assert!(island.seen().audience_nodes().contains(&Town::node(2)));
    island.act(1, 1, |writer, id| writer.add_office(id, office(3)));
    assert_eq!(offices(&island.seen()), [1, 2, 3, 4]);
    let closing = island.act(1, 1, |writer, id| writer.remove_office(id, office(3)));
    island.act(1, 1, |writer, id| writer.remove_office(id, office(4)));
    assert_eq!(offices(&island.seen()), [1, 2]);
    assert_eq!(island.seen().audience_removals_to_lift(office(3)), [closing]);
    assert!(!island.seen().audience_nodes().contains(&Town::node(4)));
    island.act(1, 1, |writer, id| writer.add_office(id, office(4)));
    assert_eq!(offices(&island.seen()), [1, 2, 4]);
    island.remove(1, 1, 2);
    assert_eq!(offices(&island.seen()), [1, 4]);
}

#[test]
fn closing_beats_opening_when_concurrent() {
    let mut one = Island::new();
    one.set(1, 1, 4, Admin);
    let mut other = one.cut(2, 1_000);
    one.act(1, 1, |writer, id| writer.remove_office(id, office(2)));
    other.act(3, 4, |writer, id| writer.add_office(id, office(2)));
    assert!(!one.heal(&other).audience_offices().contains(&office(2)));
}

#[test]
fn nothing_is_known_of_a_room_without_a_creation() {
    let mut island = Island::empty(RoomId::from_bytes([0x51; 16]));
    island.set(1, 1, 2, Plain);
    let membership = island.seen();
    assert_eq!(membership, Membership { hidden: 1, ..Membership::default() });
    assert!(membership.audience_nodes().is_empty());
}

#[test]
fn two_people_who_open_their_direct_room_on_two_islands_meet_in_it() {
    let room = direct_room_id(user(2), user(4));
    let (mut north, mut south) = (Island::empty(room), Island::empty(room).cut(2, 1_000));
    for (island, node, author, other) in [(&mut north, 2, 2, 4), (&mut south, 3, 4, 2)] {
        island.create(node, author, RoomKind::Direct, Some(user(other)));
        island.set(node, author, other, Admin);
        assert_eq!(members(&island.seen()), [(2, Admin), (4, Admin)]);
        // Nobody else comes in.
        island.set(node, author, 3, Plain);
    }
    let healed = north.heal(&south);
    assert_eq!(members(&healed), [(2, Admin), (4, Admin)]);
    assert_eq!((healed.kind(), healed.hidden()), (Some(RoomKind::Direct), 2));
    // Once both are known either may write with the own creation or the other's grant.
    assert_eq!(healed.sets_to_replace(user(2)).len(), 2);
}

#[test]
fn a_direct_room_with_an_ordinary_id_has_its_two_people_only() {
    let mut island = Island::empty(RoomId::from_bytes([0x52; 16]));
    island.create(2, 2, RoomKind::Direct, Some(user(4)));
    island.set(2, 2, 4, Plain);
    island.set(2, 2, 3, Plain);
    assert_eq!(members(&island.seen()), [(2, Admin), (4, Plain)]);
}

/// For the tests in other files: a written entry in another log.
fn copied(written: &Written, node: NodeId, ms: u64) -> Written {
    let (mut log, mut entry) = written.clone();
    log.node = node;
    entry.hlc = noroshi_sync::hlc::Hlc::from_parts(ms, 0);
    (log, entry)
}
