//! Every limit of replication as a named constant; bytes from outside are measured against these before they are decoded.

/// Largest body of one entry, bytes.
pub const ENTRY_BODY_BYTES_MAX: usize = 64 * 1024;
/// Largest encoded entry, bytes: the body and its envelope (ids, stamps, a signature of at most [`SIGNATURE_BYTES_MAX`]).
pub const ENTRY_BYTES_MAX: usize = ENTRY_BODY_BYTES_MAX + 512;
/// Largest signature inside an entry, bytes (Ed25519 uses 64).
pub const SIGNATURE_BYTES_MAX: usize = 128;
/// A node signs its log at least this often, entries.
pub const CHECKPOINT_ENTRIES_MAX: u64 = 64;
/// A node signs its log at least this often, bytes of encoded entries.
pub const CHECKPOINT_BYTES_MAX: usize = 128 * 1024;
/// A window that is sent ends at the first checkpoint at which it has so many bytes of encoded entries. The checkpoints of
/// an honest writer stand no further apart than [`CHECKPOINT_BYTES_MAX`], so its windows stay below 256 KiB.
pub const WINDOW_BYTES_ENOUGH: usize = 128 * 1024;
/// Largest window that is taken, bytes of encoded entries.
pub const WINDOW_BYTES_MAX: usize = 4 * 1024 * 1024;
/// What the payload of a data frame may inflate to: the largest window and its envelope, bytes.
pub const PAYLOAD_BYTES_MAX: usize = 5 * 1024 * 1024;
/// Largest frame between two nodes, bytes.
pub const FRAME_BYTES_MAX: usize = 512 * 1024;
/// Held ranges above the contiguous part of one log; beyond that only the contiguous end grows.
pub const HELD_RANGES_MAX: usize = 8;
/// Branches of one log that are kept, when its node signed several histories; what would make more is refused. Copies
/// of a machine make two; more than a few are made by somebody who means to.
pub const LOG_BRANCHES_MAX: usize = 16;
/// Largest register batch, bytes.
pub const REGISTER_BYTES_MAX: usize = 256 * 1024;
/// Rooms offered in one page of changes.
pub const CHANGES_ROOMS_MAX: usize = 512;
/// Lines (logs and registers) offered in one frame. A line is about 80 bytes, and 70 more for each range held above a gap.
pub const CHANGES_LINES_MAX: usize = 2_000;
/// Rooms listed in one page of the full list (48 bytes each).
pub const LIST_ROOMS_MAX: usize = 5_000;
/// Ranges asked for in one `Want`.
pub const WANT_RANGES_MAX: usize = 2_000;
/// Peers to which history is given at a time, and as many from which it is fetched; the others are told to come again.
/// Alarms, ledger and newest pages need no such place.
pub const HISTORY_PEERS_MAX: usize = 32;
/// Longest time after which a peer that was sent away comes again, milliseconds.
pub const RETRY_AFTER_MS_MAX: u64 = 30_000;
/// History of one class that may be asked of one peer and not yet here, bytes on the wire: at first, at least, at most. The
/// product of the last and the peers bounds what a node may have to keep at once.
pub const FLOW_BYTES_START: u64 = 64 * 1024;
pub const FLOW_BYTES_MIN: u64 = 16 * 1024;
pub const FLOW_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// A request for history that had no answer for this time, and four round trips, may be asked of another peer, milliseconds.
pub const BACKFILL_OVERDUE_MS: u64 = 15_000;
/// Stamps after the year 2100 (4102444800000 ms) are malformed.
pub const TIME_MS_MAX: u64 = 4_102_444_800_000;
/// Largest attachment, bytes.
pub const BLOB_BYTES_MAX: u64 = 50 * 1024 * 1024;
/// Chunk groups asked for in one `BlobWant`: a mebibyte.
pub const BLOB_REQUEST_GROUPS_MAX: u64 = 64;
/// Chunk groups in one `BlobData`; with their proofs they stay well below a frame.
pub const BLOB_FRAME_GROUPS_MAX: u64 = 16;
/// Attachments named in one `BlobHave`, and in one page of those wanted.
pub const BLOBS_PAGE_MAX: usize = 64;
/// Attachments are proved in groups of so many bytes.
pub const BLOB_GROUP_BYTES: u64 = 16 * 1024;
