//! Content that was erased for good.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{PersonRef, Time};

/// Why content may be erased.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grounds {
    PersonalData,
    Drill,
    Retention,
}

impl From<noroshi_provisioning::membership::Grounds> for Grounds {
    fn from(grounds: noroshi_provisioning::membership::Grounds) -> Self {
        match grounds {
            noroshi_provisioning::membership::Grounds::PersonalData => Self::PersonalData,
            noroshi_provisioning::membership::Grounds::Drill => Self::Drill,
            noroshi_provisioning::membership::Grounds::Retention => Self::Retention,
        }
    }
}

impl From<Grounds> for noroshi_provisioning::membership::Grounds {
    fn from(grounds: Grounds) -> Self {
        match grounds {
            Grounds::PersonalData => Self::PersonalData,
            Grounds::Drill => Self::Drill,
            Grounds::Retention => Self::Retention,
        }
    }
}

/// In the place of a message of which nothing is left.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ErasedView {
    pub grounds: Grounds,
    pub reason: String,
    pub by: PersonRef,
    pub at: Time,
}

/// What an erasure erases at this node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ErasureCounts {
    pub messages: u32,
    /// Copies and edits included.
    pub entries: u32,
    pub bytes: u64,
    /// Offices whose nodes may hold the room.
    pub offices: u32,
}

/// One act of erasure.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ErasureView {
    pub id: uuid::Uuid,
    pub by: PersonRef,
    pub at: Time,
    pub grounds: Grounds,
    pub reason: String,
    pub messages: u32,
}
