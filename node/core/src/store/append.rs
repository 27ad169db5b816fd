//! Local entries: each gets its place, its stamp and its link in the chain. The signature follows once, before COMMIT.

use noroshi_sync::entry::{Draft, Entry};
use noroshi_sync::limits::{CHECKPOINT_BYTES_MAX, CHECKPOINT_ENTRIES_MAX};
use noroshi_sync::log::{LogId, chain, entry_hash};
use noroshi_sync::store::{Appended, StoreError, WallClock};

use super::heads::Origin;
use super::keys::{EntryPk, LogPk, RoomPk, SEQ_MAX};
use super::projector::StoredEntry;
use super::writing::Writing;

impl Writing<'_> {
    /// Appends entries of this node to the logs of its running epoch. The projector has seen them when this returns;
    /// they are signed and durable with the COMMIT. Refuses a draft over a limit ([`StoreError::Invalid`]).
    pub fn append(&self, drafts: Vec<Draft>, clock: WallClock) -> Result<Vec<Appended>, StoreError> {
        let received_ms = self.wall_ms();
        let mut stored = Vec::with_capacity(drafts.len());
        for draft in drafts {
            stored.push(self.append_one(draft, clock, received_ms)?);
        }
        for (room, log_pk, log, entry) in &stored {
            let entry_pk = EntryPk::new(*log_pk, entry.seq);
            let stored = StoredEntry { room: *room, log_pk: *log_pk, entry_pk, log, entry, received_ms };
            self.options().projector.entry(self, &stored)?;
        }
        self.options().projector.settle(self)?;
        let appended = |(_, _, log, entry): (RoomPk, LogPk, LogId, Entry)| Appended {
            log,
            seq: entry.seq,
            id: entry.id,
            hlc: entry.hlc,
            wall_ms: entry.wall_ms,
        };
        Ok(stored.into_iter().map(appended).collect())
    }

    fn append_one(
        &self,
        draft: Draft,
        clock: WallClock,
        received_ms: u64,
    ) -> Result<(RoomPk, LogPk, LogId, Entry), StoreError> {
        let log = LogId::new(draft.room, self.node(), self.epoch(), draft.lane);
        let log_pk = self.ensure_log(&log)?;
        let (room, length, head, unsigned) =
            self.log_row(log_pk, |row| (row.room, row.state.length, row.state.hash, row.unsigned_bytes))?;
        let hlc = self.room_row(room, |row| row.hlc)?.tick(clock.corrected_ms());
        let entry = draft.into_entry(length + 1, hlc, clock.now_ms, clock.offset_ms);
        entry.check().map_err(|malformed| StoreError::Invalid(malformed.to_string()))?;
        if entry.seq > SEQ_MAX {
            return Err(StoreError::Invalid("the log is full".into()));
        }
        let bytes = entry.encode();
        let size = bytes.len() as u64;
        if unsigned + size > CHECKPOINT_BYTES_MAX as u64 {
            self.sign_head(log_pk)?;
        }
        self.execute(
            "INSERT INTO entries (entry_pk, received_ms, bytes) VALUES (?, ?, ?)",
            (EntryPk::new(log_pk, entry.seq), received_ms.cast_signed(), &bytes),
        )?;
        let since_mark = self.edit_log(log_pk, |row| {
            row.state.length = entry.seq;
            row.state.hash = chain(head, entry_hash(&bytes));
            row.unsigned_bytes += size;
            entry.seq - row.mark
        })?;
        self.edit_room(room, |row| row.hlc = hlc)?;
        self.touch(room, Origin::Local)?;
        self.state.borrow_mut().pending.unsigned.insert(log_pk);
        if since_mark >= CHECKPOINT_ENTRIES_MAX {
            self.sign_head(log_pk)?;
        }
        Ok((room, log_pk, log, entry))
    }
}
