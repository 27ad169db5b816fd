//! From rows to what people see: the views of rooms, messages, people and events.

mod administration;
mod attachment;
mod event;
mod message;
mod people;
mod room;

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use noroshi_provisioning::{Directory, OfficeId};
use noroshi_sync::id::UserId;
use noroshi_sync::log::LogId;
use noroshi_sync::store::StoreError;

use crate::store::query::{Holders, MemberRow, ReadRow, RoomRow};
use crate::store::{Database, LogPk, RoomPk};

pub(crate) use administration::{by_owner, count};
pub(crate) use attachment::{attachment_view, keeps_everything, upload_view};
pub(crate) use message::fresh_message;
pub(crate) use people::{People, roles};

/// Makes views on one state of the database; remembers what the messages of one page have in common.
pub(crate) struct Renderer<'a> {
    database: &'a Database,
    people: People<'a>,
    rooms: HashMap<RoomPk, Rc<RoomContext>>,
    holders: Holders,
    /// The logs that were looked at.
    logs: HashMap<LogPk, LogId>,
}

/// What every message of a room needs.
pub(crate) struct RoomContext {
    pub row: RoomRow,
    pub members: HashMap<UserId, MemberRow>,
    /// The marks of those who are members.
    pub reads: HashMap<UserId, Vec<ReadRow>>,
    /// Offices of the audience that have a node.
    pub offices: BTreeSet<OfficeId>,
}

impl<'a> Renderer<'a> {
    pub fn new(database: &'a Database, directory: &'a Directory) -> Self {
        Self {
            database,
            people: People::of(directory),
            rooms: HashMap::new(),
            holders: Holders::default(),
            logs: HashMap::new(),
        }
    }

    /// `None` for a room whose creation is not here.
    fn context(&mut self, room: RoomPk) -> Result<Option<Rc<RoomContext>>, StoreError> {
        if let Some(context) = self.rooms.get(&room) {
            return Ok(Some(context.clone()));
        }
        let Some(row) = self.database.room_row_of(room)? else { return Ok(None) };
        let members: HashMap<UserId, MemberRow> =
            self.database.members_of(room)?.into_iter().map(|member| (member.user, member)).collect();
        let mut reads: HashMap<UserId, Vec<ReadRow>> = HashMap::new();
        for read in self.database.reads_in(room)?.into_iter().filter(|read| members.contains_key(&read.user)) {
            reads.entry(read.user).or_default().push(read);
        }
        let offices = self.database.offices_of(room)?.into_iter().collect();
        let context = Rc::new(RoomContext { row, members, reads, offices });
        self.rooms.insert(room, context.clone());
        Ok(Some(context))
    }
}
