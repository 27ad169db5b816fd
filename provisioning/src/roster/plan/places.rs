//! Where a person works: lists name sections, the directory needs an office.

use std::collections::{BTreeMap, BTreeSet};

use super::super::problem::{Problem, ProblemCode};
use super::super::row::RosterRow;
use super::super::value::{folded, number_key};
use super::person::{Person, Profile};
use crate::id::OfficeId;
use crate::ledger::Directory;

/// What is known of offices and sections.
pub struct Places<'a> {
    /// By folded name, the longest first, so that 北支所分室 is not taken for 北支所.
    offices: Vec<(String, OfficeId)>,
    /// Offices in which people of a section, or of the department before the space, work.
    offices_of: BTreeMap<String, BTreeSet<OfficeId>>,
    /// Sections that go by a code.
    sections_of: BTreeMap<String, BTreeSet<&'a str>>,
}

impl<'a> Places<'a> {
    pub fn new(directory: &'a Directory, rows: &'a [RosterRow]) -> Self {
        let mut offices: Vec<_> = directory.offices().map(|office| (folded(&office.name), office.id)).collect();
        offices.sort_by_key(|(name, _)| std::cmp::Reverse(name.chars().count()));
        let mut offices_of: BTreeMap<String, BTreeSet<OfficeId>> = BTreeMap::new();
        let mut sections_of: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for user in directory.users().filter(|user| !user.section.is_empty()) {
            offices_of.entry(folded(&user.section)).or_default().insert(user.office);
            offices_of.entry(department(&user.section)).or_default().insert(user.office);
            if !user.details.section_code.is_empty() {
                sections_of.entry(number_key(&user.details.section_code)).or_default().insert(&user.section);
            }
        }
        let coded = rows.iter().filter_map(|row| Some((row.section_code.as_deref()?, row.section.as_deref()?)));
        for (code, section) in coded.filter(|(code, section)| !code.is_empty() && !section.is_empty()) {
            sections_of.entry(number_key(code)).or_default().insert(section);
        }
        Self { offices, offices_of, sections_of }
    }

    /// What the row says of a person, the rest as before.
    pub fn profile(&self, row: &RosterRow, before: Option<&Person>) -> Result<Profile, Problem> {
        let known = before.map(|person| person.profile.clone()).unwrap_or_default();
        let section = self.section(row, before)?;
        let office = self.office(row, &section, before)?;
        Ok(Profile {
            login: row.login.clone().unwrap_or(known.login),
            name: row.name.clone(),
            kana: row.kana.clone().unwrap_or(known.kana),
            office,
            section,
            post: row.post.clone().unwrap_or(known.post),
        })
    }

    fn section(&self, row: &RosterRow, before: Option<&Person>) -> Result<String, Problem> {
        let said = row.section.as_deref().unwrap_or_default();
        if !said.is_empty() {
            return Ok(said.to_owned());
        }
        let code = row.section_code.as_deref().unwrap_or_default();
        let known = before.map(|person| person.profile.section.clone()).unwrap_or_default();
        if code.is_empty() {
            // An empty cell empties; without the column nothing is said.
            return Ok(if row.section.is_some() { String::new() } else { known });
        }
        if before.is_some_and(|person| number_key(&person.details.section_code) == number_key(code)) {
            return Ok(known);
        }
        let named = self.sections_of.get(&number_key(code));
        match named.and_then(|sections| sections.first()).filter(|_| named.is_some_and(|sections| sections.len() == 1))
        {
            Some(section) => Ok((*section).to_owned()),
            None => Err(Problem::of_row(row.row, ProblemCode::UnknownSection).about(code)),
        }
    }

    /// The office the row names; the one whose name the section begins with; the only one there is; the one the person
    /// is at, in an unchanged section; the one where everybody else of the section or department is. Never a guess.
    fn office(&self, row: &RosterRow, section: &str, before: Option<&Person>) -> Result<OfficeId, Problem> {
        if let Some(name) = &row.office {
            let found = self.offices.iter().find(|(known, _)| *known == folded(name)).map(|(_, office)| *office);
            return found.ok_or_else(|| Problem::of_row(row.row, ProblemCode::UnknownOffice).about(name));
        }
        let wanted = folded(section);
        if let Some((_, office)) = self.offices.iter().find(|(name, _)| wanted.starts_with(name.as_str())) {
            return Ok(*office);
        }
        if let [(_, only)] = self.offices.as_slice() {
            return Ok(*only);
        }
        if let Some(person) = before.filter(|person| folded(&person.profile.section) == wanted) {
            return Ok(person.profile.office);
        }
        let of = |name: &str| match self.offices_of.get(name) {
            Some(offices) if offices.len() == 1 => offices.first().copied(),
            _ => None,
        };
        let unknown = || Problem::of_row(row.row, ProblemCode::UnknownSection).about(section);
        of(&wanted).or_else(|| of(&department(section))).ok_or_else(unknown)
    }
}

/// 総務部 of 総務部 危機管理課.
fn department(section: &str) -> String {
    folded(section.split_whitespace().next().unwrap_or_default())
}
