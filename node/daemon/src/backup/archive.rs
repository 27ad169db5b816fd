//! The file of a backup, written and read as a stream: tar in zstd in age.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Component, Path};

use indicatif::{ProgressBar, ProgressStyle};
use noroshi_provisioning::sealed_file::{SealedWriter, open_with_passphrase, seal_with_passphrase};

use super::manifest::{Content, Manifest};
use crate::commands::Failure;

/// The name of the manifest inside, which comes last: without it the file is not whole.
const MANIFEST: &str = "manifest.json";
/// A manifest of a hundred thousand attachments has about 15 MB.
const MANIFEST_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Files a backup may have.
const FILES_MAX: usize = 500_000;
/// Level 3 compresses about five times at 200 MB/s.
const ZSTD_LEVEL: i32 = 3;
/// Bytes copied at a time.
const PIECE_BYTES: usize = 256 * 1024;

/// Writes a backup.
pub struct Writer {
    archive: tar::Builder<zstd::Encoder<'static, SealedWriter<BufWriter<File>>>>,
    manifest: Manifest,
    bar: ProgressBar,
}

impl Writer {
    pub fn create(path: &Path, passphrase: &str, manifest: Manifest) -> Result<Self, Failure> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
        let file = file.map_err(|error| format!("{}: {error}", path.display()))?;
        let sealed = seal_with_passphrase(passphrase, BufWriter::new(file))?;
        let archive = tar::Builder::new(zstd::Encoder::new(sealed, ZSTD_LEVEL)?);
        let style = ProgressStyle::with_template("{bytes} {bytes_per_sec} {wide_msg}")?;
        Ok(Self { archive, manifest, bar: ProgressBar::no_length().with_style(style) })
    }

    /// Adds a file under a name. One that grows meanwhile is taken as long as it was at first.
    pub fn add(&mut self, name: &str, path: &Path) -> Result<(), Failure> {
        self.bar.set_message(name.to_owned());
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        let mut content = Hashed { inner: file.take(bytes), hasher: blake3::Hasher::new(), bar: &self.bar };
        self.archive.append_data(&mut header(bytes), name, &mut content)?;
        let hash = content.hasher.finalize().to_hex().to_string();
        self.manifest.files.insert(name.to_owned(), Content { bytes, hash });
        Ok(())
    }

    /// Adds the manifest and puts everything on disk.
    pub fn finish(mut self) -> Result<Manifest, Failure> {
        let text = serde_json::to_vec_pretty(&self.manifest)?;
        self.archive.append_data(&mut header(text.len() as u64), MANIFEST, text.as_slice())?;
        let file = self.archive.into_inner()?.finish()?.finish()?;
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        self.bar.finish_and_clear();
        Ok(self.manifest)
    }
}

fn header(bytes: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes);
    header.set_mode(0o600);
    header
}

/// Reads a backup into a folder that exists and is empty; on disk when this returns. An error leaves what was unpacked.
pub fn unpack(path: &Path, passphrase: &str, folder: &Path) -> Result<Manifest, Failure> {
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let plain = open_with_passphrase(passphrase, BufReader::new(file))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    let broken = |error: &dyn std::fmt::Display| format!("{} is damaged or cut short: {error}", path.display());
    let mut archive = tar::Archive::new(zstd::Decoder::new(plain).map_err(|error| broken(&error))?);
    let (mut found, mut manifest) = (BTreeMap::new(), None);
    let bar = ProgressBar::no_length();
    for entry in archive.entries()? {
        let mut entry = entry.map_err(|error| broken(&error))?;
        let name = entry.path()?.to_str().map(str::to_owned).ok_or("a name in the backup is no UTF-8")?;
        if manifest.is_some() || found.len() >= FILES_MAX || found.contains_key(&name) {
            return Err(broken(&"more files than it names").into());
        }
        if name == MANIFEST {
            let mut text = Vec::new();
            entry.by_ref().take(MANIFEST_BYTES_MAX).read_to_end(&mut text).map_err(|error| broken(&error))?;
            manifest = Some(serde_json::from_slice::<Manifest>(&text).map_err(|error| broken(&error))?);
            continue;
        }
        let content = take_out(&mut entry, &name, folder, &bar).map_err(|error| broken(&error))?;
        found.insert(name, content);
    }
    let manifest = manifest.ok_or_else(|| broken(&"its end is missing"))?;
    if !manifest.is_known() {
        return Err(format!("the backup was made by a later version of this program ({})", manifest.version).into());
    }
    if manifest.files != found {
        return Err(broken(&"its files are not those it names").into());
    }
    sync_folders(folder)?;
    Ok(manifest)
}

fn take_out(entry: &mut impl Read, name: &str, folder: &Path, bar: &ProgressBar) -> io::Result<Content> {
    let relative = Path::new(name);
    if name.is_empty() || !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(io::Error::other(format!("it holds a file named {name:?}")));
    }
    let path = folder.join(relative);
    let parent = path.parent().unwrap_or(folder);
    DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    let mut content = Hashed { inner: entry, hasher: blake3::Hasher::new(), bar };
    let bytes = io::copy(&mut content, &mut file)?;
    file.sync_all()?;
    Ok(Content { bytes, hash: content.hasher.finalize().to_hex().to_string() })
}

fn sync_folders(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_folders(&entry.path())?;
        }
    }
    File::open(folder)?.sync_all()
}

/// Hashes what passes, and shows how much it is.
struct Hashed<'a, R> {
    inner: R,
    hasher: blake3::Hasher,
    bar: &'a ProgressBar,
}

impl<R: Read> Read for Hashed<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let limit = buffer.len().min(PIECE_BYTES);
        let (piece, _) = buffer.split_at_mut(limit);
        let length = self.inner.read(piece)?;
        self.hasher.update(piece.get(..length).unwrap_or_default());
        self.bar.inc(length as u64);
        Ok(length)
    }
}
