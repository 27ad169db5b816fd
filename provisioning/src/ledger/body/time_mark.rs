//! The time by headquarters, against which expiry is judged.

use noroshi_sync::id::EntryId;
use noroshi_sync::limits::TIME_MS_MAX;
use serde::{Deserialize, Serialize};

use crate::body::Body;
use crate::field::InvalidField;
use crate::ledger::kind;

/// "It is at least this late." Headquarters writes one a day, resting on the one before and at most
/// [`TIME_MARK_STEP_MS_MAX`](crate::limits::TIME_MARK_STEP_MS_MAX) later; one that an administrator signed rests on
/// nothing and may correct backwards.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TimeMark {
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// The mark this one rests on; nil for a signed one.
    pub previous: EntryId,
    /// The signed marks that a signed one replaces.
    pub replaces: Vec<EntryId>,
}

impl Body for TimeMark {
    const KIND: u16 = kind::TIME_MARK;
    const WHAT: &'static str = "time of headquarters";

    fn check(&self) -> Result<(), InvalidField> {
        if self.at_ms > TIME_MS_MAX {
            return Err(InvalidField::new("at_ms", "malformed"));
        }
        crate::field::check_references("replaces", &self.replaces)
    }
}
