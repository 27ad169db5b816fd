//! Devices, requests for them, and who is suspended.

use std::collections::BTreeSet;

use noroshi_sync::id::{DeviceId, EntryId, NodeId, UserId};

use super::super::act::{Act, ActKey};
use super::super::body::LedgerBody;
use super::super::record::{DeviceRecord, Request, Scope, Suspension};
use super::super::rights::minted_ms;
use super::Resolution;
use crate::role::Role;

impl Resolution<'_> {
    pub(super) fn devices(&mut self) {
        self.enrolments();
        self.requests();
        let lifted = self.device_lifts();
        for (key, act) in self.acts {
            let LedgerBody::DeviceSuspend(body) = &act.body else { continue };
            let Some(scope) = self.scope_of_device(*key, act, body.user) else { continue };
            self.counted.insert(*key);
            if !lifted.contains(&(body.device, key.id)) {
                let suspension = suspension(*key, act, &body.reason, scope);
                self.directory.device_suspensions.entry((body.device, body.user)).or_default().push(suspension);
            }
        }
    }

    /// The earliest enrolment of a device for a person.
    fn enrolments(&mut self) {
        for (key, act) in self.acts {
            let LedgerBody::DeviceEnrol(body) = &act.body else { continue };
            let offices = self.attesting_offices(act);
            let vouched = offices.iter().find(|office| self.directory.office_may_attest(**office, body.user)).copied();
            if act.room != self.directory.rooms.directory || vouched.is_none() && !self.count_signed(*key, act) {
                continue;
            }
            self.counted.insert(*key);
            self.directory.devices.entry((body.device, body.user)).or_insert_with(|| DeviceRecord {
                id: body.device,
                user: body.user,
                name: body.name.clone(),
                key: body.key.clone(),
                secret_hash: body.secret_hash,
                office: vouched,
                enrolled_ms: minted_ms(key.id),
                entry: key.id,
            });
        }
    }

    fn requests(&mut self) {
        for (key, act) in self.acts {
            let LedgerBody::DeviceRequest(body) = &act.body else { continue };
            if act.room == self.directory.rooms.directory && self.is_vouched(act, act.author) {
                self.counted.insert(*key);
                self.directory.requests.entry(key.id).or_insert_with(|| Request {
                    entry: key.id,
                    user: body.user,
                    by: act.author,
                    at_ms: minted_ms(key.id),
                    reason: body.reason.clone(),
                    outcome: None,
                });
            }
        }
        for (key, act) in self.acts {
            let LedgerBody::DeviceRequestEnd(body) = &act.body else { continue };
            let user = self.directory.requests.get(&body.request).map(|request| request.user);
            if user.is_none_or(|user| !self.is_vouched(act, user)) {
                continue;
            }
            self.counted.insert(*key);
            // Of two outcomes the one that gave something away stands.
            if let Some(request) = self.directory.requests.get_mut(&body.request) {
                request.outcome = Some(request.outcome.map_or(body.outcome, |known| known.min(body.outcome)));
            }
        }
    }

    /// Whether a node that may speak for `user` wrote the act down.
    pub(super) fn is_vouched(&self, act: &Act, user: UserId) -> bool {
        self.attesting_offices(act).iter().any(|office| self.directory.office_may_attest(*office, user))
    }

    /// Everywhere, when signed or said by the person or the person's own office; else only where it was said.
    fn scope_of_device(&mut self, key: ActKey, act: &Act, user: UserId) -> Option<Scope> {
        if act.room != self.directory.rooms.directory {
            return None;
        }
        if self.now.allow(key, act, self.candidates, self.verdicts) {
            return Some(Scope::Everywhere);
        }
        if act.author == user && self.is_vouched(act, user) {
            return Some(Scope::Everywhere);
        }
        self.scope_by_office(act, user)
    }

    fn scope_by_office(&self, act: &Act, user: UserId) -> Option<Scope> {
        let offices = self.attesting_offices(act);
        let homes = self.directory.users.get(&user).map(|user| &user.homes);
        if homes.is_some_and(|homes| offices.iter().any(|office| homes.contains(office))) {
            return Some(Scope::Everywhere);
        }
        let nodes: BTreeSet<NodeId> =
            act.writers.keys().copied().filter(|node| self.directory.nodes.contains_key(node)).collect();
        (act.is_attested() && !nodes.is_empty()).then_some(Scope::At(nodes))
    }

    fn device_lifts(&mut self) -> BTreeSet<(DeviceId, EntryId)> {
        let mut lifted = BTreeSet::new();
        for (key, act) in self.acts {
            let LedgerBody::DeviceLift(body) = &act.body else { continue };
            if act.room == self.directory.rooms.directory && self.count_signed(*key, act) {
                lifted.extend(body.lifts.iter().map(|suspension| (body.device, *suspension)));
            }
        }
        lifted
    }

    /// Who is suspended. Needs the roles: no node by itself stops an administrator, nor does one administrator alone.
    pub(super) fn suspensions(&mut self) {
        for (key, act) in self.acts {
            let LedgerBody::UserSuspend(body) = &act.body else { continue };
            if act.room != self.directory.rooms.directory {
                continue;
            }
            let administrator = self.directory.has_role(body.user, Role::SystemAdmin);
            let rights = if administrator { self.ever } else { self.now };
            let scope = if rights.allow(*key, act, self.candidates, self.verdicts) {
                Scope::Everywhere
            } else if let Some(scope) = self.scope_by_office(act, body.user).filter(|_| !administrator) {
                scope
            } else {
                continue;
            };
            self.counted.insert(*key);
            if self.now.is_lifted(&key.id) {
                continue;
            }
            let in_force = !administrator || self.now.is_suspended(body.user);
            let suspension = suspension(*key, act, &body.reason, scope);
            let list = if in_force { &mut self.directory.suspensions } else { &mut self.directory.awaited };
            list.entry(body.user).or_default().push(suspension);
        }
        for (key, act) in self.acts {
            let LedgerBody::UserLift(body) = &act.body else { continue };
            if act.author != body.user && act.room == self.directory.rooms.directory {
                self.count_signed(*key, act);
            }
        }
    }
}

fn suspension(key: ActKey, act: &Act, reason: &str, scope: Scope) -> Suspension {
    Suspension { entry: key.id, by: act.author, at_ms: minted_ms(key.id), reason: reason.to_owned(), scope }
}
