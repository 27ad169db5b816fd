//! What an administrator must look at, told to everybody who has the app open and kept among the events.

use noroshi_provisioning::audit::{AuditEvent, AuditKind, Subject};
use noroshi_sync::id::{DeviceId, UserId};

use crate::error::ServiceError;
use crate::events::Happening;
use crate::node::Inner;
use crate::peers::Alarm;
use crate::view::{NodeEvent, Time};

impl Inner {
    /// Keeps and tells the alarms that sessions have raised.
    pub async fn raise_alarms(&self) -> Result<(), ServiceError> {
        let alarms = self.board.take_alarms();
        if alarms.is_empty() {
            return Ok(());
        }
        let at_ms = self.clock.wall_ms();
        let said: Vec<AuditEvent> = alarms.iter().map(event).collect();
        let happenings: Vec<Happening> = alarms.into_iter().map(|alarm| self.happening(alarm, at_ms)).collect();
        self.act(move |desk| {
            for happening in &happenings {
                desk.writing.emit_event(happening.encode())?;
            }
            Ok(said.iter().try_for_each(|event| desk.note((UserId::NIL, DeviceId::NIL), event))?)
        })
        .await
    }

    /// Tells everybody who has the app open; nothing is kept, since it may be said while the store does not write.
    pub(super) fn alert(&self, code: &str, text: &str) {
        let at = Time::from_ms(self.clock.wall_ms());
        self.hub.tell(NodeEvent::Alert { code: code.to_owned(), text: text.to_owned(), at });
    }

    fn happening(&self, alarm: Alarm, at_ms: u64) -> Happening {
        let directory = self.directory();
        let name = |node| directory.node(node).map_or_else(|| node.short(), |record| record.name.clone());
        let (code, text) = match alarm {
            Alarm::Fork { room, writer } => {
                tracing::error!(%room, writer = %writer.short(), "a node has signed two histories of one log");
                let text = format!(
                    "「{}」の記録が二つに分かれています。同じノードが二重に動いているか、記録が書き換えられた疑いがあります。",
                    name(writer)
                );
                ("fork", text)
            }
            Alarm::Forged { peer } => {
                tracing::error!(peer = %peer.short(), "a peer sent data that its writer did not sign");
                ("forged", format!("「{}」から、署名の合わないデータが届きました。", name(peer)))
            }
            Alarm::Diverged { peer } => {
                tracing::error!(peer = %peer.short(), "all is exchanged and the digests still differ");
                ("diverged", format!("「{}」との間で、記録の照合が合いません。", name(peer)))
            }
        };
        Happening::Alert { code: code.into(), text, at_ms }
    }
}

/// The same for the audit log.
fn event(alarm: &Alarm) -> AuditEvent {
    let (node, code) = match alarm {
        Alarm::Fork { writer, .. } => (*writer, "fork"),
        Alarm::Forged { peer } => (*peer, "forged"),
        Alarm::Diverged { peer } => (*peer, "diverged"),
    };
    AuditEvent::new(AuditKind::Alarm, Some(Subject::Node(node))).with("reason", code)
}
