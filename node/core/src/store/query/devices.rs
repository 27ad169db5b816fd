//! What this node alone keeps of devices: codes that were handed out, and passcodes.

use noroshi_sync::id::{DeviceId, EntryId, UserId};
use noroshi_sync::store::StoreError;

use super::codes::{entry_id, unsigned, user_id};
use crate::store::{Database, Writing};

/// A device code that was handed out here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CodeRow {
    pub user: UserId,
    /// The request it answers; nil for none.
    pub request: EntryId,
    pub issued_by: UserId,
    /// Milliseconds since 1970.
    pub expires_ms: u64,
    pub redeemed: bool,
}

/// A passcode, and how often it was wrong since it was right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PasscodeRow {
    pub verifier: String,
    pub failures: u32,
}

impl Database {
    pub fn device_code(&self, code_hash: &[u8; 32]) -> Result<Option<CodeRow>, StoreError> {
        self.row(
            "SELECT user, request, issued_by, expires_ms, redeemed_ms IS NOT NULL FROM device_codes WHERE code_hash = ?",
            [code_hash],
            |row| {
                Ok(CodeRow {
                    user: user_id(row, 0)?,
                    request: entry_id(row, 1)?,
                    issued_by: user_id(row, 2)?,
                    expires_ms: unsigned(row, 3)?,
                    redeemed: row.get(4)?,
                })
            },
        )
    }

    pub fn passcode(&self, device: &DeviceId, user: &UserId) -> Result<Option<PasscodeRow>, StoreError> {
        self.row(
            "SELECT verifier, failures FROM passcodes WHERE device = ? AND user = ?",
            (device.as_bytes(), user.as_bytes()),
            |row| Ok(PasscodeRow { verifier: row.get(0)?, failures: row.get(1)? }),
        )
    }
}

impl Writing<'_> {
    /// Keeps a new code. Earlier ones of the person that nobody used are worth nothing any more.
    pub fn add_device_code(&self, code_hash: &[u8; 32], code: &CodeRow, now_ms: u64) -> Result<(), StoreError> {
        self.execute(
            "DELETE FROM device_codes WHERE expires_ms <= ? OR (user = ? AND redeemed_ms IS NULL)",
            (now_ms.cast_signed(), code.user.as_bytes()),
        )?;
        self.execute(
            "INSERT INTO device_codes (code_hash, user, request, issued_by, expires_ms) VALUES (?, ?, ?, ?, ?)",
            (
                code_hash,
                code.user.as_bytes(),
                code.request.as_bytes(),
                code.issued_by.as_bytes(),
                code.expires_ms.cast_signed(),
            ),
        )?;
        Ok(())
    }

    pub fn redeem_device_code(&self, code_hash: &[u8; 32], now_ms: u64) -> Result<(), StoreError> {
        let values = (now_ms.cast_signed(), code_hash);
        self.execute("UPDATE device_codes SET redeemed_ms = ? WHERE code_hash = ?", values)?;
        Ok(())
    }

    pub fn set_passcode(&self, device: &DeviceId, user: &UserId, verifier: &str) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO passcodes (device, user, verifier) VALUES (?1, ?2, ?3)
             ON CONFLICT (device, user) DO UPDATE SET verifier = ?3, failures = 0",
            (device.as_bytes(), user.as_bytes(), verifier),
        )?;
        Ok(())
    }

    /// Counts a wrong passcode, or forgets the wrong ones after a right one.
    pub fn note_passcode(&self, device: &DeviceId, user: &UserId, right: bool) -> Result<(), StoreError> {
        self.execute(
            "UPDATE passcodes SET failures = CASE WHEN ? THEN 0 ELSE failures + 1 END WHERE device = ? AND user = ?",
            (right, device.as_bytes(), user.as_bytes()),
        )?;
        Ok(())
    }
}
