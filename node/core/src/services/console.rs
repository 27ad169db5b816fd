//! The administrator's key: unlocking it with the password, signing with it, locking it.

use std::sync::Arc;

use noroshi_provisioning::audit::{AuditEvent, AuditKind};
use noroshi_provisioning::sealed::unseal_administrator;
use noroshi_provisioning::{AdministratorKey, KeyFolder};

use crate::deeds::SignedWork;
use crate::error::ServiceError;
use crate::node::{Inner, Node};
use crate::rights::{Action, Object, may};
use crate::view::{Actor, ConsoleView, Time};

impl Node {
    /// Whether the actor has a key here, and whether it is unlocked.
    pub async fn console(&self, actor: &Actor) -> Result<ConsoleView, ServiceError> {
        let inner = &self.inner;
        let (wall_ms, mono_ms) = (inner.clock.wall_ms(), inner.clock.mono_ms());
        let left_ms = inner.consoles.left_ms(actor.user, actor.device, mono_ms);
        Ok(ConsoleView {
            key_here: inner.sealed_key(actor).await?.is_some(),
            unlocked_until: left_ms.map(|left| Time::from_ms(wall_ms.saturating_add(left))),
        })
    }

    /// Unlocks the actor's key for a while, on this device.
    ///
    /// # Errors
    /// `Denied` with `no_key_here` or `wrong_password`; `TooMany` like a log-in.
    pub async fn unlock_console(&self, actor: &Actor, password: String) -> Result<ConsoleView, ServiceError> {
        let inner = &self.inner;
        may(&inner.directory(), actor, Action::UnlockConsole, Object::Organisation)?;
        let account = format!("console {}", actor.user);
        let too_many = |retry_after_s| ServiceError::TooMany { retry_after_s };
        inner.attempts.begin(&account, inner.clock.mono_ms()).map_err(too_many)?;
        let sealed = inner.sealed_key(actor).await?.ok_or(ServiceError::Denied("no_key_here"))?;
        let (user, device) = (actor.user, actor.device);
        let Ok(key) = inner.compute(move || unseal_administrator(&password, user, &sealed)).await? else {
            inner.note_refusal_of(actor, AuditKind::ConsoleRefused, "wrong_password").await;
            return Err(ServiceError::Denied("wrong_password"));
        };
        let event = AuditEvent::new(AuditKind::ConsoleUnlocked, None);
        inner.act(move |desk| Ok(desk.note((user, device), &event)?)).await?;
        inner.attempts.succeeded(&account);
        inner.consoles.unlock(actor.user, actor.device, key, inner.clock.mono_ms());
        self.console(actor).await
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

impl Inner {
    async fn sealed_key(&self, actor: &Actor) -> Result<Option<Vec<u8>>, ServiceError> {
        let (folder, user) = (self.folder.clone(), actor.user);
        let load = move || KeyFolder::in_data_folder(&folder).load_sealed_administrator(user);
        let loaded = tokio::task::spawn_blocking(load).await.map_err(|_| ServiceError::Busy)?;
        loaded.map_err(|error| ServiceError::Storage(error.to_string()))
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
