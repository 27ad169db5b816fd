//! The ledger (台帳): what an organisation knows about itself, and who was entitled to say so.
//!
//! [`Ledger`] takes entries in any order, any number of times, and answers with a [`Directory`]: a pure function of the
//! set of entries. Nothing is ever refused or forgotten here; an entry without a right simply does not count, and counts
//! as soon as the entry that gives the right arrives.
//!
//! # Who may say what
//!
//! Rights come from people's keys. An entry of kinds 256, 257, 260 and 272–274 counts when it carries a signature
//! (`sig_alg` 1, over [`noroshi_sync::entry::statement`]) by the root key (`auth_ref` nil) or by a key that a counting
//! [`AdministratorKeySet`] names (`auth_ref` = that entry), whose person is the author and a system administrator. Which
//! node wrote it down does not matter: it may be copied and carried by anyone.
//!
//! [`NodeEnrol`] counts when signed like the others, or when it rests on a counting [`NodeInvite`]: then its body carries
//! a signature by the key of the invitation, it stands in a log of a node of headquarters (where the issuing key is),
//! and it is the first such by (stamp, id): an invitation admits one node. [`NodeAddresses`] counts in a log of the node
//! it speaks of. [`PasswordVerifier`] counts when signed like the others, or when a node of the person's own office or of
//! headquarters attests that the person wrote it, in the secrets room of the person's office.
//!
//! Kinds 261, 262, 264, 265, 268, 269, 276, 280, 283, 284 and 289 are signed like the first; a [`TimeMark`] may also rest
//! on the one before, by headquarters. [`DeviceEnrol`], [`DeviceRequest`], [`AdministratorKeyRequest`] and
//! [`RulesAccepted`] need a node that may vouch for their person; [`PostSet`] a node of the post's office.
//!
//! # Stopping
//!
//! A [`UserSuspend`] holds everywhere when an administrator signed it or a node of the person's own office said it; said
//! by any other node it holds at that node alone, for a visitor whose home cannot be asked. Against an administrator it
//! takes two administrators, or the root. It stands until a [`UserLift`] by somebody else names it, signed by a system
//! administrator, who thereby has seen it. [`DeviceSuspend`] goes the same way, and the owner may always stop a device.
//!
//! A node that a [`NodeRevoke`] names is out for ever. What it wrote counts as far as a [`Witness`] of another node says
//! that it was held before; the rest is kept and hidden.
//!
//! # Removal wins
//!
//! A [`RoleGrant`] gives the role only while it names ([`RoleGrant::lifts`]) every counting [`RoleRemove`] of it. What a
//! removed administrator signed with stamps up to [`RoleRemove::acts_until`] stands; later acts do not count, except
//! removals: those of anyone who ever was an administrator count, so of two who remove each other none remains. An act
//! that lifts a removal is never older than that removal, whatever stamp a helping node gives it.
//!
//! To keep this free of paradoxes rights are computed in three steps: everyone who would have a right if nobody had ever
//! been removed; the removals that these signed; and then the rights again with these removals in force. Each step only
//! adds, so the result does not depend on the order of anything.
//!
//! # Last writers
//!
//! Offices, people and verifiers are cells: an entry names the entries it [replaces](OfficeSet::replaces). Between
//! concurrent ones the greater entry id wins (a UUIDv7, so the later by the writer's clock). Not the stamp: it is not
//! part of what a person signs, and a node could copy an entry into its own log under another one.

mod act;
mod attest;
mod body;
mod build;
mod directory;
pub mod kind;
mod record;
mod resolver;
mod rights;
mod rooms;

#[cfg(test)]
mod tests;

pub use attest::{NodeWriter, addresses_draft, witness_draft};
pub use body::{
    AdministratorKeyEnd, AdministratorKeyRequest, AdministratorKeySet, Details, DeviceEnrol, DeviceLift, DeviceRequest,
    DeviceRequestEnd, DeviceSuspend, Employment, InviteCancel, LedgerBody, NodeAddresses, NodeEnrol, NodeInvite,
    NodeRevoke, OfficeSet, PasswordVerifier, Policy, PolicySet, PostKind, PostSet, RequestOutcome, RoamingSet,
    RoleGrant, RoleRemove, RulesAccepted, RulesSet, TimeMark, UserDetail, UserLift, UserSet, UserSuspend, UserTransfer,
    Witness, WitnessedLog, enrol_statement,
};
pub use build::LedgerWriter;
pub use directory::{Counts, Directory, LedgerAudience};
pub use record::{
    AdministratorKeyRecord, DeviceRecord, Invite, KeyRequest, NodeRecord, Office, Planned, Post, Request, Revoked,
    Rules, Scope, Suspension, User,
};
pub use resolver::Ledger;
pub use rights::minted_ms;
pub(crate) use rooms::derived_room_id;
pub use rooms::{LedgerRooms, room_ids};
