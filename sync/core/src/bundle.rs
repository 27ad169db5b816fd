//! What two islands that never meet can be joined with by hand: the ledger, logs and registers of rooms in one file.
//!
//! A bundle is a sequence of records, each signed by the node that wrote it. The first says who wrote it and for whom, then
//! come the payloads of ordinary data frames, rights first, and the last says that nothing is missing. What is imported
//! passes the same checks as what comes over a line, so an old bundle, or the same twice, changes nothing. A bundle that
//! was cut short is good up to there. Encryption is the caller's: sealed to the nodes in [`Header::destinations`].
//!
//! ```text
//!   record = length (u32, big endian) ‖ signature (64 bytes) ‖ content (postcard of Record)
//!   signature = Ed25519 by the writer over "noroshi/bundle/1" ‖ bundle id (16) ‖ place (u64, big endian) ‖ BLAKE3(content)
//! ```

mod export;
mod import;
#[cfg(test)]
mod tests;

pub use export::{Exporter, Since};
pub use import::{Importer, Refused, Step};

use serde::{Deserialize, Serialize};

use crate::id::NodeId;
use crate::limits::FRAME_BYTES_MAX;
use crate::wire;

/// The only form so far.
pub const BUNDLE_VERSION: u8 = 1;
/// Largest content of a record: that of a frame, bytes.
pub const RECORD_BYTES_MAX: usize = FRAME_BYTES_MAX;
/// Bytes before the content: its length and the signature.
pub const RECORD_HEAD_BYTES: usize = 4 + 64;
/// Nodes a bundle is written for.
pub const DESTINATIONS_MAX: usize = 4_096;

/// Who wrote a bundle, when, for whom.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Header {
    pub version: u8,
    /// Random; binds the records to each other.
    pub id: [u8; 16],
    pub from: NodeId,
    /// The writer's wall clock, milliseconds since 1970.
    pub made_ms: u64,
    /// Ascending. Everything in the bundle may be held by each of them.
    pub destinations: Vec<NodeId>,
}

/// The content of a record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum Record {
    Header(Header),
    /// zstd of the encoded [`Payload`](crate::frame::Payload).
    Data(#[serde(with = "serde_bytes")] Vec<u8>),
    /// So many records before this one.
    End {
        records: u64,
    },
}

/// What is signed of one record.
fn message(id: &[u8; 16], place: u64, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(80);
    bytes.extend_from_slice(b"noroshi/bundle/1");
    bytes.extend_from_slice(id);
    bytes.extend_from_slice(&place.to_be_bytes());
    bytes.extend_from_slice(blake3::hash(content).as_bytes());
    bytes
}

impl Record {
    fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }
}
