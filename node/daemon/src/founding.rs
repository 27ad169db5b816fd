//! `noroshi init`: an organisation from nothing, with this machine as the first node of headquarters.

use std::net::SocketAddr;
use std::path::Path;

use noroshi_provisioning::browser::{BrowserAuthority, fingerprint};
use noroshi_provisioning::organisation::{FirstAdministrator, Founding, found};
use noroshi_provisioning::recovery::recovery_sheet;
use noroshi_provisioning::sealed::seal_browser_authority;
use noroshi_provisioning::{KeyFolder, NodeAddress};

use crate::cli::{Init, Ports};
use crate::commands::{Failure, runtime};
use crate::config::Config;
use crate::folder::DataFolder;
use crate::office::{open_node, wall_ms};
use crate::secrets;

/// Where people look who type a name without `https://`.
const HELPER_PORT: u16 = 80;

/// Founds the organisation. The node's key is written last: a folder that was interrupted is no node.
pub fn init(data: &Path, init: &Init) -> Result<(), Failure> {
    let password = secrets::make(secrets::ADMINISTRATOR, &format!("password of {}", init.login))?;
    let root_passphrase = secrets::make(secrets::PASSPHRASE, "passphrase that seals the organisation's root key")?;
    let config = configured(&init.ports)?;
    let browser = BrowserAuthority::create(init.organisation.trim(), &init.domain, wall_ms())?;
    let sealed_browser = seal_browser_authority(&root_passphrase, &browser)?;
    let founded = found(&Founding {
        organisation: init.organisation.trim().to_owned(),
        root_passphrase,
        office: init.office.trim().to_owned(),
        office_kana: String::new(),
        node: init.office.trim().to_owned(),
        addresses: addresses(&config.sync.announce)?,
        administrator: FirstAdministrator {
            login: init.login.clone(),
            name: init.name.trim().to_owned(),
            kana: init.kana.trim().to_owned(),
            section: init.section.trim().to_owned(),
            post: init.post.trim().to_owned(),
            password,
        },
        now_ms: wall_ms(),
    })?;
    let folder = DataFolder::create(data)?;
    let _lock = folder.lock()?;
    folder.write(&folder.config_file(), &config.to_commented_toml())?;
    let node = open_node(&folder, founded.identity.clone())?;
    runtime()?.block_on(async {
        let written = node.append_ledger(founded.ledger.clone()).await;
        node.close().await;
        written
    })?;
    let keys = KeyFolder::create(folder.path())?;
    keys.save_browser_authority(&browser, &sealed_browser)?;
    founded.save(&keys)?;

    let user = founded.administrator.user();
    eprintln!("{} is founded; its first node is in {}.", init.organisation, folder.path().display());
    eprintln!(
        "Print the recovery sheet below and keep it in a safe: it replaces the administrator's key if this machine is lost.\n"
    );
    println!("{}", recovery_sheet(&init.organisation, &init.name, user, &founded.administrator));
    eprintln!("Fingerprint of the certificate for browsers (SHA-256): {}", fingerprint(browser.certificate()));
    eprintln!("Next: noroshi --data {} serve", folder.path().display());
    Ok(())
}

/// The defaults, with the ports of the command line.
pub fn configured(ports: &Ports) -> Result<Config, Failure> {
    let mut config = Config::default();
    if let Some(web) = ports.web {
        config.web.listen = vec![web];
    }
    if let Some(sync) = ports.sync {
        config.sync.listen = sync;
    }
    config.web.https.extend(ports.https);
    config.web.names.clone_from(&ports.web_name);
    let beside =
        ports.https.filter(|https| !https.ip().is_loopback()).map(|https| SocketAddr::new(https.ip(), HELPER_PORT));
    config.web.helper.extend(ports.helper.or(beside));
    config.sync.announce.clone_from(&ports.announce);
    config.sync.discovery = !ports.no_discovery;
    config.check()?;
    Ok(config)
}

pub fn addresses(texts: &[String]) -> Result<Vec<NodeAddress>, Failure> {
    texts.iter().map(|text| text.parse().map_err(|error| format!("{text}: {error}").into())).collect()
}
