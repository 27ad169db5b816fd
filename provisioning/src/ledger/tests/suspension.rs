//! Stopping wins over everything concurrent, and only a system administrator who has seen it takes it back.

use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::EntryId;

use super::*;
use crate::signer::AdministratorKey;

fn appoint(town: &mut Town, n: u8) -> AdministratorKey {
    let entry = town.by_administrator(|admin, id| admin.administrator_key(id, user(n), key(100 + n).public())).1.id;
    town.by_administrator(|admin, id| admin.grant(id, user(n), Role::SystemAdmin));
    AdministratorKey::new(user(n), entry, key(100 + n))
}

/// Node `node` stops user `n` by itself.
fn stop(town: &mut Town, node: u8, n: u8) -> EntryId {
    let (directory, id) = (town.directory(), town.scribe.id());
    let writer = NodeWriter { directory: &directory, author: UserId::NIL, device: DeviceId::NIL };
    let draft = writer.suspend_user(id, user(n), "紛失", town.scribe.now_ms).unwrap();
    town.write(node, draft);
    id
}

fn is_stopped(town: &Town, at: u8, n: u8) -> bool {
    town.directory().is_suspended(Town::node(at), user(n))
}

#[test]
fn an_office_stops_its_own_people_everywhere_and_visitors_at_itself() {
    let mut town = Town::new();
    stop(&mut town, 2, 2);
    stop(&mut town, 2, 4);
    assert!((1..=4).all(|node| is_stopped(&town, node, 2)));
    assert!(is_stopped(&town, 2, 4));
    assert!(!is_stopped(&town, 3, 4) && !is_stopped(&town, 1, 4));
    // The home office confirms.
    stop(&mut town, 3, 4);
    assert!((1..=4).all(|node| is_stopped(&town, node, 4)));
}

#[test]
fn headquarters_by_itself_stops_its_own_people_only() {
    let mut town = Town::new();
    stop(&mut town, 1, 7);
    stop(&mut town, 1, 2);
    assert!(is_stopped(&town, 3, 7));
    assert!(is_stopped(&town, 1, 2) && !is_stopped(&town, 2, 2));
    town.by_administrator(|admin, id| admin.suspend_user(id, user(2), "", NOW_MS));
    assert!(is_stopped(&town, 2, 2));
}

#[test]
fn no_node_stops_an_administrator_and_no_administrator_alone() {
    let mut town = Town::new();
    let second = appoint(&mut town, 2);
    for node in 1..=4 {
        stop(&mut town, node, 1);
        stop(&mut town, node, 2);
    }
    assert!(!is_stopped(&town, 1, 1) && !is_stopped(&town, 2, 2));
    // One administrator against another waits for a second.
    let until = town.scribe.now_ms;
    town.by_administrator(|admin, id| admin.suspend_user(id, user(2), "", until));
    assert!(!is_stopped(&town, 2, 2));
    assert_eq!(town.directory().awaited_suspensions(user(2)).len(), 1);
    let third = appoint(&mut town, 4);
    let id = town.scribe.id();
    let body = UserSuspend { user: user(2), reason: String::new(), acts_until: Hlc::from_parts(until, 0) };
    town.write(3, signed(&third, town.rooms.directory, id, &body));
    assert!(is_stopped(&town, 2, 2) && town.directory().awaited_suspensions(user(2)).is_empty());
    // What the stopped administrator signs afterwards does not count, wherever it is written.
    let id = town.scribe.id();
    town.write(2, signed(&second, town.rooms.directory, id, &user_set(30, 2)));
    assert_eq!(town.directory().user(user(30)), None);
    // Both suspensions lifted by somebody else: it counts again.
    town.by_administrator(|admin, id| admin.lift_user(id, user(2)));
    assert!(!is_stopped(&town, 2, 2) && town.directory().user(user(30)).is_some());
}

#[test]
fn a_lift_names_what_it_has_seen_and_only_that() {
    let mut town = Town::new();
    let first = stop(&mut town, 2, 2);
    let before = town.directory();
    stop(&mut town, 2, 2);
    // Written on an island that knew the first only.
    let id = town.scribe.id();
    let writer = LedgerWriter { directory: &before, signer: &town.administrator, device: DeviceId::NIL };
    let lift = writer.lift_user(id, user(2)).unwrap();
    town.write(1, lift);
    assert!(is_stopped(&town, 1, 2));
    assert!(town.directory().suspensions(user(2)).iter().all(|suspension| suspension.entry != first));
    town.by_administrator(|admin, id| admin.lift_user(id, user(2)));
    assert!(!is_stopped(&town, 1, 2));
}

#[test]
fn nobody_else_lifts() {
    let mut town = Town::new();
    let stopped = stop(&mut town, 2, 2);
    let body = UserLift { user: user(2), lifts: vec![stopped] };
    let room = town.rooms.directory;
    for node in 1..=4 {
        // Attested by any node, in anybody's name; signed by a key that is no administrator's.
        for author in [UserId::NIL, user(1), user(2), user(3)] {
            let id = town.scribe.id();
            let draft = attested(author, EntryId::NIL, room, id, &body);
            town.write(node, draft);
        }
        let id = town.scribe.id();
        let forged = AdministratorKey::new(user(1), town.administrator.entry(), key(66));
        town.write(node, signed(&forged, room, id, &body));
    }
    assert!(is_stopped(&town, 2, 2));
}

#[test]
fn a_removed_administrator_cannot_return_by_an_antedated_act() {
    let mut town = Town::new();
    let second = appoint(&mut town, 2);
    let now = town.scribe.now_ms;
    let removal = town.by_administrator(|admin, id| admin.remove(id, user(2), Role::SystemAdmin, now + 10_000)).1.id;
    let grant = RoleGrant { user: user(2), role: Role::SystemAdmin, lifts: vec![removal] };
    let id = town.scribe.id();
    let draft = signed(&second, town.rooms.directory, id, &grant);
    // The helping node stamps it long before the removal.
    let written = town.scribe.write_at(Town::node(2), draft, NOW_MS - 1_000_000);
    town.entries.push(written);
    assert!(!town.directory().has_role(user(2), Role::SystemAdmin));
}

#[test]
fn two_stopped_administrators_do_not_lift_each_other() {
    let mut town = Town::new();
    let (second, third) = (appoint(&mut town, 2), appoint(&mut town, 4));
    let fourth = appoint(&mut town, 6);
    let until = town.scribe.now_ms;
    let mut suspensions = Vec::new();
    for n in [2, 4] {
        suspensions.push(town.by_administrator(|admin, id| admin.suspend_user(id, user(n), "", until)).1.id);
        let id = town.scribe.id();
        let body = UserSuspend { user: user(n), reason: String::new(), acts_until: Hlc::from_parts(until, 0) };
        town.write(4, signed(&fourth, town.rooms.directory, id, &body));
        suspensions.push(id);
    }
    let [a, b, c, d] = suspensions[..] else { unreachable!() };
    for (signer, of, lifts) in [(&second, 4, vec![c, d]), (&third, 2, vec![a, b])] {
        let id = town.scribe.id();
        let draft = signed(signer, town.rooms.directory, id, &UserLift { user: user(of), lifts });
        let written = town.scribe.write_at(Town::node(2), draft, NOW_MS - 1_000);
        town.entries.push(written);
    }
    assert!(is_stopped(&town, 1, 2) && is_stopped(&town, 1, 4));
}

#[test]
fn an_ended_key_signs_nothing_more_and_another_key_of_the_person_does() {
    let mut town = Town::new();
    let second = appoint(&mut town, 2);
    let other = town.by_administrator(|admin, id| admin.administrator_key(id, user(2), key(150).public())).1.id;
    let now = town.scribe.now_ms;
    town.by_administrator(|admin, id| admin.end_key(id, second.entry(), now));
    let id = town.scribe.id();
    town.write(2, signed(&second, town.rooms.directory, id, &user_set(30, 2)));
    let id = town.scribe.id();
    let other = AdministratorKey::new(user(2), other, key(150));
    town.write(2, signed(&other, town.rooms.directory, id, &user_set(31, 2)));
    let directory = town.directory();
    assert!(directory.user(user(30)).is_none() && directory.user(user(31)).is_some());
    assert!(directory.administrator_key(second.entry()).is_none());
}
