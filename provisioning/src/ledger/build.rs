//! Makes the signed entries of the ledger: each in its room, with what it replaces or lifts taken from the directory.

use noroshi_sync::entry::Draft;
use noroshi_sync::id::{DeviceId, EntryId, NodeId, UserId};

use super::body::{
    AdministratorKeyEnd, AdministratorKeySet, Details, DeviceLift, DeviceSuspend, InviteCancel, NodeEnrol, NodeInvite,
    NodeRevoke, OfficeSet, PasswordVerifier, Policy, PolicySet, PostSet, RoamingSet, RoleGrant, RoleRemove, RulesSet,
    TimeMark, UserDetail, UserLift, UserSet, UserSuspend, UserTransfer,
};
use super::directory::Directory;
use crate::field::InvalidField;
use crate::id::OfficeId;
use crate::password::Verifier;
use crate::role::Role;
use crate::signer::Signer;

/// Writes in the name of `signer`, knowing what `directory` knows. Every `id` is a fresh UUIDv7.
#[derive(Clone, Copy, Debug)]
pub struct LedgerWriter<'a, S> {
    pub directory: &'a Directory,
    pub signer: &'a S,
    pub device: DeviceId,
}

impl<S: Signer> LedgerWriter<'_, S> {
    /// Makes or changes an office; `replaces` is filled in.
    pub fn office(&self, id: EntryId, mut body: OfficeSet) -> Result<Draft, InvalidField> {
        body.replaces = self.directory.office(body.office).map(|office| office.heads.clone()).unwrap_or_default();
        self.signer.draft(self.directory.rooms().public, id, self.device, &body)
    }

    pub fn invite(&self, id: EntryId, body: &NodeInvite) -> Result<Draft, InvalidField> {
        self.signer.draft(self.directory.rooms().public, id, self.device, body)
    }

    /// Enrols a node without an invitation.
    pub fn enrol(&self, id: EntryId, node: NodeId, office: OfficeId, name: &str) -> Result<Draft, InvalidField> {
        let body = NodeEnrol { node, office, name: name.to_string(), invite_signature: None };
        self.signer.draft(self.directory.rooms().public, id, self.device, &body)
    }

    pub fn administrator_key(&self, id: EntryId, user: UserId, key: [u8; 32]) -> Result<Draft, InvalidField> {
        self.signer.draft(self.directory.rooms().public, id, self.device, &AdministratorKeySet { user, key })
    }

    /// Makes or changes a person; `replaces` is filled in.
    pub fn user(&self, id: EntryId, mut body: UserSet) -> Result<Draft, InvalidField> {
        body.replaces = self.directory.user(body.user).map(|user| user.heads.clone()).unwrap_or_default();
        self.signer.draft(self.directory.rooms().directory, id, self.device, &body)
    }

    /// Gives a role, lifting every removal of it known here.
    pub fn grant(&self, id: EntryId, user: UserId, role: Role) -> Result<Draft, InvalidField> {
        let body = RoleGrant { user, role, lifts: self.directory.role_removals(user, role).to_vec() };
        self.signer.draft(self.directory.rooms().directory, id, self.device, &body)
    }

    /// Takes a role. `now_ms`: the clock of this machine, milliseconds since 1970.
    pub fn remove(&self, id: EntryId, user: UserId, role: Role, now_ms: u64) -> Result<Draft, InvalidField> {
        let body = RoleRemove { user, role, acts_until: self.directory.acts_until(user, now_ms) };
        self.signer.draft(self.directory.rooms().directory, id, self.device, &body)
    }

    /// Sets the password of a person in the secrets of `office` (usually the person's own).
    pub fn password(
        &self,
        id: EntryId,
        user: UserId,
        office: OfficeId,
        verifier: Verifier,
    ) -> Result<Draft, InvalidField> {
        let body = PasswordVerifier { user, verifier, replaces: self.directory.verifier_heads(user).to_vec() };
        self.signer.draft(self.directory.rooms().secrets(office), id, self.device, &body)
    }

    /// Details of a person; `replaces` is filled in.
    pub fn details(&self, id: EntryId, user: UserId, details: Details) -> Result<Draft, InvalidField> {
        let replaces = self.directory.user(user).map(|user| user.detail_heads.clone()).unwrap_or_default();
        self.signer.draft(self.directory.rooms().directory, id, self.device, &UserDetail { user, details, replaces })
    }

    /// A change of a person that takes force at `effective_ms`; `replaces` is filled in, with earlier plans for the same
    /// moment or later.
    pub fn transfer(&self, id: EntryId, effective_ms: u64, mut set: UserSet) -> Result<Draft, InvalidField> {
        if let Some(user) = self.directory.user(set.user) {
            let planned = user.planned.iter().map(|plan| plan.entry);
            set.replaces = user.heads.iter().copied().chain(planned).collect();
        }
        self.signer.draft(self.directory.rooms().directory, id, self.device, &UserTransfer { effective_ms, set })
    }

    /// Stops a person everywhere; an administrator only together with a second administrator.
    pub fn suspend_user(&self, id: EntryId, user: UserId, reason: &str, now_ms: u64) -> Result<Draft, InvalidField> {
        let acts_until = self.directory.acts_until(user, now_ms);
        let body = UserSuspend { user, reason: reason.to_owned(), acts_until };
        self.signer.draft(self.directory.rooms().directory, id, self.device, &body)
    }

    /// Lifts every suspension of the person that is known here.
    pub fn lift_user(&self, id: EntryId, user: UserId) -> Result<Draft, InvalidField> {
        let known = self.directory.suspensions(user).iter().chain(self.directory.awaited_suspensions(user));
        let lifts = known.map(|suspension| suspension.entry).collect();
        self.signer.draft(self.directory.rooms().directory, id, self.device, &UserLift { user, lifts })
    }

    pub fn suspend_device(
        &self,
        id: EntryId,
        device: DeviceId,
        user: UserId,
        reason: &str,
    ) -> Result<Draft, InvalidField> {
        let body = DeviceSuspend { device, user, reason: reason.to_owned() };
        self.signer.draft(self.directory.rooms().directory, id, self.device, &body)
    }

    /// Lifts every suspension of the device that is known here.
    pub fn lift_device(&self, id: EntryId, device: DeviceId, user: UserId) -> Result<Draft, InvalidField> {
        let known = self.directory.device_suspensions(device, user).iter();
        let lifts = known.map(|suspension| suspension.entry).collect();
        self.signer.draft(self.directory.rooms().directory, id, self.device, &DeviceLift { device, lifts })
    }

    pub fn revoke(&self, id: EntryId, node: NodeId, reason: &str) -> Result<Draft, InvalidField> {
        let body = NodeRevoke { node, reason: reason.to_owned() };
        self.signer.draft(self.directory.rooms().public, id, self.device, &body)
    }

    /// Ends the key that the entry `key` introduced.
    pub fn end_key(&self, id: EntryId, key: EntryId, now_ms: u64) -> Result<Draft, InvalidField> {
        let user = self.directory.administrator_key(key).map(|record| record.user).unwrap_or(UserId::NIL);
        let body = AdministratorKeyEnd { key, acts_until: self.directory.acts_until(user, now_ms) };
        self.signer.draft(self.directory.rooms().public, id, self.device, &body)
    }

    pub fn cancel_invite(&self, id: EntryId, invite: EntryId) -> Result<Draft, InvalidField> {
        self.signer.draft(self.directory.rooms().public, id, self.device, &InviteCancel { invite })
    }

    /// Sets the time of headquarters, also backwards.
    pub fn time_mark(&self, id: EntryId, at_ms: u64) -> Result<Draft, InvalidField> {
        let replaces = self.directory.time_heads().to_vec();
        let body = TimeMark { at_ms, previous: EntryId::NIL, replaces };
        self.signer.draft(self.directory.rooms().public, id, self.device, &body)
    }

    pub fn policy(&self, id: EntryId, policy: Policy) -> Result<Draft, InvalidField> {
        let body = PolicySet { policy, replaces: self.directory.policy_heads().to_vec() };
        self.signer.draft(self.directory.rooms().public, id, self.device, &body)
    }

    pub fn rules(&self, id: EntryId, text: &str) -> Result<Draft, InvalidField> {
        let replaces = self.directory.rules().map(|rules| rules.heads.clone()).unwrap_or_default();
        let body = RulesSet { text: text.to_owned(), replaces };
        self.signer.draft(self.directory.rooms().directory, id, self.device, &body)
    }

    /// Makes or changes a post; `replaces` is filled in.
    pub fn post(&self, id: EntryId, mut body: PostSet) -> Result<Draft, InvalidField> {
        body.replaces = self.directory.post(body.post).map(|post| post.heads.clone()).unwrap_or_default();
        self.signer.draft(self.directory.rooms().directory, id, self.device, &body)
    }

    /// Lets the people of `home` log in at `host`, or not any more.
    pub fn roaming(&self, id: EntryId, home: OfficeId, host: OfficeId, allowed: bool) -> Result<Draft, InvalidField> {
        let replaces = self.directory.roaming_heads(home, host).to_vec();
        let body = RoamingSet { home, host, allowed, replaces };
        self.signer.draft(self.directory.rooms().public, id, self.device, &body)
    }
}
