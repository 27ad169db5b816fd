//! Who may sign for the organisation. See the page of [`crate::ledger`] for the rules and the three steps.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use noroshi_sync::checkpoint::verify_signature;
use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::{EntryId, UserId};

use super::act::{Act, ActKey};
use super::body::{AdministratorKeyEnd, AdministratorKeySet, LedgerBody, RoleGrant, RoleRemove, UserLift, UserSuspend};
use super::rooms::LedgerRooms;
use crate::role::Role;

/// Verdicts about signatures: (act, key) → whether the key signed it. Kept between resolutions, an act is never verified twice.
pub type Verdicts = HashMap<(ActKey, [u8; 32]), bool>;

/// Different administrators who must suspend an administrator.
const SUSPENDERS_MIN: usize = 2;

/// The acts that decide about rights, out of all.
pub struct Candidates<'a> {
    root: [u8; 32],
    keys: BTreeMap<EntryId, Vec<(ActKey, &'a Act, &'a AdministratorKeySet)>>,
    key_ends: Vec<(ActKey, &'a Act, &'a AdministratorKeyEnd)>,
    admin_grants: Vec<(ActKey, &'a Act, &'a RoleGrant)>,
    admin_removals: Vec<(ActKey, &'a Act, &'a RoleRemove)>,
    suspensions: Vec<(ActKey, &'a Act, &'a UserSuspend)>,
    lifts: Vec<(ActKey, &'a Act, &'a UserLift)>,
}

impl<'a> Candidates<'a> {
    pub fn among(acts: &'a BTreeMap<ActKey, Act>, rooms: &LedgerRooms, root: [u8; 32]) -> Self {
        let mut found = Self {
            root,
            keys: BTreeMap::new(),
            key_ends: Vec::new(),
            admin_grants: Vec::new(),
            admin_removals: Vec::new(),
            suspensions: Vec::new(),
            lifts: Vec::new(),
        };
        for (key, act) in acts.iter().filter(|(_, act)| act.is_signed_by_a_person()) {
            match &act.body {
                LedgerBody::AdministratorKeySet(body) if act.room == rooms.public => {
                    found.keys.entry(key.id).or_default().push((*key, act, body));
                }
                LedgerBody::AdministratorKeyEnd(body) if act.room == rooms.public => {
                    found.key_ends.push((*key, act, body));
                }
                LedgerBody::RoleGrant(body) if act.room == rooms.directory && body.role == Role::SystemAdmin => {
                    found.admin_grants.push((*key, act, body));
                }
                LedgerBody::RoleRemove(body) if act.room == rooms.directory && body.role == Role::SystemAdmin => {
                    found.admin_removals.push((*key, act, body));
                }
                LedgerBody::UserSuspend(body) if act.room == rooms.directory => {
                    found.suspensions.push((*key, act, body));
                }
                LedgerBody::UserLift(body) if act.room == rooms.directory => found.lifts.push((*key, act, body)),
                _ => {}
            }
        }
        found
    }
}

/// A removal in force: which entry, and until when the acts of the removed stand.
#[derive(Clone, Copy, Debug)]
pub struct Removal {
    pub entry: EntryId,
    pub acts_until: Hlc,
}

impl Removal {
    /// Whether the act came before the removal. A node can antedate what it writes, but what an act lifts its author has
    /// seen, and the ids of those entries carry the time of the honest people who signed them.
    fn spares(&self, act: &Act) -> bool {
        let seen_later = |lifted: &EntryId| *lifted == self.entry || minted_ms(*lifted) > self.acts_until.ms();
        act.stamp() <= self.acts_until && !act.body.lifts().iter().any(seen_later)
    }
}

/// A suspension of a person by an administrator's key; `by` is nil for the root.
#[derive(Clone, Copy, Debug)]
struct Suspension {
    removal: Removal,
    by: UserId,
}

/// Who holds which right, as far as computed.
#[derive(Default)]
pub struct Rights<'a> {
    keys: BTreeSet<ActKey>,
    grants: BTreeSet<ActKey>,
    lifts_of_grants: BTreeMap<UserId, Vec<&'a [EntryId]>>,
    removals: BTreeMap<UserId, Vec<Removal>>,
    suspensions: BTreeMap<UserId, Vec<Suspension>>,
    key_ends: BTreeMap<EntryId, Vec<Removal>>,
    lifting: BTreeSet<ActKey>,
    lifted: BTreeSet<EntryId>,
}

impl<'a> Rights<'a> {
    /// The rights there would be if nobody had ever been removed.
    pub fn ever(candidates: &Candidates<'a>, verdicts: &mut Verdicts) -> Self {
        Self::grow(Self::default(), candidates, verdicts)
    }

    /// The rights with the removals, suspensions and ends of keys signed by anyone who ever had one.
    pub fn now(ever: &Self, candidates: &Candidates<'a>, verdicts: &mut Verdicts) -> Self {
        let mut rights = Self::default();
        for (key, act, body) in &candidates.admin_removals {
            if ever.allow(*key, act, candidates, verdicts) {
                let removal = Removal { entry: key.id, acts_until: body.acts_until };
                rights.removals.entry(body.user).or_default().push(removal);
            }
        }
        for (key, act, body) in &candidates.suspensions {
            if ever.allow(*key, act, candidates, verdicts) {
                let removal = Removal { entry: key.id, acts_until: body.acts_until };
                rights.suspensions.entry(body.user).or_default().push(Suspension { removal, by: act.author });
            }
        }
        for (key, act, body) in &candidates.key_ends {
            if ever.allow(*key, act, candidates, verdicts) {
                let removal = Removal { entry: key.id, acts_until: body.acts_until };
                rights.key_ends.entry(body.key).or_default().push(removal);
            }
        }
        Self::grow(rights, candidates, verdicts)
    }

    /// Adds keys, grants and lifted suspensions until nothing more follows.
    fn grow(mut rights: Self, candidates: &Candidates<'a>, verdicts: &mut Verdicts) -> Self {
        loop {
            let before = rights.keys.len() + rights.grants.len() + rights.lifting.len();
            for (key, act, _) in candidates.keys.values().flatten() {
                if !rights.keys.contains(key) && rights.allow(*key, act, candidates, verdicts) {
                    rights.keys.insert(*key);
                }
            }
            for (key, act, body) in &candidates.admin_grants {
                if !rights.grants.contains(key) && rights.allow(*key, act, candidates, verdicts) {
                    rights.grants.insert(*key);
                    rights.lifts_of_grants.entry(body.user).or_default().push(&body.lifts);
                }
            }
            for (key, act, body) in &candidates.lifts {
                // Nobody lets themselves in again.
                let by_another = act.author != body.user;
                if by_another && !rights.lifting.contains(key) && rights.allow(*key, act, candidates, verdicts) {
                    rights.lifting.insert(*key);
                    rights.lifted.extend(&body.lifts);
                }
            }
            if rights.keys.len() + rights.grants.len() + rights.lifting.len() == before {
                return rights;
            }
        }
    }

    /// Whether `act` carries the signature of somebody entitled at its stamp.
    pub fn allow(&self, key: ActKey, act: &Act, candidates: &Candidates<'a>, verdicts: &mut Verdicts) -> bool {
        if !act.is_signed_by_a_person() {
            return false;
        }
        if act.auth_ref.is_nil() {
            return is_signed(key, act, &candidates.root, verdicts);
        }
        let ends = self.key_ends.get(&act.auth_ref).map(Vec::as_slice).unwrap_or_default();
        if !ends.iter().all(|end| end.spares(act)) {
            return false;
        }
        let named = candidates.keys.get(&act.auth_ref).map(Vec::as_slice).unwrap_or_default();
        named.iter().any(|(named, _, body)| {
            body.user == act.author
                && self.keys.contains(named)
                && self.is_administrator(body.user, act)
                && is_signed(key, act, &body.key, verdicts)
        })
    }

    /// Whether the key named by this act counts.
    pub fn has_key(&self, key: &ActKey) -> bool {
        self.keys.contains(key)
    }

    /// Whether some grant makes `user` an administrator, in force or not.
    pub fn has_grant(&self, user: UserId) -> bool {
        self.lifts_of_grants.contains_key(&user)
    }

    /// Whether the key that `named` introduced is ended.
    pub fn is_ended(&self, named: &EntryId) -> bool {
        self.key_ends.contains_key(named)
    }

    /// Whether `end` is a counting end of that key.
    pub fn has_ended(&self, named: &EntryId, end: &EntryId) -> bool {
        self.key_ends.get(named).is_some_and(|ends| ends.iter().any(|one| one.entry == *end))
    }

    /// Whether some suspension of `user` that two administrators or the root stand behind is in force.
    pub fn is_suspended(&self, user: UserId) -> bool {
        self.suspended_against(user, |_| false)
    }

    /// Whether the suspension is lifted by somebody entitled.
    pub fn is_lifted(&self, suspension: &EntryId) -> bool {
        self.lifted.contains(suspension)
    }

    /// Whether some grant makes `user` an administrator, and no removal that it does not lift and no suspension came
    /// before `act`.
    fn is_administrator(&self, user: UserId, act: &Act) -> bool {
        let removals = self.removals.get(&user).map(Vec::as_slice).unwrap_or_default();
        let grants = self.lifts_of_grants.get(&user).map(Vec::as_slice).unwrap_or_default();
        let granted =
            |lifts: &&[EntryId]| removals.iter().all(|removal| removal.spares(act) || lifts.contains(&removal.entry));
        grants.iter().any(granted) && !self.suspended_against(user, |removal| removal.spares(act))
    }

    fn suspended_against(&self, user: UserId, spares: impl Fn(&Removal) -> bool) -> bool {
        let all = self.suspensions.get(&user).map(Vec::as_slice).unwrap_or_default();
        let in_force = all.iter().filter(|one| !self.lifted.contains(&one.removal.entry) && !spares(&one.removal));
        let by: BTreeSet<UserId> = in_force.map(|one| one.by).collect();
        by.contains(&UserId::NIL) || by.len() >= SUSPENDERS_MIN
    }
}

/// The time in an entry's id (UUIDv7), milliseconds since 1970.
pub fn minted_ms(entry: EntryId) -> u64 {
    entry.as_bytes().iter().take(6).fold(0, |ms, byte| (ms << 8) | u64::from(*byte))
}

/// Whether `public_key` signed the act's statement; remembered.
fn is_signed(key: ActKey, act: &Act, public_key: &[u8; 32], verdicts: &mut Verdicts) -> bool {
    *verdicts.entry((key, *public_key)).or_insert_with(|| verify_signature(public_key, &act.statement, &act.sig))
}

/// Whether the key of an invitation signed `message` in the act's body; remembered.
pub fn is_invited(
    key: ActKey,
    public_key: &[u8; 32],
    message: &[u8],
    signature: &[u8],
    verdicts: &mut Verdicts,
) -> bool {
    *verdicts.entry((key, *public_key)).or_insert_with(|| verify_signature(public_key, message, signature))
}
