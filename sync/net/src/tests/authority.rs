//! Certificates as an organisation would issue them, and some it never should.

use noroshi_sync::id::NodeId;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ED25519, SignatureAlgorithm,
};
use rustls::pki_types::CertificateDer;
use time::{Duration, OffsetDateTime};

use crate::identity::{Identity, InvalidIdentity};

/// A root and an issuing authority below it.
pub(crate) struct Authority {
    pub root: CertificateDer<'static>,
    pub issuing: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// What a node's certificate says. The default is a good one.
pub(crate) struct Leaf {
    /// Valid from and until, days from now.
    pub days: (i64, i64),
    pub usages: Vec<ExtendedKeyUsagePurpose>,
    pub key: Option<&'static SignatureAlgorithm>,
}

impl Default for Leaf {
    fn default() -> Self {
        let usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        Self { days: (-1, 30), usages, key: None }
    }
}

/// A node's certificate and key.
pub(crate) struct Issued {
    pub node: NodeId,
    pub chain: Vec<CertificateDer<'static>>,
    pub key: Vec<u8>,
    pub root: CertificateDer<'static>,
}

impl Issued {
    pub fn identity(&self) -> Result<Identity, InvalidIdentity> {
        let chain = self.chain.iter().map(|certificate| certificate.to_vec()).collect();
        Identity::new(chain, self.key.clone(), self.root.to_vec())
    }

    pub fn seed(&self) -> [u8; 32] {
        // PKCS#8 of Ed25519 (RFC 8410 §7): the seed follows a fixed start of 16 bytes.
        self.key[16..48].try_into().unwrap()
    }
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let root_key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let root_params = authority_params(&format!("{name} root"), 1);
        let root = root_params.self_signed(&root_key).unwrap().der().clone();
        let root_issuer = Issuer::new(root_params, root_key);

        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let params = authority_params(&format!("{name} issuing"), 0);
        let issuing = params.signed_by(&key, &root_issuer).unwrap().der().clone();
        Self { root, issuing, issuer: Issuer::new(params, key) }
    }

    /// The issuing authority's own certificate and key, as if it were a node.
    pub fn issuing_as_leaf(&self) -> Issued {
        let key = self.issuer.key();
        let node = NodeId::from_slice(key.public_key_raw()).unwrap();
        Issued { node, chain: vec![self.issuing.clone()], key: key.serialize_der(), root: self.root.clone() }
    }

    pub fn issue(&self, leaf: Leaf) -> Issued {
        let key = KeyPair::generate_for(leaf.key.unwrap_or(&PKCS_ED25519)).unwrap();
        self.certify(&key, leaf)
    }

    /// A good certificate for the key of an old one.
    pub fn renew(&self, old: &Issued) -> Issued {
        self.certify(&KeyPair::try_from(old.key.as_slice()).unwrap(), Leaf::default())
    }

    fn certify(&self, key: &KeyPair, leaf: Leaf) -> Issued {
        let node = NodeId::from_slice(key.public_key_raw()).unwrap_or(NodeId::from_bytes([0; 32]));
        let mut params = CertificateParams::new(vec!["node.invalid".into()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "node");
        params.not_before = OffsetDateTime::now_utc() + Duration::days(leaf.days.0);
        params.not_after = OffsetDateTime::now_utc() + Duration::days(leaf.days.1);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = leaf.usages;
        let certificate = params.signed_by(key, &self.issuer).unwrap().der().clone();
        let chain = vec![certificate, self.issuing.clone()];
        Issued { node, chain, key: key.serialize_der(), root: self.root.clone() }
    }
}

fn authority_params(name: &str, path_length: u8) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = OffsetDateTime::now_utc() - Duration::days(100);
    params.not_after = OffsetDateTime::now_utc() + Duration::days(3_650);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(path_length));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}
