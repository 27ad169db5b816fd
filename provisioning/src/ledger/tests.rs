//! The ledger judged as a whole: what counts, what does not, and that the order of arrival never matters.

mod administrators;
mod devices;
mod golden;
mod hostile;
mod model;
mod order;
mod organisation;
mod revocation;
mod rights;
mod suspension;

use noroshi_sync::id::{DeviceId, UserId};

use super::*;
use crate::id::OfficeId;
use crate::join::invite_key;
use crate::office_kind::OfficeKind;
use crate::role::Role;
use crate::testing::*;

/// Invites node `n` to `home` with `secret`; returns the invitation's id.
fn invite(town: &mut Town, home: u8, secret: u8) -> noroshi_sync::id::EntryId {
    let body = NodeInvite {
        office: office(home),
        key: invite_key(&[secret; 16]).unwrap().public(),
        expires_ms: NOW_MS + 86_400_000,
        node_name: "二号機".into(),
    };
    town.by_administrator(|admin, id| admin.invite(id, &body)).1.id
}

/// The enrolment of node `n` with the invitation made of `secret`.
fn enrolment(
    invite: noroshi_sync::id::EntryId,
    secret: u8,
    n: u8,
    home: OfficeId,
    town: &mut Town,
) -> noroshi_sync::entry::Draft {
    let signature = invite_key(&[secret; 16]).unwrap().sign(&enrol_statement(Town::node(n), home, invite));
    let body =
        NodeEnrol { node: Town::node(n), office: home, name: "二号機".into(), invite_signature: Some(signature) };
    attested(UserId::NIL, invite, town.rooms.public, town.scribe.id(), &body)
}

#[test]
fn the_town_stands() {
    let town = Town::new();
    let directory = town.directory();
    assert_eq!(directory.offices().count(), 4);
    assert_eq!(directory.headquarters().map(|office| office.id).collect::<Vec<_>>(), [office(1)]);
    assert_eq!(directory.hubs().map(|office| office.id).collect::<Vec<_>>(), [office(4)]);
    assert_eq!(directory.nodes().count(), 4);
    assert_eq!(directory.users().count(), 7);
    assert_eq!(directory.office_of(Town::node(2)), Some(office(2)));
    assert_eq!(directory.nodes_of(office(3)).collect::<Vec<_>>(), [Town::node(3)]);
    assert_eq!(directory.user_by_login("user4").unwrap().id, user(4));
    assert!(directory.has_role(user(1), Role::SystemAdmin));
    assert_eq!(directory.counts(), Counts { counted: town.entries.len(), unknown: 0, hidden: 0 });
}

#[test]
fn a_node_vouches_for_its_own_people_and_headquarters_for_all() {
    let directory = Town::new().directory();
    assert!(directory.may_attest(Town::node(2), user(2)));
    assert!(directory.may_attest(Town::node(1), user(2)));
    assert!(!directory.may_attest(Town::node(2), user(4)));
    assert!(!directory.may_attest(Town::node(2), user(1)));
    assert!(!directory.may_attest(Town::node(9), user(2)));
    assert!(!directory.may_attest(Town::node(1), user(99)));
}

#[test]
fn after_a_transfer_old_words_stand_and_new_log_ins_are_at_the_new_office() {
    let mut town = Town::new();
    town.by_administrator(|admin, id| admin.user(id, user_set(2, 3)));
    let directory = town.directory();
    assert_eq!(directory.user(user(2)).unwrap().office, office(3));
    assert!(directory.may_attest(Town::node(2), user(2)) && directory.may_attest(Town::node(3), user(2)));
    assert!(!directory.may_log_in(Town::node(2), user(2)) && directory.may_log_in(Town::node(3), user(2)));
}

#[test]
fn who_holds_which_ledger_room() {
    let town = Town::new();
    let directory = town.directory();
    let nodes = |ns: &[u8]| LedgerAudience::Nodes(ns.iter().map(|n| Town::node(*n)).collect());
    assert_eq!(directory.ledger_audience(town.rooms.public), Some(LedgerAudience::Everyone));
    assert_eq!(directory.ledger_audience(town.rooms.directory), Some(nodes(&[1, 2, 3, 4])));
    assert_eq!(directory.ledger_audience(town.rooms.secrets(office(2))), Some(nodes(&[1, 2])));
    assert_eq!(directory.ledger_audience(town.rooms.secrets(office(1))), Some(nodes(&[1])));
    assert_eq!(directory.ledger_audience(noroshi_sync::id::RoomId::from_bytes([7; 16])), None);
    assert_eq!(directory.ledger_rooms().len(), 6);
}

#[test]
fn the_last_word_about_an_office_or_a_person_is_in_force() {
    let mut town = Town::new();
    for name in ["北支所", "北総合支所"] {
        town.by_administrator(|admin, id| {
            admin.office(id, OfficeSet { name: name.into(), ..office_set(2, OfficeKind::Branch) })
        });
    }
    town.by_administrator(|admin, id| admin.user(id, UserSet { post: "課長".into(), ..user_set(2, 2) }));
    let directory = town.directory();
    assert_eq!(directory.office(office(2)).unwrap().name, "北総合支所");
    assert_eq!(directory.office(office(2)).unwrap().heads.len(), 1);
    assert_eq!(directory.user(user(2)).unwrap().post, "課長");
}

#[test]
fn concurrent_words_leave_one_in_force_and_the_next_replaces_both() {
    let mut town = Town::new();
    let directory = town.directory();
    let ids = [town.scribe.id(), town.scribe.id()];
    let writer = LedgerWriter { directory: &directory, signer: &town.administrator, device: DeviceId::NIL };
    let drafts = ids.map(|id| {
        let name = if id == ids[0] { "甲" } else { "乙" };
        writer.office(id, OfficeSet { name: name.into(), ..office_set(2, OfficeKind::Branch) }).unwrap()
    });
    // The later id wins, though its stamp is lower.
    let [first, second] = drafts;
    town.write(1, second);
    town.write(1, first);
    let seen = town.directory();
    assert_eq!(seen.office(office(2)).unwrap().name, "乙");
    assert_eq!(seen.office(office(2)).unwrap().heads, [ids[1], ids[0]]);
    town.by_administrator(|admin, id| {
        admin.office(id, OfficeSet { name: "丙".into(), ..office_set(2, OfficeKind::Branch) })
    });
    let seen = town.directory();
    assert_eq!((seen.office(office(2)).unwrap().name.as_str(), seen.office(office(2)).unwrap().heads.len()), ("丙", 1));
}

#[test]
fn one_log_in_name_belongs_to_who_had_it_first() {
    let mut town = Town::new();
    town.by_administrator(|admin, id| admin.user(id, UserSet { login: "user2".into(), ..user_set(8, 3) }));
    // A later change of the first holder does not lose the name.
    town.by_administrator(|admin, id| admin.user(id, UserSet { post: "課長".into(), ..user_set(2, 2) }));
    let directory = town.directory();
    assert_eq!(directory.user_by_login("user2").unwrap().id, user(2));
    assert_eq!(directory.login_clashes().map(|user| user.id).collect::<Vec<_>>(), [user(8)]);
    town.by_administrator(|admin, id| admin.user(id, UserSet { login: "free".into(), ..user_set(2, 2) }));
    assert_eq!(town.directory().user_by_login("user2").unwrap().id, user(8));
}

#[test]
fn an_invitation_enrols_one_node() {
    let mut town = Town::new();
    let invite_id = invite(&mut town, 2, 50);
    let before = town.directory();
    assert_eq!(before.invite(invite_id).unwrap().used_by, None);
    let draft = enrolment(invite_id, 50, 20, office(2), &mut town);
    town.write(1, draft);
    let after = town.directory();
    assert_eq!(after.office_of(Town::node(20)), Some(office(2)));
    assert_eq!(after.invite(invite_id).unwrap().used_by, Some(Town::node(20)));
    let again = enrolment(invite_id, 50, 21, office(2), &mut town);
    town.write(1, again);
    let after = town.directory();
    assert_eq!(after.node(Town::node(21)), None);
    assert_eq!(after.counts().hidden, 1);
}

#[test]
fn a_node_says_where_it_is() {
    let mut town = Town::new();
    for port in [1, 2] {
        let addresses = vec![format!("192.0.2.2:{port}").parse().unwrap()];
        let draft = addresses_draft(&town.rooms.clone(), town.scribe.id(), Town::node(2), addresses).unwrap();
        town.write(2, draft);
    }
    assert_eq!(town.directory().node(Town::node(2)).unwrap().addresses[0].as_str(), "192.0.2.2:2");
}

#[test]
fn a_password_is_set_by_an_administrator_and_changed_by_the_person() {
    let mut town = Town::new();
    town.by_administrator(|admin, id| admin.password(id, user(2), office(2), verifier('A')));
    assert_eq!(town.directory().verifier(user(2)), Some(&verifier('A')));
    for (node, mark) in [(2, 'B'), (1, 'C')] {
        let directory = town.directory();
        let person = NodeWriter { directory: &directory, author: user(2), device: DeviceId::NIL };
        let draft = person.own_password(town.scribe.id(), verifier(mark)).unwrap();
        town.write(node, draft);
        assert_eq!(town.directory().verifier(user(2)), Some(&verifier(mark)));
    }
    assert_eq!(town.directory().verifier_heads(user(2)).len(), 1);
    let nobody = NodeWriter { directory: &town.directory(), author: user(99), device: DeviceId::NIL };
    assert!(nobody.own_password(town.scribe.id(), verifier('D')).is_err());
}

#[test]
fn what_a_later_program_says_is_counted_as_unknown() {
    let mut town = Town::new();
    let mut of_later_kind = town.entries[0].clone();
    of_later_kind.1.id = town.scribe.id();
    of_later_kind.1.kind = 267;
    let mut of_later_version = town.entries[0].clone();
    of_later_version.1.id = town.scribe.id();
    of_later_version.1.body[0] = 2;
    let mut of_later_entry = town.entries[0].clone();
    of_later_entry.1.id = town.scribe.id();
    of_later_entry.1.version = 2;
    let before = town.directory();
    town.entries.extend([of_later_kind, of_later_version, of_later_entry]);
    let after = town.directory();
    assert_eq!(after.counts().unknown, 3);
    assert_eq!(Directory { counts: before.counts, ..after }, before);
}
