//! The second file: "this machine is to be a node of that office", signed by an administrator.

use noroshi_sync::checkpoint::verify_signature;
use noroshi_sync::entry::{Draft, Lane, SignatureKind, statement};
use noroshi_sync::id::{DeviceId, EntryId, UserId};
use noroshi_sync::wire;
use serde::{Deserialize, Serialize};

use super::armour::{self, FileKind, InvalidFile};
use super::request::{OfflineRequest, RequestRefusal};
use crate::body::Body;
use crate::id::OrgId;
use crate::ledger::{Directory, NodeEnrol};
use crate::limits::JOIN_FILE_BYTES_MAX;
use crate::role::Role;

const VERSION: u8 = 1;

/// A request and the administrator's word on it, from the console to the node that issues certificates.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OfflineApproval {
    pub request: OfflineRequest,
    /// The enrolment: an entry of the public ledger.
    pub enrolment: Draft,
    pub body: NodeEnrol,
}

/// Why an approval is worth nothing here. The sentences are for the person at the keyboard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidApproval {
    #[error(transparent)]
    File(#[from] InvalidFile),
    #[error("the request in the approval: {0}")]
    Request(#[from] RequestRefusal),
    #[error("the approval was given in another organisation")]
    OtherOrganisation,
    #[error("the approval is for another machine than the request in it")]
    OtherNode,
    #[error("the approval is not signed by an administrator known here")]
    NotSigned,
}

/// As it stands in the file.
#[derive(Serialize, Deserialize)]
struct Written {
    version: u8,
    organisation: OrgId,
    request: Vec<u8>,
    id: EntryId,
    author: UserId,
    device: DeviceId,
    auth_ref: EntryId,
    sig: Vec<u8>,
    body: Vec<u8>,
}

impl OfflineApproval {
    /// `enrolment`: as [`LedgerWriter::enrol`](crate::ledger::LedgerWriter::enrol) made it.
    pub fn to_text(organisation: OrgId, request: &OfflineRequest, office: &str, enrolment: &Draft) -> String {
        let written = Written {
            version: VERSION,
            organisation,
            request: request.encode(),
            id: enrolment.id,
            author: enrolment.author,
            device: enrolment.device,
            auth_ref: enrolment.auth_ref,
            sig: enrolment.sig.clone().unwrap_or_default(),
            body: enrolment.body.clone(),
        };
        let notes = [
            ("Machine", request.name.clone()),
            ("Office", office.to_owned()),
            ("Fingerprint", request.fingerprint().to_string()),
        ];
        armour::write(FileKind::Approval, &notes, &wire::encode(&written))
    }

    /// Reads a file and checks that somebody signed it who may, by the ledger held here.
    pub fn from_text(file: &[u8], directory: &Directory) -> Result<Self, InvalidApproval> {
        let bytes = armour::read(FileKind::Approval, file)?;
        let written: Written =
            wire::decode("join approval", &bytes, JOIN_FILE_BYTES_MAX).map_err(|_| InvalidFile::Damaged)?;
        if written.version != VERSION {
            return Err(InvalidFile::LaterVersion.into());
        }
        if written.organisation != directory.organisation() {
            return Err(InvalidApproval::OtherOrganisation);
        }
        let request = OfflineRequest::decode(&written.request)?;
        let body = NodeEnrol::decode(&written.body).map_err(|error| InvalidFile::Value(error.to_string()))?;
        if body.node != request.node {
            return Err(InvalidApproval::OtherNode);
        }
        let room = directory.rooms().public;
        let signed = statement(room, written.id, NodeEnrol::KIND, written.author, &written.body);
        let by_administrator = directory.administrator_key(written.auth_ref).is_some_and(|record| {
            record.user == written.author
                && directory.has_role(record.user, Role::SystemAdmin)
                && verify_signature(&record.key, &signed, &written.sig)
        });
        if !by_administrator {
            return Err(InvalidApproval::NotSigned);
        }
        let enrolment = Draft {
            room,
            lane: Lane::Policy,
            id: written.id,
            kind: NodeEnrol::KIND,
            author: written.author,
            device: written.device,
            auth_ref: written.auth_ref,
            sig_alg: SignatureKind::Administrator.number(),
            sig: Some(written.sig),
            body: written.body,
        };
        Ok(Self { request, enrolment, body })
    }
}
