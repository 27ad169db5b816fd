//! Puts a backup back into a new folder, or only looks whether that could be done.

use std::fs::File;
use std::path::Path;
use std::process::ExitCode;

use noroshi_provisioning::KeyFolder;
use serde_json::{Value, json};

use super::archive::unpack;
use super::manifest::Manifest;
use super::private_folder;
use crate::commands::{EXIT_DAMAGED, Failure, runtime};
use crate::folder::DataFolder;
use crate::office::Office;
use crate::secrets;

/// Unpacks into a folder beside the new one and gives it its name when it is whole. Without the file `storage-id` the
/// database takes a new storage id at its first start, so that peers do not take it for the one they knew.
pub fn restore(data: &Path, file: &Path) -> Result<(), Failure> {
    if data.exists() && std::fs::read_dir(data)?.next().is_some() {
        return Err(format!("{} is not empty: name a new folder with --data", data.display()).into());
    }
    let passphrase = secrets::ask(secrets::PASSPHRASE, "passphrase of the backup")?;
    let parent = data.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent)?;
    let scratch = private_folder(".restore-", parent)?;
    let manifest = unpack(file, &passphrase, scratch.path())?;
    check_owner(&manifest, scratch.path())?;
    DataFolder::open(scratch.path())?;
    // An empty folder of that name gives way.
    std::fs::rename(scratch.path(), data).map_err(|error| format!("{}: {error}", data.display()))?;
    let _moved = scratch.keep();
    File::open(parent)?.sync_all()?;
    eprintln!("Restored into {} what {} was at {}.", data.display(), manifest.node, time_of(&manifest));
    eprintln!("The old machine must never run again with the same keys. Then: noroshi --data {} serve", data.display());
    Ok(())
}

/// Unpacks into a folder for a moment, and checks everything in it as `noroshi check` does.
pub fn verify(file: &Path) -> Result<ExitCode, Failure> {
    let passphrase = secrets::ask(secrets::PASSPHRASE, "passphrase of the backup")?;
    let scratch = private_folder("noroshi-verify-", &std::env::temp_dir())?;
    let manifest = unpack(file, &passphrase, scratch.path())?;
    check_owner(&manifest, scratch.path())?;
    let office = Office::open(&DataFolder::open(scratch.path())?)?;
    let report = runtime()?.block_on(async {
        let report = office.node.check().await;
        office.close().await;
        report
    })?;
    let damages: Vec<String> = report.damages.iter().map(ToString::to_string).collect();
    let (node, organisation, made) = (&manifest.node, &manifest.organisation, time_of(&manifest));
    println!(
        "{}",
        json!({"clean": damages.is_empty(), "node": node, "organisation": organisation, "made": made,
            "files": manifest.files.len(), "bytes": manifest.bytes(), "rooms": report.rooms,
            "entries": report.entries, "damages": damages})
    );
    Ok(if damages.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_DAMAGED) })
}

/// The keys inside are those of the node that the manifest names.
fn check_owner(manifest: &Manifest, folder: &Path) -> Result<(), Failure> {
    let identity = KeyFolder::in_data_folder(folder).load_node()?;
    if identity.node().to_string() != manifest.node {
        return Err("the keys in the backup are not those of the node it names".into());
    }
    Ok(())
}

fn time_of(manifest: &Manifest) -> Value {
    Value::String(noroshi_node::view::Time::from_ms(manifest.made_ms).0)
}
