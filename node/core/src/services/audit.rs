//! The audit log: what is written besides the deeds themselves, and who may look at it.

mod reading;

use std::net::IpAddr;

use noroshi_provisioning::audit::{AuditEvent, AuditKind};
use noroshi_sync::id::{DeviceId, UserId};

pub use reading::AuditRequest;

use crate::error::ServiceError;
use crate::node::{Inner, Node};
use crate::people::FoldKey;
use crate::view::Actor;

/// Log-ins of one person from one address that are written singly within a minute.
pub(super) const LOG_INS_SINGLY: u32 = 10;

impl Node {
    /// Notes that somebody asked for what their roles do not allow. `what`: the call, without the ids in it.
    pub async fn note_forbidden(&self, actor: &Actor, what: &str) {
        let key = FoldKey {
            kind: AuditKind::Forbidden,
            user: actor.user,
            device: actor.device,
            address: None,
            reason: what.to_owned(),
        };
        self.inner.note_folded(key).await;
    }

    /// Notes that log-ins from an address were turned away before anybody was asked for.
    pub async fn note_address_refused(&self, address: IpAddr) {
        self.inner.note_refused_log_in(UserId::NIL, Some(address), "too_many_attempts").await;
    }
}

impl Node {
    /// Notes that somebody at this machine copied everything of this node into a file.
    pub async fn note_backup(&self, bytes: u64) -> Result<(), ServiceError> {
        let event = AuditEvent::new(AuditKind::BackupMade, None).with("bytes", &bytes.to_string());
        self.inner.act(move |desk| Ok(desk.note((UserId::NIL, DeviceId::NIL), &event)?)).await
    }
}

impl Inner {
    pub(super) async fn note_refused_log_in(&self, user: UserId, address: Option<IpAddr>, reason: &str) {
        let device = DeviceId::NIL;
        self.note_folded(FoldKey { kind: AuditKind::LogInRefused, user, device, address, reason: reason.into() }).await;
    }

    /// Something of `actor` that may happen very often.
    pub(super) async fn note_refusal_of(&self, actor: &Actor, kind: AuditKind, reason: &str) {
        let (user, device) = (actor.user, actor.device);
        self.note_folded(FoldKey { kind, user, device, address: None, reason: reason.into() }).await;
    }

    /// A refusal stands whether or not it can be written down.
    async fn note_folded(&self, key: FoldKey) {
        let now_ms = self.clock.mono_ms();
        if let Some(key) = self.folds.begin(key, 1, now_ms)
            && let Err(error) = self.write_counts(vec![(key, 1)]).await
        {
            tracing::warn!(%error, "a refusal could not be written into the audit log");
        }
    }

    /// Writes the counts of the minutes that are over, or of all.
    pub async fn write_folds(&self, all: bool) -> Result<(), ServiceError> {
        let now_ms = self.clock.mono_ms();
        let counts = self.folds.take(all, now_ms);
        if counts.is_empty() {
            return Ok(());
        }
        self.write_counts(counts.clone()).await.inspect_err(|_| self.folds.give_back(counts, now_ms))
    }

    async fn write_counts(&self, counts: Vec<(FoldKey, u32)>) -> Result<(), ServiceError> {
        self.act(move |desk| {
            for (key, count) in &counts {
                desk.note((key.user, key.device), &key.event(*count))?;
            }
            Ok(())
        })
        .await
    }
}
