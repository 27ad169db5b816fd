//! Who may sign for the organisation. See the page of [`crate::ledger`] for the rules and the three steps.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use noroshi_sync::checkpoint::verify_signature;
use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::{EntryId, UserId};

use super::act::{Act, ActKey};
use super::body::{AdministratorKeySet, LedgerBody, RoleGrant, RoleRemove};
use super::rooms::LedgerRooms;
use crate::role::Role;

/// Verdicts about signatures: (act, key) → whether the key signed it. Kept between resolutions, an act is never verified twice.
pub type Verdicts = HashMap<(ActKey, [u8; 32]), bool>;

/// The acts that decide about rights, out of all.
pub struct Candidates<'a> {
    root: [u8; 32],
    keys: BTreeMap<EntryId, Vec<(ActKey, &'a Act, &'a AdministratorKeySet)>>,
    admin_grants: Vec<(ActKey, &'a Act, &'a RoleGrant)>,
    admin_removals: Vec<(ActKey, &'a Act, &'a RoleRemove)>,
}

impl<'a> Candidates<'a> {
    pub fn among(acts: &'a BTreeMap<ActKey, Act>, rooms: &LedgerRooms, root: [u8; 32]) -> Self {
        let mut found = Self { root, keys: BTreeMap::new(), admin_grants: Vec::new(), admin_removals: Vec::new() };
        for (key, act) in acts {
            match &act.body {
                LedgerBody::AdministratorKeySet(body) if act.room == rooms.public => {
                    found.keys.entry(key.id).or_default().push((*key, act, body));
                }
                LedgerBody::RoleGrant(body) if act.room == rooms.directory && body.role == Role::SystemAdmin => {
                    found.admin_grants.push((*key, act, body));
                }
                LedgerBody::RoleRemove(body) if act.room == rooms.directory && body.role == Role::SystemAdmin => {
                    found.admin_removals.push((*key, act, body));
                }
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

/// Who holds which right, as far as computed.
#[derive(Default)]
pub struct Rights<'a> {
    keys: BTreeSet<ActKey>,
    grants: BTreeSet<ActKey>,
    lifts_of_grants: BTreeMap<UserId, Vec<&'a [EntryId]>>,
    removals: BTreeMap<UserId, Vec<Removal>>,
}

impl<'a> Rights<'a> {
    /// The rights if nobody had ever been removed.
    pub fn ever(candidates: &Candidates<'a>, verdicts: &mut Verdicts) -> Self {
        Self::grow(Self::default(), candidates, verdicts)
    }

    /// The rights with the removals signed by anyone who ever had one.
    pub fn now(ever: &Self, candidates: &Candidates<'a>, verdicts: &mut Verdicts) -> Self {
        let mut removals: BTreeMap<UserId, Vec<Removal>> = BTreeMap::new();
        for (key, act, body) in &candidates.admin_removals {
            if ever.allow(*key, act, candidates, verdicts) {
                removals.entry(body.user).or_default().push(Removal { entry: key.id, acts_until: body.acts_until });
            }
        }
        Self::grow(Self { removals, ..Self::default() }, candidates, verdicts)
    }

    /// Adds keys and grants until nothing more follows.
    fn grow(mut rights: Self, candidates: &Candidates<'a>, verdicts: &mut Verdicts) -> Self {
        loop {
            let before = rights.keys.len() + rights.grants.len();
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
            if rights.keys.len() + rights.grants.len() == before {
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
        let named = candidates.keys.get(&act.auth_ref).map(Vec::as_slice).unwrap_or_default();
        named.iter().any(|(named, _, body)| {
            body.user == act.author
                && self.keys.contains(named)
                && self.is_administrator(body.user, act.stamp())
                && is_signed(key, act, &body.key, verdicts)
        })
    }

    /// Whether the key named by this act counts.
    pub fn has_key(&self, key: &ActKey) -> bool {
        self.keys.contains(key)
    }

    /// Whether some grant makes `user` an administrator, and no removal that it does not lift came before `stamp`.
    fn is_administrator(&self, user: UserId, stamp: Hlc) -> bool {
        let removals = self.removals.get(&user).map(Vec::as_slice).unwrap_or_default();
        let grants = self.lifts_of_grants.get(&user).map(Vec::as_slice).unwrap_or_default();
        grants
            .iter()
            .any(|lifts| removals.iter().all(|removal| stamp <= removal.acts_until || lifts.contains(&removal.entry)))
    }
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
