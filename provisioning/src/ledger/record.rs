//! The things a ledger speaks of, as they are in force: the parts of a [`Directory`](super::Directory).

use std::collections::{BTreeMap, BTreeSet};

use noroshi_sync::id::{DeviceId, EntryId, NodeId, UserId};

use super::body::{Details, PostKind, RequestOutcome, UserSet};
use crate::address::NodeAddress;
use crate::id::{OfficeId, PostId};
use crate::office_kind::OfficeKind;
use crate::password::Verifier;
use crate::role::Role;

/// An office in force.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Office {
    pub id: OfficeId,
    pub name: String,
    pub kana: String,
    pub kind: OfficeKind,
    pub hub: bool,
    /// What a change of this office must name in `replaces`.
    pub heads: Vec<EntryId>,
}

/// A node enrolled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeRecord {
    pub id: NodeId,
    pub office: OfficeId,
    pub name: String,
    /// By the node's own word; empty when it never said.
    pub addresses: Vec<NodeAddress>,
    /// The enrolment that counts.
    pub entry: EntryId,
}

/// A person in force.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    pub id: UserId,
    pub login: String,
    pub name: String,
    pub kana: String,
    pub office: OfficeId,
    pub section: String,
    pub post: String,
    pub roles: BTreeSet<Role>,
    /// Every office that ever was the home of this person, the present one included.
    pub homes: BTreeSet<OfficeId>,
    /// What a change of this person must name in `replaces`.
    pub heads: Vec<EntryId>,
    pub details: Details,
    /// What a change of the details must name in `replaces`.
    pub detail_heads: Vec<EntryId>,
    /// Changes to come, the soonest first.
    pub planned: Vec<Planned>,
}

/// A key with which an administrator signs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AdministratorKeyRecord {
    pub entry: EntryId,
    pub user: UserId,
    pub key: [u8; 32],
}

/// A key that an administrator made and that nobody has named yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyRequest {
    /// The id that the entry which names the key will have, too.
    pub entry: EntryId,
    pub user: UserId,
    pub key: [u8; 32],
    pub at_ms: u64,
}

/// An invitation that counts, used or not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Invite {
    pub entry: EntryId,
    pub office: OfficeId,
    pub key: [u8; 32],
    pub expires_ms: u64,
    pub node_name: String,
    pub used_by: Option<NodeId>,
    /// Withdrawn by an administrator.
    pub cancelled: bool,
}

/// A node that is out for ever.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Revoked {
    pub record: NodeRecord,
    pub entry: EntryId,
    /// Nil: the root.
    pub by: UserId,
    /// By the clock of who signed, milliseconds since 1970.
    pub at_ms: u64,
    pub reason: String,
}

/// A device of a person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeviceRecord {
    pub id: DeviceId,
    pub user: UserId,
    pub name: String,
    /// ECDSA P-256 (65 bytes, SEC 1), of a device that signs.
    pub key: Option<Vec<u8>>,
    /// BLAKE3 of what the browser keeps.
    pub secret_hash: [u8; 32],
    /// Where it was enrolled; `None` when an administrator signed it.
    pub office: Option<OfficeId>,
    /// Milliseconds since 1970.
    pub enrolled_ms: u64,
    pub entry: EntryId,
}

/// A suspension that nobody lifted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Suspension {
    pub entry: EntryId,
    /// Nil: a node by itself, or the root.
    pub by: UserId,
    /// By the clock of who said it, milliseconds since 1970.
    pub at_ms: u64,
    pub reason: String,
    pub scope: Scope,
}

/// Where a suspension holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Scope {
    Everywhere,
    /// A visitor: until the home office or an administrator confirms, only where it was said.
    At(BTreeSet<NodeId>),
}

impl Scope {
    pub(super) fn holds_at(&self, node: NodeId) -> bool {
        match self {
            Self::Everywhere => true,
            Self::At(nodes) => nodes.contains(&node),
        }
    }
}

/// A request for a device code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    pub entry: EntryId,
    pub user: UserId,
    pub by: UserId,
    pub at_ms: u64,
    pub reason: String,
    /// `None`: still open.
    pub outcome: Option<RequestOutcome>,
}

/// A post or team.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Post {
    pub id: PostId,
    pub office: OfficeId,
    pub name: String,
    pub kana: String,
    pub kind: PostKind,
    pub holders: Vec<UserId>,
    /// In the order in which they stand in.
    pub deputies: Vec<UserId>,
    pub ended: bool,
    /// What a change must name in `replaces`.
    pub heads: Vec<EntryId>,
}

/// The rules of use in force.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rules {
    pub entry: EntryId,
    pub text: String,
    pub at_ms: u64,
    pub heads: Vec<EntryId>,
    /// Who accepted these rules, and when (milliseconds since 1970).
    pub accepted: BTreeMap<UserId, u64>,
}

/// A change of a person that is not in force yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Planned {
    pub entry: EntryId,
    pub effective_ms: u64,
    pub set: UserSet,
}

/// A verifier in force.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct VerifierRecord {
    pub verifier: Verifier,
    pub heads: Vec<EntryId>,
}
