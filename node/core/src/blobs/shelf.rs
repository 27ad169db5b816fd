//! Where the bytes of attachments lie: `blobs/ab/<hash>` whole, `blobs/parts/…` as far as they have come.
//!
//! A file stands under its hash only after it is on the disk for good, its name included. So what is found there after a
//! power cut is whole; everything else is begun anew or proved again.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bao_tree::io::EncodeError;
use bao_tree::io::sync::{CreateOutboard, encode_ranges_validated};
use noroshi_sync::blob::{BlobHash, BlobId, Groups};
use noroshi_sync::limits::BLOB_BYTES_MAX;
use uuid::Uuid;

use super::part::{Part, Paths, SliceError, open};
use super::proof::{chunks, tree, tree_bytes};
use super::space::{Quota, Room, free_bytes};

/// The folder beside the database.
const FOLDER: &str = "blobs";
const PARTS: &str = "parts";
const INCOMING: &str = "incoming";
/// Added to the name of a file for the tree of hashes over it.
const TREE: &str = "tree";
/// Parts kept open.
const PARTS_OPEN_MAX: usize = 32;

/// See the module. Everything here blocks.
#[derive(Debug)]
pub struct Shelf {
    folder: PathBuf,
    pub quota: Quota,
    /// Bytes of whole files and of parts.
    used: AtomicU64,
    parts: Mutex<HashMap<BlobId, Arc<Mutex<Part>>>>,
}

/// How far a file has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stored {
    pub held_bytes: u64,
    /// It stands on the shelf, on disk.
    pub complete: bool,
}

/// What became of a slice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taking {
    Kept(Stored),
    /// Not what the hash proves.
    Forged,
    NoRoom(Room),
}

/// A file on its way in. Forgotten unless it is kept.
#[derive(Debug)]
pub struct Incoming {
    path: PathBuf,
    file: File,
    written: u64,
}

impl Shelf {
    /// Opens or makes the folder in a data folder. What uploads that were broken off left behind goes.
    pub fn open(data_folder: &Path, quota: Quota) -> io::Result<Self> {
        let folder = data_folder.join(FOLDER);
        for part in [&folder, &folder.join(PARTS), &folder.join(INCOMING)] {
            DirBuilder::new().recursive(true).mode(0o700).create(part)?;
        }
        for file in fs::read_dir(folder.join(INCOMING))? {
            fs::remove_file(file?.path())?;
        }
        let used = AtomicU64::new(bytes_in(&folder)?);
        Ok(Self { folder, quota, used, parts: Mutex::default() })
    }

    // ---- Whole files -----------------------------------------------------------------------------------------------

    pub fn path_of(&self, hash: &BlobHash) -> PathBuf {
        let name = hash.to_string();
        self.folder.join(name.get(..2).unwrap_or_default()).join(&name)
    }

    /// Whether it stands here whole.
    pub fn has(&self, blob: &BlobId) -> bool {
        fs::metadata(self.path_of(&blob.hash)).is_ok_and(|file| file.is_file() && file.len() == blob.size)
    }

    /// A place for an upload.
    pub fn incoming(&self) -> io::Result<Incoming> {
        let path = self.folder.join(INCOMING).join(Uuid::now_v7().to_string());
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Incoming { path, file, written: 0 })
    }

    /// Puts a file on the shelf; it is on disk when this returns. The same content twice is one file.
    pub fn keep(&self, incoming: &Incoming) -> io::Result<BlobId> {
        incoming.file.sync_all()?;
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(File::open(&incoming.path)?)?;
        let blob = BlobId { hash: BlobHash::from_bytes(*hasher.finalize().as_bytes()), size: incoming.written };
        if !self.has(&blob) {
            self.place(&blob, &incoming.path)?;
            self.used.fetch_add(blob.size, Ordering::Relaxed);
            self.forget_part(&blob)?;
        }
        Ok(blob)
    }

    /// Moves a file that is on disk to where whole files are.
    fn place(&self, blob: &BlobId, from: &Path) -> io::Result<()> {
        let to = self.path_of(&blob.hash);
        let folder = to.parent().unwrap_or(&self.folder);
        if !folder.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            File::open(&self.folder)?.sync_all()?;
        }
        fs::rename(from, &to)?;
        File::open(folder)?.sync_all()
    }

    /// Takes a file away, whole or in parts.
    pub fn remove(&self, blob: &BlobId) -> io::Result<()> {
        let path = self.path_of(&blob.hash);
        if self.has(blob) {
            fs::remove_file(&path)?;
            self.used.fetch_sub(blob.size, Ordering::Relaxed);
        }
        remove_if_there(&path.with_extension(TREE))?;
        self.forget_part(blob)
    }

    /// For reading; `None` when it is not here.
    pub fn read(&self, blob: &BlobId) -> io::Result<Option<File>> {
        match File::open(self.path_of(&blob.hash)) {
            Ok(file) if file.metadata()?.len() == blob.size => Ok(Some(file)),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A slice with its proof; `None` when the file is not here. A file that is no longer what it was is taken away: it is
    /// to be fetched again.
    pub fn slice(&self, blob: &BlobId, groups: Groups) -> io::Result<Option<Vec<u8>>> {
        if !blob.has(groups) {
            return Ok(None);
        }
        let Some(data) = self.read(blob)? else { return Ok(None) };
        let tree_path = self.path_of(&blob.hash).with_extension(TREE);
        if fs::metadata(&tree_path).map_or(0, |file| file.len()) != tree_bytes(blob) {
            self.make_tree(blob, &data)?;
        }
        for is_last in [false, true] {
            let mut slice = Vec::new();
            match encode_ranges_validated(&data, tree(blob, open(&tree_path)?), &chunks(groups), &mut slice) {
                Ok(()) => return Ok(Some(slice)),
                Err(EncodeError::Io(error)) => return Err(error),
                // The tree may be what is wrong.
                Err(_) if !is_last => self.make_tree(blob, &data)?,
                Err(_) => break,
            }
        }
        tracing::error!(hash = %blob.hash, "an attachment is not what it was; it is fetched again");
        self.remove(blob)?;
        Ok(None)
    }

    fn make_tree(&self, blob: &BlobId, data: &File) -> io::Result<()> {
        let path = self.path_of(&blob.hash).with_extension(TREE);
        remove_if_there(&path)?;
        let mut tree = tree(blob, open(&path)?);
        let mut reader = data;
        io::Seek::rewind(&mut reader)?;
        tree.init_from(&mut io::BufReader::new(reader))?;
        tree.data.set_len(tree_bytes(blob))
    }

    // ---- Parts -----------------------------------------------------------------------------------------------------

    /// The groups that are not here.
    pub fn missing(&self, blob: &BlobId) -> io::Result<Vec<Groups>> {
        if self.has(blob) {
            return Ok(Vec::new());
        }
        // Nothing is made for what nobody has sent anything of.
        if !self.part_paths(blob).data.exists() {
            return Ok(vec![Groups { first: 0, last: blob.groups().saturating_sub(1) }]);
        }
        let part = self.part(blob)?;
        let part = lock(&part);
        Ok(part.missing())
    }

    /// Keeps a slice. When it was the last one, the file is on disk for good.
    pub fn store(&self, blob: &BlobId, groups: Groups, slice: &[u8]) -> io::Result<Taking> {
        if self.has(blob) {
            return Ok(Taking::Kept(Stored { held_bytes: blob.size, complete: true }));
        }
        if !blob.is_well_formed() {
            return Ok(Taking::Forged);
        }
        let room = self.room(if self.part_paths(blob).data.exists() { 0 } else { blob.size })?;
        if room != Room::Enough {
            return Ok(Taking::NoRoom(room));
        }
        let shared = self.part(blob)?;
        let mut part = lock(&shared);
        // Somebody else brought the last slice meanwhile.
        if self.has(blob) {
            return Ok(Taking::Kept(Stored { held_bytes: blob.size, complete: true }));
        }
        match part.store(groups, slice) {
            Ok(()) => {}
            Err(SliceError::Forged) => return Ok(Taking::Forged),
            Err(SliceError::Io(error)) => return Err(error),
        }
        let complete = part.is_complete();
        if complete {
            self.finish(blob, &part)?;
        }
        Ok(Taking::Kept(Stored { held_bytes: part.held_bytes(), complete }))
    }

    fn finish(&self, blob: &BlobId, part: &Part) -> io::Result<()> {
        if let Err(error) = part.finish() {
            // Begun anew: what the parts prove one by one, the whole does not.
            self.forget_part(blob)?;
            return Err(error);
        }
        self.place(blob, &part.paths.data)?;
        fs::rename(&part.paths.tree, self.path_of(&blob.hash).with_extension(TREE))?;
        self.open_parts().remove(blob);
        Ok(())
    }

    fn part(&self, blob: &BlobId) -> io::Result<Arc<Mutex<Part>>> {
        let mut parts = self.open_parts();
        if let Some(part) = parts.get(blob) {
            return Ok(part.clone());
        }
        if parts.len() >= PARTS_OPEN_MAX {
            // What is in use stays; the others are proved again when they are asked for.
            parts.retain(|_, part| Arc::strong_count(part) > 1);
        }
        let paths = self.part_paths(blob);
        // As long as it was counted: a power cut may have left it short.
        let counted = fs::metadata(&paths.data).map_or(0, |file| file.len());
        let part = Arc::new(Mutex::new(Part::open(*blob, paths)?));
        self.used.fetch_add(blob.size.saturating_sub(counted), Ordering::Relaxed);
        parts.insert(*blob, part.clone());
        Ok(part)
    }

    fn forget_part(&self, blob: &BlobId) -> io::Result<()> {
        self.open_parts().remove(blob);
        let paths = self.part_paths(blob);
        if paths.data.exists() {
            fs::remove_file(&paths.data)?;
            self.used.fetch_sub(blob.size, Ordering::Relaxed);
        }
        remove_if_there(&paths.tree)
    }

    fn part_paths(&self, blob: &BlobId) -> Paths {
        let name = format!("{}.{}", blob.hash, blob.size);
        let folder = self.folder.join(PARTS);
        Paths { tree: folder.join(format!("{name}.{TREE}")), data: folder.join(name) }
    }

    fn open_parts(&self) -> MutexGuard<'_, HashMap<BlobId, Arc<Mutex<Part>>>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ---- Room ------------------------------------------------------------------------------------------------------

    /// Bytes of attachments here, those begun included.
    pub fn used_bytes(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether there is room for so many more bytes.
    pub fn room(&self, more: u64) -> io::Result<Room> {
        Ok(self.quota.room(self.used_bytes(), free_bytes(&self.folder)?, more))
    }

    /// Every file that is here or has been begun.
    pub fn all(&self) -> io::Result<Vec<BlobId>> {
        let mut all = Vec::new();
        for folder in fs::read_dir(&self.folder)? {
            let folder = folder?;
            if !folder.file_type()?.is_dir() || folder.file_name() == INCOMING {
                continue;
            }
            for file in fs::read_dir(folder.path())? {
                let file = file?;
                let name = file.file_name();
                let Some(name) = name.to_str().filter(|name| !name.ends_with(TREE)) else { continue };
                let hash = name.split('.').next().unwrap_or_default().parse();
                all.extend(
                    hash.ok().map(|hash| file.metadata().map(|data| BlobId { hash, size: data.len() })).transpose()?,
                );
            }
        }
        Ok(all)
    }
}

impl Incoming {
    /// # Errors
    /// [`io::ErrorKind::FileTooLarge`] beyond [`BLOB_BYTES_MAX`].
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = self.written.saturating_add(bytes.len() as u64);
        if written > BLOB_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.file.write_all(bytes)?;
        self.written = written;
        Ok(())
    }

    pub const fn written(&self) -> u64 {
        self.written
    }

    /// All of it, from the beginning.
    pub fn reader(&self) -> io::Result<File> {
        File::open(&self.path)
    }

    /// The first bytes.
    pub fn head(&self, bytes_max: usize) -> io::Result<Vec<u8>> {
        let mut head = Vec::new();
        self.reader()?.take(bytes_max as u64).read_to_end(&mut head)?;
        Ok(head)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // Moved to the shelf, or not wanted; what stays by accident goes at the next start.
        _ = fs::remove_file(&self.path);
    }
}

fn lock(part: &Mutex<Part>) -> MutexGuard<'_, Part> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Of all files but trees, which are small.
fn bytes_in(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if entry.file_type()?.is_dir() {
            bytes += bytes_in(&entry.path())?;
        } else if !name.to_str().is_some_and(|name| name.ends_with(TREE)) {
            bytes += entry.metadata()?.len();
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
