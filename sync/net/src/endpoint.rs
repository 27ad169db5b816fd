//! QUIC endpoints and what TLS over TCP needs, with every setting made on purpose.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{
    ClientConfig, Endpoint, EndpointConfig, IdleTimeout, MtuDiscoveryConfig, NoneTokenLog, NoneTokenStore,
    ServerConfig, TokioRuntime, TransportConfig, ValidationTokenConfig, VarInt,
};
use quinn_proto::HashedConnectionIdGenerator;
use rustls::time_provider::TimeProvider;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::congestion::ShortQueues;
use crate::identity::Identity;
use crate::limits::{
    CONNECTION_WINDOW_BYTES, HANDSHAKE_BUFFER_BYTES, INCOMING_BYTES_MAX, INCOMING_MAX, INCOMING_TOTAL_BYTES_MAX,
    INITIAL_RTT, MTU_INITIAL_BYTES, MTU_MAX_BYTES, RETRY_TOKEN_LIFETIME, SEND_WINDOW_BYTES, SOCKET_BUFFER_BYTES,
    STREAM_WINDOW_BYTES, STREAMS_BI_MAX, STREAMS_UNI_MAX,
};
use crate::runtime::CountedRuntime;
use crate::tcp::Manner;
use crate::tls::{self, JoinOffer};

/// Settings that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    #[error("QUIC: {0}")]
    Quic(String),
}

/// What connections over TCP are made of: the same certificates.
#[derive(Clone)]
pub(crate) struct TcpSettings {
    pub server: Arc<rustls::ServerConfig>,
    pub client: Arc<rustls::ClientConfig>,
    pub manner: Manner,
}

/// Everything an endpoint is made of, so that it can be made again.
#[derive(Clone)]
pub(crate) struct Settings {
    endpoint: EndpointConfig,
    server: ServerConfig,
    client: ClientConfig,
    tcp: TcpSettings,
    /// Where the tasks of the endpoints are counted.
    tasks: TaskTracker,
}

impl Settings {
    /// `silence`: the time within which a silent cut is noticed.
    pub fn new(
        identity: &Identity,
        time: Arc<dyn TimeProvider>,
        join: JoinOffer,
        silence: Duration,
        tasks: TaskTracker,
    ) -> Result<Self, SettingsError> {
        let quic = |error: &dyn std::fmt::Display| SettingsError::Quic(error.to_string());
        let tcp = TcpSettings {
            server: Arc::new(tls::server(identity, time.clone(), join)?),
            client: Arc::new(tls::client(identity, time.clone())?),
            manner: Manner { silence, tasks: tasks.clone() },
        };
        let server = QuicServerConfig::try_from(tls::server(identity, time.clone(), join)?).map_err(|e| quic(&e))?;
        let client = QuicClientConfig::try_from(tls::client(identity, time)?).map_err(|e| quic(&e))?;
        let reset_key = identity.reset_key().map_err(|e| quic(&e))?;
        let connection_id_key = identity.connection_id_key().map_err(|e| quic(&e))?;

        let mut endpoint = EndpointConfig::new(Arc::new(reset_key));
        endpoint.cid_generator(move || Box::new(HashedConnectionIdGenerator::from_key(connection_id_key)));
        Ok(Self {
            endpoint,
            server: server_config(server, silence)?,
            client: client_config(client, silence)?,
            tcp,
            tasks,
        })
    }

    pub fn tcp(&self) -> &TcpSettings {
        &self.tcp
    }

    /// Binds the address. IPv6 addresses take no IPv4: who wants both listens on both.
    pub fn open(&self, address: SocketAddr) -> io::Result<Endpoint> {
        let runtime = Arc::new(CountedRuntime(self.tasks.clone()));
        let mut endpoint = Endpoint::new(self.endpoint.clone(), Some(self.server.clone()), bind(address)?, runtime)?;
        self.apply(&mut endpoint);
        Ok(endpoint)
    }

    /// Shows this identity on connections from now on.
    pub fn apply(&self, endpoint: &mut Endpoint) {
        endpoint.set_server_config(Some(self.server.clone()));
        endpoint.set_default_client_config(self.client.clone());
    }
}

/// An endpoint that only dials, for a join.
pub(crate) fn open_for_join(
    crypto: rustls::ClientConfig,
    address: SocketAddr,
    silence: Duration,
) -> Result<Endpoint, JoinEndpointError> {
    let crypto = QuicClientConfig::try_from(crypto).map_err(|error| SettingsError::Quic(error.to_string()))?;
    let client = client_config(crypto, silence)?;
    let mut endpoint = Endpoint::new(EndpointConfig::default(), None, bind(address)?, Arc::new(TokioRuntime))?;
    endpoint.set_default_client_config(client);
    Ok(endpoint)
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum JoinEndpointError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Socket(#[from] io::Error),
}

fn server_config(crypto: QuicServerConfig, silence: Duration) -> Result<ServerConfig, SettingsError> {
    let mut config = ServerConfig::with_crypto(Arc::new(crypto));
    let mut tokens = ValidationTokenConfig::default();
    tokens.sent(0).log(Arc::new(NoneTokenLog));
    config
        .transport_config(Arc::new(transport(silence, STREAMS_BI_MAX)?))
        // A peer whose address translation changes keeps its connection; it stays who its certificate says.
        .migration(true)
        .max_incoming(INCOMING_MAX)
        .incoming_buffer_size(INCOMING_BYTES_MAX)
        .incoming_buffer_size_total(INCOMING_TOTAL_BYTES_MAX)
        .retry_token_lifetime(RETRY_TOKEN_LIFETIME)
        .validation_token_config(tokens);
    Ok(config)
}

fn client_config(crypto: QuicClientConfig, silence: Duration) -> Result<ClientConfig, SettingsError> {
    let mut config = ClientConfig::new(Arc::new(crypto));
    config.transport_config(Arc::new(transport(silence, 0)?)).token_store(Arc::new(NoneTokenStore));
    Ok(config)
}

fn transport(silence: Duration, streams_bi: u32) -> Result<TransportConfig, SettingsError> {
    let keep_alive = silence / 3;
    let idle = IdleTimeout::try_from(silence - keep_alive).map_err(|error| SettingsError::Quic(error.to_string()))?;
    let mut mtu = MtuDiscoveryConfig::default();
    mtu.upper_bound(MTU_MAX_BYTES);
    let mut config = TransportConfig::default();
    config
        .max_concurrent_uni_streams(VarInt::from_u32(STREAMS_UNI_MAX))
        .max_concurrent_bidi_streams(VarInt::from_u32(streams_bi))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW_BYTES))
        .receive_window(VarInt::from_u32(CONNECTION_WINDOW_BYTES))
        .send_window(SEND_WINDOW_BYTES)
        .crypto_buffer_size(HANDSHAKE_BUFFER_BYTES)
        .keep_alive_interval(Some(keep_alive))
        .max_idle_timeout(Some(idle))
        .initial_rtt(INITIAL_RTT)
        .initial_mtu(MTU_INITIAL_BYTES)
        .min_mtu(MTU_INITIAL_BYTES)
        .mtu_discovery_config(Some(mtu))
        .congestion_controller_factory(Arc::new(ShortQueues))
        .datagram_receive_buffer_size(None)
        .datagram_send_buffer_size(0);
    Ok(config)
}

/// Listens on the TCP port of the same number.
pub(crate) fn listen_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // Connections of an earlier run may still be fading away.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(INCOMING_MAX).unwrap_or(i32::MAX))?;
    TcpListener::from_std(socket.into())
}

fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // The system may give less; that costs speed under load, nothing else.
    for result in [socket.set_recv_buffer_size(SOCKET_BUFFER_BYTES), socket.set_send_buffer_size(SOCKET_BUFFER_BYTES)] {
        if let Err(error) = result {
            tracing::debug!(%address, %error, "socket buffer stays small");
        }
    }
    socket.bind(&address.into())?;
    Ok(socket.into())
}
