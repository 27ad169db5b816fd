//! An event as readers see it, made once for all of them.

use noroshi_sync::id::{EntryId, RoomId, UserId};
use noroshi_sync::store::StoreError;

use super::Renderer;
use crate::events::Happening;
use crate::view::{ArrivedCount, MessageView, NodeEvent, Time};

type News = (Box<MessageView>, Vec<UserId>);

impl Renderer<'_> {
    /// `None` for what readers need not know, and for what is shown no more.
    pub fn event(&mut self, happening: &Happening) -> Result<Option<NodeEvent>, StoreError> {
        Ok(match happening {
            Happening::Message { room, id, author } => self
                .news(room, id, author)?
                .map(|(message, late_for)| NodeEvent::Message { room: *room, message, late_for }),
            Happening::Edited { room, id, author } => self
                .news(room, id, author)?
                .map(|(message, late_for)| NodeEvent::Edited { room: *room, message, late_for }),
            Happening::Redacted { room, id, author } => self
                .news(room, id, author)?
                .map(|(message, late_for)| NodeEvent::Redacted { room: *room, message, late_for }),
            Happening::Reaction { room, id, author } => self
                .news(room, id, author)?
                .map(|(message, late_for)| NodeEvent::Reaction { room: *room, message, late_for }),
            Happening::Read { room, user, message, at_ms } => {
                Some(NodeEvent::Read { room: *room, user: *user, message: *message, at: Time::from_ms(*at_ms) })
            }
            Happening::Arrived { room, messages } => {
                let messages = self.all_counts(room, messages)?;
                (!messages.is_empty()).then_some(NodeEvent::Arrived { room: *room, messages })
            }
            Happening::Room { room } => Some(NodeEvent::Room { room: *room }),
            Happening::RoomRemoved { room, user } => Some(NodeEvent::RoomRemoved { room: *room, user: *user }),
            Happening::Document { room, document } => {
                Some(NodeEvent::Document { room: *room, document: document.clone() })
            }
            Happening::Alert { code, text, at_ms } => {
                Some(NodeEvent::Alert { code: code.clone(), text: text.clone(), at: Time::from_ms(*at_ms) })
            }
            Happening::Attachment { room, blob } => self.attachment_event(*room, blob)?,
            Happening::Directory { .. } | Happening::SessionsEnded { .. } | Happening::PasswordChanged { .. } => None,
        })
    }

    /// The message of an event, as it is now, and for whom it is late; `None` when it is shown no more.
    fn news(&mut self, room: &RoomId, id: &EntryId, author: &UserId) -> Result<Option<News>, StoreError> {
        let Some(pk) = self.database.room_key(room)? else { return Ok(None) };
        let Some(shown) = self.database.messages_of(pk, id, author)?.into_iter().next() else { return Ok(None) };
        let Some(message) = self.message(&shown, None)? else { return Ok(None) };
        Ok(Some((Box::new(message), self.late_for(&shown)?)))
    }

    fn all_counts(&mut self, room: &RoomId, messages: &[(EntryId, UserId)]) -> Result<Vec<ArrivedCount>, StoreError> {
        let Some(pk) = self.database.room_key(room)? else { return Ok(Vec::new()) };
        let mut counts = Vec::with_capacity(messages.len());
        for (id, author) in messages {
            if let Some(shown) = self.database.messages_of(pk, id, author)?.into_iter().next() {
                counts.extend(self.counts(&shown)?);
            }
        }
        Ok(counts)
    }
}
