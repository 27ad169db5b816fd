//! Who is in a room: entries of its policy.

use noroshi_provisioning::membership::{self, Membership, PolicyWriter};
use noroshi_provisioning::{Directory, InvalidField};
use noroshi_sync::id::{EntryId, RoomId, UserId};
use noroshi_sync::store::StoreError;

use super::Desk;
use crate::error::ServiceError;
use crate::limits::ROOM_MEMBERS_MAX;
use crate::rights::Action;
use crate::store::query::MemberRow;
use crate::view::{Actor, RoomRole};

impl Desk<'_> {
    /// Adds a person or changes the role of a member; returns whether the person is new, and the member.
    pub fn set_member(
        &self,
        actor: &Actor,
        room: RoomId,
        user: UserId,
        role: RoomRole,
    ) -> Result<(bool, MemberRow), ServiceError> {
        let standing = self.standing(actor, &room, Action::ManageMembers)?;
        let current = self.projection.current(self.writing)?;
        if current.directory.user(user).is_none() {
            return Err(ServiceError::Invalid { field: "user", code: "unknown_user" });
        }
        let members = self.writing.members_of(standing.room)?;
        let before = members.iter().find(|member| member.user == user).copied();
        if let Some(before) = before.filter(|before| before.role == role) {
            return Ok((false, before));
        }
        match before {
            Some(_) if role == RoomRole::Member => check_not_last(&members, user)?,
            None if members.len() >= ROOM_MEMBERS_MAX => {
                return Err(ServiceError::TooLarge { what: "members of a room", limit: ROOM_MEMBERS_MAX });
            }
            _ => {}
        }
        let membership = self.membership(room, &current.directory)?;
        let writer = policy_writer(actor, room, standing.grant, &membership);
        self.append(vec![writer.set_member((self.mint)(), user, policy_role(role)).map_err(impossible)?])?;
        let member = self.writing.members_of(standing.room)?.into_iter().find(|member| member.user == user);
        let member = member.ok_or_else(|| StoreError::Damaged("a grant just written does not count".into()))?;
        Ok((before.is_none(), member))
    }

    /// Removes a member, or lets one leave.
    pub fn remove_member(&self, actor: &Actor, room: RoomId, user: UserId) -> Result<(), ServiceError> {
        let action = if user == actor.user { Action::LeaveRoom } else { Action::ManageMembers };
        let standing = self.standing(actor, &room, action)?;
        let members = self.writing.members_of(standing.room)?;
        if !members.iter().any(|member| member.user == user) {
            return Err(ServiceError::NotFound);
        }
        if members.len() > 1 {
            check_not_last(&members, user)?;
        }
        let current = self.projection.current(self.writing)?;
        let membership = self.membership(room, &current.directory)?;
        let writer = policy_writer(actor, room, standing.grant, &membership);
        self.append(vec![writer.remove_member((self.mint)(), user).map_err(impossible)?])?;
        Ok(())
    }

    pub(super) fn membership(&self, room: RoomId, directory: &Directory) -> Result<Membership, StoreError> {
        let entries = self.writing.policy_entries(&room)?;
        Ok(Membership::resolve(room, entries.iter().map(|found| (&found.log, &found.entry)), directory))
    }
}

pub(super) fn policy_writer<'a>(
    actor: &Actor,
    room: RoomId,
    auth_ref: EntryId,
    membership: &'a Membership,
) -> PolicyWriter<'a> {
    PolicyWriter { room, author: actor.user, device: actor.device, auth_ref, membership }
}

/// A room whose last administrator went could not be managed by anybody any more.
fn check_not_last(members: &[MemberRow], user: UserId) -> Result<(), ServiceError> {
    let mut admins = members.iter().filter(|member| member.role == RoomRole::Admin);
    let others = admins.any(|member| member.user != user);
    let is_admin = members.iter().any(|member| member.user == user && member.role == RoomRole::Admin);
    if is_admin && !others { Err(ServiceError::Invalid { field: "user", code: "last_admin" }) } else { Ok(()) }
}

pub(super) const fn policy_role(role: RoomRole) -> membership::RoomRole {
    match role {
        RoomRole::Admin => membership::RoomRole::Admin,
        RoomRole::Member => membership::RoomRole::Member,
    }
}

/// A field that only a value over a limit can spoil.
pub(super) fn impossible(error: InvalidField) -> ServiceError {
    ServiceError::Invalid { field: error.field, code: error.code }
}
