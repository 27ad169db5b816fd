//! The same set of entries gives the same directory, however it arrives.

use noroshi_sync::entry::Lane;
use proptest::prelude::*;

use super::*;
use crate::signer::{AdministratorKey, RootKey};

/// A ledger with some of everything: several administrators, a removal, concurrent words, invitations used twice, and
/// things that do not count.
fn eventful() -> &'static [Written] {
    static WRITTEN: std::sync::OnceLock<Vec<Written>> = std::sync::OnceLock::new();
    WRITTEN.get_or_init(write_eventful)
}

fn write_eventful() -> Vec<Written> {
    let mut town = Town::new();
    // A second administrator, made by the first; a third, made by the second.
    for (n, maker) in [(2u8, 1u8), (4, 2)] {
        let maker_key = if maker == 1 { (user(1), town.administrator.entry()) } else { (user(2), key_entry(2)) };
        let signer = AdministratorKey::new(maker_key.0, maker_key.1, key(if maker == 1 { 100 } else { 102 }));
        let body = AdministratorKeySet { user: user(n), key: key(100 + n).public() };
        town.write(maker, signed(&signer, town.rooms.public, key_entry(n), &body));
        let id = town.scribe.id();
        let body = RoleGrant { user: user(n), role: Role::SystemAdmin, lifts: vec![] };
        town.write(maker, signed(&signer, town.rooms.directory, id, &body));
    }
    // The third removes the second, who writes on, and the second removes the third.
    let second = AdministratorKey::new(user(2), key_entry(2), key(102));
    let third = AdministratorKey::new(user(4), key_entry(4), key(104));
    for (node, by, of) in [(3u8, &third, 2u8), (2, &second, 4)] {
        let until = noroshi_sync::hlc::Hlc::from_parts(town.scribe.now_ms, 0);
        let body = RoleRemove { user: user(of), role: Role::SystemAdmin, acts_until: until };
        let id = town.scribe.id();
        town.write(node, signed(by, town.rooms.directory, id, &body));
    }
    let id = town.scribe.id();
    town.write(2, signed(&second, town.rooms.directory, id, &user_set(30, 2)));
    for mark in ['A', 'B'] {
        town.by_administrator(|admin, id| admin.password(id, user(5), office(3), verifier(mark)));
    }
    for secret in [60, 61] {
        let invite_id = invite(&mut town, 2, secret);
        for n in [secret, secret + 10] {
            let draft = enrolment(invite_id, secret, n, office(2), &mut town);
            town.write(1, draft.clone());
            // A copy by another node counts for nothing.
            town.write(2, draft);
        }
    }
    let id = town.scribe.id();
    let root_again = RootKey::new(key(200));
    town.write(
        1,
        signed(&root_again, town.rooms.directory, id, &RoleGrant { user: user(5), role: Role::Staff, lifts: vec![] }),
    );
    let draft =
        addresses_draft(&town.rooms.clone(), town.scribe.id(), Town::node(3), vec!["192.0.2.3:1".parse().unwrap()]);
    town.write(3, draft.unwrap());
    write_suspensions(&mut town);
    town.entries
}

/// Devices, suspensions and lifts, a revoked node with witnesses, and what the organisation says of itself.
fn write_suspensions(town: &mut Town) {
    for (node, of) in [(2, 2), (3, 4), (3, 2), (1, 7)] {
        let (directory, ids) = (town.directory(), [town.scribe.id(), town.scribe.id(), town.scribe.id()]);
        let writer = NodeWriter { directory: &directory, author: user(of), device: DeviceId::NIL };
        let device = DeviceId::from_bytes([of; 16]);
        let body = DeviceEnrol {
            device,
            user: user(of),
            name: String::new(),
            key: None,
            secret_hash: [1; 32],
            request: ids[0],
        };
        let drafts = [
            writer.enrol_device(ids[0], &body).unwrap(),
            writer.suspend_device(ids[1], device, user(of), "").unwrap(),
            writer.suspend_user(ids[2], user(of), "", NOW_MS).unwrap(),
        ];
        for draft in drafts {
            town.write(node, draft);
        }
    }
    town.by_administrator(|admin, id| admin.lift_user(id, user(4)));
    town.by_administrator(|admin, id| admin.revoke(id, Town::node(2), ""));
    for (node, length) in [(1, 2), (3, 3)] {
        let logs = vec![WitnessedLog { epoch: noroshi_sync::id::Epoch(1), lane: Lane::Policy, length }];
        let id = town.scribe.id();
        let body = Witness { node: Town::node(2), logs };
        let draft = witness_draft(town.rooms.directory, id, &body).unwrap();
        town.write(node, draft);
    }
    town.by_administrator(|admin, id| admin.time_mark(id, NOW_MS));
    town.by_administrator(|admin, id| admin.policy(id, Policy::default()));
    town.by_administrator(|admin, id| admin.rules(id, "規則"));
    town.by_administrator(|admin, id| admin.transfer(id, NOW_MS - 1, user_set(5, 2)));
    town.by_administrator(|admin, id| admin.roaming(id, office(2), office(3), true));
}

fn key_entry(n: u8) -> noroshi_sync::id::EntryId {
    entry_id(NOW_MS + 500_000, n)
}

#[test]
fn the_eventful_ledger_is_as_described() {
    let directory = resolve(eventful());
    assert!(directory.has_role(user(1), Role::SystemAdmin));
    assert!(!directory.has_role(user(2), Role::SystemAdmin) && !directory.has_role(user(4), Role::SystemAdmin));
    assert_eq!(directory.user(user(30)), None);
    assert_eq!(directory.verifier(user(5)), Some(&verifier('B')));
    for secret in [60, 61] {
        assert!(directory.node(Town::node(secret)).is_some() && directory.node(Town::node(secret + 10)).is_none());
    }
    assert_eq!(directory.administrator_keys().count(), 3);
    assert!(directory.is_suspended(Town::node(1), user(7)) && !directory.is_suspended(Town::node(1), user(4)));
    assert!(directory.revoked(Town::node(2)).is_some() && directory.user(user(5)).unwrap().office == office(2));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn shuffled_and_repeated_arrival_changes_nothing(
        order in Just((0..eventful().len()).collect::<Vec<_>>()).prop_shuffle(),
        repeats in proptest::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let entries = eventful();
        let repeated = repeats.iter().map(|index| index.get(entries));
        prop_assert_eq!(resolve(order.iter().map(|i| &entries[*i]).chain(repeated)), resolve(entries));
    }

    #[test]
    fn resolving_half_way_changes_nothing(
        order in Just((0..eventful().len()).collect::<Vec<_>>()).prop_shuffle(),
        pauses in proptest::collection::vec(0usize..60, 1..5),
    ) {
        let entries = eventful();
        let mut ledger = Ledger::new(Town::root_public());
        for (n, i) in order.iter().enumerate() {
            if pauses.contains(&n) {
                ledger.resolve(NOW_MS);
            }
            ledger.insert(&entries[*i].0, &entries[*i].1);
        }
        prop_assert_eq!(ledger.resolve(NOW_MS), resolve(entries));
    }

    #[test]
    fn any_part_of_a_ledger_resolves(kept in proptest::collection::vec(any::<bool>(), 120)) {
        let entries = eventful();
        let part: Vec<&Written> = entries.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(entry, _)| entry).collect();
        let counts = resolve(part.iter().copied()).counts();
        prop_assert!(counts.counted + counts.hidden <= part.len());
    }

    #[test]
    fn any_body_is_read_or_not(kind in 250u16..300, bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = LedgerBody::decode(kind, &bytes);
        let _ = LedgerBody::decode(kind, &[&[1], bytes.as_slice()].concat());
    }
}

#[test]
fn inserting_again_says_that_nothing_is_new() {
    let entries = eventful();
    let mut ledger = Ledger::new(Town::root_public());
    assert!(entries.iter().all(|(log, entry)| ledger.insert(log, entry)));
    assert!(!entries.iter().any(|(log, entry)| ledger.insert(log, entry)));
}
