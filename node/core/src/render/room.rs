//! A room as one of its members sees it.

use noroshi_sync::id::UserId;
use noroshi_sync::store::StoreError;

use super::Renderer;
use crate::resolve::standing::written_ms;
use crate::store::query::{MemberRow, RoomRow};
use crate::view::{Actor, MemberView, OfficeRef, RoomKind, RoomView, Time};

/// A room and the place of its last activity, milliseconds since 1970.
pub(crate) struct RenderedRoom {
    pub view: RoomView,
    pub active_ms: u64,
}

impl Renderer<'_> {
    pub fn room(&mut self, row: &RoomRow, member: &MemberRow) -> Result<RenderedRoom, StoreError> {
        let user = member.user;
        let marks = self.database.reads_of(row.pk, &user)?;
        let unread = self.database.unread(row.pk, &user, &marks, member.added)?;
        let last = self.database.messages_before(row.pk, None, 1)?.pop();
        let last_ms = last.as_ref().map_or(0, |last| written_ms(&last.entry));
        let last_message = last.map(|last| self.message(&last, Some(user))).transpose()?.flatten();
        let active_ms = row.created_ms.max(row.page.changed_ms).max(last_ms);
        let view = RoomView {
            id: row.id.as_uuid(),
            name: self.room_name(row, user)?,
            topic: row.page.topic.clone(),
            purpose: row.page.purpose.clone(),
            kind: row.kind,
            my_role: Some(member.role),
            member_count: self.database.member_count(row.pk)?,
            offices: self.room_offices(row)?,
            unread: unread.count,
            late: unread.late,
            first_unread: unread.first.map(|place| place.id.as_uuid()),
            last_message,
            my_read: marks.iter().max_by_key(|mark| mark.place).map(|mark| mark.place.id.as_uuid()),
            pins: row.page.pins.iter().map(|pin| pin.as_uuid()).collect(),
            created_at: Time::from_ms(row.created_ms),
            updated_at: Time::from_ms(active_ms),
            drill: false,
        };
        Ok(RenderedRoom { view, active_ms })
    }

    /// The page's name; of a conversation of two the other person's.
    fn room_name(&self, row: &RoomRow, reader: UserId) -> Result<String, StoreError> {
        if row.kind != RoomKind::Direct {
            return Ok(row.page.name.clone());
        }
        let members = self.database.members_of(row.pk)?;
        let other = members.iter().map(|member| member.user).find(|user| *user != reader);
        Ok(self.people.name(other.unwrap_or(reader)))
    }

    fn room_offices(&self, row: &RoomRow) -> Result<Vec<OfficeRef>, StoreError> {
        Ok(self.database.offices_of(row.pk)?.into_iter().map(|office| self.people.office(office)).collect())
    }

    /// Members sorted by the reading of their names, administrators first.
    pub fn members(&self, row: &RoomRow, reader: &Actor) -> Result<Vec<MemberView>, StoreError> {
        let members = self.database.members_of(row.pk)?;
        let mut views: Vec<MemberView> = members.iter().map(|member| self.member(member, reader)).collect();
        let order = |view: &MemberView| {
            (view.role != crate::view::RoomRole::Admin, view.user.kana.clone(), view.user.name.clone(), view.user.id)
        };
        views.sort_by_cached_key(order);
        Ok(views)
    }

    pub fn member(&self, member: &MemberRow, reader: &Actor) -> MemberView {
        MemberView {
            user: self.people.user_or_stranger(member.user, reader),
            role: member.role,
            added_at: Time::from_ms(member.added_ms),
        }
    }
}
