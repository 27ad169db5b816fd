//! The bytes two nodes exchange. Frames do not know what carries them; docs/protocol.md describes them for others.

mod offer;
mod payload;

use serde::{Deserialize, Serialize};

use crate::blob::{BlobId, Groups};
use crate::digest::Digest;
use crate::entry::Lane;
use crate::frontier::LogState;
use crate::id::{Epoch, NodeId, RoomId, StorageId};
use crate::limits::{
    BLOB_FRAME_GROUPS_MAX, BLOB_REQUEST_GROUPS_MAX, BLOBS_PAGE_MAX, CHANGES_LINES_MAX, CHANGES_ROOMS_MAX,
    FRAME_BYTES_MAX, LIST_ROOMS_MAX, WANT_RANGES_MAX,
};
use crate::log::{Branch, LogId};
use crate::register::{RegisterVersion, SignedRegister};
use crate::store::{Cursor, LogRange};
use crate::window::Window;
use crate::wire::{self, Malformed};

/// The only protocol version there is.
pub const PROTOCOL_VERSION: u16 = 1;
/// What kind of traffic a frame is: one stream each, the first goes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Class {
    /// Greetings, offers, requests, acknowledgements, the ledger and room policies.
    Control = 0,
    /// The urgent lane.
    Urgent = 1,
    /// The newest entries.
    Newest = 2,
    /// History.
    Backfill = 3,
    /// Attachments.
    Blob = 4,
}

impl Class {
    pub const ALL: [Self; 5] = [Self::Control, Self::Urgent, Self::Newest, Self::Backfill, Self::Blob];

    pub const fn number(self) -> u8 {
        self as u8
    }
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.number() == number)
    }
}

/// The first frame of each side.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Hello {
    /// Lowest and highest version spoken.
    pub versions: (u16, u16),
    pub node: NodeId,
    pub storage: StorageId,
    pub latest_change: u64,
    pub cursor_i_hold_for_you: Cursor,
    pub shared: Digest,
    pub ledger: Digest,
    /// The sender's wall clock, milliseconds since 1970.
    pub wall_ms: u64,
    /// Bits of optional abilities; none are defined yet, unknown ones are ignored.
    pub features: u64,
}

/// One log in an offer; the writing node is an index into [`Changes::nodes`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Line {
    pub node: u16,
    pub epoch: Epoch,
    pub lane: Lane,
    pub branch: Option<Branch>,
    pub state: LogState,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RoomOffer {
    pub room: RoomId,
    pub lines: Vec<Line>,
    pub registers: Vec<(u16, RegisterVersion)>,
}

/// «This is what I hold that you may lack.»
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Changes {
    pub nodes: Vec<NodeId>,
    pub rooms: Vec<RoomOffer>,
    /// The sender's cursor position this page ends at; `None` when the page answers `RoomsWanted`.
    pub up_to: Option<u64>,
    /// More pages follow when asked for by `Next`.
    pub more: bool,
}

/// «Send me these.»
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Want {
    /// The asker's number for this request, returned in every answer to it.
    pub request: u64,
    pub class: u8,
    pub ranges: Vec<LogRange>,
    pub registers: Vec<(RoomId, NodeId)>,
}

/// Part of the answer to a `Want`, or the urgent lane unasked (`request` 0).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Data {
    pub request: u64,
    /// The request is answered completely with this frame.
    pub last: bool,
    /// zstd of the encoded [`Payload`].
    #[serde(with = "serde_bytes")]
    pub payload: Vec<u8>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Payload {
    pub windows: Vec<Window>,
    pub registers: Vec<SignedRegister>,
    pub unavailable: Vec<LogRange>,
}

/// «These logs are on my disk so far», after fsync.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Held {
    pub logs: Vec<(LogId, u64)>,
}

/// «All you offered up to `applied` is on my disk, and all I have up to `latest_change` was offered to you.»
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Done {
    pub applied: u64,
    pub latest_change: u64,
    pub shared: Digest,
}

/// One page of the full list: rooms and the first 8 bytes of their keyed digests, ascending by room.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct List {
    /// Keys the short digests, so that nobody can prepare two rooms that look equal.
    pub nonce: [u8; 16],
    pub rooms: Vec<(RoomId, [u8; 8])>,
    /// The list covers all rooms after this one …
    pub after: Option<RoomId>,
    /// … up to the last room of the page, or to the end.
    pub more: bool,
}

/// Four time stamps measure the clocks (RFC 5905 §8); an unanswered ping means the line is cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Pong {
    pub ping_wall_ms: u64,
    pub received_wall_ms: u64,
    pub sent_wall_ms: u64,
}

/// «Send me these parts of an attachment», which a message of the room shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BlobWant {
    /// The asker's number for this request, returned in every answer to it. Apart from those of `Want`.
    pub request: u64,
    pub room: RoomId,
    pub blob: BlobId,
    pub groups: Groups,
}

/// The next part of the answer to a `BlobWant`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BlobData {
    pub request: u64,
    pub groups: Groups,
    /// The bytes and what proves them: bao, chunk groups of 16 KiB.
    #[serde(with = "serde_bytes")]
    pub slice: Vec<u8>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Frame {
    Hello(Hello),
    Changes(Changes),
    /// «Send the next page of changes.»
    Next,
    Want(Want),
    Data(Data),
    Held(Held),
    Done(Done),
    List(List),
    /// «Send all lines of these rooms.»
    RoomsWanted(Vec<RoomId>),
    Ping {
        wall_ms: u64,
    },
    Pong(Pong),
    /// Something that is not stored (typing): the application's bytes, for the people of one room.
    Signal {
        room: RoomId,
        #[serde(with = "serde_bytes")]
        body: Vec<u8>,
    },
    BlobWant(BlobWant),
    BlobData(BlobData),
    /// «This request, or what is left of it, is not to be had from me.» Says neither why, nor whether it is here.
    BlobUnavailable {
        request: u64,
    },
    /// «These are here now, whole and on disk», to who asked in vain and to who gave some of it.
    BlobHave(Vec<BlobId>),
    /// «Too many others want history: ask for this again later.»
    Busy {
        request: u64,
        retry_after_ms: u32,
    },
}

/// Largest body of a signal, bytes.
pub const SIGNAL_BYTES_MAX: usize = 256;

impl Frame {
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    /// Decodes a frame and checks every count against its limit.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let frame: Self = wire::decode("frame", bytes, FRAME_BYTES_MAX)?;
        frame.check()?;
        Ok(frame)
    }

    /// What kind of frame it is, for logs and tests.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Hello(_) => "hello",
            Self::Changes(_) => "changes",
            Self::Next => "next",
            Self::Want(_) => "want",
            Self::Data(_) => "data",
            Self::Held(_) => "held",
            Self::Done(_) => "done",
            Self::List(_) => "list",
            Self::RoomsWanted(_) => "rooms-wanted",
            Self::Ping { .. } => "ping",
            Self::Pong(_) => "pong",
            Self::Signal { .. } => "signal",
            Self::BlobWant(_) => "blob-want",
            Self::BlobData(_) => "blob-data",
            Self::BlobUnavailable { .. } => "blob-unavailable",
            Self::BlobHave(_) => "blob-have",
            Self::Busy { .. } => "busy",
        }
    }

    fn check(&self) -> Result<(), Malformed> {
        let over = |what, count: usize, limit: usize| {
            if count > limit { Err(Malformed::TooLarge { what, bytes: count, limit }) } else { Ok(()) }
        };
        match self {
            Self::Changes(changes) => {
                over("rooms of an offer", changes.rooms.len(), CHANGES_ROOMS_MAX)?;
                let lines = changes.rooms.iter().map(|room| room.lines.len() + room.registers.len()).sum();
                // Twice what this program sends, so that a later one may send more.
                over("lines of an offer", lines, 2 * CHANGES_LINES_MAX)?;
                changes
                    .rooms
                    .iter()
                    .flat_map(|room| &room.lines)
                    .try_for_each(|line| line.state.check_line(line.branch.as_ref()))
            }
            Self::Want(want) => {
                over("ranges of a request", want.ranges.len() + want.registers.len(), WANT_RANGES_MAX)?;
                if want.request == 0 || want.ranges.iter().any(|range| range.first == 0 || range.last < range.first) {
                    return Err(Malformed::Invalid { what: "want", reason: "an empty range or request 0" });
                }
                Ok(())
            }
            Self::List(list) => over("rooms of a list", list.rooms.len(), LIST_ROOMS_MAX),
            Self::RoomsWanted(rooms) => over("rooms of a request", rooms.len(), CHANGES_ROOMS_MAX),
            Self::Signal { body, .. } => over("signal", body.len(), SIGNAL_BYTES_MAX),
            Self::BlobWant(want) => want.check(),
            Self::BlobData(data) if data.groups.count() > BLOB_FRAME_GROUPS_MAX => {
                Err(Malformed::Invalid { what: "blob data", reason: "too many groups" })
            }
            Self::BlobHave(blobs) => over("attachments", blobs.len(), BLOBS_PAGE_MAX),
            _ => Ok(()),
        }
    }
}

impl BlobWant {
    fn check(&self) -> Result<(), Malformed> {
        let invalid = |reason| Err(Malformed::Invalid { what: "blob want", reason });
        if self.request == 0 || !self.blob.is_well_formed() || !self.blob.has(self.groups) {
            return invalid("groups that are not, or request 0");
        }
        if self.groups.count() > BLOB_REQUEST_GROUPS_MAX { invalid("too many groups") } else { Ok(()) }
    }
}

/// The first 8 bytes of BLAKE3 over room and digest, keyed with the list's nonce.
pub fn short_digest(nonce: &[u8; 16], room: &RoomId, digest: &Digest) -> [u8; 8] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"noroshi/list/1");
    hasher.update(nonce);
    hasher.update(room.as_bytes());
    hasher.update(digest.as_bytes());
    let mut short = [0u8; 8];
    short.copy_from_slice(hasher.finalize().as_bytes().split_at(8).0);
    short
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checkpoint::tests::sample_key;
    use crate::window::tests::sample_window;

    fn hello() -> Hello {
        let storage = StorageId::from_bytes([6; 16]);
        Hello {
            versions: (1, 1),
            node: sample_key(1).node(),
            storage,
            latest_change: u64::MAX,
            cursor_i_hold_for_you: Cursor { storage, change: u64::MAX },
            shared: Digest::of("test", &[]),
            ledger: Digest::EMPTY,
            wall_ms: 1_790_000_000_000,
            features: u64::MAX,
        }
    }

    #[test]
    fn counts_over_the_limit_are_refused() {
        let range = LogRange { log: sample_window(&sample_key(1), 1, 1).log, first: 1, last: 1 };
        let want = |count| Frame::Want(Want { request: 1, class: 0, ranges: vec![range; count], registers: vec![] });
        assert!(Frame::decode(&want(WANT_RANGES_MAX).encode()).is_ok());
        assert!(Frame::decode(&want(WANT_RANGES_MAX + 1).encode()).is_err());
        assert!(Frame::decode(&vec![0; FRAME_BYTES_MAX + 1]).is_err());
        let list = |count| {
            let rooms = vec![(RoomId::NIL, [0; 8]); count];
            Frame::List(List { nonce: [0; 16], rooms, after: None, more: false })
        };
        assert!(Frame::decode(&list(LIST_ROOMS_MAX).encode()).is_ok());
        assert!(Frame::decode(&list(LIST_ROOMS_MAX + 1).encode()).is_err());
        let signal = |bytes| Frame::Signal { room: RoomId::NIL, body: vec![0; bytes] };
        assert!(Frame::decode(&signal(SIGNAL_BYTES_MAX).encode()).is_ok());
        assert!(Frame::decode(&signal(SIGNAL_BYTES_MAX + 1).encode()).is_err());
        let rooms = |count| Frame::RoomsWanted(vec![RoomId::NIL; count]);
        assert!(Frame::decode(&rooms(CHANGES_ROOMS_MAX).encode()).is_ok());
        assert!(Frame::decode(&rooms(CHANGES_ROOMS_MAX + 1).encode()).is_err());
        let blob = BlobId { hash: crate::blob::BlobHash::of(b""), size: crate::limits::BLOB_BYTES_MAX };
        let have = |count| Frame::BlobHave(vec![blob; count]);
        assert!(Frame::decode(&have(BLOBS_PAGE_MAX).encode()).is_ok());
        assert!(Frame::decode(&have(BLOBS_PAGE_MAX + 1).encode()).is_err());
        let want = |request, size, last| {
            let (blob, groups) = (BlobId { size, ..blob }, Groups { first: 0, last });
            Frame::decode(&Frame::BlobWant(BlobWant { request, room: RoomId::NIL, blob, groups }).encode())
        };
        assert!(want(1, blob.size, BLOB_REQUEST_GROUPS_MAX - 1).is_ok());
        assert!(want(1, blob.size, BLOB_REQUEST_GROUPS_MAX).is_err());
        assert!(want(0, blob.size, 0).is_err() && want(1, blob.size + 1, 0).is_err() && want(1, 1, 1).is_err());
        let data = |last| {
            let groups = Groups { first: 0, last };
            Frame::decode(&Frame::BlobData(BlobData { request: 1, groups, slice: Vec::new() }).encode())
        };
        assert!(data(BLOB_FRAME_GROUPS_MAX - 1).is_ok() && data(BLOB_FRAME_GROUPS_MAX).is_err());
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Frame::decode(&bytes);
            let _ = Payload::decompress(&bytes);
        }

        #[test]
        fn a_damaged_frame_never_panics(position in 0usize..200, value in any::<u8>()) {
            let mut bytes = Frame::Hello(hello()).encode();
            let position = position % bytes.len();
            bytes[position] = value;
            let _ = Frame::decode(&bytes);
        }
    }
}
