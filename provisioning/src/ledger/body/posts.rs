//! Posts (職) and teams (班): what people are called up for, and who stands in for whom.

use noroshi_sync::id::{EntryId, UserId};
use serde::{Deserialize, Serialize};

use crate::body::Body;
use crate::field::{InvalidField, check_name, check_references, check_text};
use crate::id::{OfficeId, PostId};
use crate::ledger::kind;
use crate::limits::{NAME_CHARS_MAX, POST_PEOPLE_MAX};

/// Makes or changes a post. Signed by an administrator, or vouched for by a node of the office it belongs to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PostSet {
    pub post: PostId,
    pub office: OfficeId,
    pub name: String,
    pub kana: String,
    pub kind: PostKind,
    /// Who holds it now.
    pub holders: Vec<UserId>,
    /// Who stands in, in this order.
    pub deputies: Vec<UserId>,
    /// The post is no more.
    pub ended: bool,
    pub replaces: Vec<EntryId>,
}

/// The words are those of the HTTP interface; the order is the encoding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PostKind {
    /// 職: the mayor, the head of the general affairs section.
    Post,
    /// 班: everybody in it is meant.
    Team,
}

impl Body for PostSet {
    const KIND: u16 = kind::POST_SET;
    const WHAT: &'static str = "post";

    fn check(&self) -> Result<(), InvalidField> {
        if self.post.is_nil() {
            return Err(InvalidField::new("post", "empty"));
        }
        if self.office.is_nil() {
            return Err(InvalidField::new("office", "empty"));
        }
        check_name("name", &self.name, NAME_CHARS_MAX)?;
        check_text("kana", &self.kana, NAME_CHARS_MAX)?;
        check_people("holders", &self.holders)?;
        check_people("deputies", &self.deputies)?;
        check_references("replaces", &self.replaces)
    }
}

fn check_people(field: &'static str, people: &[UserId]) -> Result<(), InvalidField> {
    if people.len() > POST_PEOPLE_MAX {
        return Err(InvalidField::new(field, "too_many"));
    }
    let mut seen = std::collections::BTreeSet::new();
    if people.iter().any(|user| user.is_nil() || !seen.insert(*user)) {
        return Err(InvalidField::new(field, "duplicate"));
    }
    Ok(())
}
