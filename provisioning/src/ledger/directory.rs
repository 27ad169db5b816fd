//! What the ledger says, as one immutable snapshot: the answer to "who and where is what, and who may vouch for whom".

use std::collections::{BTreeMap, BTreeSet};

use noroshi_sync::checkpoint::verify_signature;
use noroshi_sync::entry::{Entry, SignatureKind};
use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::{DeviceId, EntryId, NodeId, RoomId, UserId};

use super::body::Policy;
use super::record::{
    AdministratorKeyRecord, DeviceRecord, Invite, KeyRequest, NodeRecord, Office, Post, Request, Revoked, Rules,
    Suspension, User, VerifierRecord,
};
use super::rooms::{LedgerRooms, room_ids};
use crate::audit::copy_holder;
use crate::id::{OfficeId, OrgId, PostId};
use crate::office_kind::OfficeKind;
use crate::password::Verifier;
use crate::role::Role;

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
    /// Every key that was an administrator's at some time, ended or not.
    pub(super) ever_keys: BTreeMap<EntryId, BTreeSet<(UserId, [u8; 32])>>,
    pub(super) key_requests: BTreeMap<UserId, KeyRequest>,
    pub(super) users: BTreeMap<UserId, User>,
    pub(super) logins: BTreeMap<String, UserId>,
    pub(super) role_removals: BTreeMap<(UserId, Role), Vec<EntryId>>,
    pub(super) verifiers: BTreeMap<UserId, VerifierRecord>,
    pub(super) last_acts: BTreeMap<UserId, Hlc>,
    pub(super) revoked: BTreeMap<NodeId, Revoked>,
    pub(super) devices: BTreeMap<(DeviceId, UserId), DeviceRecord>,
    pub(super) device_suspensions: BTreeMap<(DeviceId, UserId), Vec<Suspension>>,
    pub(super) suspensions: BTreeMap<UserId, Vec<Suspension>>,
    pub(super) awaited: BTreeMap<UserId, Vec<Suspension>>,
    pub(super) requests: BTreeMap<EntryId, Request>,
    pub(super) posts: BTreeMap<PostId, Post>,
    pub(super) policy: Policy,
    pub(super) policy_heads: Vec<EntryId>,
    pub(super) rules: Option<Rules>,
    pub(super) time: Option<(u64, EntryId)>,
    pub(super) time_heads: Vec<EntryId>,
    pub(super) roaming: BTreeSet<(OfficeId, OfficeId)>,
    pub(super) ever_roaming: BTreeSet<(OfficeId, OfficeId)>,
    pub(super) roaming_heads: BTreeMap<(OfficeId, OfficeId), Vec<EntryId>>,
    pub(super) next_change_ms: Option<u64>,
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
            ever_keys: BTreeMap::new(),
            key_requests: BTreeMap::new(),
            users: BTreeMap::new(),
            logins: BTreeMap::new(),
            role_removals: BTreeMap::new(),
            verifiers: BTreeMap::new(),
            last_acts: BTreeMap::new(),
            revoked: BTreeMap::new(),
            devices: BTreeMap::new(),
            device_suspensions: BTreeMap::new(),
            suspensions: BTreeMap::new(),
            awaited: BTreeMap::new(),
            requests: BTreeMap::new(),
            posts: BTreeMap::new(),
            policy: Policy::default(),
            policy_heads: Vec::new(),
            rules: None,
            time: None,
            time_heads: Vec::new(),
            roaming: BTreeSet::new(),
            ever_roaming: BTreeSet::new(),
            roaming_heads: BTreeMap::new(),
            next_change_ms: None,
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

    // --- acts outside the ledger

    /// Whether a key that is or was an administrator's signed an entry of `room`. It never turns from yes to no.
    pub fn was_signed_by_administrator(&self, room: RoomId, entry: &Entry) -> bool {
        let Some(signature) = entry.sig.as_deref() else { return false };
        let named = self.ever_keys.get(&entry.auth_ref).into_iter().flatten();
        entry.sig_alg == SignatureKind::Administrator.number()
            && named
                .into_iter()
                .any(|(user, key)| *user == entry.author && verify_signature(key, &entry.statement(room), signature))
    }

    /// How many keys were an administrator's at some time.
    pub fn count_ever_keys(&self) -> usize {
        self.ever_keys.values().map(BTreeSet::len).sum()
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
    /// Keys that wait to be named: of each system administrator the newest.
    pub fn key_requests(&self) -> impl Iterator<Item = &KeyRequest> {
        self.key_requests.values()
    }
    pub fn key_request(&self, entry: EntryId) -> Option<&KeyRequest> {
        self.key_requests.values().find(|request| request.entry == entry)
    }
    pub fn administrator_key_by_public(&self, public_key: &[u8; 32]) -> Option<&AdministratorKeyRecord> {
        self.keys.values().find(|record| record.key == *public_key)
    }
    /// For [`acts_until`](super::RoleRemove::acts_until) of a removal written now: nothing that was seen of the person
    /// vanishes, nothing written after `now_ms` stands.
    pub fn acts_until(&self, user: UserId, now_ms: u64) -> Hlc {
        Hlc::ZERO.tick(now_ms).merge(self.last_acts.get(&user).copied().unwrap_or_default())
    }

    // --- devices and suspensions

    /// A device of a person, suspended or not.
    pub fn device(&self, device: DeviceId, user: UserId) -> Option<&DeviceRecord> {
        self.devices.get(&(device, user))
    }
    pub fn devices(&self) -> impl Iterator<Item = &DeviceRecord> {
        self.devices.values()
    }
    /// One device, once for each person who uses it.
    pub fn uses_of(&self, device: DeviceId) -> impl Iterator<Item = &DeviceRecord> {
        self.devices
            .range((device, UserId::NIL)..)
            .map(|(_, record)| record)
            .take_while(move |record| record.id == device)
    }
    /// Suspensions of a device that nobody lifted.
    pub fn device_suspensions(&self, device: DeviceId, user: UserId) -> &[Suspension] {
        self.device_suspensions.get(&(device, user)).map(Vec::as_slice).unwrap_or_default()
    }
    pub fn suspended_devices(&self) -> impl Iterator<Item = (DeviceId, UserId)> {
        self.device_suspensions.keys().copied()
    }
    /// Whether the device is stopped at `node`.
    pub fn is_device_suspended(&self, node: NodeId, device: DeviceId, user: UserId) -> bool {
        self.device_suspensions(device, user).iter().any(|suspension| suspension.scope.holds_at(node))
    }
    /// Suspensions of a person that are in force.
    pub fn suspensions(&self, user: UserId) -> &[Suspension] {
        self.suspensions.get(&user).map(Vec::as_slice).unwrap_or_default()
    }
    pub fn suspended_users(&self) -> impl Iterator<Item = UserId> {
        self.suspensions.keys().copied()
    }
    /// Suspensions of an administrator that wait for a second administrator.
    pub fn awaited_suspensions(&self, user: UserId) -> &[Suspension] {
        self.awaited.get(&user).map(Vec::as_slice).unwrap_or_default()
    }
    /// Whether the person is stopped at `node`.
    pub fn is_suspended(&self, node: NodeId, user: UserId) -> bool {
        self.suspensions(user).iter().any(|suspension| suspension.scope.holds_at(node))
    }
    pub fn requests(&self) -> impl Iterator<Item = &Request> {
        self.requests.values()
    }
    pub fn request(&self, entry: EntryId) -> Option<&Request> {
        self.requests.get(&entry)
    }

    // --- the organisation as a whole

    pub fn policy(&self) -> &Policy {
        &self.policy
    }
    /// What a new policy must name in `replaces`.
    pub fn policy_heads(&self) -> &[EntryId] {
        &self.policy_heads
    }
    pub fn rules(&self) -> Option<&Rules> {
        self.rules.as_ref()
    }
    pub fn posts(&self) -> impl Iterator<Item = &Post> {
        self.posts.values().filter(|post| !post.ended)
    }
    pub fn post(&self, post: PostId) -> Option<&Post> {
        self.posts.get(&post)
    }
    /// The latest time by headquarters, milliseconds since 1970, and the mark that says so.
    pub fn headquarters_time(&self) -> Option<(u64, EntryId)> {
        self.time
    }
    /// What a signed mark must name in `replaces`.
    pub fn time_heads(&self) -> &[EntryId] {
        &self.time_heads
    }
    /// When a planned change takes force and the ledger is to be resolved again, milliseconds since 1970.
    pub fn next_change_ms(&self) -> Option<u64> {
        self.next_change_ms
    }
    pub fn revoked(&self, node: NodeId) -> Option<&Revoked> {
        self.revoked.get(&node)
    }
    pub fn revoked_nodes(&self) -> impl Iterator<Item = &Revoked> {
        self.revoked.values()
    }
    /// Pairs (home, host): people of the first may log in at the second.
    pub fn roaming(&self) -> impl Iterator<Item = (OfficeId, OfficeId)> {
        self.roaming.iter().copied()
    }
    /// What a new word about the pair must name in `replaces`.
    pub fn roaming_heads(&self, home: OfficeId, host: OfficeId) -> &[EntryId] {
        self.roaming_heads.get(&(home, host)).map(Vec::as_slice).unwrap_or_default()
    }

    // --- who may vouch for whom, and who may hold what

    /// Whether what `node` wrote in the name of `user` is to be believed: the node is of an office that is or was the
    /// person's home, that is or was headquarters, or where the person may or might log in. Former homes count, or
    /// everybody's words would vanish with every transfer in April. Of a revoked node: see
    /// [`Directory::may_have_attested`].
    pub fn may_attest(&self, node: NodeId, user: UserId) -> bool {
        self.office_of(node).is_some_and(|office| self.office_may_attest(office, user))
    }

    /// The same of a revoked node, for what is witnessed to be older than the revocation.
    pub fn may_have_attested(&self, node: NodeId, user: UserId) -> bool {
        let office = self.revoked.get(&node).map(|revoked| revoked.record.office);
        office.is_some_and(|office| self.office_may_attest(office, user))
    }

    pub(super) fn office_may_attest(&self, office: OfficeId, user: UserId) -> bool {
        let Some(user) = self.users.get(&user) else { return false };
        user.homes.contains(&office)
            || self.ever_headquarters.contains(&office)
            || user.homes.iter().any(|home| self.ever_roaming.contains(&(*home, office)))
    }

    /// Whether what `node` wrote in the name of `user` was written away from home: at no office that is or was the
    /// person's own. Offices of revoked nodes are remembered.
    pub fn is_visitor(&self, node: NodeId, user: UserId) -> bool {
        let office = self.office_of(node).or_else(|| self.revoked.get(&node).map(|revoked| revoked.record.office));
        !office.zip(self.users.get(&user)).is_some_and(|(office, user)| user.homes.contains(&office))
    }

    /// Whether `user` may log in at `node`: one of the present home, of headquarters, or of an office where the people of
    /// the home may log in.
    pub fn may_log_in(&self, node: NodeId, user: UserId) -> bool {
        let (Some(office), Some(user)) = (self.office_of(node), self.users.get(&user)) else { return false };
        user.office == office || self.is_headquarters(office) || self.roaming.contains(&(user.office, office))
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
        let hosts = self.roaming.iter().filter(|(home, _)| home == office).map(|(_, host)| *host);
        let offices = headquarters.chain(hosts).chain([*office]);
        Some(LedgerAudience::Nodes(offices.flat_map(|office| self.nodes_of(office)).collect()))
    }

    /// The audit room of every office.
    pub fn audit_rooms(&self) -> impl Iterator<Item = (RoomId, OfficeId)> {
        self.offices.keys().map(|office| (self.rooms.audit(*office), *office))
    }

    /// Who holds what happened at an office: its own nodes, those of headquarters, and those of the hubs, or without hubs
    /// one node of another office, so that there is a copy that neither the office nor headquarters can change. Which one
    /// follows from the ids alone; every office gets another, and few change when a node comes or goes.
    pub fn audit_audience(&self, office: OfficeId) -> BTreeSet<NodeId> {
        let headquarters = self.headquarters().map(|office| office.id);
        let hubs = self.hubs().map(|office| office.id);
        let offices: BTreeSet<OfficeId> = headquarters.chain(hubs).chain([office]).collect();
        let mut nodes: BTreeSet<NodeId> = offices.iter().flat_map(|office| self.nodes_of(*office)).collect();
        let is_other =
            |node: &NodeId| self.office_of(*node).is_some_and(|of| of != office && !self.is_headquarters(of));
        if !nodes.iter().any(is_other) {
            let others = self.nodes.keys().copied().filter(is_other);
            nodes.extend(copy_holder(office, others));
        }
        nodes
    }

    /// The audit room in which a node's word counts: that of its office, also of a node that was revoked since.
    pub fn audit_room_of(&self, node: NodeId) -> Option<RoomId> {
        let revoked = || self.revoked.get(&node).map(|revoked| revoked.record.office);
        self.office_of(node).or_else(revoked).map(|office| self.rooms.audit(office))
    }

    /// Every ledger room of the organisation, as far as known here.
    pub fn ledger_rooms(&self) -> Vec<RoomId> {
        let secrets = self.offices.keys().map(|office| self.rooms.secrets(*office));
        [self.rooms.public, self.rooms.directory].into_iter().chain(secrets).collect()
    }
}
