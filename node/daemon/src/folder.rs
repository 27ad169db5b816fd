//! The data folder of a node: where its files are, who may read them, and that only one process uses it.

use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use fs4::fs_std::FileExt;

use crate::config;
use crate::mount::network_file_system;

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error("{0} is not the data folder of a node: run `noroshi init` or `noroshi join` first")]
    NotANode(String),
    #[error("{0} already holds a node; choose another folder")]
    Taken(String),
    #[error("{0} waits for its certificate: run `noroshi join --certificate FILE` with the answer to its request")]
    Waiting(String),
    #[error("another noroshi process uses {0}")]
    InUse(String),
    #[error("{path} can be read by other users of this machine (mode {mode:o}): run `chmod {want:o} {path}`")]
    Exposed { path: String, mode: u32, want: u32 },
    #[error(
        "{path} lies on a network drive ({kind}), where what is saved is not safe: choose a folder on a disk of this machine"
    )]
    Network { path: String, kind: String },
    #[error("{path}: {error}")]
    Io { path: String, error: std::io::Error },
}

/// A folder that belongs to one node.
#[derive(Debug, Clone)]
pub struct DataFolder {
    path: PathBuf,
}

/// Held as long as a process uses the folder; the system frees it when the process dies.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

impl DataFolder {
    /// Makes a new folder for a node, readable by its owner alone. An existing empty folder is taken over.
    pub fn create(path: &Path) -> Result<Self, FolderError> {
        let folder = Self { path: path.to_path_buf() };
        if folder.config_file().exists() || folder.keys().exists() || folder.database().exists() {
            return Err(FolderError::Taken(folder.name()));
        }
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| folder.io(path, error))?;
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o700)).map_err(|error| folder.io(path, error))?;
        folder.check_disk()
    }

    /// Opens the folder of a node.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let folder = Self { path: path.to_path_buf() };
        if !folder.keys().is_dir() {
            return Err(FolderError::NotANode(folder.name()));
        }
        if folder.keys().join("join-request.txt").exists() && !folder.keys().join("node.key").exists() {
            return Err(FolderError::Waiting(folder.name()));
        }
        folder.check_privacy()
    }

    /// Opens the folder of a machine that has asked to join and is no node yet.
    pub fn waiting(path: &Path) -> Result<Self, FolderError> {
        Self { path: path.to_path_buf() }.check_privacy()
    }

    /// Removes what a node stores; its keys and its configuration stay.
    pub fn remove_store(&self) -> Result<(), FolderError> {
        for name in ["noroshi.db", "noroshi.db-wal", "noroshi.db-shm", "storage-id"] {
            let path = self.path.join(name);
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(self.io(&path, error)),
                _ => {}
            }
        }
        Ok(())
    }

    fn check_privacy(self) -> Result<Self, FolderError> {
        let (folder, path) = (&self, &self.path);
        let mode = std::fs::metadata(path).map_err(|error| folder.io(path, error))?.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(FolderError::Exposed { path: folder.name(), mode, want: 0o700 });
        }
        self.check_disk()
    }

    fn check_disk(self) -> Result<Self, FolderError> {
        match network_file_system(&self.path) {
            Some(kind) => Err(FolderError::Network { path: self.name(), kind }),
            None => Ok(self),
        }
    }

    /// Claims the folder for this process.
    pub fn lock(&self) -> Result<FolderLock, FolderError> {
        let path = self.path.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| self.io(&path, error))?;
        match FileExt::try_lock_exclusive(&file) {
            Ok(true) => Ok(FolderLock { _file: file }),
            Ok(false) => Err(FolderError::InUse(self.name())),
            Err(error) => Err(self.io(&path, error)),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
    pub fn config_file(&self) -> PathBuf {
        self.path.join(config::FILE_NAME)
    }
    pub fn database(&self) -> PathBuf {
        self.path.join("noroshi.db")
    }
    pub fn keys(&self) -> PathBuf {
        self.path.join("keys")
    }
    /// Where commands reach the running node of this folder.
    pub fn control_socket(&self) -> PathBuf {
        self.path.join("control.sock")
    }

    /// Writes a file that only the owner may read, whole or not at all.
    pub fn write(&self, path: &Path, text: &str) -> Result<(), FolderError> {
        let write = || {
            let part = path.with_extension("part");
            let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&part)?;
            std::io::Write::write_all(&mut file, text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&part, path)?;
            File::open(&self.path)?.sync_all()
        };
        write().map_err(|error| self.io(path, error))
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn io(&self, path: &Path, error: std::io::Error) -> FolderError {
        FolderError::Io { path: path.display().to_string(), error }
    }
}

/// The name of a file outside the folder until it is whole.
pub fn part_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_private_and_used_by_one_process() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("朝凪市 本庁");
        let folder = DataFolder::create(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        assert!(matches!(DataFolder::open(&path), Err(FolderError::NotANode(_))));
        std::fs::create_dir(folder.keys()).unwrap();
        let open = DataFolder::open(&path).unwrap();
        let lock = open.lock().unwrap();
        assert!(matches!(open.lock(), Err(FolderError::InUse(_))));
        drop(lock);
        open.lock().unwrap();
        assert!(matches!(DataFolder::create(&path), Err(FolderError::Taken(_))));
    }

    #[test]
    fn a_folder_others_can_read_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let folder = DataFolder::create(parent.path()).unwrap();
        std::fs::create_dir(folder.keys()).unwrap();
        std::fs::set_permissions(parent.path(), PermissionsExt::from_mode(0o755)).unwrap();
        assert!(matches!(DataFolder::open(parent.path()), Err(FolderError::Exposed { .. })));
    }

    #[test]
    fn files_are_written_whole_and_private() {
        let parent = tempfile::tempdir().unwrap();
        let folder = DataFolder::create(parent.path()).unwrap();
        folder.write(&folder.config_file(), "first").unwrap();
        folder.write(&folder.config_file(), "second").unwrap();
        assert_eq!(std::fs::read_to_string(folder.config_file()).unwrap(), "second");
        assert_eq!(std::fs::metadata(folder.config_file()).unwrap().mode() & 0o777, 0o600);
    }
}
