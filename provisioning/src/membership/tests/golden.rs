//! The bytes of every body of a room's policy. They can never change.

use super::*;
use crate::body::{Body, Unreadable};

fn hex(body: &impl Body) -> String {
    data_encoding::HEXLOWER.encode(&body.encode().unwrap())
}

#[test]
fn every_body_is_golden() {
    let set = MemberSet { user: user(1), role: Plain, lifts: vec![entry_id(1, 1)], replaces: vec![entry_id(2, 2)] };
    let lines = [
        ("64 group", hex(&RoomCreate { kind: RoomKind::Group, created_for: None })),
        ("64 direct", hex(&RoomCreate { kind: RoomKind::Direct, created_for: Some(user(2)) })),
        ("64 announcement", hex(&RoomCreate { kind: RoomKind::Announcement, created_for: None })),
        ("65 set", hex(&set)),
        ("66 remove", hex(&MemberRemove { user: user(1) })),
        ("67 add", hex(&AudienceAdd { office: office(3), lifts: vec![entry_id(1, 1)] })),
        ("68 remove", hex(&AudienceRemove { office: office(3) })),
    ];
    insta::assert_snapshot!(lines.map(|(name, hex)| format!("{name}: {hex}")).join("\n"));
}

#[test]
fn impossible_values_are_refused_in_both_directions() {
    fn assert_refused<B: Body + std::fmt::Debug>(body: &B, field: &str, code: &str) {
        let error = body.encode().unwrap_err();
        assert_eq!((error.field, error.code), (field, code));
        let bytes = noroshi_sync::wire::encode(&(crate::body::BODY_VERSION, body));
        assert_eq!(B::decode(&bytes).unwrap_err(), Unreadable::Field(error));
    }
    let many = |n: u16| -> Vec<EntryId> { (1..=n).map(|n| entry_id(u64::from(n), 1)).collect() };
    let set = |lifts, replaces| MemberSet { user: user(1), role: Plain, lifts, replaces };
    assert!(set(many(1_000), many(1_000)).encode().is_ok());
    assert_refused(&set(many(1_001), vec![]), "lifts", "too_many");
    assert_refused(&set(vec![], many(1_001)), "replaces", "too_many");
    assert_refused(&MemberSet { user: UserId::NIL, ..set(vec![], vec![]) }, "user", "empty");
    assert_refused(&RoomCreate { kind: RoomKind::Direct, created_for: None }, "created_for", "empty");
    assert_refused(&RoomCreate { kind: RoomKind::Group, created_for: Some(user(1)) }, "created_for", "not_allowed");
    assert_refused(&MemberRemove { user: UserId::NIL }, "user", "empty");
    assert_refused(&AudienceRemove { office: crate::OfficeId::from_bytes([0; 16]) }, "office", "empty");
}

#[test]
fn words_and_values_are_one_to_one() {
    for kind in [RoomKind::Group, RoomKind::Direct, RoomKind::Announcement] {
        assert_eq!(kind.word().parse::<RoomKind>().unwrap(), kind);
    }
    for role in [Admin, Plain] {
        assert_eq!(role.word().parse::<RoomRole>().unwrap(), role);
    }
    assert!("owner".parse::<RoomRole>().is_err() && "channel".parse::<RoomKind>().is_err());
}
