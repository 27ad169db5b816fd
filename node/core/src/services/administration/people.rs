//! People: the list, one of them, making, changing, passwords, roles.

use std::collections::BTreeMap;

use noroshi_provisioning::ledger::{self, Details, User, UserSet};
use noroshi_provisioning::password::{InitialPassword, NotMade, Verifier};
use noroshi_provisioning::{OfficeId, Role};
use noroshi_sync::id::{EntryId, UserId};

use crate::deeds::invalid;
use crate::error::ServiceError;
use crate::node::Node;
use crate::render::{People, count};
use crate::rights::{Action, Object, may};
use crate::text::fold;
use crate::view::{Actor, Employment, NewPersonView, PersonView, Standing};

/// A person to be made.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NewPerson {
    pub edit: PersonEdit,
    /// Besides `staff`, which everybody has.
    pub roles: Vec<Role>,
}

/// What is to change; `None` stays.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PersonEdit {
    pub login: Option<String>,
    pub name: Option<String>,
    pub kana: Option<String>,
    pub office: Option<OfficeId>,
    pub section: Option<String>,
    pub post: Option<String>,
    pub number: Option<String>,
    pub section_code: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub muster_class: Option<String>,
    pub muster_place: Option<String>,
    pub qualifications: Option<String>,
    pub employment: Option<Employment>,
    /// Milliseconds since 1970; the inner `None` takes the limit away.
    pub valid_from_ms: Option<Option<u64>>,
    pub valid_until_ms: Option<Option<u64>>,
}

impl Node {
    /// The people the actor looks after, by office, section and reading of the name.
    pub async fn people(
        &self,
        actor: &Actor,
        query: &str,
        office: Option<OfficeId>,
        state: Option<Standing>,
    ) -> Result<Vec<PersonView>, ServiceError> {
        let directory = self.inner.directory();
        may(&directory, actor, Action::SeePeople, Object::Organisation)?;
        let now_ms = self.inner.clock.wall_ms();
        let words: Vec<String> = query.split_whitespace().take(8).map(fold).filter(|word| !word.is_empty()).collect();
        let matches = |user: &User| {
            let texts = [&user.name, &user.kana, &user.login, &user.section, &user.post, &user.details.number];
            let text = texts.map(|text| fold(text)).join("\n");
            words.iter().all(|word| text.contains(word.as_str()))
        };
        let mut found: Vec<&User> = directory
            .users()
            .filter(|user| may(&directory, actor, Action::SeePeople, Object::Person(user.id)).is_ok())
            .filter(|user| office.is_none_or(|office| user.office == office))
            .filter(|user| state.is_none_or(|state| standing(&directory, user, now_ms) == state))
            .filter(|user| matches(user))
            .collect();
        found.sort_by_cached_key(|user| {
            let office = directory.office(user.office).map(|office| fold(&office.kana)).unwrap_or_default();
            (office, user.details.section_code.clone(), user.section.clone(), fold(&user.kana), user.id)
        });
        let people = People::of(&directory);
        let mut devices: BTreeMap<UserId, u32> = BTreeMap::new();
        for device in directory.devices() {
            *devices.entry(device.user).or_default() += 1;
        }
        let view = |user: &User| people.administered(user, actor, devices.get(&user.id).copied().unwrap_or(0));
        Ok(found.into_iter().map(view).collect())
    }

    pub async fn person(&self, actor: &Actor, user: UserId) -> Result<PersonView, ServiceError> {
        let directory = self.inner.directory();
        may(&directory, actor, Action::SeePeople, Object::Person(user))?;
        let user = directory.user(user).ok_or(ServiceError::NotFound)?;
        let devices = directory.devices().filter(|device| device.user == user.id).count();
        Ok(People::of(&directory).administered(user, actor, count(devices)))
    }

    /// Makes a person with a password that is shown once.
    pub async fn add_person(&self, actor: &Actor, new: NewPerson) -> Result<NewPersonView, ServiceError> {
        may(&self.inner.directory(), actor, Action::ManagePeople, Object::Organisation)?;
        self.signer(actor)?;
        let (initial_password, verifier) = self.initial_password().await?;
        Ok(NewPersonView { person: self.add_person_with(actor, new, verifier).await?, initial_password })
    }

    /// Makes a person whose password was chosen elsewhere.
    pub async fn add_person_with(
        &self,
        actor: &Actor,
        new: NewPerson,
        verifier: Verifier,
    ) -> Result<PersonView, ServiceError> {
        let user = UserId::from_uuid(uuid::Uuid::now_v7());
        let office = new.edit.office.ok_or(ServiceError::Invalid { field: "office", code: "empty" })?;
        let work = move |writer: &ledger::LedgerWriter<'_, _>, mint: &dyn Fn() -> EntryId| {
            let empty = UserSet {
                user,
                login: String::new(),
                name: String::new(),
                kana: String::new(),
                office,
                section: String::new(),
                post: String::new(),
                replaces: Vec::new(),
            };
            let set = changed(&empty, &new.edit);
            check_place(writer.directory, &set)?;
            let mut drafts = vec![writer.user(mint(), set).map_err(invalid)?];
            let details = changed_details(&Details::default(), &new.edit);
            drafts.push(writer.details(mint(), user, details).map_err(invalid)?);
            for role in
                std::iter::once(Role::Staff).chain(new.roles.iter().copied().filter(|role| *role != Role::Staff))
            {
                drafts.push(writer.grant(mint(), user, role).map_err(invalid)?);
            }
            drafts.push(writer.password(mint(), user, office, verifier.clone()).map_err(invalid)?);
            Ok(drafts)
        };
        self.signed(actor, Action::ManagePeople, Object::Organisation, Box::new(work)).await?;
        self.person(actor, user).await
    }

    /// Changes a person. Who moves to another office takes the password along.
    pub async fn edit_person(&self, actor: &Actor, user: UserId, edit: PersonEdit) -> Result<PersonView, ServiceError> {
        let work = move |writer: &ledger::LedgerWriter<'_, _>, mint: &dyn Fn() -> EntryId| {
            let known = writer.directory.user(user).ok_or(ServiceError::NotFound)?;
            let before = user_set(known);
            let set = changed(&before, &edit);
            check_place(writer.directory, &set)?;
            let mut drafts = Vec::new();
            if set != before {
                let moved = set.office != known.office;
                let office = set.office;
                // What is planned for a day keeps what it changes and takes over the rest.
                for plan in &known.planned {
                    let merged = merged(&before, &set, &plan.set);
                    drafts.push(writer.transfer(mint(), plan.effective_ms, merged).map_err(invalid)?);
                }
                drafts.push(writer.user(mint(), set).map_err(invalid)?);
                if let Some(verifier) = writer.directory.verifier(user).filter(|_| moved) {
                    drafts.push(writer.password(mint(), user, office, verifier.clone()).map_err(invalid)?);
                }
            }
            let details = changed_details(&known.details, &edit);
            if details != known.details {
                drafts.push(writer.details(mint(), user, details).map_err(invalid)?);
            }
            Ok(drafts)
        };
        self.signed(actor, Action::ManagePeople, Object::Person(user), Box::new(work)).await?;
        self.person(actor, user).await
    }

    /// Makes a new password, which is shown once; the person's log-ins end.
    pub async fn reset_password(&self, actor: &Actor, user: UserId) -> Result<String, ServiceError> {
        may(&self.inner.directory(), actor, Action::ManagePeople, Object::Person(user))?;
        self.signer(actor)?;
        let (initial_password, verifier) = self.initial_password().await?;
        self.set_password(actor, user, verifier).await?;
        Ok(initial_password)
    }

    /// Sets a password that was chosen elsewhere; the person's log-ins end.
    pub async fn set_password(&self, actor: &Actor, user: UserId, verifier: Verifier) -> Result<(), ServiceError> {
        let work = move |writer: &ledger::LedgerWriter<'_, _>, mint: &dyn Fn() -> EntryId| {
            let office = writer.directory.user(user).ok_or(ServiceError::NotFound)?.office;
            Ok(vec![writer.password(mint(), user, office, verifier.clone()).map_err(invalid)?])
        };
        self.signed(actor, Action::ManagePeople, Object::Person(user), Box::new(work)).await
    }

    /// A password to be handed over on paper, and what is kept of it.
    async fn initial_password(&self) -> Result<(String, Verifier), ServiceError> {
        let make = || {
            let password = InitialPassword::random()?;
            let verifier = password.verifier()?;
            Ok((password.as_str().to_owned(), verifier))
        };
        let made: Result<_, NotMade> = self.inner.compute(make).await?;
        made.map_err(|error| ServiceError::Storage(error.to_string()))
    }

    /// Gives or takes a role.
    pub async fn set_role(&self, actor: &Actor, user: UserId, role: Role, on: bool) -> Result<(), ServiceError> {
        let now_ms = self.inner.clock.wall_ms();
        let work = move |writer: &ledger::LedgerWriter<'_, _>, mint: &dyn Fn() -> EntryId| {
            if writer.directory.has_role(user, role) == on {
                return Ok(Vec::new());
            }
            let last = role == Role::SystemAdmin
                && !on
                && writer.directory.users().filter(|user| user.roles.contains(&role)).count() <= 1;
            if last {
                return Err(ServiceError::Invalid { field: "role", code: "last_admin" });
            }
            let draft = if on { writer.grant(mint(), user, role) } else { writer.remove(mint(), user, role, now_ms) };
            Ok(vec![draft.map_err(invalid)?])
        };
        self.signed(actor, Action::ManagePeople, Object::Person(user), Box::new(work)).await
    }
}

fn standing(directory: &ledger::Directory, user: &User, now_ms: u64) -> Standing {
    if !directory.suspensions(user.id).is_empty() {
        Standing::Suspended
    } else if user.details.is_valid_at(now_ms) {
        Standing::Active
    } else {
        Standing::Ended
    }
}

/// The person as an entry says it.
fn user_set(user: &User) -> UserSet {
    UserSet {
        user: user.id,
        login: user.login.clone(),
        name: user.name.clone(),
        kana: user.kana.clone(),
        office: user.office,
        section: user.section.clone(),
        post: user.post.clone(),
        replaces: Vec::new(),
    }
}

fn changed(before: &UserSet, edit: &PersonEdit) -> UserSet {
    let text = |new: &Option<String>, old: &String| new.as_deref().map_or_else(|| old.clone(), |new| new.trim().into());
    UserSet {
        user: before.user,
        login: text(&edit.login, &before.login),
        name: text(&edit.name, &before.name),
        kana: text(&edit.kana, &before.kana),
        office: edit.office.unwrap_or(before.office),
        section: text(&edit.section, &before.section),
        post: text(&edit.post, &before.post),
        replaces: Vec::new(),
    }
}

/// The plan, with every field that it leaves as it was `before` taken from the change.
fn merged(before: &UserSet, after: &UserSet, plan: &UserSet) -> UserSet {
    let text =
        |before: &String, after: &String, plan: &String| if plan == before { after.clone() } else { plan.clone() };
    UserSet {
        user: plan.user,
        login: text(&before.login, &after.login, &plan.login),
        name: text(&before.name, &after.name, &plan.name),
        kana: text(&before.kana, &after.kana, &plan.kana),
        office: if plan.office == before.office { after.office } else { plan.office },
        section: text(&before.section, &after.section, &plan.section),
        post: text(&before.post, &after.post, &plan.post),
        replaces: Vec::new(),
    }
}

fn changed_details(before: &Details, edit: &PersonEdit) -> Details {
    let text = |new: &Option<String>, old: &String| new.as_deref().map_or_else(|| old.clone(), |new| new.trim().into());
    Details {
        number: text(&edit.number, &before.number),
        section_code: text(&edit.section_code, &before.section_code),
        email: text(&edit.email, &before.email),
        phone: text(&edit.phone, &before.phone),
        muster_class: text(&edit.muster_class, &before.muster_class),
        muster_place: text(&edit.muster_place, &before.muster_place),
        qualifications: text(&edit.qualifications, &before.qualifications),
        employment: match edit.employment {
            None => before.employment,
            Some(Employment::Regular) => ledger::Employment::Regular,
            Some(Employment::FixedTerm) => ledger::Employment::FixedTerm,
            Some(Employment::SectionAccount) => ledger::Employment::SectionAccount,
        },
        valid_from_ms: edit.valid_from_ms.unwrap_or(before.valid_from_ms),
        valid_until_ms: edit.valid_until_ms.unwrap_or(before.valid_until_ms),
    }
}

fn check_place(directory: &ledger::Directory, set: &UserSet) -> Result<(), ServiceError> {
    if directory.office(set.office).is_none() {
        return Err(ServiceError::Invalid { field: "office", code: "unknown_office" });
    }
    if directory.user_by_login(&set.login).is_some_and(|user| user.id != set.user) {
        return Err(ServiceError::Invalid { field: "login", code: "login_taken" });
    }
    Ok(())
}
