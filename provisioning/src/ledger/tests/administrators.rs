//! An administrator asks for a key, another one names it.

use noroshi_sync::id::EntryId;

use super::*;
use crate::signer::AdministratorKey;

/// User 7, of headquarters, becomes a system administrator without a key.
fn appointed() -> Town {
    let mut town = Town::new();
    town.by_administrator(|admin, id| admin.grant(id, user(7), Role::SystemAdmin));
    town
}

fn request(town: &mut Town, node: u8, n: u8, public: [u8; 32]) -> EntryId {
    let (directory, id) = (town.directory(), town.scribe.id());
    let writer = NodeWriter { directory: &directory, author: user(n), device: DeviceId::NIL };
    let draft = writer.request_key(id, public).unwrap();
    town.write(node, draft);
    id
}

#[test]
fn a_key_waits_until_another_administrator_names_it() {
    let mut town = appointed();
    let first = request(&mut town, 1, 7, key(50).public());
    let second = request(&mut town, 1, 7, key(51).public());
    let directory = town.directory();
    let waiting: Vec<_> = directory.key_requests().map(|request| (request.entry, request.user)).collect();
    assert_eq!(waiting, [(second, user(7))], "the newest counts");
    assert_eq!(directory.key_request(first), None);
    assert_eq!(directory.key_request(second).unwrap().key, key(51).public());
    // Asked for is not named: it signs nothing.
    let asking = AdministratorKey::new(user(7), second, key(51));
    let id = town.scribe.id();
    let draft = signed(&asking, town.rooms.public, id, &office_set(9, OfficeKind::Shelter));
    let written = town.write(1, draft);
    assert!(town.directory().office(office(9)).is_none());

    town.by_administrator(|admin, _| admin.administrator_key(second, user(7), key(51).public()));
    let directory = town.directory();
    assert_eq!(directory.key_requests().count(), 0);
    assert_eq!(directory.administrator_key(second).unwrap().user, user(7));
    // What waited for it counts now.
    assert!(directory.office(office(9)).is_some(), "{written:?}");
}

#[test]
fn only_administrators_ask_and_only_their_own_office_vouches_for_them() {
    let mut town = appointed();
    request(&mut town, 1, 2, key(50).public());
    request(&mut town, 2, 7, key(51).public());
    let (id, rooms) = (town.scribe.id(), town.rooms);
    let other = AdministratorKeyRequest { user: user(7), key: key(52).public() };
    let draft = attested(user(1), EntryId::NIL, rooms.directory, id, &other);
    town.write(1, draft);
    let id = town.scribe.id();
    let draft = attested(user(7), EntryId::NIL, rooms.public, id, &other);
    town.write(1, draft);
    assert_eq!(town.directory().key_requests().count(), 0);
}

#[test]
fn what_is_declined_is_never_named() {
    let mut town = appointed();
    let asked = request(&mut town, 1, 7, key(50).public());
    let now = town.scribe.now_ms;
    town.by_administrator(|admin, id| admin.end_key(id, asked, now));
    assert_eq!(town.directory().key_requests().count(), 0);
    town.by_administrator(|admin, _| admin.administrator_key(asked, user(7), key(50).public()));
    assert_eq!(town.directory().administrator_key(asked), None);
    // Another one can be asked for.
    let again = request(&mut town, 1, 7, key(51).public());
    assert!(town.directory().key_request(again).is_some());
}

#[test]
fn a_request_of_somebody_who_is_no_administrator_any_more_is_not_shown() {
    let mut town = appointed();
    request(&mut town, 1, 7, key(50).public());
    let now = town.scribe.now_ms;
    town.by_administrator(|admin, id| admin.remove(id, user(7), Role::SystemAdmin, now));
    assert_eq!(town.directory().key_requests().count(), 0);
}
