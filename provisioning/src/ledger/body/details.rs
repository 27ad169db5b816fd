//! What else is known of a person, and changes that take force on a day to come.

use noroshi_sync::id::{EntryId, UserId};
use noroshi_sync::limits::TIME_MS_MAX;
use serde::{Deserialize, Serialize};

use super::UserSet;
use crate::body::Body;
use crate::field::{InvalidField, check_references, check_text};
use crate::ledger::kind;
use crate::limits::{DETAIL_CHARS_MAX, SECTION_CHARS_MAX};

/// Everything about a person that neither names them nor gives a right. Signed by an administrator.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UserDetail {
    pub user: UserId,
    pub details: Details,
    /// The entries about these details that the writer had seen in force.
    pub replaces: Vec<EntryId>,
}

/// Texts may be empty.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Details {
    /// 職員番号, as written.
    pub number: String,
    /// 所属コード, by which lists are sorted.
    pub section_code: String,
    pub email: String,
    /// Digits, with `+` in front for a number abroad.
    pub phone: String,
    /// 参集区分.
    pub muster_class: String,
    /// 参集場所.
    pub muster_place: String,
    /// 資格.
    pub qualifications: String,
    pub employment: Employment,
    /// Milliseconds since 1970: the person logs in from then on …
    pub valid_from_ms: Option<u64>,
    /// … and before this.
    pub valid_until_ms: Option<u64>,
}

/// The words are those of the HTTP interface; the order is the encoding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Employment {
    #[default]
    Regular,
    /// 会計年度任用職員.
    FixedTerm,
    /// An account that a section shares; nobody in person.
    SectionAccount,
}

impl Details {
    /// Whether the account is in use at this moment, milliseconds since 1970.
    pub fn is_valid_at(&self, now_ms: u64) -> bool {
        self.valid_from_ms.is_none_or(|from| from <= now_ms) && self.valid_until_ms.is_none_or(|until| now_ms < until)
    }
}

impl Body for UserDetail {
    const KIND: u16 = kind::USER_DETAIL;
    const WHAT: &'static str = "details of a person";

    fn check(&self) -> Result<(), InvalidField> {
        let details = &self.details;
        if self.user.is_nil() {
            return Err(InvalidField::new("user", "empty"));
        }
        check_text("number", &details.number, SECTION_CHARS_MAX)?;
        check_text("section_code", &details.section_code, SECTION_CHARS_MAX)?;
        check_text("email", &details.email, DETAIL_CHARS_MAX)?;
        check_text("phone", &details.phone, SECTION_CHARS_MAX)?;
        check_text("muster_class", &details.muster_class, DETAIL_CHARS_MAX)?;
        check_text("muster_place", &details.muster_place, DETAIL_CHARS_MAX)?;
        check_text("qualifications", &details.qualifications, DETAIL_CHARS_MAX)?;
        let late = |time: Option<u64>| time.is_some_and(|time| time > TIME_MS_MAX);
        if late(details.valid_from_ms) {
            return Err(InvalidField::new("valid_from_ms", "malformed"));
        }
        if late(details.valid_until_ms) {
            return Err(InvalidField::new("valid_until_ms", "malformed"));
        }
        check_references("replaces", &self.replaces)
    }
}

/// A change of a person that holds from a moment on, such as the transfers of 1 April. Until then it is only known of.
/// From then on it is a [`UserSet`] like any other. Signed by an administrator.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UserTransfer {
    /// Milliseconds since 1970.
    pub effective_ms: u64,
    pub set: UserSet,
}

impl Body for UserTransfer {
    const KIND: u16 = kind::USER_TRANSFER;
    const WHAT: &'static str = "transfer of a person";

    fn check(&self) -> Result<(), InvalidField> {
        if self.effective_ms > TIME_MS_MAX {
            return Err(InvalidField::new("effective_ms", "malformed"));
        }
        self.set.check()
    }
}
