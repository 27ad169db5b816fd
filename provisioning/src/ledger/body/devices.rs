//! Devices that are known, and the requests for them.

use noroshi_sync::id::{DeviceId, EntryId, UserId};
use serde::{Deserialize, Serialize};

use crate::body::Body;
use crate::device_key::is_device_key;
use crate::field::{InvalidField, check_text};
use crate::ledger::kind;
use crate::limits::REASON_CHARS_MAX;

/// A device belongs to a person: its code was redeemed. Written by the node that redeemed it, which must be one that may
/// vouch for the person; the code itself never leaves that node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DeviceEnrol {
    pub device: DeviceId,
    pub user: UserId,
    /// What the person recognises it by; may be empty.
    pub name: String,
    /// ECDSA P-256 public key, uncompressed (65 bytes, SEC 1), of a browser that can keep one.
    pub key: Option<Vec<u8>>,
    /// BLAKE3 of the 256 random bits that the browser keeps in a cookie: without them nobody is this device.
    pub secret_hash: [u8; 32],
    /// The request that led to it; nil when there was none.
    pub request: EntryId,
}

impl Body for DeviceEnrol {
    const KIND: u16 = kind::DEVICE_ENROL;
    const WHAT: &'static str = "enrolment of a device";

    fn check(&self) -> Result<(), InvalidField> {
        if self.device.is_nil() {
            return Err(InvalidField::new("device", "empty"));
        }
        if self.user.is_nil() {
            return Err(InvalidField::new("user", "empty"));
        }
        if self.key.as_ref().is_some_and(|key| !is_device_key(key)) {
            return Err(InvalidField::new("key", "malformed"));
        }
        check_text("name", &self.name, REASON_CHARS_MAX)
    }
}

/// The head of a section asks for a device code for a person. Vouched for by a node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DeviceRequest {
    pub user: UserId,
    pub reason: String,
}

impl Body for DeviceRequest {
    const KIND: u16 = kind::DEVICE_REQUEST;
    const WHAT: &'static str = "request for a device code";

    fn check(&self) -> Result<(), InvalidField> {
        if self.user.is_nil() {
            return Err(InvalidField::new("user", "empty"));
        }
        check_text("reason", &self.reason, REASON_CHARS_MAX)
    }
}

/// What an administrator made of a request. Vouched for by a node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DeviceRequestEnd {
    pub request: EntryId,
    pub outcome: RequestOutcome,
}

/// The words are those of the HTTP interface; the order is the encoding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestOutcome {
    /// A code was made and handed over.
    Issued,
    Declined,
}

impl Body for DeviceRequestEnd {
    const KIND: u16 = kind::DEVICE_REQUEST_END;
    const WHAT: &'static str = "end of a request for a device code";

    fn check(&self) -> Result<(), InvalidField> {
        if self.request.is_nil() { Err(InvalidField::new("request", "empty")) } else { Ok(()) }
    }
}
