//! The third file: "these are your papers, and this is what you need to know to begin".

use noroshi_sync::checkpoint::{Signature, verify_signature};
use noroshi_sync::id::NodeId;
use noroshi_sync::window::{VerifiedWindow, Window};
use noroshi_sync::wire;
use serde::{Deserialize, Serialize};

use super::armour::{self, FileKind, InvalidFile};
use super::request::{OfflineRequest, RequestKeys};
use crate::authority::{InvalidCertificate, NodeIdentity, check_chain, public_key, validity};
use crate::fingerprint::Fingerprint;
use crate::id::OrgId;
use crate::join::message::{InvalidResponse, JoinResponse, Joined, check_response};
use crate::key::KeyPair;
use crate::limits::JOIN_CERTIFICATE_FILE_BYTES_MAX;

const VERSION: u8 = 1;

/// What the new node gets.
#[derive(Clone, Debug)]
pub struct Papers {
    pub response: JoinResponse,
    /// The organisation's ledger as far as the new node may hold it; the public part first.
    pub windows: Vec<Window>,
}

/// Papers encrypted to the request they answer.
#[derive(Debug)]
pub struct OfflineCertificate;

/// What the new machine has made of the file. Nothing of the ledger is believed yet but its signatures.
#[derive(Clone, Debug)]
pub struct OfflineJoined {
    pub joined: Joined,
    /// The node of headquarters that wrote the file. Whether it is one, the ledger tells.
    pub writer: NodeId,
    /// By the writer's clock, milliseconds since 1970.
    pub written_ms: u64,
    /// The public part of the ledger first.
    pub windows: Vec<VerifiedWindow>,
}

/// Why papers are not believed, or not for this machine. The sentences are for the person at the keyboard.
#[derive(Debug, thiserror::Error)]
pub enum InvalidPapers {
    #[error(transparent)]
    File(#[from] InvalidFile),
    #[error("the certificate is for another machine ({found}); this one is {own}")]
    OtherMachine { found: String, own: String },
    #[error("the certificate answers another request of this machine; take the answer to the latest one")]
    OtherRequest,
    #[error("the certificate is of the organisation {found}, not of the one expected; compare by telephone")]
    OtherOrganisation { found: Fingerprint },
    #[error("the certificate was written by a machine that is no node of the organisation: {0}")]
    Writer(InvalidCertificate),
    #[error("the certificate is not signed by the machine that wrote it")]
    BadSignature,
    #[error(transparent)]
    Response(#[from] InvalidResponse),
    #[error("the certificate has expired; ask for a new file (is this machine's clock right?)")]
    Expired,
    #[error("a part of the ledger in the file is not what its writer signed: {0}")]
    Ledger(String),
}

/// Outside the encryption: enough to say what is wrong before anything is opened.
#[derive(Serialize, Deserialize)]
struct Envelope {
    version: u8,
    node: NodeId,
    request: [u8; 32],
    #[serde(with = "serde_bytes")]
    sealed: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Letter {
    request: [u8; 32],
    response: JoinResponse,
    /// Of the node that writes: its certificate and the intermediates.
    writer: Vec<Vec<u8>>,
    written_ms: u64,
    windows: Vec<Window>,
    /// By that node over all of the above.
    signature: Signature,
}

impl OfflineCertificate {
    /// The file for the machine that made `request`. `writer`: the node of headquarters at which it is written.
    pub fn to_text(
        request: &OfflineRequest,
        papers: Papers,
        writer: &NodeIdentity,
        office: &str,
        now_ms: u64,
    ) -> Result<String, InvalidFile> {
        let mut letter = Letter {
            request: request.hash(),
            response: papers.response,
            writer: writer.chain().to_vec(),
            written_ms: now_ms,
            windows: papers.windows,
            signature: Signature::from_bytes([0; 64]),
        };
        letter.signature = writer.key().sign(&letter.signed_hash());
        let sealed = request.seal(&wire::encode(&letter)).map_err(|_| InvalidFile::Damaged)?;
        let envelope = Envelope { version: VERSION, node: request.node, request: request.hash(), sealed };
        let notes = [
            ("Organisation", writer.organisation_name().to_owned()),
            ("Organisation-Fingerprint", Fingerprint::of_organisation(writer.organisation()).to_string()),
            ("Machine", request.name.clone()),
            ("Office", office.to_owned()),
            ("Request-Fingerprint", request.fingerprint().to_string()),
        ];
        let text = armour::write(FileKind::Certificate, &notes, &wire::encode(&envelope));
        if text.len() > FileKind::Certificate.bytes_max() {
            return Err(InvalidFile::TooLarge(FileKind::Certificate.name()));
        }
        Ok(text)
    }

    /// Opens a file with the keys of the request. `organisation`: as headquarters read it out.
    pub fn open(
        file: &[u8],
        keys: &RequestKeys,
        request: &OfflineRequest,
        organisation: Fingerprint,
        now_ms: u64,
    ) -> Result<OfflineJoined, InvalidPapers> {
        let bytes = armour::read(FileKind::Certificate, file)?;
        let envelope: Envelope = decode(&bytes)?;
        if envelope.version != VERSION {
            return Err(InvalidFile::LaterVersion.into());
        }
        if envelope.node != request.node {
            return Err(InvalidPapers::OtherMachine { found: envelope.node.short(), own: request.node.short() });
        }
        if envelope.request != request.hash() {
            return Err(InvalidPapers::OtherRequest);
        }
        let letter: Letter = decode(&keys.open(&envelope.sealed).ok_or(InvalidFile::Damaged)?)?;
        let writer = letter.check(request, organisation)?;
        let key = KeyPair::from_seed(keys.node.seed()).map_err(|_| InvalidFile::Damaged)?;
        let joined = check_response(key, letter.response)?;
        let until_ms =
            joined.identity.chain().iter().filter_map(|der| validity(der).ok()).map(|(_, until)| until).min();
        if until_ms.is_none_or(|until_ms| now_ms > until_ms) {
            return Err(InvalidPapers::Expired);
        }
        let verify = |window: Window| window.verify().map_err(|error| InvalidPapers::Ledger(error.to_string()));
        let windows = letter.windows.into_iter().map(verify).collect::<Result<_, _>>()?;
        Ok(OfflineJoined { joined, writer, written_ms: letter.written_ms, windows })
    }
}

impl Letter {
    /// The organisation is the expected one, the writer one of its nodes, and this is what it wrote for this request.
    fn check(&self, request: &OfflineRequest, expected: Fingerprint) -> Result<NodeId, InvalidPapers> {
        if self.request != request.hash() {
            return Err(InvalidPapers::OtherRequest);
        }
        let root = &self.response.root;
        let key = public_key(root).map_err(InvalidResponse::Root)?;
        let found = Fingerprint::of_organisation(OrgId::of_root(&key));
        if found != expected {
            return Err(InvalidPapers::OtherOrganisation { found });
        }
        let writer = check_chain(root, &self.writer).map_err(InvalidPapers::Writer)?;
        if !verify_signature(writer.as_bytes(), &self.signed_hash(), self.signature.as_bytes()) {
            return Err(InvalidPapers::BadSignature);
        }
        Ok(writer)
    }

    fn signed_hash(&self) -> Vec<u8> {
        let Self { request, response, writer, written_ms, windows, .. } = self;
        let fields = wire::encode(&(request, response, writer, written_ms, windows));
        [b"noroshi/join-file-certificate/1".as_slice(), blake3::hash(&fields).as_bytes()].concat()
    }
}

fn decode<T: serde::de::DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<T, InvalidFile> {
    wire::decode("join certificate", bytes, JOIN_CERTIFICATE_FILE_BYTES_MAX).map_err(|_| InvalidFile::Damaged)
}
