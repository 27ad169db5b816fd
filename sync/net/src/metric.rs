//! The names of all metrics of this crate and what they count.

use metrics::{describe_counter, describe_gauge};

/// Gauge: peers connected.
pub const PEERS: &str = "noroshi_net_peers";
/// Gauge: addresses known to the dialler.
pub const CANDIDATES: &str = "noroshi_net_candidates";
/// Gauge: own handshakes running.
pub const DIALS_RUNNING: &str = "noroshi_net_dials_running";
/// Gauge: handshakes of others running.
pub const HANDSHAKES_INCOMING: &str = "noroshi_net_handshakes_incoming";
/// Counter: attempts to connect, ours; label `outcome`.
pub const DIALS: &str = "noroshi_net_dials_total";
/// Counter: attempts to connect, of others; label `outcome`.
pub const ACCEPTS: &str = "noroshi_net_accepts_total";
/// Counter: connections that ended; label `reason`.
pub const ENDED: &str = "noroshi_net_connections_ended_total";
/// Counter: frames sent; label `class`.
pub const FRAMES_SENT: &str = "noroshi_net_frames_sent_total";
/// Counter: frames received; label `class`.
pub const FRAMES_RECEIVED: &str = "noroshi_net_frames_received_total";
/// Counter: bytes of frames sent, their lengths included; label `class`.
pub const BYTES_SENT: &str = "noroshi_net_frame_bytes_sent_total";
/// Counter: bytes of frames received, their lengths included; label `class`.
pub const BYTES_RECEIVED: &str = "noroshi_net_frame_bytes_received_total";
/// Counter: bytes of UDP payload sent on connections, handshakes and retransmissions included; counted every second.
pub const UDP_SENT: &str = "noroshi_net_udp_bytes_sent_total";
/// Counter: bytes of UDP payload received on connections; counted every second.
pub const UDP_RECEIVED: &str = "noroshi_net_udp_bytes_received_total";
/// Counter: bytes of TLS records sent on connections over TCP; counted every second.
pub const TCP_SENT: &str = "noroshi_net_tcp_bytes_sent_total";
/// Counter: bytes of TLS records received on connections over TCP; counted every second.
pub const TCP_RECEIVED: &str = "noroshi_net_tcp_bytes_received_total";
/// Gauge: peers with which history is exchanged; label `direction` (`given`, `fetched`).
pub const HISTORY_PEERS: &str = "noroshi_net_history_peers";
/// Gauge: peers whose history waits for a place; label `direction`.
pub const HISTORY_WAITING: &str = "noroshi_net_history_peers_waiting";
/// Gauge: entries of a queue; label `queue` (`events`, `questions`).
pub const QUEUE: &str = "noroshi_net_queue_length";
/// Counter: announcements heard on the local network; label `outcome`.
pub const HINTS: &str = "noroshi_net_announcements_total";
/// Counter: endpoints built anew after their socket failed.
pub const REBUILT: &str = "noroshi_net_endpoints_rebuilt_total";
/// Counter: join exchanges; label `outcome`.
pub const JOINS: &str = "noroshi_net_joins_total";

/// Gives the recorder the sentences that `/metrics` shows. Call once, after the recorder is installed.
pub fn describe() {
    describe_gauge!(PEERS, "peers connected");
    describe_gauge!(CANDIDATES, "addresses known to the dialler");
    describe_gauge!(DIALS_RUNNING, "own handshakes running");
    describe_gauge!(HANDSHAKES_INCOMING, "handshakes of others running");
    describe_counter!(DIALS, "attempts of this node to connect, by outcome");
    describe_counter!(ACCEPTS, "attempts of others to connect, by outcome");
    describe_counter!(ENDED, "connections that ended, by reason");
    describe_counter!(FRAMES_SENT, "frames sent, by class");
    describe_counter!(FRAMES_RECEIVED, "frames received, by class");
    describe_counter!(BYTES_SENT, "bytes of frames sent, by class");
    describe_counter!(BYTES_RECEIVED, "bytes of frames received, by class");
    describe_counter!(UDP_SENT, "bytes of UDP payload sent on connections");
    describe_counter!(UDP_RECEIVED, "bytes of UDP payload received on connections");
    describe_counter!(TCP_SENT, "bytes of TLS records sent on connections over TCP");
    describe_counter!(TCP_RECEIVED, "bytes of TLS records received on connections over TCP");
    describe_gauge!(HISTORY_PEERS, "peers with which history is exchanged, by direction");
    describe_gauge!(HISTORY_WAITING, "peers whose history waits for a place, by direction");
    describe_gauge!(QUEUE, "entries waiting in a queue of the driver");
    describe_counter!(HINTS, "announcements heard on the local network, by outcome");
    describe_counter!(REBUILT, "endpoints built anew after their socket failed");
    describe_counter!(JOINS, "join exchanges, by outcome");
}
