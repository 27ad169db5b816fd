//! What people see: the objects of the HTTP contract, made by the services and carried by events unchanged.
//!
//! A view is the same for every reader, except where a field says so; what depends on the reader is filled in last.

mod administration;
mod attachment;
mod audit;
mod bundle;
mod erasure;
mod import;
mod lines;
mod node;
mod person;

pub use administration::{
    AdministratorKeyView, ConsoleView, DeviceCodeView, DeviceRequestView, Employment, InvitationView, KeyState,
    KnownDeviceView, KnownNodeView, NewPersonView, PersonView, PlannedView, PolicyView, PostKind, PostView,
    RequestState, RequestedKeyView, RevocationView, RulesView, SectionUsage, Standing, SuspensionView, UsageView,
};
pub use attachment::{AttachmentProgress, AttachmentState, AttachmentView, Degrees, PlaceView, UploadView};
pub use audit::{AuditEntryView, AuditListView, AuditNode, AuditObject, AuditObjectKind};
pub use bundle::{BundleExportView, BundleImportView};
pub use erasure::{ErasedView, ErasureCounts, ErasureView, Grounds};
pub use import::{
    ImportChange, ImportDiff, ImportEnd, ImportField, ImportFile, ImportLetter, ImportNew, ImportPerson, ImportProblem,
    ImportState, ImportView, Wording,
};
pub use lines::{
    CutListView, CutReasonView, CutView, MapLine, MapLineState, MapNode, MapRtt, MapView, PeerAlarmView, WaitingClass,
    WaitingView,
};
pub use node::{
    ClockView, HeadquartersView, NodeView, PeerState, PeerVia, PeerView, StorageState, StorageView, Transport,
};
pub use person::{DeviceView, LogIn, MeView, NodeRef, PasscodeView, PasswordChanged, PasswordState, RulesState};

use noroshi_sync::id::{DeviceId, EntryId, NodeId, RoomId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A point in time as RFC 3339 text with the offset of Japan, e.g. `2026-09-01T09:12:00.123+09:00`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Time(pub String);

impl Time {
    /// From milliseconds since 1970. Values outside jiff's range cannot be stored, so they become 1970.
    pub fn from_ms(ms: u64) -> Self {
        let timestamp =
            i64::try_from(ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
        let offset = jiff::tz::Offset::constant(9);
        Self(timestamp.display_with_offset(offset).to_string())
    }

    /// Milliseconds since 1970 of RFC 3339 text, or of a date (`2027-04-01`), which begins at midnight in Japan.
    pub fn parse(text: &str) -> Option<u64> {
        let timestamp = match text.parse::<jiff::Timestamp>() {
            Ok(timestamp) => timestamp,
            Err(_) => {
                let midnight = text.parse::<jiff::civil::Date>().ok()?.to_datetime(jiff::civil::Time::midnight());
                jiff::tz::Offset::constant(9).to_timestamp(midnight).ok()?
            }
        };
        u64::try_from(timestamp.as_millisecond()).ok()
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    SystemAdmin,
    OfficeAdmin,
    DrillController,
    Staff,
    Guest,
}

impl From<noroshi_provisioning::Role> for Role {
    fn from(role: noroshi_provisioning::Role) -> Self {
        match role {
            noroshi_provisioning::Role::SystemAdmin => Self::SystemAdmin,
            noroshi_provisioning::Role::OfficeAdmin => Self::OfficeAdmin,
            noroshi_provisioning::Role::DrillController => Self::DrillController,
            noroshi_provisioning::Role::Staff => Self::Staff,
            noroshi_provisioning::Role::Guest => Self::Guest,
        }
    }
}

impl From<Role> for noroshi_provisioning::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::SystemAdmin => Self::SystemAdmin,
            Role::OfficeAdmin => Self::OfficeAdmin,
            Role::DrillController => Self::DrillController,
            Role::Staff => Self::Staff,
            Role::Guest => Self::Guest,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoomRole {
    Admin,
    Member,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoomKind {
    Group,
    Direct,
    Announcement,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OfficeKind {
    Headquarters,
    Branch,
    Fire,
    Shelter,
    Health,
    Other,
}

impl From<OfficeKind> for noroshi_provisioning::OfficeKind {
    fn from(kind: OfficeKind) -> Self {
        match kind {
            OfficeKind::Headquarters => Self::Headquarters,
            OfficeKind::Branch => Self::Branch,
            OfficeKind::Fire => Self::Fire,
            OfficeKind::Shelter => Self::Shelter,
            OfficeKind::Health => Self::Health,
            OfficeKind::Other => Self::Other,
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct OfficeRef {
    pub id: uuid::Uuid,
    pub name: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct OfficeView {
    pub id: uuid::Uuid,
    pub name: String,
    pub kind: OfficeKind,
    pub hub: bool,
    pub nodes: Vec<String>,
}

/// A person as other people see them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct UserView {
    pub id: uuid::Uuid,
    /// Only for oneself and for administrators.
    pub login: Option<String>,
    pub name: String,
    /// Reading in hiragana, for sorting.
    pub kana: String,
    pub office: OfficeRef,
    pub section: String,
    pub post: String,
    pub roles: Vec<Role>,
}

/// A person named beside something else.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct PersonRef {
    pub id: uuid::Uuid,
    pub name: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct AuthorView {
    pub id: uuid::Uuid,
    pub name: String,
    pub office: OfficeRef,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ReplyView {
    pub id: uuid::Uuid,
    pub author_name: String,
    /// The first 80 characters; empty when redacted or not here.
    pub excerpt: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct RedactionView {
    pub by: PersonRef,
    pub at: Time,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ReactionView {
    pub stamp: String,
    pub users: Vec<PersonRef>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    Message,
    System,
}

/// Who signed what a message says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignedBy {
    /// A device of the author, enrolled in the ledger. The office alone could not have written it.
    Device,
    /// Nobody: the office where it was written vouches for the author.
    None,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct MessageView {
    pub id: uuid::Uuid,
    pub room: uuid::Uuid,
    pub author: AuthorView,
    pub device_kind: String,
    /// Empty when redacted.
    pub text: String,
    /// By the writer's clock, its measured error taken out.
    pub sent_at: Time,
    /// When it was stored at this node.
    pub received_at: Time,
    /// The writer's clock was more than 2 s off.
    pub clock_suspect: bool,
    pub urgent: bool,
    pub drill: bool,
    pub reply_to: Option<ReplyView>,
    pub mentions: Vec<PersonRef>,
    pub edited_at: Option<Time>,
    pub redacted: Option<RedactionView>,
    /// Nothing is left of what it said.
    pub erased: Option<ErasedView>,
    pub reactions: Vec<ReactionView>,
    /// Empty when redacted.
    pub attachments: Vec<AttachmentView>,
    /// Offices of the audience that hold the message on disk, this one included …
    pub arrived: u32,
    /// … of this many.
    pub offices: u32,
    /// People other than the author who have read it.
    pub read: u32,
    /// Depends on the reader.
    pub my_own: bool,
    /// Arrived below the reader's watermark. Depends on the reader.
    pub late: bool,
    /// Written after the person or the device was stopped, where that was not known yet.
    pub after_stop: bool,
    pub signed: SignedBy,
    /// Not signed by a device although it matters: the message is urgent, or was written away from the author's office.
    pub unsigned: bool,
    /// Another message has the same identity and other content; both are shown.
    pub conflict: bool,
    /// The node that wrote it down ran twice at once: this is of one of the histories that it signed under one name. All of
    /// them are shown.
    pub forked: bool,
    pub entry_kind: EntryKind,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct RoomView {
    pub id: uuid::Uuid,
    /// For a direct room the other person's name. Depends on the reader.
    pub name: String,
    pub topic: String,
    pub purpose: String,
    pub kind: RoomKind,
    pub my_role: Option<RoomRole>,
    pub member_count: u32,
    pub offices: Vec<OfficeRef>,
    pub unread: u32,
    /// How many of them arrived below what the reader had read already.
    pub late: u32,
    pub first_unread: Option<uuid::Uuid>,
    pub last_message: Option<MessageView>,
    pub my_read: Option<uuid::Uuid>,
    pub pins: Vec<uuid::Uuid>,
    pub created_at: Time,
    pub updated_at: Time,
    pub drill: bool,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct MemberView {
    pub user: UserView,
    pub role: RoomRole,
    pub added_at: Time,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ReadReceipt {
    pub user: AuthorView,
    pub at: Time,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ArrivalView {
    pub node: String,
    pub office: OfficeRef,
    /// When this node learned of it; null for a node that does not hold the message.
    pub at: Option<Time>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ReceiptsView {
    pub read: Vec<ReadReceipt>,
    pub unread: Vec<AuthorView>,
    pub arrived: Vec<ArrivalView>,
    pub missing: Vec<ArrivalView>,
}

/// A page of a timeline, newest last.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct MessagePage {
    pub items: Vec<MessageView>,
    /// `before=` for older messages; null at the beginning.
    pub next: Option<String>,
    /// `after=` for newer messages; null at the end.
    pub previous: Option<String>,
    /// The place of the event stream at which the page is as it is: `seen` of a read mark.
    pub seen: String,
}

/// Who acts, as a session says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Actor {
    pub user: UserId,
    pub device: DeviceId,
    pub roles: Vec<Role>,
}

impl Actor {
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// What happened, for the event stream of the browser. The views are those of a reader without any state of their own;
/// `late_for` names the readers below whose mark the message arrived.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NodeEvent {
    Message {
        room: RoomId,
        message: Box<MessageView>,
        late_for: Vec<UserId>,
    },
    Edited {
        room: RoomId,
        message: Box<MessageView>,
        late_for: Vec<UserId>,
    },
    Redacted {
        room: RoomId,
        message: Box<MessageView>,
        late_for: Vec<UserId>,
    },
    Reaction {
        room: RoomId,
        message: Box<MessageView>,
        late_for: Vec<UserId>,
    },
    Read {
        room: RoomId,
        user: UserId,
        message: EntryId,
        at: Time,
    },
    Arrived {
        room: RoomId,
        messages: Vec<ArrivedCount>,
    },
    /// The room, its page or its members changed; readers fetch it as themselves.
    Room {
        room: RoomId,
    },
    /// The user is no longer a member.
    RoomRemoved {
        room: RoomId,
        user: UserId,
    },
    Document {
        room: RoomId,
        document: String,
    },
    Peer {
        node: NodeId,
    },
    Alert {
        code: String,
        text: String,
        at: Time,
    },
    Typing {
        room: RoomId,
        user: PersonRef,
    },
    /// A file that the room shows has come further.
    Attachment {
        room: RoomId,
        hash: String,
        state: AttachmentState,
        held_bytes: u64,
        size: u64,
    },
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ArrivedCount {
    pub id: uuid::Uuid,
    pub arrived: u32,
    pub offices: u32,
    pub read: u32,
}

#[cfg(test)]
mod tests {
    use super::Time;

    #[test]
    fn times_carry_the_offset_of_japan() {
        assert_eq!(Time::from_ms(1_788_221_520_123).0, "2026-09-01T09:12:00.123+09:00");
    }
}
