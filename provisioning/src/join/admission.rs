//! The admitting side of joining: headquarters looks at the question and at its ledger.

use noroshi_sync::entry::{Draft, Lane};
use noroshi_sync::id::{DeviceId, EntryId, NodeId, UserId};

use super::message::{JoinRequest, JoinResponse, KnownNode};
use crate::authority::{IssueError, IssuingKey};
use crate::body::Body;
use crate::field::InvalidField;
use crate::id::OfficeId;
use crate::ledger::{Directory, Invite, NodeEnrol};
use crate::limits::ADDRESSES_MAX;

/// A question granted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Admission {
    /// To be written (and on disk) before the answer is sent. `None` when the node is enrolled already and only asks for
    /// its papers again.
    pub enrolment: Option<Draft>,
    pub response: JoinResponse,
}

/// Why a question is not granted. The sentences are for the person at the keyboard of the new node.
#[derive(Debug, thiserror::Error)]
pub enum JoinRefusal {
    #[error("the request holds an impossible value: {0}")]
    Field(#[from] InvalidField),
    #[error("this node belongs to another organisation than the join code")]
    OtherOrganisation,
    #[error("only a node of headquarters can admit new nodes")]
    NotHeadquarters,
    /// Or not arrived yet: a node that asks a moment later may be admitted.
    #[error("the join code is not known here")]
    UnknownInvite,
    #[error("the join code has expired")]
    Expired,
    #[error("the join code has already been used by another node")]
    AlreadyUsed,
    #[error("this node is already enrolled for another office or by another join code")]
    AlreadyEnrolled,
    #[error("the request is not signed by the node or not with the join code")]
    BadSignature,
    #[error("no certificate could be issued: {0}")]
    Issue(#[from] IssueError),
}

impl JoinRefusal {
    /// Stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Field(_) => "invalid_field",
            Self::OtherOrganisation => "other_organisation",
            Self::NotHeadquarters => "not_headquarters",
            Self::UnknownInvite => "unknown_invite",
            Self::Expired => "expired",
            Self::AlreadyUsed => "already_used",
            Self::AlreadyEnrolled => "already_enrolled",
            Self::BadSignature => "bad_signature",
            Self::Issue(_) => "cannot_issue",
        }
    }
}

/// Judges a question by the ledger held at `here`. `id`: a fresh UUIDv7 for the enrolment. `root`: the organisation's
/// root certificate.
pub fn check_request(
    request: &JoinRequest,
    directory: &Directory,
    here: NodeId,
    issuing: &IssuingKey,
    root: &[u8],
    id: EntryId,
    now_ms: u64,
) -> Result<Admission, JoinRefusal> {
    request.check()?;
    if request.organisation != directory.organisation() {
        return Err(JoinRefusal::OtherOrganisation);
    }
    if !directory.is_headquarters_node(here) {
        return Err(JoinRefusal::NotHeadquarters);
    }
    let invite = directory.invite(request.invite).ok_or(JoinRefusal::UnknownInvite)?;
    if invite.office != request.office || !request.is_signed_by_invite(&invite.key) || !request.is_signed_by_node() {
        return Err(JoinRefusal::BadSignature);
    }
    let name = if request.name.is_empty() { &invite.node_name } else { &request.name };
    let enrolment = match standing(request, directory, invite)? {
        Standing::Enrolled => None,
        Standing::Invited if now_ms > invite.expires_ms => return Err(JoinRefusal::Expired),
        Standing::Invited => Some(enrolment(request, name, directory, id)?),
    };
    let known = directory.node(request.node).map_or(name, |node| &node.name);
    let response = response_for(request.node, request.office, known, directory, issuing, root, now_ms)?;
    Ok(Admission { enrolment, response })
}

/// The papers of a node that is, or is about to be, enrolled.
pub fn response_for(
    node: NodeId,
    office: OfficeId,
    name: &str,
    directory: &Directory,
    issuing: &IssuingKey,
    root: &[u8],
    now_ms: u64,
) -> Result<JoinResponse, IssueError> {
    Ok(JoinResponse {
        version: JoinResponse::VERSION,
        root: root.to_vec(),
        chain: issuing.issue(node, now_ms)?,
        office,
        name: name.to_owned(),
        headquarters: headquarters(directory),
    })
}

enum Standing {
    Invited,
    /// By this very invitation.
    Enrolled,
}

fn standing(request: &JoinRequest, directory: &Directory, invite: &Invite) -> Result<Standing, JoinRefusal> {
    match invite.used_by {
        Some(node) if node == request.node => Ok(Standing::Enrolled),
        Some(_) => Err(JoinRefusal::AlreadyUsed),
        None if directory.node(request.node).is_some() => Err(JoinRefusal::AlreadyEnrolled),
        None => Ok(Standing::Invited),
    }
}

fn enrolment(request: &JoinRequest, name: &str, directory: &Directory, id: EntryId) -> Result<Draft, InvalidField> {
    let body = NodeEnrol {
        node: request.node,
        office: request.office,
        name: name.to_string(),
        invite_signature: Some(request.enrol_signature),
    };
    Ok(Draft::attested(
        directory.rooms().public,
        Lane::Policy,
        id,
        NodeEnrol::KIND,
        UserId::NIL,
        DeviceId::NIL,
        request.invite,
        body.encode()?,
    ))
}

fn headquarters(directory: &Directory) -> Vec<KnownNode> {
    let offices = directory.headquarters().map(|office| office.id);
    let nodes = offices.flat_map(|office| directory.nodes_of(office)).filter_map(|node| directory.node(node));
    nodes.take(ADDRESSES_MAX).map(|node| KnownNode { node: node.id, addresses: node.addresses.clone() }).collect()
}
