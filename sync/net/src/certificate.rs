//! What is read out of certificates: the identity of a node, the name of an organisation, and whether a chain holds.

use std::sync::Arc;

use noroshi_sync::checkpoint::verify_signature;
use noroshi_sync::id::NodeId;
use rustls::pki_types::{CertificateDer, TrustAnchor};
use rustls::{CertificateError, OtherError};
use webpki::{EndEntityCert, KeyUsage, ring as algorithms};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::limits::CHAIN_CERTIFICATES_MAX;
use crate::validity::Validity;

/// A subject public key info of Ed25519 is this and 32 bytes (RFC 8410 §4).
const ED25519_KEY_INFO: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A certificate that cannot be what it is used for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCertificate {
    #[error("not a certificate: {0}")]
    Encoding(String),
    #[error("the key is not Ed25519")]
    NotEd25519,
    #[error("the root certificate is not one of an authority")]
    NotAuthority,
    #[error("the root certificate is not signed by its own key")]
    NotSelfSigned,
}

/// The node a leaf certificate speaks of: its Ed25519 public key. Names in the certificate are ignored.
pub fn node_of(leaf: &CertificateDer<'_>) -> Result<NodeId, InvalidCertificate> {
    let certificate = EndEntityCert::try_from(leaf).map_err(|error| InvalidCertificate::Encoding(error.to_string()))?;
    public_key(certificate.subject_public_key_info().as_ref()).map(NodeId::from_bytes)
}

/// The name of an organisation: BLAKE3 of "noroshi/organisation/1" and the 32 bytes of its root's public key.
pub fn organisation_fingerprint(root_public_key: &[u8; 32]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"noroshi/organisation/1");
    hasher.update(root_public_key);
    *hasher.finalize().as_bytes()
}

/// The public key of a root certificate that is what it should be: of an authority, and signed by its own key.
pub fn root_public_key(root: &CertificateDer<'_>) -> Result<[u8; 32], InvalidCertificate> {
    let (rest, parsed) =
        X509Certificate::from_der(root).map_err(|error| InvalidCertificate::Encoding(error.to_string()))?;
    if !rest.is_empty() {
        return Err(InvalidCertificate::Encoding("bytes after the certificate".into()));
    }
    if !parsed.is_ca() {
        return Err(InvalidCertificate::NotAuthority);
    }
    let key = public_key(parsed.public_key().raw)?;
    if !verify_signature(&key, parsed.tbs_certificate.as_ref(), &parsed.signature_value.data) {
        return Err(InvalidCertificate::NotSelfSigned);
    }
    Ok(key)
}

/// The root as what chains must end at.
pub(crate) fn anchor_of(root: &CertificateDer<'_>) -> Result<TrustAnchor<'static>, InvalidCertificate> {
    root_public_key(root)?;
    let anchor =
        webpki::anchor_from_trusted_cert(root).map_err(|error| InvalidCertificate::Encoding(error.to_string()))?;
    Ok(anchor.to_owned())
}

/// Whether a chain ends at the anchor, was ever valid as a whole, is Ed25519 throughout and may be used so. Whether it is
/// valid now is for [`KnownTime`](crate::validity::KnownTime) to judge, when it is known who is there.
pub(crate) fn check_chain(
    anchor: &TrustAnchor<'_>,
    leaf: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    usage: KeyUsage,
) -> Result<NodeId, rustls::Error> {
    if intermediates.len() + 2 > CHAIN_CERTIFICATES_MAX {
        return Err(invalid(format!("a chain of {} certificates", intermediates.len() + 2)));
    }
    let validity = Validity::of_chain(std::iter::once(leaf).chain(intermediates));
    let moment = validity.map_err(|error| invalid(error.to_string()))?.some_moment();
    let now = moment.ok_or(rustls::Error::from(CertificateError::Expired))?;
    let certificate = EndEntityCert::try_from(leaf).map_err(as_rustls)?;
    certificate
        .verify_for_usage(&[algorithms::ED25519], std::slice::from_ref(anchor), intermediates, now, usage, None, None)
        .map_err(as_rustls)?;
    node_of(leaf).map_err(|error| invalid(error.to_string()))
}

pub(crate) fn invalid(reason: String) -> rustls::Error {
    let error: Box<dyn std::error::Error + Send + Sync> = reason.into();
    CertificateError::Other(OtherError(Arc::from(error))).into()
}

/// Picks the TLS alert that tells the other side most.
fn as_rustls(error: webpki::Error) -> rustls::Error {
    match error {
        webpki::Error::CertExpired { .. } => CertificateError::Expired.into(),
        webpki::Error::CertNotValidYet { .. } => CertificateError::NotValidYet.into(),
        webpki::Error::UnknownIssuer => CertificateError::UnknownIssuer.into(),
        webpki::Error::InvalidSignatureForPublicKey => CertificateError::BadSignature.into(),
        webpki::Error::RequiredEkuNotFoundContext(_) => CertificateError::InvalidPurpose.into(),
        webpki::Error::BadDer | webpki::Error::BadDerTime => CertificateError::BadEncoding.into(),
        other => CertificateError::Other(OtherError(Arc::new(other))).into(),
    }
}

fn public_key(key_info: &[u8]) -> Result<[u8; 32], InvalidCertificate> {
    key_info.strip_prefix(&ED25519_KEY_INFO).and_then(|key| key.try_into().ok()).ok_or(InvalidCertificate::NotEd25519)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::authority::{Authority, Leaf};

    #[test]
    fn a_node_is_the_key_of_its_leaf() {
        let authority = Authority::new("朝凪市");
        let leaf = authority.issue(Leaf::default());
        assert_eq!(node_of(&leaf.chain[0]).unwrap(), leaf.node);
    }

    #[test]
    fn an_organisation_is_the_key_of_its_root() {
        let authority = Authority::new("朝凪市");
        let key = root_public_key(&authority.root).unwrap();
        let mut input = b"noroshi/organisation/1".to_vec();
        input.extend_from_slice(&key);
        assert_eq!(&organisation_fingerprint(&key), blake3::hash(&input).as_bytes());
    }

    #[test]
    fn a_leaf_is_no_root_and_garbage_is_no_certificate() {
        let authority = Authority::new("朝凪市");
        let leaf = authority.issue(Leaf::default());
        assert_eq!(root_public_key(&leaf.chain[0]), Err(InvalidCertificate::NotAuthority));
        assert_eq!(root_public_key(&authority.issuing), Err(InvalidCertificate::NotSelfSigned));
        for garbage in [vec![], vec![0x30], vec![0xff; 500]] {
            assert!(matches!(node_of(&garbage.clone().into()), Err(InvalidCertificate::Encoding(_))));
            assert!(matches!(root_public_key(&garbage.into()), Err(InvalidCertificate::Encoding(_))));
        }
    }

    #[test]
    fn a_key_of_another_kind_is_no_node() {
        let authority = Authority::new("朝凪市");
        let leaf = authority.issue(Leaf { key: Some(&rcgen::PKCS_ECDSA_P256_SHA256), ..Leaf::default() });
        assert_eq!(node_of(&leaf.chain[0]), Err(InvalidCertificate::NotEd25519));
    }
}
