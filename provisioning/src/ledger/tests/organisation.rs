//! Policy, rules, time and posts, and changes that take force on a day to come.

use noroshi_sync::id::EntryId;

use super::*;
use crate::id::PostId;
use crate::limits::TIME_MARK_STEP_MS_MAX;

const HOUR_MS: u64 = 3_600_000;

fn resolve_at(town: &Town, now_ms: u64) -> Directory {
    let mut ledger = Ledger::new(Town::root_public());
    for (log, entry) in &town.entries {
        ledger.insert(log, entry);
    }
    ledger.resolve(now_ms)
}

fn mark(town: &mut Town, node: u8, at_ms: u64) -> EntryId {
    let (directory, id) = (town.directory(), town.scribe.id());
    let writer = NodeWriter { directory: &directory, author: UserId::NIL, device: DeviceId::NIL };
    let draft = writer.time_mark(id, at_ms).unwrap().unwrap();
    town.write(node, draft);
    id
}

#[test]
fn headquarters_goes_on_with_the_time_in_steps_of_two_days() {
    let mut town = Town::new();
    assert_eq!(town.directory().headquarters_time(), None);
    town.by_administrator(|admin, id| admin.time_mark(id, NOW_MS));
    let day = mark(&mut town, 1, NOW_MS + 24 * HOUR_MS);
    assert_eq!(town.directory().headquarters_time(), Some((NOW_MS + 24 * HOUR_MS, day)));
    // Too far at once; not later; not by headquarters.
    mark(&mut town, 1, NOW_MS + 24 * HOUR_MS + TIME_MARK_STEP_MS_MAX + 1);
    mark(&mut town, 1, NOW_MS + 24 * HOUR_MS);
    mark(&mut town, 2, NOW_MS + 25 * HOUR_MS);
    assert_eq!(town.directory().headquarters_time(), Some((NOW_MS + 24 * HOUR_MS, day)));
    let edge = mark(&mut town, 1, NOW_MS + 24 * HOUR_MS + TIME_MARK_STEP_MS_MAX);
    assert_eq!(town.directory().headquarters_time().unwrap().1, edge);
    // An administrator corrects backwards, and headquarters goes on from there.
    let back = town.by_administrator(|admin, id| admin.time_mark(id, NOW_MS + HOUR_MS)).1.id;
    assert_eq!(town.directory().headquarters_time(), Some((NOW_MS + HOUR_MS, back)));
    mark(&mut town, 1, NOW_MS + 2 * HOUR_MS);
    assert_eq!(town.directory().headquarters_time().unwrap().0, NOW_MS + 2 * HOUR_MS);
}

#[test]
fn a_transfer_takes_force_on_its_day() {
    let mut town = Town::new();
    let april = NOW_MS + 100 * HOUR_MS;
    let set = UserSet { section: "税務課".into(), ..user_set(2, 3) };
    town.by_administrator(|admin, id| admin.transfer(id, april, set));
    let before = resolve_at(&town, april - 1);
    let planned = &before.user(user(2)).unwrap().planned;
    assert_eq!((planned.len(), planned[0].set.section.as_str()), (1, "税務課"));
    assert_eq!(before.next_change_ms(), Some(april));
    assert!(before.may_log_in(Town::node(2), user(2)) && !before.may_attest(Town::node(3), user(2)));
    let after = resolve_at(&town, april);
    assert_eq!(after.next_change_ms(), None);
    assert_eq!(after.user(user(2)).unwrap().section, "税務課");
    assert!(after.may_log_in(Town::node(3), user(2)) && !after.may_log_in(Town::node(2), user(2)));
    // A change made meanwhile is not undone by the day: it was seen by nobody who planned.
    town.by_administrator(|admin, id| admin.user(id, UserSet { name: "朝凪 新".into(), ..user_set(2, 2) }));
    let after = resolve_at(&town, april);
    assert_eq!(after.user(user(2)).unwrap().heads.len(), 2);
    // Nor does it undo what was planned for the day, though it was written later.
    assert_eq!(after.user(user(2)).unwrap().office, office(3));
}

#[test]
fn a_plan_that_was_replaced_is_planned_no_more() {
    let mut town = Town::new();
    let april = NOW_MS + 100 * HOUR_MS;
    for section in ["税務課", "福祉課"] {
        let set = UserSet { section: section.into(), ..user_set(2, 3) };
        town.by_administrator(|admin, id| admin.transfer(id, april, set));
    }
    let planned = resolve_at(&town, april - 1).user(user(2)).unwrap().planned.clone();
    assert_eq!(planned.iter().map(|plan| plan.set.section.as_str()).collect::<Vec<_>>(), ["福祉課"]);
    assert_eq!(resolve_at(&town, april).user(user(2)).unwrap().section, "福祉課");
}

#[test]
fn the_policy_is_what_an_administrator_signed_last() {
    let mut town = Town::new();
    assert_eq!(*town.directory().policy(), Policy::default());
    let strict = Policy { require_devices: true, idle_lock_minutes: 5, ..Policy::default() };
    let lax = attested(
        user(1),
        EntryId::NIL,
        town.rooms.public,
        town.scribe.id(),
        &PolicySet { policy: strict, replaces: Vec::new() },
    );
    town.write(1, lax);
    assert_eq!(*town.directory().policy(), Policy::default());
    town.by_administrator(|admin, id| admin.policy(id, strict));
    assert_eq!(*town.directory().policy(), strict);
    let relaxed = Policy { require_devices: false, ..strict };
    town.by_administrator(|admin, id| admin.policy(id, relaxed));
    assert_eq!(*town.directory().policy(), relaxed);
}

#[test]
fn new_rules_are_to_be_accepted_anew() {
    let mut town = Town::new();
    let accept = |town: &mut Town, node: u8, n: u8| {
        let (directory, id) = (town.directory(), town.scribe.id());
        let writer = NodeWriter { directory: &directory, author: user(n), device: DeviceId::NIL };
        let draft = writer.accept_rules(id, directory.rules().unwrap().entry).unwrap();
        town.write(node, draft);
    };
    town.by_administrator(|admin, id| admin.rules(id, "一、目的外に使わないこと。"));
    accept(&mut town, 2, 2);
    accept(&mut town, 3, 3); // a node that cannot speak for this person
    let accepted = |town: &Town| town.directory().rules().unwrap().accepted.keys().copied().collect::<Vec<_>>();
    assert_eq!(accepted(&town), [user(2)]);
    town.by_administrator(|admin, id| admin.rules(id, "一、改正。"));
    assert_eq!(accepted(&town), []);
}

#[test]
fn a_post_is_kept_by_its_office_and_by_administrators() {
    let mut town = Town::new();
    let post = |name: &str, home: u8| PostSet {
        post: PostId::from_bytes([70; 16]),
        office: office(home),
        name: name.into(),
        kana: String::new(),
        kind: PostKind::Team,
        holders: vec![user(2)],
        deputies: vec![user(3), user(4)],
        ended: false,
        replaces: Vec::new(),
    };
    let write = |town: &mut Town, node: u8, body: PostSet| {
        let (directory, id) = (town.directory(), town.scribe.id());
        let writer = NodeWriter { directory: &directory, author: user(2), device: DeviceId::NIL };
        let draft = writer.post(id, body).unwrap();
        town.write(node, draft);
    };
    write(&mut town, 2, post("避難所班", 2));
    assert_eq!(town.directory().posts().map(|post| post.name.clone()).collect::<Vec<_>>(), ["避難所班"]);
    // Another office can neither speak for this one nor take the post over.
    write(&mut town, 3, post("乗っ取り", 2));
    write(&mut town, 3, post("乗っ取り", 3));
    assert_eq!(town.directory().post(PostId::from_bytes([70; 16])).unwrap().name, "避難所班");
    town.by_administrator(|admin, id| admin.post(id, post("避難所運営班", 3)));
    assert_eq!(town.directory().post(PostId::from_bytes([70; 16])).unwrap().office, office(3));
    town.by_administrator(|admin, id| admin.post(id, PostSet { ended: true, ..post("避難所運営班", 3) }));
    assert_eq!(town.directory().posts().count(), 0);
}

#[test]
fn a_withdrawn_invitation_is_told_and_admits_who_came_before() {
    let mut town = Town::new();
    let invited = invite(&mut town, 2, 50);
    town.by_administrator(|admin, id| admin.cancel_invite(id, invited));
    assert!(town.directory().invite(invited).unwrap().cancelled);
}

#[test]
fn details_are_one_cell_for_each_person() {
    let mut town = Town::new();
    let details = Details { number: "0012".into(), phone: "0192270000".into(), ..Details::default() };
    town.by_administrator(|admin, id| admin.details(id, user(2), details.clone()));
    let ended = Details { valid_until_ms: Some(NOW_MS), ..details.clone() };
    town.by_administrator(|admin, id| admin.details(id, user(2), ended.clone()));
    let directory = town.directory();
    assert_eq!(
        (&directory.user(user(2)).unwrap().details, directory.user(user(2)).unwrap().detail_heads.len()),
        (&ended, 1)
    );
    assert!(!ended.is_valid_at(NOW_MS) && ended.is_valid_at(NOW_MS - 1) && details.is_valid_at(NOW_MS));
}

/// Headquarters 1, branches 2 and 3, a fire station 4 that is a hub only where the test says so.
#[test]
fn the_audit_log_of_an_office_has_a_copy_outside_it_and_headquarters() {
    let mut town = Town::new();
    let nodes = |numbers: &[u8]| numbers.iter().map(|n| Town::node(*n)).collect::<std::collections::BTreeSet<_>>();
    // The fire station is a hub: it holds those of all.
    let directory = town.directory();
    assert_eq!(directory.audit_audience(office(2)), nodes(&[1, 2, 4]));
    assert_eq!(directory.audit_audience(office(1)), nodes(&[1, 4]));
    // The only hub: somebody else holds its own.
    let of_hub = directory.audit_audience(office(4));
    assert_eq!(of_hub.len(), 3);
    assert!(of_hub.is_superset(&nodes(&[1, 4])));
    // Without a hub: one other branch, always the same, wherever it is computed.
    let mut no_hub = office_set(4, OfficeKind::Fire);
    no_hub.hub = false;
    town.by_administrator(|admin, id| admin.office(id, no_hub));
    let directory = town.directory();
    assert_eq!(directory.hubs().count(), 0);
    for home in [1, 2, 3, 4] {
        let audience = directory.audit_audience(office(home));
        let own_and_headquarters = nodes(&[1, home]);
        assert!(audience.is_superset(&own_and_headquarters));
        assert_eq!(audience.len(), own_and_headquarters.len() + 1, "one more than office {home} and headquarters");
        assert_eq!(town.directory().audit_audience(office(home)), audience);
    }
    assert_eq!(directory.audit_room_of(Town::node(3)), Some(directory.rooms().audit(office(3))));
    // A node that was put out: what it said stays in the room of the office where it was.
    town.by_administrator(|admin, id| admin.revoke(id, Town::node(3), "盗難"));
    let directory = town.directory();
    assert_eq!(directory.audit_room_of(Town::node(3)), Some(directory.rooms().audit(office(3))));
    assert!(!directory.audit_audience(office(3)).contains(&Town::node(3)), "but it is sent nothing more");
}
