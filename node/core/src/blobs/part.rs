//! A file of which some groups are here. What is here is never taken from a note: it is what the hash proves.

use std::fs::{File, OpenOptions};
use std::io::{self, Cursor};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use bao_tree::io::DecodeError;
use bao_tree::io::sync::decode_ranges;
use noroshi_sync::blob::{BlobHash, BlobId, Groups};

use super::proof::{Tree, chunks, tree, tree_bytes, valid_groups};

/// See the module.
#[derive(Debug)]
pub(super) struct Part {
    blob: BlobId,
    data: File,
    tree: Tree,
    /// By group.
    held: Vec<bool>,
    held_bytes: u64,
    pub paths: Paths,
}

#[derive(Clone, Debug)]
pub(super) struct Paths {
    pub data: PathBuf,
    pub tree: PathBuf,
}

/// Why a slice is not kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum SliceError {
    #[error("the slice is not of this file")]
    Forged,
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Part {
    /// Opens or begins. What lies there from before is looked at byte by byte: after a power cut it may be anything.
    pub fn open(blob: BlobId, paths: Paths) -> io::Result<Self> {
        let data = open(&paths.data)?;
        data.set_len(blob.size)?;
        let tree_file = open(&paths.tree)?;
        tree_file.set_len(tree_bytes(&blob))?;
        let tree = tree(&blob, tree_file);
        let count = usize::try_from(blob.groups()).map_err(|_| io::ErrorKind::InvalidInput)?;
        let mut part = Self { blob, data, held: vec![false; count], tree, held_bytes: 0, paths };
        for groups in valid_groups(&blob, &part.tree, &part.data)? {
            part.mark(groups);
        }
        Ok(part)
    }

    /// Keeps a slice if it is proved. What of it is proved before a lie is kept.
    pub fn store(&mut self, groups: Groups, slice: &[u8]) -> Result<(), SliceError> {
        if !self.blob.has(groups) {
            return Err(SliceError::Forged);
        }
        let mut reader = Cursor::new(slice);
        match decode_ranges(&mut reader, &chunks(groups), &mut self.data, &mut self.tree) {
            Ok(()) if reader.position() == slice.len() as u64 => {
                self.mark(groups);
                Ok(())
            }
            Err(DecodeError::Io(error)) if error.kind() != io::ErrorKind::UnexpectedEof => Err(error.into()),
            Ok(()) | Err(_) => Err(SliceError::Forged),
        }
    }

    fn mark(&mut self, groups: Groups) {
        let range = usize::try_from(groups.first).ok().zip(usize::try_from(groups.last).ok());
        let Some(held) = range.and_then(|(first, last)| self.held.get_mut(first..=last)) else { return };
        for (group, held) in (groups.first..).zip(held) {
            if !std::mem::replace(held, true) {
                self.held_bytes += self.blob.bytes_of(Groups { first: group, last: group });
            }
        }
    }

    pub const fn held_bytes(&self) -> u64 {
        self.held_bytes
    }

    pub fn is_complete(&self) -> bool {
        self.held.iter().all(|held| *held)
    }

    /// What is not here, in order.
    pub fn missing(&self) -> Vec<Groups> {
        let mut missing: Vec<Groups> = Vec::new();
        for (group, _) in (0..).zip(&self.held).filter(|(_, held)| !**held) {
            match missing.last_mut() {
                Some(last) if last.last + 1 == group => last.last = group,
                _ => missing.push(Groups { first: group, last: group }),
            }
        }
        missing
    }

    /// Brings everything to the disk and reads it once more, whole.
    pub fn finish(&self) -> io::Result<()> {
        self.data.sync_all()?;
        self.tree.data.sync_all()?;
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(File::open(&self.paths.data)?)?;
        let hash = BlobHash::from_bytes(*hasher.finalize().as_bytes());
        let whole = hash == self.blob.hash;
        if whole { Ok(()) } else { Err(io::Error::new(io::ErrorKind::InvalidData, "not what was stored")) }
    }
}

pub(super) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}
