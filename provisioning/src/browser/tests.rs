//! Browser certificates as browsers read them, and the way a node gets one.

use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::*;
use crate::authority::{KeyFileError, KeyFolder};
use crate::id::OrgId;
use crate::ledger::Directory;
use crate::limits::{WEB_NAMES_HELD_MAX, WEB_NAMES_MAX};
use crate::sealed::{UnsealError, seal_browser_authority, unseal_browser_authority};
use crate::testing::{NOW_MS, Town, key};

const DAY_MS: u64 = 86_400_000;
const PASSPHRASE: &str = "kamome no uta";

fn authority() -> BrowserAuthority {
    BrowserAuthority::create("朝凪市", "asanagi.home.arpa", NOW_MS).unwrap()
}

fn names(texts: &[&str]) -> Vec<WebName> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn parsed(der: &[u8]) -> X509Certificate<'_> {
    X509Certificate::from_der(der).unwrap().1
}

#[test]
fn the_authority_may_sign_leaves_for_own_names_only() {
    let authority = authority();
    let certificate = parsed(authority.certificate());
    certificate.verify_signature(None).unwrap();
    let constraints = certificate.basic_constraints().unwrap().unwrap();
    assert!(constraints.critical && constraints.value.ca && constraints.value.path_len_constraint == Some(0));
    let usage = certificate.key_usage().unwrap().unwrap();
    assert!(usage.critical && usage.value.key_cert_sign() && usage.value.crl_sign());
    assert!(!usage.value.digital_signature());
    let limits = certificate.name_constraints().unwrap().unwrap();
    assert!(limits.critical && limits.value.excluded_subtrees.is_none());
    let permitted = limits.value.permitted_subtrees.as_ref().unwrap();
    let domains: Vec<&str> = permitted
        .iter()
        .filter_map(|tree| match &tree.base {
            GeneralName::DNSName(name) => Some(*name),
            _ => None,
        })
        .collect();
    assert_eq!(domains, ["asanagi.home.arpa", "local", "localhost"]);
    assert_eq!(permitted.len(), 3 + 5 + 3);
    let validity = certificate.validity();
    let days = (validity.not_after.timestamp() - validity.not_before.timestamp()) / 86_400;
    assert_eq!(days, 3_652);
    let oids: Vec<String> = certificate.extensions().iter().map(|extension| extension.oid.to_id_string()).collect();
    assert!(oids.contains(&"2.5.29.14".to_owned()), "a subject key identifier: {oids:?}");
    let common = certificate.subject().iter_common_name().next().unwrap().as_str().unwrap();
    assert_eq!(common, "朝凪市 狼煙 CA");
    assert_eq!(authority.reach().domain(), "asanagi.home.arpa");
}

#[test]
fn the_longest_name_of_an_organisation_fits() {
    let authority = BrowserAuthority::create(&"市".repeat(100), "home.arpa", NOW_MS).unwrap();
    let common =
        parsed(authority.certificate()).subject().iter_common_name().next().unwrap().as_str().unwrap().to_owned();
    assert!(common.chars().count() <= 64);
}

#[test]
fn a_leaf_says_what_browsers_ask_for() {
    let (authority, leaf_key) = (authority(), LeafKey::generate().unwrap());
    let own = names(&["hq.asanagi.home.arpa", "noroshi-12345678.local", "10.1.2.3", "fd00::5", "localhost"]);
    let der = authority.issue(&leaf_key.public_key(), &own, NOW_MS).unwrap();
    let leaf = check_leaf(authority.certificate(), &der, &own).unwrap();
    assert_eq!(leaf.names, own);
    assert_eq!(leaf.public_key(), leaf_key.public_key());
    assert_eq!(leaf.not_before_ms, NOW_MS - DAY_MS);
    assert_eq!(leaf.not_after_ms - leaf.not_before_ms, 397 * DAY_MS);
    assert_eq!(leaf.renew_at_ms(), leaf.not_before_ms + 397 * DAY_MS / 3 * 2);
    let certificate = parsed(&der);
    let extended = certificate.extended_key_usage().unwrap().unwrap().value;
    assert!(extended.server_auth && !extended.client_auth && !extended.any);
    assert!(!certificate.basic_constraints().unwrap().unwrap().value.ca);
    let oids: Vec<String> = certificate.extensions().iter().map(|extension| extension.oid.to_id_string()).collect();
    assert!(oids.contains(&"2.5.29.35".to_owned()), "an authority key identifier: {oids:?}");
    let other = names(&["minami.asanagi.home.arpa"]);
    assert_eq!(check_leaf(authority.certificate(), &der, &other), Err(UnusableLeaf::Name(other[0].clone())));
}

/// The authority refuses, and if it did not, browsers would: the same name signed with its key all the same.
#[test]
fn a_name_outside_the_constraints_is_refused_twice() {
    let (authority, leaf_key) = (authority(), LeafKey::generate().unwrap());
    for text in ["www.example.co.jp", "203.0.113.5", "evil-asanagi.home.arpa", "2001:db8::1"] {
        let outside = names(&[text]);
        let refused = authority.issue(&leaf_key.public_key(), &outside, NOW_MS).unwrap_err();
        assert!(matches!(refused, BrowserIssueError::OutOfReach(_)), "{text}: {refused}");

        let signer = rcgen::KeyPair::try_from(authority.pkcs8().as_slice()).unwrap();
        let issuer = rcgen::Issuer::from_ca_cert_der(&authority.certificate().into(), signer).unwrap();
        let mut params = rcgen::CertificateParams::new(vec![text.to_owned()]).unwrap();
        params.not_before = time::OffsetDateTime::from_unix_timestamp(NOW_MS as i64 / 1_000).unwrap();
        params.not_after = params.not_before + time::Duration::days(397);
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
        let stolen = params.signed_by(&rcgen::KeyPair::generate().unwrap(), &issuer).unwrap();
        let error = check_leaf(authority.certificate(), stolen.der(), &[]).unwrap_err();
        assert_eq!(error, UnusableLeaf::Chain("NameConstraintViolation".into()), "{text}");
    }
}

#[test]
fn a_leaf_is_only_for_p256_keys_and_for_1_to_32_names() {
    let (authority, leaf_key) = (authority(), LeafKey::generate().unwrap());
    let own = names(&["hq.asanagi.home.arpa"]);
    let ed25519 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    for wrong in [vec![], vec![0x30; 91], rcgen::PublicKeyData::subject_public_key_info(&ed25519)] {
        assert!(matches!(authority.issue(&wrong, &own, NOW_MS), Err(BrowserIssueError::NotP256)));
    }
    let many = |count: usize| (0..count).map(|n| format!("n{n}.local").parse().unwrap()).collect::<Vec<WebName>>();
    assert!(authority.issue(&leaf_key.public_key(), &many(WEB_NAMES_MAX), NOW_MS).is_ok());
    for count in [0, WEB_NAMES_MAX + 1] {
        let refused = authority.issue(&leaf_key.public_key(), &many(count), NOW_MS);
        assert!(matches!(refused, Err(BrowserIssueError::NameCount)), "{count}");
    }
}

#[test]
fn another_authority_of_the_same_name_is_another() {
    let (one, two, leaf_key) = (authority(), authority(), LeafKey::generate().unwrap());
    let der = one.issue(&leaf_key.public_key(), &names(&["localhost"]), NOW_MS).unwrap();
    assert!(matches!(check_leaf(two.certificate(), &der, &[]), Err(UnusableLeaf::Chain(_))));
    let mixed = BrowserAuthority::from_pkcs8(&one.pkcs8(), two.certificate().to_vec());
    assert!(matches!(mixed, Err(BrowserIssueError::Mismatch)));
    assert_ne!(fingerprint(one.certificate()), fingerprint(two.certificate()));
    assert_eq!(fingerprint(one.certificate()).len(), 95);
}

#[test]
fn leaves_are_dated_within_the_life_of_their_authority() {
    let (authority, key) = (authority(), LeafKey::generate().unwrap());
    let ends_ms = LeafCertificate::read(authority.certificate()).unwrap().not_after_ms;
    let issue = |now_ms| authority.issue(&key.public_key(), &names(&["localhost"]), now_ms);
    for now_ms in [0, NOW_MS - DAY_MS - 1, ends_ms, u64::MAX] {
        assert!(matches!(issue(now_ms), Err(BrowserIssueError::NotInForce)), "{now_ms}");
    }
    for now_ms in [NOW_MS - DAY_MS, ends_ms - 1] {
        let leaf = check_leaf(authority.certificate(), &issue(now_ms).unwrap(), &[]).unwrap();
        assert!(leaf.not_after_ms <= ends_ms);
    }
}

#[test]
fn a_machine_in_1970_and_one_in_2100_can_found() {
    for now_ms in [0, noroshi_sync::limits::TIME_MS_MAX, u64::MAX] {
        let authority = BrowserAuthority::create("朝凪市", "home.arpa", now_ms).unwrap();
        assert!(LeafCertificate::read(authority.certificate()).is_ok());
    }
}

#[test]
fn the_passphrase_brings_the_authority_back() {
    let authority = authority();
    let sealed = seal_browser_authority(PASSPHRASE, &authority).unwrap();
    let open = |passphrase: &str| unseal_browser_authority(passphrase, &sealed, authority.certificate().to_vec());
    assert_eq!(open(PASSPHRASE).unwrap().pkcs8(), authority.pkcs8());
    assert_eq!(open("another one").unwrap_err(), UnsealError::WrongPassword);
    let other = self::authority().certificate().to_vec();
    assert_eq!(unseal_browser_authority(PASSPHRASE, &sealed, other).unwrap_err(), UnsealError::Malformed);
}

#[test]
fn files_come_back_and_are_refused_when_others_can_read_them() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let keys = KeyFolder::create(folder.path()).unwrap();
    assert!(keys.load_browser_authority().unwrap().is_none() && keys.load_web().unwrap().is_none());
    let (authority, leaf_key) = (authority(), LeafKey::generate().unwrap());
    keys.save_browser_authority(&authority, b"sealed").unwrap();
    assert_eq!(keys.load_browser_authority().unwrap().unwrap().certificate(), authority.certificate());
    let again = keys.save_browser_authority(&authority, b"sealed");
    assert!(matches!(again, Err(KeyFileError::Exists { .. })), "an authority is never overwritten");

    let leaf = authority.issue(&leaf_key.public_key(), &names(&["localhost"]), NOW_MS).unwrap();
    let web = WebIdentity { pkcs8: leaf_key.pkcs8(), leaf, authority: authority.certificate().to_vec() };
    keys.save_web(&web).unwrap();
    assert_eq!(keys.load_web().unwrap().unwrap().leaf, web.leaf);
    for name in ["web.pem", "browser-ca.key"] {
        let path = keys.path().join(name);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    }
    assert!(matches!(keys.load_web(), Err(KeyFileError::ReadableByOthers { .. })));
    assert!(matches!(keys.load_browser_authority(), Err(KeyFileError::ReadableByOthers { .. })));

    std::fs::remove_file(keys.path().join("browser-ca.key")).unwrap();
    let kept = keys.load_sealed_browser_authority().unwrap().unwrap();
    assert_eq!((kept.sealed.as_slice(), kept.certificate.as_slice()), (&b"sealed"[..], authority.certificate()));
    keys.restore_browser_authority(&authority).unwrap();
    assert!(keys.load_browser_authority().unwrap().is_some());

    // An authority that is another's, as after copying half a folder.
    let other = self::authority();
    keys.save_web(&WebIdentity { authority: other.certificate().to_vec(), ..web }).unwrap();
    assert!(matches!(keys.load_web(), Err(KeyFileError::Browser { .. })));
}

struct Desk {
    authority: BrowserAuthority,
    directory: Directory,
    claims: Claims,
}

impl Desk {
    fn ask(&mut self, request: &LeafRequest) -> Result<LeafResponse, LeafRefusal> {
        let Self { authority, directory, claims } = self;
        // As it comes over the line.
        let request = LeafRequest::decode(&request.encode()).unwrap();
        LeafRound { authority, directory, claims, now_ms: NOW_MS }.answer(&request)
    }
}

fn desk() -> Desk {
    Desk { authority: authority(), directory: Town::new().directory(), claims: Claims::default() }
}

fn question(desk: &Desk, node: u8, texts: &[&str]) -> (LeafKey, LeafRequest) {
    let leaf_key = LeafKey::generate().unwrap();
    let organisation = desk.directory.organisation();
    let request = LeafRequest::new(&key(node), organisation, leaf_key.public_key(), names(texts));
    (leaf_key, request)
}

#[test]
fn an_enrolled_node_gets_what_it_may_have() {
    let mut desk = desk();
    let (leaf_key, request) = question(&desk, 2, &["kita.asanagi.home.arpa", "www.example.co.jp", "10.2.0.1"]);
    let answer = LeafResponse::decode(&desk.ask(&request).unwrap().encode()).unwrap();
    assert_eq!(answer.withheld, names(&["www.example.co.jp"]));
    let web = answer.clone().accept(&leaf_key).unwrap();
    let own = names(&["kita.asanagi.home.arpa", "10.2.0.1"]);
    assert_eq!(check_leaf(&web.authority, &web.leaf, &own).unwrap().names, own);
    assert_eq!(answer.clone().accept(&LeafKey::generate().unwrap()).unwrap_err(), Unbelievable::OtherKey);
    let forged = LeafResponse { authority: authority().certificate().to_vec(), ..answer };
    assert!(matches!(forged.accept(&leaf_key), Err(Unbelievable::Leaf(_))));
}

#[test]
fn a_name_of_headquarters_is_not_given_to_a_branch() {
    let mut desk = desk();
    let own = ["hq.asanagi.home.arpa", "10.1.0.1", "localhost"];
    assert_eq!(desk.ask(&question(&desk, 1, &own).1).unwrap().withheld, []);
    let taken = desk.ask(&question(&desk, 2, &own).1).unwrap();
    assert_eq!(taken.withheld, names(&["hq.asanagi.home.arpa", "10.1.0.1"]));
    assert_eq!(desk.ask(&question(&desk, 1, &own).1).unwrap().withheld, [], "its holder renews");
    let nothing = desk.ask(&question(&desk, 2, &own[..2]).1).unwrap_err();
    assert_eq!(nothing.code(), "no_name");
}

#[test]
fn a_node_cannot_collect_names_without_end() {
    let mut desk = desk();
    let mut refusal = None;
    for round in 0..10 {
        let texts: Vec<String> = (0..WEB_NAMES_MAX).map(|n| format!("n{n}-{round}.local")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        match desk.ask(&question(&desk, 2, &texts).1) {
            Ok(_) => assert!((round + 1) * WEB_NAMES_MAX <= WEB_NAMES_HELD_MAX),
            Err(error) => refusal = Some(error.code()),
        }
    }
    assert_eq!(refusal, Some("too_many_names"));
    desk.ask(&question(&desk, 2, &["n0-0.local"]).1).unwrap();
}

#[test]
fn strangers_and_forgers_get_nothing() {
    let mut desk = desk();
    let good = question(&desk, 2, &["kita.asanagi.home.arpa"]).1;
    let other = OrgId::from_bytes([9; 32]);
    let stranger = question(&desk, 99, &["kita.asanagi.home.arpa"]).1;
    let many: Vec<WebName> = (0..=WEB_NAMES_MAX).map(|n| format!("n{n}.local").parse().unwrap()).collect();
    let organisation = desk.directory.organisation();
    let node = key(2);
    for (request, code) in [
        (LeafRequest { organisation: other, ..good.clone() }, "other_organisation"),
        (LeafRequest { node: stranger.node, ..good.clone() }, "unknown_node"),
        (LeafRequest { names: names(&["hq.asanagi.home.arpa"]), ..good.clone() }, "bad_signature"),
        (LeafRequest { node: Town::node(3), ..good.clone() }, "bad_signature"),
        (LeafRequest::new(&node, organisation, good.public_key.clone(), many), "too_many_names"),
        (LeafRequest::new(&node, organisation, vec![1, 2], good.names.clone()), "cannot_issue"),
        (stranger, "unknown_node"),
    ] {
        assert_eq!(desk.ask(&request).unwrap_err().code(), code);
    }
    let bytes = good.encode();
    assert!(LeafRequest::is_one(&bytes) && !LeafRequest::is_one(&bytes[1..]));
    for end in 0..bytes.len() {
        assert!(LeafRequest::decode(&bytes[..end]).is_err(), "cut at {end}");
    }
    let later = LeafRequest { version: 2, ..good };
    assert!(LeafRequest::decode(&later.encode()).is_err());
}
