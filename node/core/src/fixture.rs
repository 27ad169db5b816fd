//! A city to try things in: an organisation founded with the real keys, certificates and ledger entries, the same for the
//! same seed. For tests, benchmarks, simulated drills and the demo; not for a real office.

mod device;

pub use device::DeviceSigner;

use std::fmt;
use std::sync::Arc;

use noroshi_provisioning::authority::{IdentityError, IssueError};
use noroshi_provisioning::key::KeyPair;
use noroshi_provisioning::ledger::{LedgerWriter, OfficeSet, UserSet};
use noroshi_provisioning::organisation::{FirstAdministrator, Founding, FoundingError, FoundingKeys, found_with};
use noroshi_provisioning::password::{PasswordRefusal, make_verifier};
use noroshi_provisioning::{
    AdministratorKey, Directory, InvalidField, IssuingKey, NodeIdentity, OfficeId, OfficeKind, OrgId, Role,
};
use noroshi_sync::checkpoint::{InvalidKey, NodeKey};
use noroshi_sync::entry::Draft;
use noroshi_sync::id::{DeviceId, EntryId, Epoch, StorageId, UserId};
use noroshi_sync::store::{StoreError, WallClock};
use uuid::Uuid;

use crate::store::projection::{Listener, NoListener, Projection};
use crate::store::{Database, DatabaseOptions, WallMs};
use crate::view::{self, Actor};

/// The password of everybody in the city.
pub const PASSWORD: &str = "あさなぎ-訓練-七七七";
/// When the city was founded: 2026-09-01 08:00 JST, milliseconds since 1970.
pub const FOUNDED_MS: u64 = 1_788_217_200_000;

/// An organisation with offices, one node each, and people.
pub struct Fixture {
    pub organisation: OrgId,
    /// The first one is headquarters.
    pub offices: Vec<FixtureOffice>,
    /// The administrator's signing key; the administrator is the first person of headquarters.
    pub administrator: AdministratorKey,
    pub issuing: IssuingKey,
    /// Everything above as entries, to be appended in this order by the node of headquarters.
    pub ledger: Vec<Draft>,
    ids: Ids,
}

/// An office and its node.
#[derive(Clone, Debug)]
pub struct FixtureOffice {
    pub id: OfficeId,
    pub name: String,
    pub identity: NodeIdentity,
    /// The first one is administrator of the office.
    pub people: Vec<FixturePerson>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FixturePerson {
    pub id: UserId,
    pub login: String,
    pub name: String,
    pub roles: Vec<view::Role>,
}

/// Why there is no city.
#[derive(Debug, thiserror::Error)]
pub enum FixtureError {
    #[error(transparent)]
    Founding(#[from] FoundingError),
    #[error(transparent)]
    Field(#[from] InvalidField),
    #[error(transparent)]
    Password(#[from] PasswordRefusal),
    #[error(transparent)]
    Key(#[from] InvalidKey),
    #[error(transparent)]
    Issue(#[from] IssueError),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// UUIDv7s in ascending order, the same in every run.
#[derive(Debug)]
struct Ids {
    seed: u64,
    next: u64,
}

impl Ids {
    fn mint(&mut self) -> Uuid {
        self.next += 1;
        let mut random = [0u8; 10];
        let hash = blake3::hash(&[self.seed.to_be_bytes(), self.next.to_be_bytes()].concat());
        random.iter_mut().zip(hash.as_bytes()).for_each(|(to, from)| *to = *from);
        uuid::Builder::from_unix_timestamp_millis(FOUNDED_MS + self.next, &random).into_uuid()
    }
}

impl Fixture {
    /// A city with this many offices, headquarters included, each with this many people.
    pub fn city(offices: usize, people: usize) -> Result<Self, FixtureError> {
        Self::seeded(1, offices, people)
    }

    /// Different seeds give cities with different keys and ids.
    pub fn seeded(seed: u64, offices: usize, people: usize) -> Result<Self, FixtureError> {
        let mut ids = Ids { seed, next: 0 };
        let keys = FoundingKeys {
            root: key(seed, "root", 0)?,
            issuing: key(seed, "issuing", 0)?,
            node: key(seed, "node", 0)?,
            administrator: key(seed, "administrator", 0)?,
        };
        let founded = found_with(&founding(), keys, &mut || ids.mint())?;
        let administrator = FixturePerson {
            id: founded.administrator.user(),
            login: person_login(0, 0),
            name: person_name(0, 0),
            roles: vec![view::Role::SystemAdmin],
        };
        let headquarters = FixtureOffice {
            id: founded.office,
            name: office_name(0),
            identity: founded.identity,
            people: vec![administrator],
        };
        let mut city = Self {
            organisation: founded.organisation,
            offices: vec![headquarters],
            administrator: founded.administrator,
            issuing: founded.issuing,
            ledger: founded.ledger,
            ids,
        };
        for number in 1..offices {
            city.add_office(seed, number)?;
        }
        let verifier = make_verifier(PASSWORD, "")?;
        for number in 0..offices {
            for place in usize::from(number == 0)..people {
                city.add_person(number, place, verifier.clone())?;
            }
        }
        Ok(city)
    }

    fn add_office(&mut self, seed: u64, number: usize) -> Result<(), FixtureError> {
        let node = key(seed, "node", number)?;
        let chain = self.issuing.issue(node.node(), FOUNDED_MS)?;
        let root = self.offices.first().map(|office| office.identity.root_certificate().to_vec()).unwrap_or_default();
        let identity = NodeIdentity::new(node, chain, root)?;
        let office = OfficeId::from_uuid(self.ids.mint());
        let body = OfficeSet {
            office,
            name: office_name(number),
            kana: String::new(),
            kind: office_kind(number),
            hub: number == 3,
            replaces: Vec::new(),
        };
        let (first, second) = (self.entry_id(), self.entry_id());
        let directory = Directory::empty(self.organisation);
        let writer = LedgerWriter { directory: &directory, signer: &self.administrator, device: DeviceId::NIL };
        let drafts = [
            writer.office(first, body)?,
            writer.enrol(second, identity.node(), office, &format!("{}1号機", office_name(number)))?,
        ];
        self.ledger.extend(drafts);
        self.offices.push(FixtureOffice { id: office, name: office_name(number), identity, people: Vec::new() });
        Ok(())
    }

    fn add_person(
        &mut self,
        number: usize,
        place: usize,
        verifier: noroshi_provisioning::password::Verifier,
    ) -> Result<(), FixtureError> {
        let Some(office) = self.offices.get(number).map(|office| office.id) else { return Ok(()) };
        let user = UserId::from_uuid(self.ids.mint());
        let body = UserSet {
            user,
            login: person_login(number, place),
            name: person_name(number, place),
            kana: person_kana(number, place),
            office,
            section: "防災課".into(),
            post: "主任".into(),
            replaces: Vec::new(),
        };
        let role = if place == 0 { Role::OfficeAdmin } else { Role::Staff };
        let entries = [self.entry_id(), self.entry_id(), self.entry_id()];
        let directory = Directory::empty(self.organisation);
        let writer = LedgerWriter { directory: &directory, signer: &self.administrator, device: DeviceId::NIL };
        let [first, second, third] = entries;
        let person = FixturePerson {
            id: user,
            login: body.login.clone(),
            name: body.name.clone(),
            roles: vec![if place == 0 { view::Role::OfficeAdmin } else { view::Role::Staff }],
        };
        let drafts = [
            writer.user(first, body)?,
            writer.grant(second, user, role)?,
            writer.password(third, user, office, verifier)?,
        ];
        self.ledger.extend(drafts);
        if let Some(office) = self.offices.get_mut(number) {
            office.people.push(person);
        }
        Ok(())
    }

    fn entry_id(&mut self) -> EntryId {
        EntryId::from_uuid(self.ids.mint())
    }

    /// The person number `place` of office number `office`, as a session would say.
    pub fn actor(&self, office: usize, place: usize) -> Option<Actor> {
        let person = self.offices.get(office)?.people.get(place)?;
        let device = DeviceId::from_bytes(*person.id.as_bytes());
        Some(Actor { user: person.id, device, roles: person.roles.clone() })
    }

    /// An empty database in memory of the node of an office, with its projection.
    pub fn database(
        &self,
        office: usize,
        epoch: Epoch,
        wall_ms: WallMs,
    ) -> Result<(Database, Arc<Projection>), FixtureError> {
        self.listened_database(office, epoch, wall_ms, Arc::new(NoListener))
    }

    /// The same, with somebody who hears what is committed.
    pub fn listened_database(
        &self,
        office: usize,
        epoch: Epoch,
        wall_ms: WallMs,
        listener: Arc<dyn Listener>,
    ) -> Result<(Database, Arc<Projection>), FixtureError> {
        let missing = || StoreError::Invalid("the city has no such office".into());
        let identity = &self.offices.get(office).ok_or_else(missing)?.identity;
        let projection = Arc::new(Projection::new(identity.root_public_key(), listener));
        let options = DatabaseOptions {
            key: Arc::new(NodeKey::from_seed(identity.key().seed())?),
            epoch,
            fresh_storage: StorageId::from_uuid(Uuid::from_u64_pair(epoch.0, office as u64)),
            wall_ms,
            projector: projection.clone(),
        };
        let mut database = Database::in_memory(options)?;
        projection.begin(&mut database)?;
        Ok((database, projection))
    }

    /// Appends the whole ledger at a node, as `noroshi init` and the administrator's work after it would.
    pub fn write_ledger(&self, database: &mut Database) -> Result<(), StoreError> {
        let clock = WallClock { now_ms: database.wall_ms(), offset_ms: None };
        database.write(|writing| writing.append(self.ledger.clone(), clock).map(|_| ()))
    }
}

impl fmt::Debug for Fixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fixture")
            .field("organisation", &self.organisation)
            .field("offices", &self.offices.len())
            .finish()
    }
}

fn key(seed: u64, role: &str, number: usize) -> Result<KeyPair, InvalidKey> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"a key of a city that does not exist");
    hasher.update(&seed.to_be_bytes());
    hasher.update(role.as_bytes());
    hasher.update(&number.to_be_bytes());
    KeyPair::from_seed(hasher.finalize().as_bytes())
}

fn founding() -> Founding {
    Founding {
        organisation: "朝凪市".into(),
        root_passphrase: "ここは訓練のための町です".into(),
        office: office_name(0),
        office_kana: "ほんちょう".into(),
        node: "本庁1号機".into(),
        addresses: Vec::new(),
        administrator: FirstAdministrator {
            login: person_login(0, 0),
            name: person_name(0, 0),
            kana: person_kana(0, 0),
            section: "危機管理課".into(),
            post: "課長".into(),
            password: PASSWORD.into(),
        },
        now_ms: FOUNDED_MS,
    }
}

fn office_kind(number: usize) -> OfficeKind {
    match number {
        0 => OfficeKind::Headquarters,
        1 | 2 => OfficeKind::Branch,
        3 => OfficeKind::Fire,
        _ => OfficeKind::Shelter,
    }
}

fn office_name(number: usize) -> String {
    match number {
        0 => "本庁".into(),
        1 => "北支所".into(),
        2 => "南支所".into(),
        3 => "消防本部".into(),
        other => format!("第{}避難所", other - 3),
    }
}

const FAMILY_NAMES: [(&str, &str); 8] = [
    ("佐藤", "さとう"),
    ("鈴木", "すずき"),
    ("高橋", "たかはし"),
    ("田中", "たなか"),
    ("伊藤", "いとう"),
    ("渡辺", "わたなべ"),
    ("山本", "やまもと"),
    ("中村", "なかむら"),
];
const GIVEN_NAMES: [(&str, &str); 7] = [
    ("花子", "はなこ"),
    ("太郎", "たろう"),
    ("恵", "めぐみ"),
    ("健", "けん"),
    ("葵", "あおい"),
    ("翔", "しょう"),
    ("直樹", "なおき"),
];

fn names(office: usize, place: usize) -> ((&'static str, &'static str), (&'static str, &'static str)) {
    let number = office * 31 + place;
    let pick = |list: &'static [(&'static str, &'static str)]| {
        list.get(number % list.len().max(1)).copied().unwrap_or_default()
    };
    (pick(&FAMILY_NAMES), pick(&GIVEN_NAMES))
}

fn person_name(office: usize, place: usize) -> String {
    let ((family, _), (given, _)) = names(office, place);
    format!("{family} {given}")
}

fn person_kana(office: usize, place: usize) -> String {
    let ((_, family), (_, given)) = names(office, place);
    format!("{family} {given}")
}

fn person_login(office: usize, place: usize) -> String {
    format!("o{office}p{place}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_city_is_what_its_ledger_says() {
        let city = Fixture::city(4, 3).unwrap();
        let (mut database, projection) = city.database(0, Epoch(1), Arc::new(|| FOUNDED_MS)).unwrap();
        city.write_ledger(&mut database).unwrap();
        let directory = projection.directory();
        assert_eq!(directory.offices().count(), 4);
        assert_eq!(directory.nodes().count(), 4);
        assert_eq!(directory.users().count(), 12);
        assert_eq!(directory.counts().hidden, 0);
        let person = city.actor(3, 0).unwrap();
        assert!(directory.has_role(person.user, Role::OfficeAdmin));
        assert!(directory.may_log_in(city.offices[3].identity.node(), person.user));
        assert!(directory.verifier(person.user).unwrap().check(PASSWORD));
    }

    #[test]
    fn equal_seeds_give_equal_cities() {
        let ledger = |seed| Fixture::seeded(seed, 2, 2).unwrap().ledger;
        let without_salts = |seed| ledger(seed).into_iter().map(|draft| draft.id).collect::<Vec<_>>();
        assert_eq!(without_salts(5), without_salts(5));
        assert_ne!(without_salts(5), without_salts(6));
    }
}
