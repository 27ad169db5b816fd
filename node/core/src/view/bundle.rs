//! What is said of records carried by hand.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{OfficeView, Time};

/// A file for other offices was written.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct BundleExportView {
    /// Whose nodes can read it.
    pub offices: Vec<OfficeView>,
    /// Rooms that all of them may hold, those of the organisation about itself included.
    pub rooms: u64,
    pub entries: u64,
    /// Of the file.
    pub bytes: u64,
    pub made_at: Time,
}

/// The file of another office was read in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct BundleImportView {
    /// Who wrote it: the node's public key.
    pub node: String,
    /// Null for a node that is not known here.
    pub office: Option<OfficeView>,
    pub made_at: Time,
    /// Entries in the file, those included that were here already.
    pub entries: u64,
    /// Of these, entries that may not be held here, or do not fit what is held.
    pub refused: u64,
    /// Rooms with something new.
    pub rooms: u64,
    /// Why the rest could not be read: `bundle_cut_short`, `bundle_unreadable`; null when all was.
    pub problem: Option<String>,
}
