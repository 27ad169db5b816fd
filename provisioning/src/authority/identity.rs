//! Everything a node needs to be itself: its key, its certificates, and the organisation it belongs to.

use std::fmt;
use std::sync::Arc;

use noroshi_sync::checkpoint::NodeKey;
use noroshi_sync::id::NodeId;
use zeroize::Zeroizing;

use super::certificate::{InvalidCertificate, check_chain, organisation_name, public_key};
use crate::id::OrgId;
use crate::key::KeyPair;

/// Keys and certificates that do not make an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    #[error("the organisation's certificate: {0}")]
    Root(InvalidCertificate),
    #[error("the node's certificate: {0}")]
    Chain(InvalidCertificate),
    #[error("the node's key does not belong to its certificate")]
    Mismatch,
}

/// A node's identity, checked when it was put together. Cheap to clone.
#[derive(Clone)]
pub struct NodeIdentity {
    key: Arc<KeyPair>,
    chain: Vec<Vec<u8>>,
    root_certificate: Vec<u8>,
    root_public_key: [u8; 32],
    organisation_name: String,
}

impl NodeIdentity {
    /// `chain`: the node's certificate and the intermediates below `root_certificate`. All DER.
    pub fn new(key: KeyPair, chain: Vec<Vec<u8>>, root_certificate: Vec<u8>) -> Result<Self, IdentityError> {
        let root_public_key = public_key(&root_certificate).map_err(IdentityError::Root)?;
        let organisation_name = organisation_name(&root_certificate).map_err(IdentityError::Root)?;
        if check_chain(&root_certificate, &chain).map_err(IdentityError::Chain)? != key.node() {
            return Err(IdentityError::Mismatch);
        }
        Ok(Self { key: Arc::new(key), chain, root_certificate, root_public_key, organisation_name })
    }

    pub fn node(&self) -> NodeId {
        self.key.node()
    }
    /// What signs checkpoints and registers.
    pub fn node_key(&self) -> &NodeKey {
        self.key.node_key()
    }
    pub fn key(&self) -> &KeyPair {
        &self.key
    }
    /// The private key for TLS, PKCS#8 DER.
    pub fn pkcs8(&self) -> Zeroizing<Vec<u8>> {
        self.key.pkcs8()
    }
    /// The node's certificate and the intermediates, without the root, DER.
    pub fn chain(&self) -> &[Vec<u8>] {
        &self.chain
    }
    pub fn root_certificate(&self) -> &[u8] {
        &self.root_certificate
    }
    /// What [`Ledger::new`](crate::ledger::Ledger::new) wants.
    pub fn root_public_key(&self) -> [u8; 32] {
        self.root_public_key
    }
    pub fn organisation(&self) -> OrgId {
        OrgId::of_root(&self.root_public_key)
    }
    pub fn organisation_name(&self) -> &str {
        &self.organisation_name
    }
}

impl fmt::Debug for NodeIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeIdentity({:?} of {:?})", self.node(), self.organisation())
    }
}
