//! Founding an organisation: all keys, and the first entries of its ledger.

use noroshi_sync::checkpoint::InvalidKey;
use noroshi_sync::entry::Draft;
use noroshi_sync::id::{DeviceId, EntryId, UserId};
use uuid::Uuid;

use crate::address::NodeAddress;
use crate::authority::{
    IdentityError, IssueError, IssuingKey, KeyFileError, KeyFolder, NodeIdentity, root_certificate,
};
use crate::field::{InvalidField, check_name};
use crate::id::{OfficeId, OrgId};
use crate::key::{KeyPair, NoRandomness};
use crate::ledger::{Directory, LedgerWriter, OfficeSet, UserSet, addresses_draft};
use crate::limits::NAME_CHARS_MAX;
use crate::office_kind::OfficeKind;
use crate::password::{PasswordRefusal, make_verifier};
use crate::role::Role;
use crate::sealed::{SealError, seal_administrator, seal_root};
use crate::signer::{AdministratorKey, RootKey};

/// What an organisation begins with. Names as people write them, trimmed.
#[derive(Clone, Debug)]
pub struct Founding {
    pub organisation: String,
    /// Seals the root key.
    pub root_passphrase: String,
    pub office: String,
    pub office_kana: String,
    /// Name of the first node.
    pub node: String,
    /// Where it can be reached; may be empty.
    pub addresses: Vec<NodeAddress>,
    pub administrator: FirstAdministrator,
    /// Milliseconds since 1970.
    pub now_ms: u64,
}

/// The first person.
#[derive(Clone, Debug)]
pub struct FirstAdministrator {
    pub login: String,
    pub name: String,
    pub kana: String,
    pub section: String,
    pub post: String,
    /// For logging in, and for sealing the person's signing key.
    pub password: String,
}

/// An organisation with one office, one node and one administrator. Nothing is on disk yet.
#[derive(Debug)]
pub struct Founded {
    pub organisation: OrgId,
    pub office: OfficeId,
    pub identity: NodeIdentity,
    pub issuing: IssuingKey,
    pub root: RootKey,
    pub administrator: AdministratorKey,
    sealed_root: Vec<u8>,
    sealed_administrator: Vec<u8>,
    /// The first entries, to be appended in this order by the first node.
    pub ledger: Vec<Draft>,
}

/// Why nothing was founded.
#[derive(Debug, thiserror::Error)]
pub enum FoundingError {
    #[error(transparent)]
    Field(#[from] InvalidField),
    #[error(transparent)]
    Password(#[from] PasswordRefusal),
    #[error("the keys could not be sealed: {0}")]
    Seal(#[from] SealError),
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    #[error(transparent)]
    Key(#[from] InvalidKey),
    #[error(transparent)]
    Issue(#[from] IssueError),
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// The four keys of a new organisation.
#[derive(Debug)]
pub struct FoundingKeys {
    pub root: KeyPair,
    pub issuing: KeyPair,
    pub node: KeyPair,
    pub administrator: KeyPair,
}

impl FoundingKeys {
    pub fn generate() -> Result<Self, NoRandomness> {
        Ok(Self {
            root: KeyPair::generate()?,
            issuing: KeyPair::generate()?,
            node: KeyPair::generate()?,
            administrator: KeyPair::generate()?,
        })
    }
}

/// Makes the keys (random), the certificates and the first entries. About 50 ms, most of it for the three passwords.
pub fn found(founding: &Founding) -> Result<Founded, FoundingError> {
    found_with(founding, FoundingKeys::generate()?, &mut Uuid::now_v7)
}

/// The same with given keys and ids (UUIDv7): for a simulator.
pub fn found_with(
    founding: &Founding,
    keys: FoundingKeys,
    mint: &mut dyn FnMut() -> Uuid,
) -> Result<Founded, FoundingError> {
    check_name("organisation", &founding.organisation, NAME_CHARS_MAX)?;
    let root_certificate = root_certificate(&keys.root, &founding.organisation, founding.now_ms)?;
    let issuing = IssuingKey::create(&keys.root, &root_certificate, keys.issuing, founding.now_ms)?;
    let chain = issuing.issue(keys.node.node(), founding.now_ms)?;
    let identity = NodeIdentity::new(keys.node, chain, root_certificate)?;

    let root = RootKey::new(keys.root);
    let user = UserId::from_uuid(mint());
    let administrator = AdministratorKey::new(user, EntryId::from_uuid(mint()), keys.administrator);
    let office = OfficeId::from_uuid(mint());
    let ledger = first_entries(founding, &root, &administrator, &identity, office, mint)?;
    Ok(Founded {
        organisation: identity.organisation(),
        office,
        sealed_root: seal_root(&founding.root_passphrase, &root)?,
        sealed_administrator: seal_administrator(&founding.administrator.password, &administrator)?,
        identity,
        issuing,
        root,
        administrator,
        ledger,
    })
}

/// The root makes the first administrator and enrols the first node; the administrator says the rest.
fn first_entries(
    founding: &Founding,
    root: &RootKey,
    administrator: &AdministratorKey,
    identity: &NodeIdentity,
    office: OfficeId,
    mint: &mut dyn FnMut() -> Uuid,
) -> Result<Vec<Draft>, FoundingError> {
    let person = &founding.administrator;
    let user = administrator.user();
    let verifier = make_verifier(&person.password, &person.login)?;
    let directory = Directory::empty(identity.organisation());
    let by_root = LedgerWriter { directory: &directory, signer: root, device: DeviceId::NIL };
    let by_administrator = LedgerWriter { directory: &directory, signer: administrator, device: DeviceId::NIL };
    let mut id = || EntryId::from_uuid(mint());

    let office_set = OfficeSet {
        office,
        name: founding.office.clone(),
        kana: founding.office_kana.clone(),
        kind: OfficeKind::Headquarters,
        // Headquarters holds every room anyway.
        hub: false,
        replaces: Vec::new(),
    };
    let user_set = UserSet {
        user,
        login: person.login.clone(),
        name: person.name.clone(),
        kana: person.kana.clone(),
        office,
        section: person.section.clone(),
        post: person.post.clone(),
        replaces: Vec::new(),
    };
    let mut entries = vec![
        by_root.administrator_key(administrator.entry(), user, administrator.key().public())?,
        by_administrator.office(id(), office_set)?,
        by_root.enrol(id(), identity.node(), office, &founding.node)?,
        by_administrator.user(id(), user_set)?,
        by_root.grant(id(), user, Role::SystemAdmin)?,
        by_administrator.password(id(), user, office, verifier)?,
        // From here on headquarters goes on by itself, day by day.
        by_administrator.time_mark(id(), founding.now_ms)?,
    ];
    if !founding.addresses.is_empty() {
        entries.push(addresses_draft(directory.rooms(), id(), identity.node(), founding.addresses.clone())?);
    }
    Ok(entries)
}

impl Founded {
    /// Writes every key into the data folder. The node's key is written last: what is interrupted is no node, and can
    /// be founded again in another folder.
    pub fn save(&self, keys: &KeyFolder) -> Result<(), KeyFileError> {
        keys.save_sealed_root(&self.sealed_root)?;
        keys.save_issuing(&self.issuing)?;
        keys.save_sealed_administrator(self.administrator.user(), &self.sealed_administrator)?;
        keys.save_node(&self.identity)
    }
}

#[cfg(test)]
mod tests;
