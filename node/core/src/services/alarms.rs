//! What an administrator must look at, told to everybody who has the app open and kept among the events.

use noroshi_sync::store::StoreError;

use crate::events::Happening;
use crate::node::{Inner, Node};
use crate::peers::Alarm;
use crate::view::{NodeEvent, Time};

impl Inner {
    /// Keeps and tells the alarms that sessions have raised.
    pub async fn raise_alarms(&self) -> Result<(), StoreError> {
        let alarms = self.board.take_alarms();
        if alarms.is_empty() {
            return Ok(());
        }
        let at_ms = self.clock.wall_ms();
        let happenings: Vec<Happening> = alarms.into_iter().map(|alarm| self.happening(alarm, at_ms)).collect();
        self.storage
            .write(move |writing| {
                happenings.iter().try_for_each(|happening| writing.emit_event(happening.encode()).map(|_| ()))
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
                ("fork", text)
            }
            Alarm::Doubled { node } if node == self.identity.node() => {
                let text = "このノードと同じものが、ほかの場所でも動いています（フォルダーの複製）。書いたものは失われませんが、どちらかを止めてください。残さないほうは、止めてフォルダーを消し、必要なら新しい参加コードで参加し直します。";
                ("doubled", text.to_owned())
            }
            Alarm::Doubled { node } => {
                let text = format!(
                    "「{}」と同じノードが二つ動いています（フォルダーの複製）。どちらを残すか決め、もう一方を止めてください。盗まれた疑いがあれば、このノードを失効させ、残すほうを新しい参加コードで参加し直します。",
                    name(node)
                );
                ("doubled", text)
            }
            Alarm::Ending { days } => {
                let text = format!(
                    "このノードの証明書は {days} 日以内に期限が切れます。本庁とつながると自動で更新されます。つながりと本庁の時計を確かめてください。"
                );
                ("certificate", text)
            }
            Alarm::Forged { peer } => ("forged", format!("「{}」から、署名の合わないデータが届きました。", name(peer))),
            Alarm::Diverged { peer } => ("diverged", format!("「{}」との間で、記録の照合が合いません。", name(peer))),
        }
    }
}

impl Node {
    /// What an administrator must look at, as long as this run of the node remembers it: a stable word and a sentence.
    pub fn alarms(&self) -> Vec<(&'static str, String)> {
        self.inner.board.alarms().into_iter().map(|alarm| self.inner.words(alarm)).collect()
    }
}
