//! Devices are enrolled where their people are known, and stopped like people.

use noroshi_sync::entry::Draft;
use noroshi_sync::id::EntryId;

use super::*;

fn device(n: u8) -> DeviceId {
    DeviceId::from_bytes([n; 16])
}

fn enrolled(n: u8, of: u8) -> DeviceEnrol {
    let key = std::iter::once(4).chain(std::iter::repeat_n(n, 64)).collect();
    DeviceEnrol {
        device: device(n),
        user: user(of),
        name: "iPhone".into(),
        key: Some(key),
        secret_hash: [n; 32],
        request: EntryId::NIL,
    }
}

fn write(town: &mut Town, node: u8, author: u8, draft: impl FnOnce(NodeWriter<'_>, EntryId) -> Draft) -> EntryId {
    let (directory, id) = (town.directory(), town.scribe.id());
    let author = if author == 0 { UserId::NIL } else { user(author) };
    let draft = draft(NodeWriter { directory: &directory, author, device: DeviceId::NIL }, id);
    town.write(node, draft);
    id
}

fn enrol(town: &mut Town, node: u8, n: u8, of: u8) {
    write(town, node, of, |writer, id| writer.enrol_device(id, &enrolled(n, of)).unwrap());
}

fn stop(town: &mut Town, node: u8, author: u8, n: u8, of: u8) -> EntryId {
    write(town, node, author, |writer, id| writer.suspend_device(id, device(n), user(of), "紛失").unwrap())
}

#[test]
fn a_device_is_enrolled_by_the_home_office_and_by_headquarters_and_by_no_other() {
    let mut town = Town::new();
    enrol(&mut town, 2, 40, 2);
    enrol(&mut town, 1, 41, 2);
    enrol(&mut town, 3, 42, 2);
    let directory = town.directory();
    assert_eq!(directory.device(device(40), user(2)).unwrap().office, Some(office(2)));
    assert!(directory.device(device(41), user(2)).is_some());
    assert!(directory.device(device(42), user(2)).is_none());
    // Somebody else's claim to the same device is a device of that person alone.
    enrol(&mut town, 3, 40, 4);
    let directory = town.directory();
    assert!(directory.device(device(40), user(2)).is_some() && directory.device(device(40), user(4)).is_some());
}

#[test]
fn an_office_where_people_may_log_in_enrols_their_devices() {
    let mut town = Town::new();
    town.by_administrator(|admin, id| admin.roaming(id, office(2), office(3), true));
    enrol(&mut town, 3, 42, 2);
    assert!(town.directory().device(device(42), user(2)).is_some());
    assert!(town.directory().may_log_in(Town::node(3), user(2)) && town.directory().may_attest(Town::node(3), user(2)));
    let secrets = town.rooms.secrets(office(2));
    let holders = |ns: &[u8]| LedgerAudience::Nodes(ns.iter().map(|n| Town::node(*n)).collect());
    assert_eq!(town.directory().ledger_audience(secrets), Some(holders(&[1, 2, 3])));
    town.by_administrator(|admin, id| admin.roaming(id, office(2), office(3), false));
    // What was written stays; nobody logs in there any more, and the verifiers go there no more.
    let directory = town.directory();
    assert!(!directory.may_log_in(Town::node(3), user(2)) && directory.may_attest(Town::node(3), user(2)));
    assert_eq!(directory.ledger_audience(secrets), Some(holders(&[1, 2])));
    assert!(directory.device(device(42), user(2)).is_some());
}

#[test]
fn a_lost_phone_is_stopped_everywhere_by_its_office_its_owner_or_an_administrator() {
    for (node, author, everywhere) in [(2, 0, true), (2, 3, true), (1, 2, true), (1, 7, false), (3, 2, false)] {
        let mut town = Town::new();
        enrol(&mut town, 2, 40, 2);
        stop(&mut town, node, author, 40, 2);
        let directory = town.directory();
        assert!(directory.is_device_suspended(Town::node(node), device(40), user(2)), "at {node} by {author}");
        assert_eq!(directory.is_device_suspended(Town::node(4), device(40), user(2)), everywhere, "{node} {author}");
    }
    let mut town = Town::new();
    town.by_administrator(|admin, id| admin.suspend_device(id, device(40), user(2), ""));
    assert!(town.directory().is_device_suspended(Town::node(3), device(40), user(2)));
}

#[test]
fn a_suspension_may_come_before_the_enrolment_and_stops_nobody_elses_use_of_the_device() {
    let mut town = Town::new();
    stop(&mut town, 2, 0, 40, 2);
    enrol(&mut town, 2, 40, 2);
    enrol(&mut town, 2, 40, 3);
    let directory = town.directory();
    assert!(directory.is_device_suspended(Town::node(2), device(40), user(2)));
    assert!(!directory.is_device_suspended(Town::node(2), device(40), user(3)));
}

#[test]
fn only_an_administrator_who_has_seen_it_lifts() {
    let mut town = Town::new();
    enrol(&mut town, 2, 40, 2);
    let stopped = stop(&mut town, 2, 0, 40, 2);
    let body = DeviceLift { device: device(40), lifts: vec![stopped] };
    for author in [UserId::NIL, user(1), user(2)] {
        let id = town.scribe.id();
        let draft = attested(author, EntryId::NIL, town.rooms.directory, id, &body);
        town.write(2, draft);
    }
    assert!(town.directory().is_device_suspended(Town::node(2), device(40), user(2)));
    town.by_administrator(|admin, id| admin.lift_device(id, device(40), user(2)));
    assert!(!town.directory().is_device_suspended(Town::node(2), device(40), user(2)));
    stop(&mut town, 2, 0, 40, 2);
    assert!(town.directory().is_device_suspended(Town::node(2), device(40), user(2)));
}

#[test]
fn a_request_is_on_record_with_what_became_of_it() {
    let mut town = Town::new();
    let body = DeviceRequest { user: user(3), reason: "私物スマートフォン".into() };
    let request = write(&mut town, 2, 2, |writer, id| writer.request_device(id, &body).unwrap());
    // A node cannot ask in the name of somebody it does not know.
    let foreign = write(&mut town, 3, 2, |writer, id| writer.request_device(id, &body).unwrap());
    let directory = town.directory();
    assert_eq!(directory.request(request).unwrap().outcome, None);
    assert_eq!(directory.request(foreign), None);
    for outcome in [RequestOutcome::Declined, RequestOutcome::Issued] {
        write(&mut town, 2, 3, |writer, id| writer.end_request(id, &DeviceRequestEnd { request, outcome }).unwrap());
    }
    assert_eq!(town.directory().request(request).unwrap().outcome, Some(RequestOutcome::Issued));
}
