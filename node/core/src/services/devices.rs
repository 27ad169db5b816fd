//! Devices: codes and requests for them, the list, stopping, letting in again, and the passcode of one's own.

use noroshi_provisioning::audit::AuditKind;
use noroshi_provisioning::passcode::{self, PasscodeRefusal};
use noroshi_provisioning::password::Verifier;
use noroshi_sync::id::{DeviceId, EntryId, UserId};

use crate::deeds::Stopped;
use crate::error::ServiceError;
use crate::limits::{DEVICE_CODE_MS, PASSCODE_FAILURES_MAX};
use crate::node::{Inner, Node};
use crate::people::{TokenHash, code_hash, random_code};
use crate::render::{People, by_owner};
use crate::rights::{Action, Object, may};
use crate::store::query::{CodeRow, PasscodeRow};
use crate::view::{Actor, DeviceCodeView, DeviceRequestView, KnownDeviceView, Standing, Time};

impl Node {
    /// Devices of a person, or of everybody the actor looks after.
    pub async fn devices(&self, actor: &Actor, of: Option<UserId>) -> Result<Vec<KnownDeviceView>, ServiceError> {
        let directory = self.inner.directory();
        if let Some(user) = of {
            may(&directory, actor, Action::SeeDevices, Object::Person(user))?;
        }
        let mut records: Vec<_> = directory
            .devices()
            .filter(|device| of.is_none_or(|user| device.user == user))
            .filter(|device| may(&directory, actor, Action::SeeDevices, Object::Person(device.user)).is_ok())
            .collect();
        by_owner(&directory, &mut records);
        let keys: Vec<(DeviceId, UserId)> = records.iter().map(|device| (device.id, device.user)).collect();
        let uses = self
            .inner
            .read(move |database| {
                keys.iter().map(|(device, user)| Ok(database.sessions_on(device, user)?)).collect::<Result<Vec<_>, _>>()
            })
            .await?;
        let people = People::of(&directory);
        let view = |(record, (sessions, used_ms)): (&noroshi_provisioning::ledger::DeviceRecord, (u32, u64))| {
            let suspended = people.suspension(directory.device_suspensions(record.id, record.user));
            KnownDeviceView {
                id: record.id.as_uuid(),
                user: people.person(record.user),
                name: record.name.clone(),
                enrolled_at: Some(Time::from_ms(record.enrolled_ms)),
                office: record.office.map(|office| people.office(office)),
                last_seen: (used_ms > 0).then(|| Time::from_ms(used_ms)),
                state: if suspended.is_some() { Standing::Suspended } else { Standing::Active },
                suspended,
                signs: record.key.is_some(),
                here: record.id == actor.device,
                sessions,
            }
        };
        Ok(records.into_iter().zip(uses).map(view).collect())
    }

    /// Makes a code for a device of this person; it is good at this node, once, for a day.
    pub async fn issue_device_code(
        &self,
        actor: &Actor,
        user: UserId,
        request: EntryId,
    ) -> Result<DeviceCodeView, ServiceError> {
        let no_random = || ServiceError::Storage("no random bytes".into());
        let code = random_code().ok_or_else(no_random)?;
        let hash = code_hash(&code).ok_or_else(no_random)?;
        let expires_ms = self.inner.clock.wall_ms().saturating_add(DEVICE_CODE_MS);
        let row = CodeRow { user, request, issued_by: actor.user, expires_ms, redeemed: false };
        let issuer = actor.clone();
        self.inner.act(move |desk| desk.issue_code(&issuer, &hash, &row)).await?;
        self.inner.code_clocks.begin(hash, DEVICE_CODE_MS, self.inner.clock.mono_ms());
        Ok(DeviceCodeView { code, expires_at: Time::from_ms(expires_ms) })
    }

    pub async fn request_device(
        &self,
        actor: &Actor,
        user: UserId,
        reason: String,
    ) -> Result<DeviceRequestView, ServiceError> {
        let asker = actor.clone();
        let id = self.inner.act(move |desk| desk.request_device(&asker, user, &reason)).await?;
        let directory = self.inner.directory();
        let request = directory.request(id).ok_or(ServiceError::NotFound)?;
        Ok(People::of(&directory).request(request))
    }

    /// Requests that the actor may answer or made, the newest first.
    pub async fn device_requests(&self, actor: &Actor) -> Result<Vec<DeviceRequestView>, ServiceError> {
        let directory = self.inner.directory();
        let people = People::of(&directory);
        let visible = directory.requests().filter(|request| {
            request.by == actor.user
                || may(&directory, actor, Action::SeeRequests, Object::Person(request.user)).is_ok()
        });
        let mut requests: Vec<_> = visible.collect();
        requests.sort_by_key(|request| std::cmp::Reverse(request.entry));
        Ok(requests.into_iter().map(|request| people.request(request)).collect())
    }

    pub async fn decline_device_request(&self, actor: &Actor, request: EntryId) -> Result<(), ServiceError> {
        let answerer = actor.clone();
        self.inner.act(move |desk| desk.decline_request(&answerer, request)).await
    }

    /// Every person to whom a device belongs and whose device the actor may stop.
    pub fn owners_of(&self, actor: &Actor, device: DeviceId) -> Result<Vec<UserId>, ServiceError> {
        let directory = self.inner.directory();
        let owners: Vec<UserId> = directory
            .uses_of(device)
            .map(|record| record.user)
            .filter(|user| may(&directory, actor, Action::SuspendDevice, Object::Person(*user)).is_ok())
            .collect();
        if owners.is_empty() { Err(ServiceError::NotFound) } else { Ok(owners) }
    }

    /// Stops a person or a device; see [`Desk::suspend`](crate::deeds::Desk::suspend). Streams end before this returns.
    pub async fn suspend(&self, actor: &Actor, stopped: Stopped, reason: String) -> Result<(), ServiceError> {
        // First: who may not stop anybody must not use up what others may need.
        may(&self.inner.directory(), actor, stopped.action(), Object::Person(stopped.user()))?;
        let key = self.inner.consoles.key(actor.user, actor.device, self.inner.clock.mono_ms());
        if key.is_none() {
            self.inner.count_suspension(actor)?;
        }
        let stopper = actor.clone();
        self.inner.act(move |desk| desk.suspend(&stopper, stopped, &reason, key.as_deref())).await?;
        tracing::warn!(by = %actor.user, ?stopped, "stopped");
        Ok(())
    }

    /// Lets a person or a device in again.
    pub async fn lift(&self, actor: &Actor, stopped: Stopped) -> Result<(), ServiceError> {
        may(&self.inner.directory(), actor, Action::Lift, Object::Person(stopped.user()))?;
        let signer = self.signer(actor)?;
        let lifter = actor.clone();
        self.inner.act(move |desk| desk.lift(&lifter, stopped, &signer)).await
    }

    /// Accepts the rules of use.
    pub async fn accept_rules(&self, actor: &Actor, rules: EntryId) -> Result<(), ServiceError> {
        let accepter = actor.clone();
        self.inner.act(move |desk| desk.accept_rules(&accepter, rules)).await
    }

    // --- the passcode

    /// Sets the passcode of this device at this node.
    ///
    /// # Errors
    /// `WrongPasscode` when `current` is not the present one; `Invalid` with `not_digits` or `too_simple`.
    pub async fn set_passcode(&self, actor: &Actor, new: String, current: Option<String>) -> Result<(), ServiceError> {
        let inner = &self.inner;
        if let Some(row) = inner.passcode(actor).await? {
            inner.check_passcode(actor, row, current.unwrap_or_default()).await?;
        }
        let verifier = inner.hash_passcode(new).await?;
        let (device, user) = (actor.device, actor.user);
        inner.act(move |desk| Ok(desk.writing.set_passcode(&device, &user, &String::from(verifier))?)).await
    }

    /// Locks a session until its passcode is given. Without a passcode there is nothing to lock with.
    pub async fn lock(&self, actor: &Actor, token: &str) -> Result<(), ServiceError> {
        let hash = TokenHash::of(token).ok_or(ServiceError::Unauthenticated)?;
        if self.inner.passcode(actor).await?.is_none() {
            return Err(ServiceError::Denied("no_passcode"));
        }
        self.inner.consoles.lock(actor.user, Some(actor.device));
        self.inner.lock_session(hash, true).await
    }

    /// Unlocks it again. After ten wrong passcodes the device is stopped.
    pub async fn unlock(&self, actor: &Actor, token: &str, passcode: String) -> Result<(), ServiceError> {
        let hash = TokenHash::of(token).ok_or(ServiceError::Unauthenticated)?;
        if let Some(row) = self.inner.passcode(actor).await? {
            self.inner.check_passcode(actor, row, passcode).await?;
        }
        self.inner.lock_session(hash, false).await
    }
}

impl Inner {
    async fn passcode(&self, actor: &Actor) -> Result<Option<PasscodeRow>, ServiceError> {
        let (device, user) = (actor.device, actor.user);
        self.read(move |database| Ok(database.passcode(&device, &user)?)).await
    }

    /// Counts the attempt before it is checked, so that attempts at the same time are all counted.
    async fn check_passcode(&self, actor: &Actor, row: PasscodeRow, typed: String) -> Result<(), ServiceError> {
        let (device, user) = (actor.device, actor.user);
        let failures = self
            .act(move |desk| {
                desk.writing.note_passcode(&device, &user, false)?;
                Ok(desk.writing.passcode(&device, &user)?.map_or(u32::MAX, |row| row.failures))
            })
            .await?;
        if failures <= PASSCODE_FAILURES_MAX && self.is_passcode(row.verifier, typed).await? {
            return self.act(move |desk| Ok(desk.writing.note_passcode(&device, &user, true)?)).await;
        }
        self.note_refusal_of(actor, AuditKind::PasscodeRefused, "").await;
        let left = PASSCODE_FAILURES_MAX.saturating_sub(failures);
        if left > 0 {
            return Err(ServiceError::WrongPasscode { left });
        }
        self.act(move |desk| {
            desk.suspend_by_itself(device, user)?;
            desk.writing.end_sessions_on(&device, &user)?;
            Ok(())
        })
        .await?;
        tracing::warn!(%user, "a device was stopped after too many wrong passcodes");
        Err(ServiceError::Denied("device_suspended"))
    }

    async fn is_passcode(&self, verifier: String, typed: String) -> Result<bool, ServiceError> {
        let verifier =
            Verifier::try_from(verifier).map_err(|_| ServiceError::Storage("a passcode is damaged".into()))?;
        self.compute(move || passcode::normalise(&typed).is_some_and(|digits| verifier.check(&digits))).await
    }

    async fn hash_passcode(&self, typed: String) -> Result<Verifier, ServiceError> {
        let refused = |refusal| match refusal {
            PasscodeRefusal::NotDigits => ServiceError::Invalid { field: "passcode", code: "not_digits" },
            PasscodeRefusal::TooSimple => ServiceError::Invalid { field: "passcode", code: "too_simple" },
            PasscodeRefusal::Unhashable => ServiceError::Busy,
        };
        self.compute(move || passcode::make_verifier(&typed)).await?.map_err(refused)
    }

    /// Whoever stops many without a key may have lost their own log-in. Counted for each person, so that nobody keeps
    /// another from stopping a lost phone.
    fn count_suspension(&self, actor: &Actor) -> Result<(), ServiceError> {
        let counted = self.suspensions.begin_many(&actor.user.to_string(), self.clock.mono_ms());
        counted.map_err(|retry_after_s| {
            tracing::error!(by = %actor.user, "somebody stops more people and devices than is credible");
            self.alert(
                crate::peers::codes::MANY_SUSPENSIONS,
                "短時間に多数の停止が行われました。管理者は確認してください。",
            );
            ServiceError::TooMany { retry_after_s }
        })
    }
}
