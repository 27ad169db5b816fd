//! The rustls configurations of nodes: TLS 1.3, ring, certificates on both sides, nothing resumed, no early data.
//!
//! `noroshi/1` needs certificates of both sides that end at the organisation's root. `noroshi-join/1` on the same
//! endpoint is for nodes that have no certificate yet: the listener presents its chain with the root as last
//! certificate, and the joining side compares the root's fingerprint with that of its join code.
//!
//! rustls settles whether a client certificate is required before it knows the protocol the client asks for, so the
//! listener asks for one and takes none as an answer; [`accepted`] then refuses whoever speaks `noroshi/1` without.

use std::sync::Arc;

use noroshi_sync::id::NodeId;
use rustls::client::danger::ServerCertVerifier;
use rustls::client::{ClientConfig, Resumption};
use rustls::crypto::{CryptoProvider, ring as provider};
use rustls::pki_types::CertificateDer;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{Error, SignatureScheme};

use crate::certificate::node_of;
use crate::close::CloseCode;
use crate::identity::Identity;
use crate::verifier::{JoinVerifier, PeerVerifier};

/// Replication between two nodes of the organisation.
pub const ALPN_SYNC: &[u8] = b"noroshi/1";
/// One question of a node that is not yet one.
pub const ALPN_JOIN: &[u8] = b"noroshi-join/1";
/// Sent nowhere (no SNI) and checked by nobody; rustls wants a name.
pub(crate) const SERVER_NAME: &str = "noroshi";

/// The listening side. `join`: whether joining is offered.
pub(crate) fn server(identity: &Identity, time: Arc<dyn TimeProvider>, join: JoinOffer) -> Result<ServerConfig, Error> {
    let verifier = PeerVerifier::new(identity.anchor.clone());
    let chains = Chains { for_peers: identity.for_peers.clone(), for_joiners: identity.for_joiners.clone() };
    let mut config = ServerConfig::builder_with_details(crypto_provider(), time)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_cert_resolver(Arc::new(chains));
    config.alpn_protocols = match join {
        JoinOffer::Offered => vec![ALPN_SYNC.to_vec(), ALPN_JOIN.to_vec()],
        JoinOffer::NotOffered => vec![ALPN_SYNC.to_vec()],
    };
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(config)
}

/// Whether a listener answers those who join.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum JoinOffer {
    Offered,
    NotOffered,
}

/// The dialling side between nodes.
pub(crate) fn client(identity: &Identity, time: Arc<dyn TimeProvider>) -> Result<ClientConfig, Error> {
    let verifier = PeerVerifier::new(identity.anchor.clone());
    let config = client_builder(time, Arc::new(verifier))?
        .with_client_cert_resolver(Arc::new(OwnChain(identity.for_peers.clone())));
    Ok(closed_down(config, ALPN_SYNC))
}

/// The dialling side of a join: trusts the root whose fingerprint is given.
pub(crate) fn join_client(organisation: [u8; 32], time: Arc<dyn TimeProvider>) -> Result<ClientConfig, Error> {
    let config = client_builder(time, Arc::new(JoinVerifier::new(organisation)))?.with_no_client_auth();
    Ok(closed_down(config, ALPN_JOIN))
}

/// What the other side of a finished handshake is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Accepted {
    Peer(NodeId),
    Joiner,
}

/// The only way from a connection to an identity: the protocol agreed on decides what is needed.
pub(crate) fn accepted(connection: &quinn::Connection) -> Result<Accepted, CloseCode> {
    judge(protocol(connection).as_deref(), certificates(connection).first())
}

/// The same, from the protocol agreed on and the other side's certificate.
pub(crate) fn judge(protocol: Option<&[u8]>, leaf: Option<&CertificateDer<'_>>) -> Result<Accepted, CloseCode> {
    match protocol {
        Some(ALPN_SYNC) => match leaf {
            Some(leaf) => node_of(leaf).map(Accepted::Peer).map_err(|_| CloseCode::NoCertificate),
            None => Err(CloseCode::NoCertificate),
        },
        Some(ALPN_JOIN) => Ok(Accepted::Joiner),
        _ => Err(CloseCode::Protocol),
    }
}

/// The certificates the other side has shown and proved to own, leaf first.
pub(crate) fn certificates(connection: &quinn::Connection) -> Vec<CertificateDer<'static>> {
    connection
        .peer_identity()
        .and_then(|any| any.downcast::<Vec<CertificateDer<'static>>>().ok())
        .map_or_else(Vec::new, |chain| *chain)
}

fn protocol(connection: &quinn::Connection) -> Option<Vec<u8>> {
    connection.handshake_data()?.downcast::<quinn::crypto::rustls::HandshakeData>().ok()?.protocol
}

fn crypto_provider() -> Arc<CryptoProvider> {
    Arc::new(provider::default_provider())
}

fn client_builder(
    time: Arc<dyn TimeProvider>,
    verifier: Arc<dyn ServerCertVerifier>,
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>, Error> {
    Ok(ClientConfig::builder_with_details(crypto_provider(), time)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier))
}

fn closed_down(mut config: ClientConfig, protocol: &[u8]) -> ClientConfig {
    config.alpn_protocols = vec![protocol.to_vec()];
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    config.enable_sni = false;
    config
}

/// Sends the root along to those who join.
#[derive(Debug)]
struct Chains {
    for_peers: Arc<CertifiedKey>,
    for_joiners: Arc<CertifiedKey>,
}

impl ResolvesServerCert for Chains {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let joins = hello.alpn().is_some_and(|mut protocols| protocols.any(|protocol| protocol == ALPN_JOIN));
        Some(if joins { self.for_joiners.clone() } else { self.for_peers.clone() })
    }
}

/// Presents the node's certificate whatever authorities the listener names.
#[derive(Debug)]
struct OwnChain(Arc<CertifiedKey>);

impl rustls::client::ResolvesClientCert for OwnChain {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        schemes.contains(&SignatureScheme::ED25519).then(|| self.0.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}
