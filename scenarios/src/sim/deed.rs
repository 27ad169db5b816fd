//! What a person asks the node of their office to do, in the form in which a device would repeat it.

use noroshi_node::deeds::{Desk, NewMessage, NewRoom};
use noroshi_node::document::PageEdit;
use noroshi_node::error::ServiceError;
use noroshi_node::view::{Actor, RoomRole};
use noroshi_sync::entry::Draft;
use noroshi_sync::id::{EntryId, RoomId, UserId};

/// One request. It may be made again when nobody knows what became of it.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub number: u64,
    pub actor: Actor,
    pub deed: Deed,
    /// The story says that this must fail.
    pub must_be_refused: bool,
    /// It need not succeed: chance chose it without looking.
    pub may_be_refused: bool,
    /// Asked before: it may have been done already.
    pub repeated: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Deed {
    /// The entries that found the organisation.
    Found(Vec<Draft>),
    Room(RoomId, Box<NewRoom>),
    Post(RoomId, EntryId, NewMessage),
    Edit(RoomId, EntryId, String),
    Redact(RoomId, EntryId),
    React(RoomId, EntryId, String, bool),
    Read(RoomId, EntryId),
    Page(RoomId, PageEdit),
    SetMember(RoomId, UserId, RoomRole),
    RemoveMember(RoomId, UserId),
}

impl Deed {
    /// The room it writes to.
    pub fn room(&self) -> Option<RoomId> {
        match self {
            Self::Found(_) => None,
            Self::Room(room, _)
            | Self::Post(room, ..)
            | Self::Edit(room, ..)
            | Self::Redact(room, ..)
            | Self::React(room, ..)
            | Self::Read(room, ..)
            | Self::Page(room, ..)
            | Self::SetMember(room, ..)
            | Self::RemoveMember(room, ..) => Some(*room),
        }
    }

    /// For the journal.
    pub fn words(&self) -> String {
        match self {
            Self::Found(drafts) => format!("台帳 {} 件", drafts.len()),
            Self::Room(_, new) => format!("部屋「{}」", new.name),
            Self::Post(_, id, new) => format!("{} {id}「{}」", if new.urgent { "至急" } else { "発言" }, new.text),
            Self::Edit(_, id, text) => format!("訂正 {id}「{text}」"),
            Self::Redact(_, id) => format!("取消 {id}"),
            Self::React(_, id, stamp, on) => format!("スタンプ {id} {stamp} {on}"),
            Self::Read(_, id) => format!("既読 {id}"),
            Self::Page(_, edit) => format!("部屋の情報 {edit:?}"),
            Self::SetMember(_, user, role) => format!("参加 {user} {role:?}"),
            Self::RemoveMember(_, user) => format!("退出 {user}"),
        }
    }

    /// Does it, with the code that the node's services use.
    pub fn perform(&self, desk: &Desk<'_>, actor: &Actor) -> Result<(), ServiceError> {
        match self {
            Self::Found(drafts) => desk.append(drafts.clone()).map(drop).map_err(ServiceError::from),
            Self::Room(_, new) => desk.create_room(actor, new).map(drop),
            Self::Post(room, id, new) => desk.post(actor, *room, *id, new).map(drop),
            Self::Edit(room, id, text) => desk.edit(actor, *room, *id, &text.as_str().into()).map(drop),
            Self::Redact(room, id) => desk.redact(actor, *room, *id),
            Self::React(room, id, stamp, on) => desk.react(actor, *room, *id, stamp, *on),
            Self::Read(room, id) => desk.mark_read(actor, *room, *id).map(drop),
            Self::Page(room, edit) => desk.edit_page(actor, *room, edit).map(drop),
            Self::SetMember(room, user, role) => desk.set_member(actor, *room, *user, *role).map(drop),
            Self::RemoveMember(room, user) => desk.remove_member(actor, *room, *user),
        }
    }
}
