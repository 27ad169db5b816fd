//! From the policy entries of a room to its members, its grants and its audience.

use std::collections::{BTreeMap, BTreeSet};

use noroshi_provisioning::membership::{self, MemberRemove, MemberSet, Membership, RoomCreate, Witnessed, kind};
use noroshi_provisioning::{OfficeId, body::body_of};
use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::{EntryId, RoomId, UserId};
use noroshi_sync::store::StoreError;

use super::judging::Scope;
use super::{Projection, Unsettled, Work, register_due};
use crate::events::Happening;
use crate::store::error::damaged;
use crate::store::query::PolicyEntry;
use crate::store::query::codes::{entry_id, hlc_number, kind_number, role_number, user_id};
use crate::store::{Audience, RoomPk};
use crate::view::{RoomKind, RoomRole};

/// A right that was valid at some time.
type Grant = (EntryId, UserId, i64);

impl Projection {
    /// Resolves the policy of a room anew and brings everything that depends on it up to date.
    pub(super) fn settle_policy(&self, work: &Work<'_, '_>, pk: RoomPk) -> Result<(), StoreError> {
        let room = work.room_name(pk)?.ok_or_else(|| damaged("a room is missing"))?;
        if work.current.is_ledger(&room) {
            return Ok(());
        }
        let entries = work.policy_entries(&room)?;
        let pairs = entries.iter().map(|found| (&found.log, &found.entry));
        let membership = Membership::resolve(room, pairs, &work.current.directory);
        if work.current.is_audit(&room) {
            // Nobody is in it: the directory alone says who holds it.
            return store_witnesses(work, pk, membership.witnessed()).map(|_| ());
        }
        self.settle_erasures(work, pk, &entries)?;
        note_people(work, pk, &entries)?;
        let mut changed = self.store_state(work, pk, &membership)?;
        changed |= store_members(work, pk, &room, &membership, &entries)?;
        let (mut gained, lost) = store_grants(work, pk, &membership, &entries)?;
        gained |= store_witnesses(work, pk, membership.witnessed())?;
        if work.set_audience(&room, &Audience::Nodes(membership.audience_nodes().clone()))? {
            // Nodes that are new to the room are to hear what is held here.
            register_due(work, pk)?;
            changed = true;
        }
        if gained || lost {
            self.judge_again(work, pk, if lost { Scope::All } else { Scope::Hidden })?;
        }
        if changed { work.tell(&Happening::Room { room }) } else { Ok(()) }
    }

    /// The row of the room itself. Returns whether it changed.
    fn store_state(&self, work: &Work<'_, '_>, pk: RoomPk, membership: &Membership) -> Result<bool, StoreError> {
        let offices = offices_with_nodes(work, membership);
        let offices_changed = store_offices(work, pk, &offices)?;
        let Some(kind) = membership.kind() else {
            return Ok(work.execute("DELETE FROM room_states WHERE room_pk = ?", [pk])? > 0);
        };
        let count = i64::try_from(offices.len()).unwrap_or(i64::MAX);
        let values = (pk, kind_number(view_kind(kind)), membership.created_ms().cast_signed(), count);
        let updated = work.execute(
            "UPDATE room_states SET kind = ?2, created_ms = ?3, offices = ?4
             WHERE room_pk = ?1 AND (kind, created_ms, offices) IS NOT (?2, ?3, ?4)",
            values,
        )?;
        let inserted = work.execute(
            "INSERT OR IGNORE INTO room_states (room_pk, kind, created_ms, offices) VALUES (?1, ?2, ?3, ?4)",
            values,
        )?;
        if inserted > 0 {
            self.unsettle(work, Unsettled::Page(pk))?;
        }
        Ok(offices_changed || updated + inserted > 0)
    }
}

fn offices_with_nodes(work: &Work<'_, '_>, membership: &Membership) -> BTreeSet<OfficeId> {
    let nodes = membership.audience_nodes().iter();
    nodes.filter_map(|node| work.current.directory.office_of(*node)).collect()
}

fn store_offices(work: &Work<'_, '_>, pk: RoomPk, offices: &BTreeSet<OfficeId>) -> Result<bool, StoreError> {
    let before: BTreeSet<OfficeId> = work.offices_of(pk)?.into_iter().collect();
    for gone in before.difference(offices) {
        work.execute("DELETE FROM room_offices WHERE room_pk = ? AND office = ?", (pk, gone.as_bytes()))?;
    }
    for new in offices.difference(&before) {
        work.execute("INSERT INTO room_offices (room_pk, office) VALUES (?, ?)", (pk, new.as_bytes()))?;
    }
    Ok(before != *offices)
}

/// Everybody whose place in the directory this policy depends on.
fn note_people(work: &Work<'_, '_>, pk: RoomPk, entries: &[PolicyEntry]) -> Result<(), StoreError> {
    let mut people = BTreeSet::new();
    for PolicyEntry { entry, .. } in entries.iter().filter(|found| is_policy(found.entry.kind)) {
        people.insert(entry.author);
        match entry.kind {
            kind::ROOM_CREATE => people.extend(body_of::<RoomCreate>(entry).ok().and_then(|body| body.created_for)),
            kind::MEMBER_SET => people.extend(body_of::<MemberSet>(entry).ok().map(|body| body.user)),
            kind::MEMBER_REMOVE => people.extend(body_of::<MemberRemove>(entry).ok().map(|body| body.user)),
            _ => {}
        }
    }
    for user in people {
        work.execute("INSERT OR IGNORE INTO policy_people (user, room_pk) VALUES (?, ?)", (user.as_bytes(), pk))?;
    }
    Ok(())
}

const fn is_policy(kind: u16) -> bool {
    matches!(kind, kind::ROOM_CREATE..=kind::AUDIENCE_REMOVE)
}

/// Returns whether the members changed.
fn store_members(
    work: &Work<'_, '_>,
    pk: RoomPk,
    room: &RoomId,
    membership: &Membership,
    entries: &[PolicyEntry],
) -> Result<bool, StoreError> {
    let before: BTreeMap<UserId, _> = work.members_of(pk)?.into_iter().map(|member| (member.user, member)).collect();
    let stamps = stamps(entries);
    let mut changed = false;
    for user in before.keys().filter(|user| !membership.is_member(**user)) {
        work.execute("DELETE FROM members WHERE room_pk = ? AND user = ?", (pk, user.as_bytes()))?;
        work.tell(&Happening::RoomRemoved { room: *room, user: *user })?;
        changed = true;
    }
    for (user, member) in membership.members() {
        let added = stamps.get(&member.grant).copied().unwrap_or_default();
        let row = crate::store::query::MemberRow {
            user: *user,
            role: view_role(member.role),
            grant: member.grant,
            added_ms: member.added_ms,
            added,
        };
        if before.get(user) == Some(&row) {
            continue;
        }
        work.execute(
            "INSERT INTO members (room_pk, user, role, grant_id, added_ms, added_hlc) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (room_pk, user) DO UPDATE SET role = ?3, grant_id = ?4, added_ms = ?5, added_hlc = ?6",
            (
                pk,
                user.as_bytes(),
                role_number(row.role),
                row.grant.as_bytes(),
                row.added_ms.cast_signed(),
                hlc_number(row.added),
            ),
        )?;
        changed = true;
    }
    Ok(changed)
}

/// The stamp of each entry; of copies the lowest.
fn stamps(entries: &[PolicyEntry]) -> BTreeMap<EntryId, Hlc> {
    let mut stamps = BTreeMap::new();
    for PolicyEntry { entry, .. } in entries {
        let stamp = stamps.entry(entry.id).or_insert(entry.hlc);
        *stamp = entry.hlc.min(*stamp);
    }
    stamps
}

/// Returns whether more is witnessed than before. A witness is never taken back: who revoked a node stays with it.
fn store_witnesses(work: &Work<'_, '_>, pk: RoomPk, witnessed: &Witnessed) -> Result<bool, StoreError> {
    let mut gained = false;
    for ((node, epoch, lane), length) in witnessed {
        let changed = work.execute(
            "INSERT INTO witnesses (room_pk, node, epoch, lane, length) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (room_pk, node, epoch, lane) DO UPDATE SET length = ?5 WHERE length < ?5",
            (pk, node.as_bytes(), epoch.0.cast_signed(), lane.number(), length.cast_signed()),
        )?;
        gained |= changed > 0;
    }
    Ok(gained)
}

/// Returns whether rights were gained, and whether any were lost.
fn store_grants(
    work: &Work<'_, '_>,
    pk: RoomPk,
    membership: &Membership,
    entries: &[PolicyEntry],
) -> Result<(bool, bool), StoreError> {
    let before: BTreeSet<Grant> = work
        .rows("SELECT grant_id, user, role FROM grants WHERE room_pk = ?", [pk], |row| {
            Ok((entry_id(row, 0)?, user_id(row, 1)?, row.get(2)?))
        })?
        .into_iter()
        .collect();
    let after = grants(membership, entries);
    for (grant, user, _) in before.difference(&after) {
        work.execute(
            "DELETE FROM grants WHERE room_pk = ? AND grant_id = ? AND user = ?",
            (pk, grant.as_bytes(), user.as_bytes()),
        )?;
    }
    for (grant, user, role) in after.difference(&before) {
        work.execute(
            "INSERT INTO grants (room_pk, grant_id, user, role) VALUES (?, ?, ?, ?)",
            (pk, grant.as_bytes(), user.as_bytes(), role),
        )?;
    }
    Ok((!after.is_subset(&before), !before.is_subset(&after)))
}

/// Every grant that ever was valid, with the role it gave. Where one id was used twice, the lesser role counts.
fn grants(membership: &Membership, entries: &[PolicyEntry]) -> BTreeSet<Grant> {
    let mut roles: BTreeMap<(EntryId, UserId), i64> = BTreeMap::new();
    for PolicyEntry { entry, .. } in entries {
        let granted = match entry.kind {
            kind::ROOM_CREATE => Some((entry.author, RoomRole::Admin)),
            kind::MEMBER_SET => body_of::<MemberSet>(entry).ok().map(|body| (body.user, view_role(body.role))),
            _ => None,
        };
        if let Some((user, role)) = granted.filter(|(user, _)| membership.ever_granted(entry.id, *user)) {
            let known = roles.entry((entry.id, user)).or_insert(role_number(role));
            *known = (*known).max(role_number(role));
        }
    }
    roles.into_iter().map(|((grant, user), role)| (grant, user, role)).collect()
}

pub(crate) const fn view_kind(kind: membership::RoomKind) -> RoomKind {
    match kind {
        membership::RoomKind::Group => RoomKind::Group,
        membership::RoomKind::Direct => RoomKind::Direct,
        membership::RoomKind::Announcement => RoomKind::Announcement,
    }
}

pub(crate) const fn view_role(role: membership::RoomRole) -> RoomRole {
    match role {
        membership::RoomRole::Admin => RoomRole::Admin,
        membership::RoomRole::Member => RoomRole::Member,
    }
}
