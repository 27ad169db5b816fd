//! The kind numbers of entries that rooms carry; those of the ledger and of room policies belong to provisioning.

/// Something a person said.
pub const MESSAGE: u16 = 1;
/// New text of a message, by its author.
pub const EDIT: u16 = 2;
/// A message taken back, by its author or by an administrator of the room.
pub const REDACT: u16 = 3;
/// One person's stamp under a message, set or taken back.
pub const REACTION: u16 = 4;
/// One Automerge change of a shared document.
pub const DOC_CHANGE: u16 = 16;
/// The end of a shared document and the beginning of its successor, signed by an administrator.
pub const DOC_CUT: u16 = 18;
