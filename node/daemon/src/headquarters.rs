//! How a node asks headquarters for papers: where headquarters may be, and one question at each place until it answers.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};

use noroshi_net::{Net, SystemClock};
use noroshi_provisioning::NodeIdentity;
use noroshi_sync::id::NodeId;

use crate::commands::Failure;
use crate::joining::{self, JoinReply};
use crate::office::Office;

/// Where headquarters is connected, where the directory says, and where the administrator says.
pub fn addresses(office: &Office, net: &Weak<Net>) -> Vec<String> {
    let directory = office.node.directory();
    let connections = net.upgrade().map(|net| net.connections()).unwrap_or_default();
    // Nodes dial from the address they listen on.
    let connected = connections.iter().filter(|connection| directory.is_headquarters_node(connection.peer));
    let listed = directory.nodes().filter(|node| directory.is_headquarters_node(node.id));
    let mut addresses: Vec<String> = connected.map(|connection| connection.remote_address.to_string()).collect();
    addresses.extend(listed.flat_map(|node| node.addresses.iter().map(ToString::to_string)));
    addresses.extend(office.config.sync.peers.iter().cloned());
    let mut seen = BTreeSet::new();
    addresses.retain(|address| seen.insert(address.clone()));
    addresses
}

/// Asks at these addresses in turn until a node of headquarters grants what is asked.
pub async fn ask(
    identity: &NodeIdentity,
    request: &[u8],
    addresses: &[String],
    is_headquarters: impl Fn(NodeId) -> bool,
) -> Result<JoinReply, Failure> {
    let organisation = *identity.organisation().as_bytes();
    let mut failures = Vec::new();
    for address in addresses {
        match noroshi_net::join(address, organisation, request, Arc::new(SystemClock::new())).await {
            Ok(answer) if !is_headquarters(answer.node) => failures.push(format!("{address}: not headquarters")),
            Ok(answer) => match joining::decode(&answer.response)? {
                JoinReply::Refused { reason, .. } => failures.push(format!("{address}: {reason}")),
                granted => return Ok(granted),
            },
            Err(error) => failures.push(format!("{address}: {error}")),
        }
    }
    if failures.is_empty() {
        return Err("no address of headquarters is known yet".into());
    }
    Err(format!("headquarters gave no certificate: {}", failures.join("; ")).into())
}
