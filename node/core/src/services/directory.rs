//! The directory: people and offices, as far as the reader may see them.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use noroshi_provisioning::Directory;
use noroshi_sync::id::UserId;

use crate::error::ServiceError;
use crate::limits::USERS_PAGE_MAX;
use crate::node::Node;
use crate::render::People;
use crate::text::fold;
use crate::view::{Actor, OfficeView, Role, UserView};

/// The people of one directory in the form that is searched, sorted by the reading of their names.
#[derive(Debug, Default)]
pub(crate) struct Directories {
    latest: Mutex<Option<Latest>>,
}

#[derive(Debug)]
struct Latest {
    directory: Arc<Directory>,
    people: Arc<Vec<Folded>>,
}

#[derive(Debug)]
struct Folded {
    user: UserId,
    /// Name, reading, log-in and section, folded, each on a line.
    text: String,
}

impl Directories {
    fn people(&self, directory: &Arc<Directory>) -> Arc<Vec<Folded>> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = latest.as_ref().filter(|known| Arc::ptr_eq(&known.directory, directory)) {
            return known.people.clone();
        }
        let mut people: Vec<(String, Folded)> = directory
            .users()
            .map(|user| {
                let fields = [&user.name, &user.kana, &user.login, &user.section];
                let text = fields.map(|field| fold(field)).join("\n");
                // Who has no reading is sorted by the name itself, after those who have.
                let sort = if user.kana.is_empty() { format!("\u{10ffff}{}", user.name) } else { fold(&user.kana) };
                (sort, Folded { user: user.id, text })
            })
            .collect();
        people.sort_by(|a, b| (&a.0, a.1.user).cmp(&(&b.0, b.1.user)));
        let people = Arc::new(people.into_iter().map(|(_, folded)| folded).collect::<Vec<_>>());
        *latest = Some(Latest { directory: directory.clone(), people: people.clone() });
        people
    }
}

impl Node {
    /// People whose name, reading, log-in or section contains the words, whatever the width and kind of kana; sorted by
    /// reading. Guests see the people of their rooms.
    pub async fn users(&self, actor: &Actor, query: &str, limit: u32) -> Result<Vec<UserView>, ServiceError> {
        let known = self.known_to(actor).await?;
        let directory = self.inner.directory();
        let words: Vec<String> = query.split_whitespace().take(8).map(fold).filter(|word| !word.is_empty()).collect();
        let people = self.inner.directories.people(&directory);
        let found = people
            .iter()
            .filter(|folded| known.as_ref().is_none_or(|known| known.contains(&folded.user)))
            .filter(|folded| words.iter().all(|word| folded.text.contains(word.as_str())))
            .filter_map(|folded| directory.user(folded.user))
            .map(|user| People::of(&directory).user(user, actor));
        Ok(found.take(limit.min(USERS_PAGE_MAX) as usize).collect())
    }

    /// `None`: everybody.
    async fn known_to(&self, actor: &Actor) -> Result<Option<HashSet<UserId>>, ServiceError> {
        if !actor.has(Role::Guest) {
            return Ok(None);
        }
        let user = actor.user;
        let known = self.inner.read(move |database| Ok(database.acquaintances(&user)?)).await?;
        Ok(Some(known.into_iter().chain([user]).collect()))
    }

    /// Headquarters first, then by the reading of the name.
    pub async fn offices(&self, _actor: &Actor) -> Result<Vec<OfficeView>, ServiceError> {
        let directory = self.inner.directory();
        let mut offices: Vec<_> = directory.offices().collect();
        offices.sort_by_key(|office| {
            (!directory.is_headquarters(office.id), fold(&office.kana), office.name.clone(), office.id)
        });
        Ok(offices.into_iter().map(|office| People::of(&directory).office_view(office)).collect())
    }
}
