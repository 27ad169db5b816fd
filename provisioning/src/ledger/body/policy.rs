//! What the organisation demands of everybody: of devices, of sessions, and its rules of use.

use noroshi_sync::id::{EntryId, UserId};
use serde::{Deserialize, Serialize};

use crate::body::Body;
use crate::field::{InvalidField, check_references};
use crate::ledger::kind;
use crate::limits::RULES_CHARS_MAX;

/// Signed by an administrator; the last word holds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PolicySet {
    pub policy: Policy,
    /// The policies that the writer had seen in force.
    pub replaces: Vec<EntryId>,
}

/// The demands. Before anybody sets them: [`Policy::default`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Policy {
    /// Logging in needs an enrolled device.
    pub require_devices: bool,
    /// An enrolled device needs a passcode.
    pub require_passcode: bool,
    /// Minutes without a touch until the passcode is asked for; 1–240.
    pub idle_lock_minutes: u16,
    /// Hours that a session outlives its last use while headquarters is in reach; 1–168.
    pub lease_hours: u16,
    /// Hours that a session outlives the last contact with headquarters; 1–720.
    pub lease_isolated_hours: u16,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            require_devices: false,
            require_passcode: true,
            idle_lock_minutes: 15,
            lease_hours: 12,
            lease_isolated_hours: 72,
        }
    }
}

impl Body for PolicySet {
    const KIND: u16 = kind::POLICY_SET;
    const WHAT: &'static str = "policy of the organisation";

    fn check(&self) -> Result<(), InvalidField> {
        let within = |field, value: u16, most: u16| {
            if (1..=most).contains(&value) { Ok(()) } else { Err(InvalidField::new(field, "out_of_range")) }
        };
        within("idle_lock_minutes", self.policy.idle_lock_minutes, 240)?;
        within("lease_hours", self.policy.lease_hours, 168)?;
        within("lease_isolated_hours", self.policy.lease_isolated_hours, 720)?;
        check_references("replaces", &self.replaces)
    }
}

/// The rules of use (利用規則). Signed by an administrator.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RulesSet {
    /// Plain text with line breaks.
    pub text: String,
    pub replaces: Vec<EntryId>,
}

impl Body for RulesSet {
    const KIND: u16 = kind::RULES_SET;
    const WHAT: &'static str = "rules of use";

    fn check(&self) -> Result<(), InvalidField> {
        let allowed = |character: char| !character.is_control() || character == '\n' || character == '\t';
        if self.text.trim().is_empty() {
            return Err(InvalidField::new("text", "empty"));
        }
        if self.text.chars().count() > RULES_CHARS_MAX {
            return Err(InvalidField::new("text", "too_long"));
        }
        if !self.text.chars().all(allowed) {
            return Err(InvalidField::new("text", "control_characters"));
        }
        check_references("replaces", &self.replaces)
    }
}

/// The author has read and accepted the rules that this entry names. Vouched for by the node where it was said.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RulesAccepted {
    pub user: UserId,
    pub rules: EntryId,
}

impl Body for RulesAccepted {
    const KIND: u16 = kind::RULES_ACCEPTED;
    const WHAT: &'static str = "acceptance of the rules";

    fn check(&self) -> Result<(), InvalidField> {
        if self.rules.is_nil() { Err(InvalidField::new("rules", "empty")) } else { Ok(()) }
    }
}
