//! Records carried by hand, from the command line: the running node reads and writes the file.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use noroshi_node::{BundleOrder, ServiceError};
use noroshi_provisioning::OfficeId;
use noroshi_sync::bundle::Since;
use serde_json::json;

use super::find_office;
use crate::control::{BundleWanted, Failure, Reply};
use crate::folder::part_of;
use crate::office::Office;

/// Written beside its name first: what has the name is whole.
pub async fn export(office: &Office, wanted: BundleWanted) -> Reply {
    if wanted.file.exists() {
        return Err(Failure::new("exists", format!("{} exists already: name a new file", wanted.file.display())));
    }
    let directory = office.node.directory();
    let unknown = |name: &String| Failure::new("unknown_office", format!("there is no office {name}"));
    let offices: Vec<OfficeId> = wanted
        .offices
        .iter()
        .map(|name| find_office(&directory, name).ok_or_else(|| unknown(name)))
        .collect::<Result<_, _>>()?;
    let since = match wanted.since_ms {
        Some(since_ms) => Since::Wall(since_ms),
        None if wanted.all => Since::Beginning,
        None => Since::Missing,
    };
    let part = part_of(&wanted.file);
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part);
    let file = file.map_err(|error| failed(&part, &error))?;
    let view = office.node.export_bundle(None, BundleOrder { offices, since }, file).await;
    let view = view.map_err(explain).inspect_err(|_| {
        // Why it was not finished is said; what is left of it is of no use.
        _ = std::fs::remove_file(&part);
    })?;
    let folder = wanted.file.parent().unwrap_or(Path::new("/"));
    let named = std::fs::rename(&part, &wanted.file).and_then(|()| File::open(folder)?.sync_all());
    named.map_err(|error| failed(&wanted.file, &error))?;
    Ok(json!(view))
}

pub async fn import(office: &Office, file: &Path) -> Reply {
    let from = File::open(file).map_err(|error| failed(file, &error))?;
    let view = office.node.import_bundle(None, from).await.map_err(explain)?;
    Ok(json!(view))
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::new("file", format!("{}: {error}", path.display()))
}

/// A sentence for the terminal.
fn explain(error: ServiceError) -> Failure {
    let sentence = match error.code() {
        "bundle_running" => "another file is being written or read: try again when it is done",
        "bundle_not_for_here" => "the file is for other nodes than this one",
        "bundle_of_later_version" => "the file was written by a later version of this program",
        "bundle_unreadable" => "this is no file of another office, or its beginning is damaged",
        "bundle_cut_short" => "the file is cut short at its beginning",
        "no_nodes" => "one of the offices has no other node",
        _ => return Failure::from(error),
    };
    Failure::new(error.code(), sentence)
}
