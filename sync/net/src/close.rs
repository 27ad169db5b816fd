//! Why a connection ends, as a number on the wire and as a reason for the dialler.

use noroshi_sync::event::CloseReason;
use quinn::{ConnectionError, TransportErrorCode, VarInt};

/// Application close codes of `noroshi/1` and `noroshi-join/1`. Up to 15 they are those of a session
/// ([`CloseReason::code`]), from 16 on those of the transport.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, thiserror::Error)]
#[repr(u32)]
pub enum CloseCode {
    #[error("the node shuts down")]
    Shutdown = 0,
    #[error("no protocol version in common")]
    Version = 1,
    #[error("the name is not that of the certificate")]
    WrongName = 2,
    #[error("a frame is malformed")]
    Malformed = 3,
    #[error("the protocol was broken")]
    Protocol = 4,
    #[error("no answer in time")]
    Silent = 5,
    #[error("the store does not answer")]
    Store = 6,
    #[error("the line is cut by its link switch")]
    Cut = 16,
    #[error("the two nodes are connected already")]
    Redundant = 17,
    #[error("another connection of the same two nodes is used instead")]
    Superseded = 18,
    #[error("too busy")]
    Busy = 19,
    #[error("a certificate is needed")]
    NoCertificate = 20,
    #[error("a frame is over the limit")]
    TooLarge = 21,
    #[error("frames were not taken in time")]
    Stalled = 22,
    #[error("a node cannot connect to itself")]
    Itself = 23,
    #[error("the join exchange is over")]
    JoinDone = 24,
    #[error("the certificate was renewed")]
    Renewed = 25,
}

impl CloseCode {
    const ALL: [Self; 17] = [
        Self::Shutdown,
        Self::Version,
        Self::WrongName,
        Self::Malformed,
        Self::Protocol,
        Self::Silent,
        Self::Store,
        Self::Cut,
        Self::Redundant,
        Self::Superseded,
        Self::Busy,
        Self::NoCertificate,
        Self::TooLarge,
        Self::Stalled,
        Self::Itself,
        Self::JoinDone,
        Self::Renewed,
    ];

    pub const fn number(self) -> u32 {
        self as u32
    }

    pub fn from_number(number: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|code| u64::from(code.number()) == number)
    }

    pub(crate) fn var_int(self) -> VarInt {
        VarInt::from_u32(self.number())
    }

    /// When to try again.
    fn redial(self) -> Redial {
        match self {
            Self::Version | Self::WrongName | Self::Malformed | Self::Protocol | Self::TooLarge => Redial::Late,
            Self::Busy | Self::NoCertificate | Self::Itself | Self::JoinDone => Redial::Late,
            Self::Silent | Self::Store | Self::Stalled => Redial::Later,
            // A cut line is probed like an unreachable one: it may be restored at any moment.
            Self::Shutdown | Self::Cut | Self::Redundant | Self::Superseded | Self::Renewed => Redial::Soon,
        }
    }

    pub(crate) fn of(reason: &CloseReason) -> Self {
        match reason {
            CloseReason::Version => Self::Version,
            CloseReason::WrongName => Self::WrongName,
            CloseReason::Malformed(_) => Self::Malformed,
            CloseReason::Protocol(_) => Self::Protocol,
            CloseReason::Silent(_) => Self::Silent,
            CloseReason::Store => Self::Store,
        }
    }
}

/// When an address is dialled again after a connection, or an attempt at one, has ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Redial {
    /// Within 0.5 to 3 seconds: the line may be back at any moment.
    Soon,
    /// After some seconds: the peer, or this node, has trouble that does not pass at once.
    Later,
    /// After a minute: the same would end the same way.
    Late,
}

/// How a connection, or the attempt at one, ended.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Ended {
    #[error("closed by this node: {0}")]
    ByUs(CloseCode),
    #[error("closed by the peer: {0}")]
    ByPeer(CloseCode),
    #[error("closed by the peer with unknown code {0}")]
    ByPeerUnknown(u64),
    /// Certificates or application protocols do not fit; this or the other side says so.
    #[error("refused: {0}")]
    Handshake(String),
    #[error("no answer")]
    TimedOut,
    #[error("the peer does not know the connection any more")]
    Reset,
    #[error("no such address: {0}")]
    Address(String),
    /// The socket of this node was closed under it.
    #[error("the endpoint was closed")]
    EndpointClosed,
    #[error("{0}")]
    Transport(String),
}

impl Ended {
    pub(crate) fn redial(&self) -> Redial {
        match self {
            Self::ByUs(code) | Self::ByPeer(code) => code.redial(),
            Self::ByPeerUnknown(_) | Self::Handshake(_) => Redial::Late,
            Self::TimedOut | Self::Reset | Self::Address(_) | Self::EndpointClosed | Self::Transport(_) => Redial::Soon,
        }
    }

    /// How a TCP connection, or its TLS handshake, failed. A refusal is what the other side says of certificates or
    /// protocols, or this side of its; another program at that port is none.
    pub(crate) fn of_tls(error: &std::io::Error) -> Self {
        use rustls::Error::{AlertReceived, InvalidCertificate, NoApplicationProtocol};
        let tls = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
        match tls {
            Some(AlertReceived(_) | InvalidCertificate(_) | NoApplicationProtocol) => {
                Self::Handshake(error.to_string())
            }
            _ => Self::Transport(error.to_string()),
        }
    }

    /// Whether somebody was there and refused, so that trying again soon makes no sense.
    pub fn is_refusal(&self) -> bool {
        self.redial() == Redial::Late
    }

    /// The words used as a label of metrics.
    pub fn label(&self) -> &'static str {
        match self {
            Self::ByUs(_) => "by_us",
            Self::ByPeer(_) | Self::ByPeerUnknown(_) => "by_peer",
            Self::Handshake(_) => "handshake",
            Self::TimedOut => "timeout",
            Self::Reset => "reset",
            Self::Address(_) => "address",
            Self::EndpointClosed | Self::Transport(_) => "transport",
        }
    }
}

/// Alerts of TLS travel as QUIC errors 0x100 + alert (RFC 9001 §4.8).
fn is_handshake_refusal(code: TransportErrorCode) -> bool {
    (0x100..0x200).contains(&u64::from(code))
}

impl From<ConnectionError> for Ended {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::ApplicationClosed(frame) => {
                let number = frame.error_code.into_inner();
                CloseCode::from_number(number).map_or(Self::ByPeerUnknown(number), Self::ByPeer)
            }
            ConnectionError::ConnectionClosed(frame) if is_handshake_refusal(frame.error_code) => {
                Self::Handshake(frame.to_string())
            }
            ConnectionError::TransportError(error) if is_handshake_refusal(error.code) => {
                Self::Handshake(error.to_string())
            }
            ConnectionError::VersionMismatch => Self::Handshake("no QUIC version in common".into()),
            ConnectionError::TimedOut => Self::TimedOut,
            ConnectionError::Reset => Self::Reset,
            // Whoever closes in this process notes the code first, so this stands for an endpoint that went away.
            ConnectionError::LocallyClosed => Self::EndpointClosed,
            other => Self::Transport(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use noroshi_sync::wire::Malformed;

    use super::*;

    #[test]
    fn numbers_are_one_to_one_and_those_of_the_session() {
        let numbers: BTreeSet<u32> = CloseCode::ALL.into_iter().map(CloseCode::number).collect();
        assert_eq!(numbers.len(), CloseCode::ALL.len());
        for number in 0..100 {
            let known = CloseCode::from_number(number).map(|code| u64::from(code.number()));
            assert_eq!(known, numbers.iter().copied().map(u64::from).find(|known| *known == number));
        }
        assert_eq!(CloseCode::from_number(u64::MAX), None);
        let malformed = Malformed::Invalid { what: "frame", reason: "test" };
        let reasons = [CloseReason::Version, CloseReason::WrongName, CloseReason::Malformed(malformed)];
        let others = [CloseReason::Protocol("test"), CloseReason::Silent(1), CloseReason::Store];
        for reason in reasons.into_iter().chain(others) {
            assert_eq!(CloseCode::of(&reason).number(), reason.code());
        }
    }

    #[test]
    fn a_cut_line_is_probed_and_a_wrong_certificate_is_not() {
        assert!(!Ended::ByPeer(CloseCode::Cut).is_refusal());
        assert!(!Ended::TimedOut.is_refusal());
        assert!(Ended::ByPeer(CloseCode::Busy).is_refusal());
        assert!(Ended::Handshake("unknown issuer".into()).is_refusal());
    }
}
