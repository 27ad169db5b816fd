//! What the ledger says, as one immutable snapshot: the answer to "who and where is what, and who may vouch for whom".

use std::collections::{BTreeMap, BTreeSet};

use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::{EntryId, NodeId, RoomId, UserId};

use super::rooms::{LedgerRooms, room_ids};
use crate::address::NodeAddress;
use crate::id::{OfficeId, OrgId};
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
}

/// A key with which an administrator signs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AdministratorKeyRecord {
    pub entry: EntryId,
    pub user: UserId,
    pub key: [u8; 32],
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
}

/// A verifier in force.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct VerifierRecord {
    pub verifier: Verifier,
    pub heads: Vec<EntryId>,
}

/// How many statements of the ledger count.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Said by somebody entitled, whether still in force or replaced since.
    pub counted: usize,
    /// Of a kind or version of a later program.
    pub unknown: usize,
    /// Malformed, or said without a right (as far as known here).
    pub hidden: usize,
}

/// Who may hold a ledger room.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LedgerAudience {
    /// Every node with a certificate of the organisation.
    Everyone,
    Nodes(BTreeSet<NodeId>),
}

/// The snapshot. Equal sets of entries give equal snapshots.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Directory {
    pub(super) rooms: LedgerRooms,
    pub(super) offices: BTreeMap<OfficeId, Office>,
    pub(super) ever_headquarters: BTreeSet<OfficeId>,
    pub(super) nodes: BTreeMap<NodeId, NodeRecord>,
    pub(super) nodes_of: BTreeMap<OfficeId, BTreeSet<NodeId>>,
    pub(super) invites: BTreeMap<EntryId, Invite>,
    pub(super) keys: BTreeMap<EntryId, AdministratorKeyRecord>,
    pub(super) users: BTreeMap<UserId, User>,
    pub(super) logins: BTreeMap<String, UserId>,
    pub(super) role_removals: BTreeMap<(UserId, Role), Vec<EntryId>>,
    pub(super) verifiers: BTreeMap<UserId, VerifierRecord>,
    pub(super) last_acts: BTreeMap<UserId, Hlc>,
    pub(super) counts: Counts,
}

impl Directory {
    /// What is known of an organisation before the first entry.
    pub fn empty(organisation: OrgId) -> Self {
        Self {
            rooms: room_ids(organisation),
            offices: BTreeMap::new(),
            ever_headquarters: BTreeSet::new(),
            nodes: BTreeMap::new(),
            nodes_of: BTreeMap::new(),
            invites: BTreeMap::new(),
            keys: BTreeMap::new(),
            users: BTreeMap::new(),
            logins: BTreeMap::new(),
            role_removals: BTreeMap::new(),
            verifiers: BTreeMap::new(),
            last_acts: BTreeMap::new(),
            counts: Counts::default(),
        }
    }

    pub fn organisation(&self) -> OrgId {
        self.rooms.organisation
    }
    pub fn rooms(&self) -> &LedgerRooms {
        &self.rooms
    }
    pub fn counts(&self) -> Counts {
        self.counts
    }

    // --- offices

    pub fn office(&self, office: OfficeId) -> Option<&Office> {
        self.offices.get(&office)
    }
    pub fn offices(&self) -> impl Iterator<Item = &Office> {
        self.offices.values()
    }
    pub fn is_headquarters(&self, office: OfficeId) -> bool {
        self.offices.get(&office).is_some_and(|office| office.kind == OfficeKind::Headquarters)
    }
    pub fn headquarters(&self) -> impl Iterator<Item = &Office> {
        self.offices.values().filter(|office| office.kind == OfficeKind::Headquarters)
    }
    pub fn hubs(&self) -> impl Iterator<Item = &Office> {
        self.offices.values().filter(|office| office.hub)
    }

    // --- nodes

    pub fn node(&self, node: NodeId) -> Option<&NodeRecord> {
        self.nodes.get(&node)
    }
    pub fn nodes(&self) -> impl Iterator<Item = &NodeRecord> {
        self.nodes.values()
    }
    pub fn office_of(&self, node: NodeId) -> Option<OfficeId> {
        self.nodes.get(&node).map(|node| node.office)
    }
    pub fn nodes_of(&self, office: OfficeId) -> impl Iterator<Item = NodeId> {
        self.nodes_of.get(&office).into_iter().flatten().copied()
    }
    /// Whether the node is of an office that is headquarters now.
    pub fn is_headquarters_node(&self, node: NodeId) -> bool {
        self.office_of(node).is_some_and(|office| self.is_headquarters(office))
    }
    pub fn invite(&self, entry: EntryId) -> Option<&Invite> {
        self.invites.get(&entry)
    }
    pub fn invites(&self) -> impl Iterator<Item = &Invite> {
        self.invites.values()
    }

    // --- people

    pub fn user(&self, user: UserId) -> Option<&User> {
        self.users.get(&user)
    }
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.users.values()
    }
    /// The person who logs in under this name. Where two islands gave one name to two people, the earlier of the two
    /// entries keeps it, and the other person cannot log in until renamed ([`Directory::login_clashes`]).
    pub fn user_by_login(&self, login: &str) -> Option<&User> {
        self.logins.get(login).and_then(|user| self.users.get(user))
    }
    /// People whose log-in name belongs to somebody else.
    pub fn login_clashes(&self) -> impl Iterator<Item = &User> {
        self.users.values().filter(|user| self.logins.get(&user.login) != Some(&user.id))
    }
    pub fn roles(&self, user: UserId) -> BTreeSet<Role> {
        self.users.get(&user).map(|user| user.roles.clone()).unwrap_or_default()
    }
    pub fn has_role(&self, user: UserId, role: Role) -> bool {
        self.users.get(&user).is_some_and(|user| user.roles.contains(&role))
    }
    /// What a grant of this role must name in `lifts`.
    pub fn role_removals(&self, user: UserId, role: Role) -> &[EntryId] {
        self.role_removals.get(&(user, role)).map(Vec::as_slice).unwrap_or_default()
    }
    /// What the person's password is checked against, as far as held here.
    pub fn verifier(&self, user: UserId) -> Option<&Verifier> {
        self.verifiers.get(&user).map(|record| &record.verifier)
    }
    /// What a new verifier must name in `replaces`.
    pub fn verifier_heads(&self, user: UserId) -> &[EntryId] {
        self.verifiers.get(&user).map(|record| record.heads.as_slice()).unwrap_or_default()
    }

    // --- administrators

    pub fn administrator_keys(&self) -> impl Iterator<Item = &AdministratorKeyRecord> {
        self.keys.values()
    }
    pub fn administrator_key(&self, entry: EntryId) -> Option<&AdministratorKeyRecord> {
        self.keys.get(&entry)
    }
    pub fn administrator_key_by_public(&self, public_key: &[u8; 32]) -> Option<&AdministratorKeyRecord> {
        self.keys.values().find(|record| record.key == *public_key)
    }
    /// For [`acts_until`](super::RoleRemove::acts_until) of a removal written now: nothing that was seen of the person
    /// vanishes, nothing written after `now_ms` stands.
    pub fn acts_until(&self, user: UserId, now_ms: u64) -> Hlc {
        Hlc::ZERO.tick(now_ms).merge(self.last_acts.get(&user).copied().unwrap_or_default())
    }

    // --- who may vouch for whom, and who may hold what

    /// Whether what `node` wrote in the name of `user` is to be believed: the node is of an office that is or was the
    /// person's home, or that is or was headquarters. Former homes count, or everybody's words would vanish with every
    /// transfer in April.
    pub fn may_attest(&self, node: NodeId, user: UserId) -> bool {
        let (Some(office), Some(user)) = (self.office_of(node), self.users.get(&user)) else { return false };
        user.homes.contains(&office) || self.ever_headquarters.contains(&office)
    }

    /// Whether `user` may log in at `node`: one of the present home, or of headquarters.
    pub fn may_log_in(&self, node: NodeId, user: UserId) -> bool {
        let (Some(office), Some(user)) = (self.office_of(node), self.users.get(&user)) else { return false };
        user.office == office || self.is_headquarters(office)
    }

    /// The audience of a ledger room; `None` when the room is none of this organisation (as far as known here).
    pub fn ledger_audience(&self, room: RoomId) -> Option<LedgerAudience> {
        if room == self.rooms.public {
            return Some(LedgerAudience::Everyone);
        }
        if room == self.rooms.directory {
            return Some(LedgerAudience::Nodes(self.nodes.keys().copied().collect()));
        }
        let office = self.offices.keys().find(|office| self.rooms.secrets(**office) == room)?;
        let headquarters = self.headquarters().map(|office| office.id);
        Some(LedgerAudience::Nodes(headquarters.chain([*office]).flat_map(|office| self.nodes_of(office)).collect()))
    }

    /// Every ledger room of the organisation, as far as known here.
    pub fn ledger_rooms(&self) -> Vec<RoomId> {
        let secrets = self.offices.keys().map(|office| self.rooms.secrets(*office));
        [self.rooms.public, self.rooms.directory].into_iter().chain(secrets).collect()
    }
}
