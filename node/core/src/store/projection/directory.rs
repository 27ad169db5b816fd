//! From the ledger entries that are stored to the directory, and what follows from it for all rooms.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use noroshi_provisioning::audit::{AuditEvent, AuditKind, Subject};
use noroshi_provisioning::ledger::LedgerAudience;
use noroshi_provisioning::{Directory, Ledger, OfficeId};
use noroshi_sync::id::{DeviceId, NodeId, RoomId, UserId};
use noroshi_sync::store::StoreError;

use super::judging::Scope;
use super::{Projection, Resolved, Unsettled, Work, audit, erasures, judging, pages, take_unsettled};
use crate::events::Happening;
use crate::store::query::codes::unsigned;
use crate::store::{Audience, Database, EntryPk, Ledger as LedgerRoom, Projector as _, RoomPk, Writing};

/// A resolved directory, and the number that the table has while it is the right one.
#[derive(Debug)]
pub struct Current {
    pub version: i64,
    pub directory: Arc<Directory>,
    ledger_rooms: BTreeSet<RoomId>,
    audit_rooms: BTreeSet<RoomId>,
}

impl Current {
    pub(super) fn of(version: i64, directory: Directory) -> Self {
        let ledger_rooms = directory.ledger_rooms().into_iter().collect();
        let audit_rooms = directory.audit_rooms().map(|(room, _)| room).collect();
        Self { version, directory: Arc::new(directory), ledger_rooms, audit_rooms }
    }

    pub fn is_ledger(&self, room: &RoomId) -> bool {
        self.ledger_rooms.contains(room)
    }

    pub fn is_audit(&self, room: &RoomId) -> bool {
        self.audit_rooms.contains(room)
    }
}

impl Projection {
    /// The directory as this transaction sees it.
    pub fn current(&self, database: &Database) -> Result<Arc<Current>, StoreError> {
        let version = database.row("SELECT version FROM directory", [], |row| row.get(0))?.unwrap_or(0);
        let mut resolved = self.resolved();
        if resolved.current.version != version {
            let (ledger, directory) = load(database, self.root, moment_ms(database)?)?;
            resolved.ledger = ledger;
            resolved.current = Arc::new(Current::of(version, directory));
            resolved.unpublished.clear();
        }
        Ok(resolved.current.clone())
    }

    /// Takes new ledger entries into the directory and brings up to date what depends on it.
    pub(super) fn settle_ledger(&self, writing: &Writing<'_>) -> Result<(), StoreError> {
        let new = take_unsettled(writing, Unsettled::LEDGER_ENTRIES)?;
        if new.is_empty() {
            return Ok(());
        }
        let before = self.work(writing)?;
        let mut resolved = self.resolved();
        let mut changed = false;
        for pk in new {
            if let Some(found) = writing.entry_at(EntryPk(pk))? {
                changed |= resolved.ledger.insert(&found.log, &found.entry);
            }
        }
        if !changed {
            return Ok(());
        }
        resolve_anew(&before, &mut resolved)?;
        drop(resolved);
        self.follow(&self.work(writing)?, &before.current)
    }

    /// Puts planned changes in force whose moment has come. `now_ms`: the clock of this machine, milliseconds since 1970;
    /// a clock that is behind headquarters does not hold anything up. What is in force stays so when a clock goes back.
    pub fn advance(&self, writing: &Writing<'_>, now_ms: u64) -> Result<(), StoreError> {
        let before = self.work(writing)?;
        let now_ms = before.current.directory.headquarters_time().map_or(now_ms, |(time, _)| time.max(now_ms));
        if before.current.directory.next_change_ms().is_none_or(|next| next > now_ms) {
            return Ok(());
        }
        writing.execute("UPDATE directory SET moment_ms = max(moment_ms, ?)", [now_ms.cast_signed()])?;
        resolve_anew(&before, &mut self.resolved())?;
        self.follow(&self.work(writing)?, &before.current)?;
        self.settle(writing)
    }

    /// Brings writers, audiences and rooms from one directory to that of `work`.
    pub(super) fn follow(&self, work: &Work<'_, '_>, before: &Current) -> Result<(), StoreError> {
        let (old, new) = (&before.directory, &work.current.directory);
        admit_writers(work, new)?;
        let ledger = work.current.ledger_rooms.difference(&before.ledger_rooms);
        for room in ledger.chain(work.current.audit_rooms.difference(&before.audit_rooms)) {
            forget_room(work, room)?;
        }
        open_ledger_rooms(work)?;
        let places_changed = places(old) != places(new);
        if places_changed {
            audit::open_rooms(work, new)?;
            for room in rooms_with_policy(work)? {
                self.unsettle(work, Unsettled::Policy(room))?;
            }
        }
        let mut shrinks = places_changed && !attests_no_less(old, new);
        for user in changed_people(old, new) {
            shrinks |= loses_homes(old, new, user);
            for room in rooms_of_policy(work, user)? {
                self.unsettle(work, Unsettled::Policy(room))?;
            }
        }
        if old.count_ever_keys() != new.count_ever_keys() {
            for room in erasures::rooms_with_waiting(work)? {
                self.unsettle(work, Unsettled::Policy(room))?;
            }
            for room in pages::judge_cuts(work)? {
                self.unsettle(work, Unsettled::Page(room))?;
            }
        }
        let ended = end_old_sessions(work, old, new)?;
        for (device, user) in changed_keys(old, new) {
            self.check_signatures_again(work, device, user)?;
        }
        let scope = if shrinks { Scope::All } else { Scope::Hidden };
        for room in judging::rooms_to_judge(work, scope)? {
            self.judge_again(work, room, scope)?;
        }
        ended.iter().try_for_each(|event| self.note_by_itself(work, event))
    }
}

/// Resolves the ledger, with the rooms that become ledger by what it says, under a new number.
fn resolve_anew(work: &Work<'_, '_>, resolved: &mut Resolved) -> Result<(), StoreError> {
    let directory = complete(work, &mut resolved.ledger, &work.current.ledger_rooms, moment_ms(work)?)?;
    let version = work.current.version + 1;
    set_version(work, version)?;
    resolved.current = Arc::new(Current::of(version, directory));
    resolved.unpublished.push(resolved.current.clone());
    work.tell(&Happening::Directory { version })
}

pub(super) fn set_version(work: &Writing<'_>, version: i64) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO directory (one, version) VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET version = ?1",
        [version],
    )?;
    Ok(())
}

/// Up to when planned changes are in force.
fn moment_ms(database: &Database) -> Result<u64, StoreError> {
    Ok(database.row("SELECT moment_ms FROM directory", [], |row| unsigned(row, 0))?.unwrap_or(0))
}

/// All ledger entries that are stored, resolved.
fn load(database: &Database, root: [u8; 32], moment_ms: u64) -> Result<(Ledger, Directory), StoreError> {
    let mut ledger = Ledger::new(root);
    let directory = complete(database, &mut ledger, &BTreeSet::new(), moment_ms)?;
    Ok((ledger, directory))
}

/// Resolves until no more rooms turn out to be ledger: the offices say which secrets there are.
fn complete(
    database: &Database,
    ledger: &mut Ledger,
    loaded: &BTreeSet<RoomId>,
    moment_ms: u64,
) -> Result<Directory, StoreError> {
    let mut loaded = loaded.clone();
    loop {
        let directory = ledger.resolve(moment_ms);
        let more: Vec<RoomId> = directory.ledger_rooms().into_iter().filter(|room| loaded.insert(*room)).collect();
        if more.is_empty() {
            return Ok(directory);
        }
        for room in more {
            for found in database.policy_entries(&room)? {
                ledger.insert(&found.log, &found.entry);
            }
        }
    }
}

/// What was computed of a room before it turned out to be ledger.
fn forget_room(work: &Work<'_, '_>, room: &RoomId) -> Result<(), StoreError> {
    let Some(pk) = work.room_pk(room)? else { return Ok(()) };
    for sql in [
        "DELETE FROM messages WHERE room_pk = ?",
        "DELETE FROM marks WHERE room_pk = ?",
        "DELETE FROM page_changes WHERE room_pk = ?",
        "DELETE FROM members WHERE room_pk = ?",
        "DELETE FROM grants WHERE room_pk = ?",
        "DELETE FROM room_offices WHERE room_pk = ?",
        "DELETE FROM policy_people WHERE room_pk = ?",
        "DELETE FROM witnesses WHERE room_pk = ?",
        "DELETE FROM signatures WHERE room_pk = ?",
        "DELETE FROM room_states WHERE room_pk = ?",
        "DELETE FROM page_cuts WHERE room_pk = ?",
        "DELETE FROM erasures WHERE room_pk = ?",
        "DELETE FROM tombstones WHERE room_pk = ?",
    ] {
        work.execute(sql, [pk])?;
    }
    Ok(())
}

/// What a revoked node wrote before is still taken from others, and shown or hidden by what is witnessed.
fn admit_writers(work: &Work<'_, '_>, directory: &Directory) -> Result<(), StoreError> {
    let revoked = directory.revoked_nodes().map(|revoked| revoked.record.id);
    let writers: BTreeSet<NodeId> = directory.nodes().map(|node| node.id).chain(revoked).collect();
    work.set_writers(&writers).map(|_| ())
}

fn open_ledger_rooms(work: &Work<'_, '_>) -> Result<(), StoreError> {
    let directory = &work.current.directory;
    for room in &work.current.ledger_rooms {
        let sort = if *room == directory.rooms().public { LedgerRoom::Public } else { LedgerRoom::Yes };
        work.set_ledger(room, sort)?;
        let audience = match directory.ledger_audience(*room) {
            Some(LedgerAudience::Everyone) => Audience::Everyone,
            Some(LedgerAudience::Nodes(nodes)) => Audience::Nodes(nodes),
            None => Audience::Nodes(BTreeSet::new()),
        };
        work.set_audience(room, &audience)?;
    }
    Ok(())
}

/// What audiences and vouching depend on, of offices and nodes.
#[derive(PartialEq, Eq)]
struct Places {
    nodes: BTreeMap<NodeId, OfficeId>,
    /// Whether it is headquarters, and whether it is a hub.
    offices: BTreeMap<OfficeId, (bool, bool)>,
    revoked: BTreeSet<NodeId>,
    roaming: BTreeSet<(OfficeId, OfficeId)>,
}

fn places(directory: &Directory) -> Places {
    let offices = directory.offices().map(|office| (office.id, (directory.is_headquarters(office.id), office.hub)));
    Places {
        nodes: directory.nodes().map(|node| (node.id, node.office)).collect(),
        offices: offices.collect(),
        revoked: directory.revoked_nodes().map(|revoked| revoked.record.id).collect(),
        roaming: directory.roaming().collect(),
    }
}

/// Whether every node is where it was, and every office that was headquarters still is: then nobody's word is lost.
fn attests_no_less(old: &Directory, new: &Directory) -> bool {
    old.nodes().all(|node| new.office_of(node.id) == Some(node.office))
        && old.headquarters().all(|office| new.is_headquarters(office.id))
}

/// People who appeared, vanished or moved.
fn changed_people(old: &Directory, new: &Directory) -> BTreeSet<UserId> {
    let place =
        |directory: &Directory, user: UserId| directory.user(user).map(|user| (user.office, user.homes.clone()));
    let everybody = old.users().chain(new.users()).map(|user| user.id);
    everybody.filter(|user| place(old, *user) != place(new, *user)).collect()
}

/// Devices whose key was not known before, or is another one.
fn changed_keys(old: &Directory, new: &Directory) -> BTreeSet<(DeviceId, UserId)> {
    let key =
        |directory: &Directory, (device, user)| directory.device(device, user).and_then(|device| device.key.clone());
    let all = old.devices().chain(new.devices()).map(|record| (record.id, record.user));
    all.filter(|device| key(old, *device) != key(new, *device)).collect()
}

fn loses_homes(old: &Directory, new: &Directory, user: UserId) -> bool {
    let homes = |directory: &Directory| directory.user(user).map(|user| user.homes.clone()).unwrap_or_default();
    !homes(old).is_subset(&homes(new))
}

/// A new password ends the log-ins that the old one began, but for the one that set it; who is stopped, or whose device is,
/// is out at once. Returns what is to be said of it.
fn end_old_sessions(work: &Work<'_, '_>, old: &Directory, new: &Directory) -> Result<Vec<AuditEvent>, StoreError> {
    let here = work.key().node();
    let mut said = Vec::new();
    let mut ended = |count: usize, subject, reason| {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let event = AuditEvent::new(AuditKind::SessionsEnded, Some(subject)).with("reason", reason);
        said.extend((count > 0).then(|| event.times(count)));
    };
    for user in new.suspended_users().filter(|user| new.is_suspended(here, *user) && !old.is_suspended(here, *user)) {
        ended(work.end_sessions_of(&user)?, Subject::User(user), "user_suspended");
        work.tell(&Happening::SessionsEnded { user, device: None })?;
    }
    for (device, user) in new.suspended_devices() {
        if new.is_device_suspended(here, device, user) && !old.is_device_suspended(here, device, user) {
            ended(work.end_sessions_on(&device, &user)?, Subject::Device(device, user), "device_suspended");
            work.tell(&Happening::SessionsEnded { user, device: Some(device) })?;
        }
    }
    let changed = |user: UserId| old.verifier(user).is_some_and(|before| new.verifier(user) != Some(before));
    for user in old.users().map(|user| user.id).filter(|user| changed(*user)) {
        let outlived = new.verifier(user).map(|verifier| *blake3::hash(verifier.as_str().as_bytes()).as_bytes());
        let devices = work.end_sessions_before(&user, outlived)?;
        ended(devices.len(), Subject::User(user), "password_changed");
        for device in devices {
            work.tell(&Happening::PasswordChanged { user, device })?;
        }
    }
    Ok(said)
}

fn rooms_with_policy(work: &Work<'_, '_>) -> Result<Vec<RoomPk>, StoreError> {
    work.rows(
        "SELECT DISTINCT room_pk FROM logs JOIN rooms USING (room_pk) WHERE lane = 0 AND ledger = 0 ORDER BY room_pk",
        [],
        |row| row.get(0),
    )
}

fn rooms_of_policy(work: &Work<'_, '_>, user: UserId) -> Result<Vec<RoomPk>, StoreError> {
    work.rows("SELECT room_pk FROM policy_people WHERE user = ?", [user.as_bytes()], |row| row.get(0))
}
