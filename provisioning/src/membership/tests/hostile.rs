//! People and nodes without rights write into the policy. Nothing of it counts.

use super::*;

fn assert_nothing_counts(island: &Island, hostile: &[Written]) {
    let before = island.seen();
    let after = resolve(island.room, island.entries.iter().chain(hostile), &island.directory);
    assert_eq!(after.hidden(), before.hidden() + hostile.len());
    assert_eq!(Membership { hidden: before.hidden, ..after }, before);
}

/// What `f` writes, without keeping it.
fn written_by<T>(island: &Island, f: impl FnOnce(&mut Island) -> T) -> Vec<Written> {
    let mut other = island.clone();
    other.mark = 99;
    f(&mut other);
    other.entries.split_off(island.entries.len())
}

fn standing() -> Island {
    let mut island = Island::new();
    island.set(1, 1, 2, Admin);
    island.set(1, 1, 4, Plain);
    island
}

#[test]
fn a_plain_member_and_a_stranger_decide_nothing() {
    let island = standing();
    for (node, author) in [(3, 4), (3, 5)] {
        let hostile = written_by(&island, |island| {
            island.set(node, author, 5, Admin);
            island.set(node, author, author, Admin);
            island.remove(node, author, 1);
            island.act(node, author, |writer, id| writer.add_office(id, office(3)));
            island.act(node, author, |writer, id| writer.remove_office(id, office(2)));
        });
        assert_nothing_counts(&island, &hostile);
    }
}

#[test]
fn a_stranger_cannot_leave() {
    let island = standing();
    assert_nothing_counts(&island, &written_by(&island, |island| island.remove(3, 5, 5)));
}

#[test]
fn a_node_cannot_speak_for_people_of_other_offices() {
    let island = standing();
    // User 1 is of headquarters, user 2 of north. South and an unknown node write in their names.
    for node in [3, 66] {
        for author in [1, 2] {
            let hostile = written_by(&island, |island| {
                island.set(node, author, 5, Admin);
                island.remove(node, author, 4);
            });
            assert_nothing_counts(&island, &hostile);
        }
    }
    // Headquarters may speak for everybody.
    let genuine = written_by(&island, |island| island.set(1, 2, 5, Plain));
    assert_eq!(
        resolve(island.room, island.entries.iter().chain(&genuine), &island.directory).role(user(5)),
        Some(Plain)
    );
}

#[test]
fn nobody_relies_on_somebody_elses_grant() {
    let island = standing();
    let membership = island.seen();
    let mut hostile = Vec::new();
    for grant in [membership.grant_for(user(1)), membership.grant_for(user(2)), Some(EntryId::NIL)] {
        hostile.extend(written_by(&island, |island| {
            let id = island.id();
            let draft = island.writer(4, grant.unwrap(), &membership).set_member(id, user(5), Plain).unwrap();
            island.write(3, draft);
        }));
    }
    // A grant for oneself that rests on itself.
    hostile.extend(written_by(&island, |island| {
        let id = island.id();
        let draft = island.writer(5, id, &membership).set_member(id, user(5), Admin).unwrap();
        island.write(3, draft);
    }));
    assert_nothing_counts(&island, &hostile);
}

#[test]
fn a_grant_before_the_right_does_not_count() {
    // User 4 becomes an administrator, and somebody antedates a grant of theirs.
    let mut island = Island::new();
    let grant = island.set(1, 1, 4, Admin);
    let membership = island.seen();
    let id = island.id();
    let draft = island.writer(4, grant, &membership).set_member(id, user(5), Plain).unwrap();
    let antedated = copied(&Scribe::default().write(Town::node(3), draft), Town::node(3), 1);
    assert_nothing_counts(&island, &[antedated]);
}

#[test]
fn a_second_creation_takes_no_room() {
    let island = standing();
    let later = written_by(&island, |island| island.create(3, 5, RoomKind::Group, None));
    assert_nothing_counts(&island, &later);
}

#[test]
fn a_room_with_a_derived_id_cannot_be_taken_even_with_a_lower_stamp() {
    let mut island = Island::empty(RoomId::from_bytes([0x51; 16]));
    let create = island.clone().id();
    island.room = room_id(create, user(1));
    assert_eq!(island.create(1, 1, RoomKind::Group, None), create);
    assert_eq!(members(&island.seen()), [(1, Admin)]);
    let mut hostile = Vec::new();
    for (created_for, kind) in [(None, RoomKind::Group), (Some(user(1)), RoomKind::Direct)] {
        let written = written_by(&island, |island| island.create(3, 5, kind, created_for));
        hostile.push(copied(&written[0], Town::node(3), 1));
        // The same id by another author.
        let (log, mut entry) = copied(&written[0], Town::node(3), 2);
        entry.id = create;
        hostile.push((log, entry));
    }
    assert_nothing_counts(&island, &hostile);
}

#[test]
fn a_direct_room_is_not_for_third_parties() {
    let room = direct_room_id(user(2), user(4));
    let mut island = Island::empty(room);
    island.create(2, 2, RoomKind::Direct, Some(user(4)));
    let hostile = [(3, 5, Some(user(2))), (3, 5, Some(user(4))), (1, 1, Some(user(1)))].map(|(node, author, other)| {
        let written = written_by(&island, |island| island.create(node, author, RoomKind::Direct, other));
        copied(&written[0], Town::node(node), 1)
    });
    assert_nothing_counts(&island, &hostile);
}

#[test]
fn signatures_of_other_kinds_and_other_lanes_do_not_count() {
    let island = standing();
    let genuine = written_by(&island, |island| island.set(1, 1, 5, Plain));
    let mut signed = genuine[0].clone();
    signed.1.sig_alg = 1;
    let mut of_later = genuine[0].clone();
    of_later.1.body[0] = 2;
    let mut damaged = genuine[0].clone();
    damaged.1.body.pop();
    for (n, spoilt) in [signed, of_later, damaged].into_iter().enumerate() {
        let mut spoilt = spoilt;
        spoilt.1.seq += n as u64;
        assert_nothing_counts(&island, &[spoilt]);
    }
    let mut elsewhere = genuine[0].clone();
    elsewhere.0.lane = noroshi_sync::entry::Lane::Normal;
    let mut other_room = genuine[0].clone();
    other_room.0.room = RoomId::from_bytes([9; 16]);
    let mut message = genuine[0].clone();
    message.1.kind = 1;
    let ignored = [elsewhere, other_room, message];
    assert_eq!(resolve(island.room, island.entries.iter().chain(&ignored), &island.directory), island.seen());
}
