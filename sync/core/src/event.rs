//! What happens to a replica and what it wants done: the whole interface to a driver (QUIC or the simulator).

use crate::frame::Class;
use crate::id::{NodeId, RoomId};
use crate::store::{Answer, Query, Refusal, StoreError};
use crate::wire::Malformed;

/// The time of an event. The core has no clock of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Now {
    /// Milliseconds that never go back, from any start.
    pub mono_ms: u64,
    /// Milliseconds since 1970 by this machine's clock.
    pub wall_ms: u64,
}

/// Ties an answer of the store to its question.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ticket(pub u64);

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// An authenticated connection to the peer is up. `nonce` is 16 random bytes. A second `Connected` for the same peer
    /// starts its session afresh.
    Connected { peer: NodeId, nonce: [u8; 16] },
    /// The connection is gone; frames not confirmed by `Sent` may or may not have arrived.
    Disconnected { peer: NodeId },
    /// One frame, unchecked, from any stream of the peer's connection.
    Frame { peer: NodeId, bytes: Vec<u8> },
    /// The transport has taken a frame of this class from its queue; room for the next one.
    Sent { peer: NodeId, class: Class },
    /// The answer to an [`Action::Ask`].
    Answered { ticket: Ticket, answer: Result<Answer, StoreError> },
    /// The store changed by something other than this replica's own [`Query::Apply`]: a local append, a register, a policy.
    /// Without rooms: other attachments are wanted than before.
    Changed { latest_change: u64, rooms: Vec<RoomId> },
    /// Somebody is typing or the like: pass it to the peers in the room's audience (`peers`), store nothing.
    Signal { peers: Vec<NodeId>, room: RoomId, body: Vec<u8> },
    /// Rooms that people have open: their newest entries go before those of other rooms.
    OpenRooms { rooms: Vec<RoomId> },
    /// The time asked for by [`Action::WakeAt`] has come. Harmless at any other time.
    Timer,
}

/// Something to do.
#[derive(Debug, Clone)]
pub enum Action {
    /// Send a frame on the peer's stream of this class, in order, and report `Sent`.
    Send { peer: NodeId, class: Class, bytes: Vec<u8> },
    /// Ask the store. Questions of one ticket order need not be answered in order.
    Ask { ticket: Ticket, query: Query },
    /// Close the connection to the peer.
    Close { peer: NodeId, reason: CloseReason },
    /// Call with [`Event::Timer`] at this `mono_ms`, replacing any earlier wish.
    WakeAt { mono_ms: u64 },
    /// Something people or metrics should know.
    Notice(Notice),
}

/// Why a connection is closed by the core.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CloseReason {
    #[error("no protocol version in common")]
    Version,
    #[error("the peer greets under another name than its certificate's")]
    WrongName,
    #[error("malformed: {0}")]
    Malformed(Malformed),
    #[error("the peer broke the protocol: {0}")]
    Protocol(&'static str),
    #[error("the peer has not answered for {0} ms")]
    Silent(u64),
    #[error("the store does not answer")]
    Store,
}

/// Something to know about a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Notice {
    /// Both sides held equal digests just now.
    InSync { peer: NodeId },
    /// Entries the peer offers that are not here yet.
    MissingHere { peer: NodeId, entries: u64 },
    /// Measured: the peer's clock minus ours, and the round trip.
    Clock { peer: NodeId, offset_ms: i64, rtt_ms: u64 },
    /// A frame of the peer arrived.
    Heard { peer: NodeId },
    /// Data of the peer was refused by the checks of the store.
    Refused { peer: NodeId, room: RoomId, writer: NodeId, refusal: Refusal },
    /// What the peer sent shows that this node signed more than one history of one log in this room.
    Forked { peer: NodeId, room: RoomId, writer: NodeId },
    /// Data of the peer was no signed data; the session was closed.
    Forged { peer: NodeId, reason: String },
    /// The digests differ although both sides had sent everything; the full list is being compared. `passes` counts from
    /// 1; one or two may be a policy that one side has yet to work out, three in a row are a fault.
    Diverged { peer: NodeId, passes: u32 },
    /// These rooms have something new from the peer, on disk.
    Applied { peer: NodeId, rooms: Vec<RoomId>, entries: u64 },
    /// The peer has this much of our logs on its disk.
    Held { peer: NodeId, rooms: Vec<RoomId> },
    /// A signal of the peer for the people of a room.
    Signal { peer: NodeId, room: RoomId, body: Vec<u8> },
}
