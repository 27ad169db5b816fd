//! From the policy entries of one room to its members and audience. See the page of [`crate::membership`] for the rules.

mod judge;

use std::collections::{BTreeMap, BTreeSet};

use noroshi_sync::entry::{Entry, Lane};
use noroshi_sync::id::{EntryId, Epoch, NodeId, RoomId, UserId};
use noroshi_sync::log::LogId;

use super::body::{RoomKind, RoomRole};
use crate::id::OfficeId;
use crate::ledger::Directory;
use judge::Judge;

/// A person in the room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Member {
    pub role: RoomRole,
    /// The entry that gives the role: the `auth_ref` of what this person writes.
    pub grant: EntryId,
    /// When the person was added, by the wall clock of the writer, milliseconds since 1970.
    pub added_ms: u64,
}

/// How far a log of a revoked node is known to be older than the revocation, by (node, epoch, lane).
pub type Witnessed = BTreeMap<(NodeId, Epoch, Lane), u64>;

/// The answer. Default: of a room about which nothing is known.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Membership {
    pub(super) kind: Option<RoomKind>,
    pub(super) created: BTreeMap<EntryId, UserId>,
    pub(super) created_ms: u64,
    pub(super) members: BTreeMap<UserId, Member>,
    pub(super) heads: BTreeMap<UserId, Vec<EntryId>>,
    pub(super) ever: BTreeSet<(UserId, EntryId)>,
    pub(super) removals: BTreeMap<UserId, Vec<EntryId>>,
    pub(super) audience_removals: BTreeMap<OfficeId, Vec<EntryId>>,
    pub(super) offices: BTreeSet<OfficeId>,
    pub(super) nodes: BTreeSet<NodeId>,
    pub(super) witnessed: Witnessed,
    pub(super) counted: usize,
    pub(super) hidden: usize,
}

impl Membership {
    /// Judges the policy entries of `room`, in any order, with or without repetitions; entries of other kinds are ignored.
    pub fn resolve<'a>(
        room: RoomId,
        entries: impl IntoIterator<Item = (&'a LogId, &'a Entry)>,
        directory: &Directory,
    ) -> Self {
        Judge::new(room, directory).judge(entries)
    }

    /// `None` while no counting creation is known.
    pub fn kind(&self) -> Option<RoomKind> {
        self.kind
    }
    /// The entry that created the room, and who wrote it. Of two (a direct room begun on both sides) the smaller.
    pub fn created(&self) -> Option<(EntryId, UserId)> {
        self.created.first_key_value().map(|(entry, author)| (*entry, *author))
    }
    /// When the room was created, by the wall clock of the writer, milliseconds since 1970; 0 when unknown.
    pub fn created_ms(&self) -> u64 {
        self.created_ms
    }

    pub fn members(&self) -> &BTreeMap<UserId, Member> {
        &self.members
    }
    pub fn member(&self, user: UserId) -> Option<&Member> {
        self.members.get(&user)
    }
    pub fn is_member(&self, user: UserId) -> bool {
        self.members.contains_key(&user)
    }
    pub fn role(&self, user: UserId) -> Option<RoomRole> {
        self.members.get(&user).map(|member| member.role)
    }
    pub fn is_admin(&self, user: UserId) -> bool {
        self.role(user) == Some(RoomRole::Admin)
    }
    /// The entry that `user` names as `auth_ref` when writing here.
    pub fn grant_for(&self, user: UserId) -> Option<EntryId> {
        self.members.get(&user).map(|member| member.grant)
    }
    /// Whether `grant` ever validly made `user` a member, whatever came later: what was written with it stays visible.
    pub fn ever_granted(&self, grant: EntryId, user: UserId) -> bool {
        self.ever.contains(&(user, grant))
    }
    /// Whether `user` ever was a member.
    pub fn was_ever_member(&self, user: UserId) -> bool {
        self.ever.range((user, EntryId::NIL)..).next().is_some_and(|(found, _)| *found == user)
    }

    /// What a grant for `user` must name in `lifts`.
    pub fn removals_to_lift(&self, user: UserId) -> &[EntryId] {
        self.removals.get(&user).map(Vec::as_slice).unwrap_or_default()
    }
    /// What a grant for `user` must name in `replaces`.
    pub fn sets_to_replace(&self, user: UserId) -> &[EntryId] {
        self.heads.get(&user).map(Vec::as_slice).unwrap_or_default()
    }
    /// What an opening to `office` must name in `lifts`.
    pub fn audience_removals_to_lift(&self, office: OfficeId) -> &[EntryId] {
        self.audience_removals.get(&office).map(Vec::as_slice).unwrap_or_default()
    }

    /// The offices that may hold the room.
    pub fn audience_offices(&self) -> &BTreeSet<OfficeId> {
        &self.offices
    }
    /// The nodes that may hold the room.
    pub fn audience_nodes(&self) -> &BTreeSet<NodeId> {
        &self.nodes
    }

    /// What other holders witness of revoked nodes in this room, in all its lanes.
    pub fn witnessed(&self) -> &Witnessed {
        &self.witnessed
    }

    /// Policy entries that count.
    pub fn counted(&self) -> usize {
        self.counted
    }
    /// Policy entries that do not (yet) count.
    pub fn hidden(&self) -> usize {
        self.hidden
    }
}
