//! Changing one's own password: the node of the person's office vouches for it, so it works cut off from everybody, and
//! every office that holds the person's verifier takes the new one.

use noroshi_provisioning::ledger::User;
use noroshi_provisioning::password::{Owner, PasswordRefusal, Verifier, make_verifier_of};
use noroshi_provisioning::sealed::{UnsealError, seal_administrator, unseal_administrator};
use noroshi_provisioning::{Directory, KeyFolder, OfficeId};
use noroshi_sync::id::UserId;

use super::log_in::normal_login;
use crate::error::ServiceError;
use crate::node::{Inner, Node};
use crate::people::TokenHash;
use crate::view::{Actor, PasswordChanged};

/// What comes out of the computation: the new verifier, and the administrator's key sealed anew.
struct Prepared {
    verifier: Verifier,
    sealed: Option<Vec<u8>>,
    /// There is a key here that another password opens.
    key_apart: bool,
}

/// Everything that is known of the person and that a password must not be.
struct Known {
    login: String,
    names: Vec<String>,
    alone: bool,
}

impl Node {
    /// Sets the actor's own password. Every other log-in of the person ends, here at once and elsewhere when the ledger
    /// arrives; the one with this token goes on. A key of the person that the old password opens is opened by the new one
    /// from then on: both change, or neither.
    ///
    /// # Errors
    /// `Denied("wrong_password")` when `current` is not the present one, counted like a log-in (`TooMany`); `Invalid` for a
    /// new one that is not accepted; `Overloaded` when too many wait.
    pub async fn change_password(
        &self,
        actor: &Actor,
        token: &str,
        current: String,
        new: String,
    ) -> Result<PasswordChanged, ServiceError> {
        let inner = &self.inner;
        let hash = TokenHash::of(token).ok_or(ServiceError::Unauthenticated)?;
        let directory = inner.directory();
        let user = directory.user(actor.user).ok_or(ServiceError::Unauthenticated)?;
        let login = normal_login(&user.login);
        let place = inner.passwords.enter()?;
        let too_many = |retry_after_s| ServiceError::TooMany { retry_after_s };
        inner.attempts.begin(&login, inner.clock.mono_ms()).map_err(too_many)?;
        // Two changes of one person at once would each replace the key that the other has just sealed.
        let _alone = inner.key_changes.acquire().await.map_err(|_closed| ServiceError::Busy)?;
        let sealed = inner.sealed_key(actor.user).await?;
        let (known, present) = (known(&directory, user), directory.verifier(user.id).cloned());
        let person = user.id;
        let prepared =
            inner.compute_at(place, move || prepare(person, &known, present, sealed, &current, &new)).await?;
        if !matches!(prepared, Err(ServiceError::Denied(_))) {
            inner.attempts.succeeded(&login);
        }
        let Prepared { verifier, sealed, key_apart } = prepared?;
        if let Some(sealed) = sealed {
            inner.keep_pending(person, &verifier, sealed).await?;
        }
        let author = actor.clone();
        inner.act(move |desk| desk.change_password(&author, &hash.0, verifier)).await?;
        // From here on the new password is in force. Should the machine stop before the key follows, it follows when it is
        // next looked at.
        inner.consoles.lock(person, None);
        if let Err(error) = inner.sealed_key(person).await {
            tracing::error!(%error, "the administrator's key is not yet under the new password");
        }
        tracing::info!(user = %person, "somebody has a new password");
        Ok(PasswordChanged { key_apart })
    }
}

fn known(directory: &Directory, user: &User) -> Known {
    let office = |office: OfficeId| directory.office(office).map(|office| office.name.clone()).unwrap_or_default();
    Known {
        login: user.login.clone(),
        names: vec![user.name.clone(), user.kana.clone(), user.section.clone(), office(user.office)],
        alone: !directory.policy().require_devices,
    }
}

/// Up to four computations that each cost as much as a log-in, in one turn.
fn prepare(
    user: UserId,
    known: &Known,
    present: Option<Verifier>,
    sealed: Option<Vec<u8>>,
    current: &str,
    new: &str,
) -> Result<Prepared, ServiceError> {
    if !present.is_some_and(|present| present.check(current)) {
        return Err(ServiceError::Denied("wrong_password"));
    }
    let names: Vec<&str> = known.names.iter().map(String::as_str).collect();
    let owner = Owner { login: &known.login, names: &names, alone: known.alone };
    let verifier = make_verifier_of(new, &owner).map_err(|refusal| refused(refusal, known.alone))?;
    if verifier.check(current) {
        return Err(ServiceError::Invalid { field: "new", code: "password_unchanged" });
    }
    let Some(sealed) = sealed else { return Ok(Prepared { verifier, sealed: None, key_apart: false }) };
    let failed = || ServiceError::Storage("the administrator's key cannot be sealed anew".into());
    match unseal_administrator(current, user, &sealed) {
        Ok(key) => {
            let sealed = seal_administrator(new, &key).map_err(|_| failed())?;
            Ok(Prepared { verifier, sealed: Some(sealed), key_apart: false })
        }
        Err(UnsealError::WrongPassword) => Ok(Prepared { verifier, sealed: None, key_apart: true }),
        Err(UnsealError::Malformed | UnsealError::LaterVersion) => Err(failed()),
    }
}

fn refused(refusal: PasswordRefusal, alone: bool) -> ServiceError {
    let code = match refusal {
        PasswordRefusal::TooShort if alone => "password_too_short_alone",
        PasswordRefusal::TooShort => "password_too_short",
        PasswordRefusal::TooLong => "password_too_long",
        PasswordRefusal::ControlCharacters => "control_characters",
        PasswordRefusal::IsTheLogin => "password_is_login",
        PasswordRefusal::TooCommon => "password_too_common",
        PasswordRefusal::Unhashable => return ServiceError::Busy,
    };
    ServiceError::Invalid { field: "new", code }
}

impl Inner {
    /// The person's sealed key, if it lies here: the one that goes with the password that the ledger knows.
    pub(super) async fn sealed_key(&self, user: UserId) -> Result<Option<Vec<u8>>, ServiceError> {
        let verifier = self.directory().verifier(user).cloned();
        self.with_keys(move |keys| {
            if let Some(verifier) = &verifier {
                keys.settle_sealed_administrator(user, verifier)?;
            }
            keys.load_sealed_administrator(user)
        })
        .await
    }

    async fn keep_pending(&self, user: UserId, verifier: &Verifier, sealed: Vec<u8>) -> Result<(), ServiceError> {
        let verifier = verifier.clone();
        self.with_keys(move |keys| keys.save_pending_administrator(user, &verifier, &sealed)).await
    }

    async fn with_keys<T: Send + 'static>(
        &self,
        work: impl FnOnce(&KeyFolder) -> Result<T, noroshi_provisioning::authority::KeyFileError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        let folder = self.folder.clone();
        let done = tokio::task::spawn_blocking(move || work(&KeyFolder::in_data_folder(&folder))).await;
        done.map_err(|_| ServiceError::Busy)?.map_err(|error| ServiceError::Storage(error.to_string()))
    }
}
