//! Makes the policy entries of a room, with what they rely on, lift and replace taken from its membership.

use noroshi_sync::entry::{Draft, Lane};
use noroshi_sync::id::{DeviceId, EntryId, RoomId, UserId};

use super::body::{AudienceAdd, AudienceRemove, MemberRemove, MemberSet, RoomCreate, RoomKind, RoomRole};
use super::policy::Membership;
use crate::body::Body;
use crate::field::InvalidField;
use crate::id::OfficeId;

/// Writes in the name of one person. Whether the person may do it is the caller's question ([`Membership::is_admin`]);
/// an entry without a right is written and does not count. Every `id` is a fresh UUIDv7.
#[derive(Clone, Copy, Debug)]
pub struct PolicyWriter<'a> {
    pub room: RoomId,
    pub author: UserId,
    pub device: DeviceId,
    /// What gives the author the right: [`Membership::grant_for`], or the id of the creation in a room being made.
    pub auth_ref: EntryId,
    pub membership: &'a Membership,
}

impl PolicyWriter<'_> {
    /// Creates the room; `id` is what the next entries name as `auth_ref`. `created_for`: the other of a direct room.
    pub fn create(&self, id: EntryId, kind: RoomKind, created_for: Option<UserId>) -> Result<Draft, InvalidField> {
        Ok(Draft { auth_ref: EntryId::NIL, ..self.draft(id, &RoomCreate { kind, created_for })? })
    }

    pub fn set_member(&self, id: EntryId, user: UserId, role: RoomRole) -> Result<Draft, InvalidField> {
        let body = MemberSet {
            user,
            role,
            lifts: self.membership.removals_to_lift(user).to_vec(),
            replaces: self.membership.sets_to_replace(user).to_vec(),
        };
        self.draft(id, &body)
    }

    pub fn remove_member(&self, id: EntryId, user: UserId) -> Result<Draft, InvalidField> {
        self.draft(id, &MemberRemove { user })
    }

    pub fn add_office(&self, id: EntryId, office: OfficeId) -> Result<Draft, InvalidField> {
        let lifts = self.membership.audience_removals_to_lift(office).to_vec();
        self.draft(id, &AudienceAdd { office, lifts })
    }

    pub fn remove_office(&self, id: EntryId, office: OfficeId) -> Result<Draft, InvalidField> {
        self.draft(id, &AudienceRemove { office })
    }

    fn draft<B: Body>(&self, id: EntryId, body: &B) -> Result<Draft, InvalidField> {
        let body = body.encode()?;
        Ok(Draft::attested(self.room, Lane::Policy, id, B::KIND, self.author, self.device, self.auth_ref, body))
    }
}
