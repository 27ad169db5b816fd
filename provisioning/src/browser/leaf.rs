//! A node's browser certificate: its key, what it says, and when it is to be renewed.

use std::fmt;
use std::time::Duration;

use noroshi_sync::limits::TIME_MS_MAX;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};
use zeroize::Zeroizing;

use super::name::WebName;
use crate::authority::InvalidCertificate;
use crate::limits::CERTIFICATE_BYTES_MAX;

/// A fresh P-256 key of a node, before it is certified.
pub struct LeafKey(KeyPair);

impl LeafKey {
    /// From the operating system's random source.
    pub fn generate() -> Result<Self, rcgen::Error> {
        KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map(Self)
    }

    pub fn pkcs8(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.0.serialize_der())
    }

    /// Subject public key info, DER.
    pub fn public_key(&self) -> Vec<u8> {
        rcgen::PublicKeyData::subject_public_key_info(&self.0)
    }
}

/// Key, leaf and authority, as they lie together in one file, so that they never disagree.
#[derive(Clone)]
pub struct WebIdentity {
    pub pkcs8: Zeroizing<Vec<u8>>,
    /// DER.
    pub leaf: Vec<u8>,
    /// What people install, DER.
    pub authority: Vec<u8>,
}

impl fmt::Debug for WebIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebIdentity({})", fingerprint(&self.leaf))
    }
}

/// What a certificate for browsers says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeafCertificate {
    pub names: Vec<WebName>,
    /// Milliseconds since 1970.
    pub not_before_ms: u64,
    pub not_after_ms: u64,
    public_key: Vec<u8>,
    raw_public_key: Vec<u8>,
}

impl LeafCertificate {
    pub fn read(der: &[u8]) -> Result<Self, InvalidCertificate> {
        if der.len() > CERTIFICATE_BYTES_MAX {
            return Err(InvalidCertificate::TooLarge);
        }
        let Ok(([], certificate)) = X509Certificate::from_der(der) else { return Err(InvalidCertificate::Malformed) };
        let alternative = certificate.subject_alternative_name().map_err(|_| InvalidCertificate::Malformed)?;
        let names = alternative.map(|names| &names.value.general_names).into_iter().flatten().filter_map(web_name);
        let validity = certificate.validity();
        let ms = |seconds: i64| u64::try_from(seconds).unwrap_or(0).saturating_mul(1_000);
        Ok(Self {
            names: names.collect(),
            not_before_ms: ms(validity.not_before.timestamp()),
            not_after_ms: ms(validity.not_after.timestamp()),
            public_key: certificate.public_key().raw.to_vec(),
            raw_public_key: certificate.public_key().subject_public_key.data.to_vec(),
        })
    }

    /// Two thirds of the way from the beginning to the end, milliseconds since 1970.
    pub fn renew_at_ms(&self) -> u64 {
        let life = self.not_after_ms.saturating_sub(self.not_before_ms);
        self.not_before_ms.saturating_add(life / 3 * 2).min(TIME_MS_MAX)
    }

    /// Subject public key info, DER.
    pub fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    pub(super) fn raw_public_key(&self) -> &[u8] {
        &self.raw_public_key
    }
}

fn web_name(name: &GeneralName<'_>) -> Option<WebName> {
    match name {
        GeneralName::DNSName(name) => name.parse().ok(),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|bytes| WebName::Ip(bytes.into())),
            _ => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| WebName::Ip(bytes.into())),
        },
        _ => None,
    }
}

/// A leaf that browsers would not accept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnusableLeaf {
    #[error(transparent)]
    Malformed(#[from] InvalidCertificate),
    #[error("the authority did not issue this certificate, or may not have: {0}")]
    Chain(String),
    #[error("the certificate does not hold for {0}")]
    Name(WebName),
}

/// Checks a leaf as a browser does that trusts `authority`: signature, constraints, usage, and each of `names`. As of the
/// moment it became valid; expiry is another question.
pub fn check_leaf(authority: &[u8], leaf: &[u8], names: &[WebName]) -> Result<LeafCertificate, UnusableLeaf> {
    let read = LeafCertificate::read(leaf)?;
    let authority = CertificateDer::from(authority);
    let anchor = anchor_from_trusted_cert(&authority).map_err(|_| InvalidCertificate::Malformed)?;
    let der = CertificateDer::from(leaf);
    let entity = EndEntityCert::try_from(&der).map_err(|_| InvalidCertificate::Malformed)?;
    let time = UnixTime::since_unix_epoch(Duration::from_millis(read.not_before_ms));
    let algorithms = [webpki::ring::ECDSA_P256_SHA256];
    entity
        .verify_for_usage(&algorithms, &[anchor], &[], time, KeyUsage::server_auth(), None, None)
        .map_err(|error| UnusableLeaf::Chain(error.to_string()))?;
    for name in names {
        let unusable = || UnusableLeaf::Name(name.clone());
        let server = ServerName::try_from(name.to_string()).map_err(|_| unusable())?;
        entity.verify_is_valid_for_subject_name(&server).map_err(|_| unusable())?;
    }
    Ok(read)
}

/// SHA-256 of a certificate as people compare it: `AB:CD:…`, 32 pairs.
pub fn fingerprint(der: &[u8]) -> String {
    pairs(&ring::digest::SHA256, der)
}

/// The only one that Windows shows (拇印, thumbprint); 20 pairs.
pub fn fingerprint_sha1(der: &[u8]) -> String {
    pairs(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, der)
}

fn pairs(algorithm: &'static ring::digest::Algorithm, der: &[u8]) -> String {
    let digest = ring::digest::digest(algorithm, der);
    let pairs: Vec<String> = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}
