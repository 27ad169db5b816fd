//! What a staff list would do to the directory.

mod carry_out;
mod matching;
mod person;
mod places;
mod undo;

use std::collections::{BTreeMap, BTreeSet};

use noroshi_sync::id::UserId;
use serde::{Deserialize, Serialize};

use super::problem::{Problem, ProblemCode};
use super::read::limit;
use super::row::RosterRow;
use crate::ledger::Directory;
use crate::role::Role;
use matching::{Match, Matching};
use places::Places;

pub use carry_out::{Letter, NotCarriedOut, Outcome};
pub use person::{FieldChange, FieldValue, Person, Planned, Profile, Snapshot};
pub use undo::{Undo, UndoOutcome};

/// Equal rows, directories and moments give equal plans.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Plan {
    /// People who are new, in the order of the file.
    pub additions: Vec<Addition>,
    /// People who are known and of whom something changes.
    pub revisions: Vec<Revision>,
    /// Rows that say what is known.
    pub same: usize,
    /// People in service who are not in the file. Nothing happens to them.
    pub absent: usize,
    pub problems: Vec<Problem>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Addition {
    pub row: u32,
    pub person: Person,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Revision {
    pub row: u32,
    pub user: UserId,
    pub before: Snapshot,
    pub after: Snapshot,
}

impl Revision {
    /// Whether the person had left and is in service again, now or on a day to come.
    fn brings_back(&self, now_ms: u64) -> bool {
        let has_ended =
            |snapshot: &Snapshot| snapshot.person.details.valid_until_ms.is_some_and(|until| until <= now_ms);
        has_ended(&self.before) && !has_ended(&self.after)
    }
}

impl Plan {
    /// Compares rows with what is known at `now_ms`, milliseconds since 1970.
    pub fn of(rows: &[RosterRow], directory: &Directory, now_ms: u64) -> Self {
        let mut plan = Self::default();
        let mut matching = Matching::new(directory, now_ms);
        let places = Places::new(directory, rows);
        let mut seen = BTreeSet::new();
        for row in rows {
            if let Err(problem) = plan.take(row, &mut matching, &places, &mut seen, now_ms) {
                plan.problems.push(problem);
            }
        }
        let in_service = directory.users().filter(|user| user.details.is_valid_at(now_ms));
        plan.absent = in_service.filter(|user| !seen.contains(&user.id)).count();
        if plan.leaves_nobody(directory, now_ms) {
            plan.problems.push(Problem::of_file(ProblemCode::LastAdministrator));
        }
        limit(&mut plan.problems);
        plan
    }

    /// Whether carrying out this plan would do what the other one says. How many people stay as they are does not matter.
    pub fn does_the_same(&self, other: &Self) -> bool {
        (&self.additions, &self.revisions, &self.problems) == (&other.additions, &other.revisions, &other.problems)
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.additions.is_empty() && self.revisions.is_empty()
    }

    fn take(
        &mut self,
        row: &RosterRow,
        matching: &mut Matching<'_>,
        places: &Places<'_>,
        seen: &mut BTreeSet<UserId>,
        now_ms: u64,
    ) -> Result<(), Problem> {
        match matching.find(row)? {
            Match::New { login } => {
                let person = self.new_person(row, login, places, now_ms)?;
                self.additions.push(Addition { row: row.row, person });
            }
            Match::Known(user) => {
                seen.insert(user.id);
                let before = Snapshot::of(user);
                let after = self.revise(row, &before, places, now_ms)?;
                if after == before {
                    self.same += 1;
                } else {
                    self.revisions.push(Revision { row: row.row, user: user.id, before, after });
                }
            }
        }
        Ok(())
    }

    fn new_person(&self, row: &RosterRow, login: String, places: &Places<'_>, now_ms: u64) -> Result<Person, Problem> {
        let mut person = Person::default();
        person.take_details(row);
        person.details.valid_from_ms = row.starts_ms;
        person.details.valid_until_ms = row.ends_ms.flatten();
        if person.details.valid_until_ms.is_some_and(|until| until <= now_ms) {
            return Err(Problem::of_row(row.row, ProblemCode::EndInPast).about(&row.name));
        }
        person.profile = places.profile(row, None)?;
        person.profile.login = login;
        person.roles = row.roles.clone().unwrap_or_else(|| BTreeSet::from([Role::Staff]));
        Ok(person)
    }

    /// What becomes of a person. Who is in service changes on the day that the row names; of the others the row names the
    /// time of service itself.
    fn revise(
        &mut self,
        row: &RosterRow,
        before: &Snapshot,
        places: &Places<'_>,
        now_ms: u64,
    ) -> Result<Snapshot, Problem> {
        let mut after = before.clone();
        let in_service = before.person.details.is_valid_at(now_ms);
        let effective_ms = row.starts_ms.filter(|starts| in_service && *starts > now_ms);
        if !in_service {
            self.reinstate(row, &mut after.person, now_ms);
        }
        if let Some(ends_ms) = row.ends_ms {
            after.person.details.valid_until_ms = ends_ms;
        }
        match effective_ms {
            None => {
                after.person.take_details(row);
                after.person.profile = places.profile(row, Some(&before.person))?;
                if let Some(roles) = &row.roles {
                    after.person.roles.clone_from(roles);
                }
                after.rebase_plans(&before.person.profile);
            }
            Some(effective_ms) => {
                after.person.take_contact(row);
                self.note_what_waits(row, &after.person, effective_ms);
                let then = Person { profile: before.profile_at(effective_ms), ..after.person.clone() };
                after.plan(effective_ms, places.profile(row, Some(&then))?);
            }
        }
        Ok(after)
    }

    /// Whoever is listed without an end is in service (again): told, because the list may be an old one.
    fn reinstate(&mut self, row: &RosterRow, person: &mut Person, now_ms: u64) {
        if row.starts_ms.is_some() {
            person.details.valid_from_ms = row.starts_ms;
        }
        let ended = person.details.valid_until_ms.is_some_and(|until| until <= now_ms);
        if ended && row.ends_ms.is_none_or(|ends| ends.is_none_or(|ends| ends > now_ms)) {
            person.details.valid_until_ms = None;
            self.problems.push(Problem::of_row(row.row, ProblemCode::Reinstated).about(&row.name));
        }
    }

    /// Rights and the places of mustering have no date in the ledger. Nobody gets them early; the list is imported once
    /// more when the day has come.
    fn note_what_waits(&mut self, row: &RosterRow, person: &Person, effective_ms: u64) {
        let mut wanted = person.clone();
        wanted.take_details(row);
        if let Some(roles) = &row.roles {
            wanted.roles.clone_from(roles);
        }
        if wanted != *person {
            let day = super::date::day_of_ms(effective_ms);
            self.problems.push(Problem::of_row(row.row, ProblemCode::NotPlanned).about(&day));
        }
    }

    /// Whether the organisation would have no system administrator in service.
    fn leaves_nobody(&self, directory: &Directory, now_ms: u64) -> bool {
        let after = self.revisions.iter().map(|revision| (revision.user, &revision.after.person)).collect();
        let added = self.additions.iter().any(|addition| administers(&addition.person, now_ms));
        !added && serves_nobody(directory, &after, now_ms)
    }
}

/// Whether there is a system administrator in service now and would be none with these people changed.
fn serves_nobody(directory: &Directory, after: &BTreeMap<UserId, &Person>, now_ms: u64) -> bool {
    let mut had_some = false;
    for user in directory.users() {
        let before = Snapshot::of(user).person;
        had_some |= administers(&before, now_ms);
        if administers(after.get(&user.id).copied().unwrap_or(&before), now_ms) {
            return false;
        }
    }
    had_some
}

fn administers(person: &Person, now_ms: u64) -> bool {
    person.roles.contains(&Role::SystemAdmin) && person.details.is_valid_at(now_ms)
}
