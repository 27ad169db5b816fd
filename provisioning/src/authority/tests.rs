//! Certificates as others read them, and key files as an operating system and its users treat them.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use noroshi_sync::id::UserId;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::*;
use crate::key::KeyPair;
use crate::testing::{NOW_MS, Town, key, user};

struct Authority {
    root: KeyPair,
    root_certificate: Vec<u8>,
    issuing: IssuingKey,
}

impl Authority {
    fn new(n: u8, name: &str) -> Self {
        let root = key(n);
        let root_certificate = root_certificate(&root, name, NOW_MS).unwrap();
        let issuing = IssuingKey::create(&root, &root_certificate, key(n + 1), NOW_MS).unwrap();
        Self { root, root_certificate, issuing }
    }

    fn identity(&self, n: u8) -> NodeIdentity {
        let chain = self.issuing.issue(key(n).node(), NOW_MS).unwrap();
        NodeIdentity::new(key(n), chain, self.root_certificate.clone()).unwrap()
    }
}

fn town() -> Authority {
    Authority::new(200, "朝凪市")
}

fn parsed(der: &[u8]) -> X509Certificate<'_> {
    X509Certificate::from_der(der).unwrap().1
}

const DAY: i64 = 86_400;

#[test]
fn the_root_may_sign_authorities_for_node_names_only() {
    let town = town();
    let root = parsed(&town.root_certificate);
    root.verify_signature(None).unwrap();
    assert_eq!(root.subject(), root.issuer());
    let constraints = root.basic_constraints().unwrap().unwrap();
    assert!(constraints.critical && constraints.value.ca && constraints.value.path_len_constraint == Some(1));
    let usage = root.key_usage().unwrap().unwrap();
    assert!(
        usage.critical && usage.value.key_cert_sign() && usage.value.crl_sign() && !usage.value.digital_signature()
    );
    let names = root.name_constraints().unwrap().unwrap();
    assert!(names.critical);
    assert_eq!(names.value.permitted_subtrees.as_ref().unwrap().len(), 1);
    assert_eq!(names.value.excluded_subtrees.as_ref().unwrap().len(), 2);
    let now = i64::try_from(NOW_MS / 1_000).unwrap();
    assert_eq!(root.validity().not_before.timestamp(), now - DAY);
    assert_eq!((root.validity().not_after.timestamp() - root.validity().not_before.timestamp()) / DAY / 365, 20);
    assert_eq!(organisation_name(&town.root_certificate).unwrap(), "朝凪市");
    assert_eq!(public_key(&town.root_certificate).unwrap(), town.root.public());
}

#[test]
fn the_issuing_authority_may_sign_nodes_only() {
    let town = town();
    let issuing = parsed(town.issuing.certificate());
    issuing.verify_signature(Some(parsed(&town.root_certificate).public_key())).unwrap();
    let constraints = issuing.basic_constraints().unwrap().unwrap();
    assert!(constraints.critical && constraints.value.ca && constraints.value.path_len_constraint == Some(0));
    assert!(issuing.key_usage().unwrap().unwrap().value.key_cert_sign());
}

#[test]
fn a_node_certificate_says_what_it_is_for() {
    let town = town();
    let chain = town.issuing.issue(Town::node(1), NOW_MS).unwrap();
    assert_eq!(chain.len(), 2);
    let leaf = parsed(&chain[0]);
    leaf.verify_signature(Some(parsed(&chain[1]).public_key())).unwrap();
    let constraints = leaf.basic_constraints().unwrap().unwrap();
    assert!(constraints.critical && !constraints.value.ca);
    let usage = leaf.key_usage().unwrap().unwrap();
    assert!(usage.critical && usage.value.digital_signature() && !usage.value.key_cert_sign());
    let extended = leaf.extended_key_usage().unwrap().unwrap().value;
    assert!(extended.server_auth && extended.client_auth && !extended.any && extended.other.is_empty());
    let name = format!("{}.node.noroshi.invalid", Town::node(1).short());
    let names = &leaf.subject_alternative_name().unwrap().unwrap().value.general_names;
    assert_eq!(names.as_slice(), [GeneralName::DNSName(&name)]);
    let common = leaf.subject().iter_common_name().next().unwrap().as_str().unwrap();
    assert_eq!(common, Town::node(1).to_string());
    let validity = leaf.validity();
    assert_eq!(validity.not_after.timestamp() - validity.not_before.timestamp(), 397 * DAY);
    assert_eq!(leaf.raw_serial().len(), 16);
    assert!(
        leaf.extensions()
            .iter()
            .any(|extension| extension.oid == x509_parser::oid_registry::OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER)
    );
    assert_eq!(node_id_of_certificate(&chain[0]).unwrap(), Town::node(1));
    assert_eq!(check_chain(&town.root_certificate, &chain).unwrap(), Town::node(1));
    // The serial number is random, not derived.
    assert_ne!(parsed(&town.issuing.issue(Town::node(1), NOW_MS).unwrap()[0]).raw_serial(), leaf.raw_serial());
}

#[test]
fn a_machine_in_1970_and_one_in_2100_can_issue() {
    for now_ms in [0, 1_000, noroshi_sync::limits::TIME_MS_MAX, u64::MAX] {
        let root_certificate = root_certificate(&key(200), "朝凪市", now_ms).unwrap();
        let issuing = IssuingKey::create(&key(200), &root_certificate, key(201), now_ms).unwrap();
        let chain = issuing.issue(Town::node(1), now_ms).unwrap();
        assert_eq!(check_chain(&root_certificate, &chain).unwrap(), Town::node(1));
        assert!(parsed(&chain[0]).validity().not_before.timestamp() >= 0);
    }
}

#[test]
fn the_longest_name_fits_and_a_key_of_another_certificate_is_refused() {
    let name = "朝".repeat(100);
    let long = Authority::new(210, &name);
    assert_eq!(long.identity(1).organisation_name(), name);
    assert!(matches!(IssuingKey::new(key(1), town().issuing.certificate().to_vec()), Err(IssueError::Mismatch)));
}

#[test]
fn chains_that_do_not_hold_are_refused() {
    let (town, other) = (town(), Authority::new(210, "夕凪市"));
    let chain = town.issuing.issue(Town::node(1), NOW_MS).unwrap();
    let root = &town.root_certificate;
    let own = |chain: &[Vec<u8>]| check_chain(root, chain);
    assert_eq!(own(&[]), Err(InvalidCertificate::NotTrusted));
    assert_eq!(own(&chain[..1]), Err(InvalidCertificate::NotTrusted), "the issuing certificate is missing");
    assert_eq!(own(&chain[1..]), Err(InvalidCertificate::NotTrusted), "an authority is no node");
    assert_eq!(check_chain(&other.root_certificate, &chain), Err(InvalidCertificate::NotTrusted));
    assert_eq!(own(&other.issuing.issue(Town::node(1), NOW_MS).unwrap()), Err(InvalidCertificate::NotTrusted));
    // A node that certifies another node.
    let pretender = IssuingKey::new(key(1), chain[0].clone()).unwrap();
    let mut forged = pretender.issue(Town::node(2), NOW_MS).unwrap();
    forged.push(chain[1].clone());
    assert_eq!(own(&forged), Err(InvalidCertificate::NotTrusted));
    let mut damaged = chain.clone();
    *damaged[0].last_mut().unwrap() ^= 1;
    assert_eq!(own(&damaged), Err(InvalidCertificate::NotTrusted));
}

#[test]
fn a_certificate_of_another_kind_is_no_node() {
    assert_eq!(node_id_of_certificate(&[]), Err(InvalidCertificate::Malformed));
    assert_eq!(node_id_of_certificate(&[0x30; 100]), Err(InvalidCertificate::Malformed));
    assert_eq!(node_id_of_certificate(&vec![0; 8 * 1024 + 1]), Err(InvalidCertificate::TooLarge));
    let chain = town().issuing.issue(Town::node(1), NOW_MS).unwrap();
    assert_eq!(node_id_of_certificate(&[chain[0].as_slice(), &[0]].concat()), Err(InvalidCertificate::Malformed));
    let ecdsa = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let ecdsa = rcgen::CertificateParams::new(vec!["a.example".to_string()]).unwrap().self_signed(&ecdsa).unwrap();
    assert_eq!(node_id_of_certificate(ecdsa.der()), Err(InvalidCertificate::NotEd25519));
    assert_eq!(organisation_name(ecdsa.der()), Err(InvalidCertificate::Nameless));
}

#[test]
fn a_key_and_a_certificate_that_do_not_belong_together_are_no_identity() {
    let (town, other) = (town(), Authority::new(210, "夕凪市"));
    let chain = town.issuing.issue(Town::node(1), NOW_MS).unwrap();
    let make =
        |n, chain: &[Vec<u8>], root: &[u8]| NodeIdentity::new(key(n), chain.to_vec(), root.to_vec()).unwrap_err();
    assert_eq!(make(2, &chain, &town.root_certificate), IdentityError::Mismatch);
    assert_eq!(make(1, &chain, &other.root_certificate), IdentityError::Chain(InvalidCertificate::NotTrusted));
    assert_eq!(make(1, &chain, &[]), IdentityError::Root(InvalidCertificate::Malformed));
}

// --- files

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

#[test]
fn an_identity_survives_its_files_and_nobody_else_can_read_them() {
    let data = tempfile::tempdir().unwrap();
    let keys = KeyFolder::create(data.path()).unwrap();
    assert!(!keys.has_node());
    let identity = town().identity(1);
    keys.save_node(&identity).unwrap();
    let again = keys.load_node().unwrap();
    assert!(keys.has_node());
    assert_eq!(again.node(), identity.node());
    assert_eq!(again.pkcs8(), identity.pkcs8());
    assert_eq!(again.chain(), identity.chain());
    assert_eq!(again.organisation(), crate::OrgId::of_root(&key(200).public()));
    assert_eq!(again.organisation_name(), "朝凪市");
    assert_eq!(mode(keys.path()), 0o700);
    assert_eq!(mode(&keys.path().join("node.key")), 0o600);
    assert!(matches!(keys.save_node(&identity), Err(KeyFileError::Exists { .. })));
    assert!(
        fs::read_dir(keys.path()).unwrap().all(|entry| !entry.unwrap().file_name().to_string_lossy().ends_with(".new"))
    );
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let keys = KeyFolder::create(data.path()).unwrap();
    keys.save_node(&town().identity(1)).unwrap();
    let path = keys.path().join("node.key");
    for open in [0o640, 0o604, 0o660, 0o601, 0o777] {
        fs::set_permissions(&path, Permissions::from_mode(open)).unwrap();
        let error = keys.load_node().unwrap_err();
        assert!(matches!(error, KeyFileError::ReadableByOthers { mode, .. } if mode == open), "{error}");
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
    for fine in [0o600, 0o400] {
        fs::set_permissions(&path, Permissions::from_mode(fine)).unwrap();
        assert!(keys.load_node().is_ok());
    }
}

#[test]
fn key_files_that_do_not_fit_together_are_refused() {
    let data = tempfile::tempdir().unwrap();
    let keys = KeyFolder::create(data.path()).unwrap();
    let (town, other) = (town(), Authority::new(210, "夕凪市"));
    keys.save_node(&town.identity(1)).unwrap();
    let file = |name: &str| keys.path().join(name);
    let original: Vec<(&str, Vec<u8>)> =
        ["node.key", "node.pem", "organisation.pem"].map(|name| (name, fs::read(file(name)).unwrap())).into();
    let pem = |certificates: &[Vec<u8>]| key_file::certificates_pem(certificates).into_bytes();
    let two_roots = [town.root_certificate.clone(), other.root_certificate.clone()];
    for (name, content) in [
        ("node.key", key_file::key_pem(&key(2)).as_bytes().to_vec()),
        ("node.key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n".to_vec()),
        ("node.key", vec![]),
        ("node.key", "鍵".as_bytes().to_vec()),
        ("node.key", vec![b'a'; 70_000]),
        ("node.pem", pem(town.identity(2).chain())),
        ("node.pem", pem(other.identity(1).chain())),
        ("node.pem", vec![]),
        ("organisation.pem", pem(std::slice::from_ref(&other.root_certificate))),
        ("organisation.pem", pem(&two_roots)),
        ("organisation.pem", b"-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n".to_vec()),
    ] {
        key_file::replace(&file(name), &content).unwrap();
        let error = keys.load_node().unwrap_err();
        assert!(!matches!(error, KeyFileError::Io { .. }), "{name}: {error}");
        for (name, content) in &original {
            key_file::replace(&file(name), content).unwrap();
        }
    }
    fs::remove_file(file("node.pem")).unwrap();
    assert!(matches!(keys.load_node(), Err(KeyFileError::Io { path, .. }) if path == file("node.pem")));
}

#[test]
fn an_interrupted_write_is_written_again() {
    let data = tempfile::tempdir().unwrap();
    let keys = KeyFolder::create(data.path()).unwrap();
    fs::write(keys.path().join("node.key.new"), b"half a ke").unwrap();
    keys.save_node(&town().identity(1)).unwrap();
    assert!(keys.load_node().is_ok());
}

#[test]
fn headquarters_keeps_its_keys_and_other_nodes_have_none() {
    let data = tempfile::tempdir().unwrap();
    let keys = KeyFolder::create(data.path()).unwrap();
    assert!(keys.load_issuing().unwrap().is_none());
    assert!(keys.load_sealed_root().unwrap().is_none());
    assert_eq!(keys.administrators().unwrap(), []);
    assert_eq!(KeyFolder::in_data_folder(Path::new("/nonexistent")).administrators().unwrap(), []);

    let town = town();
    keys.save_issuing(&town.issuing).unwrap();
    let issuing = keys.load_issuing().unwrap().unwrap();
    assert_eq!(issuing.certificate(), town.issuing.certificate());
    assert_eq!(mode(&keys.path().join("issuing.key")), 0o600);
    assert!(matches!(keys.save_issuing(&town.issuing), Err(KeyFileError::Exists { .. })));
    key_file::replace(&keys.path().join("issuing.key"), key_file::key_pem(&key(1)).as_bytes()).unwrap();
    assert!(matches!(keys.load_issuing(), Err(KeyFileError::Issuing { .. })));

    keys.save_sealed_root(b"sealed").unwrap();
    assert_eq!(keys.load_sealed_root().unwrap().unwrap(), b"sealed");
    for content in [b"first", b"again"] {
        keys.save_sealed_administrator(user(1), content).unwrap();
        assert_eq!(keys.load_sealed_administrator(user(1)).unwrap().unwrap(), content);
    }
    assert_eq!(keys.load_sealed_administrator(UserId::NIL).unwrap(), None);
    fs::write(keys.path().join("administrators/readme.txt"), b"").unwrap();
    assert_eq!(keys.administrators().unwrap(), [user(1)]);
}
