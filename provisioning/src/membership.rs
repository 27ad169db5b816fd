//! Who is in a room and which offices may hold it, judged from the room's policy entries (lane `policy`).
//!
//! [`Membership::resolve`] is a pure function of the set of entries and of a [`Directory`](crate::ledger::Directory). It
//! goes through the entries once, in the order of (stamp, id). Within one room an honest entry always has a higher stamp
//! than everything its writer had seen, so whatever an entry relies on has been judged before it.
//!
//! # What counts
//!
//! An entry counts only when the node that wrote it may vouch for its author, and when its `auth_ref` names a counting
//! entry that gave the author the right: the [`RoomCreate`] of the author or the [`MemberSet`] that made the author an
//! administrator of the room. Any member may remove oneself.
//!
//! **Removal wins.** A [`MemberSet`] makes a member only while it names ([`MemberSet::lifts`]) every counting
//! [`MemberRemove`] of that person. What a removed administrator granted with a stamp below the removal stands, later
//! grants do not count. Removals by anyone who ever was an administrator count, so of two who remove each other none
//! remains. The role of a member is a last-writer cell: [`MemberSet::replaces`], then (stamp, id). An administrator who
//! was made a plain member (by an entry that replaces the grant) cannot use the old grant to grant.
//!
//! # Who created the room
//!
//! A room's id must not be seizable by a second [`RoomCreate`] with an earlier stamp. Three kinds of ids:
//! - [`room_id()`]`(create entry, author)`: only that entry by that author can have created the room. To be preferred.
//! - [`direct_room_id`]`(a, b)`: the one direct room of two people. Both may create it, on two islands at once, and meet in it.
//! - any other (UUIDv7 made by a client): the first `RoomCreate` by (stamp, id). A hostile node that may hold the room
//!   could claim an earlier stamp, for one of its own people.
//!
//! # Audience
//!
//! The offices of the members, headquarters, hubs, and offices named by [`AudienceAdd`]; without those named by an
//! [`AudienceRemove`] that no counting `AudienceAdd` lifts. The nodes are those enrolled for these offices.

mod body;
mod build;
mod erasure;
pub mod kind;
mod policy;
mod room_id;

#[cfg(test)]
mod tests;

pub use body::{AudienceAdd, AudienceRemove, MemberRemove, MemberSet, RoomCreate, RoomKind, RoomRole};
pub use build::PolicyWriter;
pub use erasure::{ErasedMessage, ErasedPlaces, Erasure, Grounds};
pub use policy::{Member, Membership, Witnessed};
pub use room_id::{direct_room_id, room_id};
