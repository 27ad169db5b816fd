//! HTTPS: the certificate in force, and the way from a socket to an encrypted one.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use rustls::crypto::ring as provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use super::guarded_io::GuardedIo;
use super::{Shared, connection};
use crate::auth::origin;
use crate::observe::names;

/// First byte of a TLS record that holds a handshake (RFC 8446 §5.1).
const HANDSHAKE_RECORD: u8 = 0x16;

/// A certificate and a key that cannot serve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnusableCertificate {
    #[error("there is no certificate")]
    Empty,
    #[error("the private key cannot be used: {0}")]
    Key(String),
    #[error("the private key does not belong to the certificate")]
    Mismatch,
    #[error("the certificate cannot be read: {0}")]
    Certificate(String),
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

/// What listeners show to browsers; replaced while they run. Clones are the same one.
#[derive(Clone)]
pub struct ServedCertificate {
    current: Arc<Current>,
    config: Arc<ServerConfig>,
}

#[derive(Debug, Default)]
struct Current(RwLock<Option<Arc<CertifiedKey>>>);

impl ServedCertificate {
    /// None yet: handshakes fail until [`ServedCertificate::replace`].
    pub fn none() -> Result<Self, UnusableCertificate> {
        let setup = |error: rustls::Error| UnusableCertificate::Setup(error.to_string());
        let current = Arc::new(Current::default());
        // TLS 1.3 alone: every browser since 2019 speaks it.
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(setup)?
            .with_no_client_auth()
            .with_cert_resolver(current.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Resumption spares the signature when a thousand browsers come back together.
        config.ticketer = provider::Ticketer::new().map_err(setup)?;
        Ok(Self { current, config: Arc::new(config) })
    }

    /// New connections see this chain (leaf first) from now on.
    pub fn replace(
        &self,
        chain: Vec<CertificateDer<'static>>,
        key: &PrivateKeyDer<'static>,
    ) -> Result<(), UnusableCertificate> {
        if chain.is_empty() {
            return Err(UnusableCertificate::Empty);
        }
        let key =
            provider::sign::any_supported_type(key).map_err(|error| UnusableCertificate::Key(error.to_string()))?;
        let certified = CertifiedKey::new(chain, key);
        certified.keys_match().map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => UnusableCertificate::Mismatch,
            other => UnusableCertificate::Certificate(other.to_string()),
        })?;
        *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(certified));
        Ok(())
    }

    /// The leaf in force (DER).
    pub fn leaf(&self) -> Option<Vec<u8>> {
        let current = self.current.0.read().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().and_then(|certified| certified.cert.first().map(|leaf| leaf.to_vec()))
    }
}

impl fmt::Debug for ServedCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServedCertificate({})", if self.leaf().is_some() { "in force" } else { "none" })
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Encrypts the socket, then speaks HTTP on it. A browser that came with plain HTTP is sent to `https://`.
pub async fn run(io: GuardedIo, peer: SocketAddr, certificate: ServedCertificate, router: Router, shared: Shared) {
    let opening = async {
        match io.first_byte().await? {
            Some(HANDSHAKE_RECORD) => {
                TlsAcceptor::from(certificate.config).accept(io).await.map(|stream| Opened::Tls(Box::new(stream)))
            }
            Some(_) => Ok(Opened::Plain(io)),
            None => Err(std::io::ErrorKind::UnexpectedEof.into()),
        }
    };
    let opened = tokio::select! {
        opened = tokio::time::timeout(shared.limits.handshake_time, opening) => opened,
        () = shared.shutdown.cancelled() => return,
    };
    match opened {
        Ok(Ok(Opened::Tls(stream))) => connection::run(stream, peer, router, shared).await,
        Ok(Ok(Opened::Plain(io))) => connection::run(io, peer, Router::new().fallback(to_https), shared).await,
        Ok(Err(error)) => {
            metrics::counter!(names::HANDSHAKES_FAILED).increment(1);
            tracing::debug!(%peer, %error, "no TLS came about");
        }
        Err(_elapsed) => {
            metrics::counter!(names::HANDSHAKES_FAILED).increment(1);
            tracing::debug!(%peer, "a client took too long for its TLS handshake");
        }
    }
}

enum Opened {
    Tls(Box<tokio_rustls::server::TlsStream<GuardedIo>>),
    Plain(GuardedIo),
}

/// Not for ever: the same port may speak plain HTTP tomorrow.
async fn to_https(request: Request) -> Response {
    match origin::host(request.headers()) {
        Some(host) => {
            let path = request.uri().path_and_query().map_or("/", |target| target.as_str());
            Redirect::temporary(&format!("https://{host}{path}")).into_response()
        }
        None => StatusCode::BAD_REQUEST.into_response(),
    }
}
