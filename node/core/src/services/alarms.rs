//! What an administrator must look at, told to everybody who has the app open and kept among the events.

use noroshi_provisioning::audit::{AuditEvent, AuditKind, Subject};
use noroshi_sync::id::{DeviceId, NodeId, UserId};

use crate::error::ServiceError;
use crate::events::Happening;
use crate::node::{Inner, Node};
use crate::peers::{Alarm, CLOCK_SUSPECT_MS, PeerRecord, codes};
use crate::store::query::Gap;
use crate::view::{NodeEvent, PeerAlarmView, PeerState, Time};

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
        let (code, text) = self.words(alarm);
        tracing::error!(code, text, "alarm");
        Happening::Alert { code: code.into(), text, at_ms }
    }

    /// The stable word and the sentence.
    fn words(&self, alarm: Alarm) -> (&'static str, String) {
        let directory = self.directory();
        let name = |node| directory.node(node).map_or_else(|| node.short(), |record| record.name.clone());
        match alarm {
            Alarm::Fork { writer, .. } => {
                let text = format!(
                    "「{}」の記録が二つに分かれています。同じノードが二重に動いているか、記録が書き換えられた疑いがあります。",
                    name(writer)
                );
                (codes::FORK, text)
            }
            Alarm::Doubled { node } if node == self.identity.node() => {
                let text = "このノードと同じものが、ほかの場所でも動いています（フォルダーの複製）。書いたものは失われませんが、どちらかを止めてください。残さないほうは、止めてフォルダーを消し、必要なら新しい参加コードで参加し直します。";
                (codes::DOUBLED, text.to_owned())
            }
            Alarm::Doubled { node } => {
                let text = format!(
                    "「{}」と同じノードが二つ動いています（フォルダーの複製）。どちらを残すか決め、もう一方を止めてください。盗まれた疑いがあれば、このノードを失効させ、残すほうを新しい参加コードで参加し直します。",
                    name(node)
                );
                (codes::DOUBLED, text)
            }
            Alarm::Ending { days } => {
                let text = format!(
                    "このノードの証明書は {days} 日以内に期限が切れます。本庁とつながると自動で更新されます。つながりと本庁の時計を確かめてください。"
                );
                (codes::CERTIFICATE, text)
            }
            Alarm::Forged { peer } => {
                (codes::FORGED, format!("「{}」から、署名の合わないデータが届きました。", name(peer)))
            }
            Alarm::Diverged { peer } => {
                (codes::DIVERGED, format!("「{}」との間で、記録の照合が合いません。", name(peer)))
            }
        }
    }
}

/// A line that is lost for so long is told; shorter cuts heal by themselves every day.
const UNREACHABLE_AFTER_MS: u64 = 15 * 60_000;

impl Inner {
    /// What somebody has to look at about one peer and the line to it.
    pub(super) fn peer_alarms(&self, node: NodeId, record: &PeerRecord, gap: &Gap) -> Vec<PeerAlarmView> {
        let raised = self.board.alarms_about(&node).into_iter().map(|(alarm, at_ms)| {
            let (code, text) = self.words(alarm);
            PeerAlarmView { code: code.to_owned(), text, since: Some(Time::from_ms(at_ms)) }
        });
        raised.chain(self.line_alarm(record, &node, gap)).chain(clock_alarm(record)).collect()
    }

    fn line_alarm(&self, record: &PeerRecord, node: &NodeId, gap: &Gap) -> Option<PeerAlarmView> {
        let since_ms = record.since_ms?;
        let lost_ms = self.clock.wall_ms().saturating_sub(since_ms);
        let (code, text) = match record.state {
            PeerState::Connected => return None,
            PeerState::Cut if self.board.link_cut(node) => (
                codes::CUT_HERE,
                "この拠点の操作で、回線を切断しています。必要がなくなったら「線を戻す」を押してください。".to_owned(),
            ),
            PeerState::Cut => (
                codes::CUT_THERE,
                "相手の拠点の操作で、回線が切断されています。相手の拠点に電話などで確かめてください。".to_owned(),
            ),
            PeerState::Unreachable if lost_ms < UNREACHABLE_AFTER_MS => return None,
            PeerState::Unreachable => (
                codes::UNREACHABLE,
                format!(
                    "つながりません。未達 {} 件。相手の電源、ルーターと LAN ケーブル、回線の順に確かめてください。急ぐものは USB メモリーか電話で伝えてください。",
                    gap.there
                ),
            ),
        };
        Some(PeerAlarmView { code: code.to_owned(), text, since: Some(Time::from_ms(since_ms)) })
    }
}

fn clock_alarm(record: &PeerRecord) -> Option<PeerAlarmView> {
    let offset_ms = record.clock_offset_ms.filter(|offset| offset.unsigned_abs() > CLOCK_SUSPECT_MS.unsigned_abs())?;
    let seconds = offset_ms.unsigned_abs() / 1_000;
    let direction = if offset_ms > 0 { "進んで" } else { "遅れて" };
    let text = format!(
        "この拠点の時計より {seconds} 秒{direction}います。どちらが正しいかを電波時計や時報で確かめ、違っているほうの時刻合わせ (NTP) を直してください。発言の順序は保たれます。"
    );
    Some(PeerAlarmView { code: codes::CLOCK.to_owned(), text, since: None })
}

impl Node {
    /// What an administrator must look at, as long as this run of the node remembers it: a stable word and a sentence.
    pub fn alarms(&self) -> Vec<(&'static str, String)> {
        self.inner.board.alarms().into_iter().map(|alarm| self.inner.words(alarm)).collect()
    }
}

/// The same for the audit log.
fn event(alarm: &Alarm) -> AuditEvent {
    let (node, code) = match alarm {
        Alarm::Fork { writer, .. } => (Some(*writer), codes::FORK),
        Alarm::Doubled { node } => (Some(*node), codes::DOUBLED),
        Alarm::Ending { .. } => (None, codes::CERTIFICATE),
        Alarm::Forged { peer } => (Some(*peer), codes::FORGED),
        Alarm::Diverged { peer } => (Some(*peer), codes::DIVERGED),
    };
    AuditEvent::new(AuditKind::Alarm, node.map(Subject::Node)).with("reason", code)
}
