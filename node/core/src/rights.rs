//! Who may do what: one answer, asked where a request arrives and again where the thing is used.
//!
//! The answer depends on the directory as it is at that moment, never on what a session once said. Whoever may not know
//! of a thing is told that it does not exist.

mod action;
#[cfg(test)]
mod tests;

use noroshi_provisioning::{Directory, OfficeId, Role};
use noroshi_sync::id::{RoomId, UserId};

pub use action::Action;

use crate::error::ServiceError;
use crate::store::Database;
use crate::store::query::Standing;
use crate::view::{Actor, RoomKind, RoomRole};

/// What an action is done to.
#[derive(Clone, Copy, Debug)]
pub enum Object<'a> {
    /// The organisation as a whole, or nothing in particular.
    Organisation,
    Office(OfficeId),
    /// A person, or a device of that person.
    Person(UserId),
    /// A room, as the actor stands in it; `None`: not at all.
    Room(Option<&'a Standing>),
    /// A message of that author in a room.
    Message(&'a Standing, UserId),
}

/// Whether `actor` may do this, by the directory.
///
/// # Errors
/// `NotFound` for what the actor must not know of, else `Forbidden` with a reason for the log.
pub fn may(directory: &Directory, actor: &Actor, action: Action, object: Object<'_>) -> Result<(), ServiceError> {
    match object {
        Object::Room(None) => Err(ServiceError::NotFound),
        Object::Room(Some(standing)) => in_room(actor, action, standing, actor.user),
        Object::Message(standing, author) => in_room(actor, action, standing, author),
        Object::Organisation => organisation_wide(directory, actor, action),
        Object::Office(office) => about_office(directory, actor, action, office),
        Object::Person(user) => about_person(directory, actor, action, user),
    }
}

/// How the actor stands in a room, for this action.
///
/// # Errors
/// `NotFound` for who is not in it; `Forbidden` for members without the right.
pub fn standing_for(
    database: &Database,
    directory: &Directory,
    actor: &Actor,
    room: &RoomId,
    action: Action,
) -> Result<Standing, ServiceError> {
    let standing = database.standing(room, &actor.user)?;
    may(directory, actor, action, Object::Room(standing.as_ref()))?;
    standing.ok_or(ServiceError::NotFound)
}

fn in_room(actor: &Actor, action: Action, standing: &Standing, author: UserId) -> Result<(), ServiceError> {
    let admin = standing.role == RoomRole::Admin;
    let direct = standing.kind == RoomKind::Direct;
    match action {
        Action::SeeRoom | Action::EditPage | Action::React | Action::MarkRead | Action::ShowTyping => Ok(()),
        Action::Post if admin || standing.kind != RoomKind::Announcement => Ok(()),
        Action::Post => Err(ServiceError::Forbidden("only administrators of the room post announcements")),
        Action::RenameRoom | Action::ManageMembers if direct => {
            Err(ServiceError::Forbidden("a conversation of two has no other members"))
        }
        Action::LeaveRoom if direct => Err(ServiceError::Forbidden("a conversation of two has no other members")),
        Action::LeaveRoom => Ok(()),
        Action::RenameRoom | Action::ManageMembers if admin => Ok(()),
        Action::RenameRoom => Err(ServiceError::Forbidden("only administrators of the room rename it")),
        Action::ManageMembers => Err(ServiceError::Forbidden("only administrators of the room manage its members")),
        Action::EditMessage if author == actor.user => Ok(()),
        Action::EditMessage => Err(ServiceError::Forbidden("only the author edits a message")),
        Action::RedactMessage if author == actor.user || admin => Ok(()),
        Action::RedactMessage => {
            Err(ServiceError::Forbidden("only the author or an administrator of the room takes a message back"))
        }
        _ => Err(ServiceError::Forbidden("nothing that is done in a room")),
    }
}

fn organisation_wide(directory: &Directory, actor: &Actor, action: Action) -> Result<(), ServiceError> {
    let has = |role| directory.has_role(actor.user, role);
    let inside = directory.user(actor.user).is_some_and(|user| !user.roles.contains(&Role::Guest));
    let allowed = match action {
        // Guests are shown the people of their rooms.
        Action::SeeSelf | Action::SeeDirectory | Action::AcceptRules => true,
        Action::SeePeers | Action::CreateRoom | Action::Search => inside,
        Action::SwitchLinks | Action::CarryRecords => {
            has(Role::SystemAdmin) || has(Role::OfficeAdmin) || has(Role::DrillController)
        }
        // Which offices and people come with it is decided one by one.
        Action::SeePeople | Action::SeeNodes | Action::SeeAudit | Action::SeeUsage | Action::SeeRequests => {
            has(Role::SystemAdmin) || has(Role::OfficeAdmin)
        }
        Action::ManagePeople
        | Action::ManageOffices
        | Action::ManageNodes
        | Action::ManageKeys
        | Action::SetPolicy
        | Action::EditRules
        | Action::EraseContent
        | Action::RenewDocument
        | Action::Lift
        | Action::SeeMetrics
        | Action::UnlockConsole => has(Role::SystemAdmin),
        _ => false,
    };
    if allowed { Ok(()) } else { Err(ServiceError::Forbidden("not by this role")) }
}

/// Administrators of an office look after it; those of the system after all.
fn about_office(directory: &Directory, actor: &Actor, action: Action, office: OfficeId) -> Result<(), ServiceError> {
    if directory.has_role(actor.user, Role::SystemAdmin) {
        return Ok(());
    }
    let own = directory.user(actor.user).is_some_and(|user| user.office == office);
    let delegated = matches!(
        action,
        Action::SeePeople | Action::ManagePosts | Action::SeeAudit | Action::SeeUsage | Action::SeeRequests
    );
    if delegated && own && directory.has_role(actor.user, Role::OfficeAdmin) {
        return Ok(());
    }
    Err(ServiceError::Forbidden("not in this office"))
}

fn about_person(directory: &Directory, actor: &Actor, action: Action, user: UserId) -> Result<(), ServiceError> {
    let Some(person) = directory.user(user) else { return Err(ServiceError::NotFound) };
    let own = user == actor.user;
    let system_admin = directory.has_role(actor.user, Role::SystemAdmin);
    let home = directory.user(actor.user).map(|actor| actor.office);
    let office_admin = directory.has_role(actor.user, Role::OfficeAdmin) && home == Some(person.office);
    let colleague = home == Some(person.office) && !directory.has_role(actor.user, Role::Guest);
    let allowed = match action {
        Action::SeeDevices => own || system_admin || office_admin,
        Action::SuspendDevice => own || system_admin || office_admin,
        Action::SeePeople | Action::IssueCode | Action::SeeRequests => system_admin || office_admin,
        // Administrators are stopped by administrators' keys only.
        Action::Suspend => !own && (system_admin || office_admin && !person.roles.contains(&Role::SystemAdmin)),
        Action::RequestDevice => colleague || system_admin,
        Action::ManagePeople | Action::Lift => system_admin,
        _ => false,
    };
    if allowed { Ok(()) } else { Err(ServiceError::Forbidden("not about this person")) }
}
