//! What was erased, and what an erasure would erase.

use std::collections::BTreeMap;

use noroshi_provisioning::membership::{ErasedMessage, ErasedPlaces, Grounds};
use noroshi_sync::entry::{ENTRY_VERSION, Entry};
use noroshi_sync::id::{DeviceId, EntryId, Epoch, NodeId, UserId};
use noroshi_sync::store::StoreError;
use rusqlite::{Result, Row};

use super::codes::{entry_id, grounds, hlc, hlc_number, unsigned, user_id};
use super::timeline::{Place, ShownMessage};
use crate::body::Message;
use crate::kinds;
use crate::store::erasing::Content;
use crate::store::{Database, EntryPk, RoomPk};

/// Why and by whom a message was erased.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tombstone {
    /// The entry that erased it.
    pub act: EntryId,
    pub by: UserId,
    pub at_ms: u64,
    pub grounds: Grounds,
    pub reason: String,
}

/// What goes when messages of a room are erased: every copy of them that is held here, and every edit.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ToErase {
    pub messages: Vec<ErasedMessage>,
    pub places: Vec<ErasedPlaces>,
    pub entries: usize,
    pub bytes: u64,
}

/// One act of erasure that counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ErasureRow {
    pub id: EntryId,
    pub by: UserId,
    pub at_ms: u64,
    pub grounds: Grounds,
    pub reason: String,
    pub messages: u32,
}

macro_rules! tombstones {
    ($where:literal) => {
        concat!(
            "SELECT id, author, hlc, act, actor, at_ms, grounds, reason, room_pk FROM tombstones WHERE room_pk = ?1 AND ",
            $where
        )
    };
}

impl Database {
    /// Erased messages before a place, the newest first.
    pub(super) fn tombstones_before(
        &self,
        room: RoomPk,
        place: Place,
        limit: u32,
    ) -> std::result::Result<Vec<ShownMessage>, StoreError> {
        let sql = tombstones!("(hlc, id) < (?2, ?3) ORDER BY hlc DESC, id DESC LIMIT ?4");
        self.rows(sql, (room, hlc_number(place.hlc), place.id.as_bytes(), limit), shown)
    }

    /// Erased messages after a place, or from it on, the oldest first.
    pub(super) fn tombstones_after(
        &self,
        room: RoomPk,
        place: Place,
        inclusive: bool,
        limit: u32,
    ) -> std::result::Result<Vec<ShownMessage>, StoreError> {
        let values = (room, hlc_number(place.hlc), *place.id.as_bytes(), limit);
        if inclusive {
            return self.rows(tombstones!("(hlc, id) >= (?2, ?3) ORDER BY hlc, id LIMIT ?4"), values, shown);
        }
        self.rows(tombstones!("(hlc, id) > (?2, ?3) ORDER BY hlc, id LIMIT ?4"), values, shown)
    }

    /// The erased message with this id, of `author` or of anybody.
    pub(super) fn tombstone(
        &self,
        room: RoomPk,
        id: &EntryId,
        author: Option<&UserId>,
    ) -> std::result::Result<Option<ShownMessage>, StoreError> {
        let author = author.map(|author| *author.as_bytes());
        let sql = tombstones!("id = ?2 AND (?3 IS NULL OR author = ?3) ORDER BY author LIMIT 1");
        self.row(sql, (room, id.as_bytes(), author), shown)
    }

    /// What would go with these messages. Of those that are not here nothing is known.
    pub fn to_erase(&self, room: RoomPk, ids: &[EntryId]) -> std::result::Result<ToErase, StoreError> {
        let mut messages: BTreeMap<(EntryId, UserId), ErasedMessage> = BTreeMap::new();
        let mut entries: Vec<EntryPk> = Vec::new();
        for id in ids {
            let copies = self.rows(
                "SELECT entry_pk, author, hlc FROM messages INDEXED BY messages_by_identity
                 WHERE room_pk = ? AND id = ? ORDER BY state DESC, hlc, entry_pk",
                (room, id.as_bytes()),
                |row| Ok((row.get::<_, EntryPk>(0)?, user_id(row, 1)?, hlc(row, 2)?)),
            )?;
            for (pk, author, hlc) in copies {
                messages.entry((*id, author)).or_insert(ErasedMessage { id: *id, author, hlc });
                entries.push(pk);
            }
            entries.extend(self.rows(
                "SELECT entry_pk FROM marks WHERE room_pk = ? AND target = ? AND kind = ?",
                (room, id.as_bytes(), kinds::EDIT),
                |row| row.get::<_, EntryPk>(0),
            )?);
        }
        entries.sort_unstable();
        entries.dedup();
        // An act names a log without its branch: both histories of one that forks are one to it.
        let mut places: BTreeMap<(NodeId, Epoch, u8), ErasedPlaces> = BTreeMap::new();
        let mut bytes = 0;
        for pk in &entries {
            let found = self.row("SELECT bytes FROM entries WHERE entry_pk = ?", [*pk], |row| {
                let content = Content::of(row.get_ref(0)?.as_blob()?);
                Ok((content.hash(), row.get_ref(0)?.as_blob()?.len()))
            })?;
            let Some((hash, size)) = found else { continue };
            let name = self.log_name(pk.log())?;
            let (node, epoch, lane) = (name.node, name.epoch, name.lane);
            let log = places.entry((node, epoch, lane.number())).or_insert(ErasedPlaces {
                node,
                epoch,
                lane,
                entries: Vec::new(),
            });
            log.entries.push((pk.seq(), hash));
            bytes += size as u64;
        }
        let mut places: Vec<ErasedPlaces> = places.into_values().collect();
        for log in &mut places {
            log.entries.sort_unstable();
            log.entries.dedup();
        }
        Ok(ToErase { messages: messages.into_values().collect(), places, entries: entries.len(), bytes })
    }

    /// The acts of erasure of a room, the newest first.
    pub fn erasures_of(&self, room: RoomPk) -> std::result::Result<Vec<ErasureRow>, StoreError> {
        self.rows(
            "SELECT act, actor, at_ms, grounds, reason, count(*) FROM tombstones WHERE room_pk = ?
             GROUP BY act ORDER BY act_hlc DESC, act DESC LIMIT 1000",
            [room],
            |row| {
                Ok(ErasureRow {
                    id: entry_id(row, 0)?,
                    by: user_id(row, 1)?,
                    at_ms: unsigned(row, 2)?,
                    grounds: grounds(row, 3)?,
                    reason: row.get(4)?,
                    messages: row.get(5)?,
                })
            },
        )
    }
}

/// The place of an erased message in a page: nothing of what it said.
fn shown(row: &Row<'_>) -> Result<ShownMessage> {
    let (id, author, hlc) = (entry_id(row, 0)?, user_id(row, 1)?, hlc(row, 2)?);
    let entry = Entry {
        version: ENTRY_VERSION,
        seq: 0,
        id,
        hlc,
        wall_ms: hlc.ms(),
        clock_offset_ms: None,
        kind: kinds::MESSAGE,
        author,
        device: DeviceId::NIL,
        auth_ref: EntryId::NIL,
        sig_alg: 0,
        sig: None,
        body: Vec::new(),
    };
    let erased = Tombstone {
        act: entry_id(row, 3)?,
        by: user_id(row, 4)?,
        at_ms: unsigned(row, 5)?,
        grounds: grounds(row, 6)?,
        reason: row.get(7)?,
    };
    Ok(ShownMessage {
        pk: EntryPk(0),
        room: row.get(8)?,
        redacted: true,
        conflict: false,
        received_ms: hlc.ms(),
        signed: false,
        entry,
        message: Message::new(String::new(), None, Vec::new(), false),
        erased: Some(erased),
    })
}
