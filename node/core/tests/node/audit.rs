//! The audit log as administrators meet it: what is written, what is folded, who may look, and what is never in it.

use std::net::IpAddr;

use noroshi_node::fixture::PASSWORD;
use noroshi_node::limits::{AUDIT_FOLD_MS, LOGIN_ATTEMPTS_MAX};
use noroshi_node::view::{Actor, AuditEntryView};
use noroshi_node::{AuditRequest, Credentials, ServiceError};

use crate::city::{Office, exchange_until, person};

async fn look(office: &Office, actor: &Actor) -> Vec<AuditEntryView> {
    let mut items = Vec::new();
    let mut cursor = None;
    loop {
        let request = AuditRequest { cursor, limit: Some(3), ..AuditRequest::default() };
        let page = office.node.audit(actor, request).await.unwrap();
        items.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            items.reverse();
            assert!(items.iter().all(|line| line.verified));
            return items;
        }
    }
}

fn kinds(lines: &[AuditEntryView]) -> Vec<&str> {
    lines.iter().map(|line| line.kind.as_str()).collect()
}

/// Lines since the office began.
async fn news(office: &Office, before: usize) -> Vec<AuditEntryView> {
    look(office, &person(0, 0)).await.split_off(before)
}

fn credentials(login: &str, password: &str, address: [u8; 4]) -> Credentials {
    let address = Some(IpAddr::from(address));
    Credentials { login: login.into(), password: password.into(), address, ..Credentials::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_is_answered_when_it_is_written_down() {
    let office = Office::founded(1).await;
    let before = look(&office, &person(0, 0)).await.len();
    let log_in = office.node.log_in_with(credentials("o1p1", PASSWORD, [10, 0, 0, 7])).await.unwrap();
    let lines = news(&office, before).await;
    assert_eq!(kinds(&lines), ["log_in"]);
    let line = &lines[0];
    assert_eq!(line.actor.as_ref().unwrap().id, person(1, 1).user.as_uuid());
    assert_eq!(line.detail["address"], "10.0.0.7");
    assert_eq!((line.office.name.as_str(), line.node.short.as_str()), ("北支所", office.id().short().as_str()));
    office.node.log_out(&log_in.token).await.unwrap();
    office.node.log_out(&log_in.token).await.unwrap();
    assert_eq!(kinds(&news(&office, before).await), ["log_in", "log_out"], "a session ends once");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_passwords_leaves_one_line_a_minute_and_a_number() {
    let office = Office::founded(1).await;
    let before = look(&office, &person(0, 0)).await.len();
    for _ in 0..LOGIN_ATTEMPTS_MAX {
        let refused = office.node.log_in_with(credentials("o1p1", "wrong", [10, 0, 0, 9])).await;
        assert_eq!(refused, Err(ServiceError::Unauthenticated));
    }
    // A name that nobody has: many people type their password there.
    office.node.log_in_with(credentials("hunter2-my-password", "wrong", [10, 0, 0, 9])).await.unwrap_err();
    let lines = news(&office, before).await;
    assert_eq!(kinds(&lines), ["log_in_refused", "log_in_refused"]);
    assert_eq!(lines[0].actor.as_ref().unwrap().id, person(1, 1).user.as_uuid());
    assert_eq!(lines[0].detail["reason"], "wrong_credentials");
    assert_eq!((&lines[1].actor, &lines[1].object), (&None, &None), "the name is not kept");
    // The counts are told when the minute is over, and when the node closes.
    office.clock.advance(AUDIT_FOLD_MS);
    let office = office.restart().await;
    let lines = news(&office, before).await;
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[2].detail["count"], (LOGIN_ATTEMPTS_MAX - 1).to_string());
    let all = format!("{lines:?}");
    assert!(!all.contains("hunter2") && !all.contains("wrong\""), "{all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_was_not_allowed_is_noted_once_a_minute() {
    let office = Office::founded(1).await;
    let before = look(&office, &person(0, 0)).await.len();
    for _ in 0..50 {
        office.node.note_forbidden(&person(1, 1), "GET /api/v1/people").await;
    }
    office.node.note_forbidden(&person(1, 1), "PUT /api/v1/policy").await;
    let lines = news(&office, before).await;
    assert_eq!(kinds(&lines), ["forbidden", "forbidden"]);
    assert_eq!(lines[1].detail["reason"], "PUT /api/v1/policy");
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_of_an_office_see_their_own_and_nobody_else_sees_any() {
    let (headquarters, branch) = (Office::founded(0).await, Office::empty(1));
    exchange_until(&headquarters, &branch, || async { branch.node.directory().users().count() > 1 }).await;
    headquarters.node.log_in("o0p1", PASSWORD, None).await.unwrap();
    branch.node.log_in("o1p1", PASSWORD, None).await.unwrap();
    let arrived = || async {
        let page = headquarters.node.audit(&person(0, 0), AuditRequest::default()).await.unwrap();
        page.items.iter().any(|line| line.office.name == "北支所")
    };
    exchange_until(&headquarters, &branch, arrived).await;
    let (system, office_admin, staff) = (person(0, 0), person(1, 0), person(1, 1));
    let offices = |lines: &[AuditEntryView]| {
        lines.iter().map(|line| line.office.name.clone()).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(offices(&look(&headquarters, &system).await).len(), 2);
    assert_eq!(offices(&look(&headquarters, &office_admin).await), ["北支所".to_owned()].into());
    let own = headquarters.node.directory().user(system.user).unwrap().office;
    let other = AuditRequest { office: Some(own), ..AuditRequest::default() };
    assert!(matches!(headquarters.node.audit(&office_admin, other.clone()).await, Err(ServiceError::Forbidden(_))));
    assert!(headquarters.node.audit(&system, other).await.is_ok());
    let refused = headquarters.node.audit(&staff, AuditRequest::default()).await;
    assert!(matches!(refused, Err(ServiceError::Forbidden(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_find_what_they_say() {
    let office = Office::founded(1).await;
    office.node.log_in("o1p1", PASSWORD, None).await.unwrap();
    office.node.log_in("o1p2", PASSWORD, None).await.unwrap();
    office.node.log_in("o1p2", "wrong", None).await.unwrap_err();
    let find = async |request: AuditRequest| office.node.audit(&person(0, 0), request).await.unwrap().items;
    let of = |kind: &str| AuditRequest { kind: Some(kind.into()), ..AuditRequest::default() };
    assert_eq!(find(of("log_in")).await.len(), 2);
    assert_eq!(find(AuditRequest { user: Some(person(1, 2).user), ..of("log_in") }).await.len(), 1);
    let by = AuditRequest { user: Some(person(1, 2).user), ..AuditRequest::default() };
    assert_eq!(kinds(&find(by.clone()).await)[..2], ["log_in_refused", "log_in"]);
    let at = noroshi_node::view::Time::parse(&find(by.clone()).await[0].at.0).unwrap();
    assert!(find(AuditRequest { until_ms: Some(1), ..by.clone() }).await.is_empty());
    assert!(find(AuditRequest { from_ms: Some(at + 1), ..by.clone() }).await.is_empty());
    assert!(!find(AuditRequest { from_ms: Some(at), until_ms: Some(at + 1), ..by }).await.is_empty());
    for wrong in [of("no_such_kind"), AuditRequest { cursor: Some("x-y".into()), ..AuditRequest::default() }] {
        let refused = office.node.audit(&person(0, 0), wrong).await;
        assert!(matches!(refused, Err(ServiceError::Invalid { .. })), "{refused:?}");
    }
}
