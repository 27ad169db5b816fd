//! Stopping people and devices, and letting them in again.

use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::{DeviceId, EntryId, UserId};
use serde::{Deserialize, Serialize};

use crate::body::Body;
use crate::field::{InvalidField, check_references, check_text};
use crate::ledger::kind;
use crate::limits::REASON_CHARS_MAX;

/// Stops a person everywhere. Wins over everything concurrent, until a [`UserLift`] names it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UserSuspend {
    pub user: UserId,
    /// For people; may be empty.
    pub reason: String,
    /// Of an administrator: what the person signed with stamps up to here stands. See
    /// [`RoleRemove::acts_until`](super::RoleRemove::acts_until).
    pub acts_until: Hlc,
}

impl Body for UserSuspend {
    const KIND: u16 = kind::USER_SUSPEND;
    const WHAT: &'static str = "suspension of a person";

    fn check(&self) -> Result<(), InvalidField> {
        if self.user.is_nil() {
            return Err(InvalidField::new("user", "empty"));
        }
        if !self.acts_until.is_well_formed() {
            return Err(InvalidField::new("acts_until", "malformed"));
        }
        check_text("reason", &self.reason, REASON_CHARS_MAX)
    }
}

/// Lifts the suspensions it names. Signed by a system administrator, who therefore has seen them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UserLift {
    pub user: UserId,
    pub lifts: Vec<EntryId>,
}

impl Body for UserLift {
    const KIND: u16 = kind::USER_LIFT;
    const WHAT: &'static str = "end of a suspension";

    fn check(&self) -> Result<(), InvalidField> {
        if self.user.is_nil() {
            return Err(InvalidField::new("user", "empty"));
        }
        if self.lifts.is_empty() {
            return Err(InvalidField::new("lifts", "empty"));
        }
        check_references("lifts", &self.lifts)
    }
}

/// Stops a device everywhere: a lost phone. Wins like [`UserSuspend`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DeviceSuspend {
    pub device: DeviceId,
    /// Whose it is: a suspension may arrive before the enrolment.
    pub user: UserId,
    pub reason: String,
}

impl Body for DeviceSuspend {
    const KIND: u16 = kind::DEVICE_SUSPEND;
    const WHAT: &'static str = "suspension of a device";

    fn check(&self) -> Result<(), InvalidField> {
        if self.device.is_nil() {
            return Err(InvalidField::new("device", "empty"));
        }
        check_text("reason", &self.reason, REASON_CHARS_MAX)
    }
}

/// Lifts suspensions of a device. Signed by a system administrator.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DeviceLift {
    pub device: DeviceId,
    pub lifts: Vec<EntryId>,
}

impl Body for DeviceLift {
    const KIND: u16 = kind::DEVICE_LIFT;
    const WHAT: &'static str = "end of a device's suspension";

    fn check(&self) -> Result<(), InvalidField> {
        if self.device.is_nil() {
            return Err(InvalidField::new("device", "empty"));
        }
        if self.lifts.is_empty() {
            return Err(InvalidField::new("lifts", "empty"));
        }
        check_references("lifts", &self.lifts)
    }
}
