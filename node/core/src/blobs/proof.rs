//! The tree of hashes over a file (bao, chunk groups of 16 KiB): proves each slice against the hash alone.

use std::fs::File;
use std::io;

use bao_tree::io::EncodeError;
use bao_tree::io::outboard::PreOrderOutboard;
use bao_tree::io::sync::encode_ranges_validated;
use bao_tree::{BaoTree, BlockSize, ChunkNum, ChunkRanges};
use noroshi_sync::blob::{BlobId, Groups};
use noroshi_sync::limits::BLOB_GROUP_BYTES;

/// Chunks of BLAKE3 have 1 KiB: 2^4 of them are a group.
const GROUP: BlockSize = BlockSize::from_chunk_log(4);
const CHUNKS_A_GROUP: u64 = BLOB_GROUP_BYTES / 1024;

/// The tree in a file of its own, in pre-order. What is not known of it is zero and proves nothing.
pub(super) type Tree = PreOrderOutboard<File>;

pub(super) fn tree(blob: &BlobId, data: File) -> Tree {
    let root = blake3::Hash::from_bytes(*blob.hash.as_bytes());
    PreOrderOutboard { root, tree: BaoTree::new(blob.size, GROUP), data }
}

/// Bytes of the file with the tree.
pub(super) fn tree_bytes(blob: &BlobId) -> u64 {
    BaoTree::new(blob.size, GROUP).outboard_size()
}

pub(super) fn chunks(groups: Groups) -> ChunkRanges {
    let first = ChunkNum(groups.first.saturating_mul(CHUNKS_A_GROUP));
    let end = ChunkNum(groups.last.saturating_add(1).saturating_mul(CHUNKS_A_GROUP));
    ChunkRanges::from(first..end)
}

/// The groups whose bytes on disk are what the hash says. Reads everything: about 1 GB a second.
pub(super) fn valid_groups(blob: &BlobId, tree: &Tree, data: &File) -> io::Result<Vec<Groups>> {
    let mut valid = Vec::new();
    for group in 0..blob.groups() {
        let groups = Groups { first: group, last: group };
        match encode_ranges_validated(data, tree, &chunks(groups), io::sink()) {
            Ok(()) => valid.push(groups),
            Err(EncodeError::Io(error)) => return Err(error),
            Err(_) => {}
        }
    }
    Ok(valid)
}
