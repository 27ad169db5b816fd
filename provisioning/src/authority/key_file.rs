//! Files that hold secrets: written whole or not at all, for the owner's eyes only, refused when others could read them.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

use super::identity::IdentityError;
use super::issue::IssueError;
use crate::key::KeyPair;

/// Largest file read here, bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    #[error("{path}: {error}")]
    Io { path: PathBuf, error: io::Error },
    #[error("{path} exists already; a key is never overwritten")]
    Exists { path: PathBuf },
    #[error(
        "{path} can be read by others (mode {mode:04o}); whoever read it can pretend to be this node. \
         Run `chmod 600 {path}` if nobody did, or join the node anew"
    )]
    ReadableByOthers { path: PathBuf, mode: u32 },
    #[error("{path} is larger than {FILE_BYTES_MAX} bytes")]
    TooLarge { path: PathBuf },
    #[error("{path} holds no {what}")]
    Malformed { path: PathBuf, what: &'static str },
    #[error("{folder}: {error}")]
    Identity { folder: PathBuf, error: IdentityError },
    #[error("{path}: {reason}")]
    Browser { path: PathBuf, reason: String },
    #[error("{folder}: {error}")]
    Issuing { folder: PathBuf, error: IssueError },
}

/// Makes a folder that only its owner may enter; the folder may exist already.
pub fn create_folder(path: &Path) -> Result<(), KeyFileError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| io_error(path, error))
}

/// Writes a file of mode 0600 that must not exist yet, whole or not at all. On disk when this returns.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), KeyFileError> {
    if fs::symlink_metadata(path).is_ok() {
        return Err(KeyFileError::Exists { path: path.to_path_buf() });
    }
    replace(path, bytes)
}

/// Replaces a file of mode 0600, whole or not at all; for what may change (sealed again, a certificate renewed).
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), KeyFileError> {
    let temporary = temporary_beside(path);
    write_synced(&temporary, bytes)?;
    rename(&temporary, path)
}

/// Puts a file in the place of another one in the same folder.
pub fn rename(from: &Path, to: &Path) -> Result<(), KeyFileError> {
    fs::rename(from, to).map_err(|error| io_error(to, error))?;
    sync_folder(to)
}

/// Removes a file, if it is there.
pub fn remove(path: &Path) -> Result<(), KeyFileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(path, error)),
        _ => Ok(()),
    }
}

/// Reads a file that nobody but its owner may read.
pub fn read_secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let file = File::open(path).map_err(|error| io_error(path, error))?;
    let mode = file.metadata().map_err(|error| io_error(path, error))?.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::ReadableByOthers { path: path.to_path_buf(), mode });
    }
    read_all(path, &file)
}

/// Reads a file that is no secret.
pub fn read_public(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    read_all(path, &File::open(path).map_err(|error| io_error(path, error))?)
}

/// The key in a PEM file of [`key_pem`].
pub fn read_key(path: &Path) -> Result<KeyPair, KeyFileError> {
    let pem = read_secret(path)?;
    let malformed = || KeyFileError::Malformed { path: path.to_path_buf(), what: "Ed25519 private key (PKCS#8, PEM)" };
    let der = PrivatePkcs8KeyDer::from_pem_slice(&pem).map_err(|_| malformed())?;
    KeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| malformed())
}

/// The private key in a PEM file, whatever its algorithm (PKCS#8 DER).
pub fn read_pkcs8(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let pem = read_secret(path)?;
    let der = PrivatePkcs8KeyDer::from_pem_slice(&pem)
        .map_err(|_| KeyFileError::Malformed { path: path.to_path_buf(), what: "private key (PKCS#8, PEM)" })?;
    Ok(Zeroizing::new(der.secret_pkcs8_der().to_vec()))
}

/// The certificates in a PEM file, in order; at least one.
pub fn read_certificates(path: &Path) -> Result<Vec<Vec<u8>>, KeyFileError> {
    let pem = read_public(path)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match certificates {
        Ok(found) if !found.is_empty() => Ok(found.into_iter().map(|der| der.to_vec()).collect()),
        _ => Err(KeyFileError::Malformed { path: path.to_path_buf(), what: "certificate (PEM)" }),
    }
}

/// A private key as PEM.
pub fn key_pem(key: &KeyPair) -> Zeroizing<String> {
    pkcs8_pem(&key.pkcs8())
}

/// A private key in PKCS#8 DER as PEM.
pub fn pkcs8_pem(pkcs8: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(pem("PRIVATE KEY", pkcs8))
}

/// Certificates as PEM.
pub fn certificates_pem(certificates: &[Vec<u8>]) -> String {
    certificates.iter().map(|der| pem("CERTIFICATE", der)).collect()
}

/// RFC 7468: lines of 64 characters.
fn pem(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    // 48 bytes are 64 characters.
    for line in der.chunks(48) {
        data_encoding::BASE64.encode_append(line, &mut text);
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), KeyFileError> {
    // A left-over of an interrupted write; nobody else uses this name.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_error(path, error)),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| io_error(path, error))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|error| io_error(path, error))
}

fn sync_folder(path: &Path) -> Result<(), KeyFileError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| io_error(folder, error))
}

fn temporary_beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".new");
    path.with_file_name(name)
}

fn read_all(path: &Path, file: &File) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| io_error(path, error))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(KeyFileError::TooLarge { path: path.to_path_buf() });
    }
    Ok(bytes)
}

fn io_error(path: &Path, error: io::Error) -> KeyFileError {
    KeyFileError::Io { path: path.to_path_buf(), error }
}
