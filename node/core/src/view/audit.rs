//! The audit log as administrators see it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{OfficeRef, PersonRef, Time};

/// The node that tells.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct AuditNode {
    pub short: String,
    pub name: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditObjectKind {
    User,
    Device,
    Office,
    Node,
    Post,
    Invitation,
    Import,
}

/// Whom or what it was done to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditObject {
    pub kind: AuditObjectKind,
    pub id: String,
    /// As it is called now, or was then; may be empty.
    pub name: String,
    /// Of a device: whose.
    pub user: Option<PersonRef>,
}

/// Something that happened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditEntryView {
    pub id: uuid::Uuid,
    /// By the clock of the node that tells.
    pub at: Time,
    pub node: AuditNode,
    pub office: OfficeRef,
    /// `unknown` for what a later version of this program wrote.
    #[schema(example = "user_suspended")]
    pub kind: String,
    /// Null: nobody known, or the node by itself.
    pub actor: Option<PersonRef>,
    pub object: Option<AuditObject>,
    /// Words for programs, and what they say here: `reason`, `address`, `role`, `fields`, `count` …
    pub detail: BTreeMap<String, String>,
    /// Checked when it was read: these are the bytes that the node signed, and nothing around them is missing or changed.
    pub verified: bool,
}

/// A part of the log, the newest first.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditListView {
    pub items: Vec<AuditEntryView>,
    /// `cursor=` for the next part; null at the end.
    pub next: Option<String>,
}
