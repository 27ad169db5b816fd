//! Why a change can never become part of a document, whoever reads it and whenever.

/// Each is a pure function of the bytes, or of the bytes and the changes they build on: the same at every office.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("a change of {bytes} bytes is over the limit of {limit}")]
    TooLarge { bytes: usize, limit: usize },
    #[error("not an Automerge chunk")]
    NotAChunk,
    /// Documents (0), deflated changes (2) and bundles (3) from others are never opened.
    #[error("a chunk of type {0}, only plain changes are taken")]
    ChunkType(u8),
    #[error("the checksum does not fit the bytes")]
    Checksum,
    #[error("the bytes end too early")]
    Truncated,
    #[error("bytes are left over")]
    TrailingBytes,
    /// Another spelling of the same change: Automerge would write it differently and so change its hash.
    #[error("{0} is not written in its canonical form")]
    NotCanonical(&'static str),
    #[error("{count} {what}, at most {limit}")]
    TooMany { what: &'static str, count: u64, limit: usize },
    #[error("written by another actor than the node and run that brought it")]
    WrongActor,
    #[error("{0} is out of its range")]
    OutOfRange(&'static str),
    #[error("text that is not UTF-8")]
    NotText,
    #[error("column {0} is unknown, empty, compressed or out of order")]
    Column(u64),
    #[error("columns of different length")]
    Rows,
    /// `reason` is the part of the operation that is wrong in itself, or in what it refers to.
    #[error("operation {row}: {reason}")]
    Operation { row: usize, reason: &'static str },
    #[error("builds on nothing")]
    Rootless,
    #[error("does not follow its actor's change before")]
    Sequence,
    #[error("its operations are not numbered after those it builds on")]
    Numbering,
}
