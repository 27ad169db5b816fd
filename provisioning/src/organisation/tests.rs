//! Founding as a whole.

use std::os::unix::fs::MetadataExt;

use super::*;
use crate::ledger::{Counts, Ledger};
use crate::sealed::{unseal_administrator, unseal_root};
use crate::testing::{NOW_MS, Scribe, counter, key};

pub(crate) fn founding() -> Founding {
    Founding {
        organisation: "朝凪市".into(),
        root_passphrase: "kamome no uta 2026".into(),
        office: "本庁".into(),
        office_kana: "ほんちょう".into(),
        node: "本庁一号機".into(),
        addresses: vec!["192.0.2.1:7450".parse().unwrap()],
        administrator: FirstAdministrator {
            login: "asanagi".into(),
            name: "朝凪 花子".into(),
            kana: "あさなぎ はなこ".into(),
            section: "危機管理課".into(),
            post: "課長".into(),
            password: "umineko to kamome".into(),
        },
        now_ms: NOW_MS,
    }
}

/// What the first node knows after it appended the first entries.
fn directory_of(founded: &Founded) -> Directory {
    let mut ledger = Ledger::new(founded.identity.root_public_key());
    let mut scribe = Scribe::default();
    for draft in founded.ledger.clone() {
        let (log, entry) = scribe.write(founded.identity.node(), draft);
        assert!(noroshi_sync::entry::Entry::decode(&entry.encode()).is_ok());
        ledger.insert(&log, &entry);
    }
    ledger.resolve(NOW_MS)
}

#[test]
fn a_new_organisation_can_do_everything_it_needs() {
    let founded = found(&founding()).unwrap();
    let directory = directory_of(&founded);
    assert_eq!(directory.organisation(), founded.organisation);
    assert_eq!(directory.counts(), Counts { counted: 8, unknown: 0, hidden: 0 });
    assert!(directory.is_headquarters_node(founded.identity.node()));
    assert_eq!(directory.headquarters_time().map(|(at_ms, _)| at_ms), Some(NOW_MS));
    let user = directory.user_by_login("asanagi").unwrap();
    assert_eq!(user.id, founded.administrator.user());
    assert!(user.roles.contains(&Role::SystemAdmin));
    assert!(directory.verifier(user.id).unwrap().check("umineko to kamome"));
    assert!(directory.may_log_in(founded.identity.node(), user.id));
    assert_eq!(directory.node(founded.identity.node()).unwrap().addresses.len(), 1);

    // The administrator can go on.
    let writer = LedgerWriter { directory: &directory, signer: &founded.administrator, device: DeviceId::NIL };
    let grant = writer.grant(EntryId::from_uuid(Uuid::now_v7()), user.id, Role::DrillController).unwrap();
    let mut ledger = Ledger::new(founded.identity.root_public_key());
    let mut scribe = Scribe::default();
    for draft in founded.ledger.iter().cloned().chain([grant]) {
        let (log, entry) = scribe.write(founded.identity.node(), draft);
        ledger.insert(&log, &entry);
    }
    assert!(ledger.resolve(NOW_MS).has_role(user.id, Role::DrillController));
}

#[test]
fn everything_is_in_the_key_folder_and_sealed() {
    let founded = found(&founding()).unwrap();
    let data = tempfile::tempdir().unwrap();
    let keys = KeyFolder::create(data.path()).unwrap();
    founded.save(&keys).unwrap();

    assert_eq!(keys.load_node().unwrap().node(), founded.identity.node());
    assert!(keys.load_issuing().unwrap().is_some());
    let sealed = keys.load_sealed_root().unwrap().unwrap();
    let root = unseal_root("kamome no uta 2026", &sealed).unwrap();
    assert_eq!(root.key().public(), founded.identity.root_public_key());
    let user = founded.administrator.user();
    assert_eq!(keys.administrators().unwrap(), [user]);
    let sealed = keys.load_sealed_administrator(user).unwrap().unwrap();
    let administrator = unseal_administrator("umineko to kamome", user, &sealed).unwrap();
    assert_eq!(administrator.entry(), founded.administrator.entry());
    for file in ["root.key.sealed", "issuing.key", "node.key", &format!("administrators/{user}.sealed")] {
        assert_eq!(std::fs::metadata(keys.path().join(file)).unwrap().mode() & 0o777, 0o600, "{file}");
    }
    // An organisation is never founded over another.
    assert!(matches!(found(&founding()).unwrap().save(&keys), Err(KeyFileError::Exists { .. })));
    assert_eq!(keys.load_node().unwrap().node(), founded.identity.node());
}

#[test]
fn given_keys_and_ids_found_the_same_organisation() {
    let keys = || FoundingKeys { root: key(1), issuing: key(2), node: key(3), administrator: key(4) };
    let [one, other] = [0, 1].map(|_| found_with(&founding(), keys(), &mut counter()).unwrap());
    assert_eq!(one.organisation, other.organisation);
    assert_eq!(one.office, other.office);
    assert_eq!(one.identity.node(), other.identity.node());
    // All but the password's entry, whose salt is fresh.
    for (one, other) in one.ledger.iter().zip(&other.ledger) {
        assert_eq!(one == other, one.kind != crate::ledger::kind::PASSWORD_VERIFIER);
    }
}

#[test]
fn bad_values_found_nothing() {
    let spoilt = |spoil: fn(&mut Founding)| {
        let mut founding = founding();
        spoil(&mut founding);
        found(&founding).unwrap_err()
    };
    assert!(matches!(
        spoilt(|f| f.organisation = String::new()),
        FoundingError::Field(InvalidField { field: "organisation", .. })
    ));
    assert!(matches!(spoilt(|f| f.organisation = "あ".repeat(101)), FoundingError::Field(_)));
    assert!(matches!(spoilt(|f| f.office = "本\n庁".into()), FoundingError::Field(_)));
    assert!(matches!(spoilt(|f| f.node = " ".into()), FoundingError::Field(_)));
    assert!(matches!(
        spoilt(|f| f.administrator.login = "Asanagi".into()),
        FoundingError::Field(InvalidField { field: "login", .. })
    ));
    assert!(matches!(
        spoilt(|f| f.administrator.password = "asanagi".into()),
        FoundingError::Password(PasswordRefusal::TooShort)
    ));
    assert!(matches!(
        spoilt(|f| f.administrator.password = "12345678".into()),
        FoundingError::Password(PasswordRefusal::TooCommon)
    ));
    assert!(matches!(spoilt(|f| f.root_passphrase = String::new()), FoundingError::Seal(_)));
    assert!(matches!(spoilt(|f| f.addresses = vec!["h:1".parse().unwrap(); 17]), FoundingError::Field(_)));
}
