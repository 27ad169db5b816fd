//! Joining by three files, from both sides: the new machine ([`asking`]) and headquarters.

pub mod asking;

use noroshi_provisioning::OfficeId;
use noroshi_provisioning::join::files::{
    Fingerprint, InvalidApproval, InvalidFile, OfflineApproval, OfflineCertificate, OfflineRequest, Papers,
    RequestRefusal,
};
use noroshi_provisioning::join::response_for;
use noroshi_provisioning::ledger::{Directory, LedgerWriter, NodeRecord};
use noroshi_sync::id::{DeviceId, NodeId};
use serde_json::json;

use crate::administration::{append, invalid, mint, office_named, unseal};
use crate::control::{Failure, NodeApproval, Reply};
use crate::office::{Office, wall_ms};

/// An administrator admits the machine of a request. Where this node issues certificates, the answer holds one.
pub async fn approve(office: &Office, approval: NodeApproval) -> Reply {
    let request = read_request(&approval.request)?;
    request.check_age(wall_ms()).map_err(|error| refused(&error))?;
    let directory = office.node.directory();
    let key = unseal(office, approval.by).await?;
    let writer = LedgerWriter { directory: &directory, signer: &*key, device: DeviceId::NIL };
    let mut drafts = Vec::new();
    let home = office_named(&writer, &approval.office, &approval.kind, approval.hub, &mut drafts)?;
    let known = standing(&directory, request.node)?;
    if known.is_some_and(|record| record.office != home) {
        let now = known.and_then(|record| directory.office(record.office)).map_or("", |office| office.name.as_str());
        return Err(Failure::new("already_enrolled", format!("this machine is already a node of {now}")));
    }
    let enrolment = writer.enrol(mint(), request.node, home, &request.name).map_err(invalid)?;
    // Approved before: nothing is written again, and the same papers are given.
    if known.is_none() {
        drafts.push(enrolment.clone());
        append(office, drafts).await?;
    }
    let file = match issues_here(office)? {
        true => certificate(office, &request, home).await?,
        false => OfflineApproval::to_text(directory.organisation(), &request, &approval.office, &enrolment),
    };
    Ok(json!({
        "file": file,
        "certificate": issues_here(office)?,
        "organisation": Fingerprint::of_organisation(directory.organisation()).to_string(),
    }))
}

/// The certificate for a machine that an administrator has approved.
pub async fn certify(office: &Office, file: &str) -> Reply {
    if !issues_here(office)? {
        return Err(Failure::new(
            "no_issuing_key",
            "this node issues no certificates: run the command at the node of headquarters that does",
        ));
    }
    let directory = office.node.directory();
    let request = match OfflineApproval::from_text(file.as_bytes(), &directory) {
        Ok(approval) => take_approval(office, &directory, approval).await?,
        Err(InvalidApproval::File(InvalidFile::OtherKind { .. })) => read_request(file)?,
        Err(error) => return Err(Failure::new("invalid_file", error.to_string())),
    };
    let directory = office.node.directory();
    let home = standing(&directory, request.node)?.map(|record| record.office).ok_or_else(|| {
        Failure::new("not_approved", "no administrator has approved this machine yet: `noroshi nodes approve`")
    })?;
    let file = certificate(office, &request, home).await?;
    let organisation = Fingerprint::of_organisation(directory.organisation()).to_string();
    Ok(json!({"file": file, "certificate": true, "organisation": organisation}))
}

/// Takes the administrator's word into the ledger, unless it is there.
async fn take_approval(
    office: &Office,
    directory: &Directory,
    approval: OfflineApproval,
) -> Result<OfflineRequest, Failure> {
    if directory.office(approval.body.office).is_none() {
        return Err(Failure::new(
            "unknown_office",
            "the office that the approval names is not known here yet: wait until the console has a line to headquarters",
        ));
    }
    match standing(directory, approval.request.node)? {
        Some(record) if record.office != approval.body.office => {
            return Err(Failure::new("already_enrolled", "this machine is already a node of another office"));
        }
        Some(_) => {}
        None => append(office, vec![approval.enrolment]).await?,
    }
    Ok(approval.request)
}

/// `None` for a machine nobody has approved; revoked ones are out for ever.
fn standing(directory: &Directory, node: NodeId) -> Result<Option<&NodeRecord>, Failure> {
    if directory.revoked(node).is_some() {
        return Err(Failure::new("revoked", "this machine was shut out; join with a new folder and a new request"));
    }
    Ok(directory.node(node))
}

fn issues_here(office: &Office) -> Result<bool, Failure> {
    let issuing = office.keys.load_issuing().map_err(|error| Failure::new("keys", error.to_string()))?;
    Ok(issuing.is_some() && office.node.directory().is_headquarters_node(office.identity.node()))
}

async fn certificate(office: &Office, request: &OfflineRequest, home: OfficeId) -> Result<String, Failure> {
    let issuing = office.keys.load_issuing().map_err(|error| Failure::new("keys", error.to_string()))?;
    let issuing = issuing.ok_or_else(|| Failure::new("no_issuing_key", "this node issues no certificates"))?;
    let (directory, now_ms) = (office.node.directory(), wall_ms());
    let name = directory.node(request.node).map_or(request.name.as_str(), |node| node.name.as_str());
    let root = office.identity.root_certificate();
    let mut response = response_for(request.node, home, name, &directory, &issuing, root, now_ms)
        .map_err(|error| Failure::new("cannot_issue", error.to_string()))?;
    // What this node announces now may not be in the ledger yet.
    if let Ok(announced) = crate::founding::addresses(&office.config.sync.announce) {
        let own = response.headquarters.iter_mut().filter(|known| known.node == office.identity.node());
        own.filter(|known| known.addresses.is_empty()).for_each(|known| known.addresses.clone_from(&announced));
    }
    let windows = office.node.ledger_for(request.node).await;
    let windows = windows.map_err(|error| Failure::new("store", error.to_string()))?;
    let place = directory.office(home).map_or("", |office| office.name.as_str());
    OfflineCertificate::to_text(request, Papers { response, windows }, &office.identity, place, now_ms)
        .map_err(|error| Failure::new("too_large", error.to_string()))
}

fn read_request(text: &str) -> Result<OfflineRequest, Failure> {
    OfflineRequest::from_text(text.as_bytes()).map_err(|error| refused(&error))
}

fn refused(error: &RequestRefusal) -> Failure {
    Failure::new("invalid_file", error.to_string())
}
