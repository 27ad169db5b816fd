//! Taking an import back: what is still as it made it returns to what it was; what somebody has changed since stays.

use std::collections::{BTreeMap, BTreeSet};

use noroshi_sync::entry::Draft;
use noroshi_sync::id::UserId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::problem::{Problem, ProblemCode};
use super::carry_out::{NotCarriedOut, Pen};
use super::person::{Person, Snapshot};
use super::serves_nobody;
use crate::ledger::{Directory, LedgerWriter};
use crate::role::Role;
use crate::signer::Signer;

/// What an import did: people as it made them, and the others before and after it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Undo {
    pub(super) added: Vec<(UserId, Person)>,
    pub(super) revised: Vec<(UserId, Snapshot, Snapshot)>,
}

/// What taking it back takes.
#[derive(Debug)]
pub struct UndoOutcome {
    /// For one transaction. Empty: nothing is left to take back.
    pub drafts: Vec<Draft>,
    /// Who was changed since, and keeps what was changed.
    pub kept: Vec<Problem>,
}

/// A person as found and as to be.
struct Step {
    user: UserId,
    from: Snapshot,
    to: Snapshot,
}

impl Undo {
    /// The entries that take the import back. People who came with it are ended: what they wrote has an author for ever.
    pub fn carry_out<S: Signer>(
        &self,
        writer: LedgerWriter<'_, S>,
        mint: &mut dyn FnMut() -> Uuid,
        now_ms: u64,
    ) -> Result<UndoOutcome, NotCarriedOut> {
        let (steps, kept) = self.steps(writer.directory, now_ms);
        let after: BTreeMap<UserId, &Person> = steps.iter().map(|step| (step.user, &step.to.person)).collect();
        if serves_nobody(writer.directory, &after, now_ms) {
            return Err(NotCarriedOut::Problems);
        }
        let mut pen = Pen { writer, mint, now_ms, drafts: Vec::new() };
        for step in &steps {
            pen.revise(step.user, &step.from, &step.to)?;
        }
        Ok(UndoOutcome { drafts: pen.drafts, kept })
    }

    fn steps(&self, directory: &Directory, now_ms: u64) -> (Vec<Step>, Vec<Problem>) {
        let (mut steps, mut kept) = (Vec::new(), Vec::new());
        for (user, person) in &self.added {
            let Some(known) = directory.user(*user) else { continue };
            let from = Snapshot::of(known);
            if from.person != *person || !from.planned.is_empty() {
                kept.push(Problem::of_file(ProblemCode::ChangedSince).about(&known.name));
                continue;
            }
            let mut to = from.clone();
            to.person.details.valid_until_ms = Some(now_ms);
            to.person.roles.clear();
            steps.push(Step { user: *user, from, to });
        }
        for (user, before, after) in &self.revised {
            let Some(known) = directory.user(*user) else { continue };
            let from = Snapshot::of(known);
            let mut back = Back { changed_since: false };
            let to = back.snapshot(&from, &after.at(now_ms), &before.at(now_ms));
            if back.changed_since {
                kept.push(Problem::of_file(ProblemCode::ChangedSince).about(&known.name));
            }
            if to != from {
                steps.push(Step { user: *user, from, to });
            }
        }
        (steps, kept)
    }
}

/// Puts fields back one by one, and notices those that are not as the import left them.
struct Back {
    changed_since: bool,
}

impl Back {
    fn field<T: Clone + PartialEq>(&mut self, now: &mut T, after: &T, before: &T) {
        if after == before {
            return;
        }
        if now == after {
            now.clone_from(before);
        } else if now != before {
            self.changed_since = true;
        }
    }

    fn snapshot(&mut self, now: &Snapshot, after: &Snapshot, before: &Snapshot) -> Snapshot {
        let mut to = now.clone();
        self.person(&mut to.person, &after.person, &before.person);
        self.field(&mut to.planned, &after.planned, &before.planned);
        to
    }

    fn person(&mut self, to: &mut Person, after: &Person, before: &Person) {
        let (profile, a, b) = (&mut to.profile, &after.profile, &before.profile);
        self.field(&mut profile.login, &a.login, &b.login);
        self.field(&mut profile.name, &a.name, &b.name);
        self.field(&mut profile.kana, &a.kana, &b.kana);
        // A section belongs to its office.
        let mut place = (profile.office, profile.section.clone());
        self.field(&mut place, &(a.office, a.section.clone()), &(b.office, b.section.clone()));
        (profile.office, profile.section) = place;
        self.field(&mut profile.post, &a.post, &b.post);
        let (details, a, b) = (&mut to.details, &after.details, &before.details);
        self.field(&mut details.number, &a.number, &b.number);
        self.field(&mut details.section_code, &a.section_code, &b.section_code);
        self.field(&mut details.email, &a.email, &b.email);
        self.field(&mut details.phone, &a.phone, &b.phone);
        self.field(&mut details.muster_class, &a.muster_class, &b.muster_class);
        self.field(&mut details.muster_place, &a.muster_place, &b.muster_place);
        self.field(&mut details.qualifications, &a.qualifications, &b.qualifications);
        self.field(&mut details.employment, &a.employment, &b.employment);
        self.field(&mut details.valid_from_ms, &a.valid_from_ms, &b.valid_from_ms);
        self.field(&mut details.valid_until_ms, &a.valid_until_ms, &b.valid_until_ms);
        self.roles(&mut to.roles, &after.roles, &before.roles);
    }

    /// Each role by itself: given and taken since does no harm to the others.
    fn roles(&mut self, now: &mut BTreeSet<Role>, after: &BTreeSet<Role>, before: &BTreeSet<Role>) {
        for role in Role::ALL {
            let mut has = now.contains(&role);
            self.field(&mut has, &after.contains(&role), &before.contains(&role));
            if has {
                now.insert(role)
            } else {
                now.remove(&role)
            };
        }
    }
}
