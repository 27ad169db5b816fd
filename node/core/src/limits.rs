//! Every limit of rooms, people and events as a named constant; input is measured against these before it is used.

pub use noroshi_provisioning::limits::{LOGIN_BYTES_MAX, PASSWORD_BYTES_MAX, ROOM_MEMBERS_MAX};

/// Longest text of a message after trimming, characters (Unicode scalar values).
pub const TEXT_CHARS_MAX: usize = 10_000;
/// Longest name of a room, characters.
pub const ROOM_NAME_CHARS_MAX: usize = 100;
/// Longest topic of a room, characters.
pub const ROOM_TOPIC_CHARS_MAX: usize = 300;
/// Longest purpose of a room, characters.
pub const ROOM_PURPOSE_CHARS_MAX: usize = 2_000;
/// Longest key of a stamp, characters of `[a-z0-9_-]`.
pub const STAMP_CHARS_MAX: usize = 32;
/// People one message may mention.
pub const MENTIONS_MAX: usize = 100;
/// Files of one message.
pub const ATTACHMENTS_MAX: usize = 10;
/// Longest name of a file, bytes: what file systems take.
pub const ATTACHMENT_NAME_BYTES_MAX: usize = 200;
/// Largest thumbnail, bytes of JPEG.
pub const THUMBNAIL_BYTES_MAX: usize = 12 * 1024;
/// Longest side of a stored picture, pixels.
pub const PICTURE_SIDE_MAX: u32 = 2_560;
/// Largest picture that is decoded, pixels: beyond it memory is not spent.
pub const PICTURE_PIXELS_MAX: u64 = 100_000_000;
/// An upload that no message shows is forgotten after this, milliseconds.
pub const UPLOAD_KEPT_MS: u64 = 24 * 60 * 60 * 1_000;
/// Uploads of one person that no message shows yet.
pub const UPLOADS_OPEN_MAX: u32 = 200;
/// Attachments that a peer is asked for are looked up so many at a time.
pub const BLOBS_WANTED_PAGE: u32 = 64;
/// How far a file has come is told at most this often, milliseconds.
pub const BLOB_PROGRESS_MS: u64 = 500;
/// Pinned messages of a room.
pub const PINS_MAX: usize = 50;
/// Offices named when a room is made.
pub const ROOM_OFFICES_MAX: usize = 200;
/// Entries one entry may say it replaces; more concurrent ones than this fall to the order of stamps.
pub const REPLACES_MAX: usize = 64;
/// Messages of one page.
pub const PAGE_MESSAGES_MAX: u32 = 200;
/// People in one answer of the directory.
pub const USERS_PAGE_MAX: u32 = 1_000;
/// Characters of a message shown where it is replied to.
pub const EXCERPT_CHARS: usize = 80;
/// Events a reader may have waiting before it is told to resume from the store.
pub const EVENTS_QUEUE: usize = 1_024;
/// Events of one page of [`events_after`](crate::Node::events_after).
pub const EVENTS_PAGE_MAX: u32 = 1_000;
/// Messages named in one event about arrival or reading; older ones are right at the next fetch.
pub const ARRIVED_EVENT_MESSAGES_MAX: u32 = 50;
/// Log-in attempts for one account within [`LOGIN_WINDOW_MS`].
pub const LOGIN_ATTEMPTS_MAX: usize = 10;
/// The time over which log-in attempts are counted, milliseconds.
pub const LOGIN_WINDOW_MS: u64 = 10 * 60 * 1_000;
/// Accounts whose attempts are remembered; beyond that the ones that waited longest are forgotten.
pub const LOGIN_ACCOUNTS_MAX: usize = 10_000;
/// A device code is good for this long, milliseconds.
pub const DEVICE_CODE_MS: u64 = 24 * 60 * 60 * 1_000;
/// Wrong passcodes after which a device is stopped.
pub const PASSCODE_FAILURES_MAX: u32 = 10;
/// An administrator's key stays unlocked this long after it signed last, milliseconds.
pub const CONSOLE_MS: u64 = 15 * 60 * 1_000;
/// People and devices that one person may stop without a key in [`SUSPENSIONS_WINDOW_MS`].
pub const SUSPENSIONS_MAX: usize = 30;
/// The time over which these are counted, milliseconds.
pub const SUSPENSIONS_WINDOW_MS: u64 = 60 * 60 * 1_000;
/// Requests for device codes that wait in one office.
pub const REQUESTS_OPEN_MAX: usize = 1_000;
/// Log-ins that wait for the check of their password; the next is told to come again.
pub const PASSWORDS_WAITING_MAX: usize = 2_000;
/// Sessions one person may have; the one unused for longest ends when another begins.
pub const SESSIONS_PER_USER_MAX: u32 = 50;
/// Room pages kept loaded.
pub const PAGES_LOADED_MAX: usize = 64;
/// How long changes of what is held or read gather before they are written as a register, milliseconds.
pub const REGISTER_DELAY_MS: u64 = 200;
/// A person's signal that they are typing is passed on at most this often, milliseconds.
pub const TYPING_INTERVAL_MS: u64 = 2_000;
/// Signals waiting to be sent or shown.
pub const SIGNALS_QUEUE: usize = 256;
/// Largest encoded read marks inside a register, bytes; the rest of the register is the held frontier.
pub const READ_MARKS_BYTES_MAX: usize = 96 * 1024;
/// How long this node remembers when it learned of each arrival, milliseconds.
pub const LEARNED_KEPT_MS: u64 = 30 * 24 * 60 * 60 * 1_000;
/// Refusals of one sort by one person from one address within this time are one event of the audit log, milliseconds.
pub const AUDIT_FOLD_MS: u64 = 60 * 1_000;
/// Different ones that are told apart within that time; beyond it only their sort is.
pub const AUDIT_FOLDS_MAX: usize = 64;
/// Lines in one part of the audit log.
pub const AUDIT_PAGE_MAX: u32 = 200;
/// Rows of the history of cut lines; the oldest beyond are forgotten.
pub const CUTS_MAX: u32 = 10_000;
/// Rows of one page of that history.
pub const CUTS_PAGE_MAX: u32 = 200;
