//! An office and its properties.

use noroshi_sync::id::EntryId;
use serde::{Deserialize, Serialize};

use crate::body::Body;
use crate::field::{InvalidField, check_name, check_references, check_text};
use crate::id::OfficeId;
use crate::ledger::kind;
use crate::limits::NAME_CHARS_MAX;
use crate::office_kind::OfficeKind;

/// Makes or changes an office. Signed by an administrator.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OfficeSet {
    pub office: OfficeId,
    pub name: String,
    /// Reading of the name, for sorting; may be empty.
    pub kana: String,
    pub kind: OfficeKind,
    /// Carries every room, so that islands around it can help themselves.
    pub hub: bool,
    /// The entries about this office that the writer had seen in force.
    pub replaces: Vec<EntryId>,
}

impl Body for OfficeSet {
    const KIND: u16 = kind::OFFICE_SET;
    const WHAT: &'static str = "office";

    fn check(&self) -> Result<(), InvalidField> {
        if self.office.is_nil() {
            return Err(InvalidField::new("office", "empty"));
        }
        check_name("name", &self.name, NAME_CHARS_MAX)?;
        check_text("kana", &self.kana, NAME_CHARS_MAX)?;
        check_references("replaces", &self.replaces)
    }
}
