//! Making rooms.

use std::collections::BTreeSet;

use noroshi_provisioning::membership::{self, Membership, direct_room_id, room_id};
use noroshi_provisioning::{Directory, OfficeId};
use noroshi_sync::entry::Draft;
use noroshi_sync::id::{EntryId, RoomId, UserId};

use super::Desk;
use super::creation::Creation;
use super::page::{changed, checked, page_draft};
use super::policy::{impossible, policy_writer};
use crate::body::DocChange;
use crate::document::{PageEdit, RoomPage};
use crate::error::ServiceError;
use crate::limits::{ROOM_MEMBERS_MAX, ROOM_OFFICES_MAX};
use crate::rights::{Action, Object};
use crate::view::{Actor, RoomKind};

/// A room that somebody wants to make.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewRoom {
    /// Made by the client, a UUID of version 7, so that a repetition is the same room; `None`: made here.
    pub id: Option<RoomId>,
    /// Left out in conversations of two.
    pub name: String,
    pub topic: String,
    pub purpose: String,
    pub kind: RoomKind,
    /// Other than the maker, who becomes its administrator.
    pub members: Vec<UserId>,
    /// Offices that hold the room without having members in it.
    pub offices: Vec<OfficeId>,
}

impl Desk<'_> {
    /// Makes a room; returns whether it was not there before. The conversation of two people is always the same room; any
    /// other is the same when the same person created it with the same content, else it is a [`ServiceError::Conflict`].
    pub fn create_room(&self, actor: &Actor, new: &NewRoom) -> Result<(bool, RoomId), ServiceError> {
        self.check(actor, Action::CreateRoom, Object::Organisation)?;
        let current = self.projection.current(self.writing)?;
        let members = members(actor, new, &current.directory)?;
        check_offices(new, &current.directory)?;
        let page = page_of(new)?;
        let create = self.creation_id(actor, new, &members, &page);
        let room = match (new.kind, members.first()) {
            (RoomKind::Direct, Some(other)) => direct_room_id(actor.user, *other),
            _ => new.id.unwrap_or_else(|| room_id(create, actor.user)),
        };
        if self.writing.room_key(&room)?.is_some() {
            let membership = self.membership(room, &current.directory)?;
            if membership.is_member(actor.user) {
                let same = new.kind == RoomKind::Direct || membership.created() == Some((create, actor.user));
                return if same { Ok((false, room)) } else { Err(ServiceError::Conflict) };
            }
            if membership.created().is_some() || current.is_ledger(&room) || current.is_audit(&room) {
                return Err(ServiceError::Conflict);
            }
        }
        check_id(new)?;
        self.append(self.policy_drafts(actor, new, room, create, &members)?)?;
        self.append_page(actor, room, create, &page)?;
        Ok((true, room))
    }

    fn creation_id(&self, actor: &Actor, new: &NewRoom, members: &[UserId], page: &PageEdit) -> EntryId {
        let Some(room) = new.id.filter(|_| new.kind != RoomKind::Direct) else { return (self.mint)() };
        let members: BTreeSet<UserId> = members.iter().copied().collect();
        let offices: BTreeSet<OfficeId> = new.offices.iter().copied().collect();
        let creation = Creation {
            members: members.into_iter().collect(),
            offices: offices.into_iter().collect(),
            ..Creation::new(room, actor.user, new.kind, page)
        };
        creation.entry_id()
    }

    fn policy_drafts(
        &self,
        actor: &Actor,
        new: &NewRoom,
        room: RoomId,
        create: EntryId,
        members: &[UserId],
    ) -> Result<Vec<Draft>, ServiceError> {
        let nothing = Membership::default();
        let writer = policy_writer(actor, room, create, &nothing);
        let created_for = members.first().copied().filter(|_| new.kind == RoomKind::Direct);
        let mut drafts = vec![writer.create(create, policy_kind(new.kind), created_for).map_err(impossible)?];
        for user in members {
            let role = membership::RoomRole::Member;
            drafts.push(writer.set_member((self.mint)(), *user, role).map_err(impossible)?);
        }
        for office in new.offices.iter().collect::<BTreeSet<_>>() {
            drafts.push(writer.add_office((self.mint)(), *office).map_err(impossible)?);
        }
        Ok(drafts)
    }

    fn append_page(&self, actor: &Actor, room: RoomId, grant: EntryId, page: &PageEdit) -> Result<(), ServiceError> {
        let empty = RoomPage::new(room, self.writing.node(), self.writing.epoch());
        if let Some(bytes) = changed(&empty, page)? {
            let document = DocChange::PAGE.to_owned();
            self.append(vec![page_draft((actor, grant), room, (self.mint)(), document, bytes)])?;
        }
        Ok(())
    }
}

/// The ids of other versions are derived from who may create the room, so a creation under them would not count.
fn check_id(new: &NewRoom) -> Result<(), ServiceError> {
    let chosen = new.id.filter(|_| new.kind != RoomKind::Direct);
    match chosen.is_some_and(|id| id.as_uuid().get_version_num() != 7) {
        true => Err(ServiceError::Invalid { field: "id", code: "invalid_id" }),
        false => Ok(()),
    }
}

/// The other members, each once.
fn members(actor: &Actor, new: &NewRoom, directory: &Directory) -> Result<Vec<UserId>, ServiceError> {
    let mut seen = BTreeSet::from([actor.user]);
    let members: Vec<UserId> = new.members.iter().copied().filter(|user| seen.insert(*user)).collect();
    if members.len() >= ROOM_MEMBERS_MAX {
        return Err(ServiceError::TooLarge { what: "members of a room", limit: ROOM_MEMBERS_MAX });
    }
    if members.iter().any(|user| directory.user(*user).is_none()) {
        return Err(ServiceError::Invalid { field: "members", code: "unknown_user" });
    }
    if new.kind == RoomKind::Direct && members.len() != 1 {
        return Err(ServiceError::Invalid { field: "members", code: "not_two" });
    }
    Ok(members)
}

fn check_offices(new: &NewRoom, directory: &Directory) -> Result<(), ServiceError> {
    if new.offices.len() > ROOM_OFFICES_MAX {
        return Err(ServiceError::TooLarge { what: "offices of a room", limit: ROOM_OFFICES_MAX });
    }
    if new.offices.iter().any(|office| directory.office(*office).is_none()) {
        return Err(ServiceError::Invalid { field: "offices", code: "unknown_office" });
    }
    Ok(())
}

fn page_of(new: &NewRoom) -> Result<PageEdit, ServiceError> {
    let text = |text: &str| (!text.trim().is_empty()).then(|| text.to_owned());
    // A conversation of two is called after the other person.
    let name = (new.kind != RoomKind::Direct).then(|| new.name.clone());
    checked(&PageEdit { name, topic: text(&new.topic), purpose: text(&new.purpose), pins: None })
}

const fn policy_kind(kind: RoomKind) -> membership::RoomKind {
    match kind {
        RoomKind::Group => membership::RoomKind::Group,
        RoomKind::Direct => membership::RoomKind::Direct,
        RoomKind::Announcement => membership::RoomKind::Announcement,
    }
}
