//! A hostile node of an enrolled office writes whatever it likes. Nothing of it counts.

use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::EntryId;

use super::*;
use crate::signer::{AdministratorKey, RootKey};

/// What the town says must be what it said before the hostile entries, apart from the counts.
fn assert_nothing_counts(town: &Town, hostile: &[Written]) {
    let before = town.directory();
    let after = resolve(town.entries.iter().chain(hostile));
    assert_eq!(after.counts().counted, before.counts().counted);
    assert_eq!(after.counts().hidden, before.counts().hidden + hostile.len());
    assert_eq!(Directory { counts: before.counts(), ..after }, before);
}

#[test]
fn forged_grants_do_not_count() {
    let mut town = Town::new();
    let grant = RoleGrant { user: user(2), role: Role::SystemAdmin, lifts: vec![] };
    let room = town.rooms.directory;
    let named = town.administrator.entry();
    let mut hostile = Vec::new();
    // In the administrator's name, vouched for by the node only.
    for auth_ref in [named, EntryId::NIL] {
        let id = town.scribe.id();
        hostile.push(town.scribe.write(Town::node(2), attested(user(1), auth_ref, room, id, &grant)));
    }
    // Signed by other keys, in the administrator's name, in the hostile person's name, and as if by the root.
    for signer in [AdministratorKey::new(user(1), named, key(66)), AdministratorKey::new(user(2), named, key(66))] {
        let id = town.scribe.id();
        hostile.push(town.scribe.write(Town::node(2), signed(&signer, room, id, &grant)));
    }
    let id = town.scribe.id();
    hostile.push(town.scribe.write(Town::node(2), signed(&RootKey::new(key(66)), room, id, &grant)));
    assert_nothing_counts(&town, &hostile);
}

#[test]
fn a_signature_is_good_for_one_statement_only() {
    let mut town = Town::new();
    let genuine = town.by_administrator(|admin, id| admin.grant(id, user(3), Role::Staff)).1;
    let other = RoleGrant { user: user(2), role: Role::SystemAdmin, lifts: vec![] };
    let base = attested(genuine.author, genuine.auth_ref, town.rooms.directory, genuine.id, &other);
    let with_signature = noroshi_sync::entry::Draft { sig_alg: 1, sig: genuine.sig.clone(), ..base };
    let hostile: Vec<Written> = [
        // Another body; another id; another author; another kind; no signature; a cut signature; another algorithm.
        with_signature.clone(),
        noroshi_sync::entry::Draft { id: entry_id(NOW_MS, 77), body: genuine.body.clone(), ..with_signature.clone() },
        noroshi_sync::entry::Draft { author: user(2), body: genuine.body.clone(), ..with_signature.clone() },
        noroshi_sync::entry::Draft { kind: kind::ROLE_REMOVE, body: genuine.body.clone(), ..with_signature.clone() },
        noroshi_sync::entry::Draft { sig: None, body: genuine.body.clone(), ..with_signature.clone() },
        noroshi_sync::entry::Draft { sig: Some(vec![0; 63]), body: genuine.body.clone(), ..with_signature.clone() },
        noroshi_sync::entry::Draft { sig_alg: 2, body: genuine.body.clone(), ..with_signature.clone() },
        // Another room of the ledger: a signature names its room.
        noroshi_sync::entry::Draft { room: town.rooms.public, body: genuine.body.clone(), ..with_signature },
    ]
    .into_iter()
    .map(|draft| town.scribe.write(Town::node(2), draft))
    .collect();
    assert_nothing_counts(&town, &hostile);
}

#[test]
fn statements_in_the_wrong_room_do_not_count() {
    let mut town = Town::new();
    let ids = [town.scribe.id(), town.scribe.id(), town.scribe.id(), town.scribe.id()];
    let (admin, rooms) = (&town.administrator, town.rooms);
    let foreign = room_ids(crate::id::OrgId::from_bytes([9; 32]));
    let drafts = [
        signed(admin, rooms.public, ids[0], &user_set(30, 2)),
        signed(admin, rooms.directory, ids[1], &office_set(30, OfficeKind::Branch)),
        signed(
            admin,
            rooms.directory,
            ids[2],
            &PasswordVerifier { user: user(2), verifier: verifier('A'), replaces: vec![] },
        ),
        signed(admin, foreign.directory, ids[3], &user_set(31, 2)),
    ];
    let hostile: Vec<Written> = drafts.into_iter().map(|draft| town.scribe.write(Town::node(1), draft)).collect();
    assert_nothing_counts(&town, &hostile);
}

#[test]
fn a_self_signed_administrator_key_does_not_count() {
    let mut town = Town::new();
    let (room, named) = (town.rooms.public, town.administrator.entry());
    let body = AdministratorKeySet { user: user(2), key: key(66).public() };
    let mut hostile = Vec::new();
    let own_id = town.scribe.id();
    for auth_ref in [own_id, named, EntryId::NIL, entry_id(5, 5)] {
        let signer = AdministratorKey::new(user(2), auth_ref, key(66));
        let id = if auth_ref == own_id { own_id } else { town.scribe.id() };
        hostile.push(town.scribe.write(Town::node(2), signed(&signer, room, id, &body)));
    }
    // Two keys that name each other.
    let ids = [town.scribe.id(), town.scribe.id()];
    for (own, other) in [(0, 1), (1, 0)] {
        let signer = AdministratorKey::new(user(2), ids[other], key(66));
        hostile.push(town.scribe.write(Town::node(2), signed(&signer, room, ids[own], &body)));
    }
    // A role resting on such a key, and on the id of the genuine one with another content.
    let impostor = AdministratorKeySet { user: user(1), key: key(66).public() };
    hostile.push(
        town.scribe
            .write(Town::node(2), signed(&AdministratorKey::new(user(1), named, key(66)), room, named, &impostor)),
    );
    for named in [own_id, named] {
        let id = town.scribe.id();
        let grant = RoleGrant { user: user(2), role: Role::SystemAdmin, lifts: vec![] };
        let signer = AdministratorKey::new(user(if named == own_id { 2 } else { 1 }), named, key(66));
        hostile.push(town.scribe.write(Town::node(2), signed(&signer, town.rooms.directory, id, &grant)));
    }
    assert_nothing_counts(&town, &hostile);
}

#[test]
fn a_user_without_the_role_signs_nothing() {
    let mut town = Town::new();
    let entry = town.by_administrator(|admin, id| admin.administrator_key(id, user(2), key(102).public())).1.id;
    town.by_administrator(|admin, id| admin.grant(id, user(2), Role::OfficeAdmin));
    let signer = AdministratorKey::new(user(2), entry, key(102));
    let ids: Vec<EntryId> = (0..4).map(|_| town.scribe.id()).collect();
    let now = Hlc::from_parts(NOW_MS, 0);
    let hostile: Vec<Written> = [
        signed(
            &signer,
            town.rooms.directory,
            ids[0],
            &RoleGrant { user: user(2), role: Role::SystemAdmin, lifts: vec![] },
        ),
        signed(
            &signer,
            town.rooms.directory,
            ids[1],
            &RoleRemove { user: user(1), role: Role::SystemAdmin, acts_until: now },
        ),
        signed(&signer, town.rooms.directory, ids[2], &user_set(1, 2)),
        signed(&signer, town.rooms.public, ids[3], &office_set(2, OfficeKind::Headquarters)),
    ]
    .into_iter()
    .map(|draft| town.scribe.write(Town::node(2), draft))
    .collect();
    assert_nothing_counts(&town, &hostile);
}

#[test]
fn an_administrator_does_not_sign_in_another_name() {
    let mut town = Town::new();
    let id = town.scribe.id();
    let as_another = AdministratorKey::new(user(7), town.administrator.entry(), key(100));
    let draft = signed(&as_another, town.rooms.directory, id, &user_set(30, 2));
    let hostile = [town.scribe.write(Town::node(1), draft)];
    assert_nothing_counts(&town, &hostile);
}

#[test]
fn forged_enrolments_do_not_count() {
    let mut town = Town::new();
    let invite_id = invite(&mut town, 2, 50);
    let public = town.rooms.public;
    let statement = enrol_statement(Town::node(66), office(2), invite_id);
    let enrol =
        |office, signature| NodeEnrol { node: Town::node(66), office, name: "偽".into(), invite_signature: signature };
    let by_invite = invite_key(&[50; 16]).unwrap().sign(&statement);
    let forged = key(66).sign(&statement);
    let mut hostile = Vec::new();
    for (body, auth_ref) in [
        // No invitation; one that does not exist; another key; no signature; another office than invited to.
        (enrol(office(2), Some(forged)), EntryId::NIL),
        (enrol(office(2), Some(by_invite)), entry_id(5, 5)),
        (enrol(office(2), Some(forged)), invite_id),
        (enrol(office(2), None), invite_id),
        (enrol(office(1), Some(by_invite)), invite_id),
    ] {
        let id = town.scribe.id();
        hostile.push(town.scribe.write(Town::node(1), attested(UserId::NIL, auth_ref, public, id, &body)));
    }
    // The secret is known, and signs for another office than invited to.
    let elsewhere = enrol_statement(Town::node(66), office(1), invite_id);
    let elsewhere = invite_key(&[50; 16]).unwrap().sign(&elsewhere);
    let id = town.scribe.id();
    let draft = attested(UserId::NIL, invite_id, public, id, &enrol(office(1), Some(elsewhere)));
    hostile.push(town.scribe.write(Town::node(1), draft));
    // Known secret, but nobody at headquarters admitted the node; also not with the lowest of stamps, and not by itself.
    for node in [2, 66] {
        let id = town.scribe.id();
        let draft = attested(UserId::NIL, invite_id, public, id, &enrol(office(2), Some(by_invite)));
        hostile.push(town.scribe.write_at(Town::node(node), draft, 1));
    }
    assert_nothing_counts(&town, &hostile);
    // None of this uses up the invitation.
    town.entries.extend(hostile);
    let draft = enrolment(invite_id, 50, 20, office(2), &mut town);
    town.write(1, draft);
    assert_eq!(town.directory().office_of(Town::node(20)), Some(office(2)));
}

#[test]
fn a_used_invitation_is_not_stolen_by_a_lower_stamp() {
    let mut town = Town::new();
    let invite_id = invite(&mut town, 2, 50);
    let genuine = enrolment(invite_id, 50, 20, office(2), &mut town);
    town.write(1, genuine);
    let thief = enrolment(invite_id, 50, 66, office(2), &mut town);
    let hostile =
        [town.scribe.write_at(Town::node(2), thief.clone(), 1), town.scribe.write_at(Town::node(66), thief, 1)];
    let before = town.directory();
    let after = resolve(town.entries.iter().chain(&hostile));
    assert_eq!(after.node(Town::node(66)), None);
    assert_eq!(after.invite(invite_id), before.invite(invite_id));
}

#[test]
fn an_enrolled_node_is_not_moved_by_another_invitation() {
    let mut town = Town::new();
    let invite_id = invite(&mut town, 1, 50);
    // The hostile branch got hold of a code for headquarters and uses it for its own, already enrolled node.
    let draft = enrolment(invite_id, 50, 2, office(1), &mut town);
    let hostile = [town.scribe.write_at(Town::node(1), draft, 1)];
    assert_nothing_counts(&town, &hostile);
}

#[test]
fn only_a_node_itself_says_where_it_is() {
    let mut town = Town::new();
    let id = town.scribe.id();
    let lie = addresses_draft(&town.rooms.clone(), id, Town::node(1), vec!["192.0.2.66:1".parse().unwrap()]).unwrap();
    let id = town.scribe.id();
    let unknown =
        addresses_draft(&town.rooms.clone(), id, Town::node(66), vec!["192.0.2.66:1".parse().unwrap()]).unwrap();
    let hostile = [town.scribe.write(Town::node(2), lie), town.scribe.write(Town::node(66), unknown)];
    assert_nothing_counts(&town, &hostile);
}

#[test]
fn other_peoples_passwords_cannot_be_set() {
    let mut town = Town::new();
    town.by_administrator(|admin, id| admin.password(id, user(4), office(3), verifier('A')));
    let verifiers = |user: UserId| PasswordVerifier { user, verifier: verifier('Z'), replaces: vec![] };
    let rooms = town.rooms;
    let mut hostile = Vec::new();
    for (author, victim, room) in [
        // A person of another office, in either room; the administrator; somebody else's name on it.
        (user(4), user(4), rooms.secrets(office(3))),
        (user(4), user(4), rooms.secrets(office(2))),
        (user(1), user(1), rooms.secrets(office(1))),
        (user(2), user(4), rooms.secrets(office(3))),
        (user(2), user(3), rooms.secrets(office(2))),
        // Own person, but in a room that others read, or in the secrets of another office.
        (user(2), user(2), rooms.directory),
        (user(2), user(2), rooms.secrets(office(3))),
    ] {
        let id = town.scribe.id();
        hostile.push(town.scribe.write(Town::node(2), attested(author, EntryId::NIL, room, id, &verifiers(victim))));
    }
    assert_nothing_counts(&town, &hostile);
}

#[test]
fn copies_under_other_stamps_change_nothing() {
    let mut town = Town::new();
    let directory = town.directory();
    let ids = [town.scribe.id(), town.scribe.id()];
    let writer = LedgerWriter { directory: &directory, signer: &town.administrator, device: DeviceId::NIL };
    for (id, name) in ids.into_iter().zip(["甲", "乙"]) {
        let draft = writer.office(id, OfficeSet { name: name.into(), ..office_set(2, OfficeKind::Branch) }).unwrap();
        town.entries.push(town.scribe.write(Town::node(1), draft));
    }
    let before = town.directory();
    for ms in [1, NOW_MS * 2] {
        let copies = town.entries.iter().cloned().map(|(mut log, mut entry)| {
            log.node = Town::node(2);
            entry.hlc = Hlc::from_parts(ms, 0);
            (log, entry)
        });
        let copies: Vec<Written> = copies.collect();
        let after = resolve(town.entries.iter().chain(&copies));
        assert_eq!(after.office(office(2)), before.office(office(2)));
        assert_eq!(after.counts(), before.counts());
        let last_acts = before.last_acts.clone();
        assert_eq!(Directory { last_acts: last_acts.clone(), ..after }, Directory { last_acts, ..before.clone() });
    }
}

#[test]
fn another_lane_and_damaged_bodies_are_hidden() {
    let mut town = Town::new();
    let mut in_another_lane = town.entries[2].clone();
    in_another_lane.0.lane = noroshi_sync::entry::Lane::Normal;
    in_another_lane.1.id = town.scribe.id();
    let mut damaged = town.entries[2].clone();
    damaged.1.id = town.scribe.id();
    damaged.1.body.push(0);
    let mut empty = town.entries[2].clone();
    empty.1.id = town.scribe.id();
    empty.1.body.clear();
    assert_nothing_counts(&town, &[in_another_lane, damaged, empty]);
}
