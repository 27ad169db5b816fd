//! Administrators' keys: named, ended, asked for.

use super::super::body::LedgerBody;
use super::super::record::{AdministratorKeyRecord, KeyRequest};
use super::super::rights::minted_ms;
use super::Resolution;
use crate::role::Role;

impl Resolution<'_> {
    pub(super) fn keys(&mut self) {
        for (key, act) in self.acts {
            if let LedgerBody::AdministratorKeySet(body) = &act.body
                && self.ever.has_key(key)
                && self.ever.has_grant(body.user)
            {
                self.directory.ever_keys.entry(key.id).or_default().insert((body.user, body.key));
            }
            match &act.body {
                LedgerBody::AdministratorKeySet(body) if self.now.has_key(key) => {
                    self.counted.insert(*key);
                    let record = AdministratorKeyRecord { entry: key.id, user: body.user, key: body.key };
                    self.directory.keys.insert(key.id, record);
                }
                LedgerBody::AdministratorKeyEnd(body) if self.now.has_ended(&body.key, &key.id) => {
                    self.counted.insert(*key);
                }
                _ => {}
            }
        }
        self.directory.keys.retain(|entry, _| !self.now.is_ended(entry));
    }

    /// The newest key that each administrator asks for. Ended is also what was declined before it was ever named.
    pub(super) fn key_requests(&mut self) {
        for (key, act) in self.acts {
            let LedgerBody::AdministratorKeyRequest(body) = &act.body else { continue };
            let in_place = act.room == self.directory.rooms.directory && act.author == body.user;
            if !in_place || !self.is_vouched(act, body.user) {
                continue;
            }
            self.counted.insert(*key);
            let request = KeyRequest { entry: key.id, user: body.user, key: body.key, at_ms: minted_ms(key.id) };
            let newest = self.directory.key_requests.entry(body.user).or_insert(request);
            if newest.entry <= request.entry {
                *newest = request;
            }
        }
        let Self { directory, now, .. } = self;
        let mut requests = std::mem::take(&mut directory.key_requests);
        let is_open = |entry| !directory.keys.contains_key(&entry) && !now.is_ended(&entry);
        requests.retain(|user, request| directory.has_role(*user, Role::SystemAdmin) && is_open(request.entry));
        directory.key_requests = requests;
    }
}
