//! The bytes of every body of the ledger. They can never change.

use noroshi_sync::checkpoint::Signature;
use noroshi_sync::hlc::Hlc;

use super::*;
use crate::body::{Body, Unreadable};

fn hex(body: &impl Body) -> String {
    data_encoding::HEXLOWER.encode(&body.encode().unwrap())
}

fn invite_body() -> NodeInvite {
    NodeInvite { office: office(1), key: [2; 32], expires_ms: NOW_MS, node_name: "北支所一号機".into() }
}

fn removal() -> RoleRemove {
    RoleRemove { user: user(1), role: Role::SystemAdmin, acts_until: Hlc::from_parts(NOW_MS, 1) }
}

#[test]
fn every_body_is_golden() {
    let office_set = OfficeSet { replaces: vec![entry_id(1, 1)], ..office_set(4, OfficeKind::Fire) };
    let enrol = NodeEnrol {
        node: Town::node(1),
        office: office(1),
        name: "一号機".into(),
        invite_signature: Some(Signature::from_bytes([3; 64])),
    };
    let addresses = NodeAddresses {
        node: Town::node(1),
        addresses: vec!["192.0.2.1:7450".parse().unwrap(), "[2001:db8::1]:7450".parse().unwrap()],
    };
    let lines = [
        ("256 office", hex(&office_set)),
        ("257 invite", hex(&invite_body())),
        ("258 enrol by invite", hex(&enrol)),
        ("258 enrol signed", hex(&NodeEnrol { invite_signature: None, ..enrol })),
        ("259 addresses", hex(&addresses)),
        ("260 administrator key", hex(&AdministratorKeySet { user: user(1), key: [2; 32] })),
        ("272 user", hex(&UserSet { replaces: vec![entry_id(1, 1)], ..user_set(2, 1) })),
        ("273 grant", hex(&RoleGrant { user: user(1), role: Role::Guest, lifts: vec![entry_id(1, 1)] })),
        ("274 remove", hex(&removal())),
        ("288 verifier", hex(&PasswordVerifier { user: user(1), verifier: verifier('A'), replaces: vec![] })),
        ("enrol statement", data_encoding::HEXLOWER.encode(&enrol_statement(Town::node(1), office(1), entry_id(1, 1)))),
    ];
    insta::assert_snapshot!(lines.map(|(name, hex)| format!("{name}: {hex}")).join("\n"));
}

#[test]
fn every_body_of_devices_and_suspension_is_golden() {
    let device = noroshi_sync::id::DeviceId::from_bytes([5; 16]);
    let until = Hlc::from_parts(NOW_MS, 1);
    let text = || "紛失".to_string();
    let one = || vec![entry_id(1, 1)];
    let enrol = DeviceEnrol {
        device,
        user: user(1),
        name: "iPhone".into(),
        key: Some([4; 65].to_vec()),
        secret_hash: [7; 32],
        request: entry_id(1, 1),
    };
    let post = PostSet {
        post: crate::id::PostId::from_bytes([6; 16]),
        office: office(1),
        name: "避難所班".into(),
        kana: "ひなんじょはん".into(),
        kind: PostKind::Team,
        holders: vec![user(1)],
        deputies: vec![user(2)],
        ended: false,
        replaces: one(),
    };
    let details = Details {
        number: "0012".into(),
        section_code: "0101".into(),
        email: "a@example.jp".into(),
        phone: "0192270000".into(),
        muster_class: "第1号".into(),
        muster_place: "本庁".into(),
        qualifications: "防災士".into(),
        employment: Employment::FixedTerm,
        valid_from_ms: Some(NOW_MS),
        valid_until_ms: None,
    };
    let logs =
        vec![WitnessedLog { epoch: noroshi_sync::id::Epoch(1), lane: noroshi_sync::entry::Lane::Normal, length: 3 }];
    let lines = [
        ("261 time mark", hex(&TimeMark { at_ms: NOW_MS, previous: entry_id(1, 1), replaces: one() })),
        ("262 revoke", hex(&NodeRevoke { node: Town::node(1), reason: text() })),
        ("263 witness", hex(&Witness { node: Town::node(1), logs })),
        ("264 end of key", hex(&AdministratorKeyEnd { key: entry_id(1, 1), acts_until: until })),
        ("265 cancel", hex(&InviteCancel { invite: entry_id(1, 1) })),
        ("268 policy", hex(&PolicySet { policy: Policy::default(), replaces: one() })),
        ("269 rules", hex(&RulesSet { text: "規則\n一".into(), replaces: one() })),
        ("270 key request", hex(&AdministratorKeyRequest { user: user(1), key: [7; 32] })),
        ("275 suspend", hex(&UserSuspend { user: user(1), reason: text(), acts_until: until })),
        ("276 lift", hex(&UserLift { user: user(1), lifts: one() })),
        ("278 device", hex(&enrol)),
        ("279 stop device", hex(&DeviceSuspend { device, user: user(1), reason: text() })),
        ("280 lift device", hex(&DeviceLift { device, lifts: one() })),
        ("282 post", hex(&post)),
        ("283 details", hex(&UserDetail { user: user(1), details, replaces: one() })),
        ("284 transfer", hex(&UserTransfer { effective_ms: NOW_MS, set: user_set(2, 1) })),
        ("285 request", hex(&DeviceRequest { user: user(1), reason: text() })),
        ("286 outcome", hex(&DeviceRequestEnd { request: entry_id(1, 1), outcome: RequestOutcome::Declined })),
        ("287 accepted", hex(&RulesAccepted { user: user(1), rules: entry_id(1, 1) })),
        ("289 roaming", hex(&RoamingSet { home: office(1), host: office(2), allowed: true, replaces: one() })),
    ];
    insta::assert_snapshot!(lines.map(|(name, hex)| format!("{name}: {hex}")).join("\n"));
}

#[test]
fn each_limit_of_devices_and_suspension_is_held_in_both_directions() {
    let stop = UserSuspend { user: user(1), reason: "あ".repeat(200), acts_until: Hlc::from_parts(NOW_MS, 0) };
    assert_eq!(UserSuspend::decode(&stop.encode().unwrap()), Ok(stop.clone()));
    assert_refused(&UserSuspend { reason: "あ".repeat(201), ..stop.clone() }, "reason", "too_long");
    assert_refused(&UserSuspend { acts_until: Hlc::from_raw(0), ..stop.clone() }, "acts_until", "malformed");
    assert_refused(&UserSuspend { user: UserId::NIL, ..stop }, "user", "empty");
    assert_refused(&UserLift { user: user(1), lifts: vec![] }, "lifts", "empty");
    let policy = |policy| PolicySet { policy, replaces: vec![] };
    assert_refused(&policy(Policy { idle_lock_minutes: 0, ..Policy::default() }), "idle_lock_minutes", "out_of_range");
    assert_refused(
        &policy(Policy { idle_lock_minutes: 241, ..Policy::default() }),
        "idle_lock_minutes",
        "out_of_range",
    );
    assert_refused(&policy(Policy { lease_hours: 169, ..Policy::default() }), "lease_hours", "out_of_range");
    let isolated = Policy { lease_isolated_hours: 721, ..Policy::default() };
    assert_refused(&policy(isolated), "lease_isolated_hours", "out_of_range");
    assert_refused(&RulesSet { text: "あ".repeat(15_001), replaces: vec![] }, "text", "too_long");
    assert_refused(&RulesSet { text: " \n".into(), replaces: vec![] }, "text", "empty");
    assert_refused(&RulesSet { text: "規\u{0}則".into(), replaces: vec![] }, "text", "control_characters");
    let log = WitnessedLog { epoch: noroshi_sync::id::Epoch(1), lane: noroshi_sync::entry::Lane::Normal, length: 3 };
    let witness = |n| Witness { node: Town::node(1), logs: vec![log; n] };
    assert_eq!(Witness::decode(&witness(2_000).encode().unwrap()), Ok(witness(2_000)));
    assert_refused(&witness(2_001), "logs", "too_many");
    assert_refused(&witness(0), "logs", "empty");
    let enrol = |key: Vec<u8>| DeviceEnrol {
        device: noroshi_sync::id::DeviceId::from_bytes([5; 16]),
        user: user(1),
        name: String::new(),
        key: Some(key),
        secret_hash: [7; 32],
        request: noroshi_sync::id::EntryId::NIL,
    };
    assert_refused(&enrol(vec![4; 64]), "key", "malformed");
    assert_refused(&enrol(vec![2; 65]), "key", "malformed");
}

#[test]
fn a_signed_entry_is_golden() {
    let town = Town::new();
    let draft = signed(&town.administrator, town.rooms.directory, entry_id(1, 1), &user_set(2, 1));
    let (_, entry) = Scribe::default().write(Town::node(1), draft);
    insta::assert_snapshot!(data_encoding::HEXLOWER.encode(&entry.encode()));
}

#[test]
fn bodies_come_back() {
    let body = invite_body();
    assert_eq!(NodeInvite::decode(&body.encode().unwrap()), Ok(body));
    assert_eq!(RoleRemove::decode(&removal().encode().unwrap()), Ok(removal()));
}

/// Encodes without the checks, as a hostile writer would.
fn unchecked<B: Body>(body: &B) -> Vec<u8> {
    noroshi_sync::wire::encode(&(crate::body::BODY_VERSION, body))
}

fn assert_refused<B: Body + std::fmt::Debug>(body: &B, field: &str, code: &str) {
    let error = body.encode().unwrap_err();
    assert_eq!((error.field, error.code), (field, code));
    assert_eq!(B::decode(&unchecked(body)).unwrap_err(), Unreadable::Field(error));
}

#[test]
fn each_limit_is_held_in_both_directions() {
    let longest = "あ".repeat(100);
    let fits = UserSet {
        name: longest.clone(),
        kana: longest.clone(),
        section: longest.clone(),
        post: longest.clone(),
        login: "a".repeat(64),
        ..user_set(2, 1)
    };
    assert_eq!(UserSet::decode(&fits.encode().unwrap()), Ok(fits.clone()));

    let long = format!("{longest}あ");
    assert_refused(&UserSet { name: long.clone(), ..fits.clone() }, "name", "too_long");
    assert_refused(&UserSet { name: String::new(), ..fits.clone() }, "name", "empty");
    assert_refused(&UserSet { kana: long.clone(), ..fits.clone() }, "kana", "too_long");
    assert_refused(&UserSet { section: long.clone(), ..fits.clone() }, "section", "too_long");
    assert_refused(&UserSet { post: long.clone(), ..fits.clone() }, "post", "too_long");
    assert_refused(&UserSet { post: "主\n事".into(), ..fits.clone() }, "post", "control_characters");
    assert_refused(&UserSet { login: "a".repeat(65), ..fits.clone() }, "login", "too_long");
    assert_refused(&UserSet { login: "Sato".into(), ..fits.clone() }, "login", "characters");
    assert_refused(&UserSet { user: UserId::NIL, ..fits.clone() }, "user", "empty");
    assert_refused(&UserSet { office: OfficeId::from_bytes([0; 16]), ..fits.clone() }, "office", "empty");
    assert_refused(&UserSet { replaces: vec![entry_id(1, 1); 2], ..fits }, "replaces", "duplicate");

    assert_refused(&OfficeSet { name: long.clone(), ..office_set(1, OfficeKind::Branch) }, "name", "too_long");
    assert_refused(&OfficeSet { kana: long.clone(), ..office_set(1, OfficeKind::Branch) }, "kana", "too_long");
    assert_refused(&NodeInvite { node_name: long, ..invite_body() }, "node_name", "too_long");
    assert_refused(&NodeInvite { expires_ms: u64::MAX, ..invite_body() }, "expires_ms", "malformed");
    assert_refused(&RoleRemove { acts_until: Hlc::from_raw(0), ..removal() }, "acts_until", "malformed");
    assert_refused(&RoleRemove { acts_until: Hlc::from_raw(u64::MAX), ..removal() }, "acts_until", "malformed");

    let addresses = |n| NodeAddresses { node: Town::node(1), addresses: vec!["h:1".parse().unwrap(); n] };
    assert_eq!(NodeAddresses::decode(&addresses(16).encode().unwrap()), Ok(addresses(16)));
    assert_refused(&addresses(17), "addresses", "too_many");
}

#[test]
fn other_spellings_and_versions_are_told_apart() {
    let bytes = removal().encode().unwrap();
    let with = |place: usize, byte: u8| {
        let mut bytes = bytes.clone();
        bytes[place] = byte;
        RoleRemove::decode(&bytes)
    };
    assert_eq!(with(0, 2), Err(Unreadable::LaterVersion(2)));
    assert!(with(0, 2).unwrap_err().is_of_the_future());
    assert!(!with(0, 0).unwrap_err().is_of_the_future());
    assert!(!RoleRemove::decode(&[]).unwrap_err().is_of_the_future());
    // Role 5 does not exist in this version.
    assert!(matches!(with(17, 5), Err(Unreadable::Malformed(_))));
    assert!(matches!(RoleRemove::decode(&bytes[..bytes.len() - 1]), Err(Unreadable::Malformed(_))));
    assert!(matches!(RoleRemove::decode(&[bytes.as_slice(), &[0]].concat()), Err(Unreadable::Malformed(_))));
    // An address that is not in its one spelling would have two hashes.
    let shout = noroshi_sync::wire::encode(&(1u8, Town::node(1), vec!["HOST:1".to_string()]));
    assert!(matches!(NodeAddresses::decode(&shout), Err(Unreadable::Malformed(_))));
}
