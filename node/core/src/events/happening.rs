//! An event as it is kept: what it is about, not what it looks like. It is rendered when somebody reads it, as things are
//! then, so the ring stays small and never shows what has been taken back since.

use noroshi_sync::blob::BlobId;
use noroshi_sync::id::{DeviceId, EntryId, RoomId, UserId};
use noroshi_sync::wire::{self, Malformed};
use serde::{Deserialize, Serialize};

/// The order is the encoding in the table `events`: add at the end only.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Happening {
    /// A message became visible.
    Message {
        room: RoomId,
        id: EntryId,
        author: UserId,
    },
    Edited {
        room: RoomId,
        id: EntryId,
        author: UserId,
    },
    Redacted {
        room: RoomId,
        id: EntryId,
        author: UserId,
    },
    Reaction {
        room: RoomId,
        id: EntryId,
        author: UserId,
    },
    Read {
        room: RoomId,
        user: UserId,
        message: EntryId,
        at_ms: u64,
    },
    /// The messages are held or read by more, or fewer, than before.
    Arrived {
        room: RoomId,
        messages: Vec<(EntryId, UserId)>,
    },
    /// The room, its page, its members or its audience changed.
    Room {
        room: RoomId,
    },
    RoomRemoved {
        room: RoomId,
        user: UserId,
    },
    Document {
        room: RoomId,
        document: String,
    },
    Alert {
        code: String,
        text: String,
        at_ms: u64,
    },
    /// The directory was resolved anew; for the node itself.
    Directory {
        version: i64,
    },
    /// Log-ins of a person, or those on one device, are over; for the node itself.
    SessionsEnded {
        user: UserId,
        device: Option<DeviceId>,
    },
    /// Log-ins of a person on a device are over, since the password is another one; for the node itself.
    PasswordChanged {
        user: UserId,
        device: DeviceId,
    },
    /// A file that messages of the room show has come, or is wanted, or no longer.
    Attachment {
        room: RoomId,
        blob: BlobId,
    },
}

impl Happening {
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    /// From a row of the table.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        wire::decode("event", bytes, usize::MAX)
    }

    /// The room whose members may know of it; `None` for what concerns everybody or nobody.
    pub fn room(&self) -> Option<RoomId> {
        match self {
            Self::Message { room, .. }
            | Self::Edited { room, .. }
            | Self::Redacted { room, .. }
            | Self::Reaction { room, .. }
            | Self::Read { room, .. }
            | Self::Arrived { room, .. }
            | Self::Room { room }
            | Self::RoomRemoved { room, .. }
            | Self::Attachment { room, .. }
            | Self::Document { room, .. } => Some(*room),
            Self::Alert { .. } | Self::Directory { .. } | Self::SessionsEnded { .. } | Self::PasswordChanged { .. } => {
                None
            }
        }
    }
}
