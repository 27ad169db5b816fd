//! Signatures of devices: each is checked once, when its entry is stored, and again only when the ledger says something new
//! about that device. What is kept is a function of the entries and the ledger alone.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use noroshi_provisioning::Directory;
use noroshi_provisioning::device_key::is_signed_by_device;
use noroshi_sync::entry::{Entry, device_statement};
use noroshi_sync::id::{DeviceId, RoomId, UserId};
use noroshi_sync::store::StoreError;

use super::{Projection, Work, messages};
use crate::body::{Body, signed_content};
use crate::events::Happening;
use crate::store::error::damaged;
use crate::store::{EntryPk, StoredEntry};

/// Verdicts that wait for the writer: more than one batch of a peer brings, 2 MiB.
const CHECKED_MAX: usize = 65_536;

/// Signatures that were found right before their entries came to the writer, which does one thing at a time and should
/// not spend it on elliptic curves.
#[derive(Debug, Default)]
pub(super) struct Checked {
    right: Mutex<HashSet<[u8; 32]>>,
}

/// Everything a verdict depends on.
struct Claim<'a> {
    key: &'a [u8],
    statement: Vec<u8>,
    signature: &'a [u8],
}

impl<'a> Claim<'a> {
    /// What an entry claims to be signed with; `None` when there is nothing to check.
    fn of(directory: &'a Directory, room: RoomId, entry: &'a Entry) -> Option<Self> {
        let key = directory.device(entry.device, entry.author)?.key.as_deref()?;
        let signature = entry.sig.as_deref()?;
        let content = signed_content(entry.kind, &entry.body)?;
        let statement = device_statement(room, entry.id, entry.kind, entry.author, &content);
        Some(Self { key, statement, signature })
    }

    fn is_right(&self) -> bool {
        is_signed_by_device(self.key, &self.statement, self.signature)
    }

    /// Key and signature have one length each wherever a signature is right.
    fn name(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.key).update(self.signature).update(&self.statement);
        *hasher.finalize().as_bytes()
    }
}

impl Projection {
    /// Whether the author's device signed this, as far as the ledger of the last commit knows. The writer need not check
    /// it again. Costs about 0.1 ms.
    pub fn check_ahead(&self, room: RoomId, entry: &Entry) -> bool {
        let directory = self.directory();
        let Some(claim) = Claim::of(&directory, room, entry).filter(Claim::is_right) else { return false };
        let mut right = self.checked.right.lock().unwrap_or_else(PoisonError::into_inner);
        if right.len() >= CHECKED_MAX {
            right.clear();
        }
        right.insert(claim.name());
        true
    }

    fn is_right(&self, work: &Work<'_, '_>, room: RoomId, entry: &Entry) -> bool {
        let Some(claim) = Claim::of(&work.current.directory, room, entry) else { return false };
        let known = self.checked.right.lock().unwrap_or_else(PoisonError::into_inner).remove(&claim.name());
        known || claim.is_right()
    }

    pub(super) fn insert_signature(&self, work: &Work<'_, '_>, stored: &StoredEntry<'_>) -> Result<(), StoreError> {
        let entry = stored.entry;
        work.execute(
            "INSERT INTO signatures (entry_pk, room_pk, device, author, valid) VALUES (?, ?, ?, ?, ?)",
            (
                stored.entry_pk,
                stored.room,
                entry.device.as_bytes(),
                entry.author.as_bytes(),
                self.is_right(work, stored.log.room, entry),
            ),
        )?;
        Ok(())
    }

    /// After the ledger has said something new about the key of a device.
    pub(super) fn check_signatures_again(
        &self,
        work: &Work<'_, '_>,
        device: DeviceId,
        user: UserId,
    ) -> Result<(), StoreError> {
        let rows: Vec<(EntryPk, bool)> = work.rows(
            "SELECT entry_pk, valid FROM signatures WHERE device = ? AND author = ? ORDER BY entry_pk",
            (device.as_bytes(), user.as_bytes()),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        for (pk, was_valid) in rows {
            let found = work.entry_at(pk)?.ok_or_else(|| damaged("an entry is missing"))?;
            let valid = self.is_right(work, found.log.room, &found.entry);
            if valid != was_valid {
                work.execute("UPDATE signatures SET valid = ? WHERE entry_pk = ?", (valid, pk))?;
                tell_of(work, found.log.room, &found.entry)?;
            }
        }
        Ok(())
    }
}

/// The message looks different now, and another copy of it may be the one that is shown.
fn tell_of(work: &Work<'_, '_>, room: RoomId, entry: &Entry) -> Result<(), StoreError> {
    let id = match Body::decode(entry.kind, &entry.body) {
        Ok(Body::Message(_)) => entry.id,
        Ok(Body::Edit(edit)) => edit.target,
        _ => return Ok(()),
    };
    let Some(pk) = work.room_key(&room)? else { return Ok(()) };
    messages::arrange(work, pk, &id, &entry.author)?;
    if work.messages_of(pk, &id, &entry.author)?.is_empty() {
        return Ok(());
    }
    work.tell(&Happening::Edited { room, id, author: entry.author })
}
