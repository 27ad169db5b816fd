//! The new machine's side: writes the request, and becomes a node by the answer. Until the very last step the folder is
//! one that waits; whatever is interrupted can be done again.

use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::path::Path;

use noroshi_provisioning::KeyFolder;
use noroshi_provisioning::join::files::{
    FileKind, Fingerprint, OfflineCertificate, OfflineJoined, OfflineRequest, RequestKeys,
};

use crate::cli::Join;
use crate::commands::{Failure, runtime};
use crate::config::Config;
use crate::folder::DataFolder;
use crate::founding::{addresses, configured};
use crate::joining::name_of;
use crate::office::{open_node, wall_ms};

/// Makes the folder and the request, or writes the request of a folder that waits once more.
pub fn ask(data: &Path, join: &Join, file: &Path) -> Result<(), Failure> {
    let kept = KeyFolder::in_data_folder(data).load_request()?;
    let request = match kept {
        Some((_, request)) => {
            eprintln!("This folder has asked before; the same request is written again.");
            request
        }
        None => begin(data, join)?,
    };
    write_out(file, &request.to_text())?;
    eprintln!("The request is in {}. Carry it to headquarters; nothing in it is secret.", file.display());
    eprintln!("Read its fingerprint to the administrator by telephone:");
    println!("{}", request.fingerprint());
    eprintln!("Next, with the answer: noroshi --data {} join --certificate FILE", data.display());
    Ok(())
}

fn begin(data: &Path, join: &Join) -> Result<OfflineRequest, Failure> {
    let config = configured(&join.ports)?;
    let keys = RequestKeys::generate()?;
    let request = OfflineRequest::make(&keys, &name_of(join), addresses(&config.sync.announce)?, wall_ms())?;
    let folder = DataFolder::create(data)?;
    let _lock = folder.lock()?;
    folder.write(&folder.config_file(), &config.to_commented_toml())?;
    KeyFolder::create(folder.path())?.save_request(&keys, &request)?;
    Ok(request)
}

/// Makes the folder a node by the certificate file. Nothing changes when it is not the right one.
pub fn install(data: &Path, join: &Join, file: &Path) -> Result<(), Failure> {
    let keys = KeyFolder::in_data_folder(data);
    if keys.load_node().is_ok() {
        return Err(format!("{} is a node already; a certificate file is used once", data.display()).into());
    }
    let (request_keys, request) = keys
        .load_request()?
        .ok_or_else(|| format!("{} has not asked to join: run `noroshi join --request FILE` first", data.display()))?;
    let folder = DataFolder::waiting(data)?;
    let _lock = folder.lock()?;
    let text = read_file(file, FileKind::Certificate)?;
    let organisation = expected(join)?;
    let papers = OfflineCertificate::open(&text, &request_keys, &request, organisation, wall_ms())?;
    // What an interrupted attempt left.
    folder.remove_store()?;
    if let Err(error) = runtime()?.block_on(take_ledger(&folder, &papers)) {
        folder.remove_store()?;
        return Err(error);
    }
    let mut config = Config::read(&folder.config_file())?;
    let known = papers.joined.headquarters.iter().flat_map(|known| known.addresses.iter().map(ToString::to_string));
    for address in known {
        if !config.sync.peers.contains(&address) {
            config.sync.peers.push(address);
        }
    }
    folder.write(&folder.config_file(), &config.to_commented_toml())?;
    keys.save_node(&papers.joined.identity)?;
    keys.drop_request()?;
    eprintln!("This is now the node {} of {}.", papers.joined.name, papers.joined.identity.organisation_name());
    eprintln!("Next: noroshi --data {} serve", folder.path().display());
    Ok(())
}

/// Stores the ledger in the file as if a peer had sent it, and sees whether it says what the papers say.
async fn take_ledger(folder: &DataFolder, papers: &OfflineJoined) -> Result<(), Failure> {
    let own = papers.joined.identity.node();
    let node = open_node(folder, papers.joined.identity.clone())?;
    let taken = node.take_windows(papers.writer, papers.windows.clone()).await;
    let directory = node.directory();
    node.close().await;
    let refused = taken?;
    if !refused.is_empty() {
        eprintln!("{} parts of the ledger are of nodes that do not count any more and were left out.", refused.len());
    }
    if !directory.is_headquarters_node(papers.writer) {
        return Err("the file was not written by a node of headquarters".into());
    }
    match directory.node(own) {
        Some(record) if record.office == papers.joined.office => Ok(()),
        Some(_) => Err("the certificate is for another office than the ledger in the file says".into()),
        None => Err("the ledger in the file does not name this machine; ask headquarters for a new file".into()),
    }
}

/// The organisation that the administrator at headquarters reads out.
fn expected(join: &Join) -> Result<Fingerprint, Failure> {
    match join.organisation {
        Some(fingerprint) => Ok(fingerprint),
        None => ask_fingerprint("fingerprint of the organisation, as headquarters reads it out", "--organisation"),
    }
}

/// Asks on the terminal; without one, the option must be given.
pub fn ask_fingerprint(prompt: &str, option: &str) -> Result<Fingerprint, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(format!("no terminal to ask on: give {option} with the {prompt}").into());
    }
    eprint!("{prompt}: ");
    std::io::stderr().flush()?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line.trim().parse()?)
}

/// Reads a file that somebody carried here, never more than such a file may have.
pub fn read_file(path: &Path, kind: FileKind) -> Result<Vec<u8>, Failure> {
    let named = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut bytes = Vec::new();
    let limit = kind.bytes_max() as u64 + 1;
    File::open(path).map_err(named)?.take(limit).read_to_end(&mut bytes).map_err(named)?;
    Ok(bytes)
}

/// Writes a file to be carried away, whole or not at all.
pub fn write_out(path: &Path, text: &str) -> Result<(), Failure> {
    let write = || {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let part = folder.join(format!(".{name}.part"));
        let mut file = File::create(&part)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&part, path)
    };
    write().map_err(|error| format!("{}: {error}", path.display()).into())
}
