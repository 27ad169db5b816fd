//! The administrator's key: unlocking it with the password, signing with it, locking it.

use std::sync::Arc;

use noroshi_provisioning::audit::{AuditEvent, AuditKind};
use noroshi_provisioning::authority::KeyFileError;
use noroshi_provisioning::sealed::unseal_administrator;
use noroshi_provisioning::{AdministratorKey, KeyFolder};
use noroshi_sync::id::{DeviceId, UserId};

use crate::deeds::SignedWork;
use crate::error::ServiceError;
use crate::node::{Inner, Node};
use crate::render::roles;
use crate::rights::{Action, Object, may};
use crate::view::{Actor, ConsoleView, Time};

impl Node {
    /// Whether the actor has a key here, and whether it is unlocked.
    pub async fn console(&self, actor: &Actor) -> Result<ConsoleView, ServiceError> {
        let inner = &self.inner;
        let (wall_ms, mono_ms) = (inner.clock.wall_ms(), inner.clock.mono_ms());
        let left_ms = inner.consoles.left_ms(actor.user, actor.device, mono_ms);
        Ok(ConsoleView {
            key_here: !inner.sealed_keys(actor.user).await?.is_empty(),
            unlocked_until: left_ms.map(|left| Time::from_ms(wall_ms.saturating_add(left))),
        })
    }

    /// Unlocks the actor's key for a while, on this device.
    ///
    /// # Errors
    /// `Denied` with `no_key_here`, `wrong_password`, `key_not_named` (nobody has approved it yet) or `key_ended`; `TooMany`
    /// like a log-in.
    pub async fn unlock_console(&self, actor: &Actor, password: String) -> Result<ConsoleView, ServiceError> {
        let inner = &self.inner;
        may(&inner.directory(), actor, Action::UnlockConsole, Object::Organisation)?;
        let account = format!("console {}", actor.user);
        let too_many = |retry_after_s| ServiceError::TooMany { retry_after_s };
        inner.attempts.begin(&account, inner.clock.mono_ms()).map_err(too_many)?;
        let key = match inner.unseal(actor, password).await {
            Ok(key) => key,
            Err(ServiceError::Denied("wrong_password")) => {
                inner.note_refusal_of(actor, AuditKind::ConsoleRefused, "wrong_password").await;
                return Err(ServiceError::Denied("wrong_password"));
            }
            Err(error) => return Err(error),
        };
        let by = (actor.user, actor.device);
        let event = AuditEvent::new(AuditKind::ConsoleUnlocked, None);
        inner.act(move |desk| Ok(desk.note(by, &event)?)).await?;
        inner.attempts.succeeded(&account);
        inner.consoles.unlock(actor.user, actor.device, key, inner.clock.mono_ms());
        self.console(actor).await
    }

    /// The administrator with this log-in at the command line of this machine, with the key unlocked until
    /// [`Self::lock_console`]. The device is nil, which no session ever has.
    ///
    /// # Errors
    /// As [`Self::unlock_console`]; `Denied("no_key_here")` also for a log-in that nobody has.
    pub async fn administrator_here(&self, login: &str, password: String) -> Result<Actor, ServiceError> {
        let directory = self.inner.directory();
        let user = directory.user_by_login(login).ok_or(ServiceError::Denied("no_key_here"))?;
        if directory.is_suspended(self.id(), user.id) {
            return Err(ServiceError::Denied("user_suspended"));
        }
        let actor = Actor { user: user.id, device: DeviceId::NIL, roles: roles(user) };
        self.unlock_console(&actor, password).await?;
        Ok(actor)
    }

    pub fn lock_console(&self, actor: &Actor) {
        self.inner.consoles.lock(actor.user, Some(actor.device));
    }

    /// The key to sign with.
    ///
    /// # Errors
    /// `Denied("console_locked")`.
    pub fn signer(&self, actor: &Actor) -> Result<Arc<AdministratorKey>, ServiceError> {
        let key = self.inner.consoles.key(actor.user, actor.device, self.inner.clock.mono_ms());
        key.ok_or(ServiceError::Denied("console_locked"))
    }
}

/// A sealed key on this machine.
#[derive(Clone)]
pub(super) struct Sealed {
    pub bytes: Vec<u8>,
    /// It waited to be named when it was put there.
    pub requested: bool,
}

impl Inner {
    /// What lies here for a person: the key in use, and one that waits.
    pub(super) async fn sealed_keys(&self, user: UserId) -> Result<Vec<Sealed>, ServiceError> {
        let verifier = self.directory().verifier(user).cloned();
        self.in_key_folder(move |folder| {
            if let Some(verifier) = &verifier {
                // A change of the password may have been cut short between the ledger and the key.
                folder.settle_sealed_administrator(user, verifier)?;
            }
            let named = folder.load_sealed_administrator(user)?.map(|bytes| Sealed { bytes, requested: false });
            let requested = folder.load_requested_administrator(user)?.map(|bytes| Sealed { bytes, requested: true });
            Ok(named.into_iter().chain(requested).collect())
        })
        .await
    }

    /// The key that the password opens and that counts.
    async fn unseal(&self, actor: &Actor, password: String) -> Result<AdministratorKey, ServiceError> {
        let user = actor.user;
        let sealed = self.sealed_keys(user).await?;
        if sealed.is_empty() {
            return Err(ServiceError::Denied("no_key_here"));
        }
        let open = move || -> Vec<(AdministratorKey, bool)> {
            let opened = sealed.iter().map(|one| (unseal_administrator(&password, user, &one.bytes), one.requested));
            opened.filter_map(|(key, requested)| Some((key.ok()?, requested))).collect()
        };
        let mut opened = self.compute(open).await?;
        let directory = self.directory();
        let counts = |key: &AdministratorKey| directory.administrator_key(key.entry()).is_some();
        if let Some(place) = opened.iter().position(|(key, _)| counts(key)) {
            let (key, requested) = opened.swap_remove(place);
            if requested {
                self.in_key_folder(move |folder| folder.promote_requested_administrator(user)).await?;
            }
            return Ok(key);
        }
        let waits = opened.iter().any(|(key, _)| directory.key_request(key.entry()).is_some());
        Err(ServiceError::Denied(match (opened.is_empty(), waits) {
            (true, _) => "wrong_password",
            (false, true) => "key_not_named",
            (false, false) => "key_ended",
        }))
    }

    pub(super) async fn in_key_folder<T: Send + 'static>(
        &self,
        work: impl FnOnce(&KeyFolder) -> Result<T, KeyFileError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        let folder = self.folder.clone();
        let done = tokio::task::spawn_blocking(move || work(&KeyFolder::in_data_folder(&folder))).await;
        done.map_err(|_| ServiceError::Busy)?.map_err(|error| ServiceError::Storage(error.to_string()))
    }
}

impl Node {
    /// Signs and appends what `work` makes, in one transaction, if the actor may do it at that moment.
    pub(super) async fn signed(
        &self,
        actor: &Actor,
        action: Action,
        object: Object<'static>,
        mut work: Box<SignedWork<'static>>,
    ) -> Result<(), ServiceError> {
        may(&self.inner.directory(), actor, action, object)?;
        let (signer, author) = (self.signer(actor)?, actor.clone());
        self.inner.act(move |desk| desk.sign(&author, action, object, &signer, &mut *work)).await
    }
}
