//! Staff lists as an administrator sees them: what was read, what is wrong, what would change.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{OfficeRef, PersonRef, Role, Time};

/// The language of the sentences about problems.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wording {
    Japanese,
    English,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportState {
    Draft,
    Applied,
    Undone,
}

/// One staff list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportView {
    pub id: Uuid,
    pub created_at: Time,
    pub by: PersonRef,
    pub state: ImportState,
    pub file: ImportFile,
    pub problems: Vec<ImportProblem>,
    pub diff: ImportDiff,
    /// For people who are new or come back: only in the answer to the call that applied the list, and nowhere else.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub letters: Option<Vec<ImportLetter>>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportFile {
    /// People in the file.
    pub rows: usize,
    /// `utf-8`, `cp932`, `utf-16le`, `utf-16be` or `xlsx`.
    pub encoding: String,
    /// The first row.
    pub columns: Vec<String>,
    /// The rows below it as they were read, at most five.
    pub preview: Vec<Vec<String>>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportProblem {
    /// As a spreadsheet numbers it; null when it concerns the file.
    pub row: Option<u32>,
    pub column: Option<String>,
    pub code: String,
    /// A sentence in the language of the request.
    pub message: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct ImportDiff {
    pub add: Vec<ImportNew>,
    pub change: Vec<ImportChange>,
    pub end: Vec<ImportEnd>,
    /// Rows that say what is known.
    pub same: usize,
    /// People in service who are not in the file. Nothing happens to them.
    pub absent: usize,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportNew {
    pub row: u32,
    pub person: ImportPerson,
}

/// Somebody who is not in the directory yet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportPerson {
    pub number: String,
    pub login: String,
    pub name: String,
    pub kana: String,
    pub office: OfficeRef,
    pub section_code: String,
    pub section: String,
    pub post: String,
    pub email: String,
    pub phone: String,
    pub muster_class: String,
    pub muster_place: String,
    pub qualifications: String,
    /// `regular`, `fixed_term` or `section_account`.
    pub employment: String,
    pub roles: Vec<Role>,
    pub valid_from: Option<Time>,
    pub valid_until: Option<Time>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportChange {
    pub row: u32,
    pub user: PersonRef,
    pub fields: Vec<ImportField>,
    /// When it takes force; null: at once.
    pub effective: Option<Time>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportField {
    /// As in a person.
    pub field: String,
    pub from: String,
    pub to: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportEnd {
    pub row: u32,
    pub user: PersonRef,
    pub valid_until: Option<Time>,
}

/// What somebody new is told on paper.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportLetter {
    pub user: Uuid,
    pub login: String,
    pub name: String,
    pub kana: String,
    pub office: OfficeRef,
    pub section: String,
    pub initial_password: String,
}
