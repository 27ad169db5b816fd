//! Administrators make and unmake administrators.

use noroshi_sync::entry::Draft;
use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::EntryId;

use super::*;
use crate::signer::AdministratorKey;

/// Makes user `n` an administrator with key 100 + n; by the first administrator.
fn appoint(town: &mut Town, n: u8) -> AdministratorKey {
    let entry = town.by_administrator(|admin, id| admin.administrator_key(id, user(n), key(100 + n).public())).1.id;
    town.by_administrator(|admin, id| admin.grant(id, user(n), Role::SystemAdmin));
    AdministratorKey::new(user(n), entry, key(100 + n))
}

fn removal(town: &mut Town, by: &AdministratorKey, of: u8, until_ms: u64) -> (EntryId, Draft) {
    let body = RoleRemove { user: user(of), role: Role::SystemAdmin, acts_until: Hlc::from_parts(until_ms, 0) };
    let id = town.scribe.id();
    (id, signed(by, town.rooms.directory, id, &body))
}

#[test]
fn an_administrator_makes_another_who_can_do_everything() {
    let mut town = Town::new();
    let second = appoint(&mut town, 2);
    let id = town.scribe.id();
    town.write(2, signed(&second, town.rooms.directory, id, &user_set(30, 2)));
    let third = AdministratorKeySet { user: user(4), key: key(104).public() };
    let third_entry = town.scribe.id();
    town.write(2, signed(&second, town.rooms.public, third_entry, &third));
    let id = town.scribe.id();
    town.write(
        2,
        signed(&second, town.rooms.directory, id, &RoleGrant { user: user(4), role: Role::SystemAdmin, lifts: vec![] }),
    );
    let id = town.scribe.id();
    let third = AdministratorKey::new(user(4), third_entry, key(104));
    town.write(3, signed(&third, town.rooms.directory, id, &user_set(31, 3)));
    let directory = town.directory();
    assert!(directory.user(user(30)).is_some() && directory.user(user(31)).is_some());
}

#[test]
fn a_key_without_the_role_and_the_role_without_a_key_give_nothing() {
    let mut town = Town::new();
    let entry = town.by_administrator(|admin, id| admin.administrator_key(id, user(2), key(102).public())).1.id;
    let id = town.scribe.id();
    let not_yet = AdministratorKey::new(user(2), entry, key(102));
    let written = town.write(2, signed(&not_yet, town.rooms.directory, id, &user_set(30, 2)));
    assert_eq!(town.directory().user(user(30)), None);
    // The role arrives later, and what was hidden counts.
    town.by_administrator(|admin, id| admin.grant(id, user(2), Role::SystemAdmin));
    assert_eq!(town.directory().user(user(30)).unwrap().heads, [written.1.id]);
}

#[test]
fn the_acts_of_the_removed_stand_until_the_removal_and_not_after() {
    let mut town = Town::new();
    let second = appoint(&mut town, 2);
    let id = town.scribe.id();
    town.write(2, signed(&second, town.rooms.directory, id, &user_set(30, 2)));
    let invite_body = NodeInvite { office: office(2), key: [9; 32], expires_ms: NOW_MS, node_name: "二号機".into() };
    let early = town.scribe.id();
    town.write(2, signed(&second, town.rooms.public, early, &invite_body));

    let now = town.scribe.now_ms;
    town.by_administrator(|admin, id| admin.remove(id, user(2), Role::SystemAdmin, now));
    let id = town.scribe.id();
    town.write(2, signed(&second, town.rooms.directory, id, &user_set(31, 2)));
    let late = town.scribe.id();
    town.write(2, signed(&second, town.rooms.public, late, &invite_body));

    let directory = town.directory();
    assert!(!directory.has_role(user(2), Role::SystemAdmin));
    assert!(directory.user(user(30)).is_some() && directory.invite(early).is_some());
    assert!(directory.user(user(31)).is_none() && directory.invite(late).is_none());
}

#[test]
fn a_remover_with_a_slow_clock_takes_nothing_that_it_had_seen() {
    let mut town = Town::new();
    let second = appoint(&mut town, 2);
    let id = town.scribe.id();
    town.write(2, signed(&second, town.rooms.directory, id, &user_set(30, 2)));
    town.by_administrator(|admin, id| admin.remove(id, user(2), Role::SystemAdmin, 0));
    assert!(town.directory().user(user(30)).is_some());
}

#[test]
fn a_grant_that_knows_the_removal_gives_the_role_again() {
    let mut town = Town::new();
    let second = appoint(&mut town, 2);
    let blind = town.by_administrator(|admin, id| admin.grant(id, user(2), Role::SystemAdmin)).1;
    assert!(blind.body.len() < 32);
    let now = town.scribe.now_ms;
    town.by_administrator(|admin, id| admin.remove(id, user(2), Role::SystemAdmin, now));
    assert!(!town.directory().has_role(user(2), Role::SystemAdmin));
    town.by_administrator(|admin, id| admin.grant(id, user(2), Role::SystemAdmin));
    assert!(town.directory().has_role(user(2), Role::SystemAdmin));
    let id = town.scribe.id();
    town.write(2, signed(&second, town.rooms.directory, id, &user_set(30, 2)));
    assert!(town.directory().user(user(30)).is_some());
}

#[test]
fn a_concurrent_removal_beats_a_grant() {
    for removal_first in [true, false] {
        let mut town = Town::new();
        let now = town.scribe.now_ms;
        let seen = town.directory();
        let writer = LedgerWriter { directory: &seen, signer: &town.administrator, device: DeviceId::NIL };
        let (grant_id, removal_id) = (entry_id(NOW_MS + 900, 1), entry_id(NOW_MS + 901, 1));
        let grant = writer.grant(grant_id, user(3), Role::OfficeAdmin).unwrap();
        let remove = writer.remove(removal_id, user(3), Role::OfficeAdmin, now).unwrap();
        let drafts = if removal_first { [remove, grant] } else { [grant, remove] };
        for draft in drafts {
            town.write(1, draft);
        }
        assert!(!town.directory().has_role(user(3), Role::OfficeAdmin), "removal first: {removal_first}");
    }
}

#[test]
fn of_two_who_remove_each_other_none_remains() {
    let mut town = Town::new();
    let (second, third) = (appoint(&mut town, 2), appoint(&mut town, 4));
    let now = town.scribe.now_ms;
    let (_, one) = removal(&mut town, &second, 4, now);
    let (_, other) = removal(&mut town, &third, 2, now);
    town.write(2, one);
    town.write(3, other);
    let directory = town.directory();
    assert!(!directory.has_role(user(2), Role::SystemAdmin) && !directory.has_role(user(4), Role::SystemAdmin));
    assert_eq!(directory.counts().hidden, 0);
}

#[test]
fn who_removes_the_one_who_appointed_them_keeps_the_appointment() {
    let mut town = Town::new();
    let second = appoint(&mut town, 2);
    let now = town.scribe.now_ms;
    let (_, draft) = removal(&mut town, &second, 1, now);
    town.write(2, draft);
    let directory = town.directory();
    assert!(!directory.has_role(user(1), Role::SystemAdmin));
    assert!(directory.has_role(user(2), Role::SystemAdmin));
    // And an appointment after that by the removed does not count.
    town.by_administrator(|admin, id| admin.grant(id, user(5), Role::SystemAdmin));
    assert!(!town.directory().has_role(user(5), Role::SystemAdmin));
}

#[test]
fn the_root_key_can_replace_everybody() {
    let mut town = Town::new();
    let now = town.scribe.now_ms;
    town.by_root(|root, id| root.remove(id, user(1), Role::SystemAdmin, now));
    let entry = town.by_root(|root, id| root.administrator_key(id, user(7), key(107).public())).1.id;
    town.by_root(|root, id| root.grant(id, user(7), Role::SystemAdmin));
    let id = town.scribe.id();
    let new = AdministratorKey::new(user(7), entry, key(107));
    town.write(1, signed(&new, town.rooms.directory, id, &user_set(30, 2)));
    let directory = town.directory();
    assert!(!directory.has_role(user(1), Role::SystemAdmin) && directory.has_role(user(7), Role::SystemAdmin));
    assert!(directory.user(user(30)).is_some());
}
