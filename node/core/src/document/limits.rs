//! Every limit of shared documents as a named constant; a change is measured against these before Automerge sees it.

/// Largest change, bytes: what fits into the body of an entry.
pub const CHANGE_BYTES_MAX: usize = 60 * 1024;
/// Operations of one change. Replacing both texts of a room page wholly takes 4,600 (one for each character that goes
/// and one for each that comes), so this is what an honest edit needs; a 117-byte change can claim billions.
pub const CHANGE_OPERATIONS_MAX: usize = 8_192;
/// Operations that the operations of one change replace, all together.
pub const CHANGE_PREDECESSORS_MAX: usize = 8_192;
/// Changes that one change names as its dependencies.
pub const CHANGE_DEPENDENCIES_MAX: usize = 512;
/// Other actors that one change refers to.
pub const CHANGE_ACTORS_MAX: usize = 512;
/// Longest message of a change, bytes; ours carry none.
pub const CHANGE_MESSAGE_BYTES_MAX: usize = 256;
/// Longest key in a map, bytes.
pub const KEY_BYTES_MAX: usize = 256;

/// Objects inside objects: what walks a document calls itself for each, and 8,192 of them overflow a stack.
pub const DEPTH_MAX: u8 = 16;

/// A document larger than this once saved, bytes, is edited no more.
pub const DOCUMENT_BYTES_MAX: usize = 1024 * 1024;
/// A document with this many actors takes edits from these alone.
pub const DOCUMENT_ACTORS_MAX: usize = 500;
/// Changes of a document that is still edited.
pub const DOCUMENT_CHANGES_MAX: usize = 20_000;
/// Operations of a document that is still edited, the replaced and deleted ones too: each takes up to 500 bytes of memory,
/// and equal ones next to nothing when saved or sent.
pub const DOCUMENT_OPERATIONS_MAX: usize = 100_000;
/// A document with this many live items (keys of its root map) takes no edit that adds one.
pub const DOCUMENT_ITEMS_MAX: usize = 2_000;
/// How far beyond the limits above changes of others still get in: the islands that each stayed within them may meet.
pub const CEILING_FACTOR: usize = 2;

/// More than a document may have of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{count} {what}, at most {limit}")]
pub struct Excess {
    pub what: &'static str,
    pub count: usize,
    pub limit: usize,
}

impl Excess {
    /// `None` when `count` is within `limit`.
    pub fn of(what: &'static str, count: usize, limit: usize) -> Option<Self> {
        (count > limit).then_some(Self { what, count, limit })
    }
}

/// Changes that are applied, saved and loaded again at once. Applying one by one is quadratic.
pub const BATCH_CHANGES_MAX: usize = 1_024;
/// Bytes of the changes of one batch.
pub const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Operations that changing one text may take; beyond that the text is begun anew. Two texts and 100 pins stay within
/// [`CHANGE_OPERATIONS_MAX`].
pub const TEXT_OPERATIONS_MAX: usize = 4_000;
/// Size of a difference (characters gone × characters come) up to which it is looked at closely; beyond, one piece is
/// replaced by another.
pub const TEXT_DIFFERENCE_MAX: usize = 250_000;
