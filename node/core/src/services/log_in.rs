//! Logging in and out. A password is checked a bounded number of times at once; a session is found by the hash of its
//! token.

use noroshi_provisioning::password::{Verifier, check_nobody};
use noroshi_sync::id::DeviceId;
use noroshi_sync::store::StoreError;
use unicode_normalization::UnicodeNormalization;

use crate::error::ServiceError;
use crate::limits::{LOGIN_BYTES_MAX, SESSION_IDLE_MS_MAX, SESSIONS_PER_USER_MAX};
use crate::node::{Inner, Node};
use crate::people::{Place, Session, Token, TokenHash};
use crate::render::{People, roles};
use crate::store::query::SessionRow;
use crate::view::{Actor, DeviceView, LogIn, MeView, NodeRef};

/// The use of a session is written down at most this often, milliseconds.
const USE_NOTED_MS: u64 = 60 * 60 * 1_000;

impl Node {
    /// Begins a session. `device`: the browser as it was known before, otherwise it gets an id now.
    ///
    /// # Errors
    /// `Unauthenticated` for a wrong name or password, and for people of other offices; `TooMany` after ten attempts in
    /// ten minutes; `Overloaded` when too many wait already.
    pub async fn log_in(&self, login: &str, password: &str, device: Option<DeviceId>) -> Result<LogIn, ServiceError> {
        let inner = &self.inner;
        let login = normal_login(login);
        // Before the attempt is counted: who is sent away has tried nothing.
        let place = inner.passwords.enter()?;
        inner
            .attempts
            .begin(&login, inner.clock.mono_ms())
            .map_err(|retry_after_s| ServiceError::TooMany { retry_after_s })?;
        let directory = inner.directory();
        let user = directory.user_by_login(&login).filter(|user| directory.may_log_in(self.id(), user.id));
        let verifier = user.and_then(|user| directory.verifier(user.id)).cloned();
        let right = inner.check_password(place, verifier, password.to_owned()).await?;
        let user = user.filter(|_| right).ok_or(ServiceError::Unauthenticated)?;
        inner.attempts.succeeded(&login);

        let device = device.filter(|device| !device.is_nil());
        let device = device.unwrap_or_else(|| DeviceId::from_uuid(uuid::Uuid::now_v7()));
        let token = Token::random().ok_or_else(|| ServiceError::Storage("no random bytes".into()))?;
        let now_ms = inner.clock.wall_ms();
        let expires_ms = now_ms.saturating_add(SESSION_IDLE_MS_MAX);
        let row = SessionRow { user: user.id, device, created_ms: now_ms, used_ms: now_ms, expires_ms };
        let hash = token.hash();
        inner.act(move |desk| Ok(desk.writing.add_session(&hash.0, &row, SESSIONS_PER_USER_MAX)?)).await?;
        let actor = Actor { user: user.id, device, roles: roles(user) };
        let user = People::of(&directory).user(user, &actor);
        Ok(LogIn { token: token.into_text(), user, device: device_view(device), node: inner.node_ref() })
    }

    /// Ends a session; one that is over already is fine.
    pub async fn log_out(&self, token: &str) -> Result<(), ServiceError> {
        let Some(hash) = TokenHash::of(token) else { return Ok(()) };
        self.inner.act(move |desk| Ok(desk.writing.end_session(&hash.0)?)).await?;
        self.inner.sessions.forget(&hash);
        Ok(())
    }

    /// Who the token belongs to, with the roles the directory gives now.
    pub async fn authenticate(&self, token: &str) -> Result<Actor, ServiceError> {
        let hash = TokenHash::of(token).ok_or(ServiceError::Unauthenticated)?;
        let session = self.inner.session(hash).await?;
        let directory = self.inner.directory();
        let user = directory.user(session.user).ok_or(ServiceError::Unauthenticated)?;
        Ok(Actor { user: user.id, device: session.device, roles: roles(user) })
    }

    pub async fn me(&self, actor: &Actor) -> Result<MeView, ServiceError> {
        let directory = self.inner.directory();
        let user = directory.user(actor.user).ok_or(ServiceError::Unauthenticated)?;
        Ok(MeView {
            user: People::of(&directory).user(user, actor),
            roles: roles(user),
            device: device_view(actor.device),
            node: self.inner.node_ref(),
            settings: serde_json::Map::new(),
        })
    }
}

impl Inner {
    /// Checks a password off the runtime. Without a verifier it takes as long and is wrong.
    async fn check_password(
        &self,
        place: Place,
        verifier: Option<Verifier>,
        password: String,
    ) -> Result<bool, ServiceError> {
        let turn = place.turn().await?;
        let check = move || {
            let _turn = turn;
            match verifier {
                Some(verifier) => verifier.check(&password),
                None => {
                    check_nobody(&password);
                    false
                }
            }
        };
        tokio::task::spawn_blocking(check).await.map_err(|_| ServiceError::Busy)
    }

    async fn session(&self, hash: TokenHash) -> Result<Session, ServiceError> {
        let (clock, rights) = (&*self.clock, self.hub.rights());
        if let Some(session) = self.sessions.get(&hash, rights, clock) {
            return self.used(hash, session, rights).await;
        }
        let row = self.read(move |database| Ok(database.session(&hash.0)?)).await?;
        let row = row.ok_or(ServiceError::Unauthenticated)?;
        let session = Session::of(row.user, row.device, row.used_ms, row.expires_ms, clock);
        if session.is_over(clock) {
            return Err(ServiceError::Unauthenticated);
        }
        self.sessions.remember(hash, session, rights);
        self.used(hash, session, rights).await
    }

    /// Prolongs a session that is in use. A full disk logs nobody out.
    async fn used(&self, hash: TokenHash, session: Session, rights: u64) -> Result<Session, ServiceError> {
        let now_ms = self.clock.wall_ms();
        if now_ms.saturating_sub(session.used_ms) < USE_NOTED_MS {
            return Ok(session);
        }
        let expires_ms = now_ms.saturating_add(SESSION_IDLE_MS_MAX);
        let noted = self.storage.write(move |writing| writing.extend_session(&hash.0, now_ms, expires_ms)).await;
        match noted {
            Ok(()) => {
                let session = Session::of(session.user, session.device, now_ms, expires_ms, &*self.clock);
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
fn normal_login(login: &str) -> String {
    login
        .trim()
        .chars()
        .take(LOGIN_BYTES_MAX + 1)
        .nfkc()
        .flat_map(char::to_lowercase)
        .take(LOGIN_BYTES_MAX + 1)
        .collect()
}

const fn device_view(device: DeviceId) -> DeviceView {
    DeviceView { id: device.as_uuid(), enrolled: false }
}
