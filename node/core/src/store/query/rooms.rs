//! Rooms as people see them, their members, and the offices that hold them.

use noroshi_provisioning::OfficeId;
use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::{EntryId, NodeId, RoomId, UserId};
use noroshi_sync::store::StoreError;
use rusqlite::{Result, Row};

use super::codes::{entry_id, hlc, id_list, node_id, room_id, room_kind, room_role, unsigned, user_id};
use crate::store::{Database, RoomPk};
use crate::view::{RoomKind, RoomRole};

/// A room whose creation is here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoomRow {
    pub pk: RoomPk,
    pub id: RoomId,
    pub kind: RoomKind,
    pub created_ms: u64,
    /// Offices of the audience that have a node.
    pub offices: u32,
    pub page: PageRow,
}

/// The page of a room as it was last rendered.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PageRow {
    pub name: String,
    pub topic: String,
    pub purpose: String,
    pub pins: Vec<EntryId>,
    /// Wall clock of the newest change; 0 for none.
    pub changed_ms: u64,
}

/// One member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemberRow {
    pub user: UserId,
    pub role: RoomRole,
    /// The entry that gives the right.
    pub grant: EntryId,
    pub added_ms: u64,
    pub added: Hlc,
}

/// What a write into a room needs to know of it and of its writer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    pub room: RoomPk,
    pub kind: RoomKind,
    pub role: RoomRole,
    /// `auth_ref` of what the member writes.
    pub grant: EntryId,
    /// Offices of the audience that have a node.
    pub offices: u32,
}

macro_rules! room_columns {
    () => {
        "room_pk, rooms.id, kind, created_ms, offices, name, topic, purpose, pins, page_ms"
    };
}
macro_rules! member_columns {
    () => {
        "user, role, grant_id, added_ms, added_hlc"
    };
}

impl Database {
    /// The room, if this person is a member of it.
    pub fn room_of_member(&self, room: &RoomId, user: &UserId) -> Result<Option<(RoomRow, MemberRow)>, StoreError> {
        self.row(
            concat!(
                "SELECT ",
                room_columns!(),
                ", ",
                member_columns!(),
                " FROM rooms JOIN room_states USING (room_pk) JOIN members USING (room_pk)
                 WHERE rooms.id = ? AND user = ?"
            ),
            (room.as_bytes(), user.as_bytes()),
            |row| Ok((read_room(row)?, read_member(row, 10)?)),
        )
    }

    /// All rooms of a person, in no order.
    pub fn rooms_of(&self, user: &UserId) -> Result<Vec<(RoomRow, MemberRow)>, StoreError> {
        self.rows(
            concat!(
                "SELECT ",
                room_columns!(),
                ", ",
                member_columns!(),
                " FROM members INDEXED BY members_by_user JOIN room_states USING (room_pk) JOIN rooms USING (room_pk)
                 WHERE user = ?"
            ),
            [user.as_bytes()],
            |row| Ok((read_room(row)?, read_member(row, 10)?)),
        )
    }

    /// Rooms whose creation is here.
    pub fn room_count(&self) -> Result<usize, StoreError> {
        let count: Option<i64> = self.row("SELECT count(*) FROM room_states", [], |row| row.get(0))?;
        Ok(count.and_then(|count| usize::try_from(count).ok()).unwrap_or(0))
    }

    /// What a person may do in a room; `None` for those who are not in it. The cheapest of these questions.
    pub fn standing(&self, room: &RoomId, user: &UserId) -> Result<Option<Standing>, StoreError> {
        let Some(room) = self.room_pk(room)? else { return Ok(None) };
        self.row(
            "SELECT kind, role, grant_id, offices FROM members JOIN room_states USING (room_pk) WHERE room_pk = ? AND user = ?",
            (room, user.as_bytes()),
            |row| {
                let (kind, role) = (room_kind(row, 0)?, room_role(row, 1)?);
                Ok(Standing { room, kind, role, grant: entry_id(row, 2)?, offices: row.get(3)? })
            },
        )
    }

    /// The room without regard to who asks.
    pub fn room_row_of(&self, room: RoomPk) -> Result<Option<RoomRow>, StoreError> {
        self.row(
            concat!("SELECT ", room_columns!(), " FROM rooms JOIN room_states USING (room_pk) WHERE room_pk = ?"),
            [room],
            read_room,
        )
    }

    pub fn members_of(&self, room: RoomPk) -> Result<Vec<MemberRow>, StoreError> {
        let sql = concat!("SELECT ", member_columns!(), " FROM members WHERE room_pk = ?");
        self.rows(sql, [room], |row| read_member(row, 0))
    }

    pub fn member_count(&self, room: RoomPk) -> Result<u32, StoreError> {
        Ok(self.row("SELECT count(*) FROM members WHERE room_pk = ?", [room], |row| row.get(0))?.unwrap_or(0))
    }

    /// Offices of the audience that have a node.
    pub fn offices_of(&self, room: RoomPk) -> Result<Vec<OfficeId>, StoreError> {
        self.rows("SELECT office FROM room_offices WHERE room_pk = ?", [room], |row| {
            row.get(0).map(OfficeId::from_bytes)
        })
    }

    /// The nodes that may hold the room.
    pub fn audience_of(&self, room: RoomPk) -> Result<Vec<NodeId>, StoreError> {
        self.read(|database| {
            database.rows(
                "SELECT nodes.id FROM rooms JOIN audience_nodes USING (audience_pk) JOIN nodes USING (node_pk)
                 WHERE room_pk = ?",
                [room],
                |row| node_id(row, 0),
            )
        })
    }

    /// Everybody who shares a room with this person.
    pub fn acquaintances(&self, user: &UserId) -> Result<Vec<UserId>, StoreError> {
        self.rows(
            "SELECT DISTINCT others.user FROM members AS own INDEXED BY members_by_user
             JOIN members AS others USING (room_pk) WHERE own.user = ?",
            [user.as_bytes()],
            |row| user_id(row, 0),
        )
    }

    pub(in crate::store) fn room_name(&self, room: RoomPk) -> Result<Option<RoomId>, StoreError> {
        self.row("SELECT id FROM rooms WHERE room_pk = ?", [room], |row| room_id(row, 0))
    }
}

fn read_room(row: &Row<'_>) -> Result<RoomRow> {
    Ok(RoomRow {
        pk: row.get(0)?,
        id: room_id(row, 1)?,
        kind: room_kind(row, 2)?,
        created_ms: unsigned(row, 3)?,
        offices: row.get(4)?,
        page: PageRow {
            name: row.get(5)?,
            topic: row.get(6)?,
            purpose: row.get(7)?,
            pins: id_list(row, 8)?,
            changed_ms: unsigned(row, 9)?,
        },
    })
}

fn read_member(row: &Row<'_>, first: usize) -> Result<MemberRow> {
    Ok(MemberRow {
        user: user_id(row, first)?,
        role: room_role(row, first + 1)?,
        grant: entry_id(row, first + 2)?,
        added_ms: unsigned(row, first + 3)?,
        added: hlc(row, first + 4)?,
    })
}
