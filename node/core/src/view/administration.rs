//! What administrators see: people with all that is known of them, devices, requests, posts, nodes, policy.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{OfficeRef, PersonRef, Time, UserView};

/// The key with which an administrator signs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ConsoleView {
    /// A sealed key of this person lies on this machine.
    pub key_here: bool,
    pub unlocked_until: Option<Time>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// Named: what it signs counts.
    Active,
    /// Waits for another administrator to name it.
    Requested,
}

/// A key with which an administrator signs, or wants to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct AdministratorKeyView {
    #[schema(value_type = String, format = Uuid)]
    pub id: uuid::Uuid,
    pub user: PersonRef,
    /// Sixteen characters that two people compare by voice.
    #[schema(example = "7K2M-0XQD-9RTW-4HBC")]
    pub fingerprint: String,
    pub state: KeyState,
    pub at: Time,
}

/// A key that was just made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct RequestedKeyView {
    #[serde(flatten)]
    pub key: AdministratorKeyView,
    /// The recovery sheet, as text to be printed and locked away. Shown this once.
    pub recovery: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct SuspensionView {
    pub at: Time,
    /// Null: the node by itself.
    pub by: Option<PersonRef>,
    pub reason: String,
    /// Holds at all offices; else only where it was said, until the home office or an administrator confirms.
    pub everywhere: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Employment {
    Regular,
    FixedTerm,
    SectionAccount,
}

/// A change that is not in force yet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct PlannedView {
    pub effective: Time,
    pub office: OfficeRef,
    pub section: String,
    pub post: String,
}

/// A person as administrators see them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct PersonView {
    #[serde(flatten)]
    pub user: UserView,
    pub number: String,
    pub section_code: String,
    pub email: String,
    pub phone: String,
    pub muster_class: String,
    pub muster_place: String,
    pub qualifications: String,
    pub employment: Employment,
    pub valid_from: Option<Time>,
    pub valid_until: Option<Time>,
    pub suspended: Option<SuspensionView>,
    /// Suspensions of an administrator that wait for a second administrator.
    pub suspension_awaits: u32,
    pub devices: u32,
    pub planned: Vec<PlannedView>,
}

/// A person with a password that was just made; it is shown once.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewPersonView {
    #[serde(flatten)]
    pub person: PersonView,
    pub initial_password: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Active,
    Suspended,
    Ended,
}

/// A device of a person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct KnownDeviceView {
    pub id: uuid::Uuid,
    pub user: PersonRef,
    pub name: String,
    pub enrolled_at: Option<Time>,
    pub office: Option<OfficeRef>,
    /// At this node.
    pub last_seen: Option<Time>,
    pub state: Standing,
    pub suspended: Option<SuspensionView>,
    pub signs: bool,
    /// The device that asks.
    pub here: bool,
    /// Log-ins at this node.
    pub sessions: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    Open,
    Issued,
    Declined,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeviceRequestView {
    pub id: uuid::Uuid,
    pub user: PersonRef,
    pub by: PersonRef,
    pub at: Time,
    pub reason: String,
    pub state: RequestState,
}

/// A device code, shown once.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeviceCodeView {
    #[schema(example = "ABCDE-FGHJK")]
    pub code: String,
    pub expires_at: Time,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PostKind {
    Post,
    Team,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct PostView {
    pub id: uuid::Uuid,
    pub name: String,
    pub kana: String,
    pub kind: PostKind,
    pub office: OfficeRef,
    pub holders: Vec<PersonRef>,
    /// In the order in which they stand in.
    pub deputies: Vec<PersonRef>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct RevocationView {
    pub at: Time,
    pub by: Option<PersonRef>,
    pub reason: String,
}

/// A node of the organisation, revoked ones included.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct KnownNodeView {
    pub id: String,
    pub short: String,
    pub name: String,
    pub office: OfficeRef,
    pub enrolled_at: Time,
    pub addresses: Vec<String>,
    /// When its certificate ends, as it was last shown here; null when it never was.
    pub certificate_until: Option<Time>,
    pub revoked: Option<RevocationView>,
    /// As this node sees it; null for this node itself.
    pub state: Option<super::PeerState>,
    pub here: bool,
}

/// An invitation of a node; the code itself is shown once, when it is made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct InvitationView {
    pub id: uuid::Uuid,
    pub office: OfficeRef,
    pub node_name: String,
    pub expires_at: Time,
    pub used: bool,
    pub cancelled: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyView {
    /// Logging in needs an enrolled device.
    pub require_devices: bool,
    /// An enrolled device needs a passcode.
    pub require_passcode: bool,
    /// 1–240.
    pub idle_lock_minutes: u16,
    /// 1–168: how long a session outlives its last use.
    pub lease_hours: u16,
    /// 1–720: how long it outlives the last contact with headquarters.
    pub lease_isolated_hours: u16,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct RulesView {
    pub version: uuid::Uuid,
    pub text: String,
    pub updated_at: Time,
    pub accepted_at: Option<Time>,
    /// People who accepted this version, of all.
    pub accepted: u32,
    pub people: u32,
}

/// A month of use.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct UsageView {
    #[schema(example = "2026-11")]
    pub month: String,
    pub accounts: u32,
    /// People who posted or read.
    pub active: u32,
    pub posts: u64,
    /// Rooms of this node.
    pub rooms: u32,
    pub sections: Vec<SectionUsage>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct SectionUsage {
    pub office: OfficeRef,
    pub section: String,
    pub accounts: u32,
    pub active: u32,
    pub posts: u64,
}
