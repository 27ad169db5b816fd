//! Numbers of the entry kinds of a room's policy. Never reused, never renumbered.

pub const ROOM_CREATE: u16 = 64;
pub const MEMBER_SET: u16 = 65;
pub const MEMBER_REMOVE: u16 = 66;
pub const AUDIENCE_ADD: u16 = 67;
pub const AUDIENCE_REMOVE: u16 = 68;
pub const ERASURE: u16 = 69;
