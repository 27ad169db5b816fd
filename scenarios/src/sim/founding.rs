//! Founds the organisation of a scenario with the real keys and ledger entries. Nobody logs in, so there are no passwords
//! and no certificates.

use std::collections::BTreeMap;

use noroshi_node::view::{self, Actor};
use noroshi_provisioning::key::KeyPair;
use noroshi_provisioning::ledger::{LedgerWriter, OfficeSet, UserSet};
use noroshi_provisioning::{Directory, InvalidField, OfficeId, OrgId, Role, RootKey};
use noroshi_sync::checkpoint::InvalidKey;
use noroshi_sync::entry::Draft;
use noroshi_sync::id::{DeviceId, EntryId, NodeId, UserId};

use super::random::Random;
use crate::scenario::{OfficeNumber, Scenario};

/// Keys, names and the entries that say so.
pub(crate) struct Founded {
    pub root: [u8; 32],
    pub organisation: OrgId,
    /// By office of the scenario.
    pub offices: Vec<FoundedOffice>,
    /// By person of the scenario.
    pub people: Vec<Actor>,
    /// To be appended by the node of the first office.
    pub ledger: Vec<Draft>,
}

pub(crate) struct FoundedOffice {
    pub id: OfficeId,
    pub seed: [u8; 32],
    pub node: NodeId,
}

/// Why an organisation cannot be founded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FoundingFailed {
    #[error(transparent)]
    Key(#[from] InvalidKey),
    #[error(transparent)]
    Field(#[from] InvalidField),
}

/// Makes ids as a device at this time would: UUIDv7.
pub(crate) fn mint(random: &mut Random, wall_ms: u64) -> uuid::Uuid {
    uuid::Builder::from_unix_timestamp_millis(wall_ms, &random.bytes()).into_uuid()
}

pub(crate) fn found(scenario: &Scenario, wall_ms: u64, random: &mut Random) -> Result<Founded, FoundingFailed> {
    let root = KeyPair::from_seed(&random.bytes())?;
    let organisation = OrgId::of_root(&root.public());
    let mut founded =
        Founded { root: root.public(), organisation, offices: Vec::new(), people: Vec::new(), ledger: Vec::new() };
    let root = RootKey::new(root);
    let directory = Directory::empty(organisation);
    let writer = LedgerWriter { directory: &directory, signer: &root, device: DeviceId::NIL };
    let entry = |random: &mut Random| EntryId::from_uuid(mint(random, wall_ms));
    for office in &scenario.offices {
        let id = OfficeId::from_uuid(mint(random, wall_ms));
        let seed: [u8; 32] = random.bytes();
        let node = KeyPair::from_seed(&seed)?.node();
        let body = OfficeSet {
            office: id,
            name: office.name.clone(),
            kana: String::new(),
            kind: office.kind,
            hub: office.hub,
            replaces: Vec::new(),
        };
        founded.ledger.push(writer.office(entry(random), body)?);
        founded.ledger.push(writer.enrol(entry(random), node, id, &office.name)?);
        founded.offices.push(FoundedOffice { id, seed, node });
    }
    let mut heads: BTreeMap<OfficeNumber, UserId> = BTreeMap::new();
    for (number, person) in scenario.people.iter().enumerate() {
        let user = UserId::from_uuid(mint(random, wall_ms));
        let Some(office) = founded.offices.get(person.office.0) else { continue };
        let body = UserSet {
            user,
            login: format!("p{number:04}"),
            name: person.name.clone(),
            kana: person.kana.clone(),
            office: office.id,
            section: "防災課".into(),
            post: String::new(),
            replaces: Vec::new(),
        };
        founded.ledger.push(writer.user(entry(random), body)?);
        // The first person of each office looks after it.
        let head = *heads.entry(person.office).or_insert(user) == user;
        let (role, seen) =
            if head { (Role::OfficeAdmin, view::Role::OfficeAdmin) } else { (Role::Staff, view::Role::Staff) };
        founded.ledger.push(writer.grant(entry(random), user, role)?);
        founded.people.push(Actor { user, device: DeviceId::from_bytes(random.bytes()), roles: vec![seen] });
    }
    Ok(founded)
}
