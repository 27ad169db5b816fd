//! People, their roles, log-in names and verifiers.

use std::collections::BTreeMap;

use noroshi_sync::id::{EntryId, UserId};

use super::super::act::{Act, ActKey};
use super::super::body::{LedgerBody, PasswordVerifier, RoleGrant, UserSet};
use super::super::directory::{User, VerifierRecord};
use super::Resolution;
use crate::cell::{Writing, heads};
use crate::role::Role;

impl<'a> Resolution<'a> {
    pub(super) fn people(&mut self) {
        self.users();
        self.roles();
        self.verifiers();
    }

    fn users(&mut self) {
        let mut cells: BTreeMap<UserId, Vec<Writing<'a, ActKey, &'a UserSet>>> = BTreeMap::new();
        for (key, act) in self.acts {
            let LedgerBody::UserSet(body) = &act.body else { continue };
            if act.room == self.directory.rooms.directory && self.count_signed(*key, act) {
                let writing = Writing { id: key.id, order: *key, replaces: &body.replaces, value: body };
                cells.entry(body.user).or_default().push(writing);
            }
        }
        // Who was the first to be given a name keeps it: (log-in name) → (first entry that gave it, person).
        let mut claims: BTreeMap<&str, (EntryId, UserId)> = BTreeMap::new();
        for (id, writings) in cells {
            let homes = writings.iter().map(|writing| writing.value.office).collect();
            let names: Vec<(EntryId, &'a str)> =
                writings.iter().map(|writing| (writing.id, writing.value.login.as_str())).collect();
            let heads = heads(writings);
            let Some(winner) = heads.first().map(|head| head.value) else { continue };
            let given = names.iter().filter(|(_, name)| *name == winner.login).map(|(entry, _)| (*entry, id)).min();
            if let Some(claim) = given {
                let first = claims.entry(&winner.login).or_insert(claim);
                *first = claim.min(*first);
            }
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
            };
            self.directory.users.insert(id, user);
        }
        self.directory.logins = claims.into_iter().map(|(login, (_, user))| (login.to_string(), user)).collect();
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
        let secrets: std::collections::BTreeSet<_> = self.directory.ledger_rooms().into_iter().skip(2).collect();
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
            && act.writers.keys().any(|writer| {
                let office = self.directory.office_of(*writer);
                office.is_some_and(|o| o == user.office || self.directory.ever_headquarters.contains(&o))
            })
    }
}
