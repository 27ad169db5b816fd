//! Changing one's own password: the node of the person's office vouches for it, so it works cut off from everybody, and
//! every office that holds the person's verifier takes the new one.

use noroshi_provisioning::ledger::User;
use noroshi_provisioning::password::{Owner, PasswordRefusal, Verifier, make_verifier_of};
use noroshi_provisioning::sealed::{UnsealError, seal_administrator, unseal_administrator};
use noroshi_provisioning::{Directory, OfficeId};
use noroshi_sync::id::UserId;

use super::console::Sealed;
use super::log_in::normal_login;
use crate::error::ServiceError;
use crate::node::{Inner, Node};
use crate::people::TokenHash;
use crate::view::{Actor, PasswordChanged};

/// What comes out of the computation: the new verifier, and the administrator's keys sealed anew.
struct Prepared {
    verifier: Verifier,
    sealed: Vec<Sealed>,
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
        let sealed = inner.sealed_keys(actor.user).await?;
        let (known, present) = (known(&directory, user), directory.verifier(user.id).cloned());
        let person = user.id;
        let prepared =
            inner.compute_at(place, move || prepare(person, &known, present, sealed, &current, &new)).await?;
        if !matches!(prepared, Err(ServiceError::Denied(_))) {
            inner.attempts.succeeded(&login);
        }
        let Prepared { verifier, sealed, key_apart } = prepared?;
        if !sealed.is_empty() {
            inner.keep_pending(person, &verifier, sealed).await?;
        }
        let author = actor.clone();
        inner.act(move |desk| desk.change_password(&author, &hash.0, &verifier)).await?;
        // From here on the new password is in force. Should the machine stop before the key follows, it follows when it is
        // next looked at.
        inner.consoles.lock(person, None);
        if let Err(error) = inner.sealed_keys(person).await {
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

/// Up to seven computations that each cost as much as a log-in, in one turn.
fn prepare(
    user: UserId,
    known: &Known,
    present: Option<Verifier>,
    sealed: Vec<Sealed>,
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
    let mut prepared = Prepared { verifier, sealed: Vec::new(), key_apart: false };
    let failed = || ServiceError::Storage("the administrator's key cannot be sealed anew".into());
    for Sealed { bytes, requested } in sealed {
        match unseal_administrator(current, user, &bytes) {
            Ok(key) => {
                let bytes = seal_administrator(new, &key).map_err(|_| failed())?;
                prepared.sealed.push(Sealed { bytes, requested });
            }
            Err(UnsealError::WrongPassword) => prepared.key_apart = true,
            Err(UnsealError::Malformed | UnsealError::LaterVersion) => return Err(failed()),
        }
    }
    Ok(prepared)
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
    /// Keeps the keys until the password that opens them is in force.
    async fn keep_pending(&self, user: UserId, verifier: &Verifier, sealed: Vec<Sealed>) -> Result<(), ServiceError> {
        let verifier = verifier.clone();
        self.in_key_folder(move |folder| {
            let of = |requested| sealed.iter().find(|one| one.requested == requested).map(|one| one.bytes.as_slice());
            folder.save_pending_administrator(user, &verifier, [of(false), of(true)])
        })
        .await
    }
}
