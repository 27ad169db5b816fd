//! Who belongs to an organisation, and who may do what in it.
//!
//! An organisation is a key: the Ed25519 **root**, made once and then locked away ([`OrgId`] is its fingerprint).
//! Everything else follows from signatures that lead back to it, so that any node can decide every question of rights by
//! itself, cut off from everybody, and all nodes that hold the same entries decide alike.
//!
//! # The pieces
//!
//! - **Certificates** ([`authority`]) say which machine is a node of the organisation. The root certifies an issuing key
//!   at headquarters, which certifies nodes; between nodes the certificate's key *is* the node. A node's own key and
//!   papers are its [`NodeIdentity`], kept in the [`KeyFolder`].
//! - **Browser certificates** ([`browser`]) let browsers trust the pages of a node. Another authority, constrained to the
//!   organisation's own names, so that installing it gives nobody power over replication, nor over the rest of the web.
//! - **The ledger** ([`ledger`]) says everything else: offices, nodes, people, roles, administrators' public keys,
//!   password verifiers. It is a set of entries in derived rooms that replicate like any other. [`Ledger`] judges them,
//!   [`Directory`] is the verdict.
//! - **Policies** ([`membership`]) say who is in a room and which offices may hold it. [`Membership`] is the verdict over
//!   a room's policy entries, given a directory.
//! - **People's keys** ([`Signer`], [`AdministratorKey`], [`RootKey`]). What changes rights is signed by a person, never
//!   by a machine: a stolen branch node cannot make itself an administrator. The private halves lie [`sealed`] under a
//!   password, and on paper ([`recovery`]).
//! - **Devices** sign what people say on them ([`device_key`]), so that an office cannot put words into their mouths.
//! - **Passwords** ([`password`]) for logging in. Checked against Argon2id verifiers from the secrets ledger of an office.
//! - **Staff lists** ([`roster`]) bring hundreds of people in at once, and change them every April.
//! - **The audit log** ([`audit`]): what happened at each office, told by its nodes and held by others.
//! - **Joining** ([`join`]) makes a machine a node with one line of text; **founding** ([`organisation`]) makes the first.
//!
//! # How a right is judged
//!
//! Both resolvers are pure functions of a *set*: any order of arrival, repetitions, and partial knowledge give answers
//! that only depend on what is there. Nothing stored is ever refused here; what lacks a right is hidden until the entry
//! that gives it arrives. Three rules carry everything:
//!
//! 1. An entry counts when its author held the right it names, and somebody entitled vouches for the author: the
//!    author's own key in the ledger, a node of the author's office (or of headquarters) in rooms.
//! 2. Removal wins. A grant gives something only while it names every counting removal of the same thing, so of "add"
//!    and "remove" written on two islands the removal stands, and adding again after having seen it works.
//! 3. Last-writer cells for the rest: an entry names what it replaces; clocks only order what was truly concurrent.
//!
//! # What this crate must not know
//!
//! Sockets, SQL, HTTP, tokio. Time is an argument. Random numbers come from the operating system, for keys, salts,
//! nonces and serial numbers; where a simulator must repeat itself, keys and ids are arguments too
//! ([`organisation::found_with`]). The only files it touches are those of the key folder.
//!
//! # What is left open on purpose
//!
//! A console at which an administrator works can misuse that person's key while it is unsealed. A node can antedate what
//! it writes, so a removed administrator who still has the key and the help of a node can write acts that look older than
//! the removal, and can remove others; not acts that lift it. The root key gives the roles back, replaces what was
//! written and revokes nodes. A former home office can stop a person: stopping is the safe side, and is told. Moving nodes,
//! guests and partner organisations have reserved kinds ([`ledger::kind`]) and are not built yet.

mod address;
pub mod audit;
pub mod authority;
mod base32;
pub mod body;
pub mod browser;
mod cell;
pub mod device_code;
pub mod device_key;
pub mod field;
mod fingerprint;
mod id;
pub mod join;
pub mod key;
pub mod ledger;
pub mod limits;
pub mod membership;
mod office_kind;
pub mod organisation;
pub mod passcode;
pub mod password;
pub mod recovery;
mod role;
pub mod roster;
pub mod sealed;
pub mod sealed_file;
mod signer;
#[cfg(test)]
mod testing;

pub use address::NodeAddress;
pub use authority::{IssuingKey, KeyFolder, NodeIdentity};
pub use field::InvalidField;
pub use fingerprint::{Fingerprint, InvalidFingerprint};
pub use id::{OfficeId, OrgId, PostId};
pub use join::JoinCode;
pub use ledger::{Directory, Ledger};
pub use membership::Membership;
pub use office_kind::OfficeKind;
pub use role::Role;
pub use signer::{AdministratorKey, RootKey, Signer};
