//! How much room attachments may take.

use std::io;
use std::path::Path;

/// Set by the operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quota {
    /// All attachments together, bytes.
    pub bytes_max: u64,
    /// Left free on the disk, so that messages always find room, bytes.
    pub free_min: u64,
}

const GIB: u64 = 1024 * 1024 * 1024;

impl Default for Quota {
    fn default() -> Self {
        Self { bytes_max: 20 * GIB, free_min: 5 * GIB }
    }
}

impl Quota {
    /// From whole GiB, as an operator writes them.
    pub const fn of_gib(max: u32, free: u32) -> Self {
        Self { bytes_max: max as u64 * GIB, free_min: free as u64 * GIB }
    }
}

/// Whether there is room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Room {
    Enough,
    /// So many bytes of attachments would have to go first.
    OverQuota(u64),
    /// The disk has less left than must stay free; so many bytes would have to go first.
    DiskFull(u64),
}

impl Quota {
    /// Room for `more` bytes where `used` are taken and the disk has `free` left.
    pub const fn room(&self, used: u64, free: u64, more: u64) -> Room {
        let needed = self.free_min.saturating_add(more);
        if free < needed {
            return Room::DiskFull(needed - free);
        }
        match used.saturating_add(more).saturating_sub(self.bytes_max) {
            0 => Room::Enough,
            over => Room::OverQuota(over),
        }
    }
}

/// Bytes that the disk of a folder has left.
pub(super) fn free_bytes(folder: &Path) -> io::Result<u64> {
    fs4::available_space(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_byte_fits_and_the_next_does_not() {
        let quota = Quota { bytes_max: 100, free_min: 50 };
        assert_eq!(quota.room(90, 1_000, 10), Room::Enough);
        assert_eq!(quota.room(90, 1_000, 11), Room::OverQuota(1));
        assert_eq!(quota.room(0, 60, 10), Room::Enough);
        assert_eq!(quota.room(0, 60, 11), Room::DiskFull(1));
        assert_eq!(quota.room(u64::MAX, u64::MAX, u64::MAX), Room::DiskFull(50));
        assert_eq!(Quota::of_gib(20, 5), Quota::default());
    }
}
