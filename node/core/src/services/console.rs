//! The administrator's key: unlocking it with the password, signing with it, locking it.

use std::sync::Arc;

use noroshi_provisioning::AdministratorKey;
use noroshi_provisioning::sealed::unseal_administrator;

use crate::deeds::SignedWork;
use crate::error::ServiceError;
use crate::node::Node;
use crate::rights::{Action, Object, may};
use crate::view::{Actor, ConsoleView, Time};

impl Node {
    /// Whether the actor has a key here, and whether it is unlocked.
    pub async fn console(&self, actor: &Actor) -> Result<ConsoleView, ServiceError> {
        let inner = &self.inner;
        let (wall_ms, mono_ms) = (inner.clock.wall_ms(), inner.clock.mono_ms());
        let left_ms = inner.consoles.left_ms(actor.user, actor.device, mono_ms);
        Ok(ConsoleView {
            key_here: inner.sealed_key(actor.user).await?.is_some(),
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
        let sealed = inner.sealed_key(actor.user).await?.ok_or(ServiceError::Denied("no_key_here"))?;
        let user = actor.user;
        let key = inner.compute(move || unseal_administrator(&password, user, &sealed)).await?;
        let key = key.map_err(|_| ServiceError::Denied("wrong_password"))?;
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
