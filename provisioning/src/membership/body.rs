//! What the policy entries of a room say. The order of the fields is the encoding.

use std::fmt;
use std::str::FromStr;

use noroshi_sync::id::{EntryId, InvalidId, UserId};
use serde::{Deserialize, Serialize};

use super::kind;
use crate::body::Body;
use crate::field::{InvalidField, check_references};
use crate::id::OfficeId;

/// The words are those of the HTTP interface.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomKind {
    Group,
    /// Of two people.
    Direct,
    /// Only administrators of the room write.
    Announcement,
}

impl RoomKind {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Direct => "direct",
            Self::Announcement => "announcement",
        }
    }
}

impl fmt::Display for RoomKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for RoomKind {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        [Self::Group, Self::Direct, Self::Announcement]
            .into_iter()
            .find(|kind| kind.word() == text)
            .ok_or_else(|| InvalidId { kind: "room kind", text: text.chars().take(32).collect() })
    }
}

/// What a member may do in the room. The words are those of the HTTP interface.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomRole {
    Admin,
    Member,
}

impl RoomRole {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Member => "member",
        }
    }
}

impl fmt::Display for RoomRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for RoomRole {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        [Self::Admin, Self::Member]
            .into_iter()
            .find(|role| role.word() == text)
            .ok_or_else(|| InvalidId { kind: "room role", text: text.chars().take(32).collect() })
    }
}

/// Creates the room; its author is the first administrator.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RoomCreate {
    pub kind: RoomKind,
    /// The other person of a direct room; nobody else can become a member of it. `None` for other kinds.
    pub created_for: Option<UserId>,
}

impl Body for RoomCreate {
    const KIND: u16 = kind::ROOM_CREATE;
    const WHAT: &'static str = "creation of a room";

    fn check(&self) -> Result<(), InvalidField> {
        match (self.kind, self.created_for) {
            (RoomKind::Direct, None) => Err(InvalidField::new("created_for", "empty")),
            (RoomKind::Direct, Some(user)) if user.is_nil() => Err(InvalidField::new("created_for", "empty")),
            (RoomKind::Group | RoomKind::Announcement, Some(_)) => Err(InvalidField::new("created_for", "not_allowed")),
            _ => Ok(()),
        }
    }
}

/// Makes a member or changes the role of one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MemberSet {
    pub user: UserId,
    pub role: RoomRole,
    /// Every removal of this person that the writer had seen.
    pub lifts: Vec<EntryId>,
    /// The grants of this person that the writer had seen in force ([`RoomCreate`] for its author).
    pub replaces: Vec<EntryId>,
}

impl Body for MemberSet {
    const KIND: u16 = kind::MEMBER_SET;
    const WHAT: &'static str = "membership";

    fn check(&self) -> Result<(), InvalidField> {
        if self.user.is_nil() {
            return Err(InvalidField::new("user", "empty"));
        }
        check_references("lifts", &self.lifts)?;
        check_references("replaces", &self.replaces)
    }
}

/// Removes a person; wins over every grant that does not name it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MemberRemove {
    pub user: UserId,
}

impl Body for MemberRemove {
    const KIND: u16 = kind::MEMBER_REMOVE;
    const WHAT: &'static str = "removal of a member";

    fn check(&self) -> Result<(), InvalidField> {
        if self.user.is_nil() { Err(InvalidField::new("user", "empty")) } else { Ok(()) }
    }
}

/// Opens the room to an office that has no member in it, or opens it again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AudienceAdd {
    pub office: OfficeId,
    /// Every removal of this office that the writer had seen.
    pub lifts: Vec<EntryId>,
}

impl Body for AudienceAdd {
    const KIND: u16 = kind::AUDIENCE_ADD;
    const WHAT: &'static str = "opening to an office";

    fn check(&self) -> Result<(), InvalidField> {
        if self.office.is_nil() {
            return Err(InvalidField::new("office", "empty"));
        }
        check_references("lifts", &self.lifts)
    }
}

/// Closes the room to an office, whatever opened it: members there, being a hub, or an [`AudienceAdd`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AudienceRemove {
    pub office: OfficeId,
}

impl Body for AudienceRemove {
    const KIND: u16 = kind::AUDIENCE_REMOVE;
    const WHAT: &'static str = "closing to an office";

    fn check(&self) -> Result<(), InvalidField> {
        if self.office.is_nil() { Err(InvalidField::new("office", "empty")) } else { Ok(()) }
    }
}
