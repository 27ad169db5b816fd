//! Names of the store's metrics.

/// Gauge: jobs that wait for the store, by queue (`people`, `peers`, `readers_people`, `readers_peers`).
pub const QUEUE_LENGTH: &str = "noroshi_store_queue_length";
/// Histogram: seconds from the beginning of a group to the end of its fsync.
pub const COMMIT_SECONDS: &str = "noroshi_store_commit_seconds";
/// Histogram: items that shared one fsync.
pub const GROUP_ITEMS: &str = "noroshi_store_group_items";
/// Gauge: bytes in the write-ahead log that are not in the file yet, or were there last.
pub const WAL_BYTES: &str = "noroshi_store_wal_bytes";
/// Counter: groups that did not commit, by error (`full`, `io`, `damaged`, `other`).
pub const GROUPS_FAILED: &str = "noroshi_store_groups_failed_total";

/// Gauge: attachments that this node fetches as soon as a peer gives them.
pub const BLOBS_WANTED: &str = "noroshi_blobs_wanted";
/// Gauge: bytes of attachments on this disk, those begun included.
pub const BLOBS_HELD_BYTES: &str = "noroshi_blobs_held_bytes";
/// Gauge: bytes that attachments may take.
pub const BLOBS_QUOTA_BYTES: &str = "noroshi_blobs_quota_bytes";
/// Counter: bytes of attachments that peers brought and that were kept.
pub const BLOBS_FETCHED_BYTES: &str = "noroshi_blobs_fetched_bytes_total";

/// Explains the metrics to the recorder.
pub fn describe() {
    metrics::describe_gauge!(QUEUE_LENGTH, "jobs waiting for the store");
    metrics::describe_histogram!(COMMIT_SECONDS, metrics::Unit::Seconds, "time of one group commit, fsync included");
    metrics::describe_histogram!(GROUP_ITEMS, "items that shared one fsync");
    metrics::describe_gauge!(WAL_BYTES, metrics::Unit::Bytes, "size of the write-ahead log");
    metrics::describe_gauge!(BLOBS_WANTED, "attachments to be fetched");
    metrics::describe_gauge!(BLOBS_HELD_BYTES, metrics::Unit::Bytes, "attachments on this disk");
    metrics::describe_gauge!(BLOBS_QUOTA_BYTES, metrics::Unit::Bytes, "room for attachments");
    metrics::describe_counter!(BLOBS_FETCHED_BYTES, metrics::Unit::Bytes, "attachments fetched from peers");
    metrics::describe_counter!(GROUPS_FAILED, "group commits that failed");
}
