//! Log-ins and sessions.

use noroshi_node::ServiceError;
use noroshi_node::fixture::PASSWORD;
use noroshi_node::limits::{LOGIN_ATTEMPTS_MAX, LOGIN_WINDOW_MS, SESSIONS_PER_USER_MAX};
use noroshi_node::view::Role;
use noroshi_provisioning::ledger::LedgerWriter;
use noroshi_provisioning::password::make_verifier;
use noroshi_sync::id::DeviceId;

use crate::city::{CITY, Office, new_id, person};

#[tokio::test(flavor = "multi_thread")]
async fn a_session_lives_from_log_in_to_log_out() {
    let office = Office::founded(1).await;
    let log_in = office.node.log_in(" Ｏ1p0 ", PASSWORD, None).await.unwrap();
    assert_eq!(log_in.user.login.as_deref(), Some("o1p0"));
    assert_eq!(log_in.node.office.as_ref().unwrap().name, "北支所");
    assert!(!log_in.device.enrolled);
    let actor = office.node.authenticate(&log_in.token).await.unwrap();
    assert_eq!((actor.user, actor.roles.clone()), (person(1, 0).user, vec![Role::OfficeAdmin]));
    assert_eq!(office.node.me(&actor, &log_in.token).await.unwrap().user.id, actor.user.as_uuid());
    // It survives a restart, and the device stays the one the browser had.
    let office = office.restart().await;
    assert_eq!(office.node.authenticate(&log_in.token).await.unwrap(), actor);
    let again = office.node.log_in("o1p0", PASSWORD, Some(actor.device)).await.unwrap();
    assert_eq!(again.device.id, actor.device.as_uuid());
    assert_ne!(again.token, log_in.token);
    office.node.log_out(&log_in.token).await.unwrap();
    office.node.log_out(&log_in.token).await.unwrap();
    assert_eq!(office.node.authenticate(&log_in.token).await, Err(ServiceError::Unauthenticated));
    assert!(office.node.authenticate(&again.token).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_names_and_passwords_are_one_answer() {
    let office = Office::founded(1).await;
    let wrong = [("o1p0", "wrong password"), ("nobody", PASSWORD), ("", ""), ("o1p0", ""), ("o1p0\0", PASSWORD)];
    for (login, password) in wrong {
        assert_eq!(office.node.log_in(login, password, None).await, Err(ServiceError::Unauthenticated), "{login:?}");
    }
    let long = "a".repeat(10_000);
    assert_eq!(office.node.log_in(&long, &long, None).await, Err(ServiceError::Unauthenticated));
    // People of other offices log in at home or at headquarters.
    assert_eq!(office.node.log_in("o2p1", PASSWORD, None).await, Err(ServiceError::Unauthenticated));
    let headquarters = Office::founded(0).await;
    assert!(headquarters.node.log_in("o2p1", PASSWORD, None).await.is_ok());
    for token in ["", "x", &"A".repeat(43), &"あ".repeat(43), &long] {
        assert_eq!(office.node.authenticate(token).await, Err(ServiceError::Unauthenticated));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_eleventh_attempt_waits() {
    let office = Office::founded(1).await;
    for _ in 0..LOGIN_ATTEMPTS_MAX {
        assert_eq!(office.node.log_in("o1p1", "wrong", None).await, Err(ServiceError::Unauthenticated));
    }
    let refused = office.node.log_in("o1p1", PASSWORD, None).await;
    assert_eq!(refused, Err(ServiceError::TooMany { retry_after_s: 600 }));
    assert!(office.node.log_in("o1p2", PASSWORD, None).await.is_ok());
    office.clock.advance(LOGIN_WINDOW_MS);
    assert!(office.node.log_in("o1p1", PASSWORD, None).await.is_ok());
}

const HOUR_MS: u64 = 3_600_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_in_sight_of_headquarters_is_renewed_by_use() {
    let office = Office::founded(0).await;
    let used = office.node.log_in("o0p1", PASSWORD, None).await.unwrap().token;
    let left = office.node.log_in("o0p1", PASSWORD, None).await.unwrap().token;
    office.clock.advance(12 * HOUR_MS - 1);
    assert!(office.node.authenticate(&used).await.is_ok());
    office.clock.advance(1);
    assert_eq!(office.node.authenticate(&left).await, Err(ServiceError::Unauthenticated));
    assert!(office.node.authenticate(&used).await.is_ok());
    let office = office.restart().await;
    assert!(office.node.authenticate(&used).await.is_ok(), "the use was written down");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_office_that_is_cut_off_loses_its_sessions_after_three_days_however_they_are_used() {
    let office = Office::founded(1).await;
    // Headquarters is out of sight from the start; the node has noticed when the lease says so.
    let token = office.node.log_in("o1p1", PASSWORD, None).await.unwrap().token;
    let actor = office.node.authenticate(&token).await.unwrap();
    let founded = office.clock.0.load(std::sync::atomic::Ordering::SeqCst);
    let isolated = noroshi_node::view::Time::from_ms(founded + 72 * HOUR_MS);
    crate::city::until(async || office.node.me(&actor, &token).await.unwrap().lease_until == isolated).await;
    for _ in 0..71 {
        office.clock.advance(HOUR_MS);
        assert!(office.node.authenticate(&token).await.is_ok());
    }
    office.clock.advance(HOUR_MS);
    assert_eq!(office.node.authenticate(&token).await, Err(ServiceError::Unauthenticated));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_has_a_bounded_number_of_sessions() {
    let office = Office::founded(1).await;
    let mut tokens = Vec::new();
    for _ in 0..=SESSIONS_PER_USER_MAX {
        office.clock.advance(1);
        tokens.push(office.node.log_in("o1p1", PASSWORD, None).await.unwrap().token);
    }
    let office = office.restart().await;
    assert_eq!(office.node.authenticate(&tokens[0]).await, Err(ServiceError::Unauthenticated));
    assert!(office.node.authenticate(&tokens[1]).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_the_sessions_of_the_old_one() {
    let office = Office::founded(1).await;
    let token = office.node.log_in("o1p1", PASSWORD, None).await.unwrap().token;
    let other = office.node.log_in("o1p2", PASSWORD, None).await.unwrap().token;
    assert!(office.node.authenticate(&token).await.is_ok());
    let directory = office.node.directory();
    let writer = LedgerWriter { directory: &directory, signer: &CITY.administrator, device: DeviceId::NIL };
    let verifier = make_verifier("しおかぜ-かもめ-三七", "o1p1").unwrap();
    let draft = writer.password(new_id(), person(1, 1).user, CITY.offices[1].id, verifier).unwrap();
    office.node.append_ledger(vec![draft]).await.unwrap();
    assert_eq!(office.node.authenticate(&token).await, Err(ServiceError::Unauthenticated));
    assert!(office.node.authenticate(&other).await.is_ok());
    assert_eq!(office.node.log_in("o1p1", PASSWORD, None).await, Err(ServiceError::Unauthenticated));
    assert!(office.node.log_in("o1p1", "しおかぜ-かもめ-三七", None).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_ledger_entries_are_appended_as_ledger() {
    let office = Office::founded(0).await;
    let mut draft = CITY.ledger[0].clone();
    draft.kind = 1;
    draft.room = noroshi_sync::id::RoomId::from_bytes([7; 16]);
    let refused = office.node.append_ledger(vec![draft]).await;
    assert_eq!(refused, Err(ServiceError::Invalid { field: "entries", code: "not_ledger" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_found_by_any_spelling_and_sorted_by_reading() {
    let office = Office::founded(1).await;
    let staff = person(1, 1);
    let all = office.node.users(&staff, "", 1_000).await.unwrap();
    assert_eq!(all.len(), 12);
    assert!(all.is_sorted_by(|a, b| a.kana <= b.kana));
    let own = all.iter().find(|user| user.id == staff.user.as_uuid()).unwrap();
    assert!(own.login.is_some() && all.iter().filter(|user| user.login.is_some()).count() == 1);
    let katakana: String = own
        .kana
        .chars()
        .map(|c| if ('ぁ'..='ゖ').contains(&c) { char::from_u32(c as u32 + 0x60).unwrap() } else { c })
        .collect();
    for query in [own.name.as_str(), &own.kana, &katakana, "o1P1", "Ｏ１Ｐ１"] {
        let found = office.node.users(&staff, query, 10).await.unwrap();
        assert!(found.iter().any(|user| user.id == own.id), "{query}");
    }
    assert_eq!(office.node.users(&staff, "防災課", 2).await.unwrap().len(), 2);
    assert!(office.node.users(&staff, "存在しない人", 10).await.unwrap().is_empty());
    assert!(office.node.users(&person(1, 0), "", 100).await.unwrap().iter().all(|user| user.login.is_some()));
    // A guest of no room sees nobody but the guest.
    let mut guest = staff.clone();
    guest.roles = vec![Role::Guest];
    assert_eq!(office.node.users(&guest, "", 100).await.unwrap().len(), 1);
    let offices = office.node.offices(&staff).await.unwrap();
    assert_eq!(offices.iter().map(|office| office.name.as_str()).next(), Some("本庁"));
    assert!(offices.iter().all(|office| office.nodes.len() == 1));
}
