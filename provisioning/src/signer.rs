//! Whose signature stands under a ledger entry: the root key's or an administrator's.

use std::fmt;

use noroshi_sync::checkpoint::Signature;
use noroshi_sync::entry::{Draft, Lane, SignatureKind, statement};
use noroshi_sync::id::{DeviceId, EntryId, RoomId, UserId};

use crate::body::Body;
use crate::field::InvalidField;
use crate::key::KeyPair;

/// Can put its name under entries of the ledger.
pub trait Signer {
    /// Nil for the organisation itself.
    fn author(&self) -> UserId;
    /// The entry that names the key; nil for the root key.
    fn auth_ref(&self) -> EntryId;
    fn sign(&self, message: &[u8]) -> Signature;

    /// A signed draft that says `body` in `room`. `id` is a fresh UUIDv7.
    fn draft<B: Body>(&self, room: RoomId, id: EntryId, device: DeviceId, body: &B) -> Result<Draft, InvalidField> {
        let body = body.encode()?;
        let statement = statement(room, id, B::KIND, self.author(), &body);
        Ok(Draft {
            room,
            lane: Lane::Policy,
            id,
            kind: B::KIND,
            author: self.author(),
            device,
            auth_ref: self.auth_ref(),
            sig_alg: SignatureKind::Administrator.number(),
            sig: Some(self.sign(&statement).as_bytes().to_vec()),
            body,
        })
    }
}

/// The organisation's root key. Makes the first administrator and can replace all; otherwise it lies in a safe.
#[derive(Debug)]
pub struct RootKey(KeyPair);

impl RootKey {
    pub const fn new(key: KeyPair) -> Self {
        Self(key)
    }
    pub const fn key(&self) -> &KeyPair {
        &self.0
    }
}

impl Signer for RootKey {
    fn author(&self) -> UserId {
        UserId::NIL
    }
    fn auth_ref(&self) -> EntryId {
        EntryId::NIL
    }
    fn sign(&self, message: &[u8]) -> Signature {
        self.0.sign(message)
    }
}

/// The key with which one administrator signs on this machine.
pub struct AdministratorKey {
    user: UserId,
    /// The `AdministratorKeySet` entry that names the key.
    entry: EntryId,
    key: KeyPair,
}

impl AdministratorKey {
    pub const fn new(user: UserId, entry: EntryId, key: KeyPair) -> Self {
        Self { user, entry, key }
    }
    pub const fn user(&self) -> UserId {
        self.user
    }
    pub const fn entry(&self) -> EntryId {
        self.entry
    }
    pub const fn key(&self) -> &KeyPair {
        &self.key
    }

    /// Signs a draft that was made otherwise: sets author, auth_ref and signature.
    #[must_use]
    pub fn sign_draft(&self, mut draft: Draft) -> Draft {
        draft.author = self.user;
        draft.auth_ref = self.entry;
        draft.sig_alg = SignatureKind::Administrator.number();
        let statement = statement(draft.room, draft.id, draft.kind, draft.author, &draft.body);
        draft.sig = Some(self.key.sign(&statement).as_bytes().to_vec());
        draft
    }
}

impl Signer for AdministratorKey {
    fn author(&self) -> UserId {
        self.user
    }
    fn auth_ref(&self) -> EntryId {
        self.entry
    }
    fn sign(&self, message: &[u8]) -> Signature {
        self.key.sign(message)
    }
}

impl fmt::Debug for AdministratorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AdministratorKey({}, {:?})", self.user, self.key)
    }
}
