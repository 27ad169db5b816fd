//! People, their roles, log-in names and verifiers.

use std::collections::{BTreeMap, BTreeSet};

use noroshi_sync::id::{EntryId, UserId};

use super::super::act::{Act, ActKey};
use super::super::body::{Details, LedgerBody, PasswordVerifier, RoleGrant, UserDetail, UserSet};
use super::super::record::{Planned, User, VerifierRecord};
use super::super::rights::minted_ms;
use super::Resolution;
use crate::cell::{Writing, heads};
use crate::role::Role;

/// Ordered by the day from which it holds: what takes force in April is as new as April, whenever it was written.
type PersonWriting<'a> = Writing<'a, (u64, ActKey), &'a UserSet>;

impl<'a> Resolution<'a> {
    pub(super) fn people(&mut self) {
        self.users();
        self.roles();
        self.verifiers();
    }

    fn users(&mut self) {
        let mut cells: BTreeMap<UserId, Vec<PersonWriting<'a>>> = BTreeMap::new();
        let mut planned: BTreeMap<UserId, Vec<Planned>> = BTreeMap::new();
        for (key, act) in self.acts {
            let (body, effective_ms) = match &act.body {
                LedgerBody::UserSet(body) => (body, 0),
                LedgerBody::UserTransfer(body) => (&body.set, body.effective_ms),
                _ => continue,
            };
            if act.room != self.directory.rooms.directory || !self.count_signed(*key, act) {
                continue;
            }
            if effective_ms <= self.now_ms {
                let order = (effective_ms.max(minted_ms(key.id)), *key);
                let writing = Writing { id: key.id, order, replaces: &body.replaces, value: body };
                cells.entry(body.user).or_default().push(writing);
            } else {
                let plan = Planned { entry: key.id, effective_ms, set: body.clone() };
                planned.entry(body.user).or_default().push(plan);
            }
        }
        let soonest = planned.values().flatten().map(|plan| plan.effective_ms).min();
        self.directory.next_change_ms = soonest;
        let mut details = self.details();
        // Who was the first to be given a name keeps it: (log-in name) → (first entry that gave it, person).
        let mut claims: BTreeMap<&str, (EntryId, UserId)> = BTreeMap::new();
        for (id, writings) in cells {
            let homes = writings.iter().map(|writing| writing.value.office).collect();
            let replaced: BTreeSet<EntryId> =
                writings.iter().flat_map(|writing| writing.replaces.iter().copied()).collect();
            let names: Vec<(EntryId, &'a str)> =
                writings.iter().map(|writing| (writing.id, writing.value.login.as_str())).collect();
            let heads = heads(writings);
            let Some(winner) = heads.first().map(|head| head.value) else { continue };
            let given = names.iter().filter(|(_, name)| *name == winner.login).map(|(entry, _)| (*entry, id)).min();
            if let Some(claim) = given {
                let first = claims.entry(&winner.login).or_insert(claim);
                *first = claim.min(*first);
            }
            let mut planned = planned.remove(&id).unwrap_or_default();
            drop_replaced(&mut planned, &replaced);
            planned.sort_by_key(|plan| (plan.effective_ms, plan.entry));
            let (details, detail_heads) = details.remove(&id).unwrap_or_default();
            let user = User {
                id,
                login: winner.login.clone(),
                name: winner.name.clone(),
                kana: winner.kana.clone(),
                office: winner.office,
                section: winner.section.clone(),
                post: winner.post.clone(),
                roles: Default::default(),
                homes,
                heads: heads.iter().map(|head| head.id).collect(),
                details,
                detail_heads,
                planned,
            };
            self.directory.users.insert(id, user);
        }
        self.directory.logins = claims.into_iter().map(|(login, (_, user))| (login.to_string(), user)).collect();
    }

    fn details(&mut self) -> BTreeMap<UserId, (Details, Vec<EntryId>)> {
        let mut cells: BTreeMap<UserId, Vec<Writing<'a, ActKey, &'a UserDetail>>> = BTreeMap::new();
        for (key, act) in self.acts {
            let LedgerBody::UserDetail(body) = &act.body else { continue };
            if act.room == self.directory.rooms.directory && self.count_signed(*key, act) {
                let writing = Writing { id: key.id, order: *key, replaces: &body.replaces, value: body };
                cells.entry(body.user).or_default().push(writing);
            }
        }
        let winner = |writings| {
            let heads: Vec<Writing<'a, ActKey, &'a UserDetail>> = heads(writings);
            let details = heads.first().map(|head| head.value.details.clone()).unwrap_or_default();
            (details, heads.iter().map(|head| head.id).collect())
        };
        cells.into_iter().map(|(user, writings)| (user, winner(writings))).collect()
    }

    /// A role is held by a grant that lifts every removal of it.
    fn roles(&mut self) {
        let mut grants: Vec<&'a RoleGrant> = Vec::new();
        for (key, act) in self.acts {
            if act.room != self.directory.rooms.directory {
                continue;
            }
            match &act.body {
                LedgerBody::RoleGrant(body) if self.count_signed(*key, act) => grants.push(body),
                // Removals count of everyone who ever was entitled: of two who remove each other none remains.
                LedgerBody::RoleRemove(body) if self.ever.allow(*key, act, self.candidates, self.verdicts) => {
                    self.counted.insert(*key);
                    self.directory.role_removals.entry((body.user, body.role)).or_default().push(key.id);
                }
                _ => {}
            }
        }
        for grant in grants {
            let removals = self.removals(grant.user, grant.role);
            if removals.iter().all(|removal| grant.lifts.contains(removal))
                && let Some(user) = self.directory.users.get_mut(&grant.user)
            {
                user.roles.insert(grant.role);
            }
        }
    }

    fn removals(&self, user: UserId, role: Role) -> Vec<EntryId> {
        self.directory.role_removals(user, role).to_vec()
    }

    fn verifiers(&mut self) {
        let secrets: BTreeSet<_> = self.directory.ledger_rooms().into_iter().skip(2).collect();
        let mut cells: BTreeMap<UserId, Vec<Writing<'a, ActKey, &'a PasswordVerifier>>> = BTreeMap::new();
        for (key, act) in self.acts {
            let LedgerBody::PasswordVerifier(body) = &act.body else { continue };
            let counts = secrets.contains(&act.room)
                && if act.is_attested() { self.is_own_word(act, body) } else { self.count_signed(*key, act) };
            if counts {
                self.counted.insert(*key);
                let writing = Writing { id: key.id, order: *key, replaces: &body.replaces, value: body };
                cells.entry(body.user).or_default().push(writing);
            }
        }
        for (id, writings) in cells {
            let heads = heads(writings);
            let Some(winner) = heads.first().map(|head| head.value) else { continue };
            let record =
                VerifierRecord { verifier: winner.verifier.clone(), heads: heads.iter().map(|head| head.id).collect() };
            self.directory.verifiers.insert(id, record);
        }
    }

    /// Whether a node entitled to vouch says that the person chose this password, in the room of the person's office.
    fn is_own_word(&self, act: &Act, body: &PasswordVerifier) -> bool {
        let Some(user) = self.directory.users.get(&body.user) else { return false };
        act.author == body.user
            && act.room == self.directory.rooms.secrets(user.office)
            && self.attesting_offices(act).iter().any(|office| {
                *office == user.office
                    || self.directory.ever_headquarters.contains(office)
                    || self.directory.ever_roaming.contains(&(user.office, *office))
            })
    }
}

/// Plans that a change in force, or a plan for the same moment or an earlier one, has replaced.
fn drop_replaced(planned: &mut Vec<Planned>, replaced: &BTreeSet<EntryId>) {
    let plans = planned.clone();
    planned.retain(|plan| {
        let by_plan = |other: &Planned| {
            other.entry != plan.entry
                && other.effective_ms <= plan.effective_ms
                && other.set.replaces.contains(&plan.entry)
        };
        !replaced.contains(&plan.entry) && !plans.iter().any(by_plan)
    });
}
