//! Joining, from both sides: `noroshi join` at the new office, and headquarters' answer to it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use noroshi_net::SystemClock;
use noroshi_provisioning::browser::{LeafKey, LeafRequest};
use noroshi_provisioning::join::renewal::RenewalRequest;
use noroshi_provisioning::join::{JoinRequest, JoinResponse, Joined, accept_response, check_request, make_request};
use noroshi_provisioning::key::KeyPair;
use noroshi_provisioning::{IssuingKey, JoinCode, KeyFolder};
use noroshi_sync::id::EntryId;
use noroshi_sync::wire;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::cli::Join;
use crate::commands::{Failure, runtime};
use crate::config::Config;
use crate::folder::DataFolder;
use crate::founding::{addresses, configured};
use crate::office::{Office, wall_ms};
use crate::offline;
use crate::renewal;
use crate::web_tls;

/// Largest answer to a joining node, bytes.
const REPLY_BYTES_MAX: usize = 64 * 1024;

/// What headquarters answers over the line.
#[derive(Debug, Serialize, Deserialize)]
pub enum JoinReply {
    Welcome(Vec<u8>),
    /// A stable word and a sentence for the person at the new node.
    Refused {
        code: String,
        reason: String,
    },
    /// To a node that asked for a certificate for browsers.
    Leaf(Vec<u8>),
    /// To a node whose certificate is to be renewed.
    Renewed(Vec<u8>),
}

/// Makes the folder a node of the office that the code names. The node's key is written last.
pub fn join(data: &Path, join: &Join) -> Result<(), Failure> {
    match (&join.code, &join.request, &join.certificate) {
        (Some(code), ..) => by_code(data, join, code),
        (_, Some(file), _) => offline::asking::ask(data, join, file),
        (.., Some(file)) => offline::asking::install(data, join, file),
        _ => Err("give a join code, --request or --certificate".into()),
    }
}

fn by_code(data: &Path, join: &Join, code: &str) -> Result<(), Failure> {
    let code: JoinCode = code.parse()?;
    if code.expires_ms < wall_ms() {
        return Err("the join code has expired: ask for a new one (is this machine's clock right?)".into());
    }
    let mut config = configured(&join.ports)?;
    // Until the directory has arrived, the addresses of the code are all this node knows.
    config.sync.peers = code.addresses.iter().map(ToString::to_string).collect();
    let folder = DataFolder::create(data)?;
    let _lock = folder.lock()?;
    let key = KeyPair::generate()?;
    let request = make_request(&code, &key, &name_of(join), addresses(&config.sync.announce)?)?;
    let response = runtime()?.block_on(ask(&code, &request.encode()))?;
    let joined = accept_response(&code, key, response)?;
    folder.write(&folder.config_file(), &config.to_commented_toml())?;
    let keys = KeyFolder::create(folder.path())?;
    keys.save_node(&joined.identity)?;
    if let Err(error) = runtime()?.block_on(first_leaf(&config, &keys, &joined, &code)) {
        eprintln!("No certificate for browsers yet ({error}); the node asks again when it runs.");
    }
    eprintln!("This is now a node of {}.", joined.identity.organisation_name());
    eprintln!("Next: noroshi --data {} serve", folder.path().display());
    Ok(())
}

/// As given, or else the machine's host name.
pub fn name_of(join: &Join) -> String {
    let host = || std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = join.name.clone().unwrap_or_else(host).trim().to_owned();
    if name.is_empty() { "node".to_owned() } else { name }
}

/// Tries the addresses of the code in turn. A refusal is final; silence is not.
async fn ask(code: &JoinCode, request: &[u8]) -> Result<JoinResponse, Failure> {
    let mut failures = Vec::new();
    for address in &code.addresses {
        let organisation = *code.organisation.as_bytes();
        match noroshi_net::join(address.as_str(), organisation, request, Arc::new(SystemClock::new())).await {
            Ok(answer) => return welcome(&answer.response),
            Err(error) => failures.push(format!("{address}: {error}")),
        }
    }
    Err(format!("headquarters does not answer: {}", failures.join("; ")).into())
}

fn welcome(bytes: &[u8]) -> Result<JoinResponse, Failure> {
    match decode(bytes)? {
        JoinReply::Welcome(response) => Ok(JoinResponse::decode(&response)?),
        JoinReply::Refused { reason, .. } => Err(format!("headquarters refused: {reason}").into()),
        JoinReply::Leaf(_) | JoinReply::Renewed(_) => Err("headquarters answered another question".into()),
    }
}

pub fn decode(bytes: &[u8]) -> Result<JoinReply, Failure> {
    Ok(wire::decode("join reply", bytes, REPLY_BYTES_MAX)?)
}

/// Browsers find HTTPS from the first start on, even if the line is cut until then.
async fn first_leaf(config: &Config, keys: &KeyFolder, joined: &Joined, code: &JoinCode) -> Result<(), Failure> {
    if config.web.https.is_empty() || config.web.tls.is_set() {
        return Ok(());
    }
    let wanted = web_tls::names::of_node(&config.web, joined.identity.node());
    let addresses: Vec<String> = code.addresses.iter().map(ToString::to_string).collect();
    let is_headquarters = |node| joined.headquarters.iter().any(|known| known.node == node);
    let key = LeafKey::generate()?;
    let response = web_tls::renewal::ask_at(&joined.identity, &key, &wanted, &addresses, is_headquarters).await?;
    keys.save_web(&response.accept(&key)?)?;
    Ok(())
}

/// What answers joining nodes; only headquarters has the issuing key for it.
pub fn desk(office: &Arc<Office>) -> Option<impl noroshi_net::JoinPort + use<>> {
    let issuing = match office.keys.load_issuing() {
        Ok(issuing) => Arc::new(issuing?),
        Err(error) => {
            tracing::error!(%error, "the issuing key cannot be read; nobody can join here");
            return None;
        }
    };
    let office = office.clone();
    // One after the other: a code is good for one node, and the second must see the enrolment of the first.
    let turn = Arc::new(Mutex::new(()));
    Some(move |request: Vec<u8>, from: SocketAddr| {
        let (office, issuing, turn) = (office.clone(), issuing.clone(), turn.clone());
        async move {
            let reply = if LeafRequest::is_one(&request) {
                web_tls::issue::for_other(&office, &request, from)
                    .await
                    .map_or_else(|(code, reason)| JoinReply::Refused { code, reason }, JoinReply::Leaf)
            } else if RenewalRequest::is_one(&request) {
                renewal::answer(&office, &issuing, &request)
            } else {
                let _turn = turn.lock().await;
                admit(&office, &issuing, &request).await
            };
            match &reply {
                JoinReply::Welcome(_) => tracing::info!(%from, "a node joined"),
                JoinReply::Refused { code, reason } => tracing::warn!(%from, code, reason, "a node was refused"),
                JoinReply::Renewed(_) => tracing::info!(%from, "a node renewed its certificate"),
                JoinReply::Leaf(_) => {}
            }
            wire::encode(&reply)
        }
    })
}

/// Judges the request by the ledger, writes the enrolment, and only then hands out the certificate.
async fn admit(office: &Office, issuing: &IssuingKey, request: &[u8]) -> JoinReply {
    let refused = |code: &str, reason: String| JoinReply::Refused { code: code.to_owned(), reason };
    let request = match JoinRequest::decode(request) {
        Ok(request) => request,
        Err(malformed) => return refused("malformed", malformed.to_string()),
    };
    let directory = office.node.directory();
    let (here, root) = (office.identity.node(), office.identity.root_certificate());
    let id = EntryId::from_uuid(Uuid::now_v7());
    let admission = match check_request(&request, &directory, here, issuing, root, id, wall_ms()) {
        Ok(admission) => admission,
        Err(refusal) => return refused(refusal.code(), refusal.to_string()),
    };
    if let Some(enrolment) = admission.enrolment
        && let Err(error) = office.node.append_ledger(vec![enrolment]).await
    {
        return refused(error.code(), error.to_string());
    }
    JoinReply::Welcome(admission.response.encode())
}
