//! From a set of entries to a [`Directory`]. See the page of [`crate::ledger`] for the rules.

mod administrators;
mod devices;
mod nodes;
mod organisation;
mod people;
mod revocations;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use noroshi_sync::entry::{ENTRY_VERSION, Entry, Lane};
use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::{Epoch, NodeId, RoomId, UserId};
use noroshi_sync::log::LogId;

use super::act::{Act, ActKey};
use super::body::LedgerBody;
use super::directory::{Counts, Directory};
use super::rights::{Candidates, Rights, Verdicts};
use super::rooms::{LedgerRooms, room_ids};
use crate::id::OrgId;

/// The entries of an organisation's ledger rooms that are held here, judged.
pub struct Ledger {
    rooms: LedgerRooms,
    root: [u8; 32],
    acts: BTreeMap<ActKey, Act>,
    /// Of later programs.
    unknown: BTreeSet<ActKey>,
    /// Of known kinds, but no meaning can be read from them, ever.
    malformed: BTreeSet<ActKey>,
    verdicts: Verdicts,
}

impl Ledger {
    /// The ledger of the organisation with this root key (Ed25519 public).
    pub fn new(root: [u8; 32]) -> Self {
        Self {
            rooms: room_ids(OrgId::of_root(&root)),
            root,
            acts: BTreeMap::new(),
            unknown: BTreeSet::new(),
            malformed: BTreeSet::new(),
            verdicts: Verdicts::new(),
        }
    }

    pub fn rooms(&self) -> &LedgerRooms {
        &self.rooms
    }

    /// Takes one entry of a ledger room, in any order, any number of times. Returns whether it may change the answer.
    pub fn insert(&mut self, log: &LogId, entry: &Entry) -> bool {
        let key = ActKey::of(log.room, entry);
        if entry.version > ENTRY_VERSION {
            return self.unknown.insert(key);
        }
        if log.lane != Lane::Policy {
            return self.malformed.insert(key);
        }
        if let Some(act) = self.acts.get_mut(&key) {
            return act.written_at(log, entry);
        }
        match LedgerBody::decode(entry.kind, &entry.body) {
            Ok(body) => {
                self.acts.insert(key, Act::new(log, entry, body));
                true
            }
            Err(unreadable) if unreadable.is_of_the_future() => self.unknown.insert(key),
            Err(_) => self.malformed.insert(key),
        }
    }

    /// What the entries say together at `now_ms` (milliseconds since 1970), which decides only about transfers that take
    /// force on a day. Signatures verified once are not verified again.
    pub fn resolve(&mut self, now_ms: u64) -> Directory {
        let Self { rooms, root, acts, unknown, malformed, verdicts } = self;
        let candidates = Candidates::among(acts, rooms, *root);
        let ever = Rights::ever(&candidates, verdicts);
        let now = Rights::now(&ever, &candidates, verdicts);
        let mut resolution = Resolution {
            acts,
            candidates: &candidates,
            ever: &ever,
            now: &now,
            verdicts,
            counted: BTreeSet::new(),
            witnessed: BTreeMap::new(),
            now_ms,
            directory: Directory::empty(rooms.organisation),
        };
        resolution.keys();
        resolution.offices();
        resolution.nodes();
        resolution.roaming();
        resolution.people();
        resolution.key_requests();
        resolution.devices();
        resolution.suspensions();
        resolution.organisation();
        let (counted, mut directory) = (resolution.counted, resolution.directory);
        directory.last_acts = last_acts(acts, &counted);
        directory.counts = Counts {
            counted: counted.len(),
            unknown: unknown.len(),
            hidden: acts.len().saturating_sub(counted.len()) + malformed.len(),
        };
        directory
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ledger({:?}, {} acts)", self.rooms.organisation, self.acts.len())
    }
}

/// The highest stamp of each person's counting acts.
fn last_acts(acts: &BTreeMap<ActKey, Act>, counted: &BTreeSet<ActKey>) -> BTreeMap<UserId, Hlc> {
    let mut last: BTreeMap<UserId, Hlc> = BTreeMap::new();
    for act in counted.iter().filter_map(|key| acts.get(key)).filter(|act| act.is_signed_by_a_person()) {
        let known = last.entry(act.author).or_default();
        *known = known.merge(act.stamp());
    }
    last
}

/// One resolution under way.
struct Resolution<'a> {
    acts: &'a BTreeMap<ActKey, Act>,
    candidates: &'a Candidates<'a>,
    ever: &'a Rights<'a>,
    now: &'a Rights<'a>,
    verdicts: &'a mut Verdicts,
    counted: BTreeSet<ActKey>,
    /// How far the logs of revoked nodes in ledger rooms are witnessed.
    witnessed: BTreeMap<(RoomId, NodeId, Epoch), u64>,
    now_ms: u64,
    directory: Directory,
}

impl Resolution<'_> {
    /// Whether somebody entitled signed the act; then it counts.
    fn count_signed(&mut self, key: ActKey, act: &Act) -> bool {
        let allowed = self.now.allow(key, act, self.candidates, self.verdicts);
        if allowed {
            self.counted.insert(key);
        }
        allowed
    }
}
