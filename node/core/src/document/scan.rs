//! Our own reading of a change before Automerge sees it: what it claims is counted, bounded and never believed.
//!
//! Automerge is a fine merge engine and an unhardened parser (measured on 0.12.0: 117 bytes can cost 20 s or 2 GB;
//! well-formed changes panic every receiver; accepted ones make a saved document unloadable). The scan decides from the
//! bytes alone, so its verdict is the same at every office; it takes microseconds and sets nothing aside on a claim.

mod columns;
mod operations;
mod reader;
mod refusal;

use noroshi_sync::limits::TIME_MS_MAX;

use self::operations::Layout;
pub use self::operations::{Action, Operation, Place, Reference};
use self::reader::Reader;
pub use self::refusal::Refusal;
use super::actor::Actor;
use super::hash::ChangeHash;
use super::limits::{CHANGE_ACTORS_MAX, CHANGE_BYTES_MAX, CHANGE_DEPENDENCIES_MAX, CHANGE_MESSAGE_BYTES_MAX};

const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
const CHECKSUM_BYTES: usize = 4;
/// The type of a plain change. Others are documents (0), deflated changes (2) and bundles (3).
const PLAIN_CHANGE: u8 = 1;

/// A change that may be shown to the history of its document. Only [`scan`] makes one.
#[derive(Clone, PartialEq, Eq)]
pub struct ScannedChange {
    bytes: Vec<u8>,
    hash: ChangeHash,
    dependencies: Vec<ChangeHash>,
    actor: Actor,
    /// The actors it names, its own first.
    actors: Vec<Actor>,
    sequence: u64,
    first_operation: u64,
    operations: Vec<Operation>,
}

impl ScannedChange {
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
    pub fn hash(&self) -> ChangeHash {
        self.hash
    }
    pub fn dependencies(&self) -> &[ChangeHash] {
        &self.dependencies
    }
    pub(super) fn actor(&self) -> Actor {
        self.actor
    }
    /// Counts the changes of one actor from 1.
    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }
    pub(super) fn first_operation(&self) -> u64 {
        self.first_operation
    }
    pub(super) fn last_operation(&self) -> u64 {
        self.first_operation.saturating_add(self.operations.len() as u64).saturating_sub(1)
    }
    /// The actors it names, its own first.
    pub(super) fn actors(&self) -> &[Actor] {
        &self.actors
    }
    pub(super) fn operations(&self) -> &[Operation] {
        &self.operations
    }
}

#[cfg(test)]
impl ScannedChange {
    /// A change that nobody looked at, to try what stands behind the scan.
    pub(super) fn unchecked(bytes: Vec<u8>) -> Self {
        let change = automerge::Change::from_bytes(bytes.clone()).unwrap();
        Self {
            bytes,
            hash: change.hash().into(),
            dependencies: change.deps().iter().map(|hash| ChangeHash::from(*hash)).collect(),
            actor: Actor::from_bytes([0; Actor::BYTES]),
            actors: Vec::new(),
            sequence: change.seq(),
            first_operation: change.start_op().get(),
            operations: Vec::new(),
        }
    }
}

impl std::fmt::Debug for ScannedChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} by {:?}, {} of it", self.hash, self.actor, self.sequence)
    }
}

/// Reads a change that was brought by `writer`.
///
/// # Errors
/// Why it can never be part of a document.
pub fn scan(bytes: Vec<u8>, writer: Actor) -> Result<ScannedChange, Refusal> {
    let (hash, content) = open_chunk(&bytes)?;
    let mut reader = Reader::new(content);
    let dependencies = dependencies(&mut reader)?;
    let actor = actor(&mut reader)?;
    if actor != writer {
        return Err(Refusal::WrongActor);
    }
    let sequence = in_range("the sequence", reader.unsigned()?, 1, u64::from(u32::MAX))?;
    let first_operation = in_range("the first operation", reader.unsigned()?, 1, u64::from(u32::MAX))?;
    let time = reader.signed()?;
    in_range("the time", u64::try_from(time).unwrap_or(u64::MAX), 0, TIME_MS_MAX)?;
    let message_bytes = reader.count("bytes of a message", CHANGE_MESSAGE_BYTES_MAX)?;
    reader.text(message_bytes)?;
    let actors = named_actors(&mut reader, actor)?;
    let layout = Layout::read(&mut reader)?;
    if !reader.is_empty() {
        return Err(Refusal::TrailingBytes);
    }
    let operations = operations::read(&layout, first_operation, &actors)?;
    let last = first_operation.saturating_add(operations.len() as u64);
    in_range("the last operation", last, 1, u64::from(u32::MAX))?;
    Ok(ScannedChange { bytes, hash, dependencies, actor, actors, sequence, first_operation, operations })
}

/// Checks the envelope of a chunk; returns its hash and its content.
fn open_chunk(bytes: &[u8]) -> Result<(ChangeHash, &[u8]), Refusal> {
    if bytes.len() > CHANGE_BYTES_MAX {
        return Err(Refusal::TooLarge { bytes: bytes.len(), limit: CHANGE_BYTES_MAX });
    }
    let mut reader = Reader::new(bytes);
    if reader.array::<4>()? != MAGIC {
        return Err(Refusal::NotAChunk);
    }
    let checksum = reader.array::<CHECKSUM_BYTES>()?;
    let typed_content = reader.rest();
    let [chunk_type] = reader.array::<1>()?;
    if chunk_type != PLAIN_CHANGE {
        return Err(Refusal::ChunkType(chunk_type));
    }
    let length = reader.unsigned()?;
    let content = reader.take(length)?;
    if !reader.is_empty() {
        return Err(Refusal::TrailingBytes);
    }
    let hash = ChangeHash::of_chunk(typed_content);
    if hash.checksum() != checksum {
        return Err(Refusal::Checksum);
    }
    Ok((hash, content))
}

fn dependencies(reader: &mut Reader<'_>) -> Result<Vec<ChangeHash>, Refusal> {
    let count = reader.count("dependencies", CHANGE_DEPENDENCIES_MAX)?;
    let hashes = (0..count).map(|_| reader.array::<32>().map(ChangeHash::from_bytes)).collect::<Result<Vec<_>, _>>()?;
    if !hashes.is_sorted_by(|a, b| a < b) {
        return Err(Refusal::NotCanonical("the list of dependencies"));
    }
    Ok(hashes)
}

fn actor(reader: &mut Reader<'_>) -> Result<Actor, Refusal> {
    if reader.unsigned()? != Actor::BYTES as u64 {
        return Err(Refusal::WrongActor);
    }
    reader.array().map(Actor::from_bytes)
}

/// The change's own actor and then the others it names, which are sorted.
fn named_actors(reader: &mut Reader<'_>, own: Actor) -> Result<Vec<Actor>, Refusal> {
    let count = reader.count("actors", CHANGE_ACTORS_MAX)?;
    let mut actors = vec![own];
    for _ in 0..count {
        actors.push(actor(reader)?);
    }
    let others = actors.get(1..).unwrap_or_default();
    if !others.is_sorted_by(|a, b| a < b) || others.contains(&own) {
        return Err(Refusal::NotCanonical("the list of actors"));
    }
    Ok(actors)
}

fn in_range(what: &'static str, value: u64, least: u64, most: u64) -> Result<u64, Refusal> {
    if (least..=most).contains(&value) { Ok(value) } else { Err(Refusal::OutOfRange(what)) }
}

#[cfg(test)]
mod tests;
