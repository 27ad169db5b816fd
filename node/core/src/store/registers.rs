//! Register batches: this node's own, and those of others with what they say about arrival.

use std::collections::{BTreeMap, BTreeSet};

use noroshi_sync::checkpoint::Signature;
use noroshi_sync::frontier::{Frontier, HeldRange, LogState};
use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::{NodeId, RoomId};
use noroshi_sync::register::{Register, RegisterVersion, SignedRegister, VerifiedRegister, register_digest};
use noroshi_sync::store::StoreError;

use super::database::Database;
use super::error::damaged;
use super::heads::Origin;
use super::keys::{LogPk, NodePk, RoomPk};
use super::writing::Writing;

impl Writing<'_> {
    /// Writes this node's register of a room: what it holds now, and the read marks of its people. Its version is above
    /// that of every batch of this node seen so far, also of one that came back from a peer after a restore.
    pub fn write_register(&self, room: &RoomId, reads: Vec<u8>) -> Result<(), StoreError> {
        let counter = self.register_counter.get() + 1;
        self.register_counter.set(counter);
        let mut version = RegisterVersion { start: self.register_start(), counter };
        if let Some(before) = self.register_version(room, &self.node())?.filter(|before| *before >= version) {
            version = RegisterVersion { start: before.start.tick(self.wall_ms()), counter };
        }
        self.write_register_as(room, version, reads)
    }

    /// As [`Self::write_register`], under a version chosen by the caller.
    pub(in crate::store) fn write_register_as(
        &self,
        room: &RoomId,
        version: RegisterVersion,
        reads: Vec<u8>,
    ) -> Result<(), StoreError> {
        let room_pk = self.ensure_room(room)?;
        let frontier = self.read(|database| database.frontier(room))?;
        let signed = Register::new(*room, self.node(), version, &frontier, reads).sign(self.key());
        let register = signed.verify().map_err(|malformed| StoreError::Invalid(malformed.to_string()))?;
        self.store_register(room_pk, &register, Origin::Local)?;
        Ok(())
    }

    /// Stores a batch if its version is higher than that of the one held; returns whether it did.
    pub(in crate::store) fn store_register(
        &self,
        room: RoomPk,
        batch: &VerifiedRegister,
        origin: Origin,
    ) -> Result<bool, StoreError> {
        let register = batch.register();
        let node = self.ensure_node(&register.node)?;
        let before = self.row(
            "SELECT start, counter, body, signature FROM registers WHERE room_pk = ? AND node_pk = ?",
            (room, node),
            |row| Ok((version(row, 0)?, signed(row, 2)?)),
        )?;
        if before.as_ref().is_some_and(|(version, _)| *version >= register.version) {
            return Ok(false);
        }
        let change = self.touch(room, origin)?;
        self.edit_room(room, |row| {
            if let Some((_, before)) = &before {
                row.digest -= register_digest(before);
            }
            row.digest += batch.digest();
        })?;
        self.execute(
            "INSERT INTO registers (room_pk, node_pk, start, counter, change, body, signature, ours)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (room_pk, node_pk) DO UPDATE
             SET start = ?3, counter = ?4, change = ?5, body = ?6, signature = ?7, ours = ?8",
            (
                room,
                node,
                register.version.start.raw().cast_signed(),
                register.version.counter.cast_signed(),
                change.cast_signed(),
                &batch.signed().body,
                batch.signed().signature.as_bytes(),
                origin == Origin::Local,
            ),
        )?;
        // What this node itself holds is in `logs`.
        if node != self.own_pk() {
            let before = match before {
                Some((_, signed)) => decode_stored(&signed)?.frontier(),
                None => Frontier::new(),
            };
            self.store_held(node, &before, &register.frontier())?;
        }
        self.options().projector.register(self, room, register)?;
        Ok(true)
    }

    /// Brings the `held` rows of a node and room from one frontier to another; only lines that differ cost anything.
    fn store_held(&self, holder: NodePk, before: &Frontier, after: &Frontier) -> Result<(), StoreError> {
        let mut forked = BTreeSet::new();
        for (log, state) in after {
            let old = before.get(log);
            if self.is_forked(log)? {
                forked.insert(log.trunk());
                continue;
            }
            if old == Some(state) || !self.is_writer(&log.node)? {
                continue;
            }
            // A branch that is not held here is known by no other name.
            let known = if log.branch.is_some() { self.log_pk(log)? } else { Some(self.ensure_log(log)?) };
            let Some(log) = known else { continue };
            self.execute(
                "INSERT INTO held (log_pk, node_pk, length) VALUES (?1, ?2, ?3)
                 ON CONFLICT (log_pk, node_pk) DO UPDATE SET length = ?3",
                (log, holder, clamp(state.length)),
            )?;
            let above = old.map_or(&[][..], |old| &old.above);
            if state.above != above {
                self.store_held_above(log, holder, &state.above)?;
            }
        }
        for log in &forked {
            self.hold_branches(holder, log, after)?;
        }
        for log in before.keys().filter(|log| !after.contains_key(log) && !forked.contains(&log.trunk())) {
            let Some(log) = self.log_pk(log)? else { continue };
            self.execute("DELETE FROM held WHERE log_pk = ? AND node_pk = ?", (log, holder))?;
            self.store_held_above(log, holder, &[])?;
        }
        Ok(())
    }

    fn store_held_above(&self, log: LogPk, holder: NodePk, above: &[HeldRange]) -> Result<(), StoreError> {
        self.execute("DELETE FROM held_above WHERE log_pk = ? AND node_pk = ?", (log, holder))?;
        for range in above {
            self.execute(
                "INSERT INTO held_above (log_pk, node_pk, first, last) VALUES (?, ?, ?, ?)",
                (log, holder, clamp(range.first), clamp(range.last)),
            )?;
        }
        Ok(())
    }
}

/// Others may claim any number; what is above the largest integer is above every entry anyway.
fn clamp(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

fn version(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<RegisterVersion> {
    Ok(RegisterVersion {
        start: Hlc::from_raw(row.get::<_, i64>(first)?.cast_unsigned()),
        counter: row.get::<_, i64>(first + 1)?.cast_unsigned(),
    })
}

fn signed(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<SignedRegister> {
    Ok(SignedRegister { body: row.get(first)?, signature: Signature::from_bytes(row.get(first + 1)?) })
}

/// A batch that was verified when it was stored.
fn decode_stored(signed: &SignedRegister) -> Result<Register, StoreError> {
    noroshi_sync::wire::decode("register", &signed.body, noroshi_sync::limits::REGISTER_BYTES_MAX)
        .map_err(|malformed| damaged(format!("a register: {malformed}")))
}

impl Database {
    /// The version of a node's batch for a room.
    pub fn register_version(&self, room: &RoomId, node: &NodeId) -> Result<Option<RegisterVersion>, StoreError> {
        let (Some(room), Some(node)) = (self.room_pk(room)?, self.node_pk(node)?) else { return Ok(None) };
        self.row("SELECT start, counter FROM registers WHERE room_pk = ? AND node_pk = ?", (room, node), |row| {
            version(row, 0)
        })
    }

    /// A node's batch for a room as it was signed.
    pub fn signed_register(&self, room: &RoomId, node: &NodeId) -> Result<Option<SignedRegister>, StoreError> {
        let (Some(room), Some(node)) = (self.room_pk(room)?, self.node_pk(node)?) else { return Ok(None) };
        self.row("SELECT body, signature FROM registers WHERE room_pk = ? AND node_pk = ?", (room, node), |row| {
            signed(row, 0)
        })
    }

    /// The batch of this node that this database wrote itself.
    pub(in crate::store) fn own_register(&self, room: &RoomId) -> Result<Option<Register>, StoreError> {
        let Some(room) = self.room_pk(room)? else { return Ok(None) };
        let found = self.row(
            "SELECT body, signature FROM registers WHERE room_pk = ? AND node_pk = ? AND ours",
            (room, self.own_pk()),
            |row| signed(row, 0),
        )?;
        found.map(|signed| decode_stored(&signed)).transpose()
    }

    /// All batches of a room, decoded.
    pub fn registers_of(&self, room: &RoomId) -> Result<Vec<Register>, StoreError> {
        let Some(room) = self.room_pk(room)? else { return Ok(Vec::new()) };
        self.rows("SELECT body, signature FROM registers WHERE room_pk = ?", [room], |row| signed(row, 0))?
            .iter()
            .map(decode_stored)
            .collect()
    }

    pub(in crate::store) fn register_versions(
        &self,
        room: RoomPk,
        after: u64,
    ) -> Result<BTreeMap<NodeId, RegisterVersion>, StoreError> {
        let versions = self.rows(
            "SELECT nodes.id, start, counter FROM registers JOIN nodes USING (node_pk) WHERE room_pk = ? AND change > ?",
            (room, clamp(after)),
            |row| Ok((NodeId::from_bytes(row.get(0)?), version(row, 1)?)),
        )?;
        Ok(versions.into_iter().collect())
    }

    /// What is held of a log, from the head alone.
    pub fn log_state(&self, log: &noroshi_sync::log::LogId) -> Result<LogState, StoreError> {
        self.read(|database| {
            let Some(pk) = database.log_pk(log)? else { return Ok(LogState::empty(log)) };
            Ok(database.load_log(pk)?.state)
        })
    }
}
