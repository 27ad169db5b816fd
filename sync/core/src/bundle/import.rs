//! Reads a bundle record by record and turns it into what a store can apply.

use super::{BUNDLE_VERSION, DESTINATIONS_MAX, Header, RECORD_BYTES_MAX, RECORD_HEAD_BYTES, Record, message};
use crate::checkpoint::verify_signature;
use crate::frame::Payload;
use crate::id::NodeId;
use crate::register::VerifiedRegister;
use crate::store::Batch;
use crate::window::VerifiedWindow;
use crate::wire;

/// Why a record is not taken. Nothing of it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the bundle is damaged: {0}")]
    Malformed(String),
    #[error("the bundle was written by a later version of the program")]
    LaterVersion,
    #[error("record {0} is not signed by the node that the bundle names")]
    Forged(u64),
    #[error("the bundle is not for this node")]
    NotForThisNode,
    #[error("the bundle ends before its end")]
    CutShort,
}

/// What a record was.
#[derive(Debug)]
pub enum Step {
    /// The first: who wrote it.
    Begun(Header),
    /// To be applied as if it came from its writer over a line.
    Apply(Batch),
    /// Nothing is missing, and nothing comes after.
    Complete,
}

/// A bundle being read.
#[derive(Debug)]
pub struct Importer {
    me: NodeId,
    header: Option<Header>,
    place: u64,
    complete: bool,
}

impl Importer {
    pub fn new(me: NodeId) -> Self {
        Self { me, header: None, place: 0, complete: false }
    }

    /// How many bytes of content follow this head of a record.
    pub fn length_of(head: &[u8; RECORD_HEAD_BYTES]) -> Result<usize, Refused> {
        let (length, _) = split(head);
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length == 0 || length > RECORD_BYTES_MAX {
            return Err(Refused::Malformed(format!("a record of {length} bytes")));
        }
        Ok(length)
    }

    /// Takes the next record. About 40 µs, and 40 µs more for each window in it.
    pub fn take(&mut self, head: &[u8; RECORD_HEAD_BYTES], content: &[u8]) -> Result<Step, Refused> {
        if self.complete {
            return Err(Refused::Malformed("something follows its end".into()));
        }
        let malformed = |error: &dyn std::fmt::Display| Refused::Malformed(error.to_string());
        let record: Record = wire::decode("record", content, RECORD_BYTES_MAX).map_err(|error| malformed(&error))?;
        let place = self.place;
        let header = match (&self.header, &record) {
            (None, Record::Header(header)) => header.clone(),
            (Some(header), Record::Data(_) | Record::End { .. }) => header.clone(),
            _ => return Err(Refused::Malformed("its header is missing or comes twice".into())),
        };
        let (_, signature) = split(head);
        if !verify_signature(header.from.as_bytes(), &message(&header.id, place, content), &signature) {
            return Err(Refused::Forged(place));
        }
        let step = match record {
            Record::Header(header) => self.begin(header)?,
            Record::Data(payload) => {
                let payload = Payload::decompress(&payload).map_err(|error| malformed(&error))?;
                Step::Apply(batch(header.from, payload)?)
            }
            Record::End { records } if records == place => {
                self.complete = true;
                Step::Complete
            }
            Record::End { .. } => return Err(Refused::CutShort),
        };
        self.place += 1;
        Ok(step)
    }

    /// To be asked when the file is at its end.
    pub fn finish(&self) -> Result<(), Refused> {
        if self.complete { Ok(()) } else { Err(Refused::CutShort) }
    }

    fn begin(&mut self, header: Header) -> Result<Step, Refused> {
        if header.version != BUNDLE_VERSION {
            return Err(Refused::LaterVersion);
        }
        let is_ordered = header.destinations.is_sorted_by(|a, b| a < b);
        if header.destinations.len() > DESTINATIONS_MAX || !is_ordered {
            return Err(Refused::Malformed("its destinations are out of order".into()));
        }
        if header.destinations.binary_search(&self.me).is_err() {
            return Err(Refused::NotForThisNode);
        }
        self.header = Some(header.clone());
        Ok(Step::Begun(header))
    }
}

fn split(head: &[u8; RECORD_HEAD_BYTES]) -> ([u8; 4], [u8; 64]) {
    let (mut length, mut signature) = ([0; 4], [0; 64]);
    let (first, rest) = head.split_at(4);
    length.copy_from_slice(first);
    signature.copy_from_slice(rest);
    (length, signature)
}

/// What the writers of logs and registers signed.
fn batch(peer: NodeId, payload: Payload) -> Result<Batch, Refused> {
    let refused = |what: String| Refused::Malformed(what);
    let windows = payload.windows.into_iter().map(|window| {
        let log = window.log;
        window.verify().map_err(|error| refused(format!("{log}: {error}")))
    });
    let windows: Vec<VerifiedWindow> = windows.collect::<Result<_, _>>()?;
    let registers = payload.registers.into_iter().map(|one| one.verify().map_err(|error| refused(error.to_string())));
    let registers: Vec<VerifiedRegister> = registers.collect::<Result<_, _>>()?;
    Ok(Batch { peer, windows, registers, cursor: None })
}
