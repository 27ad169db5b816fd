//! Makes the entries of the ledger: each in its room, with what it replaces or lifts taken from the directory.

use noroshi_sync::entry::{Draft, Lane};
use noroshi_sync::id::{DeviceId, EntryId, NodeId, UserId};

use super::body::{
    AdministratorKeySet, NodeAddresses, NodeEnrol, NodeInvite, OfficeSet, PasswordVerifier, RoleGrant, RoleRemove,
    UserSet,
};
use super::directory::Directory;
use super::rooms::LedgerRooms;
use crate::address::NodeAddress;
use crate::body::Body;
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
}

/// A password that the person chose, vouched for by the node where it was typed. Fails for somebody not in the directory.
pub fn own_password_draft(
    directory: &Directory,
    id: EntryId,
    device: DeviceId,
    user: UserId,
    verifier: Verifier,
) -> Result<Draft, InvalidField> {
    let office = directory.user(user).ok_or(InvalidField::new("user", "unknown"))?.office;
    let body = PasswordVerifier { user, verifier, replaces: directory.verifier_heads(user).to_vec() };
    let room = directory.rooms().secrets(office);
    let kind = PasswordVerifier::KIND;
    Ok(Draft::attested(room, Lane::Policy, id, kind, user, device, EntryId::NIL, body.encode()?))
}

/// Where `node`, which writes this itself, can be reached.
pub fn addresses_draft(
    rooms: &LedgerRooms,
    id: EntryId,
    node: NodeId,
    addresses: Vec<NodeAddress>,
) -> Result<Draft, InvalidField> {
    let body = NodeAddresses { node, addresses }.encode()?;
    let kind = NodeAddresses::KIND;
    Ok(Draft::attested(rooms.public, Lane::Policy, id, kind, UserId::NIL, DeviceId::NIL, EntryId::NIL, body))
}
