//! A small town for the tests: fixed keys, a clock by hand, and nodes that write what they are told.

use std::collections::BTreeMap;

use noroshi_sync::entry::{Draft, Entry, Lane};
use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::{DeviceId, EntryId, Epoch, NodeId, RoomId, UserId};
use noroshi_sync::log::LogId;
use uuid::Uuid;

use crate::id::OfficeId;
use crate::id::OrgId;
use crate::key::KeyPair;
use crate::ledger::{Directory, Ledger, LedgerRooms, LedgerWriter, OfficeSet, UserSet, room_ids};
use crate::office_kind::OfficeKind;
use crate::password::Verifier;
use crate::role::Role;
use crate::signer::{AdministratorKey, RootKey, Signer};

pub type Written = (LogId, Entry);

pub const NOW_MS: u64 = 1_790_000_000_000;

pub fn key(n: u8) -> KeyPair {
    KeyPair::from_seed(&[n; 32]).unwrap()
}

pub fn user(n: u8) -> UserId {
    UserId::from_bytes([n; 16])
}

pub fn office(n: u8) -> OfficeId {
    OfficeId::from_bytes([n; 16])
}

/// Ids whose order is the order of `ms`.
pub fn entry_id(ms: u64, n: u8) -> EntryId {
    EntryId::from_uuid(uuid::Builder::from_unix_timestamp_millis(ms, &[n; 10]).into_uuid())
}

pub fn verifier(mark: char) -> Verifier {
    // The last character holds two bits of filling.
    let hash: String = std::iter::repeat_n(mark, 42).chain(['A']).collect();
    Verifier::try_from(format!("$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA${hash}")).unwrap()
}

/// Writes drafts into logs, each entry one millisecond after the one before unless the clock is set.
pub struct Scribe {
    pub now_ms: u64,
    seqs: BTreeMap<LogId, u64>,
    minted: u64,
}

impl Default for Scribe {
    fn default() -> Self {
        Self { now_ms: NOW_MS, seqs: BTreeMap::new(), minted: 0 }
    }
}

impl Scribe {
    pub fn id(&mut self) -> EntryId {
        self.minted += 1;
        entry_id(NOW_MS + self.minted, 1)
    }

    pub fn write(&mut self, node: NodeId, draft: Draft) -> Written {
        self.now_ms += 1;
        self.write_at(node, draft, self.now_ms)
    }

    pub fn write_at(&mut self, node: NodeId, draft: Draft, ms: u64) -> Written {
        let log = LogId::new(draft.room, node, Epoch(1), Lane::Policy);
        let seq = self.seqs.entry(log).or_insert(0);
        *seq += 1;
        (log, draft.into_entry(*seq, Hlc::from_parts(ms, 0), ms, None))
    }
}

/// 朝凪市: headquarters (office 1, node 1), north (2, 2), south (3, 3), a hub (4, 4). The administrator is user 1 of headquarters;
/// users 2 and 3 are of north, 4 and 5 of south, 6 of the hub, 7 another of headquarters.
pub struct Town {
    pub root: RootKey,
    pub administrator: AdministratorKey,
    pub rooms: LedgerRooms,
    pub scribe: Scribe,
    pub entries: Vec<Written>,
}

impl Town {
    pub fn root_public() -> [u8; 32] {
        key(200).public()
    }

    pub fn node(n: u8) -> NodeId {
        key(n).node()
    }

    pub fn new() -> Self {
        let mut scribe = Scribe::default();
        let administrator = AdministratorKey::new(user(1), scribe.id(), key(100));
        let rooms = room_ids(OrgId::of_root(&Self::root_public()));
        let mut town = Self { root: RootKey::new(key(200)), administrator, rooms, scribe, entries: Vec::new() };
        let named = town.administrator.entry();
        town.by_root(|root, _| root.administrator_key(named, user(1), key(100).public()));
        town.by_root(|root, id| root.grant(id, user(1), Role::SystemAdmin));
        for (n, kind) in
            [(1, OfficeKind::Headquarters), (2, OfficeKind::Branch), (3, OfficeKind::Branch), (4, OfficeKind::Fire)]
        {
            town.by_administrator(|admin, id| admin.office(id, office_set(n, kind)));
            town.by_root(|root, id| root.enrol(id, Self::node(n), office(n), "node"));
        }
        for (n, home) in [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (6, 4), (7, 1)] {
            town.by_administrator(|admin, id| admin.user(id, user_set(n, home)));
        }
        town
    }

    /// Something signed by the root, written at headquarters.
    pub fn by_root(
        &mut self,
        draft: impl FnOnce(LedgerWriter<'_, RootKey>, EntryId) -> Result<Draft, crate::InvalidField>,
    ) -> Written {
        let (directory, id) = (self.directory(), self.scribe.id());
        let writer = LedgerWriter { directory: &directory, signer: &self.root, device: DeviceId::NIL };
        let draft = draft(writer, id).unwrap();
        self.write(1, draft)
    }

    /// Something signed by the administrator, written at headquarters.
    pub fn by_administrator(
        &mut self,
        draft: impl FnOnce(LedgerWriter<'_, AdministratorKey>, EntryId) -> Result<Draft, crate::InvalidField>,
    ) -> Written {
        let (directory, id) = (self.directory(), self.scribe.id());
        let writer = LedgerWriter { directory: &directory, signer: &self.administrator, device: DeviceId::NIL };
        let draft = draft(writer, id).unwrap();
        self.write(1, draft)
    }

    pub fn write(&mut self, node: u8, draft: Draft) -> Written {
        let written = self.scribe.write(Self::node(node), draft);
        self.entries.push(written.clone());
        written
    }

    pub fn directory(&self) -> Directory {
        resolve(&self.entries)
    }
}

pub fn resolve<'a>(entries: impl IntoIterator<Item = &'a Written>) -> Directory {
    let mut ledger = Ledger::new(Town::root_public());
    for (log, entry) in entries {
        ledger.insert(log, entry);
    }
    ledger.resolve(NOW_MS)
}

pub fn office_set(n: u8, kind: OfficeKind) -> OfficeSet {
    OfficeSet {
        office: office(n),
        name: format!("拠点{n}"),
        kana: format!("きょてん{n}"),
        kind,
        hub: n == 4,
        replaces: Vec::new(),
    }
}

pub fn user_set(n: u8, home: u8) -> UserSet {
    UserSet {
        user: user(n),
        login: format!("user{n}"),
        name: format!("朝凪 {n}郎"),
        kana: format!("あさなぎ {n}ろう"),
        office: office(home),
        section: "総務課".into(),
        post: "主事".into(),
        replaces: Vec::new(),
    }
}

/// A draft of any body, signed by any signer, in any room.
pub fn signed(signer: &impl Signer, room: RoomId, id: EntryId, body: &impl crate::body::Body) -> Draft {
    signer.draft(room, id, DeviceId::NIL, body).unwrap()
}

/// The same, vouched for by a node alone.
pub fn attested(author: UserId, auth_ref: EntryId, room: RoomId, id: EntryId, body: &impl crate::body::Body) -> Draft {
    attested_kind(author, auth_ref, room, id, body)
}

fn attested_kind<B: crate::body::Body>(
    author: UserId,
    auth_ref: EntryId,
    room: RoomId,
    id: EntryId,
    body: &B,
) -> Draft {
    Draft::attested(room, Lane::Policy, id, B::KIND, author, DeviceId::NIL, auth_ref, body.encode().unwrap())
}

/// Uuids in a row.
pub fn counter() -> impl FnMut() -> Uuid {
    let mut n = 0;
    move || {
        n += 1;
        entry_id(NOW_MS + n, 9).as_uuid()
    }
}
