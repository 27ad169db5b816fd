//! The authority whose certificate people install in their browsers.

use std::fmt;

use rcgen::{
    BasicConstraints, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType,
    SubjectPublicKeyInfo,
};
use rustls_pki_types::PrivatePkcs8KeyDer;
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

use super::leaf::LeafCertificate;
use super::name::WebName;
use super::reach::Reach;
use crate::authority::issue::base_params;
use crate::authority::{InvalidCertificate, IssueError, organisation_name};
use crate::limits::WEB_NAMES_MAX;

const AUTHORITY_VALIDITY: Duration = Duration::days(10 * 365 + 2);
/// Apple takes at most 825 days from authorities that people install, others 398.
const LEAF_VALIDITY: Duration = Duration::days(397);
/// Characters of the organisation's name in the authority's, which X.520 limits to 64.
const NAME_CHARS: usize = 48;

/// Why no browser certificate could be made.
#[derive(Debug, thiserror::Error)]
pub enum BrowserIssueError {
    #[error("{0:?} is not a domain that an organisation may call its own, such as asanagi.home.arpa")]
    Domain(String),
    #[error(transparent)]
    Issue(#[from] IssueError),
    #[error("the certificate could not be made: {0}")]
    Encoding(#[from] rcgen::Error),
    #[error("the authority's certificate: {0}")]
    Authority(#[from] InvalidCertificate),
    #[error("the authority's key is not that of its certificate")]
    Mismatch,
    #[error("the key to be certified is not of the curve P-256")]
    NotP256,
    #[error("a certificate without a name, or with more than {WEB_NAMES_MAX}")]
    NameCount,
    #[error("the authority's certificate is not valid now: this machine's clock is wrong, or ten years have passed")]
    NotInForce,
    #[error("{0} is outside what this authority may certify")]
    OutOfReach(WebName),
}

/// Key and certificate of the browser authority.
pub struct BrowserAuthority {
    key: KeyPair,
    certificate: Vec<u8>,
    reach: Reach,
    organisation: String,
    not_before_ms: u64,
    not_after_ms: u64,
}

impl BrowserAuthority {
    /// A new authority for the names under `domain`.
    pub fn create(organisation: &str, domain: &str, now_ms: u64) -> Result<Self, BrowserIssueError> {
        let reach = Reach::new(domain).ok_or_else(|| BrowserIssueError::Domain(domain.to_owned()))?;
        let short: String = organisation.chars().take(NAME_CHARS).collect();
        let mut params = base_params(organisation, &format!("{short} 狼煙 CA"), AUTHORITY_VALIDITY, now_ms)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.name_constraints = Some(reach.constraints());
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = params.self_signed(&key)?.der().to_vec();
        Self::new(key, certificate)
    }

    /// From what [`BrowserAuthority::pkcs8`] and [`BrowserAuthority::certificate`] gave.
    pub fn from_pkcs8(pkcs8: &[u8], certificate: Vec<u8>) -> Result<Self, BrowserIssueError> {
        Self::new(KeyPair::try_from(&PrivatePkcs8KeyDer::from(pkcs8))?, certificate)
    }

    fn new(key: KeyPair, certificate: Vec<u8>) -> Result<Self, BrowserIssueError> {
        let own = LeafCertificate::read(&certificate)?;
        if !key.is_compatible(&PKCS_ECDSA_P256_SHA256) || own.raw_public_key() != key.public_key_raw() {
            return Err(BrowserIssueError::Mismatch);
        }
        let (reach, organisation) = (Reach::of_certificate(&certificate)?, organisation_name(&certificate)?);
        let (not_before_ms, not_after_ms) = (own.not_before_ms, own.not_after_ms);
        Ok(Self { key, certificate, reach, organisation, not_before_ms, not_after_ms })
    }

    /// The private key, to be sealed or kept where only headquarters reads.
    pub fn pkcs8(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.key.serialize_der())
    }
    /// What people install (DER).
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// A leaf for these names over a P-256 key (subject public key info, DER), valid for 397 days from yesterday on, so
    /// that machines whose clock is behind accept it. Never longer than the authority.
    pub fn issue(&self, public_key: &[u8], names: &[WebName], now_ms: u64) -> Result<Vec<u8>, BrowserIssueError> {
        // A leaf dated 1970 would look like one and open no page.
        if !(self.not_before_ms..self.not_after_ms).contains(&now_ms) {
            return Err(BrowserIssueError::NotInForce);
        }
        if let Some(name) = names.iter().find(|name| !self.reach.permits(name)) {
            return Err(BrowserIssueError::OutOfReach(name.clone()));
        }
        let first = names.first().filter(|_| names.len() <= WEB_NAMES_MAX).ok_or(BrowserIssueError::NameCount)?;
        let public_key = SubjectPublicKeyInfo::from_der(public_key).map_err(|_| BrowserIssueError::NotP256)?;
        if *rcgen::PublicKeyData::algorithm(&public_key) != PKCS_ECDSA_P256_SHA256 {
            return Err(BrowserIssueError::NotP256);
        }
        // Nobody reads it any more, but a name of more than 64 bytes would not be allowed here.
        let common = Some(first.to_string()).filter(|name| name.len() <= 64).unwrap_or_else(|| "noroshi".to_owned());
        let mut params = base_params(&self.organisation, &common, LEAF_VALIDITY, now_ms)?;
        let end =
            i64::try_from(self.not_after_ms / 1_000).ok().and_then(|end| OffsetDateTime::from_unix_timestamp(end).ok());
        params.not_after = end.map_or(params.not_after, |end| params.not_after.min(end));
        params.subject_alt_names = names.iter().map(alternative_name).collect::<Result<_, _>>()?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let issuer = Issuer::from_ca_cert_der(&self.certificate.as_slice().into(), &self.key)?;
        Ok(params.signed_by(&public_key, &issuer)?.der().to_vec())
    }
}

fn alternative_name(name: &WebName) -> Result<SanType, rcgen::Error> {
    Ok(match name {
        WebName::Dns(name) => SanType::DnsName(name.clone().try_into()?),
        WebName::Ip(ip) => SanType::IpAddress(*ip),
    })
}

impl fmt::Debug for BrowserAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BrowserAuthority({} of {})", self.reach.domain(), self.organisation)
    }
}
