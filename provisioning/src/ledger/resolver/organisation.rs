//! What holds for the whole organisation: its policy, its rules, its time, its posts, and who may log in where.

use std::collections::{BTreeMap, BTreeSet};

use noroshi_sync::id::EntryId;

use super::super::act::{Act, ActKey};
use super::super::body::{LedgerBody, PolicySet, PostSet, RoamingSet, RulesSet, TimeMark};
use super::super::record::{Post, Rules};
use super::super::rights::minted_ms;
use super::Resolution;
use crate::cell::{Writing, heads};
use crate::id::{OfficeId, PostId};
use crate::limits::TIME_MARK_STEP_MS_MAX;

impl<'a> Resolution<'a> {
    pub(super) fn organisation(&mut self) {
        self.policy();
        self.rules();
        self.time();
        self.posts();
    }

    fn policy(&mut self) {
        let mut cell: Vec<Writing<'a, ActKey, &'a PolicySet>> = Vec::new();
        for (key, act) in self.acts {
            let LedgerBody::PolicySet(body) = &act.body else { continue };
            if act.room == self.directory.rooms.public && self.count_signed(*key, act) {
                cell.push(Writing { id: key.id, order: *key, replaces: &body.replaces, value: body });
            }
        }
        let heads = heads(cell);
        if let Some(winner) = heads.first() {
            self.directory.policy = winner.value.policy;
        }
        self.directory.policy_heads = heads.iter().map(|head| head.id).collect();
    }

    fn rules(&mut self) {
        let mut cell: Vec<Writing<'a, ActKey, &'a RulesSet>> = Vec::new();
        for (key, act) in self.acts {
            let LedgerBody::RulesSet(body) = &act.body else { continue };
            if act.room == self.directory.rooms.directory && self.count_signed(*key, act) {
                cell.push(Writing { id: key.id, order: *key, replaces: &body.replaces, value: body });
            }
        }
        let heads = heads(cell);
        let Some(winner) = heads.first() else { return };
        let mut accepted = BTreeMap::new();
        for (key, act) in self.acts {
            let LedgerBody::RulesAccepted(body) = &act.body else { continue };
            let in_place = act.room == self.directory.rooms.directory && act.author == body.user;
            let offices = self.attesting_offices(act);
            if in_place && offices.iter().any(|office| self.directory.office_may_attest(*office, body.user)) {
                self.counted.insert(*key);
                if body.rules == winner.id {
                    accepted.entry(body.user).or_insert(minted_ms(key.id));
                }
            }
        }
        self.directory.rules = Some(Rules {
            entry: winner.id,
            text: winner.value.text.clone(),
            at_ms: minted_ms(winner.id),
            heads: heads.iter().map(|head| head.id).collect(),
            accepted,
        });
    }

    /// From the signed mark in force on, headquarters may go on by itself in steps that are not too large.
    fn time(&mut self) {
        let mut signed: Vec<Writing<'a, ActKey, &'a TimeMark>> = Vec::new();
        let mut resting: BTreeMap<EntryId, Vec<(ActKey, u64)>> = BTreeMap::new();
        for (key, act) in self.acts {
            let LedgerBody::TimeMark(body) = &act.body else { continue };
            if act.room != self.directory.rooms.public {
                continue;
            }
            if self.count_signed(*key, act) {
                signed.push(Writing { id: key.id, order: *key, replaces: &body.replaces, value: body });
            } else if self.is_of_headquarters(act) {
                resting.entry(body.previous).or_default().push((*key, body.at_ms));
            }
        }
        let heads = heads(signed);
        self.directory.time_heads = heads.iter().map(|head| head.id).collect();
        let Some(base) = heads.first() else { return };
        let mut latest = (base.value.at_ms, base.id);
        let mut reached = vec![latest];
        let mut seen = BTreeSet::from([base.id]);
        while let Some((at_ms, mark)) = reached.pop() {
            for (key, next_ms) in resting.get(&mark).map(Vec::as_slice).unwrap_or_default() {
                let step = next_ms.saturating_sub(at_ms);
                if step > 0 && step <= TIME_MARK_STEP_MS_MAX && seen.insert(key.id) {
                    self.counted.insert(*key);
                    reached.push((*next_ms, key.id));
                    latest = latest.max((*next_ms, key.id));
                }
            }
        }
        self.directory.time = Some(latest);
    }

    fn is_of_headquarters(&self, act: &Act) -> bool {
        self.attesting_offices(act).iter().any(|office| self.directory.ever_headquarters.contains(office))
    }

    fn posts(&mut self) {
        let mut cells: BTreeMap<PostId, Vec<Writing<'a, ActKey, &'a PostSet>>> = BTreeMap::new();
        for (key, act) in self.acts {
            let LedgerBody::PostSet(body) = &act.body else { continue };
            let by_office = self.attesting_offices(act).contains(&body.office);
            if act.room == self.directory.rooms.directory && (by_office || self.count_signed(*key, act)) {
                self.counted.insert(*key);
                let writing = Writing { id: key.id, order: *key, replaces: &body.replaces, value: body };
                cells.entry(body.post).or_default().push(writing);
            }
        }
        for (id, mut writings) in cells {
            // A post stays with the office that made it unless an administrator signs otherwise: the first word says whose.
            writings.sort_by_key(|writing| writing.order);
            let owner = writings.first().map(|writing| writing.value.office);
            let signed = |key: &ActKey| self.acts.get(key).is_some_and(Act::is_signed_by_a_person);
            writings.retain(|writing| Some(writing.value.office) == owner || signed(&writing.order));
            let heads = heads(writings);
            let Some(winner) = heads.first().map(|head| head.value) else { continue };
            let post = Post {
                id,
                office: winner.office,
                name: winner.name.clone(),
                kana: winner.kana.clone(),
                kind: winner.kind,
                holders: winner.holders.clone(),
                deputies: winner.deputies.clone(),
                ended: winner.ended,
                heads: heads.iter().map(|head| head.id).collect(),
            };
            self.directory.posts.insert(id, post);
        }
    }

    /// Which offices' people may log in where. Needed before anybody is vouched for.
    pub(super) fn roaming(&mut self) {
        let mut cells: BTreeMap<(OfficeId, OfficeId), Vec<Writing<'a, ActKey, &'a RoamingSet>>> = BTreeMap::new();
        for (key, act) in self.acts {
            let LedgerBody::RoamingSet(body) = &act.body else { continue };
            if act.room == self.directory.rooms.public && self.count_signed(*key, act) {
                let writing = Writing { id: key.id, order: *key, replaces: &body.replaces, value: body };
                cells.entry((body.home, body.host)).or_default().push(writing);
            }
        }
        for (pair, writings) in cells {
            if writings.iter().any(|writing| writing.value.allowed) {
                self.directory.ever_roaming.insert(pair);
            }
            let heads = heads(writings);
            if heads.first().is_some_and(|head| head.value.allowed) {
                self.directory.roaming.insert(pair);
            }
            self.directory.roaming_heads.insert(pair, heads.iter().map(|head| head.id).collect());
        }
    }
}
