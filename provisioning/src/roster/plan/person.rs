//! A person as far as a staff list speaks of one, and what differs between two states.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::super::column::Column;
use super::super::date::day_of_ms;
use super::super::row::RosterRow;
use super::super::value::{employment_word, number_key};
use crate::id::OfficeId;
use crate::ledger::{Details, User, UserSet};
use crate::role::Role;

/// The part that a transfer changes on its day.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Profile {
    pub login: String,
    pub name: String,
    pub kana: String,
    pub office: OfficeId,
    pub section: String,
    pub post: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Person {
    pub profile: Profile,
    pub details: Details,
    pub roles: BTreeSet<Role>,
}

/// A change to come.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Planned {
    /// Milliseconds since 1970.
    pub effective_ms: u64,
    pub profile: Profile,
}

/// A person now and on the days to come, the soonest first.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Snapshot {
    pub person: Person,
    pub planned: Vec<Planned>,
}

/// One field that differs, in the words of the interface; dates as days.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldChange {
    pub field: &'static str,
    pub from: FieldValue,
    pub to: FieldValue,
}

/// What stands in a field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FieldValue {
    Text(String),
    Office(OfficeId),
}

impl Default for Profile {
    fn default() -> Self {
        let office = OfficeId::from_bytes([0; 16]);
        let text = String::new;
        Self { login: text(), name: text(), kana: text(), office, section: text(), post: text() }
    }
}

impl Profile {
    pub(super) fn of_set(set: &UserSet) -> Self {
        Self {
            login: set.login.clone(),
            name: set.name.clone(),
            kana: set.kana.clone(),
            office: set.office,
            section: set.section.clone(),
            post: set.post.clone(),
        }
    }

    pub(super) fn to_set(&self, user: noroshi_sync::id::UserId) -> UserSet {
        UserSet {
            user,
            login: self.login.clone(),
            name: self.name.clone(),
            kana: self.kana.clone(),
            office: self.office,
            section: self.section.clone(),
            post: self.post.clone(),
            replaces: Vec::new(),
        }
    }

    fn fields(&self) -> [(Column, FieldValue); 6] {
        let text = |text: &str| FieldValue::Text(text.to_owned());
        [
            (Column::Login, text(&self.login)),
            (Column::Name, text(&self.name)),
            (Column::Kana, text(&self.kana)),
            (Column::Office, FieldValue::Office(self.office)),
            (Column::Section, text(&self.section)),
            (Column::Post, text(&self.post)),
        ]
    }

    /// The fields in which `to` differs.
    pub fn changes(&self, to: &Self) -> Vec<FieldChange> {
        differing(self.fields(), to.fields())
    }
}

impl Person {
    pub(super) fn of(user: &User) -> Self {
        let profile = Profile {
            login: user.login.clone(),
            name: user.name.clone(),
            kana: user.kana.clone(),
            office: user.office,
            section: user.section.clone(),
            post: user.post.clone(),
        };
        Self { profile, details: user.details.clone(), roles: user.roles.clone() }
    }

    /// Takes over the details of a row, the time of service left out.
    pub(super) fn take_details(&mut self, row: &RosterRow) {
        self.take_contact(row);
        let details = &mut self.details;
        take(&mut details.section_code, &row.section_code);
        take(&mut details.muster_class, &row.muster_class);
        take(&mut details.muster_place, &row.muster_place);
        if let Some(employment) = row.employment {
            details.employment = employment;
        }
    }

    /// Takes over what is true of a person on whatever day.
    pub(super) fn take_contact(&mut self, row: &RosterRow) {
        let details = &mut self.details;
        // "0012" and "12" are one number: a spreadsheet that dropped the zeros changes nothing.
        if let Some(number) = &row.number
            && number_key(number) != number_key(&details.number)
        {
            details.number.clone_from(number);
        }
        take(&mut details.email, &row.email);
        take(&mut details.phone, &row.phone);
        take(&mut details.qualifications, &row.qualifications);
    }

    fn other_fields(&self) -> [(Column, FieldValue); 11] {
        let details = &self.details;
        let text = |text: &str| FieldValue::Text(text.to_owned());
        let roles: Vec<&str> = self.roles.iter().map(|role| role.word()).collect();
        let last_day = details.valid_until_ms.map(day_of_ms).unwrap_or_default();
        [
            (Column::Number, text(&details.number)),
            (Column::SectionCode, text(&details.section_code)),
            (Column::Email, text(&details.email)),
            (Column::Phone, text(&details.phone)),
            (Column::MusterClass, text(&details.muster_class)),
            (Column::MusterPlace, text(&details.muster_place)),
            (Column::Qualifications, text(&details.qualifications)),
            (Column::Employment, text(employment_word(details.employment))),
            (Column::Roles, text(&roles.join(","))),
            (Column::ValidFrom, text(&details.valid_from_ms.map(day_of_ms).unwrap_or_default())),
            (Column::ValidUntil, text(&last_day)),
        ]
    }

    /// The fields in which `to` differs.
    pub fn changes(&self, to: &Self) -> Vec<FieldChange> {
        let mut changes = self.profile.changes(&to.profile);
        changes.extend(differing(self.other_fields(), to.other_fields()));
        changes
    }
}

impl Snapshot {
    /// A person as the directory has it.
    pub fn of(user: &User) -> Self {
        let mut snapshot = Self { person: Person::of(user), planned: Vec::new() };
        for plan in &user.planned {
            // Of several for one moment the one written last is carried out, and one that changes nothing is none.
            snapshot.plan(plan.effective_ms, Profile::of_set(&plan.set));
        }
        snapshot
    }

    /// The profile that holds at a moment to come.
    pub fn profile_at(&self, at_ms: u64) -> Profile {
        let last = self.planned.iter().rev().find(|plan| plan.effective_ms <= at_ms);
        last.map_or(&self.person.profile, |plan| &plan.profile).clone()
    }

    /// The same person later, if nobody changes anything in between.
    pub(super) fn at(&self, now_ms: u64) -> Self {
        let planned = self.planned.iter().filter(|plan| plan.effective_ms > now_ms).cloned().collect();
        let profile = self.profile_at(now_ms);
        Self { person: Person { profile, ..self.person.clone() }, planned }
    }

    /// From that moment on the profile is this; plans for later stay.
    pub(super) fn plan(&mut self, effective_ms: u64, profile: Profile) {
        self.planned.retain(|plan| plan.effective_ms != effective_ms);
        if self.profile_at(effective_ms) != profile {
            self.planned.push(Planned { effective_ms, profile });
            self.planned.sort_by_key(|plan| plan.effective_ms);
        }
    }

    /// What changed now changes in the plans as well where they had left it as it was: who is renamed in March is not
    /// called by the old name from April on.
    pub(super) fn rebase_plans(&mut self, former: &Profile) {
        let now = &self.person.profile;
        for plan in &mut self.planned {
            let planned = &mut plan.profile;
            follow(&mut planned.login, &former.login, &now.login);
            follow(&mut planned.name, &former.name, &now.name);
            follow(&mut planned.kana, &former.kana, &now.kana);
            follow(&mut planned.office, &former.office, &now.office);
            follow(&mut planned.section, &former.section, &now.section);
            follow(&mut planned.post, &former.post, &now.post);
        }
    }
}

fn follow<T: Clone + PartialEq>(planned: &mut T, former: &T, now: &T) {
    if planned == former {
        planned.clone_from(now);
    }
}

fn take(field: &mut String, said: &Option<String>) {
    if let Some(said) = said {
        field.clone_from(said);
    }
}

fn differing<const N: usize>(from: [(Column, FieldValue); N], to: [(Column, FieldValue); N]) -> Vec<FieldChange> {
    let pairs = from.into_iter().zip(to).filter(|((_, from), (_, to))| from != to);
    pairs.map(|((column, from), (_, to))| FieldChange { field: column.word(), from, to }).collect()
}
