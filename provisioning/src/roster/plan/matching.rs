//! Which person a row speaks of: the one with the number, otherwise the one with the log-in name.

use std::collections::{BTreeMap, BTreeSet};

use noroshi_sync::id::UserId;

use super::super::problem::{Problem, ProblemCode};
use super::super::row::RosterRow;
use super::super::value::{folded, number_key};
use crate::ledger::{Directory, User};

/// Whom a row means.
pub enum Match<'a> {
    Known(&'a User),
    New { login: String },
}

/// Finds people, and notices when two rows mean one.
pub struct Matching<'a> {
    directory: &'a Directory,
    now_ms: u64,
    by_number: BTreeMap<String, Vec<&'a User>>,
    /// Log-in names of everybody, also of people who left.
    taken: BTreeSet<&'a str>,
    numbers: BTreeSet<String>,
    logins: BTreeSet<String>,
    people: BTreeSet<UserId>,
}

impl<'a> Matching<'a> {
    pub fn new(directory: &'a Directory, now_ms: u64) -> Self {
        let mut by_number: BTreeMap<String, Vec<&User>> = BTreeMap::new();
        for user in directory.users().filter(|user| !user.details.number.is_empty()) {
            by_number.entry(number_key(&user.details.number)).or_default().push(user);
        }
        let taken = directory.users().map(|user| user.login.as_str()).collect();
        let (numbers, logins, people) = Default::default();
        Self { directory, now_ms, by_number, taken, numbers, logins, people }
    }

    pub fn find(&mut self, row: &RosterRow) -> Result<Match<'a>, Problem> {
        let problem = |code, about: &str| Err(Problem::of_row(row.row, code).about(about));
        if let Some(number) = &row.number
            && !self.numbers.insert(number_key(number))
        {
            return problem(ProblemCode::DuplicateNumber, number);
        }
        let numbered = self.by_number(row)?;
        let named = row.login.as_deref().and_then(|login| self.directory.user_by_login(login));
        let user = match (numbered, named) {
            (Some(numbered), Some(named)) if numbered.id != named.id => {
                return problem(ProblemCode::NumberAndLoginDiffer, &format!("{}、{}", numbered.name, named.name));
            }
            (None, Some(named)) if row.number.is_some() && !named.details.number.is_empty() => {
                return problem(ProblemCode::NumberAndLoginDiffer, &named.name);
            }
            (None, Some(named)) if !self.is_same_or_serving(named, row) => {
                return problem(ProblemCode::LoginTaken, &named.login);
            }
            (numbered, named) => numbered.or(named),
        };
        let login = match (user, &row.login, &row.number) {
            (_, Some(login), _) => login.clone(),
            (Some(user), None, _) => user.login.clone(),
            (None, None, number) => number.as_deref().unwrap_or_default().to_lowercase(),
        };
        if user.is_none() && self.taken.contains(login.as_str()) {
            return problem(ProblemCode::LoginTaken, &login);
        }
        if !self.logins.insert(login.clone()) || user.is_some_and(|user| !self.people.insert(user.id)) {
            return problem(ProblemCode::DuplicateLogin, &login);
        }
        Ok(user.map_or(Match::New { login }, Match::Known))
    }

    /// The person with the number of the row. Those who left keep their number until somebody comes back with it.
    fn by_number(&self, row: &RosterRow) -> Result<Option<&'a User>, Problem> {
        let Some(number) = &row.number else { return Ok(None) };
        let found = self.by_number.get(&number_key(number)).map(Vec::as_slice).unwrap_or_default();
        let (ended, current): (Vec<&User>, Vec<&User>) = found.iter().copied().partition(|user| self.has_ended(user));
        match (current.as_slice(), ended.as_slice()) {
            ([one], _) => Ok(Some(one)),
            ([], []) => Ok(None),
            ([], ended) => {
                match ended.iter().filter(|user| folded(&user.name) == folded(&row.name)).max_by_key(|u| u.id) {
                    Some(same) => Ok(Some(same)),
                    None => {
                        let names: Vec<&str> = ended.iter().map(|user| user.name.as_str()).collect();
                        Err(Problem::of_row(row.row, ProblemCode::NumberReused).about(&names.join("、")))
                    }
                }
            }
            (several, _) => {
                let names: Vec<&str> = several.iter().map(|user| user.name.as_str()).collect();
                Err(Problem::of_row(row.row, ProblemCode::NumberShared).about(&names.join("、")))
            }
        }
    }

    fn has_ended(&self, user: &User) -> bool {
        user.details.valid_until_ms.is_some_and(|until| until <= self.now_ms)
    }

    fn is_same_or_serving(&self, user: &User, row: &RosterRow) -> bool {
        !self.has_ended(user) || folded(&user.name) == folded(&row.name)
    }
}
