//! Puts a new database in the place of a damaged one: with everything that is still as it was signed; the rest is fetched
//! from whoever holds it when the node runs again.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use noroshi_provisioning::NodeIdentity;
use noroshi_sync::store::StoreError;

use crate::hub::Hub;
use crate::node::{DATABASE_FILE, OpenError, OpenOptions, database_options};
use crate::store::projection::Projection;
use crate::store::{Damage, Database, Salvaged};

/// What a repair did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repair {
    /// Nothing is wrong with the database, so nothing was done.
    Sound,
    /// A new one is in its place.
    Done { damages: Vec<Damage>, salvaged: Salvaged, kept_as: PathBuf },
}

/// Checks the database of a stopped node and replaces it if anything is wrong. Needs as much room as it has content; the
/// damaged one is kept beside it. When this is interrupted, the old one is still in its place or the new one is.
pub fn repair(options: &OpenOptions, identity: &NodeIdentity) -> Result<Repair, OpenError> {
    let (hub, _events) = Hub::new(Arc::new(noroshi_provisioning::Directory::empty(identity.organisation())));
    let projection = Arc::new(Projection::new(identity.root_public_key(), hub));
    let settings = database_options(options, identity, projection.clone())?;
    let path = options.folder.join(DATABASE_FILE);
    let damages = match Database::open_reader(&path, settings.clone()).and_then(|database| database.check()) {
        Ok(report) if report.damages.is_empty() => return Ok(Repair::Sound),
        Ok(report) => report.damages,
        Err(StoreError::Damaged(what) | StoreError::Invalid(what)) => vec![Damage::File(what)],
        Err(error) => return Err(error.into()),
    };
    let new = path.with_extension("db.new");
    remove(&new)?;
    let mut database = Database::open(&new, settings)?;
    projection.begin(&mut database)?;
    let salvaged = database.salvage(&path)?;
    drop(database);
    let kept_as = path.with_extension(format!("db.damaged-{}", options.clock.wall_ms()));
    put_aside(&path, &kept_as)?;
    put_aside(&new, &path)?;
    File::open(&options.folder).and_then(|folder| folder.sync_all()).map_err(|error| io(&options.folder, &error))?;
    Ok(Repair::Done { damages, salvaged, kept_as })
}

/// The database file and those that SQLite keeps beside it.
fn files(path: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|end| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        name.into()
    })
}

fn remove(path: &Path) -> Result<(), StoreError> {
    files(path).iter().try_for_each(|file| match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io(file, &error)),
        _ => Ok(()),
    })
}

fn put_aside(from: &Path, to: &Path) -> Result<(), StoreError> {
    files(from).iter().zip(files(to)).try_for_each(|(from, to)| match fs::rename(from, to) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io(from, &error)),
        _ => Ok(()),
    })
}

fn io(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Io(format!("{}: {error}", path.display()))
}
