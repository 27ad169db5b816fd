//! A revoked node is out, and what of its words others held before still stands.

use noroshi_sync::entry::Lane;
use noroshi_sync::id::Epoch;

use super::*;

fn witness(length: u64) -> Witness {
    let logs = vec![WitnessedLog { epoch: Epoch(1), lane: Lane::Policy, length }];
    Witness { node: Town::node(2), logs }
}

fn stop(town: &mut Town, node: u8, n: u8) {
    let (directory, id) = (town.directory(), town.scribe.id());
    let writer = NodeWriter { directory: &directory, author: UserId::NIL, device: DeviceId::NIL };
    let draft = writer.suspend_user(id, user(n), "", town.scribe.now_ms).unwrap();
    town.write(node, draft);
}

#[test]
fn a_revoked_node_is_in_no_audience_and_cannot_vouch() {
    let mut town = Town::new();
    town.by_administrator(|admin, id| admin.revoke(id, Town::node(2), "盗難"));
    let directory = town.directory();
    assert_eq!(directory.node(Town::node(2)), None);
    assert_eq!(directory.nodes_of(office(2)).count(), 0);
    assert_eq!(directory.revoked(Town::node(2)).unwrap().reason, "盗難");
    assert!(!directory.may_attest(Town::node(2), user(2)) && directory.may_have_attested(Town::node(2), user(2)));
    assert!(!directory.may_log_in(Town::node(2), user(2)));
    let holders = [1, 3, 4].map(Town::node).into_iter().collect();
    assert_eq!(directory.ledger_audience(town.rooms.directory), Some(LedgerAudience::Nodes(holders)));
}

#[test]
fn only_an_administrator_revokes_and_nothing_takes_it_back() {
    let mut town = Town::new();
    let body = NodeRevoke { node: Town::node(3), reason: String::new() };
    for node in [1, 2, 3] {
        let id = town.scribe.id();
        let draft = attested(user(1), town.administrator.entry(), town.rooms.public, id, &body);
        town.write(node, draft);
    }
    assert!(town.directory().node(Town::node(3)).is_some());
    town.by_administrator(|admin, id| admin.revoke(id, Town::node(3), ""));
    town.by_root(|root, id| root.enrol(id, Town::node(3), office(3), "again"));
    assert!(town.directory().node(Town::node(3)).is_none());
}

#[test]
fn what_others_held_stands_and_the_rest_is_hidden() {
    let mut town = Town::new();
    stop(&mut town, 2, 2);
    stop(&mut town, 2, 3);
    town.by_administrator(|admin, id| admin.revoke(id, Town::node(2), ""));
    let directory = town.directory();
    assert!(!directory.is_suspended(Town::node(1), user(2)));
    // Headquarters held the first, the south both.
    for (node, length) in [(1, 1), (3, 2)] {
        let id = town.scribe.id();
        let draft = witness_draft(town.rooms.directory, id, &witness(length)).unwrap();
        town.write(node, draft);
        let directory = town.directory();
        assert!(directory.is_suspended(Town::node(1), user(2)));
        assert_eq!(directory.is_suspended(Town::node(1), user(3)), length == 2);
    }
}

#[test]
fn the_revoked_node_witnesses_nothing_for_itself() {
    let mut town = Town::new();
    stop(&mut town, 2, 2);
    town.by_administrator(|admin, id| admin.revoke(id, Town::node(2), ""));
    for node in [2, 9] {
        let id = town.scribe.id();
        let draft = witness_draft(town.rooms.directory, id, &witness(5)).unwrap();
        town.write(node, draft);
    }
    assert!(!town.directory().is_suspended(Town::node(1), user(2)));
}
