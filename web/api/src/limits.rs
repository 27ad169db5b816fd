//! Every limit of the web layer in one place, each with the reason for its size.

use std::time::Duration;

/// Body of a JSON request, bytes. The longest valid message is 40 KB; a room may name 1,000 people in 40 KB.
pub const BODY_MAX: usize = 1024 * 1024;
/// Request line and headers together, bytes.
pub const HEADER_MAX: usize = 32 * 1024;
/// Path and query, bytes.
pub const URI_MAX: usize = 8 * 1024;
/// One WebSocket frame and one message from a browser, bytes. What a browser has to say fits in 100.
pub const FRAME_MAX: usize = 64 * 1024;
/// Events that may wait for one browser; beyond that it is told to fetch again.
pub const EVENT_QUEUE_MAX: usize = 256;
/// Events read at once while a browser catches up.
pub const EVENT_PAGE: u32 = 256;
/// Pings in a row without any sign of life before a WebSocket is closed.
pub const PINGS_MISSED_MAX: u32 = 2;
/// Messages a browser may send over its WebSocket in a second, and at once.
pub const CLIENT_EVENTS_PER_SECOND: u32 = 10;
pub const CLIENT_EVENTS_BURST: u32 = 60;
/// Event streams opened in a second at this node, and at once: after a power cut everybody comes back together.
pub const STREAMS_PER_SECOND: u32 = 300;
/// Log-ins refused for one address before it has to wait.
pub const LOGIN_FAILURES_PER_ADDRESS: u32 = 60;
/// The time in which an address gets all its attempts back.
pub const LOGIN_WINDOW: Duration = Duration::from_secs(600);
/// A session token, characters. Ours have 43.
pub const TOKEN_MAX: usize = 128;
/// Rooms in one answer.
pub const ROOMS_PAGE: usize = 500;
/// Messages in one answer, when the request does not say, and at most.
pub const MESSAGES_PAGE: u32 = 50;
pub const MESSAGES_PAGE_MAX: u32 = 200;
/// People in one answer, when the request does not say, and at most.
pub const USERS_PAGE: u32 = 100;
pub const USERS_PAGE_MAX: u32 = 1000;
/// Text of a search for people, characters.
pub const QUERY_MAX: usize = 200;
/// Name of a file in a query, bytes; more than any file system has.
pub const FILE_NAME_MAX: usize = 1024;
/// Files are read and written in pieces of so many bytes.
pub const PIECE_BYTES: usize = 256 * 1024;
/// From the headers of an upload to the end of its answer: 50 MiB at 500 kbit/s.
pub const UPLOAD_TIME: Duration = Duration::from_secs(15 * 60);
/// What is read and thrown away after we closed our side, so that the last answer is not lost to a reset, bytes.
pub const LINGER_BYTES: usize = 4 * 1024 * 1024;
/// … and for how long.
pub const LINGER_TIME: Duration = Duration::from_secs(2);
