//! Makes the entries of the ledger that no key of a person signs: a node vouches for them.

use noroshi_sync::entry::{Draft, Lane};
use noroshi_sync::id::{DeviceId, EntryId, NodeId, RoomId, UserId};

use super::body::{
    AdministratorKeyRequest, DeviceEnrol, DeviceRequest, DeviceRequestEnd, DeviceSuspend, NodeAddresses,
    PasswordVerifier, PostSet, RulesAccepted, TimeMark, UserSuspend, Witness,
};
use super::directory::Directory;
use super::rooms::LedgerRooms;
use crate::address::NodeAddress;
use crate::body::Body;
use crate::field::InvalidField;
use crate::password::Verifier;

/// Writes what `author` did on `device` at this node, knowing what `directory` knows. The nil author: the node by itself.
/// Every `id` is a fresh UUIDv7.
#[derive(Clone, Copy, Debug)]
pub struct NodeWriter<'a> {
    pub directory: &'a Directory,
    pub author: UserId,
    pub device: DeviceId,
}

impl NodeWriter<'_> {
    fn draft<B: Body>(&self, room: RoomId, id: EntryId, body: &B) -> Result<Draft, InvalidField> {
        Ok(attested(room, id, self.author, self.device, body.encode()?, B::KIND))
    }

    /// Stops a person: everywhere for one of this office, else here.
    pub fn suspend_user(&self, id: EntryId, user: UserId, reason: &str, now_ms: u64) -> Result<Draft, InvalidField> {
        let acts_until = self.directory.acts_until(user, now_ms);
        let body = UserSuspend { user, reason: reason.to_owned(), acts_until };
        self.draft(self.directory.rooms().directory, id, &body)
    }

    pub fn suspend_device(
        &self,
        id: EntryId,
        device: DeviceId,
        user: UserId,
        reason: &str,
    ) -> Result<Draft, InvalidField> {
        let body = DeviceSuspend { device, user, reason: reason.to_owned() };
        self.draft(self.directory.rooms().directory, id, &body)
    }

    pub fn enrol_device(&self, id: EntryId, body: &DeviceEnrol) -> Result<Draft, InvalidField> {
        self.draft(self.directory.rooms().directory, id, body)
    }

    pub fn request_device(&self, id: EntryId, body: &DeviceRequest) -> Result<Draft, InvalidField> {
        self.draft(self.directory.rooms().directory, id, body)
    }

    pub fn end_request(&self, id: EntryId, body: &DeviceRequestEnd) -> Result<Draft, InvalidField> {
        self.draft(self.directory.rooms().directory, id, body)
    }

    pub fn accept_rules(&self, id: EntryId, rules: EntryId) -> Result<Draft, InvalidField> {
        self.draft(self.directory.rooms().directory, id, &RulesAccepted { user: self.author, rules })
    }

    /// The author asks for a key of theirs to be named.
    pub fn request_key(&self, id: EntryId, key: [u8; 32]) -> Result<Draft, InvalidField> {
        self.draft(self.directory.rooms().directory, id, &AdministratorKeyRequest { user: self.author, key })
    }

    /// Makes or changes a post of this office; `replaces` is filled in.
    pub fn post(&self, id: EntryId, mut body: PostSet) -> Result<Draft, InvalidField> {
        body.replaces = self.directory.post(body.post).map(|post| post.heads.clone()).unwrap_or_default();
        self.draft(self.directory.rooms().directory, id, &body)
    }

    /// A password that the author chose. Fails for somebody not in the directory.
    pub fn own_password(&self, id: EntryId, verifier: Verifier) -> Result<Draft, InvalidField> {
        let user = self.directory.user(self.author).ok_or(InvalidField::new("user", "unknown"))?;
        let replaces = self.directory.verifier_heads(user.id).to_vec();
        let body = PasswordVerifier { user: user.id, verifier, replaces };
        self.draft(self.directory.rooms().secrets(user.office), id, &body)
    }

    /// Headquarters goes on with its time; `None` while no administrator has set it.
    pub fn time_mark(&self, id: EntryId, at_ms: u64) -> Option<Result<Draft, InvalidField>> {
        let (_, previous) = self.directory.headquarters_time()?;
        let body = TimeMark { at_ms, previous, replaces: Vec::new() };
        Some(self.draft(self.directory.rooms().public, id, &body))
    }
}

/// What this node holds of a revoked node's logs in `room`.
pub fn witness_draft(room: RoomId, id: EntryId, body: &Witness) -> Result<Draft, InvalidField> {
    Ok(attested(room, id, UserId::NIL, DeviceId::NIL, body.encode()?, Witness::KIND))
}

/// Where `node`, which writes this itself, can be reached.
pub fn addresses_draft(
    rooms: &LedgerRooms,
    id: EntryId,
    node: NodeId,
    addresses: Vec<NodeAddress>,
) -> Result<Draft, InvalidField> {
    let body = NodeAddresses { node, addresses }.encode()?;
    Ok(attested(rooms.public, id, UserId::NIL, DeviceId::NIL, body, NodeAddresses::KIND))
}

fn attested(room: RoomId, id: EntryId, author: UserId, device: DeviceId, body: Vec<u8>, kind: u16) -> Draft {
    Draft::attested(room, Lane::Policy, id, kind, author, device, EntryId::NIL, body)
}
