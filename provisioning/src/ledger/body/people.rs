//! People and their roles.

use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::{EntryId, UserId};
use serde::{Deserialize, Serialize};

use crate::body::Body;
use crate::field::{InvalidField, check_login, check_name, check_references, check_text};
use crate::id::OfficeId;
use crate::ledger::kind;
use crate::limits::{NAME_CHARS_MAX, SECTION_CHARS_MAX};
use crate::role::Role;

/// Makes or changes a person. Signed by an administrator.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UserSet {
    pub user: UserId,
    /// 1–64 of `[a-z0-9._@-]`.
    pub login: String,
    pub name: String,
    /// Reading of the name, for sorting; may be empty.
    pub kana: String,
    /// Home office: its nodes may vouch for the person.
    pub office: OfficeId,
    /// 課; may be empty.
    pub section: String,
    /// 職名; may be empty.
    pub post: String,
    /// The entries about this person that the writer had seen in force.
    pub replaces: Vec<EntryId>,
}

impl Body for UserSet {
    const KIND: u16 = kind::USER_SET;
    const WHAT: &'static str = "person";

    fn check(&self) -> Result<(), InvalidField> {
        if self.user.is_nil() {
            return Err(InvalidField::new("user", "empty"));
        }
        if self.office.is_nil() {
            return Err(InvalidField::new("office", "empty"));
        }
        check_login(&self.login)?;
        check_name("name", &self.name, NAME_CHARS_MAX)?;
        check_text("kana", &self.kana, NAME_CHARS_MAX)?;
        check_text("section", &self.section, SECTION_CHARS_MAX)?;
        check_text("post", &self.post, SECTION_CHARS_MAX)?;
        check_references("replaces", &self.replaces)
    }
}

/// Gives a person a role. Signed by the root key or a system administrator.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RoleGrant {
    pub user: UserId,
    pub role: Role,
    /// Every removal of this role of this person that the writer had seen: the grant gives nothing while one is not named.
    pub lifts: Vec<EntryId>,
}

impl Body for RoleGrant {
    const KIND: u16 = kind::ROLE_GRANT;
    const WHAT: &'static str = "grant of a role";

    fn check(&self) -> Result<(), InvalidField> {
        if self.user.is_nil() {
            return Err(InvalidField::new("user", "empty"));
        }
        check_references("lifts", &self.lifts)
    }
}

/// Takes a role from a person; wins over every grant that does not name it. Signed like a grant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RoleRemove {
    pub user: UserId,
    pub role: Role,
    /// What the person signed with stamps up to here stands, what was signed later does not count. The writer takes
    /// [`crate::ledger::Directory::acts_until`]: its clock, or the last act of the person that it had seen if that is
    /// later. Part of the signed body, because a node could copy the entry into its own log under another stamp, and
    /// because the stamps of two rooms cannot be compared otherwise.
    pub acts_until: Hlc,
}

impl Body for RoleRemove {
    const KIND: u16 = kind::ROLE_REMOVE;
    const WHAT: &'static str = "removal of a role";

    fn check(&self) -> Result<(), InvalidField> {
        if self.user.is_nil() {
            return Err(InvalidField::new("user", "empty"));
        }
        if !self.acts_until.is_well_formed() {
            return Err(InvalidField::new("acts_until", "malformed"));
        }
        Ok(())
    }
}
