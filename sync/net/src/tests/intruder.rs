//! A peer that can do anything QUIC and TLS let it do.

use std::net::SocketAddr;
use std::sync::Arc;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Connection, Endpoint, RecvStream, SendStream};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring as provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use tokio::time::timeout;

use noroshi_sync::frame::Class;

use crate::close::Ended;
use crate::stream::{Greeting, greeting, length_of, read_class, read_greeting};
use crate::tests::authority::Issued;
use crate::tests::node::{LIMIT, loopback};
use crate::tls::ALPN_SYNC;

/// Believes every certificate.
#[derive(Debug)]
struct Gullible;

impl ServerCertVerifier for Gullible {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519, SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

/// What an intruder says first.
pub(crate) const GREETING: Greeting = Greeting { run: [3; 16], scope: noroshi_sync::store::Scope::Everything };

/// A TLS client that believes everybody.
pub(crate) fn gullible() -> rustls::ConfigBuilder<rustls::ClientConfig, rustls::client::WantsClientCert> {
    rustls::ClientConfig::builder_with_provider(Arc::new(provider::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Gullible))
}

/// A connection of the intruder. Dropping it ends everything.
pub(crate) struct Intruder {
    /// Kept open as long as the intruder lives.
    _endpoint: Endpoint,
    pub quic: Connection,
}

impl Intruder {
    /// Connects with these certificates, or none, and these application protocols.
    pub async fn connect(to: SocketAddr, leaf: Option<&Issued>, protocols: &[&[u8]]) -> Result<Self, Ended> {
        let builder = gullible();
        let mut crypto = match leaf {
            Some(leaf) => {
                let key = PrivateKeyDer::Pkcs8(leaf.key.clone().into());
                builder.with_client_auth_cert(leaf.chain.clone(), key).unwrap()
            }
            None => builder.with_no_client_auth(),
        };
        crypto.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        let config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(crypto).unwrap()));
        let mut endpoint = Endpoint::client(loopback()).unwrap();
        endpoint.set_default_client_config(config);
        let connecting = endpoint.connect(to, "anything").unwrap();
        let quic = timeout(LIMIT, connecting).await.expect("no answer at all")?;
        Ok(Self { _endpoint: endpoint, quic })
    }

    /// A peer like any other, up to the handshake.
    pub async fn peer(to: SocketAddr, leaf: &Issued) -> Self {
        Self::connect(to, Some(leaf), &[ALPN_SYNC]).await.unwrap()
    }

    /// A peer like any other, up to the greeting.
    pub async fn greeted(to: SocketAddr, leaf: &Issued) -> (Self, SendStream, RecvStream) {
        let intruder = Self::peer(to, leaf).await;
        let mut sending = intruder.quic.open_uni().await.unwrap();
        sending.write_all(&greeting(&GREETING)).await.unwrap();
        let greeting = async {
            let mut receiving = intruder.quic.accept_uni().await.unwrap();
            assert_eq!(read_class(&mut receiving).await.unwrap(), Class::Control);
            read_greeting(&mut receiving).await.unwrap();
            receiving
        };
        let receiving = timeout(LIMIT, greeting).await.expect("no greeting");
        (intruder, sending, receiving)
    }

    /// How the other side ended it.
    pub async fn ended(&self) -> Ended {
        timeout(LIMIT, self.quic.closed()).await.expect("still open").into()
    }
}

pub(crate) async fn send_frame(stream: &mut SendStream, frame: &[u8]) {
    stream.write_all(&length_of(frame).unwrap()).await.unwrap();
    stream.write_all(frame).await.unwrap();
}
