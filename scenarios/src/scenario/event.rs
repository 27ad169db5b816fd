//! What happens in a scenario, and when.

use super::{OfficeNumber, PersonNumber, RoomNumber};

/// One point of the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineEvent {
    /// Milliseconds after the start.
    pub at_ms: u64,
    pub story: String,
    pub action: Action,
    /// The person must not succeed.
    pub refused: bool,
}

/// One direction of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Direction {
    pub from: OfficeNumber,
    pub to: OfficeNumber,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Nothing passes these ways any more. Frames under way are lost, if the way stays cut until that is noticed.
    Cut(Vec<Direction>),
    Heal(Vec<Direction>),
    /// The process dies and starts again after a while.
    Crash {
        office: OfficeNumber,
        down_ms: u64,
        moment: CrashMoment,
    },
    /// The wall clock of an office jumps.
    Clock {
        office: OfficeNumber,
        jump_ms: i64,
    },
    /// Messages of the people of some offices in some rooms, evenly spread over a time.
    Burst {
        offices: Vec<OfficeNumber>,
        rooms: Vec<RoomNumber>,
        messages: u64,
        over_ms: u64,
        urgent: bool,
    },
    Post {
        room: RoomNumber,
        by: PersonNumber,
        text: String,
        urgent: bool,
        /// Index into the labels of the scenario.
        label: Option<MessageLabel>,
        reply_to: Option<MessageLabel>,
    },
    /// By the author of the message.
    Edit {
        message: MessageLabel,
        text: String,
    },
    Redact {
        message: MessageLabel,
        by: PersonNumber,
    },
    React {
        message: MessageLabel,
        by: PersonNumber,
        stamp: String,
        on: bool,
    },
    Page {
        room: RoomNumber,
        by: PersonNumber,
        name: Option<String>,
        topic: Option<String>,
        purpose: Option<String>,
    },
    SetMember {
        room: RoomNumber,
        by: PersonNumber,
        person: PersonNumber,
        admin: bool,
    },
    RemoveMember {
        room: RoomNumber,
        by: PersonNumber,
        person: PersonNumber,
    },
}

/// When a process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrashMoment {
    Now,
    /// Just before the next COMMIT: nothing of that transaction remains.
    BeforeCommit,
    /// Just after the next COMMIT: all of it remains, and nobody was told.
    AfterCommit,
}

/// A message that later events refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessageLabel(pub usize);
