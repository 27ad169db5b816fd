//! Goes through the policy entries in the order of their stamps and keeps what counts.

use std::collections::{BTreeMap, BTreeSet};

use noroshi_sync::entry::{Entry, Lane, SignatureKind};
use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::{EntryId, Epoch, NodeId, RoomId, UserId};
use noroshi_sync::log::{Hash, LogId, entry_hash};

use super::super::body::{AudienceAdd, AudienceRemove, MemberRemove, MemberSet, RoomCreate, RoomKind, RoomRole};
use super::super::kind;
use super::super::room_id::{direct_room_id, is_derived, room_id};
use super::{Member, Membership, Witnessed};
use crate::body::{Body, body_of};
use crate::cell::{Writing, heads};
use crate::id::OfficeId;
use crate::ledger::{Directory, Witness};

/// Total order of entries: stamp and id decide, the rest only makes copies in several logs, and branches of a fork,
/// comparable. Equal orders are one entry.
type Order = (Hlc, EntryId, NodeId, Epoch, u64, Hash);

/// A counting grant of membership.
struct Grant {
    order: Order,
    id: EntryId,
    role: RoomRole,
    lifts: Vec<EntryId>,
    replaces: Vec<EntryId>,
    added_ms: u64,
    /// An entry that makes its holder a plain member has replaced it.
    ended: bool,
}

/// A counting opening to an office.
struct Opening {
    office: OfficeId,
    lifts: Vec<EntryId>,
}

pub(super) struct Judge<'a> {
    room: RoomId,
    directory: &'a Directory,
    kind: Option<RoomKind>,
    created: BTreeMap<EntryId, UserId>,
    created_ms: u64,
    /// The only possible members of a direct room.
    pair: Option<[UserId; 2]>,
    grants: BTreeMap<UserId, Vec<Grant>>,
    removals: BTreeMap<UserId, BTreeSet<EntryId>>,
    openings: Vec<Opening>,
    witnessed: Witnessed,
    closings: BTreeMap<OfficeId, BTreeSet<EntryId>>,
}

impl<'a> Judge<'a> {
    pub fn new(room: RoomId, directory: &'a Directory) -> Self {
        Self {
            room,
            directory,
            kind: None,
            created: BTreeMap::new(),
            created_ms: 0,
            pair: None,
            grants: BTreeMap::new(),
            removals: BTreeMap::new(),
            openings: Vec::new(),
            witnessed: Witnessed::new(),
            closings: BTreeMap::new(),
        }
    }

    pub fn judge<'e>(mut self, entries: impl IntoIterator<Item = (&'e LogId, &'e Entry)>) -> Membership {
        let mut ordered: BTreeMap<Order, (&LogId, &Entry)> = BTreeMap::new();
        for (log, entry) in entries {
            if log.room != self.room || log.lane != Lane::Policy {
                continue;
            }
            if entry.kind == Witness::KIND {
                self.hear(log, entry);
            }
            if is_policy(entry.kind) {
                let content = entry_hash(&entry.encode());
                ordered.insert((entry.hlc, entry.id, log.node, log.epoch, entry.seq, content), (log, entry));
            }
        }
        let all = ordered.len();
        let counted = ordered.into_iter().filter(|(order, (log, entry))| self.take(*order, log, entry)).count();
        self.conclude(counted, all.saturating_sub(counted))
    }

    /// A node of the organisation says what it held of a revoked one. Heard before anything is judged: whether an entry
    /// is older than the revocation does not depend on what it says.
    fn hear(&mut self, log: &LogId, entry: &Entry) {
        let Ok(witness) = body_of::<Witness>(entry) else { return };
        let attested = entry.sig_alg == SignatureKind::AttestedByNode.number();
        if !attested || self.directory.node(log.node).is_none() || self.directory.revoked(witness.node).is_none() {
            return;
        }
        for held in witness.logs {
            let known = self.witnessed.entry((witness.node, held.epoch, held.lane)).or_default();
            *known = held.length.max(*known);
        }
    }

    fn is_vouched(&self, log: &LogId, entry: &Entry) -> bool {
        let witnessed = self.witnessed.get(&(log.node, log.epoch, log.lane)).copied().unwrap_or_default();
        entry.sig_alg == SignatureKind::AttestedByNode.number()
            && (self.directory.may_attest(log.node, entry.author)
                || entry.seq <= witnessed && self.directory.may_have_attested(log.node, entry.author))
    }

    /// Judges the next entry; returns whether it counts.
    fn take(&mut self, order: Order, log: &LogId, entry: &Entry) -> bool {
        let vouched = self.is_vouched(log, entry);
        vouched
            && match entry.kind {
                kind::ROOM_CREATE => body_of(entry).is_ok_and(|body| self.create(order, entry, &body)),
                kind::MEMBER_SET => body_of(entry).is_ok_and(|body| self.set_member(order, entry, body)),
                kind::MEMBER_REMOVE => body_of(entry).is_ok_and(|body| self.remove_member(entry, &body)),
                kind::AUDIENCE_ADD => body_of(entry).is_ok_and(|body| self.open(entry, body)),
                kind::AUDIENCE_REMOVE => body_of(entry).is_ok_and(|body| self.close(entry, &body)),
                _ => false,
            }
    }

    fn create(&mut self, order: Order, entry: &Entry, body: &RoomCreate) -> bool {
        if !self.may_create(entry, body) {
            return false;
        }
        if self.created.is_empty() {
            self.kind = Some(body.kind);
            self.created_ms = entry.wall_ms;
            self.pair = body.created_for.map(|other| [entry.author, other]);
        }
        self.created.insert(entry.id, entry.author);
        self.grants.entry(entry.author).or_default().push(Grant {
            order,
            id: entry.id,
            role: RoomRole::Admin,
            lifts: Vec::new(),
            replaces: Vec::new(),
            added_ms: entry.wall_ms,
            ended: false,
        });
        true
    }

    fn may_create(&self, entry: &Entry, body: &RoomCreate) -> bool {
        if !is_derived(self.room) {
            return self.created.is_empty();
        }
        let is_of_the_pair = |other| other != entry.author && direct_room_id(entry.author, other) == self.room;
        body.created_for.is_some_and(is_of_the_pair) || room_id(entry.id, entry.author) == self.room
    }

    fn set_member(&mut self, order: Order, entry: &Entry, body: MemberSet) -> bool {
        let possible = self.pair.is_none_or(|pair| pair.contains(&body.user));
        if !possible || !self.may_grant(entry) {
            return false;
        }
        if body.role == RoomRole::Member {
            self.end(body.user, &body.replaces);
        }
        self.grants.entry(body.user).or_default().push(Grant {
            order,
            id: entry.id,
            role: body.role,
            lifts: body.lifts,
            replaces: body.replaces,
            added_ms: entry.wall_ms,
            ended: false,
        });
        true
    }

    fn remove_member(&mut self, entry: &Entry, body: &MemberRemove) -> bool {
        let leaves = body.user == entry.author && self.named_grants(entry).next().is_some();
        let counts = leaves || self.may_remove(entry);
        if counts {
            self.removals.entry(body.user).or_default().insert(entry.id);
        }
        counts
    }

    fn open(&mut self, entry: &Entry, body: AudienceAdd) -> bool {
        let counts = self.may_grant(entry);
        if counts {
            self.openings.push(Opening { office: body.office, lifts: body.lifts });
        }
        counts
    }

    fn close(&mut self, entry: &Entry, body: &AudienceRemove) -> bool {
        let counts = self.may_remove(entry);
        if counts {
            self.closings.entry(body.office).or_default().insert(entry.id);
        }
        counts
    }

    /// The author's counting grants that the entry relies on. All of them have lower stamps.
    fn named_grants(&self, entry: &Entry) -> impl Iterator<Item = &Grant> {
        let own = self.grants.get(&entry.author).into_iter().flatten();
        own.filter(move |grant| grant.id == entry.auth_ref)
    }

    /// An administrator, not removed or made a plain member before.
    fn may_grant(&self, entry: &Entry) -> bool {
        self.named_grants(entry)
            .any(|grant| grant.role == RoomRole::Admin && !grant.ended && self.is_in_force(entry.author, grant))
    }

    /// Anyone who ever was an administrator.
    fn may_remove(&self, entry: &Entry) -> bool {
        self.named_grants(entry).any(|grant| grant.role == RoomRole::Admin)
    }

    /// Whether the grant lifts every removal judged so far.
    fn is_in_force(&self, user: UserId, grant: &Grant) -> bool {
        let removals = self.removals.get(&user).into_iter().flatten();
        removals.into_iter().all(|removal| grant.lifts.contains(removal))
    }

    /// Ends the replaced grants of `user`, and what those had replaced.
    fn end(&mut self, user: UserId, replaced: &[EntryId]) {
        let Some(grants) = self.grants.get_mut(&user) else { return };
        let mut ending: Vec<EntryId> = replaced.to_vec();
        while let Some(id) = ending.pop() {
            for grant in grants.iter_mut().filter(|grant| grant.id == id && !grant.ended) {
                grant.ended = true;
                ending.extend_from_slice(&grant.replaces);
            }
        }
    }

    fn conclude(self, counted: usize, hidden: usize) -> Membership {
        let mut members = BTreeMap::new();
        let mut heads_of = BTreeMap::new();
        let mut ever = BTreeSet::new();
        for (user, grants) in &self.grants {
            ever.extend(grants.iter().map(|grant| (*user, grant.id)));
            let Some((member, heads)) = self.member(*user, grants) else { continue };
            members.insert(*user, member);
            heads_of.insert(*user, heads);
        }
        let offices = self.audience(members.keys());
        let nodes = offices.iter().flat_map(|office| self.directory.nodes_of(*office)).collect();
        Membership {
            kind: self.kind,
            created: self.created,
            created_ms: self.created_ms,
            members,
            heads: heads_of,
            ever,
            removals: self.removals.into_iter().map(|(user, ids)| (user, ids.into_iter().collect())).collect(),
            audience_removals: self
                .closings
                .into_iter()
                .map(|(office, ids)| (office, ids.into_iter().collect()))
                .collect(),
            offices,
            nodes,
            witnessed: self.witnessed,
            counted,
            hidden,
        }
    }

    /// The present role of a person with these grants, and the grants that give it.
    fn member(&self, user: UserId, grants: &[Grant]) -> Option<(Member, Vec<EntryId>)> {
        let in_force: Vec<&Grant> = grants.iter().filter(|grant| self.is_in_force(user, grant)).collect();
        let added_ms = in_force.iter().map(|grant| grant.added_ms).min()?;
        let writings = in_force.iter().map(|grant| Writing {
            id: grant.id,
            order: grant.order,
            replaces: &grant.replaces,
            value: grant.role,
        });
        let heads = heads(writings.collect());
        let winner = heads.first()?;
        let member = Member { role: winner.value, grant: winner.id, added_ms };
        Some((member, heads.iter().map(|head| head.id).collect()))
    }

    fn audience<'u>(&self, members: impl Iterator<Item = &'u UserId>) -> BTreeSet<OfficeId> {
        if self.created.is_empty() {
            return BTreeSet::new();
        }
        let homes = members.filter_map(|user| self.directory.user(*user)).map(|user| user.office);
        let always = self.directory.headquarters().chain(self.directory.hubs()).map(|office| office.id);
        let opened = self.openings.iter().map(|opening| opening.office);
        homes.chain(always).chain(opened).filter(|office| !self.is_closed(*office)).collect()
    }

    /// Whether some closing is not lifted.
    fn is_closed(&self, office: OfficeId) -> bool {
        let Some(closings) = self.closings.get(&office) else { return false };
        let lifting = self.openings.iter().filter(|opening| opening.office == office);
        !lifting.into_iter().any(|opening| closings.iter().all(|closing| opening.lifts.contains(closing)))
    }
}

fn is_policy(number: u16) -> bool {
    (kind::ROOM_CREATE..=kind::AUDIENCE_REMOVE).contains(&number)
}
