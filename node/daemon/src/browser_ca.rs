//! `noroshi browser-ca`: the browser authority of an organisation that has none, or of a new headquarters machine.

use noroshi_provisioning::KeyFolder;
use noroshi_provisioning::browser::{BrowserAuthority, fingerprint};
use noroshi_provisioning::sealed::{seal_browser_authority, unseal_browser_authority, unseal_root};

use crate::cli::BrowserCa;
use crate::commands::Failure;
use crate::folder::DataFolder;
use crate::office::wall_ms;
use crate::secrets;

const PROMPT: &str = "passphrase that seals the organisation's root key";

/// Works beside a running node, which finds the key within a minute.
pub fn run(folder: &DataFolder, command: &BrowserCa) -> Result<(), Failure> {
    let keys = KeyFolder::in_data_folder(folder.path());
    let authority = match command {
        BrowserCa::Create { domain } => create(&keys, domain)?,
        BrowserCa::Restore => restore(&keys)?,
    };
    eprintln!("Fingerprint of the certificate for browsers (SHA-256): {}", fingerprint(authority.certificate()));
    Ok(())
}

fn create(keys: &KeyFolder, domain: &str) -> Result<BrowserAuthority, Failure> {
    if keys.load_issuing()?.is_none() {
        return Err("only the node of headquarters that admits others can issue browser certificates".into());
    }
    if keys.load_sealed_browser_authority()?.is_some() {
        return Err("there is a browser authority already: people have its certificate in their browsers".into());
    }
    let passphrase = secrets::ask(secrets::PASSPHRASE, PROMPT)?;
    // One passphrase for everything in the safe; a root that was carried away cannot be asked.
    if let Some(sealed) = keys.load_sealed_root()? {
        unseal_root(&passphrase, &sealed)?;
    }
    let identity = keys.load_node()?;
    let authority = BrowserAuthority::create(identity.organisation_name(), domain, wall_ms())?;
    keys.save_browser_authority(&authority, &seal_browser_authority(&passphrase, &authority)?)?;
    Ok(authority)
}

fn restore(keys: &KeyFolder) -> Result<BrowserAuthority, Failure> {
    let kept = keys
        .load_sealed_browser_authority()?
        .ok_or("put browser-ca.key.sealed and browser-ca.pem from the safe into the folder keys first")?;
    let passphrase = secrets::ask(secrets::PASSPHRASE, PROMPT)?;
    let authority = unseal_browser_authority(&passphrase, &kept.sealed, kept.certificate)?;
    keys.restore_browser_authority(&authority)?;
    Ok(authority)
}
