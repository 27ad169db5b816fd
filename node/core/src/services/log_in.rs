//! Logging in and out. A password is checked a bounded number of times at once; a session is found by the hash of its
//! token and lasts as long as its lease.

use std::net::IpAddr;

use noroshi_provisioning::audit::{AuditEvent, AuditKind};
use noroshi_provisioning::device_key::{device_key_id, is_device_key};
use noroshi_provisioning::ledger::{DeviceEnrol, User};
use noroshi_provisioning::password::{Verifier, check_nobody};
use noroshi_provisioning::{Directory, limits};
use noroshi_sync::id::{DeviceId, EntryId, UserId};
use noroshi_sync::store::StoreError;
use unicode_normalization::UnicodeNormalization;

use super::audit::LOG_INS_SINGLY;
use crate::deeds::Desk;
use crate::error::ServiceError;
use crate::limits::{LOGIN_BYTES_MAX, SESSIONS_PER_USER_MAX};
use crate::node::{Inner, Node};
use crate::people::{FoldKey, Place, Session, Token, TokenHash, code_hash, device_secret, mono_ms, secret_hash};
use crate::render::{People, roles};
use crate::store::query::SessionRow;
use crate::view::{Actor, DeviceView, LogIn, MeView, NodeRef, PasscodeView, PasswordState, RulesState, Time};

/// The use of a session is written down at most this often, milliseconds.
const USE_NOTED_MS: u64 = 10 * 60 * 1_000;
const HOUR_MS: u64 = 60 * 60 * 1_000;
/// A row of a session is kept this long after its last use, milliseconds: longer than any lease.
const SESSION_KEPT_MS: u64 = 31 * 24 * HOUR_MS;

/// What somebody who logs in sends.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Credentials {
    pub login: String,
    pub password: String,
    /// The browser as it was known before.
    pub device: Option<DeviceId>,
    /// What proves that it is an enrolled device.
    pub device_secret: Option<String>,
    /// For a new device, from an administrator.
    pub device_code: Option<String>,
    /// ECDSA P-256 public key of the new device (65 bytes, SEC 1).
    pub device_key: Option<Vec<u8>>,
    /// What the person will recognise the new device by.
    pub device_name: String,
    /// Where it comes from, for the audit log.
    pub address: Option<IpAddr>,
}

/// What stands between a session and what it asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gate {
    Open,
    /// The passcode is to be given.
    Locked,
    /// The organisation wants a passcode on every device, and this one has none yet.
    PasscodeDue,
}

impl Gate {
    /// The code with which everything else is refused.
    pub const fn refusal(self) -> Option<&'static str> {
        match self {
            Self::Open => None,
            Self::Locked => Some("locked"),
            Self::PasscodeDue => Some("passcode_required"),
        }
    }
}

/// The device of a log-in.
enum Device {
    /// Not known to the organisation.
    Any(DeviceId),
    Enrolled(DeviceId),
    /// To be enrolled with this code.
    New {
        code_hash: [u8; 32],
        enrol: Box<DeviceEnrol>,
        secret: String,
    },
}

impl Node {
    /// Begins a session of a browser that has no device code. See [`Self::log_in_with`].
    pub async fn log_in(&self, login: &str, password: &str, device: Option<DeviceId>) -> Result<LogIn, ServiceError> {
        let (login, password) = (login.to_owned(), password.to_owned());
        self.log_in_with(Credentials { login, password, device, ..Credentials::default() }).await
    }

    /// Begins a session.
    ///
    /// # Errors
    /// `Unauthenticated` for a wrong name or password, and for people of other offices; `TooMany` after ten attempts in
    /// ten minutes; `Overloaded` when too many wait already. With the right password: `Denied` with `user_suspended`, `account_ended`, `device_suspended`,
    /// `device_code_required` or `wrong_device_code`.
    pub async fn log_in_with(&self, credentials: Credentials) -> Result<LogIn, ServiceError> {
        let login = normal_login(&credentials.login);
        let address = credentials.address;
        let outcome = self.try_log_in(&login, credentials).await;
        let refused = match &outcome {
            Err(ServiceError::Unauthenticated) => "wrong_credentials",
            Err(ServiceError::TooMany { .. }) => "too_many_attempts",
            Err(ServiceError::Denied(reason)) => reason,
            _ => return outcome,
        };
        // A name that nobody has is not kept: people type passwords there.
        let user = self.inner.directory().user_by_login(&login).map_or(UserId::NIL, |user| user.id);
        self.inner.note_refused_log_in(user, address, refused).await;
        outcome
    }

    async fn try_log_in(&self, login: &str, credentials: Credentials) -> Result<LogIn, ServiceError> {
        let inner = &self.inner;
        // Before the attempt is counted: who is sent away has tried nothing.
        let place = inner.passwords.enter()?;
        let too_many = |retry_after_s| ServiceError::TooMany { retry_after_s };
        inner.attempts.begin(login, inner.clock.mono_ms()).map_err(too_many)?;
        let directory = inner.directory();
        let user = directory.user_by_login(login).filter(|user| directory.may_log_in(self.id(), user.id));
        let verifier = user.and_then(|user| directory.verifier(user.id)).cloned();
        let right = inner.check_password(place, verifier, credentials.password.clone()).await?;
        let user = user.filter(|_| right).ok_or(ServiceError::Unauthenticated)?;
        inner.check_standing(&directory, user)?;
        let device = self.device(&directory, user, &credentials)?;
        let log_in = inner.begin_session(&directory, user, device, credentials.address).await;
        // A wrong code counts as an attempt, so that codes cannot be guessed by whoever knows a password.
        if log_in.is_ok() {
            inner.attempts.succeeded(login);
        }
        log_in
    }

    fn device(&self, directory: &Directory, user: &User, sent: &Credentials) -> Result<Device, ServiceError> {
        if let Some(typed) = sent.device_code.as_deref().filter(|code| !code.trim().is_empty()) {
            let device = new_device(user.id, typed, sent)?;
            let over = |hash| self.inner.code_clocks.is_over(hash, self.inner.clock.mono_ms());
            return match &device {
                Device::New { code_hash, .. } if over(code_hash) => Err(ServiceError::Denied("wrong_device_code")),
                _ => Ok(device),
            };
        }
        let known = sent.device.filter(|device| !device.is_nil());
        if let Some(device) = known
            && directory.is_device_suspended(self.id(), device, user.id)
        {
            return Err(ServiceError::Denied("device_suspended"));
        }
        if let Some(device) = known
            && proves(directory, device, user.id, sent.device_secret.as_deref())
        {
            return Ok(Device::Enrolled(device));
        }
        if directory.policy().require_devices {
            return Err(ServiceError::Denied("device_code_required"));
        }
        // Whoever cannot prove to be an enrolled device is not called so.
        let free = known.filter(|device| directory.uses_of(*device).next().is_none());
        Ok(Device::Any(free.unwrap_or_else(|| DeviceId::from_uuid(uuid::Uuid::now_v7()))))
    }

    /// Ends a session; one that is over already is fine.
    pub async fn log_out(&self, token: &str) -> Result<(), ServiceError> {
        let Some(hash) = TokenHash::of(token) else { return Ok(()) };
        if let Ok(session) = self.inner.session(hash).await {
            self.inner.consoles.lock(session.user, Some(session.device));
        }
        self.inner.act(move |desk| desk.log_out(hash)).await?;
        self.inner.sessions.forget(&hash);
        Ok(())
    }

    /// Who the token belongs to, with the roles the directory gives now.
    ///
    /// # Errors
    /// `Unauthenticated` when there is no such session (any more), `Denied("locked")` when the passcode is to be given,
    /// `Denied("passcode_required")` when one is to be set first.
    pub async fn authenticate(&self, token: &str) -> Result<Actor, ServiceError> {
        let (actor, gate) = self.authenticate_gated(token).await?;
        gate.refusal().map_or(Ok(actor), |code| Err(ServiceError::Denied(code)))
    }

    /// Whether a browser proves to be a device that is stopped here: a lost phone that comes back is told so, without a
    /// session.
    pub fn is_stopped_device(&self, device: DeviceId, secret: &str) -> bool {
        let (directory, hash) = (self.inner.directory(), secret_hash(secret));
        let mut owners = directory.uses_of(device).filter(|record| record.secret_hash == hash);
        owners.any(|record| directory.is_device_suspended(self.id(), device, record.user))
    }

    /// Whether the session would be let in, without counting as its use: for streams that stay open by themselves.
    pub async fn look_at_session(&self, token: &str) -> Result<(), ServiceError> {
        let hash = TokenHash::of(token).ok_or(ServiceError::Unauthenticated)?;
        let touched = self.inner.sessions.get(&hash, self.inner.hub.rights()).map(|session| session.touched_mono_ms);
        self.authenticate(token).await?;
        if let Some(touched) = touched {
            self.inner.sessions.touch(&hash, touched);
        }
        Ok(())
    }

    /// The same for the few things that may be done at a closed gate.
    pub async fn authenticate_gated(&self, token: &str) -> Result<(Actor, Gate), ServiceError> {
        let hash = TokenHash::of(token).ok_or(ServiceError::Unauthenticated)?;
        let session = self.inner.session(hash).await?;
        let directory = self.inner.directory();
        let user = directory.user(session.user).ok_or(ServiceError::Unauthenticated)?;
        self.inner.check_standing(&directory, user)?;
        if directory.is_device_suspended(self.id(), session.device, session.user) {
            return Err(ServiceError::Denied("device_suspended"));
        }
        let actor = Actor { user: user.id, device: session.device, roles: roles(user) };
        let idle_ms = u64::from(directory.policy().idle_lock_minutes) * 60_000;
        if session.locked {
            return Ok((actor, Gate::Locked));
        }
        if session.is_idle(idle_ms, &*self.inner.clock) && self.inner.lock_idle(hash, &session).await? {
            return Ok((actor, Gate::Locked));
        }
        let gate = self.inner.passcode_gate(&directory, hash, &session).await?;
        self.inner.sessions.touch(&hash, mono_ms(&*self.inner.clock));
        Ok((actor, gate))
    }

    pub async fn me(&self, actor: &Actor, token: &str) -> Result<MeView, ServiceError> {
        let directory = self.inner.directory();
        let user = directory.user(actor.user).ok_or(ServiceError::Unauthenticated)?;
        let hash = TokenHash::of(token).ok_or(ServiceError::Unauthenticated)?;
        let session = self.inner.session(hash).await?;
        let lease_ms = self.inner.lease_ms(&directory);
        let enrolled = directory.device(actor.device, actor.user).is_some();
        let (device, person) = (actor.device, actor.user);
        let passcode = self.inner.read(move |database| Ok(database.passcode(&device, &person)?)).await?;
        Ok(MeView {
            user: People::of(&directory).user(user, actor),
            roles: roles(user),
            device: device_view(&directory, actor.device, actor.user),
            node: self.inner.node_ref(),
            lease_until: Time::from_ms(session.leased_ms.saturating_add(lease_ms)),
            passcode: PasscodeView {
                set: passcode.is_some(),
                required: enrolled && directory.policy().require_passcode,
            },
            locked: session.locked,
            idle_lock_minutes: directory.policy().idle_lock_minutes,
            rules: directory.rules().map(|rules| RulesState {
                version: rules.entry.as_uuid(),
                accepted: rules.accepted.contains_key(&actor.user),
            }),
            password: PasswordState {
                initial: directory.verifier(actor.user).is_some_and(Verifier::is_initial),
                alone: !directory.policy().require_devices,
            },
            settings: serde_json::Map::new(),
        })
    }
}

impl Desk<'_> {
    fn log_out(&self, hash: TokenHash) -> Result<(), ServiceError> {
        let Some(row) = self.writing.session(&hash.0)? else { return Ok(()) };
        self.writing.end_session(&hash.0)?;
        Ok(self.note((row.user, row.device), &AuditEvent::new(AuditKind::LogOut, None))?)
    }
}

/// Whether the browser has what an enrolled device of this person was given.
fn proves(directory: &Directory, device: DeviceId, user: UserId, secret: Option<&str>) -> bool {
    let record = directory.device(device, user);
    record.zip(secret).is_some_and(|(record, secret)| record.secret_hash == secret_hash(secret))
}

fn new_device(user: UserId, typed: &str, sent: &Credentials) -> Result<Device, ServiceError> {
    let code_hash = code_hash(typed).ok_or(ServiceError::Denied("wrong_device_code"))?;
    if sent.device_key.as_ref().is_some_and(|key| !is_device_key(key)) {
        return Err(ServiceError::Invalid { field: "device_key", code: "malformed" });
    }
    let (secret, secret_hash) = device_secret().ok_or_else(|| ServiceError::Storage("no random bytes".into()))?;
    let name: String = sent.device_name.trim().chars().take(limits::REASON_CHARS_MAX).collect();
    let enrol = DeviceEnrol {
        device: DeviceId::from_uuid(uuid::Uuid::now_v7()),
        user,
        name: name.trim().to_owned(),
        key: sent.device_key.clone(),
        secret_hash,
        request: EntryId::NIL,
    };
    Ok(Device::New { code_hash, enrol: Box::new(enrol), secret })
}

impl Inner {
    /// Whether the account is in use, and nobody has stopped the person.
    fn check_standing(&self, directory: &Directory, user: &User) -> Result<(), ServiceError> {
        if directory.is_suspended(self.identity.node(), user.id) {
            return Err(ServiceError::Denied("user_suspended"));
        }
        if !user.details.is_valid_at(self.clock.wall_ms()) {
            return Err(ServiceError::Denied("account_ended"));
        }
        Ok(())
    }

    async fn begin_session(
        &self,
        directory: &Directory,
        user: &User,
        device: Device,
        address: Option<IpAddr>,
    ) -> Result<LogIn, ServiceError> {
        let token = Token::random().ok_or_else(|| ServiceError::Storage("no random bytes".into()))?;
        let (hash, now_ms) = (token.hash(), self.clock.wall_ms());
        let (id, new) = match device {
            Device::Any(device) | Device::Enrolled(device) => (device, None),
            Device::New { code_hash, enrol, secret } => (enrol.device, Some((code_hash, enrol, secret))),
        };
        let expires_ms = now_ms.saturating_add(SESSION_KEPT_MS);
        let row = SessionRow {
            user: user.id,
            device: id,
            created_ms: now_ms,
            used_ms: now_ms,
            leased_ms: now_ms,
            expires_ms,
            locked: false,
        };
        let enrolment = new.as_ref().map(|(code_hash, enrol, _)| (*code_hash, (**enrol).clone()));
        let key = FoldKey { kind: AuditKind::LogIn, user: user.id, device: id, address, reason: String::new() };
        let said = self.folds.begin(key, LOG_INS_SINGLY, self.clock.mono_ms());
        self.act(move |desk| {
            if let Some((code_hash, enrol)) = enrolment {
                desk.redeem_code(&code_hash, enrol)?;
            }
            if let Some(key) = said {
                desk.note((row.user, row.device), &key.event(1))?;
            }
            Ok(desk.writing.add_session(&hash.0, &row, SESSIONS_PER_USER_MAX)?)
        })
        .await?;
        let actor = Actor { user: user.id, device: id, roles: roles(user) };
        let view = match &new {
            Some((_, enrol, _)) => {
                let (name, key) = (enrol.name.clone(), enrol.key.as_deref());
                DeviceView {
                    id: id.as_uuid(),
                    enrolled: true,
                    name,
                    signs: key.is_some(),
                    key_id: key.map(device_key_id),
                }
            }
            None => device_view(directory, id, user.id),
        };
        Ok(LogIn {
            token: token.into_text(),
            user: People::of(directory).user(user, &actor),
            device: view,
            device_secret: new.map(|(_, _, secret)| secret),
            node: self.node_ref(),
        })
    }

    /// Whether the passcode that the organisation wants is there. Looked up until it is; nobody takes one away again.
    async fn passcode_gate(
        &self,
        directory: &Directory,
        hash: TokenHash,
        session: &Session,
    ) -> Result<Gate, ServiceError> {
        let (device, user) = (session.device, session.user);
        let wanted = directory.policy().require_passcode && directory.device(device, user).is_some();
        if !wanted || session.has_passcode {
            return Ok(Gate::Open);
        }
        if self.read(move |database| Ok(database.passcode(&device, &user)?)).await?.is_none() {
            return Ok(Gate::PasscodeDue);
        }
        self.sessions.note_passcode(&hash);
        Ok(Gate::Open)
    }

    /// Locks a session that nobody touched for long, if its device has a passcode. Returns whether it did.
    async fn lock_idle(&self, hash: TokenHash, session: &Session) -> Result<bool, ServiceError> {
        let (device, user) = (session.device, session.user);
        if self.read(move |database| Ok(database.passcode(&device, &user)?)).await?.is_none() {
            return Ok(false);
        }
        self.lock_session(hash, true).await?;
        Ok(true)
    }

    /// Locks or unlocks a session. A full disk does not keep a lost phone open: it is locked in memory first.
    pub(super) async fn lock_session(&self, hash: TokenHash, locked: bool) -> Result<(), ServiceError> {
        let rights = self.hub.rights();
        let mut session = self.session(hash).await?;
        session.locked = locked;
        session.touched_mono_ms = mono_ms(&*self.clock);
        if locked {
            self.sessions.remember(hash, session, rights);
        }
        self.act(move |desk| Ok(desk.writing.lock_session(&hash.0, locked)?)).await?;
        self.sessions.remember(hash, session, rights);
        Ok(())
    }

    /// How long a session outlives the moment from which its lease runs, milliseconds: longer where headquarters was out
    /// of sight since then.
    pub(super) fn lease_ms(&self, directory: &Directory) -> u64 {
        let policy = directory.policy();
        let lease_ms = u64::from(policy.lease_hours) * HOUR_MS;
        if self.isolation.lately(lease_ms, &*self.clock) {
            u64::from(policy.lease_isolated_hours) * HOUR_MS
        } else {
            lease_ms
        }
    }

    /// Checks a password off the runtime. Without a verifier it takes as long and is wrong.
    async fn check_password(
        &self,
        place: Place,
        verifier: Option<Verifier>,
        password: String,
    ) -> Result<bool, ServiceError> {
        let check = move || match verifier {
            Some(verifier) => verifier.check(&password),
            None => {
                check_nobody(&password);
                false
            }
        };
        self.compute_at(place, check).await
    }

    /// Does something that costs as much as a password, off the runtime, in its turn.
    pub(super) async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ServiceError> {
        self.compute_at(self.passwords.enter()?, work).await
    }

    pub(super) async fn compute_at<T: Send + 'static>(
        &self,
        place: Place,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ServiceError> {
        let turn = place.turn().await?;
        let held = move || {
            let _turn = turn;
            work()
        };
        tokio::task::spawn_blocking(held).await.map_err(|_| ServiceError::Busy)
    }

    pub(super) async fn session(&self, hash: TokenHash) -> Result<Session, ServiceError> {
        let rights = self.hub.rights();
        let session = match self.sessions.get(&hash, rights) {
            Some(session) => session,
            None => {
                let row = self.read(move |database| Ok(database.session(&hash.0)?)).await?;
                let session = Session::of(&row.ok_or(ServiceError::Unauthenticated)?, &*self.clock);
                self.sessions.remember(hash, session, rights);
                session
            }
        };
        let directory = self.directory();
        if session.is_over(self.lease_ms(&directory), &*self.clock) {
            self.sessions.forget(&hash);
            return Err(ServiceError::Unauthenticated);
        }
        self.used(hash, session, rights).await
    }

    /// Notes that a session is in use, and renews its lease in sight of headquarters. A full disk logs nobody out.
    async fn used(&self, hash: TokenHash, session: Session, rights: u64) -> Result<Session, ServiceError> {
        let now_ms = self.clock.wall_ms();
        if now_ms.saturating_sub(session.used_ms) < USE_NOTED_MS {
            return Ok(session);
        }
        let isolated = self.isolation.is_now();
        let leased_ms = if isolated { session.leased_ms } else { now_ms };
        let expires_ms = now_ms.saturating_add(SESSION_KEPT_MS);
        let noted =
            self.storage.write(move |writing| writing.use_session(&hash.0, now_ms, leased_ms, expires_ms)).await;
        match noted {
            Ok(()) => {
                let leased_mono_ms = if isolated { session.leased_mono_ms } else { mono_ms(&*self.clock) };
                let session = Session { used_ms: now_ms, leased_ms, leased_mono_ms, ..session };
                self.sessions.remember(hash, session, rights);
                Ok(session)
            }
            Err(StoreError::Full | StoreError::Io(_)) => Ok(session),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn node_ref(&self) -> NodeRef {
        let (directory, node) = (self.directory(), self.identity.node());
        let record = directory.node(node);
        NodeRef {
            id: node.to_string(),
            short: node.short(),
            name: record.map(|record| record.name.clone()).unwrap_or_default(),
            office: record.map(|record| People::of(&directory).office(record.office)),
        }
    }
}

/// As it stands in the directory: what an input method made of it is undone. Nobody has a longer one.
pub(super) fn normal_login(login: &str) -> String {
    login
        .trim()
        .chars()
        .take(LOGIN_BYTES_MAX + 1)
        .nfkc()
        .flat_map(char::to_lowercase)
        .take(LOGIN_BYTES_MAX + 1)
        .collect()
}

/// A device as its person sees it.
pub(super) fn device_view(directory: &Directory, device: DeviceId, user: UserId) -> DeviceView {
    let record = directory.device(device, user);
    let key = record.and_then(|record| record.key.as_deref());
    DeviceView {
        id: device.as_uuid(),
        enrolled: record.is_some(),
        name: record.map(|record| record.name.clone()).unwrap_or_default(),
        signs: key.is_some(),
        key_id: key.map(device_key_id),
    }
}
