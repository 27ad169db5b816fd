//! People and offices as others see them.

use noroshi_provisioning::ledger::{Office, User};
use noroshi_provisioning::{Directory, OfficeId, OfficeKind};
use noroshi_sync::id::UserId;

use crate::view::{self, Actor, AuthorView, OfficeRef, OfficeView, PersonRef, UserView};

/// The directory, as the source of names.
#[derive(Clone, Copy)]
pub(crate) struct People<'a> {
    directory: &'a Directory,
}

impl<'a> People<'a> {
    pub const fn of(directory: &'a Directory) -> Self {
        Self { directory }
    }

    pub const fn directory(&self) -> &'a Directory {
        self.directory
    }

    /// Somebody the directory does not (yet) name has an empty name.
    pub fn person(&self, user: UserId) -> PersonRef {
        PersonRef { id: user.as_uuid(), name: self.name(user) }
    }

    pub fn author(&self, user: UserId) -> AuthorView {
        let office = self.directory.user(user).map(|user| user.office);
        AuthorView { id: user.as_uuid(), name: self.name(user), office: self.office(office.unwrap_or(NOWHERE)) }
    }

    pub fn name(&self, user: UserId) -> String {
        self.directory.user(user).map(|user| user.name.clone()).unwrap_or_default()
    }

    pub fn office(&self, office: OfficeId) -> OfficeRef {
        let name = self.directory.office(office).map(|office| office.name.clone()).unwrap_or_default();
        OfficeRef { id: office.as_uuid(), name }
    }

    pub fn office_view(&self, office: &Office) -> OfficeView {
        OfficeView {
            id: office.id.as_uuid(),
            name: office.name.clone(),
            kind: office_kind(office.kind),
            hub: office.hub,
            nodes: self.directory.nodes_of(office.id).map(|node| node.to_string()).collect(),
        }
    }

    /// The log-in name is for the person and for administrators.
    pub fn user(&self, user: &User, reader: &Actor) -> UserView {
        let may_know =
            reader.user == user.id || reader.has(view::Role::SystemAdmin) || reader.has(view::Role::OfficeAdmin);
        UserView {
            id: user.id.as_uuid(),
            login: may_know.then(|| user.login.clone()),
            name: user.name.clone(),
            kana: user.kana.clone(),
            office: self.office(user.office),
            section: user.section.clone(),
            post: user.post.clone(),
            roles: roles(user),
        }
    }

    /// As [`Self::user`], also for somebody who is in the directory no more.
    pub fn user_or_stranger(&self, user: UserId, reader: &Actor) -> UserView {
        match self.directory.user(user) {
            Some(user) => self.user(user, reader),
            None => UserView {
                id: user.as_uuid(),
                login: None,
                name: String::new(),
                kana: String::new(),
                office: self.office(NOWHERE),
                section: String::new(),
                post: String::new(),
                roles: Vec::new(),
            },
        }
    }
}

const NOWHERE: OfficeId = OfficeId::from_bytes([0; 16]);

/// Roles in the order of the contract.
pub(crate) fn roles(user: &User) -> Vec<view::Role> {
    user.roles.iter().map(|role| (*role).into()).collect()
}

const fn office_kind(kind: OfficeKind) -> view::OfficeKind {
    match kind {
        OfficeKind::Headquarters => view::OfficeKind::Headquarters,
        OfficeKind::Branch => view::OfficeKind::Branch,
        OfficeKind::Fire => view::OfficeKind::Fire,
        OfficeKind::Shelter => view::OfficeKind::Shelter,
        OfficeKind::Health => view::OfficeKind::Health,
        OfficeKind::Other => view::OfficeKind::Other,
    }
}
