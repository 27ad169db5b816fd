//! Loads, changes and writes back the heads of logs and the sums of rooms and audiences.

use noroshi_sync::digest::Digest;
use noroshi_sync::frontier::LogState;
use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::RoomId;
use noroshi_sync::log::Hash;
use noroshi_sync::store::StoreError;

use super::database::Database;
use super::error::damaged;
use super::keys::{AudiencePk, LogPk, RoomPk};
use super::names::log_id;
use super::rows::{AudienceRow, Ledger, LogRow, RoomRow, decode_above};
use super::writing::Writing;

/// Who caused a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Origin {
    /// This node: peers must be told.
    Local,
    /// A peer, by way of an apply.
    Peer,
}

impl Database {
    pub(in crate::store) fn load_log(&self, log: LogPk) -> Result<LogRow, StoreError> {
        let (mut row, above) = self
            .row(
                "SELECT rooms.id, nodes.id, epoch, lane, branch_first, branch_hash, room_pk, length, hash, above, kept,
                        kept_bytes, base, aside, EXISTS (
                            SELECT 1 FROM logs AS other WHERE other.room_pk = logs.room_pk
                            AND other.node_pk = logs.node_pk AND other.epoch = logs.epoch AND other.lane = logs.lane
                            AND other.branch_first > 0)
                 FROM logs JOIN rooms USING (room_pk) JOIN nodes USING (node_pk) WHERE log_pk = ?",
                [log],
                |row| {
                    let id = log_id(row, 0)?;
                    let length = row.get::<_, i64>(7)?.cast_unsigned();
                    let head = LogRow {
                        id,
                        room: row.get(6)?,
                        state: LogState { length, hash: Hash::from_bytes(row.get(8)?), above: Vec::new() },
                        base: row.get::<_, Option<[u8; 32]>>(12)?.map_or_else(|| id.genesis(), Hash::from_bytes),
                        aside: row.get(13)?,
                        forked: row.get(14)?,
                        bases: Vec::new(),
                        line: Digest::EMPTY,
                        mark: length,
                        kept: row.get::<_, i64>(10)?.cast_unsigned(),
                        kept_bytes: row.get::<_, i64>(11)?.cast_unsigned(),
                        unsigned_bytes: 0,
                    };
                    Ok((head, row.get::<_, Vec<u8>>(9)?))
                },
            )?
            .ok_or_else(|| damaged(format!("log {} is missing", log.0)))?;
        (row.state.above, row.bases) = decode_above(&above)?;
        row.line = row.current_line();
        Ok(row)
    }

    fn load_room(&self, room: RoomPk) -> Result<RoomRow, StoreError> {
        let (mut row, ledger) = self
            .row("SELECT id, ledger, audience_pk, digest, change, hlc FROM rooms WHERE room_pk = ?", [room], |row| {
                let digest = Digest::from_bytes(row.get(3)?);
                let room = RoomRow {
                    id: RoomId::from_bytes(row.get(0)?),
                    ledger: Ledger::No,
                    audience: row.get(2)?,
                    digest,
                    counted: digest,
                    change: row.get::<_, i64>(4)?.cast_unsigned(),
                    hlc: Hlc::from_raw(row.get::<_, i64>(5)?.cast_unsigned()),
                    touched_in: 0,
                };
                Ok((room, row.get(1)?))
            })?
            .ok_or_else(|| damaged(format!("room {} is missing", room.0)))?;
        row.ledger = Ledger::from_number(ledger)?;
        Ok(row)
    }

    fn load_audience(&self, audience: AudiencePk) -> Result<AudienceRow, StoreError> {
        self.row("SELECT rooms, ledgers FROM audiences WHERE audience_pk = ?", [audience], |row| {
            Ok(AudienceRow { rooms: Digest::from_bytes(row.get(0)?), ledgers: Digest::from_bytes(row.get(1)?) })
        })?
        .ok_or_else(|| damaged(format!("audience {} is missing", audience.0)))
    }

    /// The number of the newest change.
    pub fn latest_change(&self) -> Result<u64, StoreError> {
        if let Some(change) = self.state.borrow().pending.latest_change {
            return Ok(change);
        }
        let change: Option<i64> = self.row("SELECT latest_change FROM store", [], |row| row.get(0))?;
        change.map(i64::cast_unsigned).ok_or_else(|| damaged("the row about the store is missing"))
    }
}

impl Writing<'_> {
    fn hold_log(&self, log: LogPk) -> Result<(), StoreError> {
        if self.state.borrow().log_rows.get(log).is_none() {
            let row = self.load_log(log)?;
            self.state.borrow_mut().log_rows.load(log, row);
        }
        Ok(())
    }

    fn hold_room(&self, room: RoomPk) -> Result<(), StoreError> {
        if self.state.borrow().room_rows.get(room).is_none() {
            let row = self.load_room(room)?;
            self.state.borrow_mut().room_rows.load(room, row);
        }
        Ok(())
    }

    /// Looks at the head of a log as this transaction has left it.
    pub(in crate::store) fn log_row<T>(&self, log: LogPk, look: impl FnOnce(&LogRow) -> T) -> Result<T, StoreError> {
        self.hold_log(log)?;
        self.state.borrow().log_rows.get(log).map(look).ok_or_else(|| damaged("a log is missing"))
    }

    pub(in crate::store) fn edit_log<T>(
        &self,
        log: LogPk,
        edit: impl FnOnce(&mut LogRow) -> T,
    ) -> Result<T, StoreError> {
        self.hold_log(log)?;
        self.state.borrow_mut().log_rows.edit(log).map(edit).ok_or_else(|| damaged("a log is missing"))
    }

    /// Looks at a room as this transaction has left it.
    pub(in crate::store) fn room_row<T>(
        &self,
        room: RoomPk,
        look: impl FnOnce(&RoomRow) -> T,
    ) -> Result<T, StoreError> {
        self.hold_room(room)?;
        self.state.borrow().room_rows.get(room).map(look).ok_or_else(|| damaged("a room is missing"))
    }

    pub(in crate::store) fn edit_room<T>(
        &self,
        room: RoomPk,
        edit: impl FnOnce(&mut RoomRow) -> T,
    ) -> Result<T, StoreError> {
        self.hold_room(room)?;
        self.state.borrow_mut().room_rows.edit(room).map(edit).ok_or_else(|| damaged("a room is missing"))
    }

    pub(in crate::store) fn edit_audience<T>(
        &self,
        audience: AudiencePk,
        edit: impl FnOnce(&mut AudienceRow) -> T,
    ) -> Result<T, StoreError> {
        if self.state.borrow().audience_rows.get(audience).is_none() {
            let row = self.load_audience(audience)?;
            self.state.borrow_mut().audience_rows.load(audience, row);
        }
        let mut state = self.state.borrow_mut();
        state.audience_rows.edit(audience).map(edit).ok_or_else(|| damaged("an audience is missing"))
    }

    /// The room changes in this transaction: gives it the next change number, once a transaction. Every room has a
    /// number of its own, so that a page of changes can end after any of them.
    pub(in crate::store) fn touch(&self, room: RoomPk, origin: Origin) -> Result<u64, StoreError> {
        let latest = self.latest_change()?;
        let number = self.state.borrow().pending.number;
        let (id, change, fresh) = self.edit_room(room, |row| {
            let fresh = row.touched_in != number;
            if fresh {
                (row.change, row.touched_in) = (latest + 1, number);
            }
            (row.id, row.change, fresh)
        })?;
        let pending = &mut self.state.borrow_mut().pending;
        pending.latest_change = Some(if fresh { latest + 1 } else { latest });
        match origin {
            Origin::Local => pending.local.insert(id),
            Origin::Peer => pending.applied.insert(id),
        }
        Ok(change)
    }
}

impl Database {
    /// Writes what waits, so that statements see it. Only a transaction leaves anything waiting.
    pub(in crate::store) fn flush(&self) -> Result<(), StoreError> {
        if self.state.borrow().log_rows.is_clean() && self.state.borrow().room_rows.is_clean() {
            return self.flush_sums();
        }
        let writing = Writing::of(self);
        let dirty = self.state.borrow().log_rows.dirty();
        for log in dirty {
            writing.flush_log(log)?;
        }
        let dirty = self.state.borrow().room_rows.dirty();
        for room in dirty {
            writing.flush_room(room)?;
        }
        self.flush_sums()
    }

    fn flush_sums(&self) -> Result<(), StoreError> {
        let dirty = self.state.borrow().audience_rows.dirty();
        for audience in dirty {
            let sums = self.state.borrow().audience_rows.get(audience).map(|row| (row.rooms, row.ledgers));
            if let Some((rooms, ledgers)) = sums {
                self.execute(
                    "UPDATE audiences SET rooms = ?, ledgers = ? WHERE audience_pk = ?",
                    (rooms.as_bytes(), ledgers.as_bytes(), audience),
                )?;
            }
            self.state.borrow_mut().audience_rows.written(audience);
        }
        let (latest, written) = {
            let pending = &self.state.borrow().pending;
            (pending.latest_change, pending.written_change)
        };
        if let Some(latest) = latest.filter(|latest| written != Some(*latest)) {
            self.execute("UPDATE store SET latest_change = ?", [latest.cast_signed()])?;
            self.state.borrow_mut().pending.written_change = Some(latest);
        }
        Ok(())
    }
}

impl Writing<'_> {
    fn flush_log(&self, log: LogPk) -> Result<(), StoreError> {
        let (room, delta, row) = self.edit_log(log, |row| {
            let line = row.current_line();
            let delta = line - row.line;
            row.line = line;
            (row.room, delta, row.clone())
        })?;
        let change = self.edit_room(room, |room| {
            room.digest += delta;
            room.change
        })?;
        self.execute(
            "UPDATE logs SET length = ?, hash = ?, above = ?, change = ?, kept = ?, kept_bytes = ? WHERE log_pk = ?",
            (
                row.state.length.cast_signed(),
                row.state.hash.as_bytes(),
                row.encode_above(),
                change.cast_signed(),
                row.kept.cast_signed(),
                row.kept_bytes.cast_signed(),
                log,
            ),
        )?;
        self.state.borrow_mut().log_rows.written(log);
        Ok(())
    }

    fn flush_room(&self, room: RoomPk) -> Result<(), StoreError> {
        let (delta, row) = self.edit_room(room, |row| {
            let delta = row.digest - row.counted;
            row.counted = row.digest;
            (delta, row.clone())
        })?;
        if let Some(audience) = row.audience.filter(|_| delta != Digest::EMPTY) {
            self.edit_audience(audience, |sums| *sums.sum(row.ledger) += delta)?;
        }
        self.execute(
            "UPDATE rooms SET ledger = ?, audience_pk = ?, digest = ?, change = ?, hlc = ? WHERE room_pk = ?",
            (
                row.ledger.number(),
                row.audience,
                row.digest.as_bytes(),
                row.change.cast_signed(),
                row.hlc.raw().cast_signed(),
                room,
            ),
        )?;
        self.state.borrow_mut().room_rows.written(room);
        Ok(())
    }
}
