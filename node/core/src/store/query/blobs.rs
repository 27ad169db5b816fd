//! Attachments: who shows them, who may have them, what is here of them.

use std::collections::BTreeSet;

use noroshi_sync::blob::{BlobHash, BlobId};
use noroshi_sync::id::{NodeId, RoomId, UserId};
use noroshi_sync::store::StoreError;
use rusqlite::Row;

use super::codes::{entry, room_id, unsigned};
use crate::body::{Attachment, Body};
use crate::store::audience::room_is_shared;
use crate::store::keys::BlobPk;
use crate::store::{Database, RoomPk, Writing};

/// What is here of an attachment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlobRow {
    pub pk: BlobPk,
    pub blob: BlobId,
    /// Whole, on disk.
    pub here: bool,
    /// Bytes, as people were told last.
    pub held: u64,
    /// Somebody wants it here.
    pub asked: bool,
    /// When somebody looked at it last, milliseconds since 1970.
    pub opened_ms: u64,
}

/// An attachment that this node lacks, and a room in which the peer may have seen it too.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LackingRow {
    pub blob: BlobId,
    pub room: RoomId,
    pub asked: bool,
}

macro_rules! columns {
    () => {
        "blobs.blob_pk, hash, size, here, held, asked, opened_ms"
    };
}

/// Attachments of `blobs` that some shown message of a room shared with the peer (?2) shows to it and to this node (?1).
macro_rules! lacking {
    ($asked:literal) => {
        concat!(
            "SELECT hash, size, asked,
                (SELECT rooms.id FROM blob_refs JOIN messages USING (entry_pk) JOIN rooms ON rooms.room_pk = blob_refs.room_pk
                 WHERE blob_refs.blob_pk = blobs.blob_pk AND state = 2 AND redacted = 0 AND ",
            room_is_shared!(),
            " LIMIT 1) AS shared
             FROM blobs INDEXED BY blobs_missing WHERE here = 0 AND ",
            $asked,
            " AND shared IS NOT NULL ORDER BY asked DESC, blob_pk DESC LIMIT ?3"
        )
    };
}

impl Database {
    pub fn blob(&self, blob: &BlobId) -> Result<Option<BlobRow>, StoreError> {
        let sql = concat!("SELECT ", columns!(), " FROM blobs WHERE hash = ? AND size = ?");
        self.row(sql, (blob.hash.as_bytes(), blob.size.cast_signed()), read_blob)
    }

    /// What the person may see under this hash: of a shown message in a room of theirs, or sent here by themselves. What
    /// is here goes first.
    pub fn blob_of(&self, user: &UserId, hash: &BlobHash) -> Result<Option<(BlobRow, Attachment)>, StoreError> {
        let shown = self.row(
            concat!(
                "SELECT ",
                columns!(),
                ", bytes FROM blobs JOIN blob_refs USING (blob_pk) JOIN messages USING (entry_pk)
                 JOIN entries USING (entry_pk) JOIN members ON members.room_pk = blob_refs.room_pk
                 WHERE hash = ? AND state = 2 AND redacted = 0 AND user = ? ORDER BY here DESC, entry_pk LIMIT 1"
            ),
            (hash.as_bytes(), user.as_bytes()),
            |row| Ok((read_blob(row)?, entry(row, 7)?)),
        )?;
        if let Some((row, entry)) = shown
            && let Ok(Body::Message(message)) = Body::decode(entry.kind, &entry.body)
            && let Some(attachment) = message.attachments.into_iter().find(|attachment| attachment.blob == row.blob)
        {
            return Ok(Some((row, attachment)));
        }
        Ok(None)
    }

    /// What the person has sent here under this hash, in the form of the service.
    pub fn upload_of(&self, user: &UserId, hash: &BlobHash) -> Result<Option<(BlobRow, Vec<u8>)>, StoreError> {
        self.row(
            concat!(
                "SELECT ",
                columns!(),
                ", content FROM uploads JOIN blobs USING (blob_pk) WHERE user = ? AND hash = ?"
            ),
            (user.as_bytes(), hash.as_bytes()),
            |row| Ok((read_blob(row)?, row.get(7)?)),
        )
    }

    pub fn upload_count(&self, user: &UserId) -> Result<u32, StoreError> {
        let count = self.row("SELECT count(*) FROM uploads WHERE user = ?", [user.as_bytes()], |row| row.get(0))?;
        Ok(count.unwrap_or(0))
    }

    /// Rooms in which people see it.
    pub fn rooms_showing(&self, blob: BlobPk) -> Result<Vec<RoomId>, StoreError> {
        self.rows(
            "SELECT DISTINCT rooms.id FROM blob_refs JOIN messages USING (entry_pk)
             JOIN rooms ON rooms.room_pk = blob_refs.room_pk WHERE blob_pk = ? AND state = 2 AND redacted = 0",
            [blob],
            |row| room_id(row, 0),
        )
    }

    /// What this node lacks and the peer may be asked for, what somebody waits for first, then the newest. `all`: also
    /// what nobody has asked for.
    pub fn blobs_lacking(&self, peer: &NodeId, all: bool, limit: u32) -> Result<Vec<LackingRow>, StoreError> {
        let sql = if all { lacking!("1") } else { lacking!("asked = 1") };
        self.rows(sql, (self.own_pk(), self.peer_pk(peer)?, limit), |row| {
            Ok(LackingRow { blob: read_id(row, 0)?, room: room_id(row, 3)?, asked: row.get(2)? })
        })
    }

    /// Whether a room shared with the peer has a message, shown here, that shows the attachment.
    pub fn is_blob_shared(&self, peer: &NodeId, room: &RoomId, blob: &BlobId) -> Result<bool, StoreError> {
        let Some(room) = self.shared_room(room, peer)? else { return Ok(false) };
        Ok(self.blob_in(room, blob)?.is_some())
    }

    fn blob_in(&self, room: RoomPk, blob: &BlobId) -> Result<Option<BlobPk>, StoreError> {
        self.row(
            "SELECT blob_pk FROM blobs JOIN blob_refs USING (blob_pk) JOIN messages USING (entry_pk)
             WHERE hash = ? AND size = ? AND blob_refs.room_pk = ? AND state = 2 AND redacted = 0 LIMIT 1",
            (blob.hash.as_bytes(), blob.size.cast_signed(), room),
            |row| row.get(0),
        )
    }

    /// Attachments that nothing needs any more: no message, shown or not, and no upload.
    pub fn blobs_unused(&self, limit: u32) -> Result<Vec<BlobRow>, StoreError> {
        self.rows(
            concat!(
                "SELECT ",
                columns!(),
                " FROM blobs WHERE NOT EXISTS (SELECT 1 FROM blob_refs WHERE blob_refs.blob_pk = blobs.blob_pk)
                 AND NOT EXISTS (SELECT 1 FROM uploads WHERE uploads.blob_pk = blobs.blob_pk) LIMIT ?"
            ),
            [limit],
            read_blob,
        )
    }

    /// What one of these nodes holds as well, unopened for longest first.
    pub fn blobs_kept_by(&self, nodes: &BTreeSet<NodeId>, limit: u32) -> Result<Vec<BlobRow>, StoreError> {
        let mut found = Vec::new();
        let sql = concat!(
            "SELECT ",
            columns!(),
            ", nodes.id FROM blobs INDEXED BY blobs_here JOIN blob_holders USING (blob_pk) JOIN nodes USING (node_pk)
             WHERE here = 1 ORDER BY opened_ms, blobs.blob_pk"
        );
        self.each(sql, [], |row| {
            let row = (read_blob(row)?, NodeId::from_bytes(row.get(7)?));
            if nodes.contains(&row.1) && found.last() != Some(&row.0) {
                found.push(row.0);
            }
            Ok(found.len() < limit as usize)
        })?;
        Ok(found)
    }

    /// How many are lacking, and how many of these somebody waits for.
    pub fn blobs_missing(&self) -> Result<(u64, u64), StoreError> {
        let sql = "SELECT count(*), coalesce(sum(asked), 0) FROM blobs INDEXED BY blobs_missing WHERE here = 0";
        Ok(self.row(sql, [], |row| Ok((unsigned(row, 0)?, unsigned(row, 1)?)))?.unwrap_or_default())
    }

    /// All that should be here.
    pub fn blobs_here(&self) -> Result<Vec<BlobId>, StoreError> {
        self.rows("SELECT hash, size FROM blobs WHERE here = 1", [], |row| read_id(row, 0))
    }
}

impl Writing<'_> {
    pub fn ensure_blob(&self, blob: &BlobId) -> Result<BlobPk, StoreError> {
        if let Some(row) = self.blob(blob)? {
            return Ok(row.pk);
        }
        let values = (blob.hash.as_bytes(), blob.size.cast_signed());
        self.insert("INSERT INTO blobs (hash, size) VALUES (?, ?)", values).map(BlobPk)
    }

    /// Notes whether it is here, whole and on disk; whether that is news.
    pub fn set_blob_here(&self, blob: BlobPk, here: bool) -> Result<bool, StoreError> {
        let sql =
            "UPDATE blobs SET here = ?1, held = CASE ?1 WHEN 1 THEN size ELSE 0 END WHERE blob_pk = ?2 AND here <> ?1";
        Ok(self.execute(sql, (here, blob))? > 0)
    }

    /// Notes how far it has come; whether that is news.
    pub fn set_blob_held(&self, blob: BlobPk, held: u64) -> Result<bool, StoreError> {
        let sql = "UPDATE blobs SET held = ?1 WHERE blob_pk = ?2 AND here = 0 AND held <> ?1";
        Ok(self.execute(sql, (held.cast_signed(), blob))? > 0)
    }

    pub fn set_blob_asked(&self, blob: BlobPk, asked: bool) -> Result<bool, StoreError> {
        Ok(self.execute("UPDATE blobs SET asked = ?1 WHERE blob_pk = ?2 AND asked <> ?1", (asked, blob))? > 0)
    }

    pub fn set_blob_opened(&self, blob: BlobPk, at_ms: u64) -> Result<(), StoreError> {
        self.execute("UPDATE blobs SET opened_ms = ? WHERE blob_pk = ?", (at_ms.cast_signed(), blob))?;
        Ok(())
    }

    /// Sending the same again is one upload.
    pub fn add_upload(&self, blob: BlobPk, user: &UserId, content: &[u8], at_ms: u64) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO uploads (blob_pk, user, content, at_ms) VALUES (?, ?, ?, ?)
             ON CONFLICT (user, blob_pk) DO UPDATE SET content = excluded.content, at_ms = excluded.at_ms",
            (blob, user.as_bytes(), content, at_ms.cast_signed()),
        )?;
        Ok(())
    }

    pub fn forget_uploads(&self, before_ms: u64) -> Result<usize, StoreError> {
        self.execute("DELETE FROM uploads WHERE at_ms < ?", [before_ms.cast_signed()])
    }

    pub fn forget_blob(&self, blob: BlobPk) -> Result<(), StoreError> {
        self.execute("DELETE FROM blobs WHERE blob_pk = ?", [blob])?;
        Ok(())
    }

    /// The node says that it holds these; of those that are known here it is noted.
    pub fn note_blob_holder(&self, node: &NodeId, blobs: &[BlobId]) -> Result<(), StoreError> {
        let node = self.ensure_node(node)?;
        for blob in blobs {
            let values = (node, blob.hash.as_bytes(), blob.size.cast_signed());
            self.execute(
                "INSERT OR IGNORE INTO blob_holders (node_pk, blob_pk)
                 SELECT ?1, blob_pk FROM blobs WHERE hash = ?2 AND size = ?3",
                values,
            )?;
        }
        Ok(())
    }
}

fn read_id(row: &Row<'_>, first: usize) -> rusqlite::Result<BlobId> {
    Ok(BlobId { hash: BlobHash::from_bytes(row.get(first)?), size: unsigned(row, first + 1)? })
}

fn read_blob(row: &Row<'_>) -> rusqlite::Result<BlobRow> {
    Ok(BlobRow {
        pk: row.get(0)?,
        blob: read_id(row, 1)?,
        here: row.get(3)?,
        held: unsigned(row, 4)?,
        asked: row.get(5)?,
        opened_ms: unsigned(row, 6)?,
    })
}
