//! Who is believed in a handshake: chains of the organisation, Ed25519 throughout, whatever names they carry and whatever
//! the time. An expired peer is not refused; after the handshake it is decided what is exchanged with it.

use noroshi_sync::id::NodeId;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use webpki::{KeyUsage, ring as algorithms};

use crate::certificate::{anchor_of, check_chain, invalid, organisation_fingerprint, root_public_key};

/// Checks that the other side belongs to the organisation.
#[derive(Debug)]
pub(crate) struct PeerVerifier {
    anchor: TrustAnchor<'static>,
    /// Always empty: the other side need not be told which authority counts.
    hints: Vec<DistinguishedName>,
}

impl PeerVerifier {
    pub fn new(anchor: TrustAnchor<'static>) -> Self {
        Self { anchor, hints: Vec::new() }
    }
}

/// Checks that the listener belongs to the organisation of the join code.
#[derive(Debug)]
pub(crate) struct JoinVerifier {
    organisation: [u8; 32],
}

impl JoinVerifier {
    pub fn new(organisation: [u8; 32]) -> Self {
        Self { organisation }
    }

    fn check(&self, leaf: &CertificateDer<'_>, rest: &[CertificateDer<'_>]) -> Result<NodeId, Error> {
        let (root, intermediates) =
            rest.split_last().ok_or_else(|| invalid("no root at the end of the chain".into()))?;
        let key = root_public_key(root).map_err(|error| invalid(error.to_string()))?;
        if organisation_fingerprint(&key) != self.organisation {
            return Err(rustls::CertificateError::UnknownIssuer.into());
        }
        let anchor = anchor_of(root).map_err(|error| invalid(error.to_string()))?;
        check_chain(&anchor, leaf, intermediates, KeyUsage::server_auth())
    }
}

/// Node identities are Ed25519, so no other signature is accepted in a handshake.
const ALGORITHMS: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: &[algorithms::ED25519],
    mapping: &[(SignatureScheme::ED25519, &[algorithms::ED25519])],
};

/// The part of both rustls traits that is about signatures.
macro_rules! ed25519_in_tls13_only {
    () => {
        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Err(Error::General("only TLS 1.3 is spoken".into()))
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            leaf: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls13_signature(message, leaf, signature, &ALGORITHMS)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            ALGORITHMS.supported_schemes()
        }
    };
}

impl ServerCertVerifier for PeerVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        check_chain(&self.anchor, leaf, intermediates, KeyUsage::server_auth())?;
        Ok(ServerCertVerified::assertion())
    }

    ed25519_in_tls13_only!();
}

impl ClientCertVerifier for PeerVerifier {
    fn client_auth_mandatory(&self) -> bool {
        // Only of those who speak `noroshi/1`, which is settled after the handshake: see `tls`.
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        check_chain(&self.anchor, leaf, intermediates, KeyUsage::client_auth())?;
        Ok(ClientCertVerified::assertion())
    }

    ed25519_in_tls13_only!();
}

impl ServerCertVerifier for JoinVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.check(leaf, rest)?;
        Ok(ServerCertVerified::assertion())
    }

    ed25519_in_tls13_only!();
}
