//! Sessions of browsers at this node. Only hashes of tokens are here.

use noroshi_sync::id::{DeviceId, UserId};
use noroshi_sync::store::StoreError;

use super::codes::{unsigned, user_id};
use crate::store::{Database, Writing};

/// A log-in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionRow {
    pub user: UserId,
    pub device: DeviceId,
    /// Milliseconds since 1970, as the next three.
    pub created_ms: u64,
    pub used_ms: u64,
    /// When the lease was last given or renewed in sight of headquarters.
    pub leased_ms: u64,
    /// When the row can be dropped: no lease lasts longer.
    pub expires_ms: u64,
    /// The passcode is asked for before anything else.
    pub locked: bool,
}

impl Database {
    pub fn session(&self, token_hash: &[u8; 32]) -> Result<Option<SessionRow>, StoreError> {
        self.row(
            "SELECT user, device, created_ms, used_ms, leased_ms, expires_ms, locked FROM sessions WHERE token_hash = ?",
            [token_hash],
            |row| {
                Ok(SessionRow {
                    user: user_id(row, 0)?,
                    device: DeviceId::from_bytes(row.get(1)?),
                    created_ms: unsigned(row, 2)?,
                    used_ms: unsigned(row, 3)?,
                    leased_ms: unsigned(row, 4)?,
                    expires_ms: unsigned(row, 5)?,
                    locked: row.get(6)?,
                })
            },
        )
    }

    /// How many sessions there are on a device, and when one was last used (milliseconds since 1970; 0: never).
    pub fn sessions_on(&self, device: &DeviceId, user: &UserId) -> Result<(u32, u64), StoreError> {
        let found = self.row(
            "SELECT count(*), coalesce(max(used_ms), 0) FROM sessions WHERE device = ? AND user = ?",
            (device.as_bytes(), user.as_bytes()),
            |row| Ok((row.get(0)?, unsigned(row, 1)?)),
        )?;
        Ok(found.unwrap_or_default())
    }
}

impl Writing<'_> {
    /// Keeps a new session; of those the person had, the newest `kept - 1` stay.
    pub fn add_session(&self, token_hash: &[u8; 32], session: &SessionRow, kept: u32) -> Result<(), StoreError> {
        self.execute("DELETE FROM sessions WHERE expires_ms <= ?", [session.created_ms.cast_signed()])?;
        self.execute(
            "DELETE FROM sessions WHERE user = ?1 AND token_hash NOT IN
                (SELECT token_hash FROM sessions WHERE user = ?1 ORDER BY used_ms DESC, token_hash LIMIT ?2)",
            (session.user.as_bytes(), kept.saturating_sub(1)),
        )?;
        self.execute(
            "INSERT INTO sessions (token_hash, user, device, created_ms, used_ms, leased_ms, expires_ms, locked)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                token_hash,
                session.user.as_bytes(),
                session.device.as_bytes(),
                session.created_ms.cast_signed(),
                session.used_ms.cast_signed(),
                session.leased_ms.cast_signed(),
                session.expires_ms.cast_signed(),
                session.locked,
            ),
        )?;
        Ok(())
    }

    /// Notes that a session is in use. `leased_ms` is given where headquarters is in sight.
    pub fn use_session(
        &self,
        token_hash: &[u8; 32],
        used_ms: u64,
        leased_ms: u64,
        expires_ms: u64,
    ) -> Result<(), StoreError> {
        self.execute(
            "UPDATE sessions SET used_ms = ?, leased_ms = ?, expires_ms = ? WHERE token_hash = ?",
            (used_ms.cast_signed(), leased_ms.cast_signed(), expires_ms.cast_signed(), token_hash),
        )?;
        Ok(())
    }

    pub fn lock_session(&self, token_hash: &[u8; 32], locked: bool) -> Result<(), StoreError> {
        self.execute("UPDATE sessions SET locked = ? WHERE token_hash = ?", (locked, token_hash))?;
        Ok(())
    }

    /// Returns whether there was one.
    pub fn end_session(&self, token_hash: &[u8; 32]) -> Result<bool, StoreError> {
        Ok(self.execute("DELETE FROM sessions WHERE token_hash = ?", [token_hash])? > 0)
    }

    /// Ends the sessions of a person on one device: it was lost. Returns how many.
    pub fn end_sessions_on(&self, device: &DeviceId, user: &UserId) -> Result<usize, StoreError> {
        self.execute("DELETE FROM sessions WHERE device = ? AND user = ?", (device.as_bytes(), user.as_bytes()))
    }

    /// Lets a session go on when the password with this verifier comes into force.
    pub fn keep_session(&self, token_hash: &[u8; 32], verifier: &str) -> Result<(), StoreError> {
        let hash = blake3::hash(verifier.as_bytes());
        self.execute("UPDATE sessions SET outlives = ? WHERE token_hash = ?", (hash.as_bytes(), token_hash))?;
        Ok(())
    }

    /// Ends the sessions of a person that the new password does not leave alone; returns the devices that have none any
    /// more. `verifier`: BLAKE3 of the verifier in force.
    pub fn end_sessions_before(&self, user: &UserId, verifier: Option<[u8; 32]>) -> Result<Vec<DeviceId>, StoreError> {
        let devices = || {
            self.rows("SELECT DISTINCT device FROM sessions WHERE user = ? ORDER BY device", [user.as_bytes()], |row| {
                Ok(DeviceId::from_bytes(row.get(0)?))
            })
        };
        let before = devices()?;
        self.execute("DELETE FROM sessions WHERE user = ? AND outlives IS NOT ?", (user.as_bytes(), verifier))?;
        let left = devices()?;
        Ok(before.into_iter().filter(|device| !left.contains(device)).collect())
    }

    /// Ends all sessions of a person who is stopped. Returns how many.
    pub fn end_sessions_of(&self, user: &UserId) -> Result<usize, StoreError> {
        self.execute("DELETE FROM sessions WHERE user = ?", [user.as_bytes()])
    }
}
