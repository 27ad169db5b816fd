//! Backups: everything of one node in one encrypted file, taken while it runs, checked, and put back.
//!
//! The file is a tar archive, compressed with zstd, encrypted with a passphrase in the age format. It holds the keys, the
//! configuration, attachments and a copy of the database of one moment, and ends with a [`Manifest`] that names them all.
//! A folder put back starts with a new storage id and a new epoch: what it wrote after the backup comes back from its
//! peers, and nothing it writes then is taken for what it wrote before.

mod archive;
mod manifest;
mod restore;

use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use noroshi_provisioning::KeyFolder;
use tempfile::TempDir;

use crate::cli;
use crate::commands::{Failure, runtime};
use crate::control::Request;
use crate::folder::{DataFolder, part_of};
use crate::office::{Office, wall_ms};
use crate::secrets;
use archive::Writer;
use manifest::Manifest;

/// What is not taken along: the database is copied another way, the rest is of the running process alone.
const LEFT_OUT: [&str; 6] = ["noroshi.db", "noroshi.db-wal", "noroshi.db-shm", "storage-id", "lock", "control.sock"];

/// `noroshi backup …`
pub fn run(data: &Path, command: cli::Backup) -> Result<ExitCode, Failure> {
    match (command.action, command.file) {
        (Some(cli::BackupAction::Verify { file }), _) => return restore::verify(&file),
        (None, Some(file)) => make(&DataFolder::open(data)?, &file)?,
        (None, None) => return Err("name the file to write".into()),
    }
    Ok(ExitCode::SUCCESS)
}

/// `noroshi restore …`
pub fn restore(data: &Path, file: &Path) -> Result<(), Failure> {
    restore::restore(data, file)
}

fn make(folder: &DataFolder, file: &Path) -> Result<(), Failure> {
    if file.exists() {
        return Err(format!("{} exists already: name a new file", file.display()).into());
    }
    let passphrase = secrets::make(secrets::PASSPHRASE, "passphrase of the backup (15 characters or more)")?;
    let identity = KeyFolder::in_data_folder(folder.path()).load_node()?;
    let part = part_of(file);
    let written = write(folder, &part, &passphrase, Manifest::begin(&identity, wall_ms()));
    let manifest = match written {
        Ok(manifest) => manifest,
        Err(error) => {
            // Half a file is of no use to anybody; that it cannot be removed matters less than why it was not finished.
            _ = std::fs::remove_file(&part);
            return Err(error);
        }
    };
    std::fs::rename(&part, file)?;
    File::open(file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))?.sync_all()?;
    note(folder, &manifest)?;
    eprintln!(
        "{} files, {} bytes. Keep the passphrase elsewhere: without it nobody can read the file.",
        manifest.files.len(),
        manifest.bytes()
    );
    Ok(())
}

/// A folder for a moment that only this user can look into; gone with the value.
fn private_folder(prefix: &str, parent: &Path) -> std::io::Result<TempDir> {
    tempfile::Builder::new().prefix(prefix).permissions(PermissionsExt::from_mode(0o700)).tempdir_in(parent)
}

fn write(folder: &DataFolder, part: &Path, passphrase: &str, manifest: Manifest) -> Result<Manifest, Failure> {
    // In the folder of the node, which only its owner can read: what stands beside the backup may be a stick.
    let scratch = private_folder(".backup-", folder.path())?;
    let copy = scratch.path().join("noroshi.db");
    noroshi_node::store::snapshot(&folder.database(), &copy)?;
    let mut writer = Writer::create(part, passphrase, manifest)?;
    writer.add("noroshi.db", &copy)?;
    drop(scratch);
    for path in files_of(folder.path())? {
        let name = path.strip_prefix(folder.path())?;
        let name = name.to_str().ok_or_else(|| format!("{} is no UTF-8", path.display()))?;
        writer.add(name, &path)?;
    }
    writer.finish()
}

/// Every file of the folder but those left out, in order. Links are not followed.
fn files_of(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next)? {
            let entry = entry?;
            let (kind, name) = (entry.file_type()?, entry.file_name());
            let is_hidden = name.to_str().is_none_or(|name| name.starts_with('.'));
            let is_left_out = next == folder && name.to_str().is_some_and(|name| LEFT_OUT.contains(&name));
            if is_hidden || is_left_out {
                continue;
            }
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Into the audit log: whoever holds the file and its passphrase holds everything.
fn note(folder: &DataFolder, manifest: &Manifest) -> Result<(), Failure> {
    let request = Request::BackupMade { bytes: manifest.bytes() };
    if let Some(reply) = crate::control::ask(&folder.control_socket(), &request) {
        reply?;
        return Ok(());
    }
    let office = Office::open(folder)?;
    runtime()?.block_on(async {
        let reply = office.execute(request).await;
        office.close().await;
        reply.map(|_| ())
    })?;
    Ok(())
}
