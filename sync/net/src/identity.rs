//! Who this node is on the network: its certificates and its private key, checked before anything is opened.

use std::fmt;
use std::sync::Arc;

use noroshi_sync::id::NodeId;
use ring::{hkdf, hmac};
use rustls::crypto::ring as provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, TrustAnchor};
use rustls::sign::CertifiedKey;
use webpki::KeyUsage;

use crate::certificate::{InvalidCertificate, anchor_of, check_chain, node_of};
use crate::limits::CHAIN_CERTIFICATES_MAX;
use crate::validity::Validity;

/// Certificates and key of a node.
pub struct Identity {
    pub(crate) node: NodeId,
    pub(crate) anchor: TrustAnchor<'static>,
    /// Leaf and intermediates, for peers.
    pub(crate) for_peers: Arc<CertifiedKey>,
    /// The same and the root, for those who join and know only the root's fingerprint.
    pub(crate) for_joiners: Arc<CertifiedKey>,
    secret: hkdf::Prk,
}

/// Certificates and a key that do not make an identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIdentity {
    #[error("the chain has no certificate, or more than {CHAIN_CERTIFICATES_MAX} with the root")]
    ChainLength,
    #[error("the root: {0}")]
    Root(InvalidCertificate),
    #[error("the node's certificate: {0}")]
    Leaf(InvalidCertificate),
    #[error("the private key is not an Ed25519 key in PKCS#8: {0}")]
    Key(String),
    #[error("the private key is not that of the certificate")]
    Mismatch,
    #[error("the chain does not end at the root, or may not be used between nodes: {0}")]
    Chain(String),
}

impl Identity {
    /// `chain`: the node's certificate, then the intermediates up to, without, the root. `key`: PKCS#8. All DER.
    /// An expired certificate is an identity too; others exchange as much with it as they may.
    pub fn new(chain: Vec<Vec<u8>>, key: Vec<u8>, root: Vec<u8>) -> Result<Self, InvalidIdentity> {
        let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, b"noroshi/net/1").extract(&key);
        let root = CertificateDer::from(root);
        let anchor = anchor_of(&root).map_err(InvalidIdentity::Root)?;
        let chain: Vec<CertificateDer<'static>> = chain.into_iter().map(CertificateDer::from).collect();
        let node = check_own_chain(&anchor, &chain)?;

        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key));
        let key = provider::sign::any_eddsa_type(match &key {
            PrivateKeyDer::Pkcs8(key) => key,
            _ => return Err(InvalidIdentity::Key("another format".into())),
        })
        .map_err(|error| InvalidIdentity::Key(error.to_string()))?;
        let for_peers = CertifiedKey::new(chain.clone(), key.clone());
        for_peers.keys_match().map_err(|_| InvalidIdentity::Mismatch)?;
        let mut with_root = chain;
        with_root.push(root);
        let for_joiners = CertifiedKey::new(with_root, key);
        Ok(Self { node, anchor, for_peers: Arc::new(for_peers), for_joiners: Arc::new(for_joiners), secret })
    }

    pub fn node(&self) -> NodeId {
        self.node
    }

    /// From when and until when the chain is valid.
    pub fn validity(&self) -> Result<Validity, InvalidCertificate> {
        Validity::of_chain(&self.for_peers.cert)
    }

    /// A key that is the same after a restart, so that a restarted node can tell its peers that it has forgotten them.
    pub(crate) fn reset_key(&self) -> Result<hmac::Key, ring::error::Unspecified> {
        let derived = self.secret.expand(&[b"stateless reset"], hmac::HMAC_SHA256)?;
        Ok(hmac::Key::from(derived))
    }

    /// Marks connection ids as this node's, also after a restart.
    pub(crate) fn connection_id_key(&self) -> Result<u64, ring::error::Unspecified> {
        let mut bytes = [0; 32];
        self.secret.expand(&[b"connection id"], hkdf::HKDF_SHA256)?.fill(&mut bytes)?;
        let (first, _) = bytes.split_at(8);
        Ok(first.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({:?})", self.node)
    }
}

fn check_own_chain(anchor: &TrustAnchor<'_>, chain: &[CertificateDer<'_>]) -> Result<NodeId, InvalidIdentity> {
    let Some((leaf, intermediates)) = chain.split_first() else { return Err(InvalidIdentity::ChainLength) };
    if chain.len() + 1 > CHAIN_CERTIFICATES_MAX {
        return Err(InvalidIdentity::ChainLength);
    }
    let node = node_of(leaf).map_err(InvalidIdentity::Leaf)?;
    for usage in [KeyUsage::server_auth(), KeyUsage::client_auth()] {
        check_chain(anchor, leaf, intermediates, usage).map_err(|error| InvalidIdentity::Chain(error.to_string()))?;
    }
    Ok(node)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::authority::{Authority, Leaf};

    #[test]
    fn a_certificate_and_its_key_make_an_identity() {
        let authority = Authority::new("朝凪市");
        let leaf = authority.issue(Leaf::default());
        assert_eq!(leaf.identity().unwrap().node(), leaf.node);
        let expired = authority.issue(Leaf { days: (-20, -1), ..Leaf::default() });
        assert!(expired.identity().is_ok());
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let authority = Authority::new("朝凪市");
        let other = Authority::new("夕凪市");
        let (one, two) = (authority.issue(Leaf::default()), authority.issue(Leaf::default()));
        let chain = |leaf: &crate::tests::authority::Issued| {
            leaf.chain.iter().map(|certificate| certificate.to_vec()).collect::<Vec<_>>()
        };
        let root = authority.root.to_vec();

        let make = |chain, key, root| Identity::new(chain, key, root).unwrap_err();
        assert_eq!(make(chain(&one), two.key.clone(), root.clone()), InvalidIdentity::Mismatch);
        assert_eq!(make(vec![], one.key.clone(), root.clone()), InvalidIdentity::ChainLength);
        let long = vec![one.chain[0].to_vec(); CHAIN_CERTIFICATES_MAX];
        assert_eq!(make(long, one.key.clone(), root.clone()), InvalidIdentity::ChainLength);
        assert!(matches!(make(chain(&one), vec![1, 2, 3], root.clone()), InvalidIdentity::Key(_)));
        assert!(matches!(make(chain(&one), one.key.clone(), other.root.to_vec()), InvalidIdentity::Chain(_)));
        assert!(matches!(make(chain(&one), one.key.clone(), vec![0x30, 0x80]), InvalidIdentity::Root(_)));
        assert!(matches!(make(vec![vec![1]], one.key.clone(), root), InvalidIdentity::Leaf(_)));
    }

    #[test]
    fn a_certificate_for_one_side_only_is_refused() {
        let authority = Authority::new("朝凪市");
        let leaf =
            authority.issue(Leaf { usages: vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth], ..Leaf::default() });
        assert!(matches!(leaf.identity(), Err(InvalidIdentity::Chain(_))));
    }

    #[test]
    fn derived_keys_outlive_a_restart_and_differ_between_nodes() {
        let authority = Authority::new("朝凪市");
        let (one, two) = (authority.issue(Leaf::default()), authority.issue(Leaf::default()));
        let key = |leaf: &crate::tests::authority::Issued| leaf.identity().unwrap().connection_id_key().unwrap();
        assert_eq!(key(&one), key(&one));
        assert_ne!(key(&one), key(&two));
    }
}
