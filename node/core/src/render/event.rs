//! An event as readers see it, made once for all of them.

use noroshi_sync::id::{EntryId, RoomId, UserId};
use noroshi_sync::store::StoreError;

use super::Renderer;
use crate::events::Happening;
use crate::view::{ArrivedCount, MessageView, NodeEvent, Time};

impl Renderer<'_> {
    /// `None` for what readers need not know, and for what is shown no more.
    pub fn event(&mut self, happening: &Happening) -> Result<Option<NodeEvent>, StoreError> {
        Ok(match happening {
            Happening::Message { room, id, author } => {
                self.boxed(room, id, author)?.map(|message| NodeEvent::Message { room: *room, message })
            }
            Happening::Edited { room, id, author } => {
                self.boxed(room, id, author)?.map(|message| NodeEvent::Edited { room: *room, message })
            }
            Happening::Redacted { room, id, author } => {
                self.boxed(room, id, author)?.map(|message| NodeEvent::Redacted { room: *room, message })
            }
            Happening::Reaction { room, id, author } => {
                self.boxed(room, id, author)?.map(|message| NodeEvent::Reaction { room: *room, message })
            }
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

    fn boxed(&mut self, room: &RoomId, id: &EntryId, author: &UserId) -> Result<Option<Box<MessageView>>, StoreError> {
        Ok(self.message_of(room, id, author)?.map(Box::new))
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
