//! What a backup says about itself: whose it is, of when, and every file in it with its hash.

use std::collections::BTreeMap;

use noroshi_provisioning::NodeIdentity;
use serde::{Deserialize, Serialize};

/// The only form so far.
const FORMAT: u32 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    /// Of the program that wrote it.
    pub version: String,
    pub organisation: String,
    pub node: String,
    /// By the clock of the machine, milliseconds since 1970.
    pub made_ms: u64,
    /// By their names in the folder.
    pub files: BTreeMap<String, Content>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    pub bytes: u64,
    /// BLAKE3, hexadecimal.
    pub hash: String,
}

impl Manifest {
    pub fn begin(identity: &NodeIdentity, made_ms: u64) -> Self {
        Self {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            organisation: identity.organisation().to_string(),
            node: identity.node().to_string(),
            made_ms,
            files: BTreeMap::new(),
        }
    }

    pub fn bytes(&self) -> u64 {
        self.files.values().map(|content| content.bytes).sum()
    }

    /// Whether this program can read what stands before the manifest.
    pub fn is_known(&self) -> bool {
        self.format == FORMAT
    }
}
