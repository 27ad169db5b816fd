//! Administrators' keys: who has one, asking for one, naming it after comparing it by voice, ending it, and getting one back
//! from paper.

use noroshi_provisioning::key::KeyPair;
use noroshi_provisioning::ledger::LedgerWriter;
use noroshi_provisioning::recovery::{recover, recovery_sheet};
use noroshi_provisioning::sealed::{SealError, seal_administrator};
use noroshi_provisioning::{AdministratorKey, Fingerprint};
use noroshi_sync::id::EntryId;

use crate::deeds::invalid;
use crate::error::ServiceError;
use crate::node::{Inner, Node};
use crate::render::People;
use crate::rights::{Action, Object, may};
use crate::view::{Actor, AdministratorKeyView, ConsoleView, KeyState, RequestedKeyView};

impl Node {
    /// Every key that counts or waits, those that wait first.
    pub fn administrator_keys(&self, actor: &Actor) -> Result<Vec<AdministratorKeyView>, ServiceError> {
        let directory = self.inner.directory();
        may(&directory, actor, Action::ManageKeys, Object::Organisation)?;
        let people = People::of(&directory);
        let mut waiting: Vec<_> = directory.key_requests().collect();
        waiting.sort_by_key(|request| request.entry);
        let waiting = waiting
            .into_iter()
            .map(|request| people.administrator_key(request.entry, request.user, &request.key, KeyState::Requested));
        let named = directory
            .administrator_keys()
            .map(|record| people.administrator_key(record.entry, record.user, &record.key, KeyState::Active));
        Ok(waiting.chain(named).collect())
    }

    /// Makes a key for the actor on this machine, sealed with the password, and asks for it to be named. A key in use stays
    /// in use until then.
    ///
    /// # Errors
    /// `Denied("wrong_password")`: it must be the one of the log-in. `TooMany` like a log-in.
    pub async fn request_key(&self, actor: &Actor, password: String) -> Result<RequestedKeyView, ServiceError> {
        let inner = &self.inner;
        may(&inner.directory(), actor, Action::ManageKeys, Object::Organisation)?;
        inner.check_own_password(actor, password.clone()).await?;
        let id = EntryId::from_uuid(uuid::Uuid::now_v7());
        let pair = KeyPair::generate().map_err(|error| ServiceError::Storage(error.to_string()))?;
        let key = AdministratorKey::new(actor.user, id, pair);
        let (key, sealed) = inner.seal(key, password).await?;
        let user = actor.user;
        inner.in_key_folder(move |folder| folder.save_requested_administrator(user, &sealed)).await?;
        let (asker, public_key) = (actor.clone(), key.key().public());
        inner.act(move |desk| desk.request_key(&asker, id, public_key)).await?;
        let directory = inner.directory();
        let people = People::of(&directory);
        let name = people.person(user).name;
        Ok(RequestedKeyView {
            key: people.administrator_key(id, user, &public_key, KeyState::Requested),
            recovery: recovery_sheet(inner.identity.organisation_name(), &name, user, &key),
        })
    }

    /// Names a key that another administrator asked for. `fingerprint`: the one that was compared.
    ///
    /// # Errors
    /// `Invalid` when the key that waits has another fingerprint; `NotFound` when none waits.
    pub async fn approve_key(
        &self,
        actor: &Actor,
        id: EntryId,
        fingerprint: &str,
    ) -> Result<AdministratorKeyView, ServiceError> {
        let compared: Fingerprint = fingerprint
            .parse()
            .map_err(|_| ServiceError::Invalid { field: "fingerprint", code: "not_a_fingerprint" })?;
        let work = move |writer: &LedgerWriter<'_, _>, _mint: &dyn Fn() -> EntryId| {
            let request = writer.directory.key_request(id).ok_or(ServiceError::NotFound)?;
            if Fingerprint::of_administrator_key(&request.key) != compared {
                return Err(ServiceError::Invalid { field: "fingerprint", code: "other_fingerprint" });
            }
            Ok(vec![writer.administrator_key(id, request.user, request.key).map_err(invalid)?])
        };
        self.signed(actor, Action::ManageKeys, Object::Organisation, Box::new(work)).await?;
        let directory = self.inner.directory();
        let record = directory.administrator_key(id).ok_or(ServiceError::NotFound)?;
        Ok(People::of(&directory).administrator_key(id, record.user, &record.key, KeyState::Active))
    }

    /// Ends a key for ever, or declines one that waits.
    ///
    /// # Errors
    /// `Conflict` for the last key there is: only the root key could name another one.
    pub async fn end_key(&self, actor: &Actor, id: EntryId) -> Result<(), ServiceError> {
        let now_ms = self.inner.clock.wall_ms();
        let work = move |writer: &LedgerWriter<'_, _>, mint: &dyn Fn() -> EntryId| {
            let directory = writer.directory;
            let named = directory.administrator_key(id).is_some();
            if !named && directory.key_request(id).is_none() {
                return Err(ServiceError::NotFound);
            }
            if named && directory.administrator_keys().count() <= 1 {
                return Err(ServiceError::Denied("last_key"));
            }
            Ok(vec![writer.end_key(mint(), id, now_ms).map_err(invalid)?])
        };
        self.signed(actor, Action::ManageKeys, Object::Organisation, Box::new(work)).await
    }

    /// Puts the key of a recovery sheet on this machine, sealed with the password of the log-in.
    ///
    /// # Errors
    /// `Invalid` for a sheet that is mistyped, of another person or of a key that does not count.
    pub async fn restore_key(&self, actor: &Actor, sheet: &str, password: String) -> Result<ConsoleView, ServiceError> {
        let inner = &self.inner;
        let directory = inner.directory();
        may(&directory, actor, Action::ManageKeys, Object::Organisation)?;
        let wrong = |code| ServiceError::Invalid { field: "sheet", code };
        inner.check_own_password(actor, password.clone()).await?;
        let key = recover(sheet, &directory).map_err(|error| wrong(error.code()))?;
        if key.user() != actor.user {
            return Err(wrong("sheet_of_another"));
        }
        let (_, sealed) = inner.seal(key, password).await?;
        let user = actor.user;
        inner.in_key_folder(move |folder| folder.save_sealed_administrator(user, &sealed)).await?;
        self.console(actor).await
    }
}

impl Inner {
    /// Whether this is the password with which the actor logs in; counted like attempts to unlock the key.
    async fn check_own_password(&self, actor: &Actor, password: String) -> Result<(), ServiceError> {
        let account = format!("console {}", actor.user);
        let too_many = |retry_after_s| ServiceError::TooMany { retry_after_s };
        self.attempts.begin(&account, self.clock.mono_ms()).map_err(too_many)?;
        let verifier = self.directory().verifier(actor.user).cloned();
        let right = self.compute(move || verifier.is_some_and(|verifier| verifier.check(&password))).await?;
        if !right {
            return Err(ServiceError::Denied("wrong_password"));
        }
        self.attempts.succeeded(&account);
        Ok(())
    }

    async fn seal(&self, key: AdministratorKey, password: String) -> Result<(AdministratorKey, Vec<u8>), ServiceError> {
        let work = move || seal_administrator(&password, &key).map(|sealed| (key, sealed));
        self.compute(work).await?.map_err(|error| match error {
            SealError::Password(_) => ServiceError::Invalid { field: "password", code: "too_weak" },
            SealError::Randomness(_) | SealError::Encryption => ServiceError::Storage(error.to_string()),
        })
    }
}
