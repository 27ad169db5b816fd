//! Headquarters' side: certificates for this node and for those that ask over the line.

use std::net::SocketAddr;

use noroshi_provisioning::KeyFolder;
use noroshi_provisioning::browser::{BrowserAuthority, Claims, LeafKey, LeafRequest, LeafResponse, LeafRound, WebName};
use tokio::sync::Mutex;

use crate::commands::Failure;
use crate::folder::DataFolder;
use crate::office::{Office, wall_ms};

/// Which node holds which name, beside the data.
const CLAIMS: &str = "web-names.json";

/// One certificate after the other, so that no name is given out twice.
#[derive(Debug, Default)]
pub struct Turn(Mutex<()>);

/// Whether this node issues browser certificates. Looked up each time: the key may be put there while the node runs.
pub fn authority(keys: &KeyFolder) -> Option<BrowserAuthority> {
    keys.load_browser_authority().unwrap_or_else(|error| {
        tracing::error!(%error, "the key of the browser authority cannot be used");
        None
    })
}

/// For this node itself.
pub async fn for_self(
    office: &Office,
    authority: &BrowserAuthority,
    key: &LeafKey,
    names: &[WebName],
) -> Result<LeafResponse, Failure> {
    with_claims(office, authority, |round| round.issue(office.identity.node(), &key.public_key(), names)).await
}

/// For a node that asks over the line: a stable word and a sentence when it gets none.
pub async fn for_other(office: &Office, request: &[u8], from: SocketAddr) -> Result<Vec<u8>, (String, String)> {
    let refused = |code: &str, reason: String| (code.to_owned(), reason);
    let request = LeafRequest::decode(request).map_err(|error| refused("malformed", error.to_string()))?;
    let authority = authority(&office.keys)
        .ok_or_else(|| refused("no_browser_authority", "this node issues no browser certificates".to_owned()))?;
    let mut code = "cannot_issue";
    let answered =
        with_claims(office, &authority, |round| round.answer(&request).inspect_err(|refusal| code = refusal.code()));
    let answer = answered.await;
    let response = answer.map_err(|error| refused(code, error.to_string()))?;
    let node = request.node.short();
    if response.withheld.is_empty() {
        tracing::info!(%from, node, "a node got its certificate for browsers");
    } else {
        tracing::warn!(%from, node, withheld = ?response.withheld, "a node asked for names that are not its own");
    }
    Ok(response.encode())
}

async fn with_claims<E>(
    office: &Office,
    authority: &BrowserAuthority,
    act: impl FnOnce(&mut LeafRound) -> Result<LeafResponse, E>,
) -> Result<LeafResponse, Failure>
where
    Failure: From<E>,
{
    let _turn = office.web_turn.0.lock().await;
    let mut claims = read_claims(&office.folder)?;
    let directory = office.node.directory();
    let mut round = LeafRound { authority, directory: &directory, claims: &mut claims, now_ms: wall_ms() };
    let response = act(&mut round)?;
    office.folder.write(&office.folder.path().join(CLAIMS), &serde_json::to_string(&claims)?)?;
    Ok(response)
}

fn read_claims(folder: &DataFolder) -> Result<Claims, Failure> {
    match std::fs::read_to_string(folder.path().join(CLAIMS)) {
        Ok(text) => Ok(serde_json::from_str(&text).map_err(|error| format!("{CLAIMS} is damaged: {error}"))?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Claims::default()),
        Err(error) => Err(format!("{CLAIMS}: {error}").into()),
    }
}
