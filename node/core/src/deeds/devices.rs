//! Devices and suspensions: codes, requests, stopping and letting in again.

use noroshi_provisioning::audit::{AuditEvent, AuditKind, Subject};
use noroshi_provisioning::ledger::{
    DeviceEnrol, DeviceRequest, DeviceRequestEnd, LedgerWriter, NodeWriter, RequestOutcome,
};
use noroshi_provisioning::{AdministratorKey, Directory, Role};
use noroshi_sync::id::{DeviceId, EntryId, UserId};

use super::Desk;
use super::policy::impossible;
use crate::error::ServiceError;
use crate::limits::REQUESTS_OPEN_MAX;
use crate::rights::{Action, Object};
use crate::store::query::CodeRow;
use crate::view::Actor;

/// Who or what is stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stopped {
    User(UserId),
    /// A device of that person.
    Device(DeviceId, UserId),
}

impl Stopped {
    pub const fn user(self) -> UserId {
        match self {
            Self::User(user) | Self::Device(_, user) => user,
        }
    }

    /// The right it takes.
    pub const fn action(self) -> Action {
        match self {
            Self::User(_) => Action::Suspend,
            Self::Device(..) => Action::SuspendDevice,
        }
    }
}

impl Desk<'_> {
    /// Keeps a code that is handed over for `code.user`, and says what became of the request behind it.
    pub fn issue_code(&self, actor: &Actor, code_hash: &[u8; 32], code: &CodeRow) -> Result<(), ServiceError> {
        self.check(actor, Action::IssueCode, Object::Person(code.user))?;
        if !code.request.is_nil() {
            self.end_request(actor, code.request, Some(code.user), RequestOutcome::Issued)?;
        }
        self.writing.add_device_code(code_hash, code, self.clock.now_ms)?;
        let event = AuditEvent::new(AuditKind::DeviceCodeIssued, Some(Subject::User(code.user)));
        Ok(self.note((actor.user, actor.device), &event)?)
    }

    /// Makes a device known, for a code that was handed out here, is still good and has not been used.
    pub fn redeem_code(&self, code_hash: &[u8; 32], mut enrol: DeviceEnrol) -> Result<(), ServiceError> {
        let known = self.writing.device_code(code_hash)?;
        let good =
            known.filter(|code| !code.redeemed && code.user == enrol.user && code.expires_ms > self.clock.now_ms);
        let code = good.ok_or(ServiceError::Denied("wrong_device_code"))?;
        self.writing.redeem_device_code(code_hash, self.clock.now_ms)?;
        enrol.request = code.request;
        let current = self.projection.current(self.writing)?;
        let writer = NodeWriter { directory: &current.directory, author: enrol.user, device: enrol.device };
        let draft = writer.enrol_device((self.mint)(), &enrol).map_err(impossible)?;
        self.append(vec![draft])?;
        Ok(())
    }

    /// Asks for a code for a colleague, or for oneself.
    pub fn request_device(&self, actor: &Actor, user: UserId, reason: &str) -> Result<EntryId, ServiceError> {
        self.check(actor, Action::RequestDevice, Object::Person(user))?;
        let current = self.projection.current(self.writing)?;
        let office = current.directory.user(user).map(|user| user.office);
        let open = current.directory.requests().filter(|request| {
            request.outcome.is_none() && current.directory.user(request.user).map(|user| user.office) == office
        });
        let mut count = 0;
        for request in open {
            if request.user == user {
                return Ok(request.entry);
            }
            count += 1;
        }
        if count >= REQUESTS_OPEN_MAX {
            return Err(ServiceError::TooLarge { what: "open requests", limit: REQUESTS_OPEN_MAX });
        }
        let id = (self.mint)();
        let body = DeviceRequest { user, reason: reason.trim().to_owned() };
        let draft = self.by_node(actor, &current.directory).request_device(id, &body).map_err(impossible)?;
        self.append(vec![draft])?;
        Ok(id)
    }

    pub fn decline_request(&self, actor: &Actor, request: EntryId) -> Result<(), ServiceError> {
        self.end_request(actor, request, None, RequestOutcome::Declined)
    }

    fn end_request(
        &self,
        actor: &Actor,
        request: EntryId,
        of: Option<UserId>,
        outcome: RequestOutcome,
    ) -> Result<(), ServiceError> {
        let current = self.projection.current(self.writing)?;
        let known = current.directory.request(request).ok_or(ServiceError::NotFound)?;
        self.check(actor, Action::IssueCode, Object::Person(known.user))?;
        if known.outcome.is_some() || of.is_some_and(|user| user != known.user) {
            return Err(ServiceError::Conflict);
        }
        let body = DeviceRequestEnd { request, outcome };
        let draft = self.by_node(actor, &current.directory).end_request((self.mint)(), &body).map_err(impossible)?;
        self.append(vec![draft])?;
        Ok(())
    }

    /// Stops a person or a device. With an administrator's key it holds everywhere; without, everywhere for people of this
    /// office and for one's own devices.
    ///
    /// # Errors
    /// `Denied("console_locked")` where only a key has effect beyond this node.
    pub fn suspend(
        &self,
        actor: &Actor,
        stopped: Stopped,
        reason: &str,
        key: Option<&AdministratorKey>,
    ) -> Result<(), ServiceError> {
        self.check(actor, stopped.action(), Object::Person(stopped.user()))?;
        let current = self.projection.current(self.writing)?;
        let (directory, id, reason, now_ms) = (&*current.directory, (self.mint)(), reason.trim(), self.clock.now_ms);
        if is_stopped(directory, stopped) {
            return Ok(());
        }
        let draft = match key {
            Some(signer) => {
                let writer = LedgerWriter { directory, signer, device: actor.device };
                match stopped {
                    Stopped::User(user) => writer.suspend_user(id, user, reason, now_ms),
                    Stopped::Device(device, user) => writer.suspend_device(id, device, user, reason),
                }
            }
            None if self.reaches(directory, actor, stopped) => self.stop_by_node(actor, directory, stopped, reason),
            None => return Err(ServiceError::Denied("console_locked")),
        };
        self.append(vec![draft.map_err(impossible)?])?;
        Ok(())
    }

    /// The node by itself stops a device whose passcode was tried too often.
    pub fn suspend_by_itself(&self, device: DeviceId, user: UserId) -> Result<(), ServiceError> {
        let current = self.projection.current(self.writing)?;
        let nobody = Actor { user: UserId::NIL, device: DeviceId::NIL, roles: Vec::new() };
        let reason = "暗証番号の誤り";
        let stopped = Stopped::Device(device, user);
        let draft = self.stop_by_node(&nobody, &current.directory, stopped, reason).map_err(impossible)?;
        self.append(vec![draft])?;
        Ok(())
    }

    fn stop_by_node(
        &self,
        actor: &Actor,
        directory: &Directory,
        stopped: Stopped,
        reason: &str,
    ) -> Result<noroshi_sync::entry::Draft, noroshi_provisioning::InvalidField> {
        let (writer, id) = (self.by_node(actor, directory), (self.mint)());
        match stopped {
            Stopped::User(user) => writer.suspend_user(id, user, reason, self.clock.now_ms),
            Stopped::Device(device, user) => writer.suspend_device(id, device, user, reason),
        }
    }

    /// Whether the word of this node alone stops them everywhere. A visitor is stopped here until the home confirms, which
    /// is all that an office which is cut off can do.
    fn reaches(&self, directory: &Directory, actor: &Actor, stopped: Stopped) -> bool {
        let office = directory.office_of(self.writing.node());
        let of_here = directory.user(stopped.user()).is_some_and(|user| Some(user.office) == office);
        match stopped {
            Stopped::User(user) => of_here && !directory.has_role(user, Role::SystemAdmin),
            Stopped::Device(_, user) => of_here || user == actor.user,
        }
    }

    /// Lets a person or a device in again, by an administrator's key.
    pub fn lift(&self, actor: &Actor, stopped: Stopped, signer: &AdministratorKey) -> Result<(), ServiceError> {
        self.check(actor, Action::Lift, Object::Person(stopped.user()))?;
        let current = self.projection.current(self.writing)?;
        let writer = LedgerWriter { directory: &current.directory, signer, device: actor.device };
        let draft = match stopped {
            Stopped::User(user) => writer.lift_user((self.mint)(), user),
            Stopped::Device(device, user) => writer.lift_device((self.mint)(), device, user),
        };
        self.append(vec![draft.map_err(|_| ServiceError::NotFound)?])?;
        Ok(())
    }

    /// The actor accepts the rules of use that are in force.
    pub fn accept_rules(&self, actor: &Actor, rules: EntryId) -> Result<(), ServiceError> {
        self.check(actor, Action::AcceptRules, Object::Organisation)?;
        let current = self.projection.current(self.writing)?;
        let known = current.directory.rules().ok_or(ServiceError::NotFound)?;
        if known.entry != rules {
            return Err(ServiceError::Conflict);
        }
        if known.accepted.contains_key(&actor.user) {
            return Ok(());
        }
        let draft = self.by_node(actor, &current.directory).accept_rules((self.mint)(), rules).map_err(impossible)?;
        self.append(vec![draft])?;
        Ok(())
    }

    pub(super) fn by_node<'d>(&self, actor: &Actor, directory: &'d Directory) -> NodeWriter<'d> {
        NodeWriter { directory, author: actor.user, device: actor.device }
    }
}

/// Whether it holds everywhere already.
fn is_stopped(directory: &Directory, stopped: Stopped) -> bool {
    use noroshi_provisioning::ledger::Scope;
    let suspensions = match stopped {
        Stopped::User(user) => directory.suspensions(user),
        Stopped::Device(device, user) => directory.device_suspensions(device, user),
    };
    suspensions.iter().any(|suspension| suspension.scope == Scope::Everywhere)
}
