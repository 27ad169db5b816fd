//! Makes certificates. Every default of rcgen that would be unsafe (validity 1975–4096, no usages, no limit on what an
//! authority may sign, a serial number derived from the key) is set here.

use std::fmt;

use noroshi_sync::id::NodeId;
use noroshi_sync::limits::TIME_MS_MAX;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyIdMethod, KeyUsagePurpose, NameConstraints, PKCS_ED25519, PublicKeyData, SanType,
    SerialNumber, SignatureAlgorithm, SigningKey,
};
use time::{Duration, OffsetDateTime};

use super::certificate::{InvalidCertificate, organisation_name, public_key};
use crate::key::{KeyPair, NoRandomness, random_bytes};

/// Validity begins this long before now, for machines whose clock is behind.
const CLOCK_TOLERANCE: Duration = Duration::hours(24);
const ROOT_VALIDITY: Duration = Duration::days(20 * 365 + 5);
const ISSUING_VALIDITY: Duration = Duration::days(10 * 365 + 2);
const NODE_VALIDITY: Duration = Duration::days(397);
/// The only names the authority may issue for. `.invalid` never resolves (RFC 2606).
const NAME_SPACE: &str = "node.noroshi.invalid";

/// Why no certificate could be made.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    #[error("the time is out of range")]
    Time,
    #[error("the certificate could not be made: {0}")]
    Encoding(#[from] rcgen::Error),
    #[error("the certificate of the issuing key: {0}")]
    Issuer(#[from] InvalidCertificate),
    #[error("the issuing key is not that of its certificate")]
    Mismatch,
}

/// The self-signed certificate of an organisation's root key (DER).
pub fn root_certificate(root: &KeyPair, organisation: &str, now_ms: u64) -> Result<Vec<u8>, IssueError> {
    let mut params = authority_params(organisation, "Noroshi root", 1, ROOT_VALIDITY, now_ms)?;
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName(NAME_SPACE.to_string())],
        excluded_subtrees: vec![
            GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([0; 4], 0)),
            GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix([0; 16], 0)),
        ],
    });
    Ok(params.self_signed(&RcgenKey::from(root))?.der().to_vec())
}

/// The key that certifies nodes, with its own certificate.
pub struct IssuingKey {
    key: KeyPair,
    certificate: Vec<u8>,
}

impl IssuingKey {
    /// Has a fresh key certified by the root.
    pub fn create(root: &KeyPair, root_certificate: &[u8], key: KeyPair, now_ms: u64) -> Result<Self, IssueError> {
        let organisation = organisation_name(root_certificate)?;
        let params = authority_params(&organisation, "Noroshi issuing", 0, ISSUING_VALIDITY, now_ms)?;
        let issuer = Issuer::from_ca_cert_der(&root_certificate.into(), RcgenKey::from(root))?;
        let certificate = params.signed_by(&RcgenKey::from(&key), &issuer)?.der().to_vec();
        Self::new(key, certificate)
    }

    /// From the key and the certificate that belongs to it.
    pub fn new(key: KeyPair, certificate: Vec<u8>) -> Result<Self, IssueError> {
        if public_key(&certificate)? == key.public() {
            Ok(Self { key, certificate })
        } else {
            Err(IssueError::Mismatch)
        }
    }

    pub const fn key(&self) -> &KeyPair {
        &self.key
    }
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// The chain of `node`: its certificate, valid for 397 days, and that of this key (DER).
    pub fn issue(&self, node: NodeId, now_ms: u64) -> Result<Vec<Vec<u8>>, IssueError> {
        let organisation = organisation_name(&self.certificate)?;
        let mut params = base_params(&organisation, &node.to_string(), NODE_VALIDITY, now_ms)?;
        let name = format!("{}.{NAME_SPACE}", node.short());
        params.subject_alt_names = vec![SanType::DnsName(name.try_into()?)];
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let issuer = Issuer::from_ca_cert_der(&self.certificate.as_slice().into(), RcgenKey::from(&self.key))?;
        let leaf = params.signed_by(&RcgenPublicKey(*node.as_bytes()), &issuer)?.der().to_vec();
        Ok(vec![leaf, self.certificate.clone()])
    }
}

impl fmt::Debug for IssuingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuingKey({:?})", self.key)
    }
}

/// `path_length`: how many authorities may follow below.
fn authority_params(
    organisation: &str,
    name: &str,
    path_length: u8,
    validity: Duration,
    now_ms: u64,
) -> Result<CertificateParams, IssueError> {
    let mut params = base_params(organisation, name, validity, now_ms)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(path_length));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

/// Everything set, nothing allowed.
pub(crate) fn base_params(
    organisation: &str,
    name: &str,
    validity: Duration,
    now_ms: u64,
) -> Result<CertificateParams, IssueError> {
    let now = i64::try_from(now_ms.min(TIME_MS_MAX) / 1_000).map_err(|_| IssueError::Time)?;
    let now = OffsetDateTime::from_unix_timestamp(now).map_err(|_| IssueError::Time)?;
    let mut params = CertificateParams::default();
    params.not_before = (now - CLOCK_TOLERANCE).max(OffsetDateTime::UNIX_EPOCH);
    params.not_after = params.not_before.checked_add(validity).ok_or(IssueError::Time)?;
    params.serial_number = Some(serial_number()?);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, organisation);
    params.distinguished_name.push(DnType::CommonName, name);
    params.subject_alt_names = Vec::new();
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = Vec::new();
    params.extended_key_usages = Vec::new();
    params.name_constraints = None;
    params.crl_distribution_points = Vec::new();
    params.custom_extensions = Vec::new();
    params.use_authority_key_identifier_extension = true;
    params.key_identifier_method = KeyIdMethod::Sha256;
    Ok(params)
}

/// 126 random bits in 16 bytes: positive, and of constant length.
fn serial_number() -> Result<SerialNumber, NoRandomness> {
    let number = u128::from_be_bytes(random_bytes()?);
    let number = (number & (u128::MAX >> 1)) | (1 << 126);
    Ok(SerialNumber::from_slice(&number.to_be_bytes()))
}

/// A key pair as rcgen wants it.
struct RcgenKey<'a> {
    key: &'a KeyPair,
    public: [u8; 32],
}

impl<'a> From<&'a KeyPair> for RcgenKey<'a> {
    fn from(key: &'a KeyPair) -> Self {
        Self { key, public: key.public() }
    }
}

impl PublicKeyData for RcgenKey<'_> {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }
    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ED25519
    }
}

impl SigningKey for RcgenKey<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(self.key.sign(message).as_bytes().to_vec())
    }
}

/// The public key of a node whose private key is elsewhere.
struct RcgenPublicKey([u8; 32]);

impl PublicKeyData for RcgenPublicKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }
    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ED25519
    }
}
