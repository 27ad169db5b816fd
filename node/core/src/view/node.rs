//! What people see of this node and of the others: «拠点とつながり».

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{OfficeView, Time};

/// `GET /node`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct NodeView {
    /// The node's public key, 64 hexadecimal digits.
    pub id: String,
    pub short: String,
    pub name: String,
    /// Null until the directory that names this node's office is here.
    pub office: Option<OfficeView>,
    pub organisation: String,
    /// `inner` or `relay`.
    pub zone: String,
    pub version: String,
    pub started_at: Time,
    pub clock: ClockView,
    pub storage: StorageView,
    pub demo: bool,
    pub headquarters: HeadquartersView,
}

/// This machine's clock against those of its peers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ClockView {
    /// This machine's clock minus the median of its peers', milliseconds.
    pub offset_ms: i64,
    /// The difference is more than 2 s.
    pub suspect: bool,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct StorageView {
    /// Size of the database with its log, bytes.
    pub bytes: u64,
    /// Room left on the disk, bytes.
    pub free_bytes: u64,
    pub state: StorageState,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StorageState {
    Ok,
    /// Writes are refused; what is stored can be read.
    Full,
    /// Writes are refused after an error of the disk.
    Failed,
}

/// Whether this node stands alone.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct HeadquartersView {
    /// This node belongs to headquarters itself.
    pub is_self: bool,
    pub office: Option<super::OfficeRef>,
    pub reachable: bool,
    /// Since when it has been reachable, or unreachable.
    pub since: Option<Time>,
    /// Entries that headquarters is known to hold and this node lacks.
    pub missing_here: u64,
    /// Entries this node holds and headquarters has not confirmed.
    pub missing_there: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PeerState {
    Connected,
    /// Cut by the link switch, here or there.
    Cut,
    Unreachable,
}

/// How the peer was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PeerVia {
    Mdns,
    Directory,
    Configured,
    Relay,
}

/// What carries a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    Quic,
    /// TLS over TCP, where UDP does not get through.
    Tcp,
}

/// An item of `GET /peers`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct PeerView {
    pub node: String,
    pub short: String,
    pub name: String,
    pub office: Option<super::OfficeRef>,
    pub organisation: String,
    pub state: PeerState,
    pub via: Option<PeerVia>,
    pub rtt_ms: Option<u64>,
    pub missing_here: u64,
    pub missing_there: u64,
    /// When both sides last held equal digests.
    pub in_sync_as_of: Option<Time>,
    /// The peer's clock minus ours, milliseconds.
    pub clock_offset_ms: Option<i64>,
    pub headquarters: bool,
    pub last_heard: Option<Time>,
    /// Since when the state is what it is.
    pub since: Option<Time>,
    pub link_cut_by_us: bool,
    /// What carries the line while it is up.
    pub transport: Option<Transport>,
    /// What is missing on either side, in the order in which it goes; what nothing is missing of is left out.
    pub waiting: Vec<super::WaitingView>,
    /// How fast what is missing becomes less, as far as that can be seen. Nothing is known of a line at rest.
    pub rate_bytes_per_s: Option<u64>,
    /// How long the rest takes at this rate, seconds.
    pub eta_s: Option<u64>,
    /// What somebody has to look at, in words, with what is to be done.
    pub alarms: Vec<super::PeerAlarmView>,
}
