//! What must be true when a run ends. That nothing is lost, doubled or seen by strangers is always expected.

use super::{PersonNumber, RoomNumber};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// After the last event and with all lines up every office agrees within this time, milliseconds.
    pub converge_within_ms: u64,
    pub rooms: Vec<RoomExpectation>,
}

/// What everybody who may hold a room must see in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomExpectation {
    pub rooms: Vec<RoomNumber>,
    /// Messages shown in each of the rooms, redacted ones too.
    pub messages: Option<u64>,
    pub name: Option<String>,
    pub topic: Option<String>,
    pub purpose: Option<String>,
    /// These are members, in whatever role; so are [`Self::admins`].
    pub members: Vec<PersonNumber>,
    pub admins: Vec<PersonNumber>,
    /// These are not members.
    pub strangers: Vec<PersonNumber>,
}
