//! What is read out of certificates: keys, the organisation's name, and whether a chain holds.

use std::time::Duration;

use noroshi_sync::id::NodeId;
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::limits::CERTIFICATE_BYTES_MAX;

/// A subject public key info of Ed25519 is this and 32 bytes (RFC 8410 §4).
const ED25519_KEY_INFO: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A certificate that cannot be what it is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCertificate {
    #[error("the certificate is longer than {CERTIFICATE_BYTES_MAX} bytes")]
    TooLarge,
    #[error("not an X.509 certificate")]
    Malformed,
    #[error("the key of the certificate is not Ed25519")]
    NotEd25519,
    #[error("the certificate names no organisation")]
    Nameless,
    #[error("the certificate was not issued under this root for use between nodes")]
    NotTrusted,
}

/// The node whose certificate this is: its Ed25519 public key.
pub fn node_id_of_certificate(der: &[u8]) -> Result<NodeId, InvalidCertificate> {
    public_key(der).map(NodeId::from_bytes)
}

/// The Ed25519 public key in a certificate.
pub fn public_key(der: &[u8]) -> Result<[u8; 32], InvalidCertificate> {
    let certificate = parse(der)?;
    let key = certificate.public_key().raw.strip_prefix(&ED25519_KEY_INFO).ok_or(InvalidCertificate::NotEd25519)?;
    key.try_into().map_err(|_| InvalidCertificate::NotEd25519)
}

/// The name of the organisation in a root certificate.
pub fn organisation_name(der: &[u8]) -> Result<String, InvalidCertificate> {
    let certificate = parse(der)?;
    let name = certificate.subject().iter_organization().next().ok_or(InvalidCertificate::Nameless)?;
    name.as_str().map(str::to_string).map_err(|_| InvalidCertificate::Nameless)
}

/// From when and until when a certificate is valid, milliseconds since 1970.
pub fn validity(der: &[u8]) -> Result<(u64, u64), InvalidCertificate> {
    let certificate = parse(der)?;
    let ms = |time: x509_parser::time::ASN1Time| u64::try_from(time.timestamp()).unwrap_or(0) * 1_000;
    let validity = certificate.validity();
    Ok((ms(validity.not_before), ms(validity.not_after)))
}

/// Checks that `chain` (the node's certificate, then intermediates) leads to `root` and may be used on both sides of a
/// connection. As of the moment the first certificate became valid: expiry is judged elsewhere.
pub fn check_chain(root: &[u8], chain: &[Vec<u8>]) -> Result<NodeId, InvalidCertificate> {
    let (leaf, intermediates) = chain.split_first().ok_or(InvalidCertificate::NotTrusted)?;
    let node = node_id_of_certificate(leaf)?;
    let issued = parse(leaf)?.validity().not_before.timestamp();
    let time = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(issued).unwrap_or(0)));

    let root = CertificateDer::from(root);
    let anchor = anchor_from_trusted_cert(&root).map_err(|_| InvalidCertificate::Malformed)?;
    let leaf = CertificateDer::from(leaf.as_slice());
    let leaf = EndEntityCert::try_from(&leaf).map_err(|_| InvalidCertificate::Malformed)?;
    let intermediates: Vec<_> = intermediates.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    for usage in [KeyUsage::server_auth(), KeyUsage::client_auth()] {
        let algorithms = [webpki::ring::ED25519];
        let anchors = std::slice::from_ref(&anchor);
        leaf.verify_for_usage(&algorithms, anchors, &intermediates, time, usage, None, None)
            .map_err(|_| InvalidCertificate::NotTrusted)?;
    }
    Ok(node)
}

fn parse(der: &[u8]) -> Result<X509Certificate<'_>, InvalidCertificate> {
    if der.len() > CERTIFICATE_BYTES_MAX {
        return Err(InvalidCertificate::TooLarge);
    }
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(InvalidCertificate::Malformed),
    }
}
