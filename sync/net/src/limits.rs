//! Every limit and every QUIC setting of this crate as a named constant, so that none is left at a default a peer could misuse.

use std::time::Duration;

// ---- QUIC, per connection ------------------------------------------------------------------------------------------

/// Unidirectional streams a peer may have open: one for each class of frames.
pub const STREAMS_UNI_MAX: u32 = 5;
/// Bidirectional streams a dialler may have open: the one of a join exchange. A listener may open none.
pub const STREAMS_BI_MAX: u32 = 1;
/// Unread bytes a peer may send on one stream. Larger than the largest frame, and enough for 20 MB/s at 50 ms.
pub const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
/// Unread bytes a peer may send on all streams: the sum of the streams' windows, so that unread history can never
/// block an urgent entry.
pub const CONNECTION_WINDOW_BYTES: u32 = STREAMS_UNI_MAX * STREAM_WINDOW_BYTES;
/// Bytes kept for a peer until it confirms them. Not less than what it may have unread, for the same reason.
pub const SEND_WINDOW_BYTES: u64 = CONNECTION_WINDOW_BYTES as u64;
/// TLS messages kept out of order during a handshake; a chain of certificates has about 2 KB.
pub const HANDSHAKE_BUFFER_BYTES: usize = 16 * 1024;
/// Round trip assumed before the first is measured (RFC 9002 §6.2.2).
pub const INITIAL_RTT: Duration = Duration::from_millis(333);
/// First packets have this size, which every path must carry (RFC 9000 §14); larger ones are probed for.
pub const MTU_INITIAL_BYTES: u16 = 1200;
/// Largest packet probed for: Ethernet less the headers of IPv6 and UDP.
pub const MTU_MAX_BYTES: u16 = 1452;

// ---- QUIC, per endpoint --------------------------------------------------------------------------------------------

/// Connection attempts that wait to be looked at; beyond that quinn ignores further ones.
pub const INCOMING_MAX: usize = 256;
/// Bytes kept for one attempt before it is looked at.
pub const INCOMING_BYTES_MAX: u64 = 16 * 1024;
/// Bytes kept for all attempts before they are looked at.
pub const INCOMING_TOTAL_BYTES_MAX: u64 = 1024 * 1024;
/// With more handshakes than this running, an attempt must first prove that it receives at its address (QUIC Retry).
pub const HANDSHAKES_BEFORE_RETRY: usize = 64;
/// Handshakes of others running at a time; further attempts are ignored and come again.
pub const HANDSHAKES_INCOMING_MAX: usize = 256;
/// … and from one IP address.
pub const HANDSHAKES_PER_ADDRESS_MAX: usize = 32;
/// Validity of a Retry token.
pub const RETRY_TOKEN_LIFETIME: Duration = Duration::from_secs(15);
/// Receive and send buffer asked of the system for a socket; it may give less.
pub const SOCKET_BUFFER_BYTES: usize = 2 * 1024 * 1024;
/// Pause before an endpoint whose socket failed is built anew.
pub const REBUILD_PAUSE: Duration = Duration::from_millis(500);

// ---- TLS over TCP --------------------------------------------------------------------------------------------------

/// Frames are cut into segments of so many bytes, so that what is urgent waits for no more: a quarter of a second at
/// 64 kbit/s.
pub const TCP_SEGMENT_BYTES: usize = 2 * 1024;
/// Largest segment that is taken, bytes.
pub const TCP_SEGMENT_BYTES_MAX: usize = 16 * 1024;
/// Bytes of one stream that wait to be cut.
pub const TCP_STREAM_BUFFER_BYTES: usize = 64 * 1024;
/// Bytes the kernel takes without having sent them.
pub const TCP_UNSENT_BYTES: u32 = 8 * 1024;
/// After so many attempts in a row that QUIC did not get through, an address is dialled over TCP as well.
pub const TCP_AFTER_FAILURES: u32 = 2;
/// So much later than QUIC, so that QUIC is used where both work.
pub const TCP_HEAD_START: Duration = Duration::from_millis(300);
/// Once TCP has connected, the line is up: so long (and four round trips of TCP) a last QUIC attempt may take.
pub const QUIC_LAST_CHANCE: Duration = Duration::from_millis(400);
/// While a peer is connected over TCP, QUIC is tried again this often, milliseconds. An attempt costs two or three packets
/// of 1,200 bytes, about 1 % of a line of 64 kbit/s.
pub const QUIC_PROBE_MS: u64 = 30_000;
/// Pause before a TCP port that cannot be opened is tried again.
pub const TCP_LISTEN_PAUSE: Duration = Duration::from_secs(5);

// ---- Time limits ---------------------------------------------------------------------------------------------------

/// A silent cut is noticed within this time. Keep-alives are sent at a third of it; QUIC's idle timeout, which begins
/// anew with the first unanswered packet, gets the other two thirds.
pub const SILENCE: Duration = Duration::from_secs(6);
/// From the first packet of an incoming attempt to the end of its greeting.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// A dialled address that has answered nothing after this time is given up and dialled anew: QUIC's own retransmission
/// doubles its pauses and would miss the moment the line returns.
pub const FIRST_ANSWER_TIMEOUT: Duration = Duration::from_millis(2_500);
/// A peer that takes no byte on any stream for so long, while frames wait for it, is disconnected.
pub const STALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Looking up a host name.
pub const RESOLVE_TIMEOUT: Duration = Duration::from_secs(2);
/// At shutdown: for the store to answer what it was asked, and for tasks to end.
pub const SHUTDOWN_STEP_TIMEOUT: Duration = Duration::from_secs(5);
/// At shutdown: for the peers to hear that we close. One that is gone already would be waited for three times as long as
/// QUIC waits for a first answer, to no purpose.
pub const FAREWELL_TIMEOUT: Duration = Duration::from_millis(500);

// ---- Connections and queues ----------------------------------------------------------------------------------------

/// Peers connected at a time; further ones are told that we are busy.
pub const PEERS_MAX: usize = 512;
/// Frames of one class that wait for one peer.
pub const OUTGOING_FRAMES_MAX: usize = 256;
/// Control and urgent frames of all peers that wait for the driver.
pub const URGENT_FRAMES_MAX: usize = 64;
/// Other frames of all peers that wait for the driver. A frame is at most 512 KiB.
pub const BULK_FRAMES_MAX: usize = 16;
/// Reports of connections that wait for the driver; who reports, waits.
pub const REPORTS_MAX: usize = 256;
/// Calls of the application that wait for the driver; who calls, waits.
pub const COMMANDS_MAX: usize = 64;
/// Questions the store answers at a time; the others wait in order.
pub const QUESTIONS_RUNNING_MAX: usize = 64;
/// With more questions waiting, no frame is taken from a peer.
pub const QUESTIONS_WAITING_MAX: usize = 256;
/// With more events waiting for the application, no frame is taken from a peer.
pub const EVENTS_WAITING_MAX: usize = 1024;

// ---- Dialling ------------------------------------------------------------------------------------------------------

/// Addresses known at a time.
pub const CANDIDATES_MAX: usize = 256;
/// Of these, addresses known only from announcements on the local network, which anybody can forge.
pub const CANDIDATES_ANNOUNCED_MAX: usize = 128;
/// Of these, addresses known only because a peer once spoke to us from there.
pub const CANDIDATES_HEARD_MAX: usize = 64;
/// Announced addresses taken anew from one IP address within a minute.
pub const ANNOUNCED_PER_ADDRESS_PER_MINUTE: u32 = 4;
/// IP addresses whose announcements are counted at a time.
pub const ANNOUNCERS_MAX: usize = 1024;
/// Own handshakes running at a time.
pub const DIALS_MAX: usize = 32;
/// Of these, to addresses known only from announcements.
pub const DIALS_ANNOUNCED_MAX: usize = 16;
/// Shortest time between two attempts at one address, milliseconds.
pub const REDIAL_MIN_MS: u64 = 500;
/// Longest time between two attempts at an address that does not answer, milliseconds.
pub const REDIAL_MAX_MS: u64 = 3_000;
/// Far addresses that are dialled as often as near ones, the most important first; … the others are dialled this seldom,
/// milliseconds, so that dialling does not fill the lines of everybody else …
pub const HURRIED_FAR_MAX: usize = 3;
pub const REDIAL_FAR_MIN_MS: u64 = 15_000;
pub const REDIAL_FAR_MAX_MS: u64 = 60_000;
/// … after so many attempts in a row, among them some over TCP.
pub const HURRIED_FAR_ATTEMPTS: u32 = 4;
/// An announced address that never was a peer counts as noise after so many attempts …
pub const ANNOUNCED_ATTEMPTS_EAGER: u32 = 10;
/// … and is then dialled this seldom, milliseconds.
pub const REDIAL_NOISE_MS: u64 = 30_000;
/// Longest time until the next attempt when the peer or this node has trouble (a full disk, a hanging program),
/// milliseconds.
pub const REDIAL_TROUBLE_MS: u64 = 10_000;
/// Time until the next attempt after a refusal, milliseconds.
pub const REDIAL_REFUSED_MS: u64 = 60_000;
/// Announcements that wait for the driver; more are dropped and asked for again.
pub const HINTS_MAX: usize = 256;

// ---- Join ----------------------------------------------------------------------------------------------------------

/// Largest request and largest answer of a join exchange, bytes.
pub const JOIN_BYTES_MAX: usize = 64 * 1024;
/// A join exchange from handshake to answer.
pub const JOIN_TIMEOUT: Duration = Duration::from_secs(10);
/// Join exchanges at a time.
pub const JOINS_MAX: usize = 4;

// ---- Certificates --------------------------------------------------------------------------------------------------

/// No organisation of this program is older: 2026-07-01, milliseconds since 1970. A clock that says less was never set.
pub const RELEASED_MS: u64 = 1_782_864_000_000;
/// Certificates in a chain, the root included.
pub const CHAIN_CERTIFICATES_MAX: usize = 5;
