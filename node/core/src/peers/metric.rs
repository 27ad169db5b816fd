//! Names of the metrics about peers.

use noroshi_sync::id::NodeId;

/// Gauge: a peer's clock minus ours, seconds; label `peer`.
pub const CLOCK_OFFSET: &str = "noroshi_peer_clock_offset_seconds";
/// Gauge: this machine's clock minus the median of its peers', seconds.
pub const OWN_CLOCK_OFFSET: &str = "noroshi_clock_offset_seconds";

/// Explains the metrics to the recorder.
pub fn describe() {
    metrics::describe_gauge!(CLOCK_OFFSET, metrics::Unit::Seconds, "a peer's clock minus ours");
    metrics::describe_gauge!(OWN_CLOCK_OFFSET, metrics::Unit::Seconds, "our clock minus the median of the peers'");
}

#[expect(clippy::cast_precision_loss, reason = "a clock that is wrong by 285,000 years may be shown as roughly that")]
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1_000.0
}

pub(crate) fn note_own_offset(offset_ms: i64) {
    metrics::gauge!(OWN_CLOCK_OFFSET).set(seconds(offset_ms));
}

pub(crate) fn note_offset(peer: &NodeId, offset_ms: i64) {
    metrics::gauge!(CLOCK_OFFSET, "peer" => peer.short()).set(seconds(offset_ms));
}
